package loadbalancer

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// sharedRule is the description of the rules that the controller adds to the nodes' security groups, and only those
// it takes away again.
const sharedRule = "elbv2.k8s.aws/targetGroupBinding=shared"

const (
	firstPort int32 = 0
	lastPort  int32 = 65535
)

// networking lets the load balancers in to the targets: by rules in the nodes' security groups.
type networking struct {
	account *account
	nodes   func(name string) *corev1.Node
	// wanting lists the TargetGroupBindings that want rules.
	wanting func() []types.NamespacedName

	mutex   sync.Mutex
	byOwner map[types.NamespacedName]map[string][]permission // by security group
	tracked map[string]bool                                  // security groups that may have rules; nil: not asked yet
}

// reconcile sets the rules of one binding; nil endpoints and no networking clean up after it.
func (n *networking) reconcile(ctx context.Context, binding *Binding, endpoints []endpoint) error {
	rules := map[string][]permission{}
	if binding.Spec.Networking != nil && binding.DeletionTimestamp == nil {
		groups, err := n.groupsOf(ctx, endpoints)
		if err != nil {
			return err
		}
		for id, behind := range groups {
			if rules[id], err = permissionsFor(*binding.Spec.Networking, behind); err != nil {
				return err
			}
		}
	}
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.byOwner[nameOf(binding)] = rules
	return n.apply(ctx)
}

// collect applies what is wanted now: a binding may have gone before it was looked at, and with it the occasion.
func (n *networking) collect(ctx context.Context) error {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return n.apply(ctx)
}

func (n *networking) apply(ctx context.Context) error {
	if n.tracked == nil {
		if err := n.track(ctx); err != nil {
			return err
		}
	}
	wanting := n.wanting()
	maps.DeleteFunc(n.byOwner, func(name types.NamespacedName, _ map[string][]permission) bool {
		return !slices.Contains(wanting, name)
	})
	// Before every binding has been looked at, for instance after a start, nothing is taken away.
	keep := len(n.byOwner) < len(wanting)
	all := map[string][]permission{}
	for _, rules := range n.byOwner {
		for id, permissions := range rules {
			all[id] = append(all[id], permissions...)
			n.tracked[id] = true
		}
	}
	for id := range n.tracked {
		if len(all[id]) == 0 && keep {
			continue
		}
		err := n.account.allow(ctx, id, widest(all[id]), func(p permission) bool { return p.description == sharedRule }, keep)
		if isCode(err, "InvalidGroup.NotFound") && len(all[id]) == 0 {
			delete(n.tracked, id)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// track finds the security groups with the cluster's tag, once: a node group may have left while nobody looked.
func (n *networking) track(ctx context.Context) error {
	found, err := n.account.securityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: []ec2types.Filter{
		filter("tag:"+clusterTagStart+n.account.cluster, "owned", "shared"), filter("vpc-id", n.account.vpc),
	}})
	if err != nil {
		return err
	}
	n.tracked = map[string]bool{}
	for _, group := range found {
		n.tracked[aws.ToString(group.GroupId)] = true
	}
	return nil
}

// groupsOf finds the security group of each endpoint's network interface, and the endpoints behind each.
func (n *networking) groupsOf(ctx context.Context, endpoints []endpoint) (map[string][]endpoint, error) {
	byNode := map[string][]endpoint{}
	for _, one := range endpoints {
		byNode[one.node] = append(byNode[one.node], one)
	}
	if len(byNode) == 0 {
		return map[string][]endpoint{}, nil
	}
	instances := map[string]string{} // node by instance
	for name := range byNode {
		node := n.nodes(name)
		if node == nil {
			return nil, fmt.Errorf("nodes %q not found", name)
		}
		id := instanceID(node)
		if id == "" {
			return nil, fmt.Errorf("providerID %s is invalid for EC2 instances, node: %s", node.Spec.ProviderID, name)
		}
		instances[id] = name
	}
	answer, err := n.account.ec2.DescribeInstances(ctx,
		&ec2.DescribeInstancesInput{InstanceIds: slices.Sorted(maps.Keys(instances))})
	if err != nil {
		return nil, err
	}
	groups := map[string][]endpoint{}
	for _, reservation := range answer.Reservations {
		for _, instance := range reservation.Instances {
			for _, one := range byNode[instances[aws.ToString(instance.InstanceId)]] {
				id, err := n.groupOf(ctx, instance, one)
				if err != nil {
					return nil, err
				}
				groups[id] = append(groups[id], one)
			}
		}
	}
	return groups, nil
}

// groupOf is the only security group of the interface, or the one of several that has the cluster's tag.
//
// The interface is the one with the pod's address. The VPC CNI that would put
// it there is played, so a pod whose address is on none is behind the first.
func (n *networking) groupOf(ctx context.Context, instance ec2types.Instance, one endpoint) (string, error) {
	if len(instance.NetworkInterfaces) == 0 {
		return "", fmt.Errorf("cannot resolve pod ENI for pods: [%s]: instance %s has no network interface",
			one.id, aws.ToString(instance.InstanceId))
	}
	chosen := instance.NetworkInterfaces[0]
	for _, candidate := range instance.NetworkInterfaces {
		if slices.ContainsFunc(candidate.PrivateIpAddresses, func(a ec2types.InstancePrivateIpAddress) bool {
			return aws.ToString(a.PrivateIpAddress) == one.id
		}) {
			chosen = candidate
		}
	}
	if len(chosen.Groups) == 1 {
		return aws.ToString(chosen.Groups[0].GroupId), nil
	}
	var ids, tagged []string
	for _, group := range chosen.Groups {
		ids = append(ids, aws.ToString(group.GroupId))
	}
	found, err := n.account.securityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: ids})
	if err != nil {
		return "", err
	}
	key := clusterTagStart + n.account.cluster
	for _, group := range found {
		if _, has := groupTags(group)[key]; has {
			tagged = append(tagged, aws.ToString(group.GroupId))
		}
	}
	if len(tagged) != 1 {
		return "", fmt.Errorf("expected exactly one securityGroup tagged with %s for eni %s, got: %v (clusterName: %s)",
			key, aws.ToString(chosen.NetworkInterfaceId), tagged, n.account.cluster)
	}
	return tagged[0], nil
}

// permissionsFor are the rules that a binding's networking means for the targets behind a security group.
func permissionsFor(wanted Networking, behind []endpoint) ([]permission, error) {
	var all []permission
	for _, rule := range wanted.Ingress {
		for _, peer := range rule.From {
			ports := rule.Ports
			if len(ports) == 0 {
				ports = []NetworkingPort{{Protocol: "TCP"}}
			}
			for _, port := range ports {
				ranges, err := portRanges(port.Port, behind)
				if err != nil {
					return nil, err
				}
				for _, span := range ranges {
					one := permission{
						protocol: strings.ToLower(cmp.Or(port.Protocol, "TCP")), from: span[0], to: span[1], description: sharedRule,
					}
					if peer.SecurityGroup != nil {
						one.group = peer.SecurityGroup.GroupID
					} else if peer.IPBlock != nil {
						one.block = peer.IPBlock.CIDR
					}
					all = append(all, one)
				}
			}
		}
	}
	return all, nil
}

func portRanges(port *intstr.IntOrString, behind []endpoint) ([][2]int32, error) {
	if port == nil {
		return [][2]int32{{firstPort, lastPort}}, nil
	}
	if port.Type == intstr.Int {
		return [][2]int32{{port.IntVal, port.IntVal}}, nil
	}
	var ranges [][2]int32
	for _, one := range behind {
		if one.pod == nil {
			return nil, fmt.Errorf("named ports can only be used with pod endpoints")
		}
		span := [2]int32{one.port, one.port}
		if !slices.Contains(ranges, span) {
			ranges = append(ranges, span)
		}
	}
	return ranges, nil
}

// widest makes one rule of all those of a protocol and a source: from the lowest port to the highest.
func widest(all []permission) []permission {
	type source struct{ protocol, group string }
	spans := map[source]permission{}
	var blocks []permission
	for _, one := range all {
		if one.block != "" {
			blocks = append(blocks, one)
			continue
		}
		key := source{one.protocol, one.group}
		if have, found := spans[key]; found {
			one.from, one.to = min(one.from, have.from), max(one.to, have.to)
		}
		spans[key] = one
	}
	for _, one := range spans {
		blocks = append(blocks, one)
	}
	slices.SortFunc(blocks, func(a, b permission) int {
		return cmp.Or(strings.Compare(a.group+a.block, b.group+b.block), strings.Compare(a.protocol, b.protocol), int(a.from-b.from))
	})
	return slices.Compact(blocks)
}
