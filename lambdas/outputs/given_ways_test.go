package main

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
	"github.com/e6data/aws-quickstart/internal/netplan"
)

const stackID = "arn:aws:cloudformation:us-east-1:111122223333:stack/quickstart/0a0a0a0a-1111-2222-3333-444455556666"

// byID are the subnets of an account, which are also asked for by their IDs.
type byID struct{ *facade }

func (b byID) DescribeSubnets(ctx context.Context, in *ec2.DescribeSubnetsInput, _ ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error) {
	if len(in.SubnetIds) == 0 {
		return b.facade.DescribeSubnets(ctx, in)
	}
	out := &ec2.DescribeSubnetsOutput{}
	for _, s := range b.subnets {
		if slices.Contains(in.SubnetIds, *s.SubnetId) {
			s.AvailabilityZoneId, s.AvailableIpAddressCount = aws.String("use1-"+*s.AvailabilityZone), aws.Int32(100)
			out.Subnets = append(out.Subnets, s)
		}
	}
	return out, nil
}

func (byID) DescribeVpcs(context.Context, *ec2.DescribeVpcsInput, ...func(*ec2.Options)) (*ec2.DescribeVpcsOutput, error) {
	panic("subnets that are given need no room")
}

func (byID) DescribeInternetGateways(context.Context, *ec2.DescribeInternetGatewaysInput, ...func(*ec2.Options)) (*ec2.DescribeInternetGatewaysOutput, error) {
	panic("subnets that are given need no gateway")
}

// theirVPC is an account with two subnets that have a way out, subnet-1 and
// subnet-2, and one that has none, subnet-3.
func theirVPC() *facade {
	a := theirAccount()
	a.tables = append(a.tables, types.RouteTable{
		RouteTableId: aws.String("rtb-3"), VpcId: aws.String("vpc-0a"), Associations: []types.RouteTableAssociation{{SubnetId: aws.String("subnet-3")}},
	})
	return a
}

// shut takes the ways out of all subnets.
func shut(a *facade) {
	for i := range a.tables {
		a.tables[i].Routes = nil
	}
}

func TestWaysOutOfGivenSubnets(t *testing.T) {
	const none = " leads nowhere out of the VPC, and without a way out the VPC needs endpoints it does not have: ec2, ecr.api, ecr.dkr, eks, s3, sts, elasticloadbalancing, sqs, ssm. Give "
	looks := func(subnets string) []string {
		return []string{"subnets subnet-id=" + subnets, "tables vpc-id=vpc-0a", "endpoints vpc-id=vpc-0a", "rules group-id=sg-0e,sg-0c"}
	}
	before := []string{"subnet-1", "subnet-2"}
	tests := map[string]struct {
		change func(*facade)
		given  []string
		old    []string // of an update
		props  contract.NetworkPlan
		calls  []string
		err    []string // parts
	}{
		"create":           {given: before, calls: looks("subnet-1,subnet-2")},
		"create in blanks": {given: []string{" subnet-2", "subnet-1 "}, calls: looks("subnet-2,subnet-1")},
		"create without a way out": {
			change: shut, given: before, calls: looks("subnet-1,subnet-2"),
			err: []string{"use the given subnets: subnet-1 of PrivateSubnetIds cannot be used: route table rtb-0" + none + "rtb-0 a default route", "subnet-2 of PrivateSubnetIds cannot be used: route table rtb-1" + none},
		},
		"create without a way out, and with private places": {
			change: shut, given: before, props: contract.NetworkPlan{ChartSource: "s3://mirror/charts", ImageRegistry: "registry.example.com"}, calls: looks("subnet-1,subnet-2"),
			err: []string{"subnet-1 of PrivateSubnetIds cannot be used: route table rtb-0" + none},
		},
		"create with a proxy": {
			change: shut, given: before, props: contract.NetworkPlan{HTTPSProxy: "http://proxy.example.com:3128"}, calls: looks("subnet-1,subnet-2"),
		},
		"create with all endpoints": {
			change: closed, given: before, props: contract.NetworkPlan{ChartSource: "s3://mirror/charts", ImageRegistry: "registry.example.com"}, calls: looks("subnet-1,subnet-2"),
		},
		"create with all endpoints and public charts": {
			change: closed, given: before, props: contract.NetworkPlan{ImageRegistry: "registry.example.com"}, calls: looks("subnet-1,subnet-2"),
			err: []string{"nothing leads from subnet-1, subnet-2 to the internet, where the charts of ChartSource=Public are: copy them to a bucket in us-east-1"},
		},
		"create with all endpoints and public images": {
			change: closed, given: before, props: contract.NetworkPlan{ChartSource: "oci://registry.example.com/charts"}, calls: looks("subnet-1,subnet-2"),
			err: []string{"where the public registries of the images are"},
		},
		"create without a right": {
			change: func(a *facade) { a.denied = "tables" }, given: before, calls: looks("subnet-1,subnet-2")[:2],
			err: []string{"use the given subnets: list the route tables: UnauthorizedOperation: no"},
		},
		"update asks nothing of subnets that were given": {change: shut, given: before, old: before},
		"update to other answers, whatever was done to routes": {
			change: shut, given: before, old: []string{"subnet-2 ", " subnet-1"}, props: contract.NetworkPlan{ChartSource: "s3://mirror/charts"},
		},
		"update with a further subnet": {
			change: func(a *facade) { a.tables[2].Routes = a.tables[0].Routes }, given: []string{"subnet-1", "subnet-2", "subnet-3"}, old: before, calls: looks("subnet-3"),
		},
		"update with a further subnet without a way out": {
			given: []string{"subnet-1", "subnet-3", "subnet-2"}, old: before, calls: looks("subnet-3"),
			err: []string{"keep the given subnets: subnet-3 of PrivateSubnetIds cannot be used: route table rtb-3" + none + "rtb-3 a default route"},
		},
		"update back to fewer": {change: shut, given: before, old: []string{"subnet-1", "subnet-2", "subnet-3"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := theirVPC()
			if tt.change != nil {
				tt.change(a)
			}
			props := tt.props
			props.VpcID, props.PrivateSubnetIDs = "vpc-0a", tt.given
			if props.ChartSource == "" {
				props.ChartSource = publicCharts
			}
			n := networkPlan{network: network{byID{a}}, ways: clusterNetwork{byID{a}}, stacks: updating}
			r := planRequest{Type: customresource.Create, StackID: stackID, Props: props}
			call := n.Create
			if tt.old != nil {
				r.Type, r.PhysicalID, call = customresource.Update, netplan.Given{VPC: "vpc-0a", Subnets: before}.ID(), n.Update
				r.OldProps = contract.NetworkPlan{VpcID: "vpc-0a", PrivateSubnetIDs: tt.old, ChartSource: publicCharts}
			}
			_, err := call(t.Context(), r)
			if got := message(err); (got == "") != (len(tt.err) == 0) {
				t.Errorf("error: %q", got)
			}
			for _, part := range tt.err {
				if got := message(err); !strings.Contains(got, part) {
					t.Errorf("error %q does not have %q", got, part)
				}
			}
			if diff := cmp.Diff(tt.calls, a.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// closed takes the ways out of all subnets, and gives the VPC all endpoints.
func closed(a *facade) {
	shut(a)
	for _, service := range []string{"ec2", "ecr.api", "ecr.dkr", "eks", "s3", "sts", "elasticloadbalancing", "sqs", "ssm"} {
		a.endpoints = append(a.endpoints, types.VpcEndpoint{
			VpcEndpointId: aws.String("vpce-" + service), VpcId: aws.String("vpc-0a"), ServiceName: aws.String("com.amazonaws.us-east-1." + service),
			VpcEndpointType: types.VpcEndpointTypeInterface, State: types.StateAvailable, PrivateDnsEnabled: aws.Bool(true), OwnerId: aws.String("111122223333"),
			Groups: []types.SecurityGroupIdentifier{{GroupId: aws.String("sg-0c")}},
		})
	}
}
