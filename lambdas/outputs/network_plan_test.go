package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
	"github.com/e6data/aws-quickstart/internal/netplan"
)

var (
	_ customresource.Handler[contract.NetworkPlan, contract.NetworkPlanData]           = networkPlan{}
	_ customresource.Handler[contract.WorkspaceOutputs, contract.WorkspaceOutputsData] = workspaceOutputs{}
)

// region is an EC2 API with the given zones, "name/id", and at most one VPC; or
// an error for every call.
type region struct {
	zones   []string
	vpc     string
	blocks  []string
	subnets []netplan.Subnet
	// cidrs are the subnets' blocks, by ID.
	cidrs   map[string]string
	gateway string
	err     error
	calls   int
}

func (r *region) DescribeAvailabilityZones(_ context.Context, in *ec2.DescribeAvailabilityZonesInput, _ ...func(*ec2.Options)) (*ec2.DescribeAvailabilityZonesOutput, error) {
	r.calls++
	if in.AllAvailabilityZones != nil {
		return nil, errors.New("zones that are not open to the account were asked for")
	}
	out := &ec2.DescribeAvailabilityZonesOutput{}
	for _, z := range r.zones {
		name, id, _ := strings.Cut(z, "/")
		out.AvailabilityZones = append(out.AvailabilityZones, types.AvailabilityZone{
			ZoneName: &name, ZoneId: &id, ZoneType: new("availability-zone"),
			State: types.AvailabilityZoneStateAvailable, OptInStatus: types.AvailabilityZoneOptInStatusOptInNotRequired,
		})
	}
	return out, r.err
}

func (r *region) DescribeVpcs(_ context.Context, in *ec2.DescribeVpcsInput, _ ...func(*ec2.Options)) (*ec2.DescribeVpcsOutput, error) {
	r.calls++
	if len(in.VpcIds) != 1 || in.VpcIds[0] != r.vpc {
		return nil, fmt.Errorf("InvalidVpcID.NotFound: The vpc ID '%s' does not exist", in.VpcIds)
	}
	vpc := types.Vpc{VpcId: &r.vpc, CidrBlock: &r.blocks[0]}
	for _, b := range append(r.blocks, "198.19.0.0/16") {
		state := types.VpcCidrBlockStateCodeAssociated
		if b == "198.19.0.0/16" {
			state = types.VpcCidrBlockStateCodeDisassociated
		}
		vpc.CidrBlockAssociationSet = append(vpc.CidrBlockAssociationSet, types.VpcCidrBlockAssociation{
			CidrBlock: &b, CidrBlockState: &types.VpcCidrBlockState{State: state},
		})
	}
	return &ec2.DescribeVpcsOutput{Vpcs: []types.Vpc{vpc}}, r.err
}

func (r *region) DescribeSubnets(_ context.Context, in *ec2.DescribeSubnetsInput, _ ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error) {
	r.calls++
	out := &ec2.DescribeSubnetsOutput{}
	for _, s := range r.subnets {
		if len(in.SubnetIds) == 0 && s.VPC != in.Filters[0].Values[0] || len(in.SubnetIds) > 0 && !slices.Contains(in.SubnetIds, s.ID) {
			continue
		}
		cidr := r.cidrs[s.ID]
		out.Subnets = append(out.Subnets, types.Subnet{
			SubnetId: &s.ID, VpcId: &s.VPC, AvailabilityZone: &s.Zone, AvailabilityZoneId: &s.ZoneID,
			AvailableIpAddressCount: new(int32(s.FreeAddresses)), CidrBlock: &cidr,
		})
	}
	return out, r.err
}

func (r *region) DescribeInternetGateways(_ context.Context, in *ec2.DescribeInternetGatewaysInput, _ ...func(*ec2.Options)) (*ec2.DescribeInternetGatewaysOutput, error) {
	r.calls++
	out := &ec2.DescribeInternetGatewaysOutput{}
	if in.Filters[0].Values[0] == r.vpc && r.gateway != "" {
		out.InternetGateways = []types.InternetGateway{{InternetGatewayId: &r.gateway}}
	}
	return out, r.err
}

// status is a CloudFormation API that knows one stack's status.
type status cfntypes.StackStatus

func (s status) DescribeStacks(context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error) {
	return &cloudformation.DescribeStacksOutput{Stacks: []cfntypes.Stack{{StackStatus: cfntypes.StackStatus(s)}}}, nil
}

const (
	updating    = status(cfntypes.StackStatusUpdateInProgress)
	rollingBack = status(cfntypes.StackStatusUpdateRollbackInProgress)
)

func planner(api *region, s status) networkPlan {
	return networkPlan{network: network{api}, stacks: s, log: slog.New(slog.DiscardHandler)}
}

func TestNetworkPlan(t *testing.T) {
	three := []string{"us-east-1a/use1-az1", "us-east-1b/use1-az2", "us-east-1c/use1-az4"}
	four := append([]string{"us-east-1d/use1-az6"}, three...)
	const planned = "networkplan/v1/10.200.0.0-16/us-east-1a,us-east-1b,us-east-1c"
	threeZones := planResponse{PhysicalID: planned, Data: contract.NetworkPlanData{
		AvailabilityZones:        "us-east-1a,us-east-1b,us-east-1c,,,",
		ClusterAvailabilityZones: "us-east-1a,us-east-1b,us-east-1c,,,",
		PublicSubnetCidrs:        "10.200.192.0/22,10.200.196.0/22,10.200.200.0/22,,,",
		PrivateSubnetCidrs:       "10.200.0.0/19,10.200.32.0/19,10.200.64.0/19,,,",
	}}
	tests := map[string]struct {
		region  region
		request planRequest
		want    planResponse
		err     string
		calls   int
	}{
		"create plans all zones": {
			region:  region{zones: three},
			request: planRequest{Type: customresource.Create, Props: contract.NetworkPlan{VpcCidr: "10.200.0.0/16"}},
			want:    threeZones, calls: 1,
		},
		"create leaves excluded zones out": {
			region:  region{zones: four},
			request: planRequest{Type: customresource.Create, Props: contract.NetworkPlan{VpcCidr: "10.200.0.0/16", ExcludedAvailabilityZones: []string{"use1-az6"}}},
			want:    threeZones, calls: 1,
		},
		"create says what EC2 refused": {
			region:  region{err: errors.New("UnauthorizedOperation: no")},
			request: planRequest{Type: customresource.Create, Props: contract.NetworkPlan{VpcCidr: "10.200.0.0/16"}},
			err:     "list the Availability Zones of the region: UnauthorizedOperation: no", calls: 1,
		},
		"create in a region without zones": {
			request: planRequest{Type: customresource.Create, Props: contract.NetworkPlan{VpcCidr: "10.200.0.0/16"}},
			err:     "list the Availability Zones of the region: EC2 named none", calls: 1,
		},
		"create refuses a block before it asks": {
			request: planRequest{Type: customresource.Create, Props: contract.NetworkPlan{VpcCidr: "10.200.0.0/24"}},
			err:     "property VpcCidr: 10.200.0.0/24 is a /24: a VPC block from /16 to /21 is wanted",
		},
		"update keeps the zones though there are more now": {
			region:  region{zones: four},
			request: planRequest{Type: customresource.Update, PhysicalID: planned, Props: contract.NetworkPlan{VpcCidr: "10.200.0.0/16"}},
			want:    threeZones,
		},
		"update keeps a zone that AWS offers no longer": {
			region:  region{zones: three[:2]},
			request: planRequest{Type: customresource.Update, PhysicalID: planned, Props: contract.NetworkPlan{VpcCidr: "10.200.0.0/16", ExcludedAvailabilityZones: []string{"use1-az3"}}},
			want:    threeZones, calls: 1,
		},
		"update refuses to exclude a zone in use": {
			region:  region{zones: three},
			request: planRequest{Type: customresource.Update, PhysicalID: planned, Props: contract.NetworkPlan{VpcCidr: "10.200.0.0/16", ExcludedAvailabilityZones: []string{"use1-az4"}}},
			err: "keep the network plan: zone us-east-1c (excluded as use1-az4) is in use as the network's zone 3: " +
				"EKS does not let a cluster leave its zones; take it out of ExcludedAvailabilityZones, or launch a second stack",
			calls: 1,
		},
		"update refuses another block": {
			request: planRequest{Type: customresource.Update, PhysicalID: planned, Props: contract.NetworkPlan{VpcCidr: "10.0.0.0/16"}},
			err: "keep the network plan: VpcCidr cannot change from 10.200.0.0/16 to 10.0.0.0/16: the VPC, and the cluster in it, " +
				"would be replaced; set VpcCidr back, or launch a second stack with the new block",
		},
		"create leaves additional zones to Karpenter": {
			region:  region{zones: append([]string{"us-east-1e/use1-az3"}, four...)},
			request: planRequest{Type: customresource.Create, Props: contract.NetworkPlan{VpcCidr: "10.200.0.0/16", AdditionalAvailabilityZones: []string{"us-east-1d", "use1-az3"}}},
			want: planResponse{
				PhysicalID: "networkplan/v2/10.200.0.0-16/-/us-east-1a:10.200.0.0-19:10.200.192.0-22,us-east-1b:10.200.32.0-19:10.200.196.0-22," +
					"us-east-1c:10.200.64.0-19:10.200.200.0-22,+us-east-1d:10.200.96.0-19:10.200.204.0-22,+us-east-1e:10.200.128.0-19:10.200.208.0-22",
				Data: contract.NetworkPlanData{
					AvailabilityZones:        "us-east-1a,us-east-1b,us-east-1c,us-east-1d,us-east-1e,",
					ClusterAvailabilityZones: "us-east-1a,us-east-1b,us-east-1c,,,",
					PublicSubnetCidrs:        "10.200.192.0/22,10.200.196.0/22,10.200.200.0/22,10.200.204.0/22,10.200.208.0/22,",
					PrivateSubnetCidrs:       "10.200.0.0/19,10.200.32.0/19,10.200.64.0/19,10.200.96.0/19,10.200.128.0/19,",
				},
			},
			calls: 1,
		},
		"create with a VPC and a block": {
			request: planRequest{Type: customresource.Create, Props: contract.NetworkPlan{VpcCidr: "10.200.0.0/16", VpcID: "vpc-0a"}},
			err:     "VpcCidr is for a new VPC and VpcId for an existing one: give one of them",
		},
		"create with public subnets only": {
			request: planRequest{Type: customresource.Create, Props: contract.NetworkPlan{VpcID: "vpc-0a", PublicSubnetIDs: []string{"subnet-0a"}}},
			err: "PublicSubnetIds needs PrivateSubnetIds: the cluster and its nodes are in private subnets. " +
				"Give both, or leave both empty and subnets are made",
		},
		"create with subnets and zones to add": {
			request: planRequest{Type: customresource.Create, Props: contract.NetworkPlan{
				VpcID: "vpc-0a", PrivateSubnetIDs: []string{"subnet-0a"}, AdditionalAvailabilityZones: []string{"us-east-1a"},
			}},
			err: "AdditionalAvailabilityZones is for subnets that this stack makes: to use more zones, add subnets in them to PrivateSubnetIds",
		},
		"create in a VPC that is not there": {
			region:  region{zones: three},
			request: planRequest{Type: customresource.Create, Props: contract.NetworkPlan{VpcID: "vpc-0a"}},
			err:     "read VpcId vpc-0a: InvalidVpcID.NotFound: The vpc ID '[vpc-0a]' does not exist", calls: 2,
		},
		"update refuses a plan it cannot read": {
			request: planRequest{Type: customresource.Update, PhysicalID: "networkplan/v1/x", Props: contract.NetworkPlan{VpcCidr: "10.0.0.0/16"}},
			err:     `the network plan "networkplan/v1/x": it has no block and zones`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			api := test.region
			n := planner(&api, updating)
			method := n.Create
			if test.request.Type == customresource.Update {
				method = n.Update
			}
			got, err := method(t.Context(), test.request)
			if diff := cmp.Diff(test.err, message(err)); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
			if api.calls != test.calls {
				t.Errorf("%d calls of EC2, want %d", api.calls, test.calls)
			}
			if err == nil && !n.Owns(got.PhysicalID) {
				t.Errorf("%s is not owned", got.PhysicalID)
			}
		})
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
