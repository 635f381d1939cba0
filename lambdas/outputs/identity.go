package main

import (
	"maps"
	"slices"
	"strings"
)

const (
	outputsPrefix = "workspaceoutputs/"
	fixedPrefix   = "fixedanswers/"
)

// outputsID is the physical ID of a workspace's outputs. A network plan's ID is
// made by netplan.Plan.ID.
func outputsID(workspace string) string { return outputsPrefix + workspace }

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
