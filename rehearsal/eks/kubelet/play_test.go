package kubelet

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// pod makes a pod of a container app, an init container and a sidecar.
func pod(restart corev1.RestartPolicy, annotations map[string]string) *corev1.Pod {
	always := corev1.ContainerRestartPolicyAlways
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "p", UID: "uid", Annotations: annotations},
		Spec: corev1.PodSpec{
			RestartPolicy: restart, NodeName: "node",
			InitContainers: []corev1.Container{{Name: "init", Image: "i"}, {Name: "sidecar", Image: "s", RestartPolicy: &always}},
			Containers:     []corev1.Container{{Name: "app", Image: "img:1"}},
		},
	}
}

// play takes the steps of a pod, each as long after the last as it asked for,
// and tells what the pod looked like after each.
func play(p *corev1.Pod, steps int) (seen []string) {
	now, since := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Duration(0)
	for range steps {
		s := scene{pod: p, host: "10.0.0.10", podIP: "10.244.0.1", now: metav1.NewTime(now)}
		next := s.next(since)
		if next.status == nil {
			seen = append(seen, "same, again after "+next.after.String())
		} else {
			p.Status = *next.status
			seen = append(seen, describe(p, next))
		}
		if next.after == 0 {
			return seen
		}
		since = next.after
		now = now.Add(next.after)
	}
	return seen
}

func describe(p *corev1.Pod, s step) string {
	c := p.Status.ContainerStatuses[0]
	parts := []string{string(p.Status.Phase)}
	switch {
	case c.State.Waiting != nil:
		parts = append(parts, c.State.Waiting.Reason)
	case c.State.Terminated != nil:
		parts = append(parts, "exit "+c.State.Terminated.Reason)
	case c.Ready:
		parts = append(parts, "ready")
	default:
		parts = append(parts, "unready")
	}
	if c.RestartCount > 0 {
		parts = append(parts, strings.Repeat("restart ", int(c.RestartCount)))
	}
	for _, e := range s.events {
		parts = append(parts, e.reason)
	}
	return strings.Join(append(parts, "after", s.after.String()), " ")
}

func TestPlay(t *testing.T) {
	for name, tt := range map[string]struct {
		restart     corev1.RestartPolicy
		annotations map[string]string
		want        []string
	}{
		"a server becomes Ready": {corev1.RestartPolicyAlways, nil, []string{"Running ready Pulled Created Started after 0s"}},
		"a server becomes Ready after a while": {
			corev1.RestartPolicyAlways,
			map[string]string{ReadyAfterAnnotation: "5s"},
			[]string{"Running unready Pulled Created Started after 5s", "Running ready after 0s"},
		},
		"a task completes": {corev1.RestartPolicyNever, nil, []string{"Succeeded exit Completed Pulled Created Started after 0s"}},
		"a task completes after a while": {
			corev1.RestartPolicyOnFailure,
			map[string]string{ReadyAfterAnnotation: "5s"},
			[]string{"Running unready Pulled Created Started after 5s", "Succeeded exit Completed after 0s"},
		},
		"a server is never Ready": {
			corev1.RestartPolicyAlways,
			map[string]string{FaultAnnotation: "NeverReady"},
			[]string{"Running unready Pulled Created Started Unhealthy after 0s"},
		},
		"a server crashes again and again": {
			corev1.RestartPolicyAlways,
			map[string]string{FaultAnnotation: "CrashLoopBackOff"},
			[]string{
				"Running CrashLoopBackOff restart  Pulled Created Started BackOff after 1s",
				"Running CrashLoopBackOff restart restart  Pulled Created Started BackOff after 2s",
				"Running CrashLoopBackOff restart restart restart  Pulled Created Started BackOff after 4s",
			},
		},
		"a task that is not started again fails": {
			corev1.RestartPolicyNever,
			map[string]string{FaultAnnotation: "CrashLoopBackOff"},
			[]string{"Failed exit Error Pulled Created Started after 0s"},
		},
		"a task takes too much memory": {
			corev1.RestartPolicyNever,
			map[string]string{FaultAnnotation: "OOMKilled"},
			[]string{"Failed exit OOMKilled Pulled Created Started after 0s"},
		},
		"an image cannot be pulled": {
			corev1.RestartPolicyAlways,
			map[string]string{FaultAnnotation: "ImagePullBackOff"},
			[]string{"Pending ErrImagePull Pulling Failed Failed after 1s", "Pending ImagePullBackOff BackOff Failed after 0s"},
		},
		"a wrong delay": {
			corev1.RestartPolicyAlways,
			map[string]string{ReadyAfterAnnotation: "soon"},
			[]string{"Pending CreateContainerConfigError Failed after 0s"},
		},
		"a negative delay": {
			corev1.RestartPolicyAlways,
			map[string]string{ReadyAfterAnnotation: "-5s"},
			[]string{"Pending CreateContainerConfigError Failed after 0s"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := pod(tt.restart, tt.annotations)
			if diff := cmp.Diff(tt.want, play(p, 3)); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryEndOfAPlayStays(t *testing.T) {
	for _, f := range append([]Fault{None, "Sulk"}, faults...) {
		p := pod(corev1.RestartPolicyAlways, map[string]string{FaultAnnotation: string(f)})
		play(p, 3)
		s := scene{pod: p, now: metav1.Now()}
		if got := s.next(0); got.status != nil || len(got.events) > 0 {
			t.Errorf("fault %q: looked at again at once, the pod changes to %v", f, got.status)
		}
	}
}

func TestStatusOfTheOtherContainers(t *testing.T) {
	states := func(p *corev1.Pod) (got []string) {
		for _, c := range append(p.Status.InitContainerStatuses, p.Status.ContainerStatuses...) {
			state := "waiting"
			if c.State.Running != nil {
				state = "running"
			} else if c.State.Terminated != nil {
				state = c.State.Terminated.Reason
			}
			got = append(got, c.Name+" "+state)
		}
		return got
	}
	running, done := pod(corev1.RestartPolicyAlways, nil), pod(corev1.RestartPolicyNever, nil)
	play(running, 1)
	play(done, 1)
	if diff := cmp.Diff([]string{"init Completed", "sidecar running", "app running"}, states(running)); diff != "" {
		t.Errorf("of a server (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"init Completed", "sidecar Completed", "app Completed"}, states(done)); diff != "" {
		t.Errorf("of a task (-want +got):\n%s", diff)
	}
}

func TestAConditionKeepsItsTime(t *testing.T) {
	p := pod(corev1.RestartPolicyAlways, map[string]string{ReadyAfterAnnotation: "5s"})
	play(p, 2)
	times := map[corev1.PodConditionType]string{}
	for _, c := range p.Status.Conditions {
		times[c.Type] = c.LastTransitionTime.UTC().Format(time.TimeOnly)
	}
	want := map[corev1.PodConditionType]string{
		corev1.PodReadyToStartContainers: "00:00:00", corev1.PodInitialized: "00:00:00",
		corev1.ContainersReady: "00:00:05", corev1.PodReady: "00:00:05",
	}
	if diff := cmp.Diff(want, times); diff != "" {
		t.Errorf("transition times (-want +got):\n%s", diff)
	}
}

// The node lifecycle controller takes a pod's readiness away when it is bound
// to a node that was not Ready when it last looked; the kubelet knows better
// (its NeedToReconcilePodReadiness).
func TestReadinessThatWasTakenAwayIsGivenBack(t *testing.T) {
	p := pod(corev1.RestartPolicyAlways, map[string]string{ReadyAfterAnnotation: "1s"})
	play(p, 2)
	for i := range p.Status.Conditions {
		if p.Status.Conditions[i].Type == corev1.PodReady {
			p.Status.Conditions[i].Status = corev1.ConditionFalse
		}
	}
	if diff := cmp.Diff([]string{"Running ready after 0s"}, play(p, 3)); diff != "" || !podReady(p) {
		t.Errorf("ready is %t (-want +got):\n%s", podReady(p), diff)
	}
}

func TestBackOffDoublesUpToAMinute(t *testing.T) {
	for restarts, want := range map[int32]time.Duration{
		0: time.Second, 1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 7: time.Minute, 1 << 30: time.Minute,
	} {
		if got := backOff(restarts); got != want {
			t.Errorf("back-off after %d restarts is %s, want %s", restarts, got, want)
		}
	}
}

func TestLookingTooEarlyAsksToLookAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		annotations map[string]string
		want        time.Duration
	}{
		"before it is Ready":            {map[string]string{ReadyAfterAnnotation: "5s"}, 4500 * time.Millisecond},
		"before it starts again":        {map[string]string{FaultAnnotation: "CrashLoopBackOff"}, 500 * time.Millisecond},
		"before its image backs off":    {map[string]string{FaultAnnotation: "ImagePullBackOff"}, 500 * time.Millisecond},
		"when there is nothing to come": {nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := pod(corev1.RestartPolicyAlways, tt.annotations)
			play(p, 1)
			got := scene{pod: p, now: metav1.Now()}.next(500 * time.Millisecond)
			if got.status != nil || got.after != tt.want {
				t.Errorf("changes to %v, again after %s, want no change, again after %s", got.status, got.after, tt.want)
			}
		})
	}
}
