package kubelet

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Restarts wait as kubelets do with the feature ReduceDefaultCrashLoopBackOffDecay:
// from one second, doubling, up to one minute.
const (
	firstBackOff = time.Second
	lastBackOff  = time.Minute
	pullRetry    = time.Second // from ErrImagePull to ImagePullBackOff
)

// Reasons as kubelets give them.
const (
	reasonCrashLoop   = "CrashLoopBackOff"
	reasonErrPull     = "ErrImagePull"
	reasonPullBackOff = "ImagePullBackOff"
	reasonConfig      = "CreateContainerConfigError"
)

// step is what happens to a pod next.
type step struct {
	status *corev1.PodStatus // nil: nothing changes
	events []event
	after  time.Duration // when to look again; 0: when the pod changes
}

// next decides what happens to a pod, given how long ago its last step was.
func (s scene) next(since time.Duration) step {
	if phase := s.pod.Status.Phase; phase == corev1.PodSucceeded || phase == corev1.PodFailed || len(s.pod.Spec.Containers) == 0 {
		return step{}
	}
	b, err := behaviourOf(s.pod)
	if err != nil {
		return s.misconfigured(err)
	}
	switch b.fault {
	case NeverReady:
		return s.neverReady()
	case CrashLoopBackOff:
		return s.crash(since, "Error", 1)
	case OOMKilled:
		return s.crash(since, "OOMKilled", 137)
	case ImagePullBackOff:
		return s.pullFails(since)
	case None:
	}
	return s.healthy(since, b.readyAfter)
}

func (s scene) healthy(since, delay time.Duration) step {
	ending := s.pod.Spec.RestartPolicy != corev1.RestartPolicyAlways // as a Job's pods
	started := s.current().State.Running != nil
	if started {
		if !ending && s.current().Ready {
			return s.keptReady()
		}
		if since < delay {
			return step{after: delay - since}
		}
	}
	var events []event
	if !started {
		events = s.startEvents()
	}
	switch {
	case !started && delay > 0:
		return step{status: s.status(corev1.PodRunning, s.running(false)), events: events, after: delay}
	case ending:
		return step{status: s.status(corev1.PodSucceeded, s.terminated("Completed", 0)), events: events}
	default:
		return step{status: s.status(corev1.PodRunning, s.running(true)), events: events}
	}
}

// keptReady gives a pod whose containers are ready its readiness back, if the
// node lifecycle controller has taken it away: it does so with a pod that is bound
// to a node that was not Ready when it last looked, and kubelets set it right.
func (s scene) keptReady() step {
	if podReady(s.pod) {
		return step{}
	}
	return step{status: s.status(corev1.PodRunning, s.running(true))}
}

func (s scene) neverReady() step {
	return s.unready("HTTP probe failed with statuscode: 503")
}

// unready is the step of a container that runs and whose readiness probe fails.
func (s scene) unready(why string) step {
	started := s.current().State.Running != nil
	if started && !s.current().Ready {
		return step{}
	}
	events := []event{s.warning("Unhealthy", "Readiness probe failed: "+why)}
	if !started {
		events = append(s.startEvents(), events...)
	}
	return step{status: s.status(corev1.PodRunning, s.running(false)), events: events}
}

func (s scene) crash(since time.Duration, reason string, code int32) step {
	if s.pod.Spec.RestartPolicy == corev1.RestartPolicyNever {
		return step{status: s.status(corev1.PodFailed, s.terminated(reason, code)), events: s.startEvents()}
	}
	restarts := s.current().RestartCount
	if w := s.current().State.Waiting; w != nil && w.Reason == reasonCrashLoop {
		if wait := backOff(restarts); since < wait {
			return step{after: wait - since}
		}
	}
	restarts++
	message := fmt.Sprintf("back-off %s restarting failed container=%s pod=%s_%s(%s)",
		backOff(restarts), s.first().Name, s.pod.Name, s.pod.Namespace, s.pod.UID)
	c := s.waiting(reasonCrashLoop, message)
	c.RestartCount = restarts
	c.LastTerminationState = s.terminated(reason, code).State
	return step{
		status: s.status(corev1.PodRunning, c),
		events: append(s.startEvents(), s.warning("BackOff", fmt.Sprintf("Back-off restarting failed container %s in pod %s_%s(%s)",
			s.first().Name, s.pod.Name, s.pod.Namespace, s.pod.UID))),
		after: backOff(restarts),
	}
}

// backOff is the wait before the next start after that many restarts.
func backOff(restarts int32) time.Duration {
	d := firstBackOff
	for ; restarts > 1 && d < lastBackOff; restarts-- {
		d *= 2
	}
	return min(d, lastBackOff)
}

func (s scene) pullFails(since time.Duration) step {
	image, waits := s.first().Image, s.current().State.Waiting
	switch {
	case waits != nil && waits.Reason == reasonPullBackOff:
		return step{}
	case waits == nil || waits.Reason != reasonErrPull:
		reason := fmt.Sprintf("rpc error: code = NotFound desc = failed to pull and unpack image %q: failed to resolve reference %q: %s: not found", image, image, image)
		return step{
			status: s.status(corev1.PodPending, s.waiting(reasonErrPull, reason)),
			events: []event{
				s.normal("Pulling", fmt.Sprintf("Pulling image %q", image)),
				s.warning("Failed", fmt.Sprintf("Failed to pull image %q: %s", image, reason)),
				s.warning("Failed", "Error: "+reasonErrPull),
			},
			after: pullRetry,
		}
	case since < pullRetry:
		return step{after: pullRetry - since}
	default:
		message := fmt.Sprintf("Back-off pulling image %q", image)
		return step{
			status: s.status(corev1.PodPending, s.waiting(reasonPullBackOff, message+": "+waits.Reason+": "+waits.Message)),
			events: []event{s.normal("BackOff", message), s.warning("Failed", "Error: "+reasonPullBackOff)},
		}
	}
}

// misconfigured makes a wrong annotation visible where a person looks: in the
// pod's status and events.
func (s scene) misconfigured(err error) step {
	if w := s.current().State.Waiting; w != nil && w.Message == err.Error() {
		return step{}
	}
	return step{
		status: s.status(corev1.PodPending, s.waiting(reasonConfig, err.Error())),
		events: []event{s.warning("Failed", "Error: "+err.Error())},
	}
}
