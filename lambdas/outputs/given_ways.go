package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/facts"
)

// publicCharts is ChartSource's answer for the charts' own public places.
const publicCharts = "Public"

// checkWays says why functions and nodes in some of the given subnets would not
// reach AWS: without a way out a function hangs until CloudFormation gives up,
// and no node joins the cluster.
func (n networkPlan) checkWays(ctx context.Context, p contract.NetworkPlan, stackID string, subnets []string) error {
	if len(subnets) == 0 {
		return nil
	}
	stack, err := arn.Parse(stackID)
	if err != nil {
		return fmt.Errorf("read the stack's account and region from its ID %q: %w", stackID, err)
	}
	var f facts.Network
	vpc := ofVPC(p.VpcID)
	for _, step := range []struct {
		what string
		read func() error
	}{
		{"subnets", func() (err error) {
			f.Subnets, err = listSubnets(ctx, n.ways.ec2, filter("subnet-id", subnets...))
			return err
		}},
		{"route tables", func() (err error) { f.RouteTables, err = listRouteTables(ctx, n.ways.ec2, vpc...); return err }},
		{"VPC endpoints", func() (err error) { f.Endpoints, err = listEndpoints(ctx, n.ways.ec2, vpc...); return err }},
		{"security group rules of the VPC's endpoints", func() error { return n.ways.rules(ctx, nil, &f) }},
	} {
		if err := step.read(); err != nil {
			return fmt.Errorf("list the %s: %w", step.what, err)
		}
	}
	return facts.Given{
		VPC: p.VpcID, Subnets: subnets, Account: stack.AccountID, Region: stack.Region, Proxy: p.HTTPSProxy != "",
		PublicCharts: p.ChartSource == publicCharts, PublicImages: p.ImageRegistry == "",
	}.Check(f)
}
