package netplan

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func block(t interface{ Fatal(...any) }, text string) netip.Prefix {
	b, err := ParseBlock(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func zone(name, id string) Zone {
	return Zone{Name: name, ID: id, Type: "availability-zone", State: "available", OptIn: "opt-in-not-required"}
}

func TestChoose(t *testing.T) {
	virginia := []Zone{
		zone("us-east-1c", "use1-az4"), zone("us-east-1a", "use1-az1"), zone("us-east-1b", "use1-az2"),
		zone("us-east-1e", "use1-az3"), zone("us-east-1d", "use1-az6"), zone("us-east-1f", "use1-az5"),
	}
	tests := map[string]struct {
		offered    []Zone
		excluded   []string
		additional []string
		want       Selection
		err        string
	}{
		"all but the one that EKS refuses, sorted": {
			offered: virginia,
			want: Selection{
				Zones:   []string{"us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d", "us-east-1f"},
				LeftOut: []string{"us-east-1e (use1-az3): EKS makes no cluster there"},
			},
		},
		"exclusions by name and by ID, in any case, blanks ignored": {
			offered: virginia, excluded: []string{" US-east-1a ", "use1-az2", "", "eu-west-1a"},
			want: Selection{
				Zones: []string{"us-east-1c", "us-east-1d", "us-east-1f"},
				LeftOut: []string{
					"us-east-1a (use1-az1): ExcludedAvailabilityZones names US-east-1a",
					"us-east-1b (use1-az2): ExcludedAvailabilityZones names use1-az2",
					"us-east-1e (use1-az3): EKS makes no cluster there",
				},
				Unmatched: []string{"eu-west-1a"},
			},
		},
		"local zones, impaired zones and closed ones": {
			offered: []Zone{
				zone("us-west-2a", "usw2-az2"), zone("us-west-2b", "usw2-az1"),
				{Name: "us-west-2-lax-1a", ID: "usw2-lax1-az1", Type: "local-zone", State: "available", OptIn: "opted-in"},
				{Name: "us-west-2c", ID: "usw2-az3", Type: "availability-zone", State: "impaired", OptIn: "opt-in-not-required"},
				{Name: "us-west-2d", ID: "usw2-az4", Type: "availability-zone", State: "available", OptIn: "not-opted-in"},
			},
			want: Selection{
				Zones: []string{"us-west-2a", "us-west-2b"},
				LeftOut: []string{
					"us-west-2-lax-1a (usw2-lax1-az1): it is a local-zone",
					"us-west-2c (usw2-az3): its state is impaired",
					"us-west-2d (usw2-az4): the account has not opted in to it",
				},
			},
		},
		"a seventh zone has no slot": {
			offered: []Zone{
				zone("xx-a-1a", "1"), zone("xx-a-1b", "2"), zone("xx-a-1c", "3"), zone("xx-a-1d", "4"),
				zone("xx-a-1e", "5"), zone("xx-a-1f", "6"), zone("xx-a-1g", "7"), zone("xx-a-1a", "1"),
			},
			want: Selection{
				Zones:   []string{"xx-a-1a", "xx-a-1b", "xx-a-1c", "xx-a-1d", "xx-a-1e", "xx-a-1f"},
				LeftOut: []string{"xx-a-1g (7): a network has 6 zones at most"},
			},
		},
		"additional zones are not the cluster's": {
			offered: virginia, additional: []string{"us-east-1e", "us-east-1f"},
			want: Selection{
				Zones: []string{"us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d"},
				LeftOut: []string{
					"us-east-1e (use1-az3): EKS makes no cluster there",
					"us-east-1f (use1-az5): AdditionalAvailabilityZones names it, so it is for Karpenter's nodes only",
				},
			},
		},
		"regions of other partitions": {
			offered: []Zone{zone("us-gov-west-1a", "usgw1-az1"), zone("eusc-de-east-1b", "euscdee1-az2"), zone("cn-north-1b", "cnn1-az2")},
			want:    Selection{Zones: []string{"cn-north-1b", "eusc-de-east-1b", "us-gov-west-1a"}},
		},
		"one zone is too few": {
			offered:  []Zone{zone("us-west-1a", "usw1-az1"), zone("us-west-1b", "usw1-az2"), zone("us-west-1c", "usw1-az3")},
			excluded: []string{"us-west-1c"},
			err: "an EKS cluster needs 2 Availability Zones and only us-west-1a can be used: left out are " +
				"us-west-1b (usw1-az2): EKS makes no cluster there; us-west-1c (usw1-az3): ExcludedAvailabilityZones names us-west-1c. " +
				"Exclude fewer zones or choose another region",
		},
		"no zone at all": {
			err: "an EKS cluster needs 2 Availability Zones and none can be used: the region offers no others. " +
				"Exclude fewer zones or choose another region",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Choose(test.offered, test.excluded, test.additional)
			if diff := cmp.Diff(test.err, text(err)); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("selection (-want +got):\n%s", diff)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestBlocksOfKnownSizes(t *testing.T) {
	tests := map[string]struct{ private, public string }{
		"10.200.0.0/16": {
			private: "10.200.0.0/19,10.200.32.0/19,10.200.64.0/19,10.200.96.0/19,10.200.128.0/19,10.200.160.0/19",
			public:  "10.200.192.0/22,10.200.196.0/22,10.200.200.0/22,10.200.204.0/22,10.200.208.0/22,10.200.212.0/22",
		},
		"192.168.248.0/21": {
			private: "192.168.248.0/24,192.168.249.0/24,192.168.250.0/24,192.168.251.0/24,192.168.252.0/24,192.168.253.0/24",
			public: "192.168.254.0/27,192.168.254.32/27,192.168.254.64/27,192.168.254.96/27," +
				"192.168.254.128/27,192.168.254.160/27",
		},
	}
	for vpc, want := range tests {
		t.Run(vpc, func(t *testing.T) {
			p := InNewVPC(block(t, vpc), strings.Split("xx-a-1a,xx-a-1b,xx-a-1c,xx-a-1d,xx-a-1e,xx-a-1f", ","))
			if diff := cmp.Diff(want.private, p.JoinedPrivate()); diff != "" {
				t.Errorf("private blocks (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want.public, p.JoinedPublic()); diff != "" {
				t.Errorf("public blocks (-want +got):\n%s", diff)
			}
		})
	}
}

// drawBlock draws any block that a new VPC can have.
func drawBlock(t *rapid.T) netip.Prefix {
	first := rapid.IntRange(1, 223).Filter(func(n int) bool { return n != 127 }).Draw(t, "first byte")
	rest := rapid.IntRange(0, 1<<24-1).Draw(t, "rest")
	bits := rapid.IntRange(biggest, smallest).Draw(t, "bits")
	text := fmt.Sprintf("%d.%d.%d.%d/%d", first, rest>>16, rest>>8&0xff, rest&0xff, bits)
	b, err := ParseBlock(text)
	if err != nil {
		t.Skip(text)
	}
	return b
}

func letter(i int) string { return "eu-west-1" + string(rune('a'+i)) }

func letters(n int) (zones []string) {
	for i := range n {
		zones = append(zones, letter(i))
	}
	return zones
}

// drawNew draws any plan of a new VPC, with additional zones and with slots
// that lost theirs.
func drawNew(t *rapid.T) Plan {
	p := InNewVPC(drawBlock(t), letters(rapid.IntRange(MinZones, Slots).Draw(t, "zones")))
	return drawAdditional(t, p, Space{})
}

func drawAdditional(t *rapid.T, p Plan, space Space) Plan {
	for i := range rapid.IntRange(0, Slots-len(p.Places)).Draw(t, "additional") {
		longer, err := p.Extend("eu-west-2"+string(rune('a'+i)), space)
		if err != nil {
			break
		}
		p = longer
	}
	if have := p.Additional(); len(have) > 0 {
		p = p.Without(rapid.SliceOfDistinct(rapid.SampledFrom(have), rapid.ID).Draw(t, "taken out again"))
	}
	return p
}

// drawSpace draws a VPC with one to three blocks and any subnets in them.
func drawSpace(t *rapid.T) Space {
	var s Space
	for i := range rapid.IntRange(1, 3).Draw(t, "blocks") {
		bits := rapid.IntRange(16, 26).Draw(t, "bits of a block")
		s.Blocks = append(s.Blocks, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i), 0, 0}), bits))
	}
	for range rapid.IntRange(0, 12).Draw(t, "subnets") {
		b := rapid.SampledFrom(s.Blocks).Draw(t, "block of a subnet")
		bits := rapid.IntRange(max(b.Bits(), 17), smallestSubnet).Draw(t, "bits of a subnet")
		subnet := part(b, bits-b.Bits(), rapid.IntRange(0, 1<<(bits-b.Bits())-1).Draw(t, "place of a subnet"))
		if !slices.ContainsFunc(s.Taken, subnet.Overlaps) {
			s.Taken = append(s.Taken, subnet)
		}
	}
	return s
}

// drawExisting draws any plan in an existing VPC.
func drawExisting(t *rapid.T) (Plan, Space) {
	s := drawSpace(t)
	gateway := rapid.SampledFrom([]string{"", "igw-0a1b2c3d"}).Draw(t, "gateway")
	p, err := InExistingVPC("vpc-0a1b2c3d", gateway, s, letters(rapid.IntRange(MinZones, Slots).Draw(t, "zones")))
	if err != nil {
		t.Skip("no room")
	}
	return drawAdditional(t, p, s), s
}

// drawAny draws any valid plan.
func drawAny(t *rapid.T) Plan {
	if rapid.Bool().Draw(t, "in an existing VPC") {
		p, _ := drawExisting(t)
		return p
	}
	return drawNew(t)
}

// apart fails unless all blocks of the plan are blocks, lie inside one of the
// VPC's, overlap neither each other nor what is taken, and are large enough.
func apart(t *rapid.T, p Plan, vpc, taken []netip.Prefix) {
	var all []netip.Prefix
	for _, q := range p.Places {
		if q.used() {
			all = append(all, q.Private, q.Public)
		}
	}
	if len(all) != 2*len(p.Zones()) {
		t.Errorf("%d blocks in %d zones", len(all), len(p.Zones()))
	}
	for i, a := range all {
		if a != a.Masked() {
			t.Errorf("%s is not a block", a)
		}
		if !slices.ContainsFunc(vpc, func(b netip.Prefix) bool { return b.Contains(a.Addr()) && a.Bits() >= b.Bits() }) {
			t.Errorf("%s is not inside %s", a, vpc)
		}
		if most := []int{smallestPrivate, publicOf(smallestPrivate)}[i%2]; a.Bits() > most || a.Bits() < biggestPrivate {
			t.Errorf("%s is not of size /%d to /%d", a, biggestPrivate, most)
		}
		for _, b := range slices.Concat(all[:i], taken) {
			if a.Overlaps(b) {
				t.Errorf("%s and %s overlap", a, b)
			}
		}
	}
}

func TestBlocksLieApartInANewVPC(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawNew(t)
		apart(t, p, []netip.Prefix{p.Block}, nil)
	})
}

func TestBlocksLieApartInAnExistingVPC(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, s := drawExisting(t)
		apart(t, p, s.Blocks, s.Taken)
	})
}

// What is not free is taken, and what is free is not: address by address.
func TestFreeSpaceIsWhatNoSubnetTakes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSpace(t)
		free := s.Free()
		count := func(list []netip.Prefix) (n int) {
			for _, b := range list {
				n += 1 << (32 - b.Bits())
			}
			return n
		}
		if count(free)+count(s.Taken) != count(s.Blocks) {
			t.Errorf("%d free and %d taken of %d addresses", count(free), count(s.Taken), count(s.Blocks))
		}
		for i, f := range free {
			for _, o := range slices.Concat(free[:i], s.Taken) {
				if f.Overlaps(o) {
					t.Errorf("%s and %s overlap", f, o)
				}
			}
		}
	})
}

// There is a plan exactly when the blocks can be cut out of what is free, which
// counting tells: a free /22 has room for four blocks of /24, whatever the order.
func TestAPlanIsFoundWheneverThereIsRoom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSpace(t)
		n := rapid.IntRange(MinZones, Slots).Draw(t, "zones")
		private, rest := 0, 0 // private blocks that fit; addresses left in public blocks
		for _, f := range s.Free() {
			if f.Bits() <= smallestPrivate {
				private += 1 << (smallestPrivate - f.Bits())
			} else if f.Bits() <= publicOf(smallestPrivate) {
				rest += 1 << (publicOf(smallestPrivate) - f.Bits())
			}
		}
		room := private >= n && (private-n)<<(publicBits-privateBits)+rest >= n
		if _, _, ok := s.fit(n); ok != room {
			t.Errorf("%d zones: found %t, room %t in %s", n, ok, room, s)
		}
	})
}

// A zone keeps its slot and its blocks, whatever comes and goes beside it.
func TestNothingMovesWhenZonesAreAdded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, s := drawExisting(t)
		if rapid.Bool().Draw(t, "in a new VPC") {
			p, s = drawNew(t), Space{}
		}
		longer, err := p.Extend("us-east-1z", s)
		if len(p.Zones()) == Slots {
			if err == nil || !strings.Contains(err.Error(), "at most") {
				t.Errorf("a seventh zone: %v", err)
			}
			return
		}
		if err != nil {
			if !p.Existing() || !strings.Contains(err.Error(), "free are") {
				t.Error(err)
			}
			return
		}
		for slot, q := range p.Places {
			if q.used() && longer.Places[slot] != q {
				t.Errorf("slot %d moved: %v became %v", slot, q, longer.Places[slot])
			}
		}
		if p.JoinedClusterZones() != longer.JoinedClusterZones() {
			t.Errorf("the cluster's zones changed from %s to %s", p.JoinedClusterZones(), longer.JoinedClusterZones())
		}
		if back := longer.Without([]string{"us-east-1z"}); back.ID() != p.ID() {
			t.Errorf("back is %s, was %s", back.ID(), p.ID())
		}
		for _, name := range []string{"US-EAST-1Z", "us-east-1z"} {
			if slot := longer.Holds(name); slot < 0 || !longer.Places[slot].Additional {
				t.Errorf("zone %s is in slot %d", name, slot)
			}
		}
	})
}

func TestIDRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawAny(t)
		got, err := ParseID(p.ID())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" || !IsID(p.ID()) || len(p.ID()) > 1024 {
			t.Errorf("%s, read back (-want +got):\n%s", p.ID(), diff)
		}
		for _, joined := range []string{got.JoinedZones(), got.JoinedPrivate(), got.JoinedPublic(), got.JoinedClusterZones()} {
			if fields := strings.Split(joined, ","); len(fields) != Slots {
				t.Errorf("%q has not %d fields", joined, Slots)
			}
		}
		if simple := !p.Existing() && len(p.Additional()) == 0; simple != strings.HasPrefix(p.ID(), "networkplan/v1/") {
			t.Errorf("%s is of the wrong version", p.ID())
		}
	})
}

func TestParseIDRefuses(t *testing.T) {
	tests := map[string]struct{ id, err string }{
		"another resource":   {"workspaceoutputs/x", "not the physical ID of a network plan"},
		"nothing":            {"", "not the physical ID of a network plan"},
		"a later version":    {"networkplan/v3/10.0.0.0-16/a", "of version \"v3\""},
		"no zones":           {"networkplan/v1/10.0.0.0-16", "has no block and zones"},
		"no gateway":         {"networkplan/v2/vpc-0a/us-east-1a", "has no VPC, gateway and zones"},
		"a strange gateway":  {"networkplan/v2/vpc-0a/nat-1/us-east-1a:10.0.0.0-24:10.0.1.0-27", "not the ID of an internet gateway"},
		"a gateway for us":   {"networkplan/v2/10.0.0.0-16/igw-0a/us-east-1a:10.0.0.0-19:10.0.192.0-22", "not the ID of an internet gateway"},
		"a zone alone":       {"networkplan/v2/vpc-0a/-/us-east-1a", "not a zone with two blocks"},
		"no private block":   {"networkplan/v2/vpc-0a/-/us-east-1a:x:10.0.1.0-27", `"x" is not a block`},
		"a block elsewhere":  {"networkplan/v2/10.0.0.0-16/-/us-east-1a:10.0.32.0-19:10.0.192.0-22,us-east-1b:10.0.32.0-19:10.0.196.0-22", "not have the blocks of slot 1"},
		"a cluster's behind": {"networkplan/v2/vpc-0a/-/+us-east-1a:10.0.0.0-24:10.0.1.0-27,us-east-1b:10.0.2.0-24:10.0.3.0-27", "stands behind"},
		"seven zones":        {"networkplan/v2/vpc-0a/-/,,,,,,", "7 zones"},
		"one zone":           {"networkplan/v1/10.0.0.0-16/us-east-1a", "1 zones, from 2 to 6"},
		"a zone twice":       {"networkplan/v1/10.0.0.0-16/us-east-1a,us-east-1a", "us-east-1a twice"},
		"an empty zone":      {"networkplan/v1/10.0.0.0-16/us-east-1a,", `"" is not the name`},
		"a block too big":    {"networkplan/v1/10.0.0.0-8/us-east-1a,us-east-1b", "/16 to /21"},
		"bits behind prefix": {"networkplan/v1/10.0.0.1-16/us-east-1a,us-east-1b", "not written as"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := ParseID(test.id)
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("error is %v, want it to contain %q", err, test.err)
			}
		})
	}
}

func TestParseBlockRefuses(t *testing.T) {
	tests := map[string]string{
		"10.0.0.0/8": "/16 to /21", "10.0.0.0/22": "/16 to /21", "10.0.0.0": "not an IPv4 block", "": "not an IPv4 block",
		"fd00::/16": "not an IPv4 block", "169.254.0.0/16": "EC2 accepts for no VPC", "127.3.0.0/16": "EC2 accepts for no VPC",
		"224.0.0.0/16": "EC2 accepts for no VPC", "010.0.0.0/16": "not an IPv4 block",
	}
	for in, want := range tests {
		t.Run(in, func(t *testing.T) {
			if _, err := ParseBlock(in); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error is %v, want it to contain %q", err, want)
			}
		})
	}
}

func TestRefuse(t *testing.T) {
	plan := InNewVPC(block(t, "10.200.0.0/16"), []string{"us-east-1a", "us-east-1b"})
	offered := []Zone{zone("us-east-1a", "use1-az1"), zone("us-east-1b", "use1-az2"), zone("us-east-1c", "use1-az4")}
	tests := map[string]struct {
		block    string
		excluded []string
		errs     []string
	}{
		"more zones on offer move nothing":      {block: "10.200.0.0/16"},
		"the same block in other words":         {block: "10.200.7.1/16"},
		"excluding an unused zone":              {block: "10.200.0.0/16", excluded: []string{"us-east-1c", "", "nowhere"}},
		"excluding a zone in use by name":       {block: "10.200.0.0/16", excluded: []string{"us-east-1b"}, errs: []string{"zone us-east-1b (excluded as us-east-1b) is in use as the network's zone 2"}},
		"excluding a zone in use by ID":         {block: "10.200.0.0/16", excluded: []string{"use1-az1"}, errs: []string{"zone us-east-1a (excluded as use1-az1)"}},
		"another block":                         {block: "10.201.0.0/16", errs: []string{"VpcCidr cannot change from 10.200.0.0/16 to 10.201.0.0/16"}},
		"a smaller block and an exclusion, all": {block: "10.200.0.0/17", excluded: []string{"us-east-1a"}, errs: []string{"VpcCidr cannot change", "zone us-east-1a"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := plan.Refuse(block(t, test.block), "", test.excluded, offered)
			for _, want := range test.errs {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error is %v, want it to contain %q", err, want)
				}
			}
			if len(test.errs) == 0 && err != nil {
				t.Error(err)
			}
		})
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("networkplan/v1/10.200.0.0-16/us-east-1a,us-east-1b")
	f.Add("networkplan/v1/10.0.0.0-16/us-east-1a,us-east-1b,us-east-1c,us-east-1d,us-east-1e,us-east-1f,us-east-1g")
	f.Add("networkplan/v1/::-16/,")
	f.Add("networkplan/v2/vpc-0a/igw-0b/us-east-1a:10.0.0.0-24:10.0.1.0-27,us-east-1b:10.0.2.0-24:10.0.3.0-27,,+us-east-1d:10.0.4.0-24:10.0.5.0-27")
	f.Fuzz(func(t *testing.T, id string) {
		p, err := ParseID(id)
		if err == nil && p.ID() != id {
			t.Errorf("%q was read as %q", id, p.ID())
		}
	})
}
