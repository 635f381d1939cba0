package kubelet

import (
	"errors"
	"io/fs"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/client-go/tools/cache"

	"github.com/e6data/aws-quickstart/rehearsal/eks/program"
)

// next is the next step of a pod: its program's if it has one, else the play's.
// A pod with a fault is played, also one that has a program.
func (k *Kubelets) next(s scene) step {
	if !k.programs.Has(s.pod) || over(s.pod) {
		return s.next(k.since(s.pod.UID))
	}
	if b, err := behaviourOf(s.pod); err != nil || b.fault != None {
		k.programs.Kill(s.pod.UID)
		return s.next(k.since(s.pod.UID))
	}
	return s.program(k.programs.State(s.pod, k.place(s)))
}

func over(p *corev1.Pod) bool {
	return p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
}

func (k *Kubelets) place(s scene) program.Place {
	where := program.Place{PodIP: s.podIP, HostIP: s.host}
	if o, ok, err := k.nodes.GetIndexer().GetByKey(s.pod.Spec.NodeName); err == nil && ok {
		if n, isNode := o.(*corev1.Node); isNode {
			where.Allocatable = n.Status.Allocatable
		}
	}
	return where
}

// program makes the status of a pod of its program's state; the other containers
// are well.
func (s scene) program(state program.State) step {
	i := slices.IndexFunc(s.pod.Spec.Containers, func(c corev1.Container) bool { return c.Name == state.Container })
	phase := state.Phase
	c := s.container(&s.pod.Spec.Containers[i], named(s.pod.Status.ContainerStatuses, state.Container))
	c.State, c.LastTerminationState = state.Current, state.Last
	c.Ready, *c.Started, c.RestartCount = state.Ready, state.Started, state.Restarts
	status := s.status(phase, s.running(true))
	status.ContainerStatuses[i] = c
	status.Conditions = s.ofContainer(c.Name).conditions(phase, c.Ready)
	if same(&s.pod.Status, status) {
		return step{}
	}
	return step{status: status}
}

// ofContainer is the same scene with that container as the first.
func (s scene) ofContainer(name string) scene {
	p := s.pod.DeepCopy()
	slices.SortStableFunc(p.Spec.Containers, func(a, b corev1.Container) int {
		switch {
		case a.Name == name && b.Name != name:
			return -1
		case b.Name == name && a.Name != name:
			return 1
		default:
			return 0
		}
	})
	s.pod = p
	return s
}

// same tells whether a pod's status says already what a new one would.
func same(old, status *corev1.PodStatus) bool {
	for _, c := range status.Conditions {
		if !slices.ContainsFunc(old.Conditions, func(o corev1.PodCondition) bool {
			return o.Type == c.Type && o.Status == c.Status && o.Message == c.Message
		}) {
			return false
		}
	}
	return old.Phase == status.Phase && equality.Semantic.DeepEqual(old.ContainerStatuses, status.ContainerStatuses)
}

// Changed implements program.Kubelet.
func (k *Kubelets) Changed(p *corev1.Pod) {
	if key, err := cache.MetaNamespaceKeyFunc(p); err == nil {
		k.queue.Add(item{k.pods, key})
	}
}

// Event implements program.Kubelet.
func (k *Kubelets) Event(p *corev1.Pod, container, kind, reason, message string) {
	k.events.report(p, []event{{kind: kind, reason: reason, message: message, container: container}})
}

// programLog is what a program has written since an offset, as the reader wants
// it, and the offset of what comes next; false if the container is played.
func (k *Kubelets) programLog(p *corev1.Pod, container string, q logQuery, offset int64) (text string, next int64, ok bool, err error) {
	lines, next, ok, err := k.programs.Log(p, container, q.previous, offset)
	if errors.Is(err, fs.ErrNotExist) {
		return "", offset, ok, notStarted(p, container, q)
	}
	if !ok || err != nil {
		return "", offset, ok, err
	}
	texts := make([]string, 0, len(lines))
	for _, l := range lines {
		if q.timestamps {
			l.Text = l.At.UTC().Format(time.RFC3339Nano) + " " + l.Text
		}
		texts = append(texts, l.Text)
	}
	q.timestamps = false // each line has its own
	return q.cut(texts, time.Time{}), next, true, nil
}
