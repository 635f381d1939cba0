package facts

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/e6data/aws-quickstart/internal/endpoints"
)

// given are the private subnets of a shape, for a cluster that is to be made:
// no security group of one is there yet.
func (s *shape) given() Given {
	return Given{
		VPC: "vpc-0a", Subnets: []string{"subnet-a", "subnet-b"}, Account: "111122223333", Region: "us-east-1",
		Proxy: s.choice.Proxy, PublicCharts: true, PublicImages: true,
	}
}

// complete takes the way out, and gives the VPC all endpoints that a cluster of
// the stack's own needs.
func (s *shape) complete() {
	s.isolated()
	for _, service := range endpoints.Needed(true)[len(endpoints.Needed(false)):] {
		s.network.Endpoints = append(s.network.Endpoints, endpoint(service, "sg-0e"))
	}
}

func TestGiven(t *testing.T) {
	const (
		allLacking = "route table rtb-nat leads nowhere out of the VPC, and without a way out the VPC needs endpoints it does not have: " +
			"ec2, ecr.api, ecr.dkr, eks, s3, sts, elasticloadbalancing, sqs, ssm. " +
			"Give rtb-nat a default route to a NAT gateway, a transit gateway or a firewall, make the endpoints that are named here, " +
			"give a proxy as HttpsProxy, or give other subnets"
		noCharts = "nothing leads from subnet-a, subnet-b to the internet, where the charts of ChartSource=Public are: " +
			"copy them to a bucket in us-east-1 and give s3://bucket/prefix as ChartSource"
		noImages = "nothing leads from subnet-a, subnet-b to the internet, where the public registries of the images are: " +
			"copy them to ECR in us-east-1 and give that registry as ImageRegistry"
	)
	private := func(g *Given) { g.PublicCharts, g.PublicImages = false, false }
	tests := map[string]struct {
		change func(*shape)
		answer func(*Given)
		err    string
	}{
		"a NAT gateway":                 {},
		"a NAT gateway, all private":    {answer: private},
		"a transit gateway":             {change: func(s *shape) { s.routes(local, to("0.0.0.0/0", "tgw-1")) }},
		"a transit gateway for a block": {change: func(s *shape) { s.routes(local, to("10.0.0.0/8", "tgw-1")) }},
		"a firewall's endpoint":         {change: func(s *shape) { s.routes(local, to("0.0.0.0/0", "vpce-gwlb")) }},
		"nothing": {
			change: func(s *shape) { s.routes(local) },
			err:    "subnet-a, subnet-b of PrivateSubnetIds cannot be used: " + allLacking,
		},
		"nothing, all private": {
			change: func(s *shape) { s.routes(local) }, answer: private,
			err: "subnet-a, subnet-b of PrivateSubnetIds cannot be used: " + allLacking,
		},
		"nothing, and a proxy": {change: func(s *shape) { s.routes(local); s.choice.Proxy = true }},
		"one of two": {
			change: func(s *shape) {
				s.network.RouteTables = append(s.network.RouteTables, table("rtb-b", "subnet-b", local))
			},
			err: "subnet-b of PrivateSubnetIds cannot be used: " + strings.ReplaceAll(allLacking, "rtb-nat", "rtb-b"),
		},
		"one that was not asked about": {
			change: func(s *shape) {
				s.network.RouteTables = append(s.network.RouteTables, table("rtb-b", "subnet-b", local))
			},
			answer: func(g *Given) { g.Subnets = []string{"subnet-a"} },
		},
		"two that lack different things": {
			change: func(s *shape) {
				s.complete()
				s.network.RouteTables = append(s.network.RouteTables, table("rtb-b", "subnet-b", local))
				s.network.Endpoints[0].State = "deleted"
			},
			answer: private,
			err: "subnet-a of PrivateSubnetIds cannot be used: route table rtb-nat leads nowhere out of the VPC, and without a way out the VPC needs endpoints it does not have: ec2. " +
				"Give rtb-nat a default route to a NAT gateway, a transit gateway or a firewall, make the endpoints that are named here, give a proxy as HttpsProxy, or give other subnets. " +
				"subnet-b of PrivateSubnetIds cannot be used: route table rtb-b leads nowhere out of the VPC, and without a way out the VPC needs endpoints it does not have: ec2, s3 (vpce-s3 is not on route table rtb-b). " +
				"Give rtb-b a default route to a NAT gateway, a transit gateway or a firewall, make the endpoints that are named here, give a proxy as HttpsProxy, or give other subnets",
		},
		"a NAT gateway that is gone": {
			change: func(s *shape) { s.routes(local, dead(to("0.0.0.0/0", "nat-1"))) },
			err: "subnet-a, subnet-b of PrivateSubnetIds cannot be used: route table rtb-nat sends 0.0.0.0/0 to the NAT gateway nat-1, which is gone (a blackhole), " +
				strings.TrimPrefix(allLacking, "route table rtb-nat leads nowhere out of the VPC, "),
		},
		"public": {
			change: func(s *shape) { s.routes(local, to("0.0.0.0/0", "igw-1")) },
			err: "subnet-a, subnet-b of PrivateSubnetIds cannot be used: it is public: route table rtb-nat sends 0.0.0.0/0 to the internet gateway igw-1. " +
				"Functions have no public address, and nodes are to have none. Give private subnets; public ones go into PublicSubnetIds",
		},
		"public, and a proxy": {
			change: func(s *shape) { s.routes(local, to("0.0.0.0/0", "igw-1")); s.choice.Proxy = true },
			err: "subnet-a, subnet-b of PrivateSubnetIds cannot be used: it is public: route table rtb-nat sends 0.0.0.0/0 to the internet gateway igw-1. " +
				"Functions have no public address, and nodes are to have none. Give private subnets; public ones go into PublicSubnetIds",
		},
		"all endpoints":                       {change: (*shape).complete, answer: private},
		"all endpoints, and public places":    {change: (*shape).complete, err: noCharts + ". " + noImages},
		"all endpoints, and public charts":    {change: (*shape).complete, answer: func(g *Given) { g.PublicImages = false }, err: noCharts},
		"all endpoints, and public images":    {change: (*shape).complete, answer: func(g *Given) { g.PublicCharts = false }, err: noImages},
		"all endpoints, and a proxy to those": {change: func(s *shape) { s.complete(); s.choice.Proxy = true }},
		"an endpoint of another VPC": {
			change: func(s *shape) { s.complete(); s.network.Endpoints[7].VpcId = aws.String("vpc-0b") }, answer: private,
			err: "subnet-a, subnet-b of PrivateSubnetIds cannot be used: " + strings.Replace(allLacking, "ec2, ecr.api, ecr.dkr, eks, s3, sts, elasticloadbalancing, sqs, ssm", "sqs", 1),
		},
		"an endpoint that lets nobody in": {
			change: func(s *shape) { s.complete(); s.network.Endpoints[8] = endpoint("ssm", "sg-0f") }, answer: private,
			err: "subnet-a of PrivateSubnetIds cannot be used: route table rtb-nat leads nowhere out of the VPC, and without a way out the VPC needs endpoints it does not have: " +
				"ssm (no security group of vpce-ssm lets subnet-a in on port 443). Give rtb-nat a default route to a NAT gateway, a transit gateway or a firewall, " +
				"make the endpoints that are named here, give a proxy as HttpsProxy, or give other subnets. " +
				"subnet-b of PrivateSubnetIds cannot be used: route table rtb-nat leads nowhere out of the VPC, and without a way out the VPC needs endpoints it does not have: " +
				"ssm (no security group of vpce-ssm lets subnet-b in on port 443). Give rtb-nat a default route to a NAT gateway, a transit gateway or a firewall, " +
				"make the endpoints that are named here, give a proxy as HttpsProxy, or give other subnets",
		},
		// A group that is not there yet cannot be the peer of a rule.
		"an endpoint that lets in its own group only": {
			change: func(s *shape) {
				s.complete()
				s.network.Rules = []ec2types.SecurityGroupRule{rule("sg-0e", ingress, "tcp", "sg-0e")}
			},
			answer: func(g *Given) { private(g); g.Subnets = []string{"subnet-a"} },
			err: "subnet-a of PrivateSubnetIds cannot be used: route table rtb-nat leads nowhere out of the VPC, and without a way out the VPC needs endpoints it does not have: " +
				"ec2 (no security group of vpce-ec2 lets subnet-a in on port 443), ecr.api (no security group of vpce-ecr.api lets subnet-a in on port 443), " +
				"ecr.dkr (no security group of vpce-ecr.dkr lets subnet-a in on port 443), eks (no security group of vpce-eks lets subnet-a in on port 443), " +
				"sts (no security group of vpce-sts lets subnet-a in on port 443), elasticloadbalancing (no security group of vpce-elasticloadbalancing lets subnet-a in on port 443), " +
				"sqs (no security group of vpce-sqs lets subnet-a in on port 443), ssm (no security group of vpce-ssm lets subnet-a in on port 443). " +
				"Give rtb-nat a default route to a NAT gateway, a transit gateway or a firewall, make the endpoints that are named here, give a proxy as HttpsProxy, or give other subnets",
		},
		"a shared VPC without its routes": {change: func(s *shape) { s.network.RouteTables = nil }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := usual()
			if tt.change != nil {
				tt.change(s)
			}
			g := s.given()
			if tt.answer != nil {
				tt.answer(&g)
			}
			got := ""
			if err := g.Check(s.network); err != nil {
				got = err.Error()
			}
			if got != tt.err {
				t.Errorf("error:\n%s\nwant:\n%s", got, tt.err)
			}
		})
	}
}

// Without any service a closed VPC's subnets would be taken.
func TestEachEndpointIsNeeded(t *testing.T) {
	whole := usual()
	whole.complete()
	if got, want := len(whole.network.Endpoints), len(endpoints.Needed(true)); got != want {
		t.Fatalf("%d endpoints, want %d", got, want)
	}
	for i, e := range whole.network.Endpoints {
		s := usual()
		s.complete()
		s.network.Endpoints[i].State = "pendingAcceptance"
		g := s.given()
		g.PublicCharts, g.PublicImages = false, false
		service := strings.TrimPrefix(*e.ServiceName, "com.amazonaws.us-east-1.")
		if err := g.Check(s.network); err == nil || !strings.Contains(err.Error(), "needs endpoints it does not have: "+service+". Give") {
			t.Errorf("without %s: %v", service, err)
		}
	}
}
