// Package netplan decides which Availability Zones and which address blocks a
// network gets, in a new VPC or around what an existing one holds: pure
// arithmetic, the same answer for the same input, for ever.
//
// A plan is sticky. Its text form is the physical ID of the custom resource, so
// whoever updates the network gets back the zones and blocks it was made with,
// whatever AWS offers by then: a cluster cannot leave its zones.
package netplan

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Slots is the number of zones a network has room for, MinZones the number that
// EKS asks for. Slots never changes: in a new VPC the blocks of a zone follow
// from its slot.
const (
	Slots    = 6
	MinZones = 2
)

// Place is what a slot holds. The zero Place is a slot that is not used.
type Place struct {
	Zone            string
	Private, Public netip.Prefix
	// Additional zones came on request. Their subnets are for Karpenter's nodes
	// only: the cluster and its node group keep the subnets they began with.
	Additional bool
}

func (p Place) used() bool { return p.Zone != "" }

// Plan is the zones and blocks of a network. A valid one begins with MinZones
// to Slots places of the cluster; additional and unused ones follow.
type Plan struct {
	// Block is the block of a new VPC, VPC the ID of an existing one.
	Block netip.Prefix
	VPC   string
	// Gateway is the internet gateway that the existing VPC had; empty: the
	// network makes its own.
	Gateway string
	// Places are the slots, at most Slots; the last one is used.
	Places []Place
}

// InNewVPC is the plan of a new VPC with these zones of the cluster.
func InNewVPC(block netip.Prefix, zones []string) Plan {
	p := Plan{Block: block}
	for slot, zone := range zones {
		p.Places = append(p.Places, p.fixed(slot, zone))
	}
	return p
}

// fixed is what a slot of a new VPC holds.
func (p Plan) fixed(slot int, zone string) Place {
	return Place{Zone: zone, Private: PrivateBlock(p.Block, slot), Public: PublicBlock(p.Block, slot)}
}

// InExistingVPC is the plan of an existing VPC with as many of these zones as
// its free space has room for, in their order. With room for fewer than
// MinZones it fails with a NoRoomError.
func InExistingVPC(vpc, gateway string, space Space, zones []string) (Plan, error) {
	for n := len(zones); n >= MinZones; n-- {
		private, public, ok := space.fit(n)
		if !ok {
			continue
		}
		p := Plan{VPC: vpc, Gateway: gateway}
		for i, zone := range zones[:n] {
			p.Places = append(p.Places, Place{Zone: zone, Private: private[i], Public: public[i]})
		}
		return p, nil
	}
	return Plan{}, &NoRoomError{vpc, space}
}

// NoRoomError says that an existing VPC has no free blocks for MinZones zones.
type NoRoomError struct {
	VPC   string
	space Space
}

// Why says what is needed and what is free.
func (e *NoRoomError) Why() string {
	return fmt.Sprintf("each zone needs a free /%d and a free /%d, and free are %s", smallestPrivate, publicOf(smallestPrivate), e.space)
}

func (e *NoRoomError) Error() string {
	return fmt.Sprintf("the VPC %s has no room for subnets in %d zones: %s. "+
		"Associate another CIDR block with the VPC, or give subnets of your own in PrivateSubnetIds", e.VPC, MinZones, e.Why())
}

// Existing tells whether the plan is for a VPC that was there before.
func (p Plan) Existing() bool { return p.VPC != "" }

// Holds finds the slot of a zone, or -1.
func (p Plan) Holds(zone string) int {
	return slices.IndexFunc(p.Places, func(q Place) bool { return q.used() && strings.EqualFold(q.Zone, zone) })
}

// Zones are the zones of all used slots, in the order of the slots.
func (p Plan) Zones() []string { return p.zones(Place.used) }

// Additional are the zones that came on request.
func (p Plan) Additional() []string { return p.zones(func(q Place) bool { return q.Additional }) }

func (p Plan) zones(wanted func(Place) bool) []string {
	var names []string
	for _, q := range p.Places {
		if wanted(q) {
			names = append(names, q.Zone)
		}
	}
	return names
}

// Extend gives an additional zone the first slot that is not used. Space is
// what an existing VPC has; a new one has a place for each slot.
func (p Plan) Extend(zone string, space Space) (Plan, error) {
	slot := slices.IndexFunc(p.Places, func(q Place) bool { return !q.used() })
	if slot < 0 {
		slot = len(p.Places)
	}
	if slot == Slots {
		return Plan{}, fmt.Errorf("zone %s cannot be added: a network has %d zones at most, and has %s", zone, Slots, strings.Join(p.Zones(), ", "))
	}
	place, err := p.place(slot, zone, space)
	if err != nil {
		return Plan{}, err
	}
	place.Additional = true
	p.Places = slices.Clone(p.Places)
	if slot == len(p.Places) {
		p.Places = append(p.Places, place)
	} else {
		p.Places[slot] = place
	}
	return p, nil
}

// place is what a further zone gets: the blocks of the slot in a new VPC, free
// ones in an existing one, as large as those of the first zone if possible.
func (p Plan) place(slot int, zone string, space Space) (Place, error) {
	if !p.Existing() {
		return p.fixed(slot, zone), nil
	}
	// A plan that was just made has no subnets yet.
	space.Taken = slices.Clone(space.Taken)
	for _, q := range p.Places {
		if q.used() {
			space.Taken = append(space.Taken, q.Private, q.Public)
		}
	}
	private, public, ok := space.one(p.Places[0].Private.Bits())
	if !ok {
		return Place{}, fmt.Errorf("zone %s cannot be added: it needs a free /%d and a free /%d in the VPC %s, and free are %s. "+
			"Associate another CIDR block with the VPC", zone, smallestPrivate, publicOf(smallestPrivate), p.VPC, space)
	}
	return Place{Zone: zone, Private: private, Public: public}, nil
}

// Without frees the slots of additional zones. Others keep theirs.
func (p Plan) Without(zones []string) Plan {
	p.Places = slices.Clone(p.Places)
	for i, q := range p.Places {
		if q.Additional && slices.Contains(zones, q.Zone) {
			p.Places[i] = Place{}
		}
	}
	for len(p.Places) > 0 && !p.Places[len(p.Places)-1].used() {
		p.Places = p.Places[:len(p.Places)-1]
	}
	return p
}

// Refuse says, all at once, what an update asks for and cannot have:
//
//   - another block or VPC than the plan's: CloudFormation would replace the
//     network under the running cluster;
//   - to exclude a zone in use, by name or (as offered says) by ID.
//
// Zones that AWS offers by now, or that are excluded no longer, change nothing.
func (p Plan) Refuse(block netip.Prefix, vpc string, excluded []string, offered []Zone) error {
	var problems []error
	switch {
	case vpc != p.VPC && p.Existing():
		problems = append(problems, fmt.Errorf("VpcId cannot change from %s to %s: the cluster would have to leave its network; "+
			"set VpcId back, or launch a second stack in the other VPC", p.VPC, vpc))
	case block != p.Block:
		problems = append(problems, fmt.Errorf("VpcCidr cannot change from %s to %s: the VPC, and the cluster in it, would be replaced; "+
			"set VpcCidr back, or launch a second stack with the new block", p.Block, block))
	}
	ids := map[string]string{}
	for _, z := range offered {
		ids[z.Name] = z.ID
	}
	for slot, q := range p.Places {
		if x, hit := excludes(excluded, Zone{Name: q.Zone, ID: ids[q.Zone]}); hit && q.used() {
			problems = append(problems, fmt.Errorf("zone %s (excluded as %s) is in use as the network's zone %d: "+
				"EKS does not let a cluster leave its zones; take it out of ExcludedAvailabilityZones, or launch a second stack", q.Zone, x, slot+1))
		}
	}
	return errors.Join(problems...)
}

// JoinedPrivate gives the private blocks as one comma-joined text of Slots
// fields; the field of a slot that is not used is empty.
func (p Plan) JoinedPrivate() string {
	return p.joined(func(q Place) string { return q.Private.String() })
}

// JoinedPublic gives the public blocks, as JoinedPrivate does.
func (p Plan) JoinedPublic() string {
	return p.joined(func(q Place) string { return q.Public.String() })
}

// JoinedZones gives the zones, as JoinedPrivate does.
func (p Plan) JoinedZones() string { return p.joined(func(q Place) string { return q.Zone }) }

// JoinedClusterZones is JoinedZones with empty fields for additional zones.
func (p Plan) JoinedClusterZones() string {
	return p.joined(func(q Place) string {
		if q.Additional {
			return ""
		}
		return q.Zone
	})
}

func (p Plan) joined(field func(Place) string) string {
	texts := make([]string, Slots)
	for slot, q := range p.Places {
		if q.used() {
			texts[slot] = field(q)
		}
	}
	return strings.Join(texts, ",")
}

// String says the plan in words, for a log.
func (p Plan) String() string {
	where := p.VPC
	if !p.Existing() {
		where = p.Block.String()
	}
	places := make([]string, 0, len(p.Places))
	for _, q := range p.Places {
		if q.used() {
			places = append(places, fmt.Sprintf("%s %s and %s", q.Zone, q.Private, q.Public))
		}
	}
	return fmt.Sprintf("%s in %d zones (%s)", where, len(places), strings.Join(places, ", "))
}
