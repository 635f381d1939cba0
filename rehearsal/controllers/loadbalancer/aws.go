package loadbalancer

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/smithy-go"
	"k8s.io/apimachinery/pkg/util/wait"
)

// account is what the controller reaches of AWS, with its role's rights.
type account struct {
	ec2     *ec2.Client
	elb     *elasticloadbalancingv2.Client
	vpc     string
	cluster string
	// collect takes away rules that no binding wants any more: they hold the group that they name.
	collect func(ctx context.Context) error
}

const (
	tagsAtOnce = 20 // resources in one DescribeTags

	deletionPoll    = 2 * time.Second
	deletionTimeout = 2 * time.Minute
)

func isCode(err error, codes ...string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && slices.Contains(codes, api.ErrorCode())
}

// whileInUse deletes something that others may still use for a while.
func whileInUse(ctx context.Context, code string, remove func() error) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, deletionPoll, deletionTimeout, true, func(context.Context) (bool, error) {
		last = remove()
		if isCode(last, code) {
			return false, nil
		}
		return true, last
	})
	if last != nil {
		return last
	}
	return err
}

// tagged is an AWS resource with its tags.
type tagged[T any] struct {
	arn      string
	resource T
	tags     map[string]string
}

func has(tags, wanted map[string]string) bool {
	for key, value := range wanted {
		if have, found := tags[key]; !found || have != value {
			return false
		}
	}
	return true
}

// withTags asks for the tags of resources of Elastic Load Balancing and leaves those that have the wanted ones.
func (a *account) withTags(ctx context.Context, arns []string, wanted map[string]string) (map[string]map[string]string, error) {
	found := map[string]map[string]string{}
	for chunk := range slices.Chunk(arns, tagsAtOnce) {
		answer, err := a.elb.DescribeTags(ctx, &elasticloadbalancingv2.DescribeTagsInput{ResourceArns: chunk})
		if err != nil {
			return nil, err
		}
		for _, description := range answer.TagDescriptions {
			tags := map[string]string{}
			for _, tag := range description.Tags {
				tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
			}
			if has(tags, wanted) {
				found[aws.ToString(description.ResourceArn)] = tags
			}
		}
	}
	return found, nil
}

// balancers lists the load balancers of the network that have the tags.
func (a *account) balancers(ctx context.Context, wanted map[string]string) ([]tagged[elb.LoadBalancer], error) {
	var all []elb.LoadBalancer
	pages := elasticloadbalancingv2.NewDescribeLoadBalancersPaginator(a.elb, &elasticloadbalancingv2.DescribeLoadBalancersInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, page.LoadBalancers...)
	}
	all = slices.DeleteFunc(all, func(b elb.LoadBalancer) bool { return aws.ToString(b.VpcId) != a.vpc })
	return pick(ctx, a, all, wanted, func(b elb.LoadBalancer) string { return aws.ToString(b.LoadBalancerArn) })
}

// targetGroups lists the target groups of the network that have the tags.
func (a *account) targetGroups(ctx context.Context, wanted map[string]string) ([]tagged[elb.TargetGroup], error) {
	var all []elb.TargetGroup
	pages := elasticloadbalancingv2.NewDescribeTargetGroupsPaginator(a.elb, &elasticloadbalancingv2.DescribeTargetGroupsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, page.TargetGroups...)
	}
	all = slices.DeleteFunc(all, func(g elb.TargetGroup) bool { return aws.ToString(g.VpcId) != a.vpc })
	return pick(ctx, a, all, wanted, func(g elb.TargetGroup) string { return aws.ToString(g.TargetGroupArn) })
}

func pick[T any](
	ctx context.Context, a *account, all []T, wanted map[string]string, arn func(T) string,
) ([]tagged[T], error) {
	arns := make([]string, 0, len(all))
	for _, resource := range all {
		arns = append(arns, arn(resource))
	}
	tags, err := a.withTags(ctx, arns, wanted)
	if err != nil {
		return nil, err
	}
	var picked []tagged[T]
	for _, resource := range all {
		if own, found := tags[arn(resource)]; found {
			picked = append(picked, tagged[T]{arn: arn(resource), resource: resource, tags: own})
		}
	}
	return picked, nil
}

func elbTags(tags map[string]string) []elb.Tag {
	var list []elb.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, elb.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return list
}

func ec2Tags(tags map[string]string) []ec2types.Tag {
	var list []ec2types.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, ec2types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return list
}

// difference tells which tags to set and which to take away.
func difference(want, have map[string]string) (set map[string]string, remove []string) {
	set = map[string]string{}
	for key, value := range want {
		if old, found := have[key]; !found || old != value {
			set[key] = value
		}
	}
	for key := range have {
		if _, found := want[key]; !found && !isAWSTag(key) {
			remove = append(remove, key)
		}
	}
	slices.Sort(remove)
	return set, remove
}

func isAWSTag(key string) bool { return len(key) > 3 && key[:4] == "aws:" }

// retag changes the tags of a resource of Elastic Load Balancing.
func (a *account) retag(ctx context.Context, arn string, want, have map[string]string) error {
	set, remove := difference(want, have)
	if len(set) > 0 {
		input := &elasticloadbalancingv2.AddTagsInput{ResourceArns: []string{arn}, Tags: elbTags(set)}
		if _, err := a.elb.AddTags(ctx, input); err != nil {
			return err
		}
	}
	if len(remove) == 0 {
		return nil
	}
	_, err := a.elb.RemoveTags(ctx, &elasticloadbalancingv2.RemoveTagsInput{ResourceArns: []string{arn}, TagKeys: remove})
	return err
}

func filter(name string, values ...string) ec2types.Filter {
	return ec2types.Filter{Name: aws.String(name), Values: values}
}
