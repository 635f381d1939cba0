package netplan

import (
	"fmt"
	"net/netip"
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
		offered  []Zone
		excluded []string
		want     Selection
		err      string
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
			got, err := Choose(test.offered, test.excluded)
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
			p := Plan{Block: block(t, vpc), Zones: strings.Split("xx-a-1a,xx-a-1b,xx-a-1c,xx-a-1d,xx-a-1e,xx-a-1f", ",")}
			if diff := cmp.Diff(want.private, Joined(p.PrivateBlocks())); diff != "" {
				t.Errorf("private blocks (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want.public, Joined(p.PublicBlocks())); diff != "" {
				t.Errorf("public blocks (-want +got):\n%s", diff)
			}
		})
	}
}

// drawPlan draws any valid plan.
func drawPlan(t *rapid.T) Plan {
	first := rapid.IntRange(1, 223).Filter(func(n int) bool { return n != 127 }).Draw(t, "first byte")
	rest := rapid.IntRange(0, 1<<24-1).Draw(t, "rest")
	bits := rapid.IntRange(biggest, smallest).Draw(t, "bits")
	text := fmt.Sprintf("%d.%d.%d.%d/%d", first, rest>>16, rest>>8&0xff, rest&0xff, bits)
	b, err := ParseBlock(text)
	if err != nil {
		t.Skip(text)
	}
	zones := make([]string, rapid.IntRange(MinZones, Slots).Draw(t, "zones"))
	for i := range zones {
		zones[i] = "eu-west-1" + string(rune('a'+i))
	}
	return Plan{Block: b, Zones: zones}
}

func TestBlocksLieApartInsideTheVPC(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		all := append(p.PrivateBlocks(), p.PublicBlocks()...)
		for i, a := range all {
			if a != a.Masked() {
				t.Errorf("%s is not a block", a)
			}
			if !p.Block.Contains(a.Addr()) || a.Bits() <= p.Block.Bits() {
				t.Errorf("%s is not inside %s", a, p.Block)
			}
			if a.Bits() > 27 {
				t.Errorf("%s is too small for a load balancer", a)
			}
			for _, b := range all[:i] {
				if a.Overlaps(b) {
					t.Errorf("%s and %s overlap", a, b)
				}
			}
		}
	})
}

func TestSlotKeepsItsBlockWhateverTheCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		fewer := Plan{Block: p.Block, Zones: p.Zones[:rapid.IntRange(MinZones, len(p.Zones)).Draw(t, "fewer")]}
		for slot := range fewer.Zones {
			if fewer.PrivateBlocks()[slot] != p.PrivateBlocks()[slot] || fewer.PublicBlocks()[slot] != p.PublicBlocks()[slot] {
				t.Errorf("slot %d moved", slot)
			}
		}
	})
}

func TestIDRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		got, err := ParseID(p.ID())
		if err != nil {
			t.Fatal(err)
		}
		if got.ID() != p.ID() || !IsID(p.ID()) || len(p.ID()) > 1024 {
			t.Errorf("%s became %s", p.ID(), got.ID())
		}
		for _, joined := range []string{got.JoinedZones(), Joined(got.PrivateBlocks()), Joined(got.PublicBlocks())} {
			fields := strings.Split(joined, ",")
			if len(fields) != Slots || strings.Join(fields[len(p.Zones):], "") != "" || fields[len(p.Zones)-1] == "" {
				t.Errorf("%q has not %d fields of which the first %d are used", joined, Slots, len(p.Zones))
			}
		}
	})
}

func TestParseIDRefuses(t *testing.T) {
	tests := map[string]struct{ id, err string }{
		"another resource":   {"workspaceoutputs/x", "not the physical ID of a network plan"},
		"nothing":            {"", "not the physical ID of a network plan"},
		"a later version":    {"networkplan/v2/10.0.0.0-16/a", "of version \"v2\""},
		"no zones":           {"networkplan/v1/10.0.0.0-16", "has no block and zones"},
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

func TestKeep(t *testing.T) {
	plan := Plan{Block: block(t, "10.200.0.0/16"), Zones: []string{"us-east-1a", "us-east-1b"}}
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
			got, err := plan.Keep(block(t, test.block), test.excluded, offered)
			for _, want := range test.errs {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error is %v, want it to contain %q", err, want)
				}
			}
			if len(test.errs) > 0 {
				return
			}
			if err != nil || got.ID() != plan.ID() {
				t.Errorf("plan is %s (%v), want %s", got.ID(), err, plan.ID())
			}
		})
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("networkplan/v1/10.200.0.0-16/us-east-1a,us-east-1b")
	f.Add("networkplan/v1/10.0.0.0-16/us-east-1a,us-east-1b,us-east-1c,us-east-1d,us-east-1e,us-east-1f,us-east-1g")
	f.Add("networkplan/v1/::-16/,")
	f.Fuzz(func(t *testing.T, id string) {
		p, err := ParseID(id)
		if err == nil && p.ID() != id {
			t.Errorf("%q was read as %q", id, p.ID())
		}
	})
}
