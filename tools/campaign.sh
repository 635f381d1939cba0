#!/usr/bin/env bash
# Everything in full. Writes docs/campaign.md; exits non-zero if anything failed.
# CAMPAIGN_FUZZTIME is the time for each fuzz target (default 10m). PARTS, an
# extended regular expression, runs the parts with such names anew and keeps the
# other rows of the page.
set -u
export CAMPAIGN=1 LOCALKUBE_CAMPAIGN=1
export SEED=${SEED:-$(( $(date +%s) % 1000000 ))}
fuzztime=${CAMPAIGN_FUZZTIME:-10m}
logs=dist/campaign
page=docs/campaign.md
rows=$logs/rows
commit=$(git rev-parse --short HEAD)$(git diff --quiet HEAD -- . ":!$page" || echo '+')
failed=0
mkdir -p "$logs"
: > "$rows"
[ -z "${PARTS:-}" ] || grep -E '^\| [^|]+ \| [0-9]+ \|' "$page" > "$rows"

# write_page [VERDICT]: the verdict is what the rows say if none is given.
write_page() {
  cat <<PAGE
# Campaign

The newest full run of \`make campaign\`: every order, a failure after every resource, every permission taken away, every
fault, data races, long fuzzing. $(nproc) cores. Each row has the commit (+: with changes) and the seed that it ran with.

| part | passed | failed | skipped | seconds | commit | seed |
|---|---|---|---|---|---|---|
PAGE
  cat "$rows"
  echo
  if [ $# -gt 0 ]; then
    echo "$1"
  elif awk -F'|' '$4 + 0 > 0 { bad = 1 } END { exit bad }' "$rows" && [ "$failed" = 0 ]; then
    echo "Everything passed."
  else
    echo "Something failed."
  fi
}

# part NAME COMMAND...: runs a go test -v and counts its tests and subtests.
part() {
  local name=$1 log start passed bad skipped row status=0 good='^ *--- PASS' bad_line='^ *--- FAIL' skip_line='^ *--- SKIP'
  shift
  grep -qE "${PARTS:-.}" <<<"$name" || return 0
  case $1 in
    fuzz) good='^ok' ;; # a line for each target
    python) good=' \.\.\. ok$' bad_line=' \.\.\. (FAIL|ERROR)$' skip_line=' \.\.\. (skipped|expected failure)' ;;
  esac
  log=$logs/$(tr ' /' '__' <<<"$name").log
  echo "== $name"
  start=$SECONDS
  "$@" >"$log" 2>&1 || { status=1 failed=1; echo "   FAILED, see $log"; }
  passed=$(grep -cE "$good" "$log")
  bad=$(grep -cE "$bad_line" "$log")
  if [ "$bad" = 0 ] && { [ "$status" != 0 ] || [ "$passed" = 0 ]; }; then
    bad=1 failed=1 # it did not even begin, or its pattern names no test any more
  fi
  skipped=$(grep -cE "$skip_line" "$log")
  row="| $name | $passed | $bad | $skipped | $((SECONDS - start)) | $commit | $SEED |"
  if grep -qF "| $name |" "$rows"; then
    awk -v name="| $name |" -v row="$row" 'index($0, name) == 1 { print row; next } { print }' "$rows" > "$rows.new"
    mv "$rows.new" "$rows"
  else
    echo "$row" >> "$rows"
  fi
  write_page "Not finished." > "$page"
}

covered='^$'
rehearse() { go test -count=1 -timeout 3h -parallel 3 -v "$@" ./tests/e2e/; }
# e2e NAME PATTERN: a part of tests/e2e. The last of them runs what no other did.
e2e() {
  covered="$covered|$2"
  part "$1" rehearse -run "$2"
}
python() { "$REHEARSAL_PYTHON" -m unittest discover -v -s "$1"; }
fuzz() { bash tools/fuzz.sh "$@"; }

e2e "create, update, delete; leftovers" 'TestCreateUpdateDelete|TestTheLeftover|TestEveryResource'
e2e "orders of independent resources" TestAnyOrder
e2e "permissions taken away" 'TestAPermission|TestWithoutItsAccessEntry'
e2e "faults of pods" TestAChart
e2e "Karpenter's nodes, its permissions" Karpenter
e2e "load balancers and volumes" 'LoadBalancer|Volume'
e2e "planted faults" 'TestEachPlanted|TestAFaultThat'
e2e "the CDK's command" TestTheCDK
e2e "failed updates" TestAFailedUpdate
e2e "interruptions" TestAnInterrupted
e2e "failure after each resource" TestARolledBack
part "the rest of the rehearsal" rehearse -skip "$covered"
part "aws-auth, three editors at once" go test -count=1 -v -timeout 30m -run '^TestThreeEditors' ./internal/awsauth/
part "beside the code, templates, lifecycle" go test -count=1 -v -timeout 30m ./cdk/... ./cmd/... ./internal/... ./lambdas/... ./rehearsal/... ./charts/... ./tests/template/... ./tests/lifecycle/...
part "data races" go test -count=1 -race -v -timeout 60m ./internal/... ./lambdas/...
part "embedded Kubernetes" bash -c 'cd rehearsal/eks && CGO_ENABLED=0 go test -count=1 -trimpath -timeout 30m -v ./...'
part "embedded AWS" python rehearsal/aws/tests
part "what AWS documents" python rehearsal/aws/conformance
part "fuzzing of aws-auth, 10m" fuzz 10m FuzzSetRole
part "fuzzing, $fuzztime each target" fuzz "$fuzztime"

write_page > "$page"
tail -1 "$page"
exit "$failed"
