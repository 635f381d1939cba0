#!/usr/bin/env bash
# Builds Karpenter's controller of the pinned version: build.sh OUTPUT
#
# Upstream's listens for metrics and probes on every address of the machine and
# has no setting for it; here everything stays on loopback. So it is built from
# a copy of sigs.k8s.io/karpenter in which these two lines, and nothing else,
# are changed.
set -eu
out=$1
cd "$(dirname "$0")"
version=$(go list -m -f '{{.Version}}' github.com/aws/karpenter-provider-aws)
go mod download sigs.k8s.io/karpenter
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp -R "$(go list -m -f '{{.Dir}}' sigs.k8s.io/karpenter)" "$folder/karpenter"
chmod -R u+w "$folder/karpenter"
file=$folder/karpenter/pkg/operator/operator.go
sed 's/fmt\.Sprintf(":%d"/fmt.Sprintf("127.0.0.1:%d"/' "$file" > "$folder/operator.go"
if [ "$(grep -c '"127\.0\.0\.1:%d"' "$folder/operator.go")" != 2 ]; then
  echo "build Karpenter's controller: version $version does not listen on two addresses in pkg/operator/operator.go; adapt this script" >&2
  exit 1
fi
mv "$folder/operator.go" "$file"
cp go.mod go.sum "$folder/"
go mod edit -replace "sigs.k8s.io/karpenter=$folder/karpenter" "$folder/go.mod"
CGO_ENABLED=0 go build -trimpath -modfile "$folder/go.mod" \
  -ldflags "-s -w -X sigs.k8s.io/karpenter/pkg/operator.Version=${version#v}" \
  -o "$out.tmp" github.com/aws/karpenter-provider-aws/cmd/controller
mv "$out.tmp" "$out"
