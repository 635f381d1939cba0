package tests

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// room is a namespace of the shared cluster for one test.
type room struct {
	*localkube
	ns string
}

func newRoom(t *testing.T) room {
	t.Helper()
	if shared == nil {
		t.Skip(noBinary)
	}
	ns, err := shared.client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "t-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r := room{shared, ns.Name}
	err = wait.PollUntilContextTimeout(t.Context(), poll, waitLimit, true, func(ctx context.Context) (bool, error) {
		_, err := r.client.CoreV1().ServiceAccounts(r.ns).Get(ctx, "default", metav1.GetOptions{})
		return err == nil, nil
	})
	if err != nil {
		t.Fatalf("default service account of %s: %v", r.ns, err)
	}
	return r
}

// template is a pod template named app with those annotations.
func template(annotations map[string]string) corev1.PodTemplateSpec {
	grace := int64(1) // by it the namespace controller reckons when to look again
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "app"}, Annotations: annotations},
		Spec: corev1.PodSpec{TerminationGracePeriodSeconds: &grace, Containers: []corev1.Container{
			{Name: "app", Image: "registry.example/app:1"},
			{Name: "side", Image: "registry.example/side:1"},
		}},
	}
}

func (r room) deployment(t *testing.T, annotations map[string]string) {
	t.Helper()
	one := int32(1)
	_, err := r.client.AppsV1().Deployments(r.ns).Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "app"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &one, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "app"}}, Template: template(annotations),
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func (r room) job(t *testing.T, restart corev1.RestartPolicy, annotations map[string]string) {
	t.Helper()
	none := int32(0)
	j := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "job"}, Spec: batchv1.JobSpec{BackoffLimit: &none, Template: template(annotations)}}
	j.Spec.Template.Spec.RestartPolicy = restart
	if _, err := r.client.BatchV1().Jobs(r.ns).Create(t.Context(), j, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// pod gives the only pod of the room.
func (r room) pod(ctx context.Context) (*corev1.Pod, error) {
	l, err := r.client.CoreV1().Pods(r.ns).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	if len(l.Items) != 1 {
		return nil, fmt.Errorf("%d pods, want 1", len(l.Items))
	}
	return &l.Items[0], nil
}

// summary is a pod's status in one line for each container.
func summary(p *corev1.Pod) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s ready=%v", p.Status.Phase, podReady(p))
	for _, c := range p.Status.ContainerStatuses {
		fmt.Fprintf(&b, "; %s ready=%v %s", c.Name, c.Ready, stateOf(c.State))
		if c.LastTerminationState.Terminated != nil {
			fmt.Fprintf(&b, " last %s", stateOf(c.LastTerminationState))
		}
	}
	return b.String()
}

func stateOf(s corev1.ContainerState) string {
	switch {
	case s.Waiting != nil:
		return "waiting " + s.Waiting.Reason
	case s.Terminated != nil:
		return fmt.Sprintf("terminated %s %d", s.Terminated.Reason, s.Terminated.ExitCode)
	case s.Running != nil:
		return "running"
	default:
		return "unknown"
	}
}

func podReady(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// awaitSummary waits until the room's only pod has that status.
func (r room) awaitSummary(t *testing.T, want string) *corev1.Pod {
	t.Helper()
	var p *corev1.Pod
	eventually(t, want, func(ctx context.Context) (err error) {
		if p, err = r.pod(ctx); err == nil && summary(p) != want {
			err = fmt.Errorf("pod is %s", summary(p))
		}
		return err
	})
	return p
}

// awaitEvent waits for an event of a pod: TYPE REASON and a part of its message.
func (r room) awaitEvent(t *testing.T, want, message string) {
	t.Helper()
	eventually(t, want, func(ctx context.Context) error {
		l, err := r.client.CoreV1().Events(r.ns).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		var seen []string
		for _, e := range l.Items {
			seen = append(seen, e.Type+" "+e.Reason+": "+e.Message)
			if e.Type+" "+e.Reason == want && strings.Contains(e.Message, message) {
				return nil
			}
		}
		return fmt.Errorf("no event %s with %q among\n%s", want, message, strings.Join(seen, "\n"))
	})
}
