#!/usr/bin/env bash
# Says plainly what this machine lacks. Everything else is installed by make.
set -u
missing=0
lack() { printf 'missing: %s\n' "$1" >&2; missing=1; }
at_least() { # have, want: version numbers
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n1)" = "$2" ]
}

if ! command -v go >/dev/null; then
  lack "Go 1.26 or newer (https://go.dev/doc/install)"
else
  have=$(GOTOOLCHAIN=local go env GOVERSION | sed 's/^go//; s/[^0-9.].*//')
  at_least "$have" 1.26 || lack "Go 1.26 or newer; $(command -v go) is $have"
fi
if ! command -v node >/dev/null; then
  lack "Node.js 20 or newer (https://nodejs.org): the AWS CDK runs in it"
else
  have=$(node --version | sed 's/^v//')
  at_least "$have" 20 || lack "Node.js 20 or newer; $(command -v node) is $have"
fi
if ! command -v python3 >/dev/null; then
  lack "Python 3.11 or newer: the embedded AWS runs in it"
else
  have=$(python3 -c 'import platform; print(platform.python_version())')
  at_least "$have" 3.11 || lack "Python 3.11 or newer; $(command -v python3) is $have"
  python3 -c 'import venv, ensurepip' 2>/dev/null || lack "Python's venv module (on Debian and Ubuntu: the package python3-venv)"
fi
command -v git >/dev/null || lack "git"

free=$(df -Pk . | awk 'NR==2 {print int($4 / 1024 / 1024)}')
[ "$free" -ge 8 ] || lack "disk space: 8 GiB free are needed to build the embedded Kubernetes the first time, $free GiB are there"
exit $missing
