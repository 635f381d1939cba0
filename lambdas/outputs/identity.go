package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

const (
	outputsPrefix   = "workspaceoutputs/"
	fixedPrefix     = "fixedanswers/"
	factsPrefix     = "clusterfacts/"
	preflightPrefix = "preflight/"
)

// outputsID is the physical ID of a workspace's outputs. A network plan's ID is
// made by netplan.Plan.ID.
func outputsID(workspace string) string { return outputsPrefix + workspace }

// preflightID is the physical ID of what was looked at for a workspace.
func preflightID(workspace string) string { return preflightPrefix + workspace }

// fixedID is the physical ID of a stack's fixed answers: the digest of each, by
// the parameter's name, such as fixedanswers/ClusterName=0a1b2c3d4e5f.
func fixedID(digests map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(digests)) {
		parts = append(parts, name+"="+digests[name])
	}
	return fixedPrefix + strings.Join(parts, ",")
}

// parseFixedID is what fixedID put in; what cannot be read is left out.
func parseFixedID(physicalID string) map[string]string {
	digests := map[string]string{}
	for part := range strings.SplitSeq(strings.TrimPrefix(physicalID, fixedPrefix), ",") {
		if name, sum, ok := strings.Cut(part, "="); ok {
			digests[name] = sum
		}
	}
	return digests
}

// factsID is the physical ID of the facts of a cluster.
func factsID(cluster string) string { return factsPrefix + cluster }

// parseFactsID is the cluster's name that factsID put in; ours is false for any
// other text.
func parseFactsID(physicalID string) (cluster string, ours bool) {
	return strings.CutPrefix(physicalID, factsPrefix)
}

const providerResource = "oidc-provider/"

// providerARN is the ARN of the IAM OIDC provider of an issuer, an https URL, in
// the account of a stack. It is the physical ID too, so Ref is the ARN, as it is
// of an AWS::IAM::OIDCProvider.
func providerARN(stackID, issuer string) (string, error) {
	id, err := arn.Parse(stackID)
	if err != nil {
		return "", fmt.Errorf("read the stack's ID %q: %w", stackID, err)
	}
	id.Service, id.Region, id.Resource = "iam", "", providerResource+strings.TrimPrefix(issuer, "https://")
	return id.String(), nil
}

// parseProviderARN is the issuer without its scheme that providerARN put in;
// ours is false for any other text.
func parseProviderARN(physicalID string) (issuer string, ours bool) {
	id, err := arn.Parse(physicalID)
	if err != nil || id.Service != "iam" {
		return "", false
	}
	return strings.CutPrefix(id.Resource, providerResource)
}

// stackUUID is the unique part of a stack's ID, an ARN that ends in
// stack/NAME/UUID.
func stackUUID(stackID string) string { return stackID[strings.LastIndex(stackID, "/")+1:] }
