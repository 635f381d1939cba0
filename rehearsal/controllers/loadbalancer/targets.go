package loadbalancer

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

const targetsAtOnce = 200 // of one RegisterTargets

// endpoint is a target to be: a pod's address, or a node's instance.
type endpoint struct {
	id   string // address or instance ID
	port int32
	node string // the node that it is or runs on
	pod  *corev1.Pod
}

func (e endpoint) key() string { return fmt.Sprintf("%s:%d", e.id, e.port) }

// podEndpoints are the ready pods in the slices of a Service. name is that of its port.
func podEndpoints(name string, slicesOf []*discoveryv1.EndpointSlice, pods func(namespace, name string) *corev1.Pod) []endpoint {
	var all []endpoint
	for _, slice := range slicesOf {
		if slice.AddressType != discoveryv1.AddressTypeIPv4 {
			continue
		}
		for _, port := range slice.Ports {
			if port.Port == nil || port.Name != nil && *port.Name != name {
				continue
			}
			for _, one := range slice.Endpoints {
				if !isReadyPod(one) {
					continue
				}
				if pod := pods(slice.Namespace, one.TargetRef.Name); pod != nil {
					all = append(all, endpoint{id: one.Addresses[0], port: *port.Port, node: pod.Spec.NodeName, pod: pod})
				}
			}
		}
	}
	return all
}

func isReadyPod(e discoveryv1.Endpoint) bool {
	ready := e.Conditions.Ready == nil || *e.Conditions.Ready
	return ready && len(e.Addresses) > 0 && e.TargetRef != nil && e.TargetRef.Kind == "Pod"
}

// nodeEndpoints are the nodes that take traffic for a node port.
func nodeEndpoints(port int32, nodes []*corev1.Node) []endpoint {
	var all []endpoint
	for _, node := range nodes {
		if _, excluded := node.Labels[corev1.LabelNodeExcludeBalancers]; excluded || !isReady(node) {
			continue
		}
		if id := instanceID(node); id != "" {
			all = append(all, endpoint{id: id, port: port, node: node.Name})
		}
	}
	return all
}

func isReady(node *corev1.Node) bool {
	return slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

// instanceID is the last part of a provider ID such as aws:///us-east-1a/i-0123456789abcdef0.
func instanceID(node *corev1.Node) string {
	id := node.Spec.ProviderID[strings.LastIndex(node.Spec.ProviderID, "/")+1:]
	if !strings.HasPrefix(id, "i-") {
		return ""
	}
	return id
}

// registerTargets makes a target group's targets the wanted ones.
func (a *account) registerTargets(ctx context.Context, arn string, kind elb.TargetTypeEnum, want []endpoint) error {
	answer, err := a.elb.DescribeTargetHealth(ctx,
		&elasticloadbalancingv2.DescribeTargetHealthInput{TargetGroupArn: aws.String(arn)})
	if err != nil {
		return err
	}
	have := map[string]elb.TargetDescription{}
	for _, one := range answer.TargetHealthDescriptions {
		if one.TargetHealth != nil && one.TargetHealth.State == elb.TargetHealthStateEnumDraining {
			continue
		}
		have[fmt.Sprintf("%s:%d", aws.ToString(one.Target.Id), aws.ToInt32(one.Target.Port))] = *one.Target
	}
	var missing []endpoint
	for _, one := range want {
		if _, found := have[one.key()]; !found {
			missing = append(missing, one)
		}
		delete(have, one.key())
	}
	if err := a.deregister(ctx, arn, have); err != nil || len(missing) == 0 {
		return err
	}
	targets, err := a.descriptions(ctx, kind, missing)
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(targets, targetsAtOnce) {
		_, err := a.elb.RegisterTargets(ctx,
			&elasticloadbalancingv2.RegisterTargetsInput{TargetGroupArn: aws.String(arn), Targets: chunk})
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *account) deregister(ctx context.Context, arn string, targets map[string]elb.TargetDescription) error {
	if len(targets) == 0 {
		return nil
	}
	input := &elasticloadbalancingv2.DeregisterTargetsInput{TargetGroupArn: aws.String(arn)}
	for _, target := range targets {
		input.Targets = append(input.Targets, elb.TargetDescription{Id: target.Id, Port: target.Port})
	}
	_, err := a.elb.DeregisterTargets(ctx, input)
	return err
}

// descriptions says of addresses outside the network that they are in no zone of it.
func (a *account) descriptions(ctx context.Context, kind elb.TargetTypeEnum, all []endpoint) ([]elb.TargetDescription, error) {
	var network []netip.Prefix
	if kind == elb.TargetTypeEnumIp {
		answer, err := a.ec2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{a.vpc}})
		if err != nil {
			return nil, err
		}
		for _, vpc := range answer.Vpcs {
			for _, block := range vpc.CidrBlockAssociationSet {
				if prefix, err := netip.ParsePrefix(aws.ToString(block.CidrBlock)); err == nil {
					network = append(network, prefix)
				}
			}
		}
	}
	targets := make([]elb.TargetDescription, 0, len(all))
	for _, one := range all {
		target := elb.TargetDescription{Id: aws.String(one.id), Port: aws.Int32(one.port)}
		if kind == elb.TargetTypeEnumIp && !within(one.id, network) {
			target.AvailabilityZone = aws.String("all")
		}
		targets = append(targets, target)
	}
	return targets, nil
}

func within(address string, network []netip.Prefix) bool {
	parsed, err := netip.ParseAddr(address)
	return err == nil && slices.ContainsFunc(network, func(p netip.Prefix) bool { return p.Contains(parsed) })
}

// clearTargets deregisters all; a target group that is gone has none.
func (a *account) clearTargets(ctx context.Context, arn string) error {
	err := a.registerTargets(ctx, arn, "", nil)
	if isCode(err, "TargetGroupNotFound") {
		return nil
	}
	return err
}
