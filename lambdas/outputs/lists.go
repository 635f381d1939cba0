package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// This file lists what EC2 has in pages, for whoever looks at a network.

// all are the items of all pages of a paginator of any service's.
func all[O, P, T any](ctx context.Context, more func() bool, next func(context.Context, ...func(*O)) (*P, error), items func(*P) []T) ([]T, error) {
	var found []T
	for more() {
		page, err := next(ctx)
		if err != nil {
			return nil, err
		}
		found = append(found, items(page)...)
	}
	return found, nil
}

func filter(name string, values ...string) types.Filter {
	return types.Filter{Name: aws.String(name), Values: values}
}

func ofVPC(id string) []types.Filter { return []types.Filter{filter("vpc-id", id)} }

func listSubnets(ctx context.Context, api ec2.DescribeSubnetsAPIClient, filters ...types.Filter) ([]types.Subnet, error) {
	p := ec2.NewDescribeSubnetsPaginator(api, &ec2.DescribeSubnetsInput{Filters: filters})
	return all(ctx, p.HasMorePages, p.NextPage, func(o *ec2.DescribeSubnetsOutput) []types.Subnet { return o.Subnets })
}

func listRouteTables(ctx context.Context, api ec2.DescribeRouteTablesAPIClient, filters ...types.Filter) ([]types.RouteTable, error) {
	p := ec2.NewDescribeRouteTablesPaginator(api, &ec2.DescribeRouteTablesInput{Filters: filters})
	return all(ctx, p.HasMorePages, p.NextPage, func(o *ec2.DescribeRouteTablesOutput) []types.RouteTable { return o.RouteTables })
}

func listEndpoints(ctx context.Context, api ec2.DescribeVpcEndpointsAPIClient, filters ...types.Filter) ([]types.VpcEndpoint, error) {
	p := ec2.NewDescribeVpcEndpointsPaginator(api, &ec2.DescribeVpcEndpointsInput{Filters: filters})
	return all(ctx, p.HasMorePages, p.NextPage, func(o *ec2.DescribeVpcEndpointsOutput) []types.VpcEndpoint { return o.VpcEndpoints })
}

func listNATGateways(ctx context.Context, api ec2.DescribeNatGatewaysAPIClient, filters ...types.Filter) ([]types.NatGateway, error) {
	p := ec2.NewDescribeNatGatewaysPaginator(api, &ec2.DescribeNatGatewaysInput{Filter: filters})
	return all(ctx, p.HasMorePages, p.NextPage, func(o *ec2.DescribeNatGatewaysOutput) []types.NatGateway { return o.NatGateways })
}
