package lifecycle_test

import (
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/google/go-cmp/cmp"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6data/aws-quickstart/tests/lifecycle"
)

func checkEvent(t *testing.T, changes map[string]any) map[string]any {
	t.Helper()
	return lifecycle.Event(t, "testdata/helminstaller/check.json", changes)
}

func TestClusterCheckOnACluster(t *testing.T) {
	door, client := clusterDoor(t, 2)
	f := startInstaller(t, binary(t, "helminstaller"), door)

	created := expect(t, f, checkEvent(t, nil), cfn.StatusSuccess)
	want := map[string]any{
		"KubernetesVersion": "1.36", "KarpenterVersion": "1.14.0", "KarpenterNamespace": "karpenter", "KarpenterControllerRoleName": "",
		"LoadBalancerControllerVersion": "3.5.0", "LoadBalancerControllerNamespace": "kube-system", "Notes": "",
	}
	if diff := cmp.Diff(want, created.Data); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
	for _, name := range []string{"e6data", "karpenter"} {
		if _, err := client.CoreV1().Namespaces().Get(t.Context(), name, metav1.GetOptions{}); err == nil {
			t.Errorf("namespace %s was made", name)
		}
	}

	expect(t, f, checkEvent(t, map[string]any{"ResourceProperties.Karpenter": "Maybe", "ResourceProperties.WorkspaceName": "A"}), cfn.StatusFailed,
		`WorkspaceName "A"`, `Karpenter "Maybe": want Existing or Install`)

	// An update to what the cluster does not have, and its rollback, in which
	// the cluster is no better than before.
	nodes, err := client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range nodes.Items {
		nodes.Items[i].Spec.Taints = []core.Taint{{Key: "full", Effect: core.TaintEffectNoSchedule}}
		if _, err := client.CoreV1().Nodes().Update(t.Context(), &nodes.Items[i], metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, f, checkEvent(t, nil), cfn.StatusFailed, "cluster demo is not ready for workspace acme, 1 problem: (1) Karpenter runs two pods on different nodes")
	update := map[string]any{
		"RequestType": "Update", "PhysicalResourceId": created.PhysicalResourceID,
		"ResourceProperties.Karpenter": "Existing", "ResourceProperties.LoadBalancerController": "Existing",
	}
	failed := expect(t, f, checkEvent(t, update), cfn.StatusFailed, "2 problems: (1) there is no Karpenter on the cluster", "(2) there is no AWS Load Balancer Controller")
	if failed.PhysicalResourceID != created.PhysicalResourceID {
		t.Errorf("the refused update has another ID, %s", failed.PhysicalResourceID)
	}
	rollback := expect(t, f, checkEvent(t, map[string]any{"RequestType": "Update", "PhysicalResourceId": created.PhysicalResourceID}), cfn.StatusSuccess)
	if rollback.PhysicalResourceID != created.PhysicalResourceID {
		t.Errorf("the rollback has another ID, %s", rollback.PhysicalResourceID)
	}
	asked := door.seen.Load()
	expect(t, f, checkEvent(t, map[string]any{"RequestType": "Delete", "PhysicalResourceId": created.PhysicalResourceID}), cfn.StatusSuccess)
	if door.seen.Load() != asked {
		t.Error("the Delete asks the cluster")
	}
}
