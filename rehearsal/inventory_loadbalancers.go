package rehearsal

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
)

// listLoadBalancers lists Application and Network Load Balancers by name.
func listLoadBalancers(ctx context.Context, c *Clients) (ids []string, err error) {
	p := elb.NewDescribeLoadBalancersPaginator(c.LoadBalancing, &elb.DescribeLoadBalancersInput{})
	err = pages(ctx, p.HasMorePages, p.NextPage, func(o *elb.DescribeLoadBalancersOutput) {
		for _, b := range o.LoadBalancers {
			ids = append(ids, aws.ToString(b.LoadBalancerName))
		}
	})
	return ids, err
}

// listTargetGroups lists target groups by name.
func listTargetGroups(ctx context.Context, c *Clients) (ids []string, err error) {
	p := elb.NewDescribeTargetGroupsPaginator(c.LoadBalancing, &elb.DescribeTargetGroupsInput{})
	err = pages(ctx, p.HasMorePages, p.NextPage, func(o *elb.DescribeTargetGroupsOutput) {
		for _, g := range o.TargetGroups {
			ids = append(ids, aws.ToString(g.TargetGroupName))
		}
	})
	return ids, err
}
