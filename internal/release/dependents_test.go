package release_test

import (
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/e6data/aws-quickstart/internal/release"
)

// machines is a kind whose objects have a machine, as Karpenter's NodeClaims.
const machines = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: machines.example.test}
spec:
  group: example.test
  scope: Cluster
  names: {plural: machines, singular: machine, kind: Machine}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`

// A removal deletes the dependents, and only those; while one does not go it
// fails, names it with its machine and what holds it, and keeps its records so
// that the next try finds them.
func TestRemovalWaitsForDependents(t *testing.T) {
	t.Parallel()
	cluster, client := realCluster(t)
	r := runner(t, cluster)
	ctx := t.Context()
	kinds := release.Spec{Target: release.Target{Namespace: "default", Name: "machines"}, Wait: true, Chart: newChart(t, "1.0.0", files{"templates/crd.yaml": machines})}
	install(t, r, alice, kinds)
	pool := release.Spec{Target: release.Target{Namespace: "pools", Name: "pool"}, CreateNamespace: true, Chart: newChart(t, "1.0.0", files{"templates/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: pool}\n"})}
	install(t, r, bob, pool)

	objects := dynamicClient(t, cluster).Resource(schema.GroupVersionResource{Group: "example.test", Version: "v1", Resource: "machines"})
	node, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	made := func(name, pool, node string) {
		t.Helper()
		o := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "example.test/v1", "kind": "Machine",
			"metadata": map[string]any{"name": name, "labels": map[string]any{"pool": pool}, "finalizers": []any{"example.test/ends-machine"}},
			"status":   map[string]any{"providerID": "aws:///us-east-1a/i-0" + name, "nodeName": node},
		}}
		if _, err := objects.Create(ctx, o, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	made("one", "pool", node.Items[0].Name)
	made("two", "pool", "")
	made("stranger", "other", "")
	guarded(t, "pools", node.Items[0].Name)

	removal := release.Removal{
		Target: pool.Target, Timeout: 2 * time.Second,
		Dependents: []release.Dependents{{Resource: "machines.example.test", Selector: "pool=pool"}},
	}
	err = r.Remove(withDeadline(t, time.Minute), bob, removal)
	if err == nil {
		t.Fatal("the removal does not wait")
	}
	for _, want := range []string{
		"Machine one (instance i-0one, node " + node.Items[0].Name + ")", "pod pools/stays has the annotation karpenter.sh/do-not-disrupt",
		"pod pools/guarded may not be evicted by the PodDisruptionBudget all", "Machine two (instance i-0two)", "finalizer example.test/ends-machine",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the reason does not say %q:\n%v", want, err)
		}
	}
	for name, deleted := range map[string]bool{"one": true, "two": true, "stranger": false} {
		o, err := objects.Get(ctx, name, metav1.GetOptions{})
		if err != nil || (o.GetDeletionTimestamp() != nil) != deleted {
			t.Errorf("%s: %v, deleted at %v", name, err, o.GetDeletionTimestamp())
		}
		if _, err := objects.Patch(ctx, name, "application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{}); err != nil {
			t.Error(err)
		}
	}
	removal.Timeout = 0
	if err := r.Remove(withDeadline(t, time.Minute), bob, removal); err != nil {
		t.Errorf("when they are gone: %v", err)
	}
	if _, err := client.CoreV1().Namespaces().Get(ctx, "pools", metav1.GetOptions{}); err == nil {
		t.Error("the namespace is there")
	}
	if err := objects.Delete(ctx, "stranger", metav1.DeleteOptions{}); err != nil {
		t.Errorf("another pool's machine: %v", err)
	}
	// With the kind its objects have gone.
	if err := r.Remove(withDeadline(t, time.Minute), alice, release.Removal{Target: kinds.Target, Dependents: removal.Dependents}); err != nil {
		t.Error(err)
	}
}

// guarded makes two pods on a node that do not let themselves be evicted.
func guarded(t *testing.T, namespace, node string) {
	t.Helper()
	_, client := realCluster(t)
	for name, annotations := range map[string]map[string]string{"stays": {"karpenter.sh/do-not-disrupt": "true"}, "guarded": nil} {
		pod := &core.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": name}, Annotations: annotations},
			Spec:       core.PodSpec{NodeName: node, Containers: []core.Container{{Name: "main", Image: "example.test/hello:1"}}},
		}
		if _, err := client.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	budget := &policy.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Name: "all"},
		Spec:       policy.PodDisruptionBudgetSpec{MaxUnavailable: new(intstr.FromInt32(0)), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "guarded"}}},
	}
	if _, err := client.PolicyV1().PodDisruptionBudgets(namespace).Create(t.Context(), budget, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// Everything would be meant by an empty selector.
func TestDependentsAreNamed(t *testing.T) {
	for _, d := range []release.Dependents{{Resource: "nodeclaims.karpenter.sh"}, {Selector: "a=b"}, {Resource: "nodes", Selector: "a in"}} {
		if d.Check() == nil {
			t.Errorf("%+v is taken", d)
		}
	}
	if err := (release.Dependents{Resource: "nodeclaims.karpenter.sh", Selector: "karpenter.sh/nodepool=e6data-sales"}).Check(); err != nil {
		t.Error(err)
	}
}
