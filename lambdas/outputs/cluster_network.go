package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/e6data/aws-quickstart/internal/facts"
)

// clusterNetworkReader is the part of the EC2 API that tells of the network of a
// cluster.
type clusterNetworkReader interface {
	DescribeSubnets(context.Context, *ec2.DescribeSubnetsInput, ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error)
	DescribeRouteTables(context.Context, *ec2.DescribeRouteTablesInput, ...func(*ec2.Options)) (*ec2.DescribeRouteTablesOutput, error)
	DescribeVpcEndpoints(context.Context, *ec2.DescribeVpcEndpointsInput, ...func(*ec2.Options)) (*ec2.DescribeVpcEndpointsOutput, error)
	DescribeAvailabilityZones(context.Context, *ec2.DescribeAvailabilityZonesInput, ...func(*ec2.Options)) (*ec2.DescribeAvailabilityZonesOutput, error)
	DescribeSecurityGroupRules(context.Context, *ec2.DescribeSecurityGroupRulesInput, ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupRulesOutput, error)
	DescribeNatGateways(context.Context, *ec2.DescribeNatGatewaysInput, ...func(*ec2.Options)) (*ec2.DescribeNatGatewaysOutput, error)
}

// clusterNetwork asks EC2 what is around a cluster.
type clusterNetwork struct{ ec2 clusterNetworkReader }

// around reads the cluster's VPC, and the chosen subnets, wherever they are.
func (n clusterNetwork) around(ctx context.Context, cluster ekstypes.Cluster, chosen []string) (facts.Network, error) {
	var f facts.Network
	vpc := ofVPC(aws.ToString(cluster.ResourcesVpcConfig.VpcId))
	for _, step := range []struct {
		what string
		read func() error
	}{
		{"subnets", func() error { return n.subnets(ctx, vpc, chosen, &f) }},
		{"route tables", func() (err error) { f.RouteTables, err = listRouteTables(ctx, n.ec2, vpc...); return err }},
		{"VPC endpoints", func() (err error) { f.Endpoints, err = listEndpoints(ctx, n.ec2, vpc...); return err }},
		{"zones", func() error {
			out, err := n.ec2.DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{})
			if err == nil {
				f.Zones = out.AvailabilityZones
			}
			return err
		}},
		{"security group rules", func() error { return n.rules(ctx, cluster.ResourcesVpcConfig.ClusterSecurityGroupId, &f) }},
		{"NAT gateways", func() (err error) {
			if facts.NeedsNatGateways(cluster) {
				f.NatGateways, err = listNATGateways(ctx, n.ec2, vpc...)
			}
			return err
		}},
	} {
		if err := step.read(); err != nil {
			return facts.Network{}, fmt.Errorf("list the %s: %w", step.what, err)
		}
	}
	return f, nil
}

// subnets reads those of the VPC, and by their IDs chosen ones elsewhere. A
// filter, unlike a list of IDs, leaves out what does not exist.
func (n clusterNetwork) subnets(ctx context.Context, vpc []types.Filter, chosen []string, f *facts.Network) (err error) {
	if f.Subnets, err = listSubnets(ctx, n.ec2, vpc...); err != nil {
		return err
	}
	elsewhere := slices.DeleteFunc(slices.Clone(chosen), func(id string) bool {
		return slices.ContainsFunc(f.Subnets, func(s types.Subnet) bool { return aws.ToString(s.SubnetId) == id })
	})
	if len(elsewhere) == 0 {
		return nil
	}
	more, err := listSubnets(ctx, n.ec2, filter("subnet-id", elsewhere...))
	f.Subnets = append(f.Subnets, more...)
	return err
}

// rules reads those of the cluster security group, if there is one yet, and of
// the groups of the VPC's endpoints.
func (n clusterNetwork) rules(ctx context.Context, own *string, f *facts.Network) error {
	var groups []string
	add := func(id *string) {
		if id != nil && !slices.Contains(groups, *id) {
			groups = append(groups, *id)
		}
	}
	add(own)
	for _, e := range f.Endpoints {
		for _, g := range e.Groups {
			add(g.GroupId)
		}
	}
	if len(groups) == 0 {
		return nil
	}
	p := ec2.NewDescribeSecurityGroupRulesPaginator(n.ec2, &ec2.DescribeSecurityGroupRulesInput{Filters: []types.Filter{filter("group-id", groups...)}})
	var err error
	f.Rules, err = all(ctx, p.HasMorePages, p.NextPage, func(o *ec2.DescribeSecurityGroupRulesOutput) []types.SecurityGroupRule { return o.SecurityGroupRules })
	return err
}
