#!/usr/bin/env bash
# Usage: lint.sh FOLDER_WITH_GO_LINTERS PYTHON_ENVIRONMENT
set -eu
go_tools=$1 venv=$2
config=$PWD/.golangci.yml
echo "golangci-lint"
"$go_tools/golangci-lint" run --config "$config" ./...
echo "golangci-lint in rehearsal/eks"
# Built as its binary is: the compiled Kubernetes packages are shared with it.
(cd rehearsal/eks && GOFLAGS="-buildvcs=false -trimpath" CGO_ENABLED=0 "$go_tools/golangci-lint" run --config "$config" ./...)
echo "cfn-lint"
"$venv/bin/cfn-lint" --regions us-east-1 us-gov-west-1 cn-north-1 -- quickstart.yaml templates/*.yaml # a region of each partition
echo "cdk-nag"
go run ./cdk -judge
echo "ruff"
"$venv/bin/ruff" check --quiet rehearsal/aws tools
echo "parliament, and the list of properties that cannot change"
LINT_PYTHON="$venv/bin/python" go test -count=1 -run '^(TestIAMLint|TestCreateOnlyIsFresh)$' ./tests/template
echo "licence notices"
go test -count=1 -run '^TestNoticesAreFresh$' ./internal/notices
echo "govulncheck"
bash tools/vulnerabilities.sh "$go_tools/govulncheck"
