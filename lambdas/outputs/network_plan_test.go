package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
)

var (
	_ customresource.Handler[contract.NetworkPlan, contract.NetworkPlanData]           = networkPlan{}
	_ customresource.Handler[contract.WorkspaceOutputs, contract.WorkspaceOutputsData] = workspaceOutputs{}
)

// region is an EC2 API with the given zones, "name/id", or an error.
type region struct {
	zones []string
	err   error
	calls int
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

func TestNetworkPlan(t *testing.T) {
	three := []string{"us-east-1a/use1-az1", "us-east-1b/use1-az2", "us-east-1c/use1-az4"}
	four := append([]string{"us-east-1d/use1-az6"}, three...)
	const planned = "networkplan/v1/10.200.0.0-16/us-east-1a,us-east-1b,us-east-1c"
	threeZones := planResponse{PhysicalID: planned, Data: contract.NetworkPlanData{
		AvailabilityZones:  "us-east-1a,us-east-1b,us-east-1c,,,",
		PublicSubnetCidrs:  "10.200.192.0/22,10.200.196.0/22,10.200.200.0/22,,,",
		PrivateSubnetCidrs: "10.200.0.0/19,10.200.32.0/19,10.200.64.0/19,,,",
		ZoneCount:          3,
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
		"update refuses a plan it cannot read": {
			request: planRequest{Type: customresource.Update, PhysicalID: "networkplan/v1/x", Props: contract.NetworkPlan{VpcCidr: "10.0.0.0/16"}},
			err:     `the network plan "networkplan/v1/x" has no block and zones`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			api := test.region
			n := networkPlan{zones: &api, log: slog.New(slog.DiscardHandler)}
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
