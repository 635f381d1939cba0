package loadbalancer

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// deployListeners makes, changes and deletes the listeners of a load balancer, and their rules.
func (a *account) deployListeners(ctx context.Context, stack *Stack, balancer string, arns map[string]string) error {
	var have []elb.Listener
	pages := elasticloadbalancingv2.NewDescribeListenersPaginator(a.elb,
		&elasticloadbalancingv2.DescribeListenersInput{LoadBalancerArn: aws.String(balancer)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		have = append(have, page.Listeners...)
	}
	existing, err := pick(ctx, a, have, nil, func(l elb.Listener) string { return aws.ToString(l.ListenerArn) })
	if err != nil {
		return err
	}
	byPort := map[int32]tagged[elb.Listener]{}
	for _, one := range existing {
		number := aws.ToInt32(one.resource.Port)
		if slices.ContainsFunc(stack.Listeners, func(want *Listener) bool { return want.Port == number }) {
			byPort[number] = one
			continue
		}
		input := &elasticloadbalancingv2.DeleteListenerInput{ListenerArn: aws.String(one.arn)}
		if _, err := a.elb.DeleteListener(ctx, input); err != nil {
			return err
		}
	}
	made := map[int32]string{}
	for _, want := range stack.Listeners {
		if made[want.Port], err = a.deployListener(ctx, stack, balancer, want, byPort[want.Port], arns); err != nil {
			return err
		}
	}
	for _, want := range stack.Listeners {
		if err := a.deployRules(ctx, stack, want, made[want.Port], arns); err != nil {
			return err
		}
	}
	return nil
}

func (a *account) deployListener(
	ctx context.Context, stack *Stack, balancer string, want *Listener, have tagged[elb.Listener], arns map[string]string,
) (string, error) {
	tags := stack.resourceTags(a.cluster, strconv.Itoa(int(want.Port)), want.Tags)
	actions := sdkActions(want.Default, arns)
	var certificates []elb.Certificate
	if len(want.Certificates) > 0 {
		certificates = []elb.Certificate{{CertificateArn: aws.String(want.Certificates[0])}}
	}
	var policy *string
	if want.Policy != "" {
		policy = aws.String(want.Policy)
	}
	if have.arn == "" {
		answer, err := a.elb.CreateListener(ctx, &elasticloadbalancingv2.CreateListenerInput{
			LoadBalancerArn: aws.String(balancer), Port: aws.Int32(want.Port), Protocol: want.Protocol,
			DefaultActions: actions, Certificates: certificates, SslPolicy: policy, Tags: elbTags(tags),
		})
		if err != nil {
			return "", err
		}
		arn := aws.ToString(answer.Listeners[0].ListenerArn)
		return arn, a.addCertificates(ctx, arn, want.Certificates)
	}
	if err := a.retag(ctx, have.arn, tags, have.tags); err != nil {
		return "", err
	}
	if have.resource.Protocol != want.Protocol || !sameActions(have.resource.DefaultActions, actions) {
		_, err := a.elb.ModifyListener(ctx, &elasticloadbalancingv2.ModifyListenerInput{
			ListenerArn: aws.String(have.arn), Port: aws.Int32(want.Port), Protocol: want.Protocol,
			DefaultActions: actions, Certificates: certificates, SslPolicy: policy,
		})
		if err != nil {
			return "", err
		}
	}
	return have.arn, nil
}

// addCertificates adds all but the first, which is the listener's own.
func (a *account) addCertificates(ctx context.Context, listener string, arns []string) error {
	for i, arn := range arns {
		if i == 0 {
			continue
		}
		_, err := a.elb.AddListenerCertificates(ctx, &elasticloadbalancingv2.AddListenerCertificatesInput{
			ListenerArn: aws.String(listener), Certificates: []elb.Certificate{{CertificateArn: aws.String(arn)}},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func sdkActions(action Action, arns map[string]string) []elb.Action {
	one := elb.Action{Order: aws.Int32(1)}
	switch {
	case action.Fixed != nil:
		one.Type = elb.ActionTypeEnumFixedResponse
		one.FixedResponseConfig = &elb.FixedResponseActionConfig{StatusCode: aws.String(action.Fixed.StatusCode)}
		if action.Fixed.ContentType != "" {
			one.FixedResponseConfig.ContentType = aws.String(action.Fixed.ContentType)
		}
		if action.Fixed.MessageBody != "" {
			one.FixedResponseConfig.MessageBody = aws.String(action.Fixed.MessageBody)
		}
	case action.Redirect != nil:
		one.Type = elb.ActionTypeEnumRedirect
		r := action.Redirect
		one.RedirectConfig = &elb.RedirectActionConfig{
			Host: orKeep(r.Host, "#{host}"), Path: orKeep(r.Path, "/#{path}"), Port: orKeep(r.Port, "#{port}"),
			Protocol: orKeep(r.Protocol, "#{protocol}"), Query: orKeep(r.Query, "#{query}"),
			StatusCode: elb.RedirectActionStatusCodeEnum(r.StatusCode),
		}
	default:
		one.Type = elb.ActionTypeEnumForward
		one.ForwardConfig = new(elb.ForwardActionConfig)
		for _, target := range action.Forward {
			one.ForwardConfig.TargetGroups = append(one.ForwardConfig.TargetGroups, elb.TargetGroupTuple{
				TargetGroupArn: aws.String(arns[target.TargetGroup]), Weight: target.Weight,
			})
		}
	}
	return []elb.Action{one}
}

func orKeep(value, keep string) *string {
	if value == "" {
		return aws.String(keep)
	}
	return aws.String(value)
}

// sameActions compares what counts: Elastic Load Balancing answers some settings with their defaults filled in.
func sameActions(a, b []elb.Action) bool { return reflect.DeepEqual(essence(a), essence(b)) }

func essence(actions []elb.Action) []string {
	var all []string
	for _, action := range actions {
		parts := []string{string(action.Type)}
		if f := action.FixedResponseConfig; f != nil {
			parts = append(parts, aws.ToString(f.StatusCode), aws.ToString(f.ContentType), aws.ToString(f.MessageBody))
		}
		if r := action.RedirectConfig; r != nil {
			parts = append(parts, aws.ToString(r.Host), aws.ToString(r.Path), aws.ToString(r.Port),
				aws.ToString(r.Protocol), aws.ToString(r.Query), string(r.StatusCode))
		}
		if f := action.ForwardConfig; f != nil {
			for _, target := range f.TargetGroups {
				weight := int32(1)
				if target.Weight != nil {
					weight = *target.Weight
				}
				if len(f.TargetGroups) == 1 {
					weight = 1
				}
				parts = append(parts, fmt.Sprintf("%s=%d", aws.ToString(target.TargetGroupArn), weight))
			}
		}
		all = append(all, strings.Join(parts, "|"))
	}
	return all
}

// deployRules brings a listener's rules into order: the first has priority 1.
func (a *account) deployRules(ctx context.Context, stack *Stack, want *Listener, listener string, arns map[string]string) error {
	if stack.Balancer.Type != elb.LoadBalancerTypeEnumApplication {
		return nil
	}
	var have []elb.Rule
	pages := elasticloadbalancingv2.NewDescribeRulesPaginator(a.elb,
		&elasticloadbalancingv2.DescribeRulesInput{ListenerArn: aws.String(listener)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		have = append(have, page.Rules...)
	}
	have = slices.DeleteFunc(have, func(rule elb.Rule) bool { return aws.ToBool(rule.IsDefault) })
	existing, err := pick(ctx, a, have, nil, func(r elb.Rule) string { return aws.ToString(r.RuleArn) })
	if err != nil {
		return err
	}
	byPriority := map[string]tagged[elb.Rule]{}
	for _, one := range existing {
		number, _ := strconv.Atoi(aws.ToString(one.resource.Priority))
		if number > len(want.Rules) {
			input := &elasticloadbalancingv2.DeleteRuleInput{RuleArn: aws.String(one.arn)}
			if _, err := a.elb.DeleteRule(ctx, input); err != nil {
				return err
			}
			continue
		}
		byPriority[strconv.Itoa(number)] = one
	}
	for i, rule := range want.Rules {
		priority := strconv.Itoa(i + 1)
		tags := stack.resourceTags(a.cluster, strconv.Itoa(int(want.Port))+":"+priority, rule.Tags)
		if err := a.deployRule(ctx, listener, int32(i+1), rule, tags, byPriority[priority], arns); err != nil {
			return err
		}
	}
	return nil
}

func (a *account) deployRule(
	ctx context.Context, listener string, priority int32, want Rule, tags map[string]string, have tagged[elb.Rule],
	arns map[string]string,
) error {
	actions, conditions := sdkActions(want.Action, arns), sdkConditions(want.Conditions)
	if have.arn == "" {
		_, err := a.elb.CreateRule(ctx, &elasticloadbalancingv2.CreateRuleInput{
			ListenerArn: aws.String(listener), Priority: aws.Int32(priority), Actions: actions, Conditions: conditions,
			Tags: elbTags(tags),
		})
		return err
	}
	if err := a.retag(ctx, have.arn, tags, have.tags); err != nil {
		return err
	}
	if sameActions(have.resource.Actions, actions) && reflect.DeepEqual(values(have.resource.Conditions), values(conditions)) {
		return nil
	}
	_, err := a.elb.ModifyRule(ctx, &elasticloadbalancingv2.ModifyRuleInput{
		RuleArn: aws.String(have.arn), Actions: actions, Conditions: conditions,
	})
	return err
}

func sdkConditions(conditions []Condition) []elb.RuleCondition {
	var all []elb.RuleCondition
	for _, condition := range conditions {
		one := elb.RuleCondition{Field: aws.String(condition.Field)}
		if condition.Field == "host-header" {
			one.HostHeaderConfig = &elb.HostHeaderConditionConfig{Values: condition.Values}
		} else {
			one.PathPatternConfig = &elb.PathPatternConditionConfig{Values: condition.Values}
		}
		all = append(all, one)
	}
	return all
}

func values(conditions []elb.RuleCondition) map[string][]string {
	all := map[string][]string{}
	for _, condition := range conditions {
		found := condition.Values
		if condition.HostHeaderConfig != nil {
			found = condition.HostHeaderConfig.Values
		}
		if condition.PathPatternConfig != nil {
			found = condition.PathPatternConfig.Values
		}
		all[aws.ToString(condition.Field)] = slices.Sorted(slices.Values(found))
	}
	return all
}
