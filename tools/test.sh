#!/usr/bin/env bash
# All tests that need no AWS account. make test sets the environment.
# FUZZTIME is the time for each fuzz target (default 10s); SEED repeats a run.
set -eu
export SEED=${SEED:-$(( $(date +%s) % 1000000 ))}
echo "seed: $SEED (SEED=$SEED make test repeats the sampled cases)"

echo "== tests with an account: compile"
go vet -tags account ./tests/account/...

echo "== beside the code, templates, lifecycle, rehearsal"
# Not from the cache: it does not see what the rehearsal's own programs read.
go test -count=1 -timeout 30m ./...

echo "== data races"
if ! command -v "$(go env CC)" >/dev/null; then
  echo "left out: the race detector needs a C compiler, and this machine has none"
else
  go test -race -timeout 10m ./internal/customresource/... ./internal/netplan/... ./lambdas/outputs/...
fi

echo "== embedded Kubernetes"
# Built as the binary is: the compiled Kubernetes packages are shared with it.
(cd rehearsal/eks && CGO_ENABLED=0 go test -count=1 -trimpath -timeout 15m ./...)

echo "== embedded AWS"
"$REHEARSAL_PYTHON" -m unittest discover -s rehearsal/aws/tests

echo "== what AWS documents, of the embedded AWS"
"$REHEARSAL_PYTHON" -m unittest discover -s rehearsal/aws/conformance

bash tools/fuzz.sh "${FUZZTIME:-10s}"
