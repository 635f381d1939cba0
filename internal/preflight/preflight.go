// Package preflight says, before anything is made, all that would make a launch
// fail: facts of the account go in, problems come out, each with what is wrong,
// on what, why, and what to do. It does no I/O: a fact that could not be read
// is not known, and what is not known is no problem.
package preflight

import (
	"cmp"
	"slices"
)

// Kind is one thing that can be wrong: a row of docs/preflight.md.
type Kind struct {
	// ID names it in messages and on the page, in lower case with hyphens.
	ID string
	// What is wrong: a clause that begins in lower case.
	What string
	// Do is what to do about it: sentences without the last full stop. What
	// stands in {braces} is filled in by the problem.
	Do string
	// Note is a kind that is told in the log and stops nothing.
	Note bool
}

// Problem is one thing that is wrong.
type Problem struct {
	Kind *Kind
	// On is what it is on: the parameter and the IDs.
	On string
	// Why, with the figures: a clause, or sentences without the last full stop.
	Why string
	// Fill are names and values in turn, for what Kind.Do leaves open.
	Fill []string
}

// Report is what Check found, the most important first.
type Report struct {
	// Problems make the launch fail.
	Problems []Problem
	// Notes do not, or not for sure.
	Notes []Problem
}

// checks look at the facts of one topic each.
var checks = []func(Facts) []Problem{
	checkRights,
	checkVersion,
	checkVersionStep,
	checkOneWay,
	checkClusterName,
	checkExistingCluster,
	checkWayIn,
	checkEndpoint,
	checkOwnRoles,
	checkVPC,
	checkSubnetPlaces,
	checkSubnetZones,
	checkSubnetAddresses,
	checkRoutes,
	checkZones,
	checkRoom,
	checkNetworkQuotas,
	checkVCPUs,
	checkFamilies,
	checkNodeGroupType,
	checkPartitions,
	checkPrincipals,
	checkBoundary,
	checkKey,
	checkKeyPolicy,
	checkCharts,
	checkLinkedRoles,
}

// Check finds all that is wrong with the facts.
func Check(f Facts) Report {
	var r Report
	for _, check := range checks {
		for _, p := range check(f) {
			if p.Kind.Note {
				r.Notes = append(r.Notes, p)
			} else {
				r.Problems = append(r.Problems, p)
			}
		}
	}
	byImportance := func(a, b Problem) int { return cmp.Compare(slices.Index(Kinds, a.Kind), slices.Index(Kinds, b.Kind)) }
	slices.SortStableFunc(r.Problems, byImportance)
	slices.SortStableFunc(r.Notes, byImportance)
	return r
}
