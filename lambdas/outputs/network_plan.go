package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
	"github.com/e6data/aws-quickstart/internal/netplan"
)

// The contract's lists and the plan have the same number of slots.
var _ = [1]struct{}{}[contract.NetworkSlots-netplan.Slots]

// zoneDescriber is the part of the EC2 API that networkPlan needs.
type zoneDescriber interface {
	DescribeAvailabilityZones(context.Context, *ec2.DescribeAvailabilityZonesInput, ...func(*ec2.Options)) (*ec2.DescribeAvailabilityZonesOutput, error)
}

// networkPlan answers Custom::NetworkPlan. The plan lives in the physical ID
// and nowhere else.
type networkPlan struct {
	zones zoneDescriber
	log   *slog.Logger
}

type (
	planRequest  = customresource.Request[contract.NetworkPlan]
	planResponse = customresource.Response[contract.NetworkPlanData]
)

// Create chooses the zones of a new network.
func (n networkPlan) Create(ctx context.Context, r planRequest) (planResponse, error) {
	block, err := vpcBlock(r.Props)
	if err != nil {
		return planResponse{}, err
	}
	offered, err := n.offered(ctx)
	if err != nil {
		return planResponse{}, err
	}
	chosen, err := netplan.Choose(offered, r.Props.ExcludedAvailabilityZones)
	if err != nil {
		return planResponse{}, fmt.Errorf("plan the network %s: %w", block, err)
	}
	if len(chosen.Unmatched) > 0 {
		n.log.WarnContext(ctx, "exclusions that name no zone of this region", "excluded", chosen.Unmatched)
	}
	plan := netplan.Plan{Block: block, Zones: chosen.Zones}
	n.log.InfoContext(ctx, "planned network", "plan", plan.String(), "leftOut", chosen.LeftOut)
	return answer(plan), nil
}

// Update keeps the zones of the plan that the physical ID carries, so also the
// rollback of an update finds the old ones, and refuses what cannot be done.
func (n networkPlan) Update(ctx context.Context, r planRequest) (planResponse, error) {
	plan, err := netplan.ParseID(r.PhysicalID)
	if err != nil {
		return planResponse{}, err
	}
	block, err := vpcBlock(r.Props)
	if err != nil {
		return planResponse{}, err
	}
	var offered []netplan.Zone
	// Only an exclusion by ID needs to know which zone that is.
	if strings.Join(r.Props.ExcludedAvailabilityZones, "") != "" {
		if offered, err = n.offered(ctx); err != nil {
			return planResponse{}, err
		}
	}
	kept, err := plan.Keep(block, r.Props.ExcludedAvailabilityZones, offered)
	if err != nil {
		return planResponse{}, fmt.Errorf("keep the network plan: %w", err)
	}
	n.log.InfoContext(ctx, "kept network plan", "plan", kept.String())
	return answer(kept), nil
}

// Delete has nothing to remove: the plan is its ID.
func (networkPlan) Delete(context.Context, planRequest) error { return nil }

// Owns tells whether an ID is a network plan's, of any version.
func (networkPlan) Owns(physicalID string) bool { return netplan.IsID(physicalID) }

// offered lists the zones of the function's region that the account can use.
func (n networkPlan) offered(ctx context.Context) ([]netplan.Zone, error) {
	// AllAvailabilityZones is left out: zones that the account would first have
	// to opt in to are of no use.
	out, err := n.zones.DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{})
	if err != nil {
		return nil, fmt.Errorf("list the Availability Zones of the region: %w", err)
	}
	zones := make([]netplan.Zone, 0, len(out.AvailabilityZones))
	for _, z := range out.AvailabilityZones {
		zones = append(zones, netplan.Zone{
			Name:  aws.ToString(z.ZoneName),
			ID:    aws.ToString(z.ZoneId),
			Type:  aws.ToString(z.ZoneType),
			State: string(z.State),
			OptIn: string(z.OptInStatus),
		})
	}
	if len(zones) == 0 {
		return nil, errors.New("list the Availability Zones of the region: EC2 named none")
	}
	return zones, nil
}

func vpcBlock(p contract.NetworkPlan) (netip.Prefix, error) {
	block, err := netplan.ParseBlock(p.VpcCidr)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("property VpcCidr: %w", err)
	}
	return block, nil
}

func answer(p netplan.Plan) planResponse {
	return planResponse{
		PhysicalID: p.ID(),
		Data: contract.NetworkPlanData{
			AvailabilityZones:  p.JoinedZones(),
			PublicSubnetCidrs:  netplan.Joined(p.PublicBlocks()),
			PrivateSubnetCidrs: netplan.Joined(p.PrivateBlocks()),
			ZoneCount:          len(p.Zones),
		},
	}
}
