package preflight

import (
	"maps"
	"slices"
	"strings"
)

var oneWayWithOthers = &Kind{
	ID:   "one-way-change-with-others",
	What: "EKS does not take this change back, so it needs an update of its own: if another change failed, the rollback would fail too, and the stack would be stuck",
	Do:   "Leave {parameter} at {before} now, and change it in a second update when this one is done",
}

// oneWay are the parameters whose change a rollback of the stack cannot undo
// (https://docs.aws.amazon.com/eks/latest/userguide/update-cluster.html,
// https://docs.aws.amazon.com/eks/latest/userguide/setting-up-access-entries.html).
// EKS takes a version back when it is asked to, after the nodes
// (https://docs.aws.amazon.com/eks/latest/userguide/rollback-cluster.html);
// CloudFormation asks for the cluster first.
var oneWay = []string{"KubernetesVersion", "ClusterAuthenticationMode"}

// checkOneWay looks at what an update changes beside what cannot be undone.
func checkOneWay(f Facts) []Problem {
	var problems []Problem
	for _, parameter := range oneWay {
		change, changes := f.Changed[parameter]
		if !changes || len(f.Changed) == 1 {
			continue
		}
		others := slices.DeleteFunc(slices.Sorted(maps.Keys(f.Changed)), func(name string) bool { return name == parameter })
		problems = append(problems, Problem{
			Kind: oneWayWithOthers, On: parameter + " " + change.To, Why: "this update changes " + strings.Join(others, ", ") + " too",
			Fill: []string{"parameter", parameter, "before", change.From},
		})
	}
	return problems
}
