package release

import (
	"strings"
	"testing"
	"time"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"

	helmrelease "helm.sh/helm/v3/pkg/release"
)

func aPod(name string, status core.PodStatus) *core.Pod {
	return &core.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: target.Namespace, Name: name, Labels: map[string]string{"app": "x"}}, Status: status}
}

func waitingFor(reason, message string) core.PodStatus {
	return core.PodStatus{Phase: core.PodRunning, ContainerStatuses: []core.ContainerStatus{{
		Name: "main", Image: "registry.test/x:1", RestartCount: 4, State: core.ContainerState{Waiting: &core.ContainerStateWaiting{Reason: reason, Message: message}},
		LastTerminationState: core.ContainerState{Terminated: &core.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}},
	}}}
}

func unscheduled() core.PodStatus {
	return core.PodStatus{Phase: core.PodPending, Conditions: []core.PodCondition{{Type: core.PodScheduled, Status: core.ConditionFalse, Message: "no room"}}}
}

func warning(pod, reason, message string, at time.Time) *core.Event {
	return &core.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: target.Namespace, Name: pod + reason}, Type: core.EventTypeWarning, Reason: reason, Message: message,
		InvolvedObject: core.ObjectReference{Kind: "Pod", Name: pod}, LastTimestamp: metav1.NewTime(at),
	}
}

func TestDiagnose(t *testing.T) {
	three := int32(3)
	workload := &apps.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: target.Namespace, Name: "x"},
		Spec:       apps.DeploymentSpec{Replicas: &three, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "x"}}},
	}
	quota := workload.DeepCopy()
	quota.Status.Conditions = []apps.DeploymentCondition{{Type: apps.DeploymentReplicaFailure, Status: core.ConditionTrue, Message: "exceeded quota: pods=0"}}
	ready := workload.DeepCopy()
	ready.Status = apps.DeploymentStatus{Replicas: 3, UpdatedReplicas: 3, AvailableReplicas: 3}
	rolling := workload.DeepCopy()
	rolling.Status = apps.DeploymentStatus{Replicas: 4, UpdatedReplicas: 1, AvailableReplicas: 3}
	now := time.Now()
	cases := map[string]struct {
		objects []runtime.Object
		say     []string // none: nothing is wrong
		not     string
	}{
		"all is well": {objects: []runtime.Object{ready, aPod("x-1", core.PodStatus{Phase: core.PodRunning})}},
		"a crash, with the newest warning": {
			objects: []runtime.Object{workload, aPod("x-1", waitingFor("CrashLoopBackOff", "")), warning("x-1", "Old", "gone by", now.Add(-time.Hour)), warning("x-1", "BackOff", "back-off restarting", now)},
			say:     []string{"pod apps/x-1 of Deployment x is in CrashLoopBackOff: container main ended with code 137 (OOMKilled), 4 restarts", "last warning: BackOff: back-off restarting", `last log line: "fake logs"`},
			not:     "gone by",
		},
		"an image that cannot be had": {
			objects: []runtime.Object{workload, aPod("x-1", waitingFor("ImagePullBackOff", "401 Unauthorized"))},
			say:     []string{"is in ImagePullBackOff", "registry.test/x:1", "401 Unauthorized"},
		},
		"a crash comes before a pod that only waits": {
			objects: []runtime.Object{workload, aPod("x-1", unscheduled()), aPod("x-2", waitingFor("CrashLoopBackOff", ""))},
			say:     []string{"pod apps/x-2 of Deployment x is in CrashLoopBackOff", "\nAlso: pod apps/x-1 of Deployment x is Pending: no node takes it: no room"},
		},
		"many alike are told once": {
			objects: []runtime.Object{workload, aPod("x-1", unscheduled()), aPod("x-2", unscheduled()), aPod("x-3", unscheduled())},
			say:     []string{"pod apps/x-1", "(and 2 more like it)"}, not: "x-2",
		},
		"a probe that does not answer": {
			objects: []runtime.Object{workload, aPod("x-1", core.PodStatus{
				Phase: core.PodRunning, Conditions: []core.PodCondition{{Type: core.PodReady, Status: core.ConditionFalse}},
				ContainerStatuses: []core.ContainerStatus{{Name: "main", RestartCount: 1}},
			})},
			say: []string{"is Running but not ready: container main, 1 restarts"},
		},
		"new pods that do not start while the old ones serve": {
			objects: []runtime.Object{rolling, aPod("x-1", core.PodStatus{Phase: core.PodRunning}), aPod("x-2", waitingFor("CrashLoopBackOff", ""))},
			say:     []string{"pod apps/x-2 of Deployment x is in CrashLoopBackOff"},
		},
		"pods that may not be made": {objects: []runtime.Object{quota}, say: []string{"Deployment x in namespace apps has 0 of 3 pods ready: exceeded quota"}},
		"no pods yet":               {objects: []runtime.Object{workload}, say: []string{"Deployment x in namespace apps has 0 of 3 pods ready"}},
	}
	manifest := "---\n# a comment\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n"
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := &run{Runner: &Runner{kube: fake.NewClientset(tc.objects...)}, target: target}
			got := w.diagnose(t.Context(), &helmrelease.Release{Manifest: manifest})
			for _, part := range tc.say {
				if !strings.Contains(got, part) {
					t.Errorf("%q is missing in:\n%s", part, got)
				}
			}
			if len(tc.say) == 0 && got != "" || tc.not != "" && strings.Contains(got, tc.not) {
				t.Errorf("it says too much:\n%s", got)
			}
			if len(got) > reportLimit {
				t.Errorf("the report has %d bytes", len(got))
			}
		})
	}
}
