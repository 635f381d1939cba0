package preflight

import (
	"fmt"
	"slices"
	"strings"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/netplan"
)

var (
	subnetMissing = &Kind{
		ID:   "subnet-missing",
		What: "there is no subnet of this ID in this region",
		Do:   "Correct the ID; aws ec2 describe-subnets --filters Name=vpc-id,Values={vpc} names the VPC's",
	}
	subnetElsewhere = &Kind{
		ID:   "subnet-in-another-vpc",
		What: "the subnet is in another VPC",
		Do:   "Give subnets of the VPC {vpc}, or give their VPC as VpcId",
	}
	subnetsInOneZone = &Kind{
		ID:   "subnets-in-one-zone",
		What: "the private subnets are in too few Availability Zones",
		Do:   "Give private subnets in 2 zones at least",
	}
	subnetZoneRefused = &Kind{
		ID:   "subnet-in-a-zone-without-eks",
		What: "the subnet is in a zone where EKS makes no cluster",
		Do:   "Give a subnet in another zone in its place",
	}
	subnetZoneExcluded = &Kind{
		ID:   "subnet-in-an-excluded-zone",
		What: "the subnet is in a zone that ExcludedAvailabilityZones names",
		Do:   "Take the zone out of ExcludedAvailabilityZones, or the subnet out of the list",
	}
	subnetTwice = &Kind{
		ID:   "subnet-private-and-public",
		What: "the subnet is given as private and as public",
		Do:   "Name it in one of PrivateSubnetIds and PublicSubnetIds only",
	}
	subnetFull = &Kind{
		ID:   "subnet-without-addresses",
		What: "the private subnet has too few free addresses",
		Do:   "Give larger subnets, or free addresses in it",
	}
	publicSubnetFull = &Kind{
		ID:   "public-subnet-without-addresses",
		What: "the public subnet has too few free addresses for a load balancer",
		Do:   "Give larger subnets, or free addresses in it",
	}
)

// given are the private and the public subnets of the answers that exist, and
// the IDs of those that do not.
func (f Facts) given() (private, public []Subnet, missing []string) {
	pick := func(ids []string) (found []Subnet) {
		for _, id := range ids {
			if s, ok := f.Subnets[id]; ok {
				found = append(found, s)
			} else {
				missing = append(missing, id)
			}
		}
		return found
	}
	private = pick(list(f.Answers.PrivateSubnetIDs))
	public = pick(list(f.Answers.PublicSubnetIDs))
	return private, public, missing
}

// looksAtSubnets tells whether the customer gave subnets that were read.
func (f Facts) looksAtSubnets() bool { return !f.Update && f.Subnets != nil }

// vpc is where the subnets have to be; empty: not known.
func (f Facts) vpc() string {
	if f.Mode == contract.ModeExistingEKS && f.Cluster != nil {
		return f.Cluster.VPC
	}
	return f.Answers.VpcID
}

func checkSubnetPlaces(f Facts) []Problem {
	if !f.looksAtSubnets() {
		return nil
	}
	private, public, missing := f.given()
	vpc := f.vpc()
	var out []Problem
	if len(missing) > 0 {
		out = append(out, Problem{
			Kind: subnetMissing, On: strings.Join(missing, ", "), Why: "EC2 knows none in " + f.Place.Region, Fill: []string{"vpc", vpc},
		})
	}
	for _, s := range slices.Concat(private, public) {
		if s.VPC != vpc && vpc != "" {
			out = append(out, Problem{Kind: subnetElsewhere, On: s.ID, Why: "it is in " + s.VPC, Fill: []string{"vpc", vpc}})
		}
	}
	for _, s := range private {
		if slices.ContainsFunc(public, func(o Subnet) bool { return o.ID == s.ID }) {
			out = append(out, Problem{Kind: subnetTwice, On: s.ID})
		}
	}
	return out
}

// checkSubnetZones looks at the zones of given subnets
// (https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html).
func checkSubnetZones(f Facts) []Problem {
	if !f.looksAtSubnets() {
		return nil
	}
	private, public, _ := f.given()
	excluded := list(f.Answers.ExcludedAvailabilityZones)
	var out []Problem
	for _, s := range slices.Concat(private, public) {
		if x, hit := netplan.Names(excluded, netplan.Zone{Name: s.Zone, ID: s.ZoneID}); hit {
			out = append(out, Problem{Kind: subnetZoneExcluded, On: s.ID, Why: "it is in " + s.Zone + ", named as " + x})
		}
	}
	if !f.makesCluster() {
		return out
	}
	var zones []string
	for _, s := range private {
		if netplan.RefusedByEKS(s.ZoneID) {
			out = append(out, Problem{Kind: subnetZoneRefused, On: s.ID, Why: fmt.Sprintf("it is in %s (%s)", s.Zone, s.ZoneID)})
		} else if !slices.Contains(zones, s.Zone) {
			zones = append(zones, s.Zone)
		}
	}
	if len(zones) < netplan.MinZones && len(private) > 0 {
		slices.Sort(zones)
		out = append(out, Problem{
			Kind: subnetsInOneZone, On: "PrivateSubnetIds",
			Why: fmt.Sprintf("an EKS cluster needs private subnets in %d Availability Zones, and these are in %d %v", netplan.MinZones, len(zones), zones),
		})
	}
	return out
}

func checkSubnetAddresses(f Facts) []Problem {
	if !f.looksAtSubnets() || !f.makesCluster() {
		return nil
	}
	private, public, _ := f.given()
	var out []Problem
	for _, s := range private {
		if s.FreeAddresses < netplan.FreeInPrivate {
			out = append(out, Problem{Kind: subnetFull, On: s.ID, Why: fmt.Sprintf("it has %d free addresses, at least %d are needed", s.FreeAddresses, netplan.FreeInPrivate)})
		}
	}
	for _, s := range public {
		if s.FreeAddresses < netplan.FreeInPublic {
			out = append(out, Problem{Kind: publicSubnetFull, On: s.ID, Why: fmt.Sprintf("it has %d free addresses, a load balancer needs %d", s.FreeAddresses, netplan.FreeInPublic)})
		}
	}
	return out
}
