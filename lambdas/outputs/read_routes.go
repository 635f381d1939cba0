package main

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/e6data/aws-quickstart/internal/preflight"
)

// routeReader is the part of the EC2 API that knows where traffic goes.
type routeReader interface {
	DescribeRouteTables(context.Context, *ec2.DescribeRouteTablesInput, ...func(*ec2.Options)) (*ec2.DescribeRouteTablesOutput, error)
	DescribeVpcEndpoints(context.Context, *ec2.DescribeVpcEndpointsInput, ...func(*ec2.Options)) (*ec2.DescribeVpcEndpointsOutput, error)
}

type routing struct{ ec2 routeReader }

// endpoints are those of a VPC that work, never nil.
func (r routing) endpoints(ctx context.Context, vpc string) ([]types.VpcEndpoint, error) {
	found, err := listEndpoints(ctx, r.ec2, ofVPC(vpc)...)
	if err != nil {
		return nil, err
	}
	working := []types.VpcEndpoint{}
	for _, e := range found {
		if state := string(e.State); strings.EqualFold(state, "available") || strings.EqualFold(state, "pending") {
			working = append(working, e)
		}
	}
	return working, nil
}

// keepEndpoints remembers the services of interface endpoints: ecr.api of
// com.amazonaws.us-east-1.ecr.api.
func (l *looks) keepEndpoints(endpoints []types.VpcEndpoint) {
	if endpoints == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.facts.Endpoints == nil {
		l.facts.Endpoints = map[string]bool{}
	}
	for _, e := range endpoints {
		if _, service, ok := strings.Cut(aws.ToString(e.ServiceName), l.before.Place.Region+"."); ok && e.VpcEndpointType == types.VpcEndpointTypeInterface {
			l.facts.Endpoints[service] = true
		}
	}
}

// routesOf is what the table of a subnet says, which is the VPC's main one if
// the subnet has none of its own.
func routesOf(subnet string, tables []types.RouteTable, endpoints []types.VpcEndpoint) *preflight.Routes {
	var table *types.RouteTable
	for i, t := range tables {
		for _, a := range t.Associations {
			if aws.ToString(a.SubnetId) == subnet || aws.ToBool(a.Main) && table == nil {
				table = &tables[i]
			}
		}
	}
	if table == nil {
		return nil
	}
	r := &preflight.Routes{Table: aws.ToString(table.RouteTableId)}
	r.S3 = slices.ContainsFunc(endpoints, func(e types.VpcEndpoint) bool {
		return e.VpcEndpointType == types.VpcEndpointTypeGateway && strings.HasSuffix(aws.ToString(e.ServiceName), ".s3") &&
			slices.Contains(e.RouteTableIds, r.Table)
	})
	r.Out, r.Blackhole = defaultRoute(table.Routes)
	if r.Out == "" {
		r.Out = beyond(table.Routes)
	}
	return r
}

// defaultRoute is where the default route leads, and whether that is gone. Of two
// halves it is one that is there.
func defaultRoute(routes []types.Route) (out string, gone bool) {
	for _, route := range routes {
		target := targetOf(route)
		if target == "" || !leadsOut(route) || out != "" && !gone {
			continue
		}
		out, gone = target, route.State == types.RouteStateBlackhole
	}
	return out, gone
}

// beyond is what leads to another network, where a customer may have AWS's APIs;
// empty: nothing.
func beyond(routes []types.Route) string {
	for _, route := range routes {
		target := targetOf(route)
		inside := target == "" || strings.HasPrefix(target, "igw-") || strings.HasPrefix(target, "vpce-")
		if !inside && aws.ToString(route.DestinationCidrBlock) != "" && route.State != types.RouteStateBlackhole {
			return target
		}
	}
	return ""
}

// leadsOut tells whether a route is a default route, one half of one, or leads
// to a list of blocks that cannot be seen from here.
func leadsOut(r types.Route) bool {
	if list := aws.ToString(r.DestinationPrefixListId); list != "" {
		return !strings.HasPrefix(aws.ToString(r.GatewayId), "vpce-")
	}
	block, err := netip.ParsePrefix(aws.ToString(r.DestinationCidrBlock))
	return err == nil && block.Bits() <= 1
}

// targetOf is the ID of what a route leads to; empty: the VPC itself.
func targetOf(r types.Route) string {
	for _, id := range []*string{
		r.NatGatewayId, r.TransitGatewayId, r.VpcPeeringConnectionId, r.NetworkInterfaceId, r.InstanceId, r.LocalGatewayId,
		r.CarrierGatewayId, r.CoreNetworkArn, r.GatewayId,
	} {
		if t := aws.ToString(id); t != "" && t != "local" {
			return t
		}
	}
	return ""
}
