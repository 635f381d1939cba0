package preflight

import (
	"errors"
	"slices"
	"strings"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/netplan"
)

var (
	zonesTooFew = &Kind{
		ID:   "zones-too-few",
		What: "too few Availability Zones are left",
		Do:   "Take zones out of ExcludedAvailabilityZones (or AdditionalAvailabilityZones), or choose another region",
	}
	zoneUnknown = &Kind{
		ID:   "zone-unknown",
		What: "ExcludedAvailabilityZones names a zone that this region does not have",
		Do:   "Correct it, or take it out",
	}
	zoneNotAdded = &Kind{
		ID:   "zone-cannot-be-added",
		What: "AdditionalAvailabilityZones names a zone that cannot be used",
		Do:   "Correct it, or take it out",
	}
	zoneOfAnotherRegion = &Kind{
		ID:   "zone-of-another-region",
		What: "ExcludedAvailabilityZones names a zone of another region",
		Do:   "Nothing has to be done, unless a zone of this region was meant",
		Note: true,
	}
)

// choose picks the zones of a network that is made: the cluster's, and
// additional ones. It fails as the plan of the network will.
func (f Facts) choose() (zones, added []string, problems []Problem) {
	a := f.Answers
	excluded := list(a.ExcludedAvailabilityZones)
	for _, asked := range list(a.AdditionalAvailabilityZones) {
		names, err := netplan.Added(netplan.Plan{}, []string{asked}, f.Zones, excluded)
		if err != nil {
			why := strings.TrimPrefix(err.Error(), "AdditionalAvailabilityZones: ")
			problems = append(problems, Problem{Kind: zoneNotAdded, On: asked, Why: why})
		}
		added = append(added, names...)
	}
	selection, err := netplan.Choose(f.Zones, excluded, added)
	if few, ok := errors.AsType[*netplan.TooFewZonesError](err); ok {
		problems = append(problems, Problem{Kind: zonesTooFew, On: f.Place.Region, Why: few.Why()})
	}
	return selection.Zones, added, problems
}

// checkZones looks at the zones of a network that is made.
func checkZones(f Facts) []Problem {
	if f.Update || f.Zones == nil || !f.makesCluster() {
		return nil
	}
	var out []Problem
	if f.makesNetwork() {
		_, _, out = f.choose()
	}
	for _, x := range list(f.Answers.ExcludedAvailabilityZones) {
		if slices.ContainsFunc(f.Zones, func(z netplan.Zone) bool { _, hit := netplan.Names([]string{x}, z); return hit }) {
			continue
		}
		kind := zoneOfAnotherRegion
		if f.ofThisRegion(x) {
			kind = zoneUnknown
		}
		out = append(out, Problem{Kind: kind, On: x, Why: "the zones of " + f.Place.Region + " are " + f.zoneNames()})
	}
	return out
}

// ofThisRegion tells whether a name or ID has the form of this region's zones.
func (f Facts) ofThisRegion(zone string) bool {
	if strings.HasPrefix(zone, f.Place.Region) {
		return true
	}
	prefix, _, ok := strings.Cut(zone, "-az")
	return ok && slices.ContainsFunc(f.Zones, func(z netplan.Zone) bool { return strings.HasPrefix(z.ID, prefix+"-az") })
}

func (f Facts) zoneNames() string {
	var names []string
	for _, z := range f.Zones {
		if z.Type == "" || z.Type == "availability-zone" {
			names = append(names, z.Name+" ("+z.ID+")")
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// checkRoom looks whether subnets can be made in the customer's VPC.
func checkRoom(f Facts) []Problem {
	if f.Mode != contract.ModeExistingVPC || f.Update || !f.makesNetwork() || f.VPC == nil || f.VPC.Space == nil || f.Zones == nil {
		return nil
	}
	zones, added, problems := f.choose()
	if len(problems) > 0 {
		return nil
	}
	plan, err := netplan.InExistingVPC(f.Answers.VpcID, f.VPC.Gateway, *f.VPC.Space, zones)
	if none, ok := errors.AsType[*netplan.NoRoomError](err); ok {
		return []Problem{{Kind: vpcNoRoom, On: "VpcId " + f.Answers.VpcID, Why: none.Why()}}
	}
	for _, zone := range added {
		longer, err := plan.Extend(zone, *f.VPC.Space)
		if err != nil {
			return []Problem{{Kind: zoneNotAdded, On: zone, Why: err.Error()}}
		}
		plan = longer
	}
	return nil
}

// networkZones are the zones in which subnets are made, the first one with the
// single NAT gateway; nil: they are not known.
func (f Facts) networkZones() []string {
	if f.Zones == nil {
		return nil
	}
	zones, added, problems := f.choose()
	if len(problems) > 0 {
		return nil
	}
	if f.Mode == contract.ModeExistingVPC {
		if f.VPC == nil || f.VPC.Space == nil {
			return nil
		}
		plan, err := netplan.InExistingVPC(f.Answers.VpcID, f.VPC.Gateway, *f.VPC.Space, zones)
		if err != nil {
			return nil
		}
		zones = plan.Zones()
	}
	return append(zones, added...)
}

// nodeZones are the zones in which nodes can be; nil: they are not known.
func (f Facts) nodeZones() []string {
	if f.makesNetwork() {
		return f.networkZones()
	}
	private, _, missing := f.given()
	if f.Subnets == nil || len(missing) > 0 {
		return nil
	}
	var zones []string
	for _, s := range private {
		if !slices.Contains(zones, s.Zone) {
			zones = append(zones, s.Zone)
		}
	}
	return zones
}
