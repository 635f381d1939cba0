package release_test

import (
	"os"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"

	"github.com/e6data/aws-quickstart/internal/kube/kubetest"
	"github.com/e6data/aws-quickstart/internal/release"
)

// A release of which others' objects depend stays as it is: the reason names them
// and what made them. Objects that are being deleted are waited for; the
// release's own count for nothing.
func TestRemovalIsRefusedWhileOthersNeedIt(t *testing.T) {
	t.Parallel()
	realCluster(t) // or the test is skipped
	// A cluster of its own: the releases of other tests are neighbours.
	cluster, stop, err := kubetest.Start(os.Getenv("LOCALKUBE"), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	client, err := kubernetes.NewForConfig(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	r := runner(t, cluster)
	ctx := t.Context()
	definitions := strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(machines, "machines", "engines"), "machine", "engine"), "Machine", "Engine")
	own := "apiVersion: example.test/v1\nkind: Engine\nmetadata: {name: own}\n"
	kinds := bob
	kinds.Resource = "Kinds"
	crds := release.Spec{Target: release.Target{Namespace: "default", Name: "engine-kinds"}, Wait: true, Chart: newChart(t, "1.0.0", files{"templates/crd.yaml": definitions})}
	install(t, r, kinds, crds)
	spec := release.Spec{Target: release.Target{Namespace: "default", Name: "engines"}, Wait: true, Chart: newChart(t, "1.0.0", files{"templates/own.yaml": own})}
	install(t, r, bob, spec)

	objects := dynamicClient(t, cluster).Resource(schema.GroupVersionResource{Group: "example.test", Version: "v1", Resource: "engines"})
	for name, marks := range map[string]map[string]string{
		"stranger":  nil,
		"neighbour": {"meta.helm.sh/release-name": "pool", "meta.helm.sh/release-namespace": "e6data-research"},
	} {
		o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "example.test/v1", "kind": "Engine", "metadata": map[string]any{"name": name}}}
		o.SetAnnotations(marks)
		if _, err := objects.Create(ctx, o, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	removal := release.Removal{Target: spec.Target, NeededBy: []string{"engines.example.test", "unheard-of.example.test"}}
	other := release.Spec{Target: release.Target{Namespace: "e6data-research", Name: "research"}, CreateNamespace: true, Chart: newChart(t, "1.0.0", files{"templates/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: research}\n"})}
	install(t, r, eve, other)
	err = r.Remove(withDeadline(t, time.Minute), bob, removal)
	if err == nil {
		t.Fatal("it is removed")
	}
	for _, want := range []string{"release default/engines: refused", "left as it is", "Engine stranger", "release e6data-research/research of the stack other", "Engine neighbour (of release e6data-research/pool)", "then delete this stack again"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the reason does not say %q:\n%v", want, err)
		}
	}
	for _, own := range []string{"Engine own", "engine-kinds"} {
		if strings.Contains(err.Error(), own) {
			t.Errorf("its own counts: %v", err)
		}
	}
	if err := r.Remove(withDeadline(t, time.Minute), eve, release.Removal{Target: other.Target}); err != nil {
		t.Error(err)
	}
	if _, err := objects.Get(ctx, "own", metav1.GetOptions{}); err != nil {
		t.Errorf("its object: %v", err)
	}
	records := func() int {
		list, err := client.CoreV1().Secrets("default").List(ctx, metav1.ListOptions{LabelSelector: "owner=helm,name=engines"})
		if err != nil {
			t.Fatal(err)
		}
		return len(list.Items)
	}
	if n := records(); n != 1 {
		t.Errorf("it has %d records", n)
	}

	// One goes at once, one takes its time.
	if _, err := objects.Patch(ctx, "neighbour", "application/merge-patch+json", []byte(`{"metadata":{"finalizers":["example.test/slow"]}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"stranger", "neighbour"} {
		if err := objects.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	removal.Timeout = 2 * time.Second
	if err := r.Remove(withDeadline(t, time.Minute), bob, removal); err == nil || !strings.Contains(err.Error(), "Engine neighbour (of release e6data-research/pool) (being deleted)") {
		t.Errorf("while one is being deleted: %v", err)
	}
	removal.Timeout = 0
	finished := make(chan error, 1)
	go func() { finished <- r.Remove(withDeadline(t, time.Minute), bob, removal) }()
	if _, err := objects.Patch(ctx, "neighbour", "application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{}); err != nil {
		t.Error(err)
	}
	if err := <-finished; err != nil {
		t.Errorf("when they are gone: %v", err)
	}
	if n := records(); n != 0 {
		t.Errorf("%d records are left", n)
	}
	// A kind that is not there has no objects.
	if err := r.Remove(withDeadline(t, time.Minute), kinds, release.Removal{Target: crds.Target, NeededBy: []string{"unheard-of.example.test"}}); err != nil {
		t.Error(err)
	}
}
