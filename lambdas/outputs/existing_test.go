package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
	"github.com/e6data/aws-quickstart/internal/netplan"
)

// customer is a VPC with a crowded first block, a secondary one and a gateway.
func customer() *region {
	return &region{
		zones: []string{"us-east-1a/use1-az1", "us-east-1b/use1-az2", "us-east-1d/use1-az4"},
		vpc:   "vpc-0a1b", blocks: []string{"10.0.0.0/24", "10.4.0.0/20"}, gateway: "igw-0c",
		subnets: []netplan.Subnet{
			{ID: "subnet-01", VPC: "vpc-0a1b", Zone: "us-east-1a", ZoneID: "use1-az1", FreeAddresses: 100},
			{ID: "subnet-02", VPC: "vpc-0a1b", Zone: "us-east-1b", ZoneID: "use1-az2", FreeAddresses: 100},
			{ID: "subnet-03", VPC: "vpc-0a1b", Zone: "us-east-1d", ZoneID: "use1-az4", FreeAddresses: 100},
			{ID: "subnet-04", VPC: "vpc-0f0f", Zone: "us-east-1d", ZoneID: "use1-az4", FreeAddresses: 100},
		},
		cidrs: map[string]string{"subnet-01": "10.0.0.0/25", "subnet-02": "10.4.0.0/28", "subnet-03": "10.4.15.0/24", "subnet-04": "10.4.0.0/16"},
	}
}

func TestExistingVPC(t *testing.T) {
	api := customer()
	n := planner(api, updating)
	props := contract.NetworkPlan{VpcID: "vpc-0a1b", PrivateSubnetIDs: []string{""}, PublicSubnetIDs: []string{""}, AdditionalAvailabilityZones: []string{"us-east-1d"}}
	made, err := n.Create(t.Context(), planRequest{Type: customresource.Create, Props: props})
	if err != nil {
		t.Fatal(err)
	}
	want := planResponse{
		PhysicalID: "networkplan/v2/vpc-0a1b/igw-0c/us-east-1a:10.4.2.0-23:10.4.0.64-26,us-east-1b:10.4.12.0-23:10.0.0.128-26,+us-east-1d:10.4.4.0-23:10.0.0.192-26",
		Data: contract.NetworkPlanData{
			AvailabilityZones: "us-east-1a,us-east-1b,us-east-1d,,,", ClusterAvailabilityZones: "us-east-1a,us-east-1b,,,,",
			PrivateSubnetCidrs: "10.4.2.0/23,10.4.12.0/23,10.4.4.0/23,,,", PublicSubnetCidrs: "10.4.0.64/26,10.0.0.128/26,10.0.0.192/26,,,",
			InternetGatewayID: "igw-0c",
		},
	}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Fatalf("plan (-want +got):\n%s", diff)
	}
	// By now the network's own subnets are there, the gateway is another, and
	// there are more zones: nothing of it counts.
	api.gateway, api.zones = "", append(api.zones, "us-east-1f/use1-az5")
	kept, err := n.Update(t.Context(), planRequest{Type: customresource.Update, PhysicalID: made.PhysicalID, Props: props})
	if diff := cmp.Diff(made, kept); diff != "" || err != nil {
		t.Errorf("kept plan, %v (-made +kept):\n%s", err, diff)
	}
	for change, c := range map[string]struct {
		props contract.NetworkPlan
		err   string
	}{
		"another VPC":   {contract.NetworkPlan{VpcID: "vpc-0f0f"}, "VpcId cannot change from vpc-0a1b to vpc-0f0f"},
		"given subnets": {contract.NetworkPlan{VpcID: "vpc-0a1b", PrivateSubnetIDs: []string{"subnet-01", "subnet-02"}}, "this stack made its subnets, so PrivateSubnetIds cannot be given now"},
		"given subnets beside the zone": {
			contract.NetworkPlan{VpcID: "vpc-0a1b", PrivateSubnetIDs: []string{"subnet-01", "subnet-02"}, AdditionalAvailabilityZones: []string{"us-east-1d"}},
			"this stack made its subnets, so PrivateSubnetIds cannot be given now",
		},
		"a zone less": {contract.NetworkPlan{VpcID: "vpc-0a1b"}, "the zones us-east-1d were added and cannot be taken out of AdditionalAvailabilityZones"},
	} {
		if _, err := n.Update(t.Context(), planRequest{Type: customresource.Update, PhysicalID: made.PhysicalID, Props: c.props}); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error is %v, want it to contain %q", change, err, c.err)
		}
	}
}

// An update that adds a zone and fails is rolled back with the new ID and the
// old properties, or the old ID and the old properties: the old plan comes back.
func TestARollbackGetsTheOldPlan(t *testing.T) {
	for name, props := range map[string]contract.NetworkPlan{
		"new VPC":      {VpcCidr: "10.200.0.0/16", ExcludedAvailabilityZones: []string{"us-east-1d"}},
		"existing VPC": {VpcID: "vpc-0a1b", ExcludedAvailabilityZones: []string{"us-east-1d"}},
	} {
		t.Run(name, func(t *testing.T) {
			api := customer()
			made, err := planner(api, updating).Create(t.Context(), planRequest{Type: customresource.Create, Props: props})
			if err != nil {
				t.Fatal(err)
			}
			more := props
			more.ExcludedAvailabilityZones, more.AdditionalAvailabilityZones = nil, []string{"use1-az4"}
			extended, err := planner(api, updating).Update(t.Context(), planRequest{Type: customresource.Update, PhysicalID: made.PhysicalID, Props: more})
			if err != nil || extended.PhysicalID == made.PhysicalID || extended.Data.ClusterAvailabilityZones != made.Data.ClusterAvailabilityZones {
				t.Fatalf("extended plan %v, %v", extended, err)
			}
			for _, id := range []string{made.PhysicalID, extended.PhysicalID} {
				back, err := planner(api, rollingBack).Update(t.Context(), planRequest{Type: customresource.Update, PhysicalID: id, Props: props})
				if diff := cmp.Diff(made, back); diff != "" || err != nil {
					t.Errorf("rolled back from %s, %v (-made +back):\n%s", id, err, diff)
				}
			}
			if err := (networkPlan{}).Delete(t.Context(), planRequest{Type: customresource.Delete, PhysicalID: extended.PhysicalID}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestGivenSubnets(t *testing.T) {
	api := customer()
	n := planner(api, updating)
	n.ways = clusterNetwork{theirAccount()} // whose main route table leads to a NAT gateway
	props := contract.NetworkPlan{VpcID: "vpc-0a1b", PrivateSubnetIDs: []string{"subnet-02", " subnet-01"}}
	made, err := n.Create(t.Context(), planRequest{Type: customresource.Create, StackID: stackID, Props: props})
	if err != nil {
		t.Fatal(err)
	}
	want := planResponse{
		PhysicalID: "networkplan/v2/vpc-0a1b/given/subnet-02,subnet-01",
		Data: contract.NetworkPlanData{
			AvailabilityZones: ",,,,,", ClusterAvailabilityZones: ",,,,,", PublicSubnetCidrs: ",,,,,", PrivateSubnetCidrs: ",,,,,",
			VpcID: "vpc-0a1b", PrivateSubnetIDs: "subnet-02,subnet-01", NodeSubnetIDs: "subnet-02,subnet-01", Zones: "us-east-1a,us-east-1b",
		},
	}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Fatalf("plan (-want +got):\n%s", diff)
	}
	if api.calls != 1 {
		t.Errorf("%d calls of EC2 before it looks at the ways out, want only DescribeSubnets", api.calls)
	}
	// A further subnet is for nodes; the cluster's stay, and in their order.
	props.PrivateSubnetIDs = []string{"subnet-01", "subnet-02", "subnet-03"}
	props.PublicSubnetIDs = []string{}
	want.Data.NodeSubnetIDs, want.Data.Zones = "subnet-01,subnet-02,subnet-03", "us-east-1a,us-east-1b,us-east-1d"
	more, err := n.Update(t.Context(), planRequest{Type: customresource.Update, StackID: stackID, PhysicalID: made.PhysicalID, Props: props})
	if diff := cmp.Diff(want, more); diff != "" || err != nil {
		t.Errorf("with a further subnet, %v (-want +got):\n%s", err, diff)
	}
	for name, c := range map[string]struct {
		props contract.NetworkPlan
		err   string
	}{
		"one less":     {contract.NetworkPlan{VpcID: "vpc-0a1b", PrivateSubnetIDs: []string{"subnet-01", "subnet-03"}}, "subnet subnet-02 is the cluster's and cannot be left out"},
		"none":         {contract.NetworkPlan{VpcID: "vpc-0a1b"}, "subnet subnet-01 is the cluster's and cannot be left out"},
		"one from far": {contract.NetworkPlan{VpcID: "vpc-0a1b", PrivateSubnetIDs: []string{"subnet-01", "subnet-02", "subnet-04"}}, "subnet subnet-04 is in vpc-0f0f"},
		"another VPC":  {contract.NetworkPlan{VpcID: "vpc-0f0f", PrivateSubnetIDs: []string{"subnet-01", "subnet-02"}}, "VpcId cannot change from vpc-0a1b to vpc-0f0f"},
		"zones":        {contract.NetworkPlan{VpcID: "vpc-0a1b", PrivateSubnetIDs: []string{"subnet-01", "subnet-02"}, AdditionalAvailabilityZones: []string{"us-east-1d"}}, "add subnets in them to PrivateSubnetIds"},
	} {
		if _, err := n.Update(t.Context(), planRequest{Type: customresource.Update, StackID: stackID, PhysicalID: made.PhysicalID, Props: c.props}); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error is %v, want it to contain %q", name, err, c.err)
		}
	}
}
