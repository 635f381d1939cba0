#!/usr/bin/env bash
# Sizes and speeds. Nothing here is a test: figures depend on the machine.
set -eu
echo "== zips of the functions (helminstaller: at most 16 MB)"
for f in "$QUICKSTART_DIST"/*.zip; do
  printf '%-40s %6.1f MB\n' "$(basename "$f")" "$(stat -c %s "$f" | awk '{print $1 / 1e6}')"
done
echo "== synth (at most 6 s)"
go build -o dist/cdk ./cdk
time dist/cdk -out "$(mktemp -d)"
echo "== benchmarks"
go test -run '^$' -bench . -benchtime 10x ./internal/... ./lambdas/... ./tests/lifecycle/...
