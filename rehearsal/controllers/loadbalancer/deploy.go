package loadbalancer

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// deployer brings AWS and the cluster to what a stack says.
type deployer struct {
	account  *account
	backend  *backendGroup
	bindings *bindingStore
}

// found is what a plan leaves open and only AWS knows.
type found struct {
	subnets      []string
	groups       []string // the user's security groups
	backendGroup string
}

// resolve finds what a stack names or wants discovered, and makes the shared security group for its objects.
func (d *deployer) resolve(ctx context.Context, stack *Stack, objects []string) (found, error) {
	var f found
	var err error
	if stack.Balancer == nil {
		return f, nil
	}
	if f.subnets, err = d.account.subnets(ctx, stack); err != nil {
		return f, err
	}
	if f.groups, err = d.account.namedGroups(ctx, stack.Balancer.Groups); err != nil {
		return f, err
	}
	if stack.Balancer.BackendGroup {
		f.backendGroup, err = d.backend.get(ctx, objects)
	}
	return f, err
}

// deploy makes and changes in this order: security group, target groups, load
// balancer, listeners, rules, bindings; and then deletes what is not in the
// stack in the opposite order. It returns the load balancer's host name.
func (d *deployer) deploy(ctx context.Context, stack *Stack, f found) (string, error) {
	managed, unusedGroups, err := d.account.managedGroup(ctx, stack)
	if err != nil {
		return "", err
	}
	arns, unusedTargets, err := d.account.deployTargetGroups(ctx, stack)
	if err != nil {
		return "", err
	}
	balancer, err := d.account.deployBalancer(ctx, stack, f.subnets, f.balancerGroups(managed))
	if err != nil {
		return "", err
	}
	if stack.Balancer != nil {
		if err := d.account.deployListeners(ctx, stack, aws.ToString(balancer.LoadBalancerArn), arns); err != nil {
			return "", err
		}
	}
	if err := d.bind(ctx, stack, arns, f.backendGroup); err != nil {
		return "", err
	}
	return aws.ToString(balancer.DNSName), d.account.deleteUnused(ctx, unusedTargets, unusedGroups)
}

// balancerGroups are a load balancer's security groups: the user's, the one made for it, and the shared one.
func (f found) balancerGroups(managed string) []string {
	groups := f.groups
	for _, id := range []string{managed, f.backendGroup} {
		if id != "" {
			groups = append(groups, id)
		}
	}
	return groups
}

// bind has the cluster fill the stack's target groups, whose ARNs are given by their IDs.
func (d *deployer) bind(ctx context.Context, stack *Stack, arns map[string]string, backendGroup string) error {
	var want []*Binding
	for _, group := range stack.TargetGroups {
		want = append(want, stack.binding(group, arns[group.ID], d.account.vpc, backendGroup))
	}
	return d.bindings.sync(ctx, stack, want)
}

func (a *account) deleteUnused(ctx context.Context, targetGroups, securityGroups []string) error {
	for _, arn := range targetGroups {
		if err := a.deleteTargetGroup(ctx, arn); err != nil {
			return err
		}
	}
	for _, id := range securityGroups {
		if err := a.deleteGroup(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// deployBalancer makes or changes the load balancer, after those that do not fit any more are gone: a target group is
// in one load balancer at most.
func (a *account) deployBalancer(ctx context.Context, stack *Stack, subnets, groups []string) (elb.LoadBalancer, error) {
	have, err := a.balancers(ctx, stack.tags(a.cluster))
	if err != nil {
		return elb.LoadBalancer{}, err
	}
	want := stack.Balancer
	var kept *tagged[elb.LoadBalancer]
	for i, one := range have {
		if want != nil && kept == nil && one.tags[stack.resourceTag()] == balancerID &&
			one.resource.Type == want.Type && one.resource.Scheme == want.Scheme {
			kept = &have[i]
			continue
		}
		if err := a.deleteBalancer(ctx, one.arn); err != nil {
			return elb.LoadBalancer{}, err
		}
	}
	if want == nil {
		return elb.LoadBalancer{}, nil
	}
	tags := stack.resourceTags(a.cluster, balancerID, want.Tags)
	if kept != nil {
		return kept.resource, a.changeBalancer(ctx, want, kept, tags, subnets, groups)
	}
	input := &elasticloadbalancingv2.CreateLoadBalancerInput{
		Name: aws.String(want.Name), Type: want.Type, Scheme: want.Scheme, IpAddressType: elb.IpAddressTypeIpv4,
		SecurityGroups: groups, SubnetMappings: mappings(subnets), Tags: elbTags(tags),
	}
	answer, err := a.elb.CreateLoadBalancer(ctx, input)
	if err != nil {
		return elb.LoadBalancer{}, err
	}
	made := answer.LoadBalancers[0]
	return made, a.balancerAttributes(ctx, aws.ToString(made.LoadBalancerArn), want.Attributes)
}

func mappings(subnets []string) []elb.SubnetMapping {
	var all []elb.SubnetMapping
	for _, id := range subnets {
		all = append(all, elb.SubnetMapping{SubnetId: aws.String(id)})
	}
	return all
}

func (a *account) changeBalancer(
	ctx context.Context, want *Balancer, have *tagged[elb.LoadBalancer], tags map[string]string, subnets, groups []string,
) error {
	if err := a.retag(ctx, have.arn, tags, have.tags); err != nil {
		return err
	}
	if !equalSets(have.resource.SecurityGroups, groups) {
		input := &elasticloadbalancingv2.SetSecurityGroupsInput{LoadBalancerArn: aws.String(have.arn), SecurityGroups: groups}
		if _, err := a.elb.SetSecurityGroups(ctx, input); err != nil {
			return err
		}
	}
	var current []string
	for _, zone := range have.resource.AvailabilityZones {
		current = append(current, aws.ToString(zone.SubnetId))
	}
	if !equalSets(current, subnets) {
		input := &elasticloadbalancingv2.SetSubnetsInput{LoadBalancerArn: aws.String(have.arn), SubnetMappings: mappings(subnets)}
		if _, err := a.elb.SetSubnets(ctx, input); err != nil {
			return err
		}
	}
	return a.balancerAttributes(ctx, have.arn, want.Attributes)
}

func equalSets(a, b []string) bool {
	return len(a) == len(b) && len(union(append([]string{}, a...), b)) == len(a)
}

func (a *account) balancerAttributes(ctx context.Context, arn string, want map[string]string) error {
	have, err := a.elb.DescribeLoadBalancerAttributes(ctx,
		&elasticloadbalancingv2.DescribeLoadBalancerAttributesInput{LoadBalancerArn: aws.String(arn)})
	if err != nil {
		return err
	}
	current := map[string]string{}
	for _, attribute := range have.Attributes {
		current[aws.ToString(attribute.Key)] = aws.ToString(attribute.Value)
	}
	set, _ := difference(want, current)
	if len(set) == 0 {
		return nil
	}
	input := &elasticloadbalancingv2.ModifyLoadBalancerAttributesInput{LoadBalancerArn: aws.String(arn)}
	for key, value := range set {
		input.Attributes = append(input.Attributes, elb.LoadBalancerAttribute{Key: aws.String(key), Value: aws.String(value)})
	}
	_, err = a.elb.ModifyLoadBalancerAttributes(ctx, input)
	return err
}

// deleteBalancer deletes a load balancer; a deletion protection that no annotation asks for any more is taken off.
func (a *account) deleteBalancer(ctx context.Context, arn string) error {
	input := &elasticloadbalancingv2.DeleteLoadBalancerInput{LoadBalancerArn: aws.String(arn)}
	_, err := a.elb.DeleteLoadBalancer(ctx, input)
	if !isCode(err, "OperationNotPermitted") {
		return err
	}
	if err := a.balancerAttributes(ctx, arn, map[string]string{protectionFlag: "false"}); err != nil {
		return err
	}
	_, err = a.elb.DeleteLoadBalancer(ctx, input)
	return err
}

// deployTargetGroups makes and changes a stack's target groups. It returns the ARN of each by its ID, and those that
// are not needed any more.
func (a *account) deployTargetGroups(ctx context.Context, stack *Stack) (arns map[string]string, unused []string, err error) {
	have, err := a.targetGroups(ctx, stack.tags(a.cluster))
	if err != nil {
		return nil, nil, err
	}
	arns = map[string]string{}
	for _, want := range stack.TargetGroups {
		for _, one := range have {
			if one.tags[stack.resourceTag()] == want.ID && arns[want.ID] == "" && want.fits(one.resource) {
				arns[want.ID] = one.arn
				if err := a.changeTargetGroup(ctx, stack, want, one); err != nil {
					return nil, nil, err
				}
			}
		}
		if arns[want.ID] == "" {
			if arns[want.ID], err = a.createTargetGroup(ctx, stack, want); err != nil {
				return nil, nil, err
			}
		}
	}
	for _, one := range have {
		if id := one.tags[stack.resourceTag()]; arns[id] != one.arn {
			unused = append(unused, one.arn)
		}
	}
	return arns, unused, nil
}

// fits tells whether a target group can become the wanted one: these settings are fixed for its life.
func (g *TargetGroup) fits(have elb.TargetGroup) bool {
	version := aws.ToString(have.ProtocolVersion)
	return have.TargetType == g.Type && aws.ToInt32(have.Port) == g.Port && have.Protocol == g.Protocol &&
		(version == "" || g.ProtocolVersion == "" || version == g.ProtocolVersion)
}

func (a *account) createTargetGroup(ctx context.Context, stack *Stack, want *TargetGroup) (string, error) {
	input := &elasticloadbalancingv2.CreateTargetGroupInput{
		Name: aws.String(want.Name), TargetType: want.Type, Port: aws.Int32(want.Port), Protocol: want.Protocol,
		VpcId: aws.String(a.vpc), IpAddressType: elb.TargetGroupIpAddressTypeEnumIpv4,
		HealthCheckEnabled: aws.Bool(true), HealthCheckProtocol: want.Health.Protocol,
		HealthCheckPort: aws.String(want.Health.Port.String()), HealthCheckIntervalSeconds: aws.Int32(want.Health.Interval),
		HealthCheckTimeoutSeconds: aws.Int32(want.Health.Timeout), HealthyThresholdCount: aws.Int32(want.Health.Healthy),
		UnhealthyThresholdCount: aws.Int32(want.Health.Unhealthy),
		Tags:                    elbTags(stack.resourceTags(a.cluster, want.ID, want.Tags)),
	}
	if want.ProtocolVersion != "" {
		input.ProtocolVersion = aws.String(want.ProtocolVersion)
	}
	input.HealthCheckPath, input.Matcher = want.asked()
	answer, err := a.elb.CreateTargetGroup(ctx, input)
	if err != nil {
		return "", err
	}
	arn := aws.ToString(answer.TargetGroups[0].TargetGroupArn)
	return arn, a.targetGroupAttributes(ctx, arn, want.Attributes)
}

// asked is what a health check over HTTP asks for, and which answers are good.
func (g *TargetGroup) asked() (*string, *elb.Matcher) {
	if g.Health.Path == "" {
		return nil, nil
	}
	if g.ProtocolVersion == "GRPC" {
		return aws.String(g.Health.Path), &elb.Matcher{GrpcCode: aws.String(g.Health.SuccessCodes)}
	}
	return aws.String(g.Health.Path), &elb.Matcher{HttpCode: aws.String(g.Health.SuccessCodes)}
}

func (a *account) changeTargetGroup(
	ctx context.Context, stack *Stack, want *TargetGroup, have tagged[elb.TargetGroup],
) error {
	if err := a.retag(ctx, have.arn, stack.resourceTags(a.cluster, want.ID, want.Tags), have.tags); err != nil {
		return err
	}
	path, matcher := want.asked()
	current := have.resource
	if aws.ToString(current.HealthCheckPort) != want.Health.Port.String() ||
		current.HealthCheckProtocol != want.Health.Protocol ||
		path != nil && aws.ToString(current.HealthCheckPath) != *path ||
		aws.ToInt32(current.HealthCheckIntervalSeconds) != want.Health.Interval ||
		aws.ToInt32(current.HealthCheckTimeoutSeconds) != want.Health.Timeout ||
		aws.ToInt32(current.HealthyThresholdCount) != want.Health.Healthy ||
		aws.ToInt32(current.UnhealthyThresholdCount) != want.Health.Unhealthy {
		_, err := a.elb.ModifyTargetGroup(ctx, &elasticloadbalancingv2.ModifyTargetGroupInput{
			TargetGroupArn: aws.String(have.arn), HealthCheckEnabled: aws.Bool(true),
			HealthCheckProtocol: want.Health.Protocol, HealthCheckPort: aws.String(want.Health.Port.String()),
			HealthCheckPath: path, Matcher: matcher, HealthCheckIntervalSeconds: aws.Int32(want.Health.Interval),
			HealthCheckTimeoutSeconds: aws.Int32(want.Health.Timeout), HealthyThresholdCount: aws.Int32(want.Health.Healthy),
			UnhealthyThresholdCount: aws.Int32(want.Health.Unhealthy),
		})
		if err != nil {
			return err
		}
	}
	return a.targetGroupAttributes(ctx, have.arn, want.Attributes)
}

func (a *account) targetGroupAttributes(ctx context.Context, arn string, want map[string]string) error {
	have, err := a.elb.DescribeTargetGroupAttributes(ctx,
		&elasticloadbalancingv2.DescribeTargetGroupAttributesInput{TargetGroupArn: aws.String(arn)})
	if err != nil {
		return err
	}
	current := map[string]string{}
	for _, attribute := range have.Attributes {
		current[aws.ToString(attribute.Key)] = aws.ToString(attribute.Value)
	}
	set, _ := difference(want, current)
	if len(set) == 0 {
		return nil
	}
	input := &elasticloadbalancingv2.ModifyTargetGroupAttributesInput{TargetGroupArn: aws.String(arn)}
	for key, value := range set {
		input.Attributes = append(input.Attributes, elb.TargetGroupAttribute{Key: aws.String(key), Value: aws.String(value)})
	}
	_, err = a.elb.ModifyTargetGroupAttributes(ctx, input)
	return err
}

func (a *account) deleteTargetGroup(ctx context.Context, arn string) error {
	err := whileInUse(ctx, "ResourceInUse", func() error {
		_, err := a.elb.DeleteTargetGroup(ctx, &elasticloadbalancingv2.DeleteTargetGroupInput{TargetGroupArn: aws.String(arn)})
		return err
	})
	if err != nil {
		return fmt.Errorf("failed to delete targetGroup: %w", err)
	}
	return nil
}
