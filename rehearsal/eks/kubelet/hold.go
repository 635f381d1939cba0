package kubelet

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// holdRetry is how long a pod that is held waits before it is looked at again.
const holdRetry = 500 * time.Millisecond

// hold is why a pod does not start. Without a volume's or the network's reason it
// is its containers' environment, by container.
type hold struct {
	reason  string            // of the event; empty: kubelets do not tell of it
	message string            // of the pod's volumes or network
	config  map[string]string // by container: what is wrong with its environment
}

func (h hold) none() bool { return h.message == "" && len(h.config) == 0 }

// begun tells whether a container of the pod has ever run: what pods need to
// start is there then, and may go.
func begun(p *corev1.Pod) bool {
	for _, all := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
		for i := range all {
			c := &all[i]
			if c.State.Running != nil || c.State.Terminated != nil || c.RestartCount > 0 {
				return true
			}
		}
	}
	return false
}

// hold finds out what holds up a pod that has not begun: its network, its volumes
// or its environment, in the kubelet's order.
func (k *Kubelets) hold(ctx context.Context, p *corev1.Pod) (hold, error) {
	if n := k.host(p); n != nil && !p.Spec.HostNetwork && nodeReady(n).Status == corev1.ConditionFalse && !k.networkReady(n) {
		return hold{reason: "NetworkNotReady", message: "network is not ready: " + noNetwork}, nil
	}
	l := k.lookup(p)
	if why, event, err := k.claims(ctx, p); err != nil || why != "" {
		return heldByVolume(why, event), err
	}
	if why, err := l.missing(ctx, volumeReferences(p)); err != nil || why != "" {
		return heldByVolume(why, true), err
	}
	return l.environment(ctx, p)
}

// environment finds out which containers lack a part of their environment.
func (l *lookup) environment(ctx context.Context, p *corev1.Pod) (hold, error) {
	h := hold{config: map[string]string{}}
	for _, r := range environmentReferences(p) {
		why, err := l.missing(ctx, []reference{r})
		if err != nil {
			return h, err
		}
		if why != "" && h.config[r.container] == "" {
			h.config[r.container] = why
		}
	}
	return h, nil
}

func heldByVolume(why string, event bool) hold {
	h := hold{message: why}
	if event {
		h.reason = "FailedMount"
	}
	return h
}

// claims says which of the pod's claims has no volume that can be mounted.
func (k *Kubelets) claims(ctx context.Context, p *corev1.Pod) (why string, event bool, err error) {
	for i := range p.Spec.Volumes {
		v := &p.Spec.Volumes[i]
		name := ""
		switch {
		case v.PersistentVolumeClaim != nil:
			name = v.PersistentVolumeClaim.ClaimName
		case v.Ephemeral != nil:
			name = p.Name + "-" + v.Name
		default:
			continue
		}
		why, event, err = k.attachment(ctx, p.Namespace, name, p.Spec.NodeName)
		if err != nil && !apierrors.IsNotFound(err) {
			return "", false, fmt.Errorf("look at claim %s/%s: %w", p.Namespace, name, err)
		}
		if why != "" {
			return why, event, nil
		}
	}
	return "", false, nil
}

// held is the step of a pod that cannot start. Told is what was said of it last.
func (s scene) held(h hold, told string) (next step, tell string) {
	next = step{after: holdRetry}
	tell = h.message
	if h.message == "" {
		next.events, tell = s.heldContainers(h)
	} else if h.reason != "" {
		next.events = []event{{kind: corev1.EventTypeWarning, reason: h.reason, message: h.message}}
	}
	if tell == told {
		return step{after: holdRetry}, tell
	}
	next.status = s.heldStatus(h)
	return next, tell
}

// heldContainers are the events of containers whose environment is not there.
func (s scene) heldContainers(h hold) (events []event, tell string) {
	var all []string
	for _, containers := range [][]corev1.Container{s.pod.Spec.InitContainers, s.pod.Spec.Containers} {
		for i := range containers {
			if why := h.config[containers[i].Name]; why != "" {
				events = append(events, event{corev1.EventTypeWarning, "Failed", "Error: " + why, containers[i].Name})
				all = append(all, why)
			}
		}
		if len(all) > 0 { // containers wait until the init containers are done
			break
		}
	}
	return events, strings.Join(all, "; ")
}

// heldStatus is Pending: all containers wait, those with a fault of their own
// with its reason.
func (s scene) heldStatus(h hold) *corev1.PodStatus {
	waits := "ContainerCreating"
	if len(s.pod.Spec.InitContainers) > 0 {
		waits = "PodInitializing"
	}
	wait := func(containers []corev1.Container) (all []corev1.ContainerStatus, names []string) {
		for i := range containers {
			ct := &containers[i]
			c := corev1.ContainerStatus{
				Name: ct.Name, Image: ct.Image, Started: new(bool),
				State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: waits}},
			}
			if why := h.config[ct.Name]; h.message == "" && why != "" {
				c.State.Waiting = &corev1.ContainerStateWaiting{Reason: reasonConfig, Message: why}
			}
			all, names = append(all, c), append(names, ct.Name)
		}
		return all, names
	}
	st := &corev1.PodStatus{ObservedGeneration: s.pod.Generation, Phase: corev1.PodPending, HostIP: s.host, StartTime: s.pod.Status.StartTime}
	if s.host != "" {
		st.HostIPs = []corev1.HostIP{{IP: s.host}}
	}
	if st.StartTime == nil {
		st.StartTime = &s.now
	}
	sandbox := h.message == "" // it is made once the volumes and the network are there
	if sandbox {
		st.PodIP, st.PodIPs = s.podIP, []corev1.PodIP{{IP: s.podIP}}
	}
	var init, names []string
	st.InitContainerStatuses, init = wait(s.pod.Spec.InitContainers)
	st.ContainerStatuses, names = wait(s.pod.Spec.Containers)
	st.Conditions = s.heldConditions(sandbox, init, names)
	return st
}

func (s scene) heldConditions(sandbox bool, init, names []string) []corev1.PodCondition {
	truth := map[bool]corev1.ConditionStatus{true: corev1.ConditionTrue, false: corev1.ConditionFalse}
	unready := fmt.Sprintf("containers with unready status: %v", names)
	all := []corev1.PodCondition{
		{Type: corev1.PodReadyToStartContainers, Status: truth[sandbox]},
		{Type: corev1.PodInitialized, Status: corev1.ConditionTrue},
		{Type: corev1.ContainersReady, Status: corev1.ConditionFalse, Reason: "ContainersNotReady", Message: unready},
		{Type: corev1.PodReady, Status: corev1.ConditionFalse, Reason: "ContainersNotReady", Message: unready},
	}
	if len(init) > 0 {
		all[1] = corev1.PodCondition{
			Type: corev1.PodInitialized, Status: corev1.ConditionFalse, Reason: "ContainersNotInitialized",
			Message: fmt.Sprintf("containers with incomplete status: %v", init),
		}
	}
	for i := range all {
		all[i].LastTransitionTime = s.since(all[i])
	}
	return all
}
