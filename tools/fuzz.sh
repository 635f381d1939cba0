#!/usr/bin/env bash
# Usage: fuzz.sh TIME. Runs every fuzz target of the project for that long.
set -eu
git grep -lE '^func Fuzz[A-Za-z0-9_]*\(' -- '*_test.go' | while read -r file; do
  case $file in rehearsal/eks/*) continue ;; esac
  grep -oE '^func Fuzz[A-Za-z0-9_]*' "$file" | sed 's/^func //' | while read -r target; do
    echo "== $target in $(dirname "$file"), $1"
    go test -run='^$' -fuzz="^$target\$" -fuzztime="$1" "./$(dirname "$file")" </dev/null
  done
done
