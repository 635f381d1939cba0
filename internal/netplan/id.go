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

// A plan's text form has two versions. The first one holds a new VPC's block
// and zones, since the blocks follow from the slots:
//
//	networkplan/v1/10.200.0.0-16/us-east-1a,us-east-1b
//
// The second one holds all: the VPC's block or ID, the internet gateway that
// was there ("-" for none), and for each slot the zone (with a plus if it is an
// additional one), its private and its public block:
//
//	networkplan/v2/vpc-0a1b/-/us-east-1a:10.0.32.0-19:10.0.8.0-22,us-east-1b:…,,+us-east-1d:…
//
// And for subnets that the customer gave, see Given:
//
//	networkplan/v2/vpc-0a1b/given/subnet-0c,subnet-0d
//
// A plan that fits into the first version is written in it, so that a function
// of an older version can read it when an update to a newer one is rolled back.
const (
	idPrefix   = "networkplan/"
	idFirst    = "v1"
	idSecond   = "v2"
	idGiven    = "given"
	noGateway  = "-"
	additional = "+"
)

var (
	// zoneName is the form of zone names, such as us-east-1a and eusc-de-east-1b.
	zoneName    = regexp.MustCompile(`^[a-z]{2,}(-[a-z0-9]+)+$`)
	vpcName     = regexp.MustCompile(`^vpc-[0-9a-f]+$`)
	gatewayName = regexp.MustCompile(`^igw-[0-9a-f]+$`)
	subnetName  = regexp.MustCompile(`^subnet-[0-9a-f]+$`)
)

// IsID tells whether a physical ID is a network plan's, of whatever version,
// readable or not.
func IsID(physicalID string) bool { return strings.HasPrefix(physicalID, idPrefix) }

// ID is the plan as a physical ID. ParseID reads it.
func (p Plan) ID() string {
	if !p.Existing() && len(p.Additional()) == 0 {
		return idPrefix + idFirst + "/" + dashed(p.Block) + "/" + strings.Join(p.Zones(), ",")
	}
	where, gateway := p.VPC, p.Gateway
	if !p.Existing() {
		where = dashed(p.Block)
	}
	if gateway == "" {
		gateway = noGateway
	}
	places := make([]string, len(p.Places))
	for i, q := range p.Places {
		if !q.used() {
			continue
		}
		places[i] = q.Zone + ":" + dashed(q.Private) + ":" + dashed(q.Public)
		if q.Additional {
			places[i] = additional + places[i]
		}
	}
	return idPrefix + idSecond + "/" + where + "/" + gateway + "/" + strings.Join(places, ",")
}

// ParseID reads a physical ID that Plan.ID made. It fails for any other text.
func ParseID(physicalID string) (Plan, error) {
	parts, version, err := cutID(physicalID)
	if err != nil {
		return Plan{}, err
	}
	var p Plan
	if version == idFirst {
		p, err = parseFirst(parts)
	} else {
		p, err = parseSecond(parts)
	}
	if err == nil {
		err = p.check()
	}
	if err != nil {
		return Plan{}, fmt.Errorf("the network plan %q: %w", physicalID, err)
	}
	if p.ID() != physicalID {
		return Plan{}, fmt.Errorf("the network plan %q is not written as this function writes it (%s)", physicalID, p.ID())
	}
	return p, nil
}

// cutID gives what follows the version, at its slashes.
func cutID(physicalID string) (parts []string, version string, err error) {
	rest, ours := strings.CutPrefix(physicalID, idPrefix)
	version, rest, split := strings.Cut(rest, "/")
	if !ours || !split {
		return nil, "", fmt.Errorf("%q is not the physical ID of a network plan", physicalID)
	}
	if version != idFirst && version != idSecond {
		return nil, "", fmt.Errorf("the network plan %q is of version %q and this function reads %s and %s: "+
			"update the stack with the version of the quickstart that made it, or a newer one", physicalID, version, idFirst, idSecond)
	}
	return strings.Split(rest, "/"), version, nil
}

func parseFirst(parts []string) (Plan, error) {
	if len(parts) != 2 {
		return Plan{}, errors.New("it has no block and zones")
	}
	block, err := parseVPC(parts[0])
	if err != nil {
		return Plan{}, err
	}
	zones := strings.Split(parts[1], ",")
	if len(zones) > Slots {
		return Plan{}, tooManyZones(len(zones))
	}
	return InNewVPC(block, zones), nil
}

func parseSecond(parts []string) (Plan, error) {
	if len(parts) != 3 {
		return Plan{}, errors.New("it has no VPC, gateway and zones")
	}
	var p Plan
	if vpcName.MatchString(parts[0]) {
		p.VPC = parts[0]
	} else {
		var err error
		if p.Block, err = parseVPC(parts[0]); err != nil {
			return Plan{}, err
		}
	}
	if parts[1] != noGateway {
		p.Gateway = parts[1]
	}
	for text := range strings.SplitSeq(parts[2], ",") {
		q, err := parsePlace(text)
		if err != nil {
			return Plan{}, err
		}
		p.Places = append(p.Places, q)
	}
	return p, nil
}

func parsePlace(text string) (Place, error) {
	if text == "" {
		return Place{}, nil
	}
	rest, isAdditional := strings.CutPrefix(text, additional)
	fields := strings.Split(rest, ":")
	if len(fields) != 3 {
		return Place{}, fmt.Errorf("%q is not a zone with two blocks", text)
	}
	private, err := parseDashed(fields[1])
	if err != nil {
		return Place{}, err
	}
	public, err := parseDashed(fields[2])
	if err != nil {
		return Place{}, err
	}
	return Place{Zone: fields[0], Private: private, Public: public, Additional: isAdditional}, nil
}

// check refuses what no plan of ours says.
func (p Plan) check() error {
	if len(p.Places) > Slots {
		return tooManyZones(len(p.Places))
	}
	if p.Gateway != "" && (!p.Existing() || !gatewayName.MatchString(p.Gateway)) {
		return fmt.Errorf("%q is not the ID of an internet gateway of an existing VPC", p.Gateway)
	}
	cluster := 0
	for i, q := range p.Places {
		if !q.used() && !q.Private.IsValid() {
			continue
		}
		if !q.Additional {
			cluster++
		}
		if err := p.checkPlace(i, cluster); err != nil {
			return err
		}
	}
	if cluster < MinZones {
		return fmt.Errorf("%d zones, from %d to %d are possible", cluster, MinZones, Slots)
	}
	return nil
}

// checkPlace checks a used slot; cluster is the number of the cluster's zones
// up to and with it.
func (p Plan) checkPlace(i, cluster int) error {
	q := p.Places[i]
	switch {
	case !zoneName.MatchString(q.Zone):
		return fmt.Errorf("%q is not the name of a zone", q.Zone)
	case slices.ContainsFunc(p.Places[:i], func(o Place) bool { return o.Zone == q.Zone }):
		return fmt.Errorf("zone %s twice", q.Zone)
	case !q.Additional && cluster != i+1:
		return fmt.Errorf("zone %s of the cluster stands behind one that is not", q.Zone)
	case !p.Existing() && (q.Private != PrivateBlock(p.Block, i) || q.Public != PublicBlock(p.Block, i)):
		return fmt.Errorf("zone %s does not have the blocks of slot %d", q.Zone, i+1)
	}
	return nil
}

func tooManyZones(n int) error {
	return fmt.Errorf("%d zones, from %d to %d are possible", n, MinZones, Slots)
}

// dashed is a block without a slash.
func dashed(b netip.Prefix) string { return b.Addr().String() + "-" + strconv.Itoa(b.Bits()) }

func parseDashed(text string) (netip.Prefix, error) {
	address, bits, ok := strings.Cut(text, "-")
	b, err := netip.ParsePrefix(address + "/" + bits)
	if !ok || err != nil || !b.Addr().Is4() {
		return netip.Prefix{}, fmt.Errorf("%q is not a block", text)
	}
	return b, nil
}

func parseVPC(text string) (netip.Prefix, error) {
	address, bits, _ := strings.Cut(text, "-")
	return ParseBlock(address + "/" + bits)
}
