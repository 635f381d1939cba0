package netplan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Given is the plan for an existing VPC whose subnets the customer gave:
// nothing is made. The subnets are those of the cluster and its node group,
// which keep them for ever; what is given later is for Karpenter's nodes only.
type Given struct {
	VPC     string
	Subnets []string
}

// ID is the plan as a physical ID. ParseGiven reads it.
func (g Given) ID() string {
	return idPrefix + idSecond + "/" + g.VPC + "/" + idGiven + "/" + strings.Join(g.Subnets, ",")
}

// ParseGiven reads a physical ID that Given.ID made; ours is false for any
// other text, which ParseID may read.
func ParseGiven(physicalID string) (g Given, ours bool) {
	parts, version, err := cutID(physicalID)
	if err != nil || version != idSecond || len(parts) != 3 || parts[1] != idGiven || !vpcName.MatchString(parts[0]) {
		return Given{}, false
	}
	g = Given{VPC: parts[0], Subnets: strings.Split(parts[2], ",")}
	for _, s := range g.Subnets {
		if !subnetName.MatchString(s) {
			return Given{}, false
		}
	}
	return g, true
}

// Subnet is one subnet as EC2's DescribeSubnets tells it.
type Subnet struct {
	ID, VPC, Zone, ZoneID string
	FreeAddresses         int
}

// Addresses that must be free in a subnet. EKS takes six of a cluster's subnet
// and recommends 16 (eks/latest/userguide/network-reqs.html); a load balancer
// takes eight of a public one
// (elasticloadbalancing/latest/application/application-load-balancers.html).
const (
	FreeInPrivate = 16
	FreeInPublic  = 8
)

// Check says, all at once, why the workspace cannot use the subnets that a
// customer gave. Of those that the cluster has already, or that are not to be
// the cluster's, less is asked.
func (g Given) Check(private, public []Subnet, excluded []string) error {
	var problems []error
	for _, s := range slices.Concat(private, public) {
		problems = append(problems, g.checkPlace(s, excluded))
	}
	problems = append(problems, g.checkZones(private))
	for _, s := range private {
		if s.FreeAddresses < FreeInPrivate && !slices.Contains(g.Subnets, s.ID) {
			problems = append(problems, fmt.Errorf("subnet %s has %d free addresses, at least %d are needed", s.ID, s.FreeAddresses, FreeInPrivate))
		}
		if slices.ContainsFunc(public, func(o Subnet) bool { return o.ID == s.ID }) {
			problems = append(problems, fmt.Errorf("subnet %s is given as private and as public", s.ID))
		}
	}
	for _, s := range public {
		if s.FreeAddresses < FreeInPublic && len(g.Subnets) == 0 {
			problems = append(problems, fmt.Errorf("subnet %s has %d free addresses, a load balancer needs %d", s.ID, s.FreeAddresses, FreeInPublic))
		}
	}
	return errors.Join(problems...)
}

// checkPlace says why a subnet is in the wrong place.
func (g Given) checkPlace(s Subnet, excluded []string) error {
	var problems []error
	if s.VPC != g.VPC {
		problems = append(problems, fmt.Errorf("subnet %s is in %s, not in VpcId %s", s.ID, s.VPC, g.VPC))
	}
	if x, hit := excludes(excluded, Zone{Name: s.Zone, ID: s.ZoneID}); hit {
		problems = append(problems, fmt.Errorf("subnet %s is in zone %s, which ExcludedAvailabilityZones names as %s", s.ID, s.Zone, x))
	}
	return errors.Join(problems...)
}

// checkZones says why EKS would make no cluster in those of the subnets that are
// the cluster's, or are to be.
func (g Given) checkZones(private []Subnet) error {
	var problems []error
	zones := map[string]bool{}
	for _, s := range private {
		switch ofCluster := len(g.Subnets) == 0 || slices.Contains(g.Subnets, s.ID); {
		case ofCluster && RefusedByEKS(s.ZoneID):
			problems = append(problems, fmt.Errorf("subnet %s is in zone %s (%s), where EKS makes no cluster", s.ID, s.Zone, s.ZoneID))
		case ofCluster:
			zones[s.Zone] = true
		}
	}
	if len(zones) < MinZones {
		problems = append(problems, fmt.Errorf("an EKS cluster needs private subnets in %d Availability Zones, and these are in %d", MinZones, len(zones)))
	}
	return errors.Join(problems...)
}

// Refuse says, all at once, what an update asks for and cannot have: another
// VPC, or to go without a subnet of the cluster.
func (g Given) Refuse(vpc string, private []string) error {
	var problems []error
	if vpc != g.VPC {
		problems = append(problems, fmt.Errorf("VpcId cannot change from %s to %s: the cluster would have to leave its network; "+
			"set VpcId back, or launch a second stack in the other VPC", g.VPC, vpc))
	}
	for _, s := range g.Subnets {
		if !slices.Contains(private, s) {
			problems = append(problems, fmt.Errorf("subnet %s is the cluster's and cannot be left out of PrivateSubnetIds: "+
				"its node group would be replaced; put it back (subnets can be added, for the query engine's nodes)", s))
		}
	}
	return errors.Join(problems...)
}
