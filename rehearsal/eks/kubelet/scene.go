package kubelet

import (
	"crypto/sha256"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// scene is a pod on its node at a time: what its next status is made of.
type scene struct {
	pod   *corev1.Pod
	host  string // the node's address
	podIP string
	now   metav1.Time
}

// first is the container that the annotations speak of.
func (s scene) first() *corev1.Container { return &s.pod.Spec.Containers[0] }

// current is the first container's status as it stands in the cluster.
func (s scene) current() corev1.ContainerStatus {
	return named(s.pod.Status.ContainerStatuses, s.first().Name)
}

func named(all []corev1.ContainerStatus, name string) corev1.ContainerStatus {
	i := slices.IndexFunc(all, func(c corev1.ContainerStatus) bool { return c.Name == name })
	if i < 0 {
		return corev1.ContainerStatus{}
	}
	return all[i]
}

// status is the pod's status in that phase, with the first container as given
// and the others well: running while the pod does, done when it is.
func (s scene) status(phase corev1.PodPhase, first corev1.ContainerStatus) *corev1.PodStatus {
	over := phase == corev1.PodSucceeded || phase == corev1.PodFailed
	st := &corev1.PodStatus{
		ObservedGeneration: s.pod.Generation,
		Phase:              phase,
		HostIP:             s.host,
		HostIPs:            []corev1.HostIP{{IP: s.host}},
		PodIP:              s.podIP,
		PodIPs:             []corev1.PodIP{{IP: s.podIP}},
		StartTime:          s.pod.Status.StartTime,
		ContainerStatuses:  []corev1.ContainerStatus{first},
	}
	if st.StartTime == nil {
		st.StartTime = &s.now
	}
	for i := range s.pod.Spec.InitContainers {
		ct := &s.pod.Spec.InitContainers[i]
		sidecar := ct.RestartPolicy != nil && *ct.RestartPolicy == corev1.ContainerRestartPolicyAlways
		st.InitContainerStatuses = append(st.InitContainerStatuses, s.well(ct, s.pod.Status.InitContainerStatuses, over || !sidecar))
		last := &st.InitContainerStatuses[i]
		last.Ready = last.Ready || !sidecar // an init container that is done counts as ready
	}
	for i := range s.pod.Spec.Containers[1:] {
		st.ContainerStatuses = append(st.ContainerStatuses, s.well(&s.pod.Spec.Containers[1+i], s.pod.Status.ContainerStatuses, over))
	}
	st.Conditions = s.conditions(phase, first.Ready)
	return st
}

// well is a container without a fault.
func (s scene) well(ct *corev1.Container, before []corev1.ContainerStatus, over bool) corev1.ContainerStatus {
	c := s.container(ct, named(before, ct.Name))
	if over {
		s.terminate(&c, "Completed", 0)
		return c
	}
	s.run(&c, true)
	return c
}

// container is a container's status without a state.
func (s scene) container(ct *corev1.Container, before corev1.ContainerStatus) corev1.ContainerStatus {
	id := sha256.Sum256([]byte(string(s.pod.UID) + "/" + ct.Name))
	return corev1.ContainerStatus{
		Name: ct.Name, Image: ct.Image, ImageID: ct.Image,
		ContainerID:          fmt.Sprintf("containerd://%x", id),
		RestartCount:         before.RestartCount,
		LastTerminationState: before.LastTerminationState,
		State:                before.State, // replaced by who calls; holds when it started
		Started:              new(bool),
	}
}

func (s scene) run(c *corev1.ContainerStatus, ready bool) {
	c.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: s.started(c.State)}}
	c.Ready, *c.Started = ready, true
}

func (s scene) terminate(c *corev1.ContainerStatus, reason string, code int32) {
	c.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ExitCode: code, Reason: reason, StartedAt: s.started(c.State), FinishedAt: s.now, ContainerID: c.ContainerID,
	}}
}

// started is when a container of that state began to run: now, if it does not yet.
func (s scene) started(before corev1.ContainerState) metav1.Time {
	if before.Running != nil {
		return before.Running.StartedAt
	}
	return s.now
}

func (s scene) running(ready bool) corev1.ContainerStatus {
	c := s.container(s.first(), s.current())
	s.run(&c, ready)
	return c
}

func (s scene) terminated(reason string, code int32) corev1.ContainerStatus {
	c := s.container(s.first(), s.current())
	s.terminate(&c, reason, code)
	return c
}

func (s scene) waiting(reason, message string) corev1.ContainerStatus {
	c := s.container(s.first(), s.current())
	c.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
	return c
}

// conditions are the pod's, each with the time when its status last changed.
func (s scene) conditions(phase corev1.PodPhase, ready bool) []corev1.PodCondition {
	state := corev1.PodCondition{Status: corev1.ConditionTrue}
	switch {
	case phase == corev1.PodSucceeded:
		state = corev1.PodCondition{Status: corev1.ConditionFalse, Reason: "PodCompleted"}
	case phase == corev1.PodFailed:
		state = corev1.PodCondition{Status: corev1.ConditionFalse, Reason: "PodFailed"}
	case !ready:
		state = corev1.PodCondition{
			Status: corev1.ConditionFalse, Reason: "ContainersNotReady",
			Message: fmt.Sprintf("containers with unready status: [%s]", s.first().Name),
		}
	}
	conditions := []corev1.PodCondition{{Type: corev1.PodReadyToStartContainers, Status: corev1.ConditionTrue}, {Type: corev1.PodInitialized, Status: corev1.ConditionTrue}}
	for _, t := range []corev1.PodConditionType{corev1.ContainersReady, corev1.PodReady} {
		c := state
		c.Type = t
		conditions = append(conditions, c)
	}
	for _, g := range s.pod.Spec.ReadinessGates { // nobody else here would ever set them
		conditions = append(conditions, corev1.PodCondition{Type: g.ConditionType, Status: corev1.ConditionTrue})
	}
	for i := range conditions {
		conditions[i].LastTransitionTime = s.since(conditions[i])
	}
	return conditions
}

// since is when a condition got its status.
func (s scene) since(c corev1.PodCondition) metav1.Time {
	for _, old := range s.pod.Status.Conditions {
		if old.Type == c.Type && old.Status == c.Status {
			return old.LastTransitionTime
		}
	}
	return s.now
}
