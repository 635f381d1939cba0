package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
)

var _ customresource.Handler[contract.ClusterFacts, contract.ClusterFactsData] = clusterFacts{}

// facade is an EKS API with one cluster and an EC2 API with its VPC. EC2 pages
// its answers: one thing a page.
type facade struct {
	cluster ekstypes.Cluster
	// statuses are what the cluster is, look by look; then it is ACTIVE.
	statuses  []ekstypes.ClusterStatus
	subnets   []types.Subnet
	tables    []types.RouteTable
	endpoints []types.VpcEndpoint
	rules     []types.SecurityGroupRule
	nats      []types.NatGateway
	denied    string // an EC2 call that is denied
	calls     []string
}

func theirAccount() *facade {
	subnet := func(id, vpc, zone, block string) types.Subnet {
		return types.Subnet{SubnetId: &id, VpcId: &vpc, AvailabilityZone: &zone, CidrBlock: &block, AvailableIpAddressCount: aws.Int32(9), OwnerId: aws.String("111122223333")}
	}
	route := func(to string) types.Route {
		return types.Route{DestinationCidrBlock: aws.String("0.0.0.0/0"), NatGatewayId: &to, State: types.RouteStateActive}
	}
	rule := func(group string, out bool) types.SecurityGroupRule {
		return types.SecurityGroupRule{GroupId: &group, IsEgress: &out, IpProtocol: aws.String("-1"), CidrIpv4: aws.String("0.0.0.0/0")}
	}
	return &facade{
		cluster: ekstypes.Cluster{
			Name: aws.String("theirs"), Arn: aws.String("arn:aws:eks:us-east-1:111122223333:cluster/theirs"), Version: aws.String("1.35"),
			Endpoint: aws.String("https://8EBD00AE.gr7.us-east-1.eks.amazonaws.com"),
			Identity: &ekstypes.Identity{Oidc: &ekstypes.OIDC{Issuer: aws.String(issuer)}},
			ResourcesVpcConfig: &ekstypes.VpcConfigResponse{
				VpcId: aws.String("vpc-0a"), SubnetIds: []string{"subnet-1", "subnet-2"}, ClusterSecurityGroupId: aws.String("sg-0c"), EndpointPrivateAccess: true,
			},
			KubernetesNetworkConfig: &ekstypes.KubernetesNetworkConfigResponse{ServiceIpv4Cidr: aws.String("10.100.0.0/16")},
		},
		subnets: []types.Subnet{
			subnet("subnet-1", "vpc-0a", "us-east-1a", "10.0.0.0/24"), subnet("subnet-2", "vpc-0a", "us-east-1b", "10.0.1.0/24"),
			subnet("subnet-3", "vpc-0a", "us-east-1b", "10.0.2.0/24"), subnet("subnet-9", "vpc-0f", "us-east-1a", "10.9.0.0/24"),
		},
		tables: []types.RouteTable{
			{RouteTableId: aws.String("rtb-1"), VpcId: aws.String("vpc-0a"), Routes: []types.Route{route("nat-1")}, Associations: []types.RouteTableAssociation{{SubnetId: aws.String("subnet-2")}}},
			{RouteTableId: aws.String("rtb-0"), VpcId: aws.String("vpc-0a"), Routes: []types.Route{route("nat-1")}, Associations: []types.RouteTableAssociation{{Main: aws.Bool(true)}}},
		},
		endpoints: []types.VpcEndpoint{{}, {VpcEndpointId: aws.String("vpce-1"), Groups: []types.SecurityGroupIdentifier{{GroupId: aws.String("sg-0e")}, {GroupId: aws.String("sg-0c")}}}},
		rules:     []types.SecurityGroupRule{rule("sg-0c", false), rule("sg-0c", true)},
		nats:      []types.NatGateway{{NatGatewayId: aws.String("nat-1"), NatGatewayAddresses: []types.NatGatewayAddress{{PublicIp: aws.String("203.0.113.9")}}}},
	}
}

func (a *facade) DescribeCluster(_ context.Context, in *eks.DescribeClusterInput, _ ...func(*eks.Options)) (*eks.DescribeClusterOutput, error) {
	a.calls = append(a.calls, "cluster")
	if *in.Name != *a.cluster.Name {
		return nil, &ekstypes.ResourceNotFoundException{Message: aws.String("No cluster found for name: " + *in.Name + ".")}
	}
	a.cluster.Status = ekstypes.ClusterStatusActive
	if len(a.statuses) > 0 {
		a.cluster.Status, a.statuses = a.statuses[0], a.statuses[1:]
	}
	return &eks.DescribeClusterOutput{Cluster: &a.cluster}, nil
}

// page cuts the one item out of all that a call's token stands for.
func page[T any](a *facade, call string, filters []types.Filter, token *string, all []T) ([]T, *string, error) {
	var what []string
	for _, f := range filters {
		what = append(what, *f.Name+"="+strings.Join(f.Values, ","))
	}
	if token == nil {
		a.calls = append(a.calls, strings.Join(append([]string{call}, what...), " "))
	}
	if a.denied == call {
		return nil, nil, errors.New("UnauthorizedOperation: no")
	}
	at := 0
	if token != nil {
		_, _ = fmt.Sscan(*token, &at)
	}
	if at >= len(all) {
		return nil, nil, nil
	}
	var next *string
	if at+1 < len(all) {
		next = aws.String(fmt.Sprint(at + 1))
	}
	return all[at : at+1], next, nil
}

func (a *facade) DescribeSubnets(_ context.Context, in *ec2.DescribeSubnetsInput, _ ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error) {
	var found []types.Subnet
	for _, s := range a.subnets {
		value := *s.VpcId
		if *in.Filters[0].Name == "subnet-id" {
			value = *s.SubnetId
		}
		if slices.Contains(in.Filters[0].Values, value) {
			found = append(found, s)
		}
	}
	items, next, err := page(a, "subnets", in.Filters, in.NextToken, found)
	return &ec2.DescribeSubnetsOutput{Subnets: items, NextToken: next}, err
}

func (a *facade) DescribeRouteTables(_ context.Context, in *ec2.DescribeRouteTablesInput, _ ...func(*ec2.Options)) (*ec2.DescribeRouteTablesOutput, error) {
	items, next, err := page(a, "tables", in.Filters, in.NextToken, a.tables)
	return &ec2.DescribeRouteTablesOutput{RouteTables: items, NextToken: next}, err
}

func (a *facade) DescribeVpcEndpoints(_ context.Context, in *ec2.DescribeVpcEndpointsInput, _ ...func(*ec2.Options)) (*ec2.DescribeVpcEndpointsOutput, error) {
	items, next, err := page(a, "endpoints", in.Filters, in.NextToken, a.endpoints)
	return &ec2.DescribeVpcEndpointsOutput{VpcEndpoints: items, NextToken: next}, err
}

func (a *facade) DescribeAvailabilityZones(_ context.Context, in *ec2.DescribeAvailabilityZonesInput, _ ...func(*ec2.Options)) (*ec2.DescribeAvailabilityZonesOutput, error) {
	if in.AllAvailabilityZones != nil {
		return nil, errors.New("zones that are not open to the account were asked for")
	}
	_, _, err := page(a, "zones", in.Filters, nil, []int{})
	out := &ec2.DescribeAvailabilityZonesOutput{}
	for _, name := range []string{"us-east-1a", "us-east-1b"} {
		out.AvailabilityZones = append(out.AvailabilityZones, types.AvailabilityZone{ZoneName: &name, ZoneType: aws.String("availability-zone")})
	}
	return out, err
}

func (a *facade) DescribeSecurityGroupRules(_ context.Context, in *ec2.DescribeSecurityGroupRulesInput, _ ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupRulesOutput, error) {
	items, next, err := page(a, "rules", in.Filters, in.NextToken, a.rules)
	return &ec2.DescribeSecurityGroupRulesOutput{SecurityGroupRules: items, NextToken: next}, err
}

func (a *facade) DescribeNatGateways(_ context.Context, in *ec2.DescribeNatGatewaysInput, _ ...func(*ec2.Options)) (*ec2.DescribeNatGatewaysOutput, error) {
	items, next, err := page(a, "NAT gateways", in.Filter, in.NextToken, a.nats)
	return &ec2.DescribeNatGatewaysOutput{NatGateways: items, NextToken: next}, err
}

func reader(a *facade, s status) clusterFacts {
	return clusterFacts{clusters: a, network: clusterNetwork{a}, stacks: s, log: slog.New(slog.DiscardHandler)}
}

// theirFacts are those of theirAccount.
func theirFacts() factsResponse {
	return factsResponse{PhysicalID: "clusterfacts/theirs", Data: contract.ClusterFactsData{
		ClusterArn: "arn:aws:eks:us-east-1:111122223333:cluster/theirs", VpcID: "vpc-0a", FunctionSubnetIDs: "subnet-1,subnet-2", NodeSubnetIDs: "subnet-1,subnet-2",
		Zones: "us-east-1a,us-east-1b", SecurityGroupID: "sg-0c", EndpointHost: "8EBD00AE.gr7.us-east-1.eks.amazonaws.com",
		Issuer: issuer, IssuerWithoutScheme: "oidc.eks.us-east-1.amazonaws.com/id/8EBD00AE", AuthenticationMode: "CONFIG_MAP", KubernetesVersion: "1.35", ServiceCidr: "10.100.0.0/16",
	}}
}

func TestClusterFacts(t *testing.T) {
	looks := []string{"cluster", "subnets vpc-id=vpc-0a", "tables vpc-id=vpc-0a", "endpoints vpc-id=vpc-0a", "zones", "rules group-id=sg-0c,sg-0e"}
	tests := map[string]struct {
		change  func(*facade, *factsRequest)
		status  status // of the stack
		want    func(*contract.ClusterFactsData)
		calls   []string // empty: looks
		err     string   // a part
		another string   // physical ID, if it is not the usual one
	}{
		"create": {},
		"create with subnets, as an empty parameter gives them": {
			change: func(_ *facade, r *factsRequest) { r.Props.PrivateSubnetIDs = []string{""} },
		},
		"create with subnets": {
			change: func(_ *facade, r *factsRequest) {
				r.Props.PrivateSubnetIDs = []string{"subnet-3", " subnet-1", "subnet-3"}
			},
			want: func(d *contract.ClusterFactsData) {
				d.FunctionSubnetIDs, d.NodeSubnetIDs, d.Zones = "subnet-3,subnet-1", "subnet-3,subnet-1", "us-east-1a,us-east-1b"
			},
		},
		"create with subnets from elsewhere": {
			change: func(_ *facade, r *factsRequest) {
				r.Props.PrivateSubnetIDs = []string{"subnet-9", "subnet-1", "subnet-8"}
			},
			calls: slices.Insert(slices.Clone(looks), 2, "subnets subnet-id=subnet-9,subnet-8"),
			err:   "subnet-9 of PrivateSubnetIds cannot be used (it is in vpc-0f, and the cluster in vpc-0a); subnet-8 of PrivateSubnetIds cannot be used (it does not exist in this region",
		},
		"create with a proxy": {
			change: func(a *facade, r *factsRequest) {
				a.tables[0].Routes, a.tables[1].Routes = nil, nil
				r.Props.HTTPSProxy = "http://proxy.example.com:3128"
			},
		},
		"create without a way out": {
			change: func(a *facade, _ *factsRequest) { a.tables[0].Routes, a.tables[1].Routes = nil, nil },
			err: "use cluster theirs: give subnets for functions and nodes as PrivateSubnetIds: private ones of vpc-0a with a way out. None of the cluster's own can be used: " +
				"subnet-1 (route table rtb-0 leads nowhere out of the VPC, and without a way out the VPC needs endpoints it does not have: ec2, ecr.api, ecr.dkr, eks, s3, sts); subnet-2 (route table rtb-1",
		},
		"create with a public endpoint that some may reach": {
			change: func(a *facade, _ *factsRequest) {
				at := a.cluster.ResourcesVpcConfig
				at.EndpointPrivateAccess, at.PublicAccessCidrs = false, []string{"198.51.100.0/24"}
			},
			calls: append(slices.Clone(looks), "NAT gateways vpc-id=vpc-0a"), err: "which does not let in 203.0.113.9",
		},
		"create waits for a cluster that is made": {
			change: func(a *facade, _ *factsRequest) {
				a.statuses = []ekstypes.ClusterStatus{ekstypes.ClusterStatusCreating, ekstypes.ClusterStatusUpdating}
			},
			calls: append([]string{"cluster", "cluster"}, looks...),
		},
		"create gives up a cluster that is updated for long": {
			change: func(a *facade, _ *factsRequest) {
				a.statuses = slices.Repeat([]ekstypes.ClusterStatus{ekstypes.ClusterStatusUpdating}, 99)
			},
			calls: slices.Repeat([]string{"cluster"}, 18), err: "use cluster theirs: EKS is updating it",
		},
		"create refuses a cluster that is deleted at once": {
			change: func(a *facade, _ *factsRequest) {
				a.statuses = []ekstypes.ClusterStatus{ekstypes.ClusterStatusDeleting}
			},
			calls: []string{"cluster"}, err: "use cluster theirs: it is being deleted",
		},
		"create of no cluster": {
			change: func(_ *facade, r *factsRequest) { r.Props.ClusterName = "thiers" }, calls: []string{"cluster"},
			err: "use cluster thiers: EKS has no cluster of that name in us-east-1: aws eks list-clusters --region us-east-1 shows those that there are",
		},
		"create with a right that lacks": {
			change: func(a *facade, _ *factsRequest) { a.denied = "tables" }, calls: looks[:3],
			err: "look at the network of cluster theirs: list the route tables: UnauthorizedOperation: no",
		},
		"create of a cluster without a VPC": {
			change: func(a *facade, _ *factsRequest) { a.cluster.ResourcesVpcConfig = nil }, calls: looks[:1], err: "use cluster theirs: EKS names no VPC of it",
		},
		"update looks again": {
			change: func(a *facade, r *factsRequest) {
				r.Type, r.PhysicalID = customresource.Update, "clusterfacts/theirs"
				a.cluster.Version = aws.String("1.36")
			},
			want: func(d *contract.ClusterFactsData) { d.KubernetesVersion = "1.36" },
		},
		"update to another cluster": {
			change:  func(_ *facade, r *factsRequest) { r.Type, r.PhysicalID = customresource.Update, "clusterfacts/first" },
			another: "clusterfacts/theirs",
		},
		"update while EKS updates the cluster": {
			change: func(a *facade, r *factsRequest) {
				r.Type, a.statuses = customresource.Update, []ekstypes.ClusterStatus{ekstypes.ClusterStatusUpdating}
			},
		},
		"update of a cluster that is deleted": {
			change: func(a *facade, r *factsRequest) {
				r.Type, a.statuses = customresource.Update, []ekstypes.ClusterStatus{ekstypes.ClusterStatusDeleting}
			},
			calls: looks[:1], err: "it is being deleted",
		},
		"update to subnets that cannot be used": {
			change: func(a *facade, r *factsRequest) {
				r.Type, r.Props.PrivateSubnetIDs = customresource.Update, []string{"subnet-1"}
				a.subnets[0].AvailableIpAddressCount = aws.Int32(0)
			},
			status: updating, err: "subnet-1 of PrivateSubnetIds cannot be used (no address of it is free)",
		},
		"a rollback to subnets that cannot be used any more": {
			change: func(a *facade, r *factsRequest) {
				r.Type, r.Props.PrivateSubnetIDs = customresource.Update, []string{"subnet-1"}
				a.subnets[0].AvailableIpAddressCount = aws.Int32(0)
			},
			status: rollingBack,
			want: func(d *contract.ClusterFactsData) {
				d.FunctionSubnetIDs, d.NodeSubnetIDs, d.Zones = "subnet-1", "subnet-1", "us-east-1a"
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := theirAccount()
				r := factsRequest{Type: customresource.Create, StackID: stack("alpha"), Props: contract.ClusterFacts{ClusterName: "theirs"}}
				if test.change != nil {
					test.change(a, &r)
				}
				ctx, cancel := context.WithTimeout(t.Context(), functionRun)
				defer cancel()
				c := reader(a, test.status)
				method := c.Create
				if r.Type == customresource.Update {
					method = c.Update
				}
				got, err := method(ctx, r)
				if (err == nil) != (test.err == "") || !strings.Contains(message(err), test.err) {
					t.Fatalf("error is %v, want it to contain %q", err, test.err)
				}
				want := theirFacts()
				if test.want != nil {
					test.want(&want.Data)
				}
				if test.err != "" {
					want = factsResponse{}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("response (-want +got):\n%s", diff)
				}
				if test.calls == nil {
					test.calls = looks
				}
				if diff := cmp.Diff(test.calls, a.calls); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
				if err == nil && !c.Owns(got.PhysicalID) {
					t.Errorf("%s is not owned", got.PhysicalID)
				}
			})
		})
	}
	if err := (clusterFacts{}).Delete(t.Context(), factsRequest{PhysicalID: "clusterfacts/theirs"}); err != nil {
		t.Error(err)
	}
	if name, ours := parseFactsID(factsID("theirs")); name != "theirs" || !ours {
		t.Errorf("%s, %t", name, ours)
	}
	if (clusterFacts{}).Owns("networkplan/v1/x") {
		t.Error("it owns a network plan")
	}
}
