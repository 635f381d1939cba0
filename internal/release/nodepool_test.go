package release_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/e6data/aws-quickstart/charts"
	"github.com/e6data/aws-quickstart/internal/chart"
	"github.com/e6data/aws-quickstart/internal/release"
)

// The nodepool chart against Karpenter's own definitions, whose rules check
// what a schema of ours would not: KARPENTER_CRDS names their folder
// (pkg/apis/crds of github.com/aws/karpenter-provider-aws).
func TestNodepoolChartSuitsKarpenter(t *testing.T) {
	t.Parallel()
	cluster, _ := realCluster(t)
	folder := os.Getenv("KARPENTER_CRDS")
	if folder == "" {
		t.Skip("KARPENTER_CRDS does not name the folder of Karpenter's CRDs")
	}
	in := files{}
	found, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no definitions in %s: %v", folder, err)
	}
	for _, file := range found {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		in["templates/"+filepath.Base(file)] = string(text)
	}
	r := runner(t, cluster)
	definitions := release.Spec{Target: release.Target{Namespace: "kube-system", Name: "karpenter-crd"}, Wait: true, Chart: newChart(t, "1.14.0", in)}
	install(t, r, alice, definitions)

	spec := func(more string) release.Spec {
		t.Helper()
		source := chart.Source{Builtin: charts.FS}
		loaded, err := source.Load(t.Context(), chart.Reference{Repository: "builtin:", Chart: "nodepool"})
		if err != nil {
			t.Fatal(err)
		}
		values, err := chart.Values(fmt.Sprintf(`{"workspaceName":"sales","clusterName":"demo","nodePool":{"name":"e6data-sales"},"nodeClass":{"name":"e6data-sales"},
			"instanceProfile":"p","instanceFamilies":["r7g","c7g"],"subnetIDs":["subnet-0a"],"securityGroupIDs":["sg-0a"]%s}`, more))
		if err != nil {
			t.Fatal(err)
		}
		return release.Spec{Target: release.Target{Namespace: "kube-system", Name: "nodepool"}, Wait: true, Chart: loaded, Values: values}
	}
	install(t, r, bob, spec(""))
	install(t, r, bob, spec(`,"storageClass":{"create":true},"kubelet":{"maxPods":58},"nodePool":{"name":"e6data-sales","weight":5},"kmsKeyID":"alias/e6",
		"nodeTags":{"cost":"42"},"zones":["us-east-1a"],"disruption":{"quiet":{"schedule":""}}`))

	pool, err := dynamicClient(t, cluster).Resource(schema.GroupVersionResource{Group: "karpenter.sh", Version: "v1", Resource: "nodepools"}).
		Get(t.Context(), "e6data-sales", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// A field that the definition does not know would be dropped in silence.
	if expire, _, _ := unstructured.NestedString(pool.Object, "spec", "template", "spec", "expireAfter"); expire != "Never" {
		t.Errorf("nodes expire after %q", expire)
	}
	for _, name := range []string{"nodepool", "karpenter-crd"} {
		owner := bob
		if name == "karpenter-crd" {
			owner = alice
		}
		if err := r.Remove(withDeadline(t, time.Minute), owner, release.Removal{Target: release.Target{Namespace: "kube-system", Name: name}}); err != nil {
			t.Error(err)
		}
	}
}
