package main

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
	"github.com/e6data/aws-quickstart/internal/netplan"
)

// TestPlanNeverMoves makes a network, in a new VPC or an existing one, and then
// sends it any updates, with any zones on offer. Whatever happens, the cluster's
// zones and every block that is in use stay; additional zones come as they are
// asked for and go in a rollback only.
func TestPlanNeverMoves(t *testing.T) {
	zones := []string{
		"us-east-1a/use1-az1", "us-east-1b/use1-az2", "us-east-1c/use1-az4", "us-east-1d/use1-az6",
		"us-east-1e/use1-az3", "us-east-1f/use1-az5", "us-east-1g/use1-az7", "us-east-1h/use1-az8",
	}
	offer := rapid.SliceOfDistinct(rapid.SampledFrom(zones), rapid.ID)
	named := rapid.SliceOf(rapid.SampledFrom([]string{"us-east-1a", "us-east-1c", "us-east-1d", "use1-az6", "use1-az8", ""}))
	properties := func(t *rapid.T, existing bool) contract.NetworkPlan {
		p := contract.NetworkPlan{
			ExcludedAvailabilityZones:   named.Draw(t, "excluded"),
			AdditionalAvailabilityZones: named.Draw(t, "additional"),
		}
		if existing {
			p.VpcID = rapid.SampledFrom([]string{"vpc-0a1b", "vpc-0a1b", "vpc-0f0f"}).Draw(t, "VPC")
		} else {
			p.VpcCidr = rapid.SampledFrom([]string{"10.200.0.0/16", "10.200.3.0/16", "10.201.0.0/16", "10.200.0.0/21", "x"}).Draw(t, "block")
		}
		return p
	}
	rapid.Check(t, func(t *rapid.T) {
		existing := rapid.Bool().Draw(t, "existing VPC")
		api := customer()
		api.zones = offer.Draw(t, "offered at first")
		made, err := planner(api, updating).Create(t.Context(), planRequest{Type: customresource.Create, Props: properties(t, existing)})
		if err != nil {
			t.Skip("no plan")
		}
		for range rapid.IntRange(1, 5).Draw(t, "updates") {
			api.zones = offer.Draw(t, "offered")
			api.gateway = rapid.SampledFrom([]string{"", "igw-0c", "igw-0d"}).Draw(t, "gateway")
			back := rapid.SampledFrom([]status{updating, rollingBack}).Draw(t, "status")
			props := properties(t, existing)
			next, err := planner(api, back).Update(t.Context(), planRequest{Type: customresource.Update, PhysicalID: made.PhysicalID, Props: props})
			if err != nil {
				continue
			}
			checkMoves(t, made, next, props, back == rollingBack)
			made = next
		}
	})
}

// checkMoves compares the plans before and after an update that was accepted.
func checkMoves(t *rapid.T, before, after planResponse, props contract.NetworkPlan, back bool) {
	was, errWas := netplan.ParseID(before.PhysicalID)
	is, errIs := netplan.ParseID(after.PhysicalID)
	if errWas != nil || errIs != nil {
		t.Fatal(errWas, errIs)
	}
	if was.VPC != is.VPC || was.Block != is.Block || was.Gateway != is.Gateway || was.JoinedClusterZones() != is.JoinedClusterZones() {
		t.Fatalf("%s became %s", before.PhysicalID, after.PhysicalID)
	}
	for _, zone := range was.Zones() {
		slot := is.Holds(zone)
		switch {
		case slot < 0 && !back:
			t.Fatalf("zone %s was taken out: %s became %s", zone, before.PhysicalID, after.PhysicalID)
		case slot >= 0 && is.Places[slot] != was.Places[was.Holds(zone)]:
			t.Fatalf("zone %s moved: %s became %s", zone, before.PhysicalID, after.PhysicalID)
		}
	}
	if props.VpcID != is.VPC {
		t.Fatalf("a plan of %s accepted %q", is.VPC, props.VpcID)
	}
	if block, err := netplan.ParseBlock(props.VpcCidr); !is.Existing() && (err != nil || block != is.Block) {
		t.Fatalf("a plan of %s accepted %q", is.Block, props.VpcCidr)
	}
}
