#!/usr/bin/env bash
# All tests that need no AWS account. make test sets the environment.
# FUZZTIME is the time for each fuzz target (default 10s); SEED repeats a run.
set -eu
export SEED=${SEED:-$(( $(date +%s) % 1000000 ))}
echo "seed: $SEED (SEED=$SEED make test repeats the sampled cases)"
logs=dist/test
rm -rf "$logs" && mkdir -p "$logs"

# The embedded AWS's own tests mostly wait, as the rehearsal's do: they run
# beside Go's, and what they print is shown after them.
embedded_aws() {
  "$REHEARSAL_PYTHON" -m unittest discover -s rehearsal/aws/tests >"$logs/embedded-aws.log" 2>&1
}
documented() {
  "$REHEARSAL_PYTHON" -m unittest discover -s rehearsal/aws/conformance >"$logs/documented.log" 2>&1
}
embedded_aws & embedded_aws=$!
documented & documented=$!
trap 'kill $embedded_aws $documented 2>/dev/null || true' EXIT

# finish TITLE PID LOG: waits for a part in the background and shows its log.
finish() {
  echo "== $1"
  if wait "$2"; then cat "$3"; else cat "$3"; return 1; fi
}

echo "== tests with an account: compile"
go vet -tags account ./tests/account/...

echo "== beside the code, templates, lifecycle, rehearsal"
# Not from the cache: it does not see what the rehearsal's own programs read.
go test -count=1 -timeout 60m ./...

command -v chromium >/dev/null || echo "left out: no browser looked at the report, this machine has no chromium (on Debian: the package chromium)"

echo "== data races"
if ! command -v "$(go env CC)" >/dev/null; then
  echo "left out: the race detector needs a C compiler, and this machine has none"
else
  go test -race -timeout 10m ./internal/customresource/... ./internal/netplan/... ./lambdas/outputs/...
fi

echo "== embedded Kubernetes"
# Built as the binary is: the compiled Kubernetes packages are shared with it.
(cd rehearsal/eks && CGO_ENABLED=0 go test -count=1 -trimpath -timeout 15m ./...)

finish "embedded AWS" $embedded_aws "$logs/embedded-aws.log"
finish "what AWS documents, of the embedded AWS" $documented "$logs/documented.log"

bash tools/fuzz.sh "${FUZZTIME:-10s}"
