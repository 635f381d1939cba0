package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6data/aws-quickstart/rehearsal"
)

// What a customer put into the workspace's namespace goes with it, while there
// is still somebody to clean up behind it: load balancers with all that is about
// them, and the volume of a pod that is at work.
func TestDeleteTakesWhatIsInTheWorkspacesNamespace(t *testing.T) {
	inTurn(t, 3)
	t.Parallel()
	b := newBalanced(t)
	b.namespace = checkOutputs(t, b.stack)["KubernetesNamespace"]
	b.run(t)
	b.expose(t)
	b.serveDirectly(t)
	b.keep(t, "data", "gp3")
	b.await(t, "both load balancers serve", b.shown)
	b.keeps(t)
	kept := retained(t, b.stack)
	if err := b.stack.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(kept, b.leftovers(t)); diff != "" {
		t.Errorf("left after delete (-retained +left):\n%s", diff)
	}
}

// keeps waits until the pod runs with its volume, and returns the volume's ID.
func (b *balanced) keeps(t *testing.T) (id string) {
	t.Helper()
	b.await(t, "the pod runs with its volume", func(ctx context.Context) error {
		pod, err := b.kube.CoreV1().Pods(b.namespace).Get(ctx, "data", metav1.GetOptions{})
		if err != nil || pod.Status.Phase != corev1.PodRunning {
			return fmt.Errorf("pod is %s (%w); %s", pod.Status.Phase, err, b.events(ctx))
		}
		volumes, err := b.volumes(ctx)
		if err != nil || len(volumes) != 1 {
			return fmt.Errorf("%d volumes (%w); %s", len(volumes), err, b.storage(ctx))
		}
		id = *volumes[0].VolumeId
		return nil
	})
	return id
}

// A volume that its driver cannot delete is told with its name, before the driver
// goes; when what kept it is out of the way the next delete goes through.
func TestDeleteNamesVolumesThatStay(t *testing.T) {
	inTurn(t, 1)
	t.Parallel()
	d := start(t, "")
	b := d.balanced(t, d.changed(t, "impatient", func(resources map[string]any) {
		resources["Workspace"].(map[string]any)["Properties"].(map[string]any)["TimeoutSeconds"] = 40
	}))
	b.namespace = checkOutputs(t, b.stack)["KubernetesNamespace"]
	b.keep(t, "data", "gp3")
	volume := b.keeps(t)
	kept := retained(t, b.stack)
	b.mayUseVolumes(t, false)
	err := b.stack.Delete(t.Context())
	var failed *rehearsal.FailedError
	if !errors.As(err, &failed) || failed.Status != "DELETE_FAILED" || len(failed.Failures) != 1 || failed.Failures[0].LogicalID != "Workspace" {
		t.Fatalf("the delete ended with %v, want DELETE_FAILED by Workspace", err)
	}
	for _, want := range []string{volume, b.namespace + "/data"} {
		if !strings.Contains(failed.Error(), want) {
			t.Errorf("the reason does not say %q: %v", want, failed)
		}
	}
	b.mayUseVolumes(t, true)
	if err := b.stack.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(kept, b.leftovers(t)); diff != "" {
		t.Errorf("left after delete (-retained +left):\n%s", diff)
	}
}
