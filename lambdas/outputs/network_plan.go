package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
	"github.com/e6data/aws-quickstart/internal/netplan"
)

// The contract's lists and the plan have the same number of slots.
var _ = [1]struct{}{}[contract.NetworkSlots-netplan.Slots]

// networkPlan answers Custom::NetworkPlan. The plan lives in the physical ID
// and nowhere else.
type networkPlan struct {
	network network
	ways    clusterNetwork
	stacks  stackDescriber
	log     *slog.Logger
}

type (
	planRequest  = customresource.Request[contract.NetworkPlan]
	planResponse = customresource.Response[contract.NetworkPlanData]
)

// Create plans a new network, or checks the subnets that are given.
func (n networkPlan) Create(ctx context.Context, r planRequest) (planResponse, error) {
	p := withoutBlanks(r.Props)
	block, err := checkProperties(p)
	if err != nil {
		return planResponse{}, err
	}
	if len(p.PrivateSubnetIDs) > 0 {
		return n.take(ctx, p, r.StackID)
	}
	offered, err := n.network.zones(ctx)
	if err != nil {
		return planResponse{}, err
	}
	added, err := netplan.Added(netplan.Plan{}, p.AdditionalAvailabilityZones, offered, p.ExcludedAvailabilityZones)
	if err != nil {
		return planResponse{}, err
	}
	chosen, err := netplan.Choose(offered, p.ExcludedAvailabilityZones, added)
	if err != nil {
		return planResponse{}, fmt.Errorf("plan the network %s: %w", p.VpcCidr+p.VpcID, err)
	}
	if len(chosen.Unmatched) > 0 {
		n.log.WarnContext(ctx, "exclusions that name no zone of this region", "excluded", chosen.Unmatched)
	}
	plan, err := n.plan(ctx, p.VpcID, block, chosen.Zones, added)
	if err != nil {
		return planResponse{}, err
	}
	n.log.InfoContext(ctx, "planned network", "plan", plan.String(), "leftOut", chosen.LeftOut)
	return answer(plan), nil
}

// plan gives blocks to the zones of the cluster and to additional ones: in a new
// VPC, or in the free space of an existing one.
func (n networkPlan) plan(ctx context.Context, vpc string, block netip.Prefix, zones, added []string) (netplan.Plan, error) {
	if vpc == "" {
		return extend(netplan.InNewVPC(block, zones), added, netplan.Space{})
	}
	space, err := n.network.space(ctx, vpc)
	if err != nil {
		return netplan.Plan{}, err
	}
	gateway, err := n.network.gateway(ctx, vpc)
	if err != nil {
		return netplan.Plan{}, err
	}
	plan, err := netplan.InExistingVPC(vpc, gateway, space, zones)
	if err != nil {
		return netplan.Plan{}, err
	}
	return extend(plan, added, space)
}

// Update keeps the zones and blocks of the plan that the physical ID carries
// and refuses what cannot be done. Additional zones come as they are asked for;
// they go again only while an update is rolled back.
func (n networkPlan) Update(ctx context.Context, r planRequest) (planResponse, error) {
	p := withoutBlanks(r.Props)
	if given, ours := netplan.ParseGiven(r.PhysicalID); ours {
		return n.keepGiven(ctx, given, p, r)
	}
	plan, err := netplan.ParseID(r.PhysicalID)
	if err != nil {
		return planResponse{}, err
	}
	// First: what contradicts given subnets would read as advice on how to give them.
	if len(p.PrivateSubnetIDs) > 0 {
		return planResponse{}, errors.New("keep the network plan: this stack made its subnets, so PrivateSubnetIds cannot be given now: " +
			"the cluster would have to leave them; leave it empty, or launch a second stack")
	}
	block, err := checkProperties(p)
	if err != nil {
		return planResponse{}, err
	}
	// Only zones that are named need to be looked up, by name or ID.
	var offered []netplan.Zone
	if len(p.ExcludedAvailabilityZones)+len(p.AdditionalAvailabilityZones) > 0 {
		if offered, err = n.network.zones(ctx); err != nil {
			return planResponse{}, err
		}
	}
	wanted, err := netplan.Added(plan, p.AdditionalAvailabilityZones, offered, p.ExcludedAvailabilityZones)
	if err != nil {
		return planResponse{}, err
	}
	plan, err = n.takeBack(ctx, plan, wanted, r.StackID)
	if err := errors.Join(plan.Refuse(block, p.VpcID, p.ExcludedAvailabilityZones, offered), err); err != nil {
		return planResponse{}, fmt.Errorf("keep the network plan: %w", err)
	}
	if plan, err = n.grow(ctx, plan, wanted); err != nil {
		return planResponse{}, err
	}
	n.log.InfoContext(ctx, "kept network plan", "plan", plan.String())
	return answer(plan), nil
}

// takeBack takes additional zones that are not wanted out of the plan while the
// stack is rolled back. At any other time it refuses to.
func (n networkPlan) takeBack(ctx context.Context, plan netplan.Plan, wanted []string, stackID string) (netplan.Plan, error) {
	gone := without(plan.Additional(), wanted)
	if len(gone) == 0 {
		return plan, nil
	}
	back, err := rollsBack(ctx, n.stacks, stackID)
	if err != nil {
		return plan, err
	}
	if !back {
		return plan, fmt.Errorf("the zones %s were added and cannot be taken out of AdditionalAvailabilityZones: "+
			"nodes of the query engine may run in their subnets; put them back", strings.Join(gone, ", "))
	}
	return plan.Without(gone), nil
}

// grow adds the zones that are wanted and not there yet.
func (n networkPlan) grow(ctx context.Context, plan netplan.Plan, wanted []string) (netplan.Plan, error) {
	var space netplan.Space
	fresh := without(wanted, plan.Additional())
	if len(fresh) > 0 && plan.Existing() {
		var err error
		if space, err = n.network.space(ctx, plan.VPC); err != nil {
			return plan, err
		}
	}
	return extend(plan, fresh, space)
}

// extend adds zones to the plan.
func extend(plan netplan.Plan, zones []string, space netplan.Space) (netplan.Plan, error) {
	for _, zone := range zones {
		var err error
		if plan, err = plan.Extend(zone, space); err != nil {
			return plan, fmt.Errorf("AdditionalAvailabilityZones: %w", err)
		}
	}
	return plan, nil
}

// without are the texts that are not among the others.
func without(texts, others []string) []string {
	return slices.DeleteFunc(slices.Clone(texts), func(s string) bool { return slices.Contains(others, s) })
}

// Delete has nothing to remove: the plan is its ID.
func (networkPlan) Delete(context.Context, planRequest) error { return nil }

// Owns tells whether an ID is a network plan's, of any version.
func (networkPlan) Owns(physicalID string) bool { return netplan.IsID(physicalID) }

// withoutBlanks takes the blanks out of all lists.
func withoutBlanks(p contract.NetworkPlan) contract.NetworkPlan {
	for _, list := range []*[]string{&p.PrivateSubnetIDs, &p.PublicSubnetIDs, &p.ExcludedAvailabilityZones, &p.AdditionalAvailabilityZones} {
		*list = withoutBlank(*list)
	}
	return p
}

// checkProperties refuses contradictions, and reads the block of a new VPC.
func checkProperties(p contract.NetworkPlan) (netip.Prefix, error) {
	if err := checkSubnets(p); err != nil {
		return netip.Prefix{}, err
	}
	switch {
	case p.VpcCidr != "" && p.VpcID != "":
		return netip.Prefix{}, errors.New("VpcCidr is for a new VPC and VpcId for an existing one: give one of them")
	case p.VpcID != "":
		return netip.Prefix{}, nil
	case p.VpcCidr == "":
		return netip.Prefix{}, errors.New("VpcCidr (of a new VPC) or VpcId (of an existing one) is missing")
	}
	block, err := netplan.ParseBlock(p.VpcCidr)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("property VpcCidr: %w", err)
	}
	return block, nil
}

// checkSubnets refuses what contradicts given subnets, and them without a VPC.
func checkSubnets(p contract.NetworkPlan) error {
	private, public := len(p.PrivateSubnetIDs) > 0, len(p.PublicSubnetIDs) > 0
	switch {
	case p.VpcID == "" && (private || public):
		return errors.New("subnets can be given only together with their VpcId")
	case public && !private:
		return errors.New("PublicSubnetIds needs PrivateSubnetIds: the cluster and its nodes are in private subnets. " +
			"Give both, or leave both empty and subnets are made")
	case private && len(p.AdditionalAvailabilityZones) > 0:
		return errors.New("AdditionalAvailabilityZones is for subnets that this stack makes: " +
			"to use more zones, add subnets in them to PrivateSubnetIds")
	}
	return nil
}

func answer(p netplan.Plan) planResponse {
	return planResponse{
		PhysicalID: p.ID(),
		Data: contract.NetworkPlanData{
			AvailabilityZones:        p.JoinedZones(),
			ClusterAvailabilityZones: p.JoinedClusterZones(),
			PublicSubnetCidrs:        p.JoinedPublic(),
			PrivateSubnetCidrs:       p.JoinedPrivate(),
			InternetGatewayID:        p.Gateway,
		},
	}
}
