package rehearsal

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// addServices adds the rest of the account that a cluster's controllers have to
// do with: instances, queues, event rules, load balancers.
func (p Picture) addServices(ctx context.Context, c *Clients) error {
	for _, part := range []struct {
		what string
		read func(context.Context, *Clients) error
	}{
		{"instances", p.addInstances},
		{"queues", p.addQueues},
		{"event rules", p.addRules},
		{"load balancers", p.addBalancers},
	} {
		if err := part.read(ctx, c); err != nil {
			return fmt.Errorf("look at the %s: %w", part.what, err)
		}
	}
	return nil
}

func (p Picture) addInstances(ctx context.Context, c *Clients) error {
	list := ec2.NewDescribeInstancesPaginator(c.EC2, &ec2.DescribeInstancesInput{})
	var all []ec2types.Instance
	if err := pages(ctx, list.HasMorePages, list.NextPage, func(o *ec2.DescribeInstancesOutput) {
		for _, r := range o.Reservations {
			all = append(all, r.Instances...)
		}
	}); err != nil {
		return err
	}
	for _, i := range all {
		if i.State != nil && i.State.Name == ec2types.InstanceStateNameTerminated {
			continue
		}
		slices.SortFunc(i.Tags, func(a, b ec2types.Tag) int { return strings.Compare(aws.ToString(a.Key), aws.ToString(b.Key)) })
		in := map[string]any{
			"Type": i.InstanceType, "Subnet": i.SubnetId, "Groups": i.SecurityGroups, "Profile": i.IamInstanceProfile, "Image": i.ImageId, "Tags": i.Tags,
		}
		if err := p.add("instance", aws.ToString(i.InstanceId), in); err != nil {
			return err
		}
	}
	return nil
}

func (p Picture) addQueues(ctx context.Context, c *Clients) error {
	queues, err := listQueues(ctx, c)
	if err != nil {
		return err
	}
	for _, url := range queues {
		o, err := c.SQS.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{"All"}})
		if err != nil {
			return err
		}
		for name := range o.Attributes {
			if strings.HasPrefix(name, "Approximate") { // how many messages are in it
				delete(o.Attributes, name)
			}
		}
		tags, err := c.SQS.ListQueueTags(ctx, &sqs.ListQueueTagsInput{QueueUrl: &url})
		if err != nil {
			return err
		}
		if err := p.add("queue", url, []any{o.Attributes, tags.Tags}); err != nil {
			return err
		}
	}
	return nil
}

func (p Picture) addRules(ctx context.Context, c *Clients) error {
	rules, err := listRules(ctx, c)
	if err != nil {
		return err
	}
	for _, name := range rules {
		rule, err := c.Events.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: &name})
		if err != nil {
			return err
		}
		targets, err := c.Events.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: &name})
		if err != nil {
			return err
		}
		if err := p.add("event rule", name, []any{rule.Arn, rule.EventPattern, rule.State, targets.Targets}); err != nil {
			return err
		}
	}
	return nil
}

func (p Picture) addBalancers(ctx context.Context, c *Clients) error {
	balancers, err := c.LoadBalancing.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{})
	if err != nil {
		return err
	}
	for _, b := range balancers.LoadBalancers {
		b.State = nil
		listeners, err := c.LoadBalancing.DescribeListeners(ctx, &elb.DescribeListenersInput{LoadBalancerArn: b.LoadBalancerArn})
		if err != nil {
			return err
		}
		if err := p.addBalancer(ctx, c.LoadBalancing, "load balancer", b.LoadBalancerArn, b, listeners.Listeners); err != nil {
			return err
		}
	}
	groups, err := c.LoadBalancing.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{})
	if err != nil {
		return err
	}
	for _, g := range groups.TargetGroups {
		if err := p.addBalancer(ctx, c.LoadBalancing, "target group", g.TargetGroupArn, g); err != nil {
			return err
		}
	}
	return nil
}

func (p Picture) addBalancer(ctx context.Context, api *elb.Client, kind string, arn *string, in ...any) error {
	o, err := api.DescribeTags(ctx, &elb.DescribeTagsInput{ResourceArns: []string{aws.ToString(arn)}})
	if err != nil {
		return err
	}
	for _, d := range o.TagDescriptions {
		slices.SortFunc(d.Tags, func(a, b elbtypes.Tag) int { return strings.Compare(aws.ToString(a.Key), aws.ToString(b.Key)) })
		in = append(in, d.Tags)
	}
	return p.add(kind, aws.ToString(arn), in)
}
