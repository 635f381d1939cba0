package clustercheck

import (
	"context"
	"errors"
	"slices"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

const (
	// labelName is where charts write the name of what they install.
	labelName = "app.kubernetes.io/name"
	// annotationRole names the IAM role of a service account's pods
	// (EKS User Guide, "Assign IAM roles to Kubernetes service accounts").
	annotationRole = "eks.amazonaws.com/role-arn"
	// labelNodePool is on the nodes that a Karpenter made.
	labelNodePool = "karpenter.sh/nodepool"
)

// signs tell a controller's Deployment: the name in its label, or the ends of
// its image's repository, which a private copy keeps.
var signs = []struct {
	part   Part
	label  string
	images []string
}{
	{Karpenter, "karpenter", []string{"karpenter/controller"}},
	{LoadBalancer, "aws-load-balancer-controller", []string{"aws-load-balancer-controller", "aws-alb-ingress-controller"}},
	{OldIngress, "alb-ingress-controller", nil},
}

// partOf is the controller that a Deployment runs; empty if none of those
// looked for. The image is that of the container that says so.
func partOf(d *apps.Deployment) (part Part, image string) {
	containers := d.Spec.Template.Spec.Containers
	for _, s := range signs {
		for i := range containers {
			if slices.ContainsFunc(s.images, func(end string) bool { return endsIn(pathOf(containers[i].Image), end) }) {
				return firstVersionOf(s.part, containers[i].Image), containers[i].Image
			}
		}
	}
	for _, s := range signs {
		if d.Labels[labelName] == s.label && len(containers) > 0 {
			return firstVersionOf(s.part, containers[0].Image), containers[0].Image
		}
	}
	return "", ""
}

// endsIn tells whether a repository is, or ends in, some of its last parts.
func endsIn(path, end string) bool {
	return path == end || len(path) > len(end) && path[len(path)-len(end)-1:] == "/"+end
}

// firstVersionOf tells the load balancer controller from its first version,
// whose image had the same repository in Docker Hub as some of the second's.
func firstVersionOf(part Part, image string) Part {
	if part == LoadBalancer && !atLeast(versionOf(image, ""), "2.0.0-alpha") {
		return OldIngress
	}
	return part
}

var errFound = errors.New("found")

// deployments finds the controllers in all namespaces: by label first, which
// costs little, and by image, through all Deployments, only if one is missing.
func (l *look) deployments(ctx context.Context) error {
	page := func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
		return l.kube.AppsV1().Deployments("").List(ctx, o)
	}
	var found []*apps.Deployment
	keep := func(o runtime.Object) error {
		if d, ok := o.(*apps.Deployment); ok {
			if part, _ := partOf(d); part != "" {
				found = append(found, d)
			}
		}
		return nil
	}
	names := make([]string, 0, len(signs))
	for _, s := range signs {
		names = append(names, s.label)
	}
	labelled, err := metav1.LabelSelectorAsSelector(&metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
		{Key: labelName, Operator: metav1.LabelSelectorOpIn, Values: names},
	}})
	if err != nil {
		return err
	}
	err = l.each(ctx, metav1.ListOptions{LabelSelector: labelled.String()}, page, keep)
	if err == nil && !bothParts(found) {
		found = nil
		err = l.each(ctx, metav1.ListOptions{}, page, keep)
	}
	if see, err := l.allowed("list", "deployments.apps", err); !see {
		return err
	}
	for _, d := range found {
		if err := l.deployment(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

func bothParts(found []*apps.Deployment) bool {
	has := func(part Part) bool {
		return slices.ContainsFunc(found, func(d *apps.Deployment) bool { p, _ := partOf(d); return p == part })
	}
	return has(Karpenter) && has(LoadBalancer)
}

// deployment adds a controller, with the role of its service account.
func (l *look) deployment(ctx context.Context, d *apps.Deployment) error {
	part, image := partOf(d)
	out := Deployment{
		Part: part, Namespace: d.Namespace, Name: d.Name,
		Version:  versionOf(image, d.Labels[labelVersion]),
		Replicas: 1, Ready: d.Status.ReadyReplicas,
		ServiceAccount: d.Spec.Template.Spec.ServiceAccountName,
		Marks:          marksOf(d),
	}
	if d.Spec.Replicas != nil {
		out.Replicas = *d.Spec.Replicas
	}
	if out.ServiceAccount == "" {
		out.ServiceAccount = "default"
	}
	account, err := l.kube.CoreV1().ServiceAccounts(d.Namespace).Get(ctx, out.ServiceAccount, metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		see, err := l.allowed("get", "serviceaccounts", err)
		if err != nil {
			return err
		}
		if see {
			out.RoleARN = account.Annotations[annotationRole]
		}
	}
	l.out.Deployments = append(l.out.Deployments, out)
	return nil
}

// nodes reads the nodes that no Karpenter made, until they are enough.
func (l *look) nodes(ctx context.Context) error {
	if !l.want.Karpenter.Install {
		return nil
	}
	err := l.each(ctx, metav1.ListOptions{LabelSelector: "!" + labelNodePool + "," + core.LabelOSStable + "=linux"},
		func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return l.kube.CoreV1().Nodes().List(ctx, o)
		},
		func(o runtime.Object) error {
			if n, ok := o.(*core.Node); ok {
				l.out.Nodes = append(l.out.Nodes, Node{Zone: n.Labels[core.LabelTopologyZone], Usable: usable(n)})
			}
			if usableZones(l.out.Nodes) > 1 {
				return errFound
			}
			return nil
		})
	if errors.Is(err, errFound) {
		return nil
	}
	_, err = l.allowed("list", "nodes", err)
	return err
}

// usable tells whether a node takes pods that tolerate the taint
// CriticalAddonsOnly and no other, as the chart of Karpenter has them.
func usable(n *core.Node) bool {
	if n.Spec.Unschedulable {
		return false
	}
	for _, t := range n.Spec.Taints {
		if t.Effect != core.TaintEffectPreferNoSchedule && t.Key != "CriticalAddonsOnly" {
			return false
		}
	}
	return slices.ContainsFunc(n.Status.Conditions, func(c core.NodeCondition) bool {
		return c.Type == core.NodeReady && c.Status == core.ConditionTrue
	})
}
