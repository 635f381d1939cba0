package loadbalancer

import (
	"slices"
	"strconv"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	classAnnotation = "kubernetes.io/ingress.class"
	albController   = "ingress.k8s.aws/alb"

	groupFinalizerPrefix = "group.ingress.k8s.aws/"
	ingressFinalizer     = "ingress.k8s.aws/resources"
	serviceFinalizer     = "service.k8s.aws/resources"
	bindingFinalizer     = "elbv2.k8s.aws/resources"
)

// over lays the class's settings over an Ingress's annotations: a class says the last word.
func (c *ClassParams) over(a annotations) {
	pairs := func(items []pair, have string) string {
		texts := make([]string, 0, len(items))
		for _, item := range items {
			texts = append(texts, item.Key+"="+item.Value)
		}
		// The later of two equal keys counts.
		return strings.Join(append(strings.Split(have, ","), texts...), ",")
	}
	for name, value := range map[string]string{
		"scheme": c.Spec.Scheme, "ip-address-type": c.Spec.IPAddressType, "target-type": c.Spec.TargetType,
		"ssl-policy": c.Spec.SSLPolicy, "load-balancer-name": c.Spec.LoadBalancerName,
		"certificate-arn": strings.Join(c.Spec.CertificateArn, ","),
		"inbound-cidrs":   strings.Join(c.Spec.InboundCIDRs, ","),
	} {
		if value != "" {
			a[name] = value
		}
	}
	if c.Spec.Subnets != nil {
		a["subnets"] = strings.Join(c.Spec.Subnets.IDs, ",")
	}
	if len(c.Spec.Tags) > 0 {
		a["tags"] = pairs(c.Spec.Tags, a["tags"])
	}
	if len(c.Spec.LoadBalancerAttributes) > 0 {
		a["load-balancer-attributes"] = pairs(c.Spec.LoadBalancerAttributes, a["load-balancer-attributes"])
	}
}

// groupOf names the group that an Ingress is in; without one it is alone.
func groupOf(ingress *networkingv1.Ingress, class *ClassParams) types.NamespacedName {
	if class.Spec.Group != nil {
		return types.NamespacedName{Name: class.Spec.Group.Name}
	}
	if name := ingress.Annotations[ingressPrefix+"group.name"]; name != "" {
		return types.NamespacedName{Name: name}
	}
	return nameOf(ingress)
}

func groupFinalizer(group types.NamespacedName) string {
	if group.Namespace == "" {
		return groupFinalizerPrefix + group.Name
	}
	return ingressFinalizer
}

// groupsOfFinalizers are the groups that an Ingress has been in and is not yet released from.
func groupsOfFinalizers(ingress *networkingv1.Ingress) []types.NamespacedName {
	var groups []types.NamespacedName
	for _, finalizer := range ingress.Finalizers {
		if finalizer == ingressFinalizer {
			groups = append(groups, nameOf(ingress))
		} else if name, found := strings.CutPrefix(finalizer, groupFinalizerPrefix); found {
			groups = append(groups, types.NamespacedName{Name: name})
		}
	}
	return groups
}

// sortMembers orders a group by group.order, then by name.
func sortMembers(members []*Member) {
	order := func(m *Member) int {
		number, _ := strconv.Atoi(m.Ingress.Annotations[ingressPrefix+"group.order"])
		return number
	}
	slices.SortFunc(members, func(a, b *Member) int {
		if first := order(a) - order(b); first != 0 {
			return first
		}
		return strings.Compare(nameOf(a.Ingress).String(), nameOf(b.Ingress).String())
	})
}
