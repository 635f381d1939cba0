package clustercheck

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/e6data/aws-quickstart/internal/chart"
	"github.com/e6data/aws-quickstart/internal/kube"
	"github.com/e6data/aws-quickstart/internal/kube/kubetest"
	"github.com/e6data/aws-quickstart/internal/release"
)

// running is a real API server with what a test does to it.
type running struct {
	*kube.Cluster
	kube    kubernetes.Interface
	dynamic dynamic.Interface
	runner  *release.Runner
}

// realCluster starts the rehearsal's embedded EKS, one for each test since they
// change what is cluster-wide, or skips the test.
func realCluster(t *testing.T, nodes int) *running {
	t.Helper()
	binary := os.Getenv("LOCALKUBE")
	if binary == "" {
		t.Skip("LOCALKUBE does not name the embedded EKS (rehearsal/eks); this test needs a real API server")
	}
	cluster, stop, err := kubetest.Start(binary, nodes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	r := &running{Cluster: cluster}
	if r.kube, err = kubernetes.NewForConfig(cluster.Config()); err != nil {
		t.Fatal(err)
	}
	if r.dynamic, err = dynamic.NewForConfig(cluster.Config()); err != nil {
		t.Fatal(err)
	}
	if r.runner, err = release.NewRunner(cluster, release.Timing{}); err != nil {
		t.Fatal(err)
	}
	return r
}

// karpenterCharts is the folder of upstream's charts, or the test is skipped.
func karpenterCharts(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("REHEARSAL_KARPENTER_CHARTS")
	if folder == "" {
		t.Skip("REHEARSAL_KARPENTER_CHARTS does not name the folder of Karpenter's charts (make builds it)")
	}
	return folder
}

// chart loads a chart of a folder of charts.
func loadChart(t *testing.T, folder, name string) *chart.Chart {
	t.Helper()
	source := chart.Source{Builtin: os.DirFS(folder)}
	loaded, err := source.Load(t.Context(), chart.Reference{Repository: "builtin:", Chart: name})
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

const standIns = "../../rehearsal/charts"

// customer is a user of plain Helm. Their releases are installed like a stack's,
// and then their records lose the labels by which a stack knows its own.
var customer = owner("customer", "33333333-0000")

// relabel gives the records of a release the labels of an owner, or takes them
// away.
func (r *running) relabel(t *testing.T, target release.Target, o release.Owner, keep bool) {
	t.Helper()
	secrets := r.kube.CoreV1().Secrets(target.Namespace)
	list, err := secrets.List(t.Context(), metav1.ListOptions{LabelSelector: "owner=helm,name=" + target.Name})
	if err != nil {
		t.Fatal(err)
	}
	for i := range list.Items {
		s := &list.Items[i]
		for key, value := range map[string]string{"stack-uuid": o.Stack, "stack-name": o.StackName, "logical-id": o.Resource} {
			if keep {
				s.Labels["quickstart.e6data.com/"+key] = value
			} else {
				delete(s.Labels, "quickstart.e6data.com/"+key)
			}
		}
		if _, err := secrets.Update(t.Context(), s, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// install installs or upgrades a release for an owner; values are YAML.
func (r *running) install(t *testing.T, o release.Owner, target release.Target, c *chart.Chart, values string, wait bool) error {
	t.Helper()
	var v map[string]any
	if err := yaml.Unmarshal([]byte(values), &v); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if o == customer {
		r.relabel(t, target, o, true)
		defer r.relabel(t, target, o, false)
	}
	_, err := r.runner.Apply(ctx, o, release.Spec{Target: target, Chart: c, Values: v, CreateNamespace: true, Wait: wait, Timeout: time.Minute})
	return err
}

func (r *running) mustInstall(t *testing.T, o release.Owner, target release.Target, c *chart.Chart, values string) {
	t.Helper()
	if err := r.install(t, o, target, c, values, true); err != nil {
		t.Fatal(err)
	}
}

func (r *running) remove(t *testing.T, o release.Owner, target release.Target) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if o == customer {
		r.relabel(t, target, o, true)
	}
	if err := r.runner.Remove(ctx, o, release.Removal{Target: target, Timeout: time.Minute}); err != nil {
		t.Fatal(err)
	}
}

// client gives the dynamic client for an object.
func (r *running) client(t *testing.T, o *unstructured.Unstructured) dynamic.ResourceInterface {
	t.Helper()
	mapper, err := r.Getter("default").ToRESTMapper()
	if err != nil {
		t.Fatal(err)
	}
	gvk := o.GroupVersionKind()
	mapping, err := mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		t.Fatal(err)
	}
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return r.dynamic.Resource(mapping.Resource)
	}
	return r.dynamic.Resource(mapping.Resource).Namespace(o.GetNamespace())
}

// create makes the objects of some YAML, as a customer would, and takes them
// away after the test.
func (r *running) create(t *testing.T, text string) {
	t.Helper()
	for doc := range strings.SplitSeq(text, "\n---\n") {
		var o unstructured.Unstructured
		if err := yaml.Unmarshal([]byte(doc), &o.Object); err != nil {
			t.Fatalf("%v:\n%s", err, doc)
		}
		client := r.client(t, &o)
		r.eventually(t, "make "+o.GetKind()+" "+o.GetName(), func() error {
			_, err := client.Create(t.Context(), &o, metav1.CreateOptions{FieldManager: "customer"})
			return err
		})
		t.Cleanup(func() { r.delete(t, client, o.GetName()) })
	}
}

func (r *running) delete(t *testing.T, client dynamic.ResourceInterface, name string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	if err := client.Delete(ctx, name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		t.Errorf("delete %s: %v", name, err)
		return
	}
	for range time.Tick(50 * time.Millisecond) {
		if _, err := client.Get(ctx, name, metav1.GetOptions{}); err != nil {
			return
		}
	}
}

// eventually repeats what may fail while the cluster takes something in, for
// as long as half a minute.
func (r *running) eventually(t *testing.T, what string, do func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		err := do()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// check takes a picture with the administrator's rights and judges it.
func (r *running) check(t *testing.T, w Want) Findings {
	t.Helper()
	return r.checkAs(t, w, r.Cluster)
}

func (r *running) checkAs(t *testing.T, w Want, as *kube.Cluster) Findings {
	t.Helper()
	reader, err := NewReader(as.Config())
	if err != nil {
		t.Fatal(err)
	}
	reader.pageSize = 1 // every list in as many pages as it can have
	p, err := reader.Picture(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	return Judge(w, p)
}

// expect compares the rules of the findings.
func expect(t *testing.T, f Findings, want ...Rule) {
	t.Helper()
	var got []Rule
	for _, p := range f.Problems {
		got = append(got, p.Rule)
	}
	for _, n := range f.Notes {
		got = append(got, n.Rule)
	}
	if !slices.Equal(got, want) {
		t.Errorf("found %v, want %v\nproblems: %s\nnotes: %s", got, want, Numbered(f.Problems), Numbered(f.Notes))
	}
}

// say looks for parts of the sentences.
func say(t *testing.T, f Findings, parts ...string) {
	t.Helper()
	text := Numbered(slices.Concat(f.Problems, f.Notes))
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is not said:\n%s", p, text)
		}
	}
}

// definitionsOf reads Karpenter's custom resource definitions out of its chart,
// after a change to each.
func definitionsOf(t *testing.T, folder string, change func(string) string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "karpenter-crd/templates/*.yaml"))
	if err != nil || len(files) != len(chartDefinitions) {
		t.Fatalf("%d definitions in %s, want %d: %v", len(files), folder, len(chartDefinitions), err)
	}
	var all []string
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var plain []string
		for line := range strings.Lines(string(text)) {
			if !strings.Contains(line, "{{") {
				plain = append(plain, line)
			}
		}
		all = append(all, change(strings.TrimPrefix(strings.Join(plain, ""), "---\n")))
	}
	return all
}

// established waits until the API server serves a kind.
func (r *running) established(t *testing.T, resource schema.GroupVersionResource) {
	t.Helper()
	r.eventually(t, "serve "+resource.String(), func() error {
		_, err := r.dynamic.Resource(resource).List(t.Context(), metav1.ListOptions{})
		return err
	})
}

func (r *running) taint(t *testing.T, node string, taints ...core.Taint) {
	t.Helper()
	r.eventually(t, "taint "+node, func() error {
		n, err := r.kube.CoreV1().Nodes().Get(t.Context(), node, metav1.GetOptions{})
		if err != nil {
			return err
		}
		n.Spec.Taints = taints
		_, err = r.kube.CoreV1().Nodes().Update(t.Context(), n, metav1.UpdateOptions{})
		return err
	})
}
