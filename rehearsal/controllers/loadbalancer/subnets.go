package loadbalancer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

const (
	fewestAddresses = 8 // that a subnet must have free
	clusterTagStart = "kubernetes.io/cluster/"
)

// roleTags mark the subnets for load balancers of a scheme.
var roleTags = map[elb.LoadBalancerSchemeEnum]string{
	elb.LoadBalancerSchemeEnumInternal:       "kubernetes.io/role/internal-elb",
	elb.LoadBalancerSchemeEnumInternetFacing: "kubernetes.io/role/elb",
}

// subnets finds those of a load balancer: the user's, those that it has, or those with the tags.
func (a *account) subnets(ctx context.Context, stack *Stack) ([]string, error) {
	balancer := stack.Balancer
	if len(balancer.Subnets) > 0 {
		found, err := a.namedSubnets(ctx, balancer.Subnets)
		if err != nil {
			return nil, err
		}
		return subnetIDs(found), checkSubnets(found, balancer.Type)
	}
	existing, err := a.balancers(ctx, stack.tags(a.cluster))
	if err != nil {
		return nil, err
	}
	if len(existing) > 0 && existing[0].resource.Scheme == balancer.Scheme {
		var ids []string
		for _, zone := range existing[0].resource.AvailabilityZones {
			ids = append(ids, aws.ToString(zone.SubnetId))
		}
		slices.Sort(ids)
		return ids, nil
	}
	chosen, err := a.discoverSubnets(ctx, balancer)
	if err != nil {
		return nil, fmt.Errorf("couldn't auto-discover subnets: %w", err)
	}
	return subnetIDs(chosen), nil
}

func (a *account) discoverSubnets(ctx context.Context, balancer *Balancer) ([]ec2types.Subnet, error) {
	found, err := a.describeSubnets(ctx, filter("vpc-id", a.vpc), filter("tag:"+roleTags[balancer.Scheme], "", "1"))
	if err != nil {
		return nil, fmt.Errorf("failed to list subnets by role tag: %w", err)
	}
	if len(found) == 0 { // no subnet has the tag: by their routes, then
		if found, err = a.reachableSubnets(ctx, balancer.Scheme == elb.LoadBalancerSchemeEnumInternetFacing); err != nil {
			return nil, fmt.Errorf("failed to list subnets by reachability: %w", err)
		}
	}
	chosen, err := chooseSubnets(found, a.cluster)
	if err != nil {
		return nil, err
	}
	return chosen, checkSubnets(chosen, balancer.Type)
}

func (a *account) describeSubnets(ctx context.Context, filters ...ec2types.Filter) ([]ec2types.Subnet, error) {
	var all []ec2types.Subnet
	pages := ec2.NewDescribeSubnetsPaginator(a.ec2, &ec2.DescribeSubnetsInput{Filters: filters})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Subnets...)
	}
	return all, nil
}

func (a *account) namedSubnets(ctx context.Context, names []string) ([]ec2types.Subnet, error) {
	var found []ec2types.Subnet
	for _, name := range names {
		if strings.HasPrefix(name, "subnet-") {
			answer, err := a.ec2.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: []string{name}})
			if err != nil {
				return nil, err
			}
			found = append(found, answer.Subnets...)
			continue
		}
		named, err := a.describeSubnets(ctx, filter("vpc-id", a.vpc), filter("tag:Name", name))
		if err != nil {
			return nil, err
		}
		if len(named) == 0 {
			return nil, fmt.Errorf("couldn't find all subnets, missing names: [%s]", name)
		}
		found = append(found, named[0])
	}
	return found, nil
}

func (a *account) reachableSubnets(ctx context.Context, public bool) ([]ec2types.Subnet, error) {
	all, err := a.describeSubnets(ctx, filter("vpc-id", a.vpc))
	if err != nil {
		return nil, err
	}
	var tables []ec2types.RouteTable
	input := &ec2.DescribeRouteTablesInput{Filters: []ec2types.Filter{filter("vpc-id", a.vpc)}}
	pages := ec2.NewDescribeRouteTablesPaginator(a.ec2, input)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		tables = append(tables, page.RouteTables...)
	}
	return slices.DeleteFunc(all, func(subnet ec2types.Subnet) bool {
		return isPublic(aws.ToString(subnet.SubnetId), tables) != public
	}), nil
}

// isPublic tells whether a subnet has a route to an internet gateway, by its own table or the network's main one.
func isPublic(subnet string, tables []ec2types.RouteTable) bool {
	var own, main *ec2types.RouteTable
	for i, table := range tables {
		for _, association := range table.Associations {
			if aws.ToBool(association.Main) {
				main = &tables[i]
			}
			if aws.ToString(association.SubnetId) == subnet {
				own = &tables[i]
			}
		}
	}
	if own == nil {
		own = main
	}
	return own != nil && slices.ContainsFunc(own.Routes, func(route ec2types.Route) bool {
		return strings.HasPrefix(aws.ToString(route.GatewayId), "igw-")
	})
}

// chooseSubnets takes one subnet of each zone: one with the cluster's tag first, then the one with the first ID.
// Subnets with the tags of other clusters only, and full ones, are none of the cluster's.
func chooseSubnets(all []ec2types.Subnet, cluster string) ([]ec2types.Subnet, error) {
	var others, full int
	byZone := map[string]ec2types.Subnet{}
	for _, subnet := range all {
		mine, foreign := clusterTags(subnet, cluster)
		switch {
		case foreign && !mine:
			others++
			continue
		case aws.ToInt32(subnet.AvailableIpAddressCount) < fewestAddresses:
			full++
			continue
		}
		zone := aws.ToString(subnet.AvailabilityZone)
		if have, taken := byZone[zone]; !taken || before(subnet, have, cluster) {
			byZone[zone] = subnet
		}
	}
	if len(byZone) == 0 {
		return nil, fmt.Errorf("unable to resolve at least one subnet. Evaluated %d subnets: %d are tagged for other "+
			"clusters, and %d have insufficient available IP addresses", len(all), others, full)
	}
	var chosen []ec2types.Subnet
	for _, subnet := range byZone {
		chosen = append(chosen, subnet)
	}
	slices.SortFunc(chosen, func(a, b ec2types.Subnet) int {
		return strings.Compare(aws.ToString(a.SubnetId), aws.ToString(b.SubnetId))
	})
	return chosen, nil
}

func clusterTags(subnet ec2types.Subnet, cluster string) (mine, foreign bool) {
	for _, tag := range subnet.Tags {
		if name, found := strings.CutPrefix(aws.ToString(tag.Key), clusterTagStart); found {
			mine = mine || name == cluster
			foreign = foreign || name != cluster
		}
	}
	return mine, foreign
}

func before(a, b ec2types.Subnet, cluster string) bool {
	mineA, _ := clusterTags(a, cluster)
	mineB, _ := clusterTags(b, cluster)
	if mineA != mineB {
		return mineA
	}
	return aws.ToString(a.SubnetId) < aws.ToString(b.SubnetId)
}

// checkSubnets wants each in a zone of its own, and two for an application load balancer.
func checkSubnets(subnets []ec2types.Subnet, kind elb.LoadBalancerTypeEnum) error {
	if len(subnets) == 0 {
		return errors.New("unable to resolve at least one subnet")
	}
	zones := map[string][]string{}
	for _, subnet := range subnets {
		zone := aws.ToString(subnet.AvailabilityZone)
		if zones[zone] = append(zones[zone], aws.ToString(subnet.SubnetId)); len(zones[zone]) > 1 {
			return fmt.Errorf("multiple subnets in same Availability Zone %s: %v", zone, zones[zone])
		}
	}
	if least := 2; kind == elb.LoadBalancerTypeEnumApplication && len(subnets) < least {
		return fmt.Errorf("subnets count less than minimal required count: %d < %d", len(subnets), least)
	}
	return nil
}

func subnetIDs(subnets []ec2types.Subnet) []string {
	ids := make([]string, 0, len(subnets))
	for _, subnet := range subnets {
		ids = append(ids, aws.ToString(subnet.SubnetId))
	}
	return ids
}
