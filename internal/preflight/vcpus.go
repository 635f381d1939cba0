package preflight

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

var (
	quotaOnDemand = &Kind{
		ID:   "quota-on-demand-vcpus",
		What: "the account cannot run the instances that the workspace begins with",
		Do:   askForMore + "end instances that nobody needs, or name families of another quota in NodeInstanceFamilies",
	}
	quotaSpot = &Kind{
		ID:   "quota-spot-vcpus",
		What: "the account cannot run the Spot instances that the workspace begins with",
		Do:   askForMore + "allow on-demand in NodeCapacityTypes and NodeGroupCapacityType too",
	}
)

// class is a group of instance families with a quota of vCPUs for each way to
// buy them
// (https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html).
type class struct {
	// letters are what stands before the generation in a family's name.
	letters        []string
	onDemand, spot Quota
}

var classes = []class{
	{
		[]string{"a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"},
		Quota{"ec2", "L-1216C47A", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances"},
		Quota{"ec2", "L-34B43A08", "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests"},
	},
	{
		[]string{"f"},
		Quota{"ec2", "L-74FC7D96", "Running On-Demand F instances"},
		Quota{"ec2", "L-88CF9481", "All F Spot Instance Requests"},
	},
	{
		[]string{"g", "gr", "vt"},
		Quota{"ec2", "L-DB2E81BA", "Running On-Demand G and VT instances"},
		Quota{"ec2", "L-3819A6DF", "All G and VT Spot Instance Requests"},
	},
	{
		[]string{"inf"},
		Quota{"ec2", "L-1945791B", "Running On-Demand Inf instances"},
		Quota{"ec2", "L-B5D1601B", "All Inf Spot Instance Requests"},
	},
	{
		[]string{"x"},
		Quota{"ec2", "L-7295265B", "Running On-Demand X instances"},
		Quota{"ec2", "L-E3A00192", "All X Spot Instance Requests"},
	},
}

// Ways to buy instances, as NodeCapacityTypes has them.
const (
	onDemand = "on-demand"
	spot     = "spot"
)

// QuotaOf is the quota that an instance type (or a family) counts against; none
// for classes that are not looked at.
func QuotaOf(instanceType string, asSpot bool) (Quota, bool) {
	family, _, _ := strings.Cut(instanceType, ".")
	letters := strings.TrimRight(family[:max(0, strings.IndexAny(family, "0123456789"))], "-")
	for _, c := range classes {
		if slices.Contains(c.letters, letters) {
			if asSpot {
				return c.spot, true
			}
			return c.onDemand, true
		}
	}
	return Quota{}, false
}

// start is a way to start the first node of the query engine.
type start struct {
	quota Quota
	spot  bool
	vcpus int
}

// starts are the ways that the answers allow: for each quota the smallest type.
func (f Facts) starts() []start {
	var out []start
	for _, bought := range list(f.Answers.NodeCapacityTypes) {
		least := map[Quota]int{}
		for _, t := range f.engineTypes() {
			q, known := QuotaOf(t.Name, bought == spot)
			if n, seen := least[q]; known && (!seen || t.VCPUs < n) {
				least[q] = t.VCPUs
			}
		}
		for q, n := range least {
			out = append(out, start{q, bought == spot, n})
		}
	}
	slices.SortFunc(out, func(a, b start) int {
		return cmp.Or(cmp.Compare(a.vcpus, b.vcpus), cmp.Compare(a.quota.Code, b.quota.Code))
	})
	return out
}

// checkVCPUs looks whether the managed node group and one node of the query
// engine fit into the quotas of vCPUs. The node can be of any family asked for,
// bought in any way asked for.
func checkVCPUs(f Facts) []Problem {
	if f.Update || f.Quotas == nil || f.VCPUs == nil {
		return nil
	}
	need, bySpot := map[Quota]int{}, map[Quota]bool{}
	if q, n, ok := f.nodeGroup(); ok {
		need[q], bySpot[q] = n, f.Answers.NodeGroupCapacityType == "SPOT"
	}
	starts := f.starts()
	roomy := slices.ContainsFunc(starts, func(s start) bool {
		limit, known := f.Quotas[s.quota.Code]
		return !known || f.VCPUs[s.quota.Code]+need[s.quota]+s.vcpus <= limit
	})
	if !roomy && len(starts) > 0 {
		need[starts[0].quota] += starts[0].vcpus
		bySpot[starts[0].quota] = starts[0].spot
	}
	var out []Problem
	for q, n := range need {
		kind, used := quotaOnDemand, f.VCPUs[q.Code]
		if bySpot[q] {
			kind = quotaSpot
		}
		out = append(out, f.beyond(kind, q, &used, n, "vCPUs in "+f.Place.Region)...)
	}
	slices.SortFunc(out, func(a, b Problem) int { return cmp.Compare(a.On, b.On) })
	return out
}

// nodeGroup is the quota of the managed node group and its vCPUs.
func (f Facts) nodeGroup() (Quota, int, bool) {
	nodes, err := strconv.Atoi(f.Answers.NodeGroupNodes)
	i := slices.IndexFunc(f.Types, func(t InstanceType) bool { return t.Name == f.Answers.NodeGroupInstanceType })
	if err != nil || i < 0 {
		return Quota{}, 0, false
	}
	q, known := QuotaOf(f.Types[i].Name, f.Answers.NodeGroupCapacityType == "SPOT")
	return q, nodes * f.Types[i].VCPUs, known
}

// QuotasAsked are the quotas that a launch depends on.
func QuotasAsked(f Facts) []Quota {
	var out []Quota
	if f.makesNetwork() {
		out = append(out, VPCsPerRegion, GatewaysPerRegion, NATsPerZone, ElasticIPs)
	}
	add := func(instanceType string, asSpot bool) {
		if q, known := QuotaOf(instanceType, asSpot); known && !slices.Contains(out, q) {
			out = append(out, q)
		}
	}
	if f.Answers.NodeGroupInstanceType != "" {
		add(f.Answers.NodeGroupInstanceType, f.Answers.NodeGroupCapacityType == "SPOT")
	}
	for _, bought := range list(f.Answers.NodeCapacityTypes) {
		for _, family := range list(f.Answers.NodeInstanceFamilies) {
			add(family, bought == spot)
		}
	}
	return out
}
