package facts

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"
)

// taken is which subnets a shape of a network gives to functions and to nodes.
type taken struct{ functions, nodes, zones string }

var both = taken{"subnet-a,subnet-b", "subnet-a,subnet-b", "us-east-1a,us-east-1b"}

func TestSubnets(t *testing.T) {
	const (
		none = "use cluster analytics: give subnets for functions and nodes as PrivateSubnetIds: private ones of vpc-0a with a way out. " +
			"None of the cluster's own can be used: "
		shared = "444455556666"
	)
	tests := map[string]struct {
		change func(*shape)
		want   taken
		// left are parts of what is said of subnets that were left out.
		left []string
		// errs are parts of the error; none: there is none.
		errs []string
	}{
		"private by an explicit association": {change: func(*shape) {}, want: both},
		"private by the main route table": {
			change: func(s *shape) {
				s.network.RouteTables = []ec2types.RouteTable{table("rtb-main", "", local, to("0.0.0.0/0", "nat-1")), table("rtb-pub", "subnet-p", local, to("0.0.0.0/0", "igw-1"))}
			},
			want: both,
		},
		"public by the main route table": {
			change: func(s *shape) { s.cluster.ResourcesVpcConfig.SubnetIds = []string{"subnet-p", "subnet-a"} },
			want:   taken{"subnet-a", "subnet-a", "us-east-1a"},
			left:   []string{"subnet-p (it is public: route table rtb-main sends 0.0.0.0/0 to the internet gateway igw-1. Functions have no public address, and nodes are to have none)"},
		},
		"public by an explicit association": {
			change: func(s *shape) { s.routes(local, to("0.0.0.0/0", "igw-1")) },
			errs:   []string{none + "subnet-a, subnet-b (it is public: route table rtb-nat sends 0.0.0.0/0 to the internet gateway igw-1."},
		},
		"public by a prefix list, whatever else leads out": {
			change: func(s *shape) { s.routes(local, to("0.0.0.0/0", "nat-1"), to("pl-cloudfront", "igw-1")) },
			errs:   []string{"route table rtb-nat sends pl-cloudfront to the internet gateway igw-1"},
		},
		"public by IPv6": {
			change: func(s *shape) { s.routes(local, to("0.0.0.0/0", "nat-1"), to("::/0", "igw-1")) },
			errs:   []string{"route table rtb-nat sends ::/0 to the internet gateway igw-1"},
		},
		"an egress-only gateway beside a NAT gateway": {
			change: func(s *shape) { s.routes(local, to("::/0", "eigw-1"), to("0.0.0.0/0", "nat-1")) }, want: both,
		},
		"an egress-only gateway alone": {
			change: func(s *shape) { s.routes(local, to("::/0", "eigw-1")) },
			errs:   []string{"route table rtb-nat leads nowhere out of the VPC, and without a way out the VPC needs endpoints it does not have: ec2, ecr.api, ecr.dkr, eks, s3, sts"},
		},
		"NAT64 alone":                   {change: func(s *shape) { s.routes(local, to("64:ff9b::/96", "nat-1")) }, errs: []string{"leads nowhere out"}},
		"a transit gateway":             {change: func(s *shape) { s.routes(local, to("0.0.0.0/0", "tgw-1")) }, want: both},
		"a transit gateway for a block": {change: func(s *shape) { s.routes(local, to("10.0.0.0/8", "tgw-1")) }, want: both},
		"a peering connection":          {change: func(s *shape) { s.routes(local, to("10.9.0.0/16", "pcx-1")) }, want: both},
		"a virtual private gateway":     {change: func(s *shape) { s.routes(local, to("0.0.0.0/0", "vgw-1")) }, want: both},
		"a firewall's endpoint":         {change: func(s *shape) { s.routes(local, to("0.0.0.0/0", "vpce-gwlb")) }, want: both},
		"a NAT instance":                {change: func(s *shape) { s.routes(local, to("0.0.0.0/0", "eni-1")) }, want: both},
		"a core network": {
			change: func(s *shape) {
				s.routes(local, to("0.0.0.0/0", "arn:aws:networkmanager::111122223333:core-network/core-network-1"))
			},
			want: both,
		},
		"only S3's gateway endpoint": {
			change: func(s *shape) { s.routes(local, to("pl-s3", "vpce-s3")) }, errs: []string{"leads nowhere out of the VPC"},
		},
		"a NAT gateway that is gone": {
			change: func(s *shape) { s.routes(local, dead(to("0.0.0.0/0", "nat-1"))) },
			errs:   []string{none + "subnet-a, subnet-b (route table rtb-nat sends 0.0.0.0/0 to the NAT gateway nat-1, which is gone (a blackhole), and without a way out"},
		},
		"an internet gateway that is gone": {
			change: func(s *shape) { s.routes(local, dead(to("0.0.0.0/0", "igw-1"))) }, errs: []string{"to the internet gateway igw-1, which is gone (a blackhole)"},
		},
		"a blackhole for everywhere, beside a peering connection": {
			change: func(s *shape) { s.routes(to("10.9.0.0/16", "pcx-1"), dead(to("0.0.0.0/0", "nat-1"))) }, errs: []string{"which is gone"},
		},
		"a blackhole for a block, beside a NAT gateway": {
			change: func(s *shape) { s.routes(dead(to("10.9.0.0/16", "pcx-1")), to("0.0.0.0/0", "nat-1")) }, want: both,
		},
		"a blackhole for a block alone": {
			change: func(s *shape) { s.routes(local, dead(to("10.9.0.0/16", "pcx-1"))) },
			errs:   []string{"sends 10.9.0.0/16 to the peering connection pcx-1, which is gone"},
		},
		"nothing out, and a proxy": {
			change: func(s *shape) { s.routes(local); s.choice.Proxy = true }, want: both,
		},
		"one of two is fit": {
			change: func(s *shape) {
				s.network.RouteTables = append(s.network.RouteTables, table("rtb-b", "subnet-b", local))
			},
			want: taken{"subnet-a", "subnet-a", "us-east-1a"}, left: []string{"subnet-b (route table rtb-b leads nowhere out of the VPC"},
		},
		"others of the VPC would do": {
			change: func(s *shape) { s.cluster.ResourcesVpcConfig.SubnetIds = []string{"subnet-p"} },
			errs:   []string{"private ones of vpc-0a with a way out (such as subnet-a, subnet-b). None of the cluster's own can be used: subnet-p (it is public"},
		},
		"a full subnet is for nodes only": {
			change: func(s *shape) { s.network.Subnets[1].AvailableIpAddressCount = aws.Int32(0) },
			want:   taken{"subnet-a", "subnet-a,subnet-b", "us-east-1a,us-east-1b"}, left: []string{"subnet-b (no free address for functions)"},
		},
		"all are full": {
			change: func(s *shape) {
				s.network.Subnets[0].AvailableIpAddressCount, s.network.Subnets[1].AvailableIpAddressCount = aws.Int32(0), aws.Int32(0)
			},
			errs: []string{"no address is free in subnet-a, subnet-b: a function takes one of each of its subnets. Free some, or give other subnets as PrivateSubnetIds"},
		},
		"an Outpost": {
			change: func(s *shape) {
				s.network.Subnets[1].OutpostArn = aws.String("arn:aws:outposts:us-east-1:111122223333:outpost/op-1")
			},
			want: taken{"subnet-a", "subnet-a", "us-east-1a"}, left: []string{"subnet-b (it is on the Outpost arn:aws:outposts:us-east-1:111122223333:outpost/op-1, where Lambda runs no functions)"},
		},
		"a local zone": {
			change: func(s *shape) { s.network.Subnets[1].AvailabilityZone = aws.String("us-east-1-bos-1a") },
			want:   taken{"subnet-a", "subnet-a", "us-east-1a"}, left: []string{"subnet-b (it is in the local-zone us-east-1-bos-1a, and Lambda runs functions in Availability Zones only)"},
		},
		"a Wavelength Zone": {
			change: func(s *shape) {
				s.network.Subnets[1].AvailabilityZone = aws.String("us-east-1-wl1-bos-wlz-1")
				s.network.RouteTables = append(s.network.RouteTables, table("rtb-wl", "subnet-b", local, to("0.0.0.0/0", "cagw-1")))
			},
			want: taken{"subnet-a", "subnet-a", "us-east-1a"}, left: []string{"subnet-b (it is in the wavelength-zone us-east-1-wl1-bos-wlz-1"},
		},
		"a zone the account opted out of": {
			change: func(s *shape) { s.network.Subnets[1].AvailabilityZone = aws.String("us-east-1-mia-1a") },
			want:   taken{"subnet-a", "subnet-a", "us-east-1a"}, left: []string{"subnet-b (its zone us-east-1-mia-1a is none that EC2 offers this account)"},
		},
		"IPv6 only": {
			change: func(s *shape) {
				s.network.Subnets[1].Ipv6Native, s.network.Subnets[1].CidrBlock = aws.Bool(true), nil
			},
			want: taken{"subnet-a", "subnet-a", "us-east-1a"}, left: []string{"subnet-b (it has no IPv4 addresses, which functions need)"},
		},
		"a subnet that was deleted": {
			change: func(s *shape) { s.network.Subnets = s.network.Subnets[:1] },
			want:   taken{"subnet-a", "subnet-a", "us-east-1a"}, left: []string{"subnet-b (it does not exist in this region, or this account may not see it)"},
		},
		"a shared VPC": {
			change: func(s *shape) {
				for i := range s.network.Subnets {
					s.network.Subnets[i].OwnerId = aws.String(shared)
				}
			},
			want: both,
		},
		"a shared VPC without its routes": {
			change: func(s *shape) {
				s.network.RouteTables = nil
				for i := range s.network.Subnets {
					s.network.Subnets[i].OwnerId = aws.String(shared)
				}
			},
			errs: []string{none + "subnet-a, subnet-b (it is shared by account 444455556666, and its routes cannot be seen from account 111122223333)"},
		},
		"a shared VPC without its routes, chosen": {
			change: func(s *shape) {
				s.network.RouteTables, s.choice.Subnets = nil, []string{"subnet-a"}
				s.network.Subnets[0].OwnerId = aws.String(shared)
			},
			want: taken{"subnet-a", "subnet-a", "us-east-1a"},
		},
		"the interface endpoints needed": {change: (*shape).isolated, want: both},
		"an interface endpoint of S3": {
			change: func(s *shape) {
				s.isolated()
				s.routes(local)
				s.network.Endpoints[5] = endpoint("s3", "sg-0e")
			},
			want: both,
		},
		"S3's gateway on another table": {
			change: func(s *shape) { s.isolated(); s.network.Endpoints[5].RouteTableIds = []string{"rtb-main"} },
			errs:   []string{"endpoints it does not have: s3 (vpce-s3 is not on route table rtb-nat))"},
		},
		"endpoints without private names": {
			change: func(s *shape) { s.isolated(); s.network.Endpoints[3].PrivateDnsEnabled = aws.Bool(false) },
			errs:   []string{"endpoints it does not have: eks (vpce-eks has no private DNS name))"},
		},
		"endpoints that are not up yet": {
			change: func(s *shape) { s.isolated(); s.network.Endpoints[4].State = "pending" }, errs: []string{"endpoints it does not have: sts)"},
		},
		"endpoints of other services and regions": {
			change: func(s *shape) {
				s.isolated()
				s.network.Endpoints[0].ServiceName = aws.String("com.amazonaws.us-east-1.ec2messages")
				s.network.Endpoints[4].ServiceName = aws.String("com.amazonaws.us-west-2.sts")
				s.network.Endpoints[1].VpcEndpointType = ec2types.VpcEndpointTypeGatewayLoadBalancer
			},
			errs: []string{"endpoints it does not have: ec2, ecr.api, sts)"},
		},
		"endpoints in China": {
			change: func(s *shape) {
				s.isolated()
				s.cluster.Arn = aws.String("arn:aws-cn:eks:cn-north-1:111122223333:cluster/analytics")
				for i := range s.network.Endpoints {
					name := strings.Replace(*s.network.Endpoints[i].ServiceName, "us-east-1", "cn-north-1", 1)
					s.network.Endpoints[i].ServiceName = aws.String("cn." + name)
				}
			},
			want: both,
		},
		"endpoints that let nobody in": {
			change: func(s *shape) { s.isolated(); s.network.Rules[2] = rule("sg-0e", ingress, "tcp", "10.0.0.0/24") },
			errs:   []string{}, // subnet-a's block is let in
			want:   taken{"subnet-a", "subnet-a", "us-east-1a"},
			left:   []string{"subnet-b (route table rtb-nat leads nowhere out of the VPC, and without a way out the VPC needs endpoints it does not have: ec2 (no security group of vpce-ec2 lets sg-0c in on port 443), ecr.api (no"},
		},
		"endpoints that let the cluster security group in": {
			change: func(s *shape) { s.isolated(); s.network.Rules[2] = rule("sg-0e", ingress, "tcp", "sg-0c") }, want: both,
		},
		"endpoints of the VPC's owner": {
			change: func(s *shape) {
				s.isolated()
				s.network.Rules = s.network.Rules[:2]
				for i := range s.network.Endpoints {
					s.network.Endpoints[i].OwnerId = aws.String(shared)
				}
			},
			want: both,
		},
		"more subnets than a function takes": {
			change: func(s *shape) {
				for i := range 18 {
					id := fmt.Sprintf("subnet-%02d", i)
					extra := subnet(id, "us-east-1c", fmt.Sprintf("10.0.%d.0/24", 10+i))
					extra.AvailableIpAddressCount = aws.Int32(int32(100 + i))
					s.network.Subnets = append(s.network.Subnets, extra)
					s.cluster.ResourcesVpcConfig.SubnetIds = append(s.cluster.ResourcesVpcConfig.SubnetIds, id)
					s.network.RouteTables[1].Associations = append(s.network.RouteTables[1].Associations, ec2types.RouteTableAssociation{SubnetId: &id})
				}
			},
			want: taken{
				functions: "subnet-04,subnet-05,subnet-06,subnet-07,subnet-08,subnet-09,subnet-10,subnet-11,subnet-12,subnet-13,subnet-14,subnet-15,subnet-16,subnet-17,subnet-a,subnet-b",
				nodes: "subnet-00,subnet-01,subnet-02,subnet-03,subnet-04,subnet-05,subnet-06,subnet-07,subnet-08,subnet-09,subnet-10,subnet-11,subnet-12,subnet-13," +
					"subnet-14,subnet-15,subnet-16,subnet-17,subnet-a,subnet-b",
				zones: "us-east-1a,us-east-1b,us-east-1c",
			},
		},
		"chosen ones, in their order": {
			change: func(s *shape) {
				s.cluster.ResourcesVpcConfig.SubnetIds = []string{"subnet-p"}
				s.choice.Subnets = []string{"subnet-b", "subnet-a"}
			},
			want: taken{"subnet-b,subnet-a", "subnet-b,subnet-a", "us-east-1a,us-east-1b"},
		},
		"chosen ones that cannot be used, all at once": {
			change: func(s *shape) {
				far := subnet("subnet-far", "us-east-1a", "10.7.0.0/24")
				far.VpcId = aws.String("vpc-0f")
				s.network.Subnets = append(s.network.Subnets, far)
				s.network.Subnets[1].AvailableIpAddressCount = aws.Int32(0)
				s.choice.Subnets = []string{"subnet-p", "subnet-far", "subnet-none", "subnet-b", "subnet-a"}
			},
			errs: []string{
				"subnet-p of PrivateSubnetIds cannot be used (it is public: route table rtb-main",
				"subnet-far of PrivateSubnetIds cannot be used (it is in vpc-0f, and the cluster in vpc-0a)",
				"subnet-none of PrivateSubnetIds cannot be used (it does not exist in this region",
				"subnet-b of PrivateSubnetIds cannot be used (no address of it is free)",
			},
		},
		"the public endpoint alone, open to all": {change: func(s *shape) { s.publicOnly("0.0.0.0/0") }, want: both},
		"the public endpoint alone, and nothing out": {
			change: func(s *shape) { s.isolated(); s.publicOnly("0.0.0.0/0") },
			errs: []string{
				"the Kubernetes API has a public endpoint only, and route table rtb-nat leads nowhere out of the VPC. " +
					"Switch the private endpoint on: aws eks update-cluster-config --name analytics --region us-east-1 --resources-vpc-config endpointPrivateAccess=true",
			},
		},
		"the public endpoint alone, and a proxy that is not asked for it": {
			change: func(s *shape) { s.routes(local); s.choice.Proxy = true; s.publicOnly("0.0.0.0/0") }, errs: []string{"has a public endpoint only, and"},
		},
		"the public endpoint alone, open to the NAT gateway": {
			change: func(s *shape) {
				s.publicOnly("203.0.113.0/28", "198.51.100.0/24")
				s.network.NatGateways = []ec2types.NatGateway{nat("nat-1", "198.51.100.9", "203.0.113.1")}
			},
			want: both,
		},
		"the public endpoint alone, open to a part of the NAT gateway": {
			change: func(s *shape) {
				s.publicOnly("203.0.113.0/28")
				s.network.NatGateways = []ec2types.NatGateway{nat("nat-1", "198.51.100.9", "203.0.113.1")}
			},
			errs: []string{"a public endpoint only, which does not let in 198.51.100.9, the address of its NAT gateway nat-1. Switch the private endpoint on"},
		},
		"the public endpoint alone, behind a transit gateway": {
			change: func(s *shape) { s.publicOnly("203.0.113.0/28"); s.routes(local, to("0.0.0.0/0", "tgw-1")) }, want: both,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := usual()
			test.change(s)
			f, err := Read(s.cluster, s.network, s.choice)
			if len(test.errs) > 0 {
				checkParts(t, "error", fmt.Sprint(err), test.errs)
				if strings.Contains(fmt.Sprint(err), "\n") {
					t.Errorf("the error has lines: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := taken{strings.Join(f.FunctionSubnets, ","), strings.Join(f.NodeSubnets, ","), strings.Join(f.Zones, ",")}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(taken{})); diff != "" {
				t.Errorf("subnets (-want +got):\n%s", diff)
			}
			checkParts(t, "left out", strings.Join(f.LeftOut, "; "), test.left)
			if len(test.left) == 0 && len(f.LeftOut) > 0 {
				t.Errorf("left out: %v", f.LeftOut)
			}
		})
	}
}

func nat(id string, addresses ...string) ec2types.NatGateway {
	g := ec2types.NatGateway{NatGatewayId: &id}
	for _, a := range addresses {
		g.NatGatewayAddresses = append(g.NatGatewayAddresses, ec2types.NatGatewayAddress{PublicIp: &a})
	}
	return g
}

func checkParts(t *testing.T, what, text string, parts []string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s is\n%s\nwant it to contain\n%s", what, text, part)
		}
	}
}

func TestNeedsNatGateways(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*shape)
		want   bool
	}{
		"both endpoints":                   {func(*shape) {}, false},
		"the public one, open to all":      {func(s *shape) { s.publicOnly("203.0.113.0/28", "0.0.0.0/0") }, false},
		"the public one, open to some":     {func(s *shape) { s.publicOnly("203.0.113.0/28") }, true},
		"the private one, with old blocks": {func(s *shape) { s.cluster.ResourcesVpcConfig.PublicAccessCidrs = nil }, false},
	} {
		s := usual()
		test.change(s)
		if got := NeedsNatGateways(s.cluster); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
