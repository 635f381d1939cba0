#!/usr/bin/env bash
# Usage: vulnerabilities.sh GOVULNCHECK
#
# Fails if the Go vulnerability database knows of anything that this project's
# code reaches, or that is in the functions as they are published. GOVULNDB is
# another database, such as file:///usr/share/vulndb. Where Go's own cannot be
# reached, it says so and goes well.
set -eu
check=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

go run ./cmd/quickstart build --out "$scratch" --architectures arm64 >/dev/null
for zip in "$scratch"/*.zip; do
  python3 -m zipfile -e "$zip" "${zip%.zip}"
done

# A database with an entry that fits must be heeded, or the rest proves nothing.
if "$check" -db "file://$PWD/tools/testdata/planted-vulnerability" -mode binary "$scratch/outputs-arm64/bootstrap" >"$scratch/planted"; then
  echo "a planted vulnerability was not found:"; cat "$scratch/planted"
  exit 1
elif ! grep -q 'GO-0000-0001' "$scratch/planted"; then
  cat "$scratch/planted"
  exit 1
fi

# known ARGUMENTS: looks for what is known of a thing.
known() {
  "$check" -db "${GOVULNDB:-https://vuln.go.dev}" "$@" >"$scratch/said" 2>&1 && return
  if [ -z "${GOVULNDB:-}" ] && grep -q '^govulncheck: fetching vulnerabilities: ' "$scratch/said"; then
    echo "left out: nobody looked for known vulnerabilities, the database https://vuln.go.dev cannot be reached (GOVULNDB can name a copy)"
    exit 0
  fi
  cat "$scratch/said"
  exit 1
}
for function in "$scratch"/*/; do
  known -mode binary "$function/bootstrap"
done
known ./...
