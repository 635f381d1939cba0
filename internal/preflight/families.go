package preflight

import (
	"regexp"
	"slices"
	"strings"
)

var (
	familiesNotOffered = &Kind{
		ID:   "instance-families-not-offered",
		What: "EC2 offers none of the instance families in the workspace's zones",
		Do:   "Name families in NodeInstanceFamilies that the zones have: aws ec2 describe-instance-type-offerings --location-type availability-zone",
	}
	familyArchitecture = &Kind{
		ID:   "instance-family-of-another-architecture",
		What: "the instance family has a processor that NodeArchitectures does not allow",
		Do:   "Take the family out of NodeInstanceFamilies, or allow its architecture",
	}
	nodeGroupType = &Kind{
		ID:   "node-group-type-not-offered",
		What: "EC2 does not offer the managed node group's instance type in the workspace's zones",
		Do:   "Use other zones, or another region",
	}
	familyNotOffered = &Kind{
		ID:   "instance-family-not-offered",
		What: "EC2 does not offer the instance family in the workspace's zones",
		Do:   "Nothing has to be done: Karpenter takes the other families",
		Note: true,
	}
)

// graviton is the form of families with AWS's processors, g behind the
// generation; a1 is older than that
// (https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html).
// The chart nodepool goes by the same rule and refuses the others.
var graviton = regexp.MustCompile(`^[a-z]+[0-9]+g`)

func architectureOf(family string) string {
	if family == "a1" || graviton.MatchString(family) {
		return "arm64"
	}
	return "amd64"
}

// checkFamilies looks at the families that Karpenter may take.
func checkFamilies(f Facts) []Problem {
	a, b := f.Answers, f.Before
	if f.Update && a.NodeInstanceFamilies == b.NodeInstanceFamilies && a.NodeArchitectures == b.NodeArchitectures {
		return nil
	}
	var out []Problem
	for _, family := range list(a.NodeInstanceFamilies) {
		if a := architectureOf(family); !slices.Contains(list(f.Answers.NodeArchitectures), a) {
			out = append(out, Problem{
				Kind: familyArchitecture, On: "NodeInstanceFamilies " + family,
				Why: "its processors are " + a + ", and allowed are " + f.Answers.NodeArchitectures,
			})
		}
	}
	zones := f.nodeZones()
	if f.Types == nil || zones == nil {
		return out
	}
	there := map[string]bool{}
	for _, t := range f.Types {
		if t.in(zones) {
			there[t.Family()] = true
		}
	}
	asked := list(f.Answers.NodeInstanceFamilies)
	none := slices.DeleteFunc(slices.Clone(asked), func(family string) bool { return there[family] })
	why := "the zones are " + strings.Join(zones, ", ")
	switch {
	case len(none) == len(asked):
		return append(out, Problem{Kind: familiesNotOffered, On: "NodeInstanceFamilies " + strings.Join(asked, ","), Why: why})
	case len(none) > 0:
		return append(out, Problem{Kind: familyNotOffered, On: "NodeInstanceFamilies " + strings.Join(none, ","), Why: why})
	}
	return out
}

// engineTypes are the types that Karpenter may take in the workspace's zones.
func (f Facts) engineTypes() []InstanceType {
	families, architectures, zones := list(f.Answers.NodeInstanceFamilies), list(f.Answers.NodeArchitectures), f.nodeZones()
	var out []InstanceType
	for _, t := range f.Types {
		family := t.Family()
		if !slices.Contains(families, family) || strings.Contains(t.Name, ".metal") || !slices.Contains(architectures, architectureOf(family)) {
			continue
		}
		if zones == nil || t.in(zones) {
			out = append(out, t)
		}
	}
	return out
}

// checkNodeGroupType looks at the managed node group's type.
func checkNodeGroupType(f Facts) []Problem {
	wanted, zones := f.Answers.NodeGroupInstanceType, f.nodeZones()
	if f.Update || wanted == "" || f.Types == nil || zones == nil {
		return nil
	}
	i := slices.IndexFunc(f.Types, func(t InstanceType) bool { return t.Name == wanted })
	if i >= 0 && f.Types[i].in(zones) {
		return nil
	}
	return []Problem{{Kind: nodeGroupType, On: wanted, Why: "the zones are " + strings.Join(zones, ", ")}}
}
