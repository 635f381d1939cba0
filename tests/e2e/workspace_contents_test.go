package e2e

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What a customer put into the workspace's namespace goes with it, while there
// is still somebody to clean up behind it: load balancers with all that is about
// them, and the volume of a pod that is at work.
func TestDeleteTakesWhatIsInTheWorkspacesNamespace(t *testing.T) {
	t.Parallel()
	b := newBalanced(t)
	b.namespace = checkOutputs(t, b.stack)["KubernetesNamespace"]
	b.run(t)
	b.expose(t)
	b.serveDirectly(t)
	b.keep(t, "data", "gp3")
	b.await(t, "both load balancers serve", b.shown)
	b.await(t, "the pod runs with its volume", func(ctx context.Context) error {
		pod, err := b.kube.CoreV1().Pods(b.namespace).Get(ctx, "data", metav1.GetOptions{})
		if err != nil || pod.Status.Phase != corev1.PodRunning {
			return fmt.Errorf("pod is %s (%w); %s", pod.Status.Phase, err, b.events(ctx))
		}
		volumes, err := b.volumes(ctx)
		if err == nil && len(volumes) != 1 {
			err = fmt.Errorf("%d volumes; %s", len(volumes), b.storage(ctx))
		}
		return err
	})
	kept := retained(t, b.stack)
	if err := b.stack.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(kept, b.leftovers(t)); diff != "" {
		t.Errorf("left after delete (-retained +left):\n%s", diff)
	}
}
