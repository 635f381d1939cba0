package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/netplan"
)

// take checks the subnets that a customer gave, and plans with them.
func (n networkPlan) take(ctx context.Context, p contract.NetworkPlan, stackID string) (planResponse, error) {
	data, err := n.checkGiven(ctx, netplan.Given{VPC: p.VpcID}, p)
	if err == nil {
		err = n.checkWays(ctx, p, stackID, p.PrivateSubnetIDs)
	}
	if err != nil {
		return planResponse{}, fmt.Errorf("use the given subnets: %w", err)
	}
	given := netplan.Given{VPC: p.VpcID, Subnets: p.PrivateSubnetIDs}
	data.PrivateSubnetIDs = strings.Join(given.Subnets, ",")
	return planResponse{PhysicalID: given.ID(), Data: data}, nil
}

// keepGiven keeps the cluster's subnets; further ones are for nodes only. The
// way out is asked of those alone that were not given before: a rollback must
// not fail because of a route that somebody has changed.
func (n networkPlan) keepGiven(ctx context.Context, given netplan.Given, p contract.NetworkPlan, r planRequest) (planResponse, error) {
	if len(p.PrivateSubnetIDs) > 0 {
		if _, err := checkProperties(p); err != nil {
			return planResponse{}, err
		}
	}
	if err := given.Refuse(p.VpcID, p.PrivateSubnetIDs); err != nil {
		return planResponse{}, fmt.Errorf("keep the given subnets: %w", err)
	}
	data, err := n.checkGiven(ctx, given, p)
	if err == nil {
		err = n.checkWays(ctx, p, r.StackID, without(p.PrivateSubnetIDs, withoutBlank(r.OldProps.PrivateSubnetIDs)))
	}
	if err != nil {
		return planResponse{}, fmt.Errorf("keep the given subnets: %w", err)
	}
	data.PrivateSubnetIDs = strings.Join(given.Subnets, ",")
	return planResponse{PhysicalID: given.ID(), Data: data}, nil
}

// checkGiven answers all but the cluster's subnets.
func (n networkPlan) checkGiven(ctx context.Context, given netplan.Given, p contract.NetworkPlan) (contract.NetworkPlanData, error) {
	found, err := n.network.subnets(ctx, slices.Concat(p.PrivateSubnetIDs, p.PublicSubnetIDs))
	if err != nil {
		return contract.NetworkPlanData{}, err
	}
	pick := func(ids []string) (list []netplan.Subnet) {
		for _, id := range ids {
			list = append(list, found[id])
		}
		return list
	}
	private := pick(p.PrivateSubnetIDs)
	if err := given.Check(private, pick(p.PublicSubnetIDs), p.ExcludedAvailabilityZones); err != nil {
		return contract.NetworkPlanData{}, err
	}
	var zones []string
	for _, s := range private {
		zones = append(zones, s.Zone)
	}
	slices.Sort(zones)
	none := strings.Repeat(",", contract.NetworkSlots-1)
	return contract.NetworkPlanData{
		AvailabilityZones: none, ClusterAvailabilityZones: none, PublicSubnetCidrs: none, PrivateSubnetCidrs: none,
		VpcID:           p.VpcID,
		NodeSubnetIDs:   strings.Join(p.PrivateSubnetIDs, ","),
		PublicSubnetIDs: strings.Join(p.PublicSubnetIDs, ","),
		Zones:           strings.Join(slices.Compact(zones), ","),
	}, nil
}
