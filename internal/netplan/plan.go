// Package netplan decides which Availability Zones and which address blocks a
// new VPC gets: pure arithmetic, the same answer for the same input, for ever.
//
// A plan is sticky. Its text form is the physical ID of the custom resource, so
// whoever updates the network gets back the zones it was made with, whatever
// AWS offers by then: a cluster cannot leave its zones.
package netplan

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Slots is the number of zones a network has room for, MinZones the number that
// EKS asks for. Slots never changes: the blocks of a zone follow from its slot.
const (
	Slots    = 6
	MinZones = 2
)

const (
	idPrefix  = "networkplan/"
	idVersion = "v1"
)

// zoneName is the form of zone names, such as us-east-1a and eusc-de-east-1b.
var zoneName = regexp.MustCompile(`^[a-z]{2,}(-[a-z0-9]+)+$`)

// Plan is a VPC's block and its zones: Zones[i] uses slot i. A valid plan has
// MinZones to Slots zones.
type Plan struct {
	Block netip.Prefix
	Zones []string
}

// IsID tells whether a physical ID is a network plan's, of whatever version,
// readable or not.
func IsID(physicalID string) bool { return strings.HasPrefix(physicalID, idPrefix) }

// ID is the plan as a physical ID, such as
// networkplan/v1/10.200.0.0-16/us-east-1a,us-east-1b. ParseID reads it.
func (p Plan) ID() string {
	return fmt.Sprintf("%s%s/%s-%d/%s", idPrefix, idVersion, p.Block.Addr(), p.Block.Bits(), strings.Join(p.Zones, ","))
}

// ParseID reads a physical ID that ID made. It fails for any other text.
func ParseID(physicalID string) (Plan, error) {
	rest, ours := strings.CutPrefix(physicalID, idPrefix)
	version, rest, split := strings.Cut(rest, "/")
	if !ours || !split {
		return Plan{}, fmt.Errorf("%q is not the physical ID of a network plan", physicalID)
	}
	if version != idVersion {
		return Plan{}, fmt.Errorf("the network plan %q is of version %q and this function reads %s: "+
			"update the stack with the version of the quickstart that made it, or a newer one", physicalID, version, idVersion)
	}
	block, zones, split := strings.Cut(rest, "/")
	address, bits, dashed := strings.Cut(block, "-")
	if !split || !dashed {
		return Plan{}, fmt.Errorf("the network plan %q has no block and zones", physicalID)
	}
	vpc, err := ParseBlock(address + "/" + bits)
	if err != nil {
		return Plan{}, fmt.Errorf("the network plan %q: %w", physicalID, err)
	}
	p := Plan{Block: vpc, Zones: strings.Split(zones, ",")}
	if err := p.check(); err != nil {
		return Plan{}, fmt.Errorf("the network plan %q: %w", physicalID, err)
	}
	if p.ID() != physicalID {
		return Plan{}, fmt.Errorf("the network plan %q is not written as this function writes it (%s)", physicalID, p.ID())
	}
	return p, nil
}

func (p Plan) check() error {
	if n := len(p.Zones); n < MinZones || n > Slots {
		return fmt.Errorf("%d zones, from %d to %d are possible", n, MinZones, Slots)
	}
	for i, z := range p.Zones {
		if !zoneName.MatchString(z) {
			return fmt.Errorf("%q is not the name of a zone", z)
		}
		if slices.Contains(p.Zones[:i], z) {
			return fmt.Errorf("zone %s twice", z)
		}
	}
	return nil
}

// reserved are the ranges that EC2 takes for no VPC
// (vpc/latest/userguide/vpc-cidr-blocks.html).
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("224.0.0.0/3"),
}

// Sizes of a VPC's block, in bits of its prefix. EC2 allows nothing bigger; in a
// smaller one the public blocks would be too small for a load balancer.
const (
	biggest  = 16
	smallest = 21
)

// ParseBlock reads a VPC's IPv4 block, ADDRESS/BITS with 16 to 21 bits. Bits of
// the address behind the prefix are dropped, as EC2 does.
func ParseBlock(text string) (netip.Prefix, error) {
	block, err := netip.ParsePrefix(strings.TrimSpace(text))
	switch {
	case err != nil || !block.Addr().Is4():
		return netip.Prefix{}, fmt.Errorf("%q is not an IPv4 block such as 10.200.0.0/16", text)
	case block.Bits() < biggest || block.Bits() > smallest:
		return netip.Prefix{}, fmt.Errorf("%s is a /%d: a VPC block from /%d to /%d is wanted", block, block.Bits(), biggest, smallest)
	}
	for _, r := range reserved {
		if r.Overlaps(block) {
			return netip.Prefix{}, fmt.Errorf("%s lies in %s, which EC2 accepts for no VPC", block, r)
		}
	}
	return block.Masked(), nil
}

// Keep is the plan for an update: p itself, or an error when what is asked for
// cannot be done to a network that exists.
//
//   - block differs: refused. A VPC's block does not change in place;
//     CloudFormation would replace the VPC under the running cluster.
//   - excluded names a zone in use, by name or (as offered says) by ID: refused.
//
// Zones that AWS offers by now, or that are excluded no longer, change nothing.
func (p Plan) Keep(block netip.Prefix, excluded []string, offered []Zone) (Plan, error) {
	var problems []error
	if block != p.Block {
		problems = append(problems, fmt.Errorf("VpcCidr cannot change from %s to %s: the VPC, and the cluster in it, would be replaced; "+
			"set VpcCidr back, or launch a second stack with the new block", p.Block, block))
	}
	ids := map[string]string{}
	for _, z := range offered {
		ids[z.Name] = z.ID
	}
	for slot, name := range p.Zones {
		if x, hit := excludes(excluded, Zone{Name: name, ID: ids[name]}); hit {
			problems = append(problems, fmt.Errorf("zone %s (excluded as %s) is in use as the network's zone %d: "+
				"EKS does not let a cluster leave its zones; take it out of ExcludedAvailabilityZones, or launch a second stack", name, x, slot+1))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return Plan{}, err
	}
	return p, nil
}

// Joined gives the blocks of slots as one comma-joined text of Slots fields; the
// fields of unused slots are empty.
func Joined(blocks []netip.Prefix) string {
	texts := make([]string, Slots)
	for slot, b := range blocks {
		texts[slot] = b.String()
	}
	return strings.Join(texts, ",")
}

// JoinedZones gives the zones as one comma-joined text of Slots fields.
func (p Plan) JoinedZones() string {
	return strings.Join(p.Zones, ",") + strings.Repeat(",", Slots-len(p.Zones))
}

// String says the plan in words, for a log.
func (p Plan) String() string {
	return p.Block.String() + " in " + strconv.Itoa(len(p.Zones)) + " zones (" + strings.Join(p.Zones, ", ") + ")"
}
