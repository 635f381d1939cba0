package main

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
	"github.com/e6data/aws-quickstart/internal/netplan"
)

// TestPlanNeverMoves makes a network and then sends it any updates, with any
// zones on offer: an update either gives the very plan of the create or fails.
func TestPlanNeverMoves(t *testing.T) {
	zones := []string{
		"us-east-1a/use1-az1", "us-east-1b/use1-az2", "us-east-1c/use1-az4", "us-east-1d/use1-az6",
		"us-east-1e/use1-az3", "us-east-1f/use1-az5", "us-east-1g/use1-az7", "us-east-1h/use1-az8",
	}
	offer := rapid.SliceOfDistinct(rapid.SampledFrom(zones), rapid.ID)
	properties := rapid.Custom(func(t *rapid.T) contract.NetworkPlan {
		return contract.NetworkPlan{
			VpcCidr:                   rapid.SampledFrom([]string{"10.200.0.0/16", "10.200.3.0/16", "10.201.0.0/16", "10.200.0.0/21", "x"}).Draw(t, "block"),
			ExcludedAvailabilityZones: rapid.SliceOf(rapid.SampledFrom([]string{"us-east-1a", "us-east-1c", "use1-az6", "use1-az8", ""})).Draw(t, "excluded"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		api := &region{zones: offer.Draw(t, "offered at first")}
		n := planner(api, updating)
		made, err := n.Create(t.Context(), planRequest{Type: customresource.Create, Props: properties.Draw(t, "properties at first")})
		if err != nil {
			t.Skip("no plan")
		}
		plan, err := netplan.ParseID(made.PhysicalID)
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 5).Draw(t, "updates") {
			api.zones = offer.Draw(t, "offered")
			props := properties.Draw(t, "properties")
			kept, err := n.Update(t.Context(), planRequest{Type: customresource.Update, PhysicalID: made.PhysicalID, Props: props})
			if err == nil && kept != made {
				t.Fatalf("%+v became %+v", made, kept)
			}
			if block, blockErr := netplan.ParseBlock(props.VpcCidr); err == nil && (blockErr != nil || block != plan.Block) {
				t.Fatalf("a plan of %s accepted %q", plan.Block, props.VpcCidr)
			}
		}
	})
}
