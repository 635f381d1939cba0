#!/usr/bin/env bash
# Everything in full. Writes docs/campaign.md; exits non-zero if anything failed.
# CAMPAIGN_FUZZTIME is the time for each fuzz target (default 10m).
set -u
export CAMPAIGN=1 LOCALKUBE_CAMPAIGN=1
export SEED=${SEED:-$(( $(date +%s) % 1000000 ))}
fuzztime=${CAMPAIGN_FUZZTIME:-10m}
logs=dist/campaign
page=docs/campaign.md
failed=0
rm -rf "$logs" && mkdir -p "$logs"

cat > "$page" <<PAGE
# Campaign

The newest full run of \`make campaign\`: every order, a failure after every resource, every permission taken away, every
fault, data races, long fuzzing. Seed $SEED; commit $(git rev-parse --short HEAD)$(git diff --quiet HEAD -- . ":!$page" || echo ' with changes'); $(nproc) cores.

| part | passed | failed | skipped | seconds |
|---|---|---|---|---|
PAGE

# part NAME COMMAND...: runs a go test -v and counts its tests and subtests.
part() {
  local name=$1 log start passed bad skipped good='^ *--- PASS' bad_line='^ *--- FAIL' skip_line='^ *--- SKIP'
  shift
  case $1 in
    fuzz) good='^ok' ;; # a line for each target
    python) good=' \.\.\. ok$' bad_line=' \.\.\. (FAIL|ERROR)$' skip_line=' \.\.\. (skipped|expected failure)' ;;
  esac
  log=$logs/$(tr ' /' '__' <<<"$name").log
  echo "== $name"
  start=$SECONDS
  "$@" >"$log" 2>&1 || { failed=1; echo "   FAILED, see $log"; }
  passed=$(grep -cE "$good" "$log")
  bad=$(grep -cE "$bad_line" "$log")
  skipped=$(grep -cE "$skip_line" "$log")
  echo "| $name | $passed | $bad | $skipped | $((SECONDS - start)) |" >> "$page"
}

e2e() { go test -count=1 -timeout 3h -parallel 3 -v -run "$1" ./tests/e2e/; }
python() { "$REHEARSAL_PYTHON" -m unittest discover -v -s "$1"; }
fuzz() { bash tools/fuzz.sh "$fuzztime"; }

part "create, update, delete; leftovers" e2e 'TestCreateUpdateDelete|TestTheLeftover|TestEveryResource'
part "orders of independent resources" e2e TestAnyOrder
part "permissions taken away" e2e 'TestAPermission|TestWithoutItsAccessEntry'
part "faults of pods" e2e TestAChart
part "Karpenter's nodes, its permissions" e2e Karpenter
part "load balancers and volumes" e2e 'LoadBalancer|Volume'
part "planted faults" e2e TestAPlanted
part "the CDK's command" e2e TestTheCDK
part "failed updates" e2e TestAFailedUpdate
part "interruptions" e2e TestAnInterrupted
part "failure after each resource" e2e TestARolledBack
part "beside the code, templates, lifecycle" go test -count=1 -v -timeout 30m ./cdk/... ./cmd/... ./internal/... ./lambdas/... ./rehearsal/... ./charts/... ./tests/template/... ./tests/lifecycle/...
part "data races" go test -count=1 -race -v -timeout 60m ./internal/... ./lambdas/...
part "embedded Kubernetes" bash -c 'cd rehearsal/eks && CGO_ENABLED=0 go test -count=1 -trimpath -timeout 30m -v ./...'
part "embedded AWS" python rehearsal/aws/tests
part "what AWS documents" python rehearsal/aws/conformance
part "fuzzing, $fuzztime each target" fuzz

echo >> "$page"
if [ "$failed" = 0 ]; then echo "Everything passed."; else echo "Something failed."; fi | tee -a "$page"
exit "$failed"
