#!/usr/bin/env bash
# Says plainly, a line for each thing, what this machine lacks. Everything else
# is installed by make.
set -u
missing=0
lack() { printf 'missing: %s\n' "$1" >&2; missing=1; }
at_least() { # have, want: version numbers, nothing if a tool said none
  [ -n "$1" ] && awk -v have="$1" -v want="$2" 'BEGIN {
    n = split(want, w, "."); split(have, h, ".")
    for (i = 1; i <= n; i++) if (h[i] + 0 != w[i] + 0) exit h[i] + 0 < w[i] + 0
  }'
}
said() { # the version in what a tool prints, its complaints left out
  "$@" 2>/dev/null | sed -n 's/^[^0-9]*\([0-9][0-9.]*\).*/\1/p' | sed q
}

if ! command -v go >/dev/null; then
  lack "Go 1.26 or newer (https://go.dev/doc/install)"
else
  have=$(GOTOOLCHAIN=local said go env GOVERSION)
  at_least "$have" 1.26 || lack "Go 1.26 or newer; $(command -v go) is ${have:-of no known version}"
fi
if ! command -v node >/dev/null; then
  lack "Node.js 20 or newer (https://nodejs.org): the AWS CDK runs in it"
else
  have=$(said node --version)
  at_least "$have" 20 || lack "Node.js 20 or newer; $(command -v node) is ${have:-of no known version}"
fi
if ! command -v python3 >/dev/null; then
  lack "Python 3.11 or newer: the embedded AWS runs in it"
else
  have=$(said python3 -c 'import platform; print(platform.python_version())')
  at_least "$have" 3.11 || lack "Python 3.11 or newer; $(command -v python3) is ${have:-of no known version}"
  python3 -c 'import venv, ensurepip' 2>/dev/null || lack "Python's venv module (on Debian and Ubuntu: the package python3-venv)"
fi
command -v git >/dev/null || lack "git"

# What make builds lies in the user's cache, often on another disk than the clone.
cache=${XDG_CACHE_HOME:-${HOME:-}/.cache}
if [ -n "$(find "$cache/e6data-quickstart" -maxdepth 2 -name localkube 2>/dev/null)" ]; then need=2; else need=8; fi
while [ ! -d "$cache" ]; do cache=$(dirname "$cache"); done
for place in . "$cache"; do
  free=$(df -Pk "$place" | awk 'END {print int($4 / 1024 / 1024)}')
  if [ "$free" -lt "$need" ]; then
    lack "disk space: $need GiB free are needed at $(cd "$place" && pwd) for what make builds, $free GiB are there"
    break
  fi
done
exit $missing
