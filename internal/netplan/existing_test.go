package netplan

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, t := range texts {
		list = append(list, netip.MustParsePrefix(t))
	}
	return list
}

func TestInExistingVPC(t *testing.T) {
	tests := map[string]struct {
		space           Space
		zones           int
		private, public string
		err             string
	}{
		"an empty /16 leaves room for six zones": {
			space: Space{Blocks: prefixes("10.0.0.0/16")}, zones: 3,
			private: "10.0.0.0/19,10.0.32.0/19,10.0.64.0/19,,,", public: "10.0.192.0/22,10.0.196.0/22,10.0.200.0/22,,,",
		},
		"around odd subnets": {
			space: Space{Blocks: prefixes("10.0.0.0/20"), Taken: prefixes("10.0.0.0/25", "10.0.3.192/28", "10.0.8.0/22")}, zones: 2,
			private: "10.0.1.0/24,10.0.2.0/24,,,,", public: "10.0.3.224/27,10.0.3.128/27,,,,",
		},
		"in a secondary block": {
			space: Space{Blocks: prefixes("10.0.0.0/24", "100.64.0.0/20"), Taken: prefixes("10.0.0.0/24")}, zones: 2,
			private: "100.64.0.0/23,100.64.2.0/23,,,,", public: "100.64.12.0/26,100.64.12.64/26,,,,",
		},
		"room for six is no duty": {
			space: Space{Blocks: prefixes("10.0.0.0/22")}, zones: 3,
			private: "10.0.0.0/24,10.0.1.0/24,10.0.2.0/24,,,", public: "10.0.3.0/27,10.0.3.32/27,10.0.3.64/27,,,",
		},
		"fewer zones rather than none": {
			space: Space{Blocks: prefixes("10.0.0.0/23", "10.1.0.0/26")}, zones: 5,
			private: "10.0.0.0/24,10.0.1.0/24,,,,", public: "10.1.0.0/27,10.1.0.32/27,,,,",
		},
		"no room": {
			space: Space{Blocks: prefixes("10.0.0.0/22"), Taken: prefixes("10.0.0.64/26", "10.0.1.0/28", "10.0.2.0/28")}, zones: 2,
			err: "the VPC vpc-0a has no room for subnets in 2 zones: each zone needs a free /24 and a free /27, and free are " +
				"10.0.3.0/24, 10.0.0.128/25, 10.0.1.128/25, 10.0.2.128/25, 10.0.0.0/26, 10.0.1.64/26, 10.0.2.64/26, 10.0.1.32/27 and 3 blocks that are not larger. " +
				"Associate another CIDR block with the VPC, or give subnets of your own in PrivateSubnetIds",
		},
		"nothing free": {
			space: Space{Blocks: prefixes("10.0.0.0/24"), Taken: prefixes("10.0.0.0/24")}, zones: 2,
			err: "the VPC vpc-0a has no room for subnets in 2 zones: each zone needs a free /24 and a free /27, and free are no addresses at all. " +
				"Associate another CIDR block with the VPC, or give subnets of your own in PrivateSubnetIds",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := InExistingVPC("vpc-0a", "", test.space, letters(test.zones))
			if diff := cmp.Diff(test.err, text(err)); diff != "" {
				t.Fatalf("error (-want +got):\n%s", diff)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff([]string{test.private, test.public}, []string{p.JoinedPrivate(), p.JoinedPublic()}); diff != "" {
				t.Errorf("blocks (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRefuseAnotherVPC(t *testing.T) {
	p, err := InExistingVPC("vpc-0a", "igw-0b", Space{Blocks: prefixes("10.0.0.0/16")}, letters(2))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Refuse(netip.Prefix{}, "vpc-0a", nil, nil); err != nil {
		t.Error(err)
	}
	if err := p.Refuse(netip.Prefix{}, "vpc-0b", []string{letter(1)}, nil); err == nil ||
		!strings.Contains(err.Error(), "VpcId cannot change from vpc-0a to vpc-0b") || !strings.Contains(err.Error(), "zone "+letter(1)) {
		t.Errorf("both problems are wanted: %v", err)
	}
}

func TestAdded(t *testing.T) {
	offered := []Zone{
		zone("us-east-1a", "use1-az1"), zone("us-east-1b", "use1-az2"), zone("us-east-1d", "use1-az4"), zone("us-east-1e", "use1-az3"),
		{Name: "us-east-1-bos-1a", ID: "use1-bos1-az1", Type: "local-zone", State: "available", OptIn: "opted-in"},
	}
	plan, err := InNewVPC(block(t, "10.0.0.0/16"), []string{"us-east-1a", "us-east-1b"}).Extend("us-east-1f", Space{})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		asked, excluded, want []string
		errs                  []string
	}{
		"nothing":                          {asked: []string{"", " "}},
		"by name and by ID, once":          {asked: []string{"use1-az4", "us-east-1d"}, want: []string{"us-east-1d"}},
		"where EKS makes no cluster":       {asked: []string{"use1-az3"}, want: []string{"us-east-1e"}},
		"one that AWS offers no longer":    {asked: []string{"us-east-1f"}, want: []string{"us-east-1f"}},
		"all that is wrong, at once":       {asked: []string{"us-east-1a", "us-east-1g", "us-east-1-bos-1a"}, errs: []string{"us-east-1a is one of the cluster's", "no zone us-east-1g; it has us-east-1a, us-east-1b", "it is a local-zone"}},
		"one that is excluded all the way": {asked: []string{"us-east-1d"}, excluded: []string{"use1-az4"}, errs: []string{"ExcludedAvailabilityZones names use1-az4"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Added(plan, test.asked, offered, test.excluded)
			for _, want := range test.errs {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error is %v, want it to contain %q", err, want)
				}
			}
			if len(test.errs) == 0 && (err != nil || !cmp.Equal(test.want, got)) {
				t.Errorf("zones are %v (%v), want %v", got, err, test.want)
			}
		})
	}
}

func TestGiven(t *testing.T) {
	a := Subnet{ID: "subnet-0a", VPC: "vpc-0a", Zone: "us-east-1a", ZoneID: "use1-az1", FreeAddresses: 251}
	b := Subnet{ID: "subnet-0b", VPC: "vpc-0a", Zone: "us-east-1b", ZoneID: "use1-az2", FreeAddresses: 16}
	public := Subnet{ID: "subnet-0c", VPC: "vpc-0a", Zone: "us-east-1a", ZoneID: "use1-az1", FreeAddresses: 8}
	with := func(s Subnet, change func(*Subnet)) Subnet { change(&s); return s }
	elsewhere := with(b, func(s *Subnet) { s.VPC = "vpc-0b" })
	refusedZone := Subnet{ID: "subnet-0d", VPC: "vpc-0a", Zone: "us-east-1e", ZoneID: "use1-az3", FreeAddresses: 99}
	full := with(b, func(s *Subnet) { s.FreeAddresses = 15 })
	tests := map[string]struct {
		cluster         []string
		private, public []Subnet
		excluded        []string
		errs            []string
	}{
		"two zones":                       {private: []Subnet{a, b}, public: []Subnet{public}},
		"one zone":                        {private: []Subnet{a}, errs: []string{"needs private subnets in 2 Availability Zones, and these are in 1"}},
		"another VPC":                     {private: []Subnet{a, elsewhere}, errs: []string{"subnet-0b is in vpc-0b, not in VpcId vpc-0a"}},
		"a zone that EKS refuses":         {private: []Subnet{a, refusedZone}, errs: []string{"us-east-1e (use1-az3), where EKS makes no cluster", "in 1"}},
		"the same for more nodes is fine": {cluster: []string{"subnet-0a", "subnet-0b"}, private: []Subnet{a, b, refusedZone}},
		"a full one":                      {private: []Subnet{a, full}, errs: []string{"subnet-0b has 15 free addresses"}},
		"one that the cluster filled":     {cluster: []string{"subnet-0a", "subnet-0b"}, private: []Subnet{a, full}},
		"an excluded zone":                {private: []Subnet{a, b}, excluded: []string{"use1-az2"}, errs: []string{"subnet-0b is in zone us-east-1b, which ExcludedAvailabilityZones names as use1-az2"}},
		"private and public":              {private: []Subnet{a, b}, public: []Subnet{a}, errs: []string{"subnet-0a is given as private and as public"}},
		"a full public one":               {private: []Subnet{a, b}, public: []Subnet{with(public, func(s *Subnet) { s.FreeAddresses = 7 })}, errs: []string{"a load balancer needs 8"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := Given{VPC: "vpc-0a", Subnets: test.cluster}.Check(test.private, test.public, test.excluded)
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

func TestGivenID(t *testing.T) {
	want := Given{VPC: "vpc-0a1b", Subnets: []string{"subnet-0a", "subnet-0b"}}
	got, ours := ParseGiven(want.ID())
	if !ours || !cmp.Equal(want, got) || !IsID(want.ID()) {
		t.Errorf("%s was read as %v", want.ID(), got)
	}
	for _, other := range []string{
		"", "networkplan/v1/10.0.0.0-16/us-east-1a,us-east-1b", "networkplan/v2/vpc-0a/given/", "networkplan/v2/x/given/subnet-0a",
		"networkplan/v2/vpc-0a/-/subnet-0a", "networkplan/v3/vpc-0a/given/subnet-0a",
	} {
		if g, ours := ParseGiven(other); ours {
			t.Errorf("%q was read as %v", other, g)
		}
	}
	if err := want.Refuse("vpc-0a1b", []string{"subnet-0b", "subnet-0c", "subnet-0a"}); err != nil {
		t.Error(err)
	}
	if err := want.Refuse("vpc-0b", []string{"subnet-0b"}); err == nil || !strings.Contains(err.Error(), "VpcId cannot change") || !strings.Contains(err.Error(), "subnet-0a is the cluster's") {
		t.Errorf("both problems are wanted: %v", err)
	}
}
