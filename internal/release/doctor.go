package release

import (
	"context"
	"fmt"
	"strings"

	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
)

// Ranks of trouble, from the cause to its effects.
const (
	rankCrash = iota
	rankImage
	rankConfig
	rankNoPods
	rankUnscheduled
	rankNotReady
	rankOther
)

// doctor looks at objects one by one. Errors of its own are no trouble of the
// patient: what cannot be read is left out.
type doctor struct {
	kube    kubernetes.Interface
	events  map[string][]core.Event                 // warnings by namespace
	budgets map[string][]policy.PodDisruptionBudget // by namespace
}

// examine gives the troubles of one object of a release.
func (d *doctor) examine(ctx context.Context, o *unstructured.Unstructured) []trouble {
	look := map[string]func(context.Context, *unstructured.Unstructured) []trouble{
		"Deployment.apps":       d.deployment,
		"StatefulSet.apps":      d.statefulSet,
		"DaemonSet.apps":        d.daemonSet,
		"Job.batch":             d.job,
		"Pod":                   d.pod,
		"PersistentVolumeClaim": d.claim,
		"Service":               d.service,
	}[o.GroupVersionKind().GroupKind().String()]
	if look == nil {
		return nil
	}
	return look(ctx, o)
}

func (d *doctor) deployment(ctx context.Context, o *unstructured.Unstructured) []trouble {
	x, err := d.kube.AppsV1().Deployments(o.GetNamespace()).Get(ctx, o.GetName(), metav1.GetOptions{})
	want := replicas(x.Spec.Replicas)
	// While new pods do not get ready the old ones go on serving: they are
	// available, but not what was asked for.
	updated := x.Status.UpdatedReplicas >= want && x.Status.Replicas <= x.Status.UpdatedReplicas && x.Status.ObservedGeneration >= x.Generation
	if err != nil || updated && x.Status.AvailableReplicas >= want {
		return nil
	}
	return d.workload(ctx, o, x.Spec.Selector, x.Status.AvailableReplicas, want, deploymentFailure(x))
}

func (d *doctor) statefulSet(ctx context.Context, o *unstructured.Unstructured) []trouble {
	x, err := d.kube.AppsV1().StatefulSets(o.GetNamespace()).Get(ctx, o.GetName(), metav1.GetOptions{})
	updated := x.Status.UpdateRevision == x.Status.CurrentRevision && x.Status.ObservedGeneration >= x.Generation
	if err != nil || updated && x.Status.ReadyReplicas >= replicas(x.Spec.Replicas) {
		return nil
	}
	return d.workload(ctx, o, x.Spec.Selector, x.Status.ReadyReplicas, replicas(x.Spec.Replicas), "")
}

func (d *doctor) daemonSet(ctx context.Context, o *unstructured.Unstructured) []trouble {
	x, err := d.kube.AppsV1().DaemonSets(o.GetNamespace()).Get(ctx, o.GetName(), metav1.GetOptions{})
	updated := x.Status.UpdatedNumberScheduled >= x.Status.DesiredNumberScheduled && x.Status.ObservedGeneration >= x.Generation
	if err != nil || updated && x.Status.NumberReady >= x.Status.DesiredNumberScheduled {
		return nil
	}
	return d.workload(ctx, o, x.Spec.Selector, x.Status.NumberReady, x.Status.DesiredNumberScheduled, "")
}

func (d *doctor) job(ctx context.Context, o *unstructured.Unstructured) []trouble {
	x, err := d.kube.BatchV1().Jobs(o.GetNamespace()).Get(ctx, o.GetName(), metav1.GetOptions{})
	if err != nil || x.Status.CompletionTime != nil {
		return nil
	}
	return d.workload(ctx, o, x.Spec.Selector, x.Status.Succeeded, replicas(x.Spec.Completions), jobFailure(x))
}

func (d *doctor) pod(ctx context.Context, o *unstructured.Unstructured) []trouble {
	x, err := d.kube.CoreV1().Pods(o.GetNamespace()).Get(ctx, o.GetName(), metav1.GetOptions{})
	if err != nil {
		return nil
	}
	return d.pods(ctx, "", []core.Pod{*x})
}

func (d *doctor) claim(ctx context.Context, o *unstructured.Unstructured) []trouble {
	x, err := d.kube.CoreV1().PersistentVolumeClaims(o.GetNamespace()).Get(ctx, o.GetName(), metav1.GetOptions{})
	if err != nil || x.Status.Phase == core.ClaimBound {
		return nil
	}
	return []trouble{d.other(ctx, o, fmt.Sprintf("is %s", x.Status.Phase))}
}

func (d *doctor) service(ctx context.Context, o *unstructured.Unstructured) []trouble {
	x, err := d.kube.CoreV1().Services(o.GetNamespace()).Get(ctx, o.GetName(), metav1.GetOptions{})
	if err != nil || x.Spec.Type != core.ServiceTypeLoadBalancer || len(x.Status.LoadBalancer.Ingress) > 0 {
		return nil
	}
	return []trouble{d.other(ctx, o, "has no load balancer yet")}
}

func replicas(n *int32) int32 {
	if n == nil {
		return 1
	}
	return *n
}

func deploymentFailure(x *apps.Deployment) string {
	for _, c := range x.Status.Conditions {
		if c.Type == apps.DeploymentReplicaFailure && c.Status == core.ConditionTrue {
			return c.Message
		}
	}
	return ""
}

func jobFailure(x *batch.Job) string {
	for _, c := range x.Status.Conditions {
		if c.Type == batch.JobFailed && c.Status == core.ConditionTrue {
			return c.Reason + ": " + c.Message
		}
	}
	return ""
}

func (d *doctor) other(ctx context.Context, o *unstructured.Unstructured, what string) trouble {
	return trouble{
		rank: rankOther, what: fmt.Sprintf("%s in namespace %s %s", kindOf(o), o.GetNamespace(), what),
		event: d.lastWarning(ctx, o.GetNamespace(), o.GetKind(), o.GetName()),
	}
}

// workload gives the troubles of a workload's pods, or, if no pod has any, what
// the workload itself says.
func (d *doctor) workload(ctx context.Context, o *unstructured.Unstructured, selector *metav1.LabelSelector, ready, want int32, failure string) []trouble {
	var found []trouble
	if s, err := metav1.LabelSelectorAsSelector(selector); err == nil && !s.Empty() {
		if list, err := d.kube.CoreV1().Pods(o.GetNamespace()).List(ctx, metav1.ListOptions{LabelSelector: s.String(), Limit: 200}); err == nil {
			found = d.pods(ctx, kindOf(o), list.Items)
		}
	}
	if len(found) > 0 && failure == "" {
		return found
	}
	t := d.other(ctx, o, fmt.Sprintf("has %d of %d pods ready", ready, want))
	if failure != "" {
		t.rank, t.what = rankNoPods, t.what+": "+strings.Join(strings.Fields(failure), " ")
	}
	return append(found, t)
}

// pods gives the troubles of pods, those that are alike once: the first pod
// stands for the rest.
func (d *doctor) pods(ctx context.Context, owner string, pods []core.Pod) []trouble {
	var found []trouble
	first := map[string]int{}
	for i := range pods {
		p := &pods[i]
		t, ok := podTrouble(p)
		if !ok {
			continue
		}
		alike := fmt.Sprint(t.rank, t.container)
		if at, ok := first[alike]; ok {
			found[at].alike++
			continue
		}
		first[alike] = len(found)
		name := "pod " + p.Namespace + "/" + p.Name
		if owner != "" {
			name += " of " + owner
		}
		t.what = name + " " + t.what
		t.namespace, t.pod = p.Namespace, p.Name
		if t.event = d.lastWarning(ctx, p.Namespace, "Pod", p.Name); t.rank == rankUnscheduled {
			t.event = "" // the scheduler's condition and its event have one text
		}
		found = append(found, t)
	}
	return found
}

// podTrouble says what keeps a pod from being ready. It does no I/O.
func podTrouble(p *core.Pod) (trouble, bool) {
	if p.Status.Phase == core.PodSucceeded || p.DeletionTimestamp != nil {
		return trouble{}, false
	}
	for _, s := range append(append([]core.ContainerStatus(nil), p.Status.InitContainerStatuses...), p.Status.ContainerStatuses...) {
		if t, ok := containerTrouble(&s); ok {
			return t, true
		}
	}
	if p.Status.Phase == core.PodFailed {
		return trouble{rank: rankCrash, what: strings.TrimSpace("has failed " + p.Status.Reason + " " + p.Status.Message)}, true
	}
	for _, c := range p.Status.Conditions {
		switch {
		case c.Type == core.PodScheduled && c.Status == core.ConditionFalse:
			return trouble{rank: rankUnscheduled, what: "is Pending: no node takes it: " + c.Message}, true
		case c.Type == core.PodReady && c.Status == core.ConditionFalse:
			return notReady(p, c.Message), true
		}
	}
	return trouble{}, false
}

func containerTrouble(s *core.ContainerStatus) (trouble, bool) {
	if w := s.State.Waiting; w != nil {
		switch w.Reason {
		case "CrashLoopBackOff":
			return trouble{
				rank: rankCrash, container: s.Name, previous: true,
				what: fmt.Sprintf("is in CrashLoopBackOff: container %s %s, %d restarts", s.Name, ending(s.LastTerminationState.Terminated), s.RestartCount),
			}, true
		case "ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull":
			return trouble{rank: rankImage, what: strings.TrimSuffix(fmt.Sprintf("is in %s: container %s cannot get its image %s: %s", w.Reason, s.Name, s.Image, w.Message), ": ")}, true
		case "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
			return trouble{rank: rankConfig, what: fmt.Sprintf("is in %s: container %s: %s", w.Reason, s.Name, w.Message)}, true
		}
	}
	if t := s.State.Terminated; t != nil && t.ExitCode != 0 {
		return trouble{rank: rankCrash, container: s.Name, what: fmt.Sprintf("ended: container %s %s, %d restarts", s.Name, ending(t), s.RestartCount)}, true
	}
	return trouble{}, false
}

// notReady names the containers that run but do not answer their probes.
func notReady(p *core.Pod, message string) trouble {
	t := trouble{rank: rankNotReady, what: "is not ready"}
	var waiting []string
	var restarts int32
	for i := range p.Status.ContainerStatuses {
		if s := &p.Status.ContainerStatuses[i]; !s.Ready {
			waiting = append(waiting, s.Name)
			restarts += s.RestartCount
		}
	}
	switch {
	case len(waiting) > 0:
		t.container = waiting[0]
		t.what = fmt.Sprintf("is %s but not ready: container %s, %d restarts", p.Status.Phase, strings.Join(waiting, ", "), restarts)
	case message != "":
		t.what += ": " + message
	}
	return t
}

func ending(t *core.ContainerStateTerminated) string {
	switch {
	case t == nil:
		return "keeps ending"
	case t.Message != "":
		return fmt.Sprintf("ended with code %d (%s: %s)", t.ExitCode, t.Reason, strings.Join(strings.Fields(t.Message), " "))
	case t.Reason != "" && t.Reason != "Error":
		return fmt.Sprintf("ended with code %d (%s)", t.ExitCode, t.Reason)
	}
	return fmt.Sprintf("ended with code %d", t.ExitCode)
}
