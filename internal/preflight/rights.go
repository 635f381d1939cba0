package preflight

import (
	"slices"
	"strings"
)

var (
	serviceControlPolicy = &Kind{
		ID:   "service-control-policy",
		What: "a policy of your organization denies what this stack itself has to do",
		Do: "Ask whoever keeps the service control policies of your AWS organization to allow it in this account and region, " +
			"or launch where it is allowed",
	}
	factUnread = &Kind{
		ID:   "fact-unread",
		What: "something could not be looked at",
		Do: "Nothing has to be done: the launch goes on without this look. To have it, allow the action to this stack's function, " +
			"in the permissions boundary and the service control policies that it is under",
		Note: true,
	}
)

// calledAnyway are reads that the stack's functions do later too, with the same
// rights: if an organization denies them, the launch fails for sure.
var calledAnyway = []string{"ec2:DescribeAvailabilityZones", "ec2:DescribeSubnets", "eks:DescribeCluster"}

// checkRights makes a note of each read that failed. Those denied by an
// organization that the stack cannot do without are a problem: such policies
// close whole regions or services, so the others of them are told with it.
func checkRights(f Facts) []Problem {
	var out []Problem
	var closed []string
	fatal := false
	for _, u := range f.Unread {
		if u.ByOrganization {
			closed = append(closed, u.Action)
			fatal = fatal || slices.Contains(calledAnyway, u.Action)
		}
		out = append(out, Problem{Kind: factUnread, On: strings.TrimSpace(u.Action + " " + u.On), Why: u.Text})
	}
	if !fatal {
		return out
	}
	slices.Sort(closed)
	return append(out, Problem{
		Kind: serviceControlPolicy, On: strings.Join(slices.Compact(closed), ", "),
		Why: "AWS denies this with an explicit deny in a service control policy, in " + f.Place.Region,
	})
}
