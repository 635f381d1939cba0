#!/usr/bin/env bash
# Usage: fuzz.sh TIME [TARGET]. Runs every fuzz target of the project for that
# long, or the one; a time of less than a minute is a minute for the one in long.
set -eu
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# fuzz PACKAGE TARGET TIME. On a busy machine Go before 1.27 may report the end
# of the time as the target's failure (https://go.dev/issue/75804). A real
# finding always comes with a failing input, so only that one message is let
# pass.
fuzz() {
  go test -run='^$' -fuzz="^$2\$" -fuzztime="$3" "$1" </dev/null >"$log" 2>&1 && { cat "$log"; return; }
  cat "$log"
  grep -qE '^ +context deadline exceeded$' "$log" || return 1
  ! grep -qE 'Failing input written|^ +--- FAIL|panic:|_test\.go:' "$log" || return 1
  echo "ok: the time was over (go.dev/issue/75804)"
}

# Nodes join by the text that FuzzSetRole edits.
long=FuzzSetRole

git grep -lE '^func Fuzz[A-Za-z0-9_]*\(' -- '*_test.go' | while read -r file; do
  case $file in rehearsal/eks/*) continue ;; esac
  grep -oE '^func Fuzz[A-Za-z0-9_]*' "$file" | sed 's/^func //' | while read -r target; do
    [ "${2:-$target}" = "$target" ] || continue
    time=$1
    case $target:$time in "$long":[0-9]s | "$long":[1-5][0-9]s) time=60s ;; esac
    echo "== $target in $(dirname "$file"), $time"
    fuzz "./$(dirname "$file")" "$target" "$time"
  done
done
