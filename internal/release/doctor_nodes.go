package release

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	core "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
)

// annotationStay keeps a pod from being evicted by Karpenter
// (https://karpenter.sh/v1.14/concepts/disruption/#pod-level-controls).
const annotationStay = "karpenter.sh/do-not-disrupt"

// mostPods is how many pods are named at most.
const mostPods = 3

// whyThere says what a deleted object waits for: its machine and the pods that
// keep that from ending, if it is a NodeClaim, the conditions that are not met,
// the last warning, and who has to take its finalizers off.
func (d *doctor) whyThere(ctx context.Context, o *unstructured.Unstructured) string {
	text, node := machineOf(o)
	var why []string
	if node != "" {
		why = append(why, d.staying(ctx, node)...)
	}
	if len(why) == 0 {
		if unmet := unmetConditions(o); unmet != "" {
			why = append(why, unmet)
		}
	}
	if f := o.GetFinalizers(); len(why) == 0 && len(f) > 0 {
		why = append(why, "its finalizer "+strings.Join(f, ", ")+" is there: its controller must run, and may have failed to end the machine; look into its log")
	}
	for _, about := range [][2]string{{o.GetKind(), o.GetName()}, {"Node", node}} {
		if about[1] == "" {
			continue
		}
		// Events about objects without a namespace are in the default one.
		if warning := d.lastWarning(ctx, cmp.Or(o.GetNamespace(), core.NamespaceDefault), about[0], about[1]); warning != "" {
			why = append(why, "last warning: "+warning)
			break
		}
	}
	if len(why) > 0 {
		text += ": " + strings.Join(why, "; ")
	}
	return text
}

// machineOf is what a deleted object is, with its machine and node if it is a
// NodeClaim, and that node's name.
func machineOf(o *unstructured.Unstructured) (text, node string) {
	field := func(path ...string) string {
		value, _, _ := unstructured.NestedString(o.Object, path...)
		return value
	}
	var known []string
	if machine := field("status", "providerID"); machine != "" {
		known = append(known, "instance "+machine[strings.LastIndex(machine, "/")+1:])
	}
	if node = field("status", "nodeName"); node != "" {
		known = append(known, "node "+node)
	}
	if len(known) == 0 {
		return kindOf(o), node
	}
	return kindOf(o) + " (" + strings.Join(known, ", ") + ")", node
}

// staying names the pods that keep a node from being drained, with the reason:
// the annotation that forbids to disrupt them, or a disruption budget.
func (d *doctor) staying(ctx context.Context, node string) []string {
	pods, err := d.kube.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + node})
	if err != nil {
		return nil
	}
	var names []string
	for i := range pods.Items {
		pod := &pods.Items[i]
		reason := ""
		switch {
		case pod.Status.Phase == core.PodSucceeded || pod.Status.Phase == core.PodFailed:
		case pod.Annotations[annotationStay] == "true":
			reason = "has the annotation " + annotationStay
		default:
			if budget := d.exhausted(ctx, pod); budget != "" {
				reason = "may not be evicted by the PodDisruptionBudget " + budget
			}
		}
		if reason != "" {
			names = append(names, fmt.Sprintf("pod %s/%s %s", pod.Namespace, pod.Name, reason))
		}
	}
	if len(names) > mostPods {
		names = append(names[:mostPods], fmt.Sprintf("and %d pods more", len(names)-mostPods))
	}
	if len(names) > 0 {
		names = append(names, "delete such pods, and delete again")
	}
	return names
}

// exhausted is the name of a disruption budget that lets no pod of this kind
// go, or empty.
func (d *doctor) exhausted(ctx context.Context, pod *core.Pod) string {
	budgets, ok := d.budgets[pod.Namespace]
	if !ok {
		if list, err := d.kube.PolicyV1().PodDisruptionBudgets(pod.Namespace).List(ctx, metav1.ListOptions{}); err == nil {
			budgets = list.Items
		}
		d.budgets[pod.Namespace] = budgets
	}
	for i := range budgets {
		selector, err := metav1.LabelSelectorAsSelector(budgets[i].Spec.Selector)
		if err == nil && !selector.Empty() && selector.Matches(labels.Set(pod.Labels)) && budgets[i].Status.DisruptionsAllowed == 0 {
			return budgets[i].Name
		}
	}
	return ""
}

// unmetConditions are the conditions of an object that are not True, with what
// they say.
func unmetConditions(o *unstructured.Unstructured) string {
	list, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	var unmet []string
	for _, c := range list {
		condition, ok := c.(map[string]any)
		if !ok || condition["status"] == "True" || condition["message"] == nil || condition["message"] == "" {
			continue
		}
		unmet = append(unmet, fmt.Sprintf("%v is %v: %v", condition["type"], condition["status"], condition["message"]))
	}
	return strings.Join(unmet, ", ")
}

// newDoctor is a doctor who has not seen anything yet.
func newDoctor(kube kubernetes.Interface) *doctor {
	return &doctor{kube: kube, events: map[string][]core.Event{}, budgets: map[string][]policy.PodDisruptionBudget{}}
}
