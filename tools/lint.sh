#!/usr/bin/env bash
# Usage: lint.sh FOLDER_WITH_GO_LINTERS PYTHON_ENVIRONMENT
set -eu
go_tools=$1 venv=$2
for module in . rehearsal/eks; do
  echo "golangci-lint in $module"
  (cd "$module" && "$go_tools/golangci-lint" run --config "$OLDPWD/.golangci.yml" ./...)
done
echo "cfn-lint"
"$venv/bin/cfn-lint" quickstart.yaml templates/*.yaml
echo "ruff"
"$venv/bin/ruff" check --quiet rehearsal/aws
echo "every commit's files"
if git grep -nIE '(proxy|sum)\.golang\.org|registry\.npmjs|pypi\.org|pythonhosted|repo1?\.maven|deb\.debian\.org' -- . ':!tools/lint.sh'; then
  echo "a package registry's host name stands in the files above; it must not" >&2
  exit 1
fi
