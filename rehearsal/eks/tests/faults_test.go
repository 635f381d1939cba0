package tests

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	fault      = "rehearsal.e6data.com/fault"
	readyAfter = "rehearsal.e6data.com/ready-after"
	logText    = "rehearsal.e6data.com/log"
	well       = "Running ready=true; app ready=true running; side ready=true running"
)

func TestDeploymentPods(t *testing.T) {
	for name, tt := range map[string]struct {
		fault   string
		want    string
		event   string
		message string
	}{
		"a pod without a fault becomes Ready":   {"", well, "Normal Started", "Container started"},
		"a pod that is never Ready runs":        {"NeverReady", "Running ready=false; app ready=false running; side ready=true running", "Warning Unhealthy", "Readiness probe failed"},
		"a crashing pod backs off":              {"CrashLoopBackOff", "Running ready=false; app ready=false waiting CrashLoopBackOff last terminated Error 1; side ready=true running", "Warning BackOff", "Back-off restarting failed container app in pod app-"},
		"a pod that takes too much memory":      {"OOMKilled", "Running ready=false; app ready=false waiting CrashLoopBackOff last terminated OOMKilled 137; side ready=true running", "Warning BackOff", "Back-off restarting failed container app in pod app-"},
		"an image that cannot be pulled":        {"ImagePullBackOff", "Pending ready=false; app ready=false waiting ImagePullBackOff; side ready=true running", "Warning Failed", `Failed to pull image "registry.example/app:1"`},
		"a fault that does not exist says so":   {"Sulk", "Pending ready=false; app ready=false waiting CreateContainerConfigError; side ready=true running", "Warning Failed", `"Sulk" is not one of [NeverReady CrashLoopBackOff OOMKilled ImagePullBackOff]`},
		"a back-off of a pull names the image":  {"ImagePullBackOff", "Pending ready=false; app ready=false waiting ImagePullBackOff; side ready=true running", "Normal BackOff", `Back-off pulling image "registry.example/app:1"`},
		"a pod without a fault is scheduled":    {"", well, "Normal Scheduled", "Successfully assigned"},
		"a pod without a fault has its image":   {"", well, "Normal Pulled", `"registry.example/side:1" already present`},
		"a crashing pod's containers had begun": {"CrashLoopBackOff", "Running ready=false; app ready=false waiting CrashLoopBackOff last terminated Error 1; side ready=true running", "Normal Created", "Container created"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			annotations := map[string]string{}
			if tt.fault != "" {
				annotations[fault] = tt.fault
			}
			r.deployment(t, annotations)
			r.awaitSummary(t, tt.want)
			r.awaitEvent(t, tt.event, tt.message)
		})
	}
}

func TestRestartsGrow(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.deployment(t, map[string]string{fault: "CrashLoopBackOff"})
	for _, restarts := range []int32{1, 2, 3} {
		eventually(t, fmt.Sprint(restarts, " restarts"), func(ctx context.Context) error {
			p, err := r.pod(ctx)
			if err == nil && (len(p.Status.ContainerStatuses) == 0 || p.Status.ContainerStatuses[0].RestartCount < restarts) {
				err = fmt.Errorf("pod is %s", summary(p))
			}
			return err
		})
	}
}

func TestHealing(t *testing.T) {
	for _, f := range []string{"NeverReady", "CrashLoopBackOff", "ImagePullBackOff", "Sulk"} {
		t.Run("a pod heals from "+f, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			r.deployment(t, map[string]string{fault: f})
			var p *corev1.Pod
			eventually(t, "a status", func(ctx context.Context) (err error) {
				if p, err = r.pod(ctx); err == nil && len(p.Status.ContainerStatuses) == 0 {
					err = fmt.Errorf("pod is %s", summary(p))
				}
				return err
			})
			_, err := r.client.CoreV1().Pods(r.ns).Patch(t.Context(), p.Name, types.MergePatchType,
				[]byte(`{"metadata":{"annotations":{"`+fault+`":null}}}`), metav1.PatchOptions{})
			if err != nil {
				t.Fatal(err)
			}
			eventually(t, "a Ready pod", func(ctx context.Context) error {
				p, err := r.pod(ctx)
				if err == nil && !podReady(p) {
					err = fmt.Errorf("pod is %s", summary(p))
				}
				return err
			})
		})
	}
}

func TestReadyAfter(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	began := time.Now()
	r.deployment(t, map[string]string{readyAfter: "2s"})
	r.awaitSummary(t, "Running ready=false; app ready=false running; side ready=true running")
	r.awaitSummary(t, well)
	if d := time.Since(began); d < 2*time.Second {
		t.Errorf("Ready after %s, want at least 2s", d)
	}
}

func TestJobs(t *testing.T) {
	for name, tt := range map[string]struct {
		restart     corev1.RestartPolicy
		annotations map[string]string
		condition   string
	}{
		"a job completes":                          {corev1.RestartPolicyNever, nil, "Complete"},
		"a job completes after a while":            {corev1.RestartPolicyOnFailure, map[string]string{readyAfter: "1s"}, "Complete"},
		"a job whose pod crashes fails":            {corev1.RestartPolicyNever, map[string]string{fault: "CrashLoopBackOff"}, "Failed"},
		"a job whose pod crashes and starts again": {corev1.RestartPolicyOnFailure, map[string]string{fault: "CrashLoopBackOff"}, "Failed"},
		"a job whose pod takes too much memory":    {corev1.RestartPolicyNever, map[string]string{fault: "OOMKilled"}, "Failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			r.job(t, tt.restart, tt.annotations)
			eventually(t, tt.condition, func(ctx context.Context) error {
				j, err := r.client.BatchV1().Jobs(r.ns).Get(ctx, "job", metav1.GetOptions{})
				if err != nil {
					return err
				}
				for _, c := range j.Status.Conditions {
					if string(c.Type) == tt.condition && c.Status == corev1.ConditionTrue {
						return nil
					}
				}
				return fmt.Errorf("job has the conditions %v", j.Status.Conditions)
			})
		})
	}
}
