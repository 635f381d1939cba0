package release_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/e6data/aws-quickstart/internal/kube"
	"github.com/e6data/aws-quickstart/internal/release"
)

const stackID = "arn:aws:cloudformation:us-east-1:111122223333:stack/ws/5f6e7d8c-0000-1111-2222-333344445555"

var (
	alice = release.OwnerOf(stackID, "Alice")
	bob   = release.OwnerOf(stackID, "Bob")
	eve   = release.OwnerOf("arn:aws:cloudformation:us-east-1:111122223333:stack/other/00000000-0000-1111-2222-333344445555", "Eve")
)

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}, labels: {app: {{ .Release.Name }}}}
spec:
  replicas: {{ .Values.replicas | default 1 }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata:
      labels: {app: {{ .Release.Name }}}
      {{- with .Values.fault }}
      annotations: {rehearsal.e6data.com/fault: {{ . }}}
      {{- end }}
    spec:
      {{- with .Values.nodes }}
      nodeSelector: {nodes: {{ . }}}
      {{- end }}
      containers: [{name: main, image: "example.test/hello:1"}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data: {answer: {{ .Values.answer | default "42" | quote }}}
`

const hookJob = `apiVersion: batch/v1
kind: Job
metadata: {name: {{ .Release.Name }}-pre, annotations: {"helm.sh/hook": "pre-install,pre-upgrade"}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: "example.test/hello:1"}]}}}
`

func TestLifeOfARelease(t *testing.T) {
	t.Parallel()
	cluster, client := realCluster(t)
	r := runner(t, cluster)
	ctx := withDeadline(t, 2*time.Minute)
	target := release.Target{Namespace: "life", Name: "app"}
	spec := func(version string, values map[string]any) release.Spec {
		return release.Spec{
			Target: target, CreateNamespace: true, Wait: true, Values: values,
			Chart: newChart(t, version, files{"templates/all.yaml": deployment, "templates/hook.yaml": hookJob}),
		}
	}
	steps := []struct {
		name   string
		spec   release.Spec
		expect release.Result
	}{
		{"install", spec("1.0.0", map[string]any{"replicas": int64(2)}), release.Result{Revision: 1, Status: "deployed", ChartVersion: "1.0.0", AppVersion: "1"}},
		{"the same again", spec("1.0.0", map[string]any{"replicas": 2.0}), release.Result{Revision: 1, Status: "deployed", ChartVersion: "1.0.0", AppVersion: "1"}},
		{"other values", spec("1.0.0", map[string]any{"replicas": int64(1)}), release.Result{Revision: 2, Status: "deployed", ChartVersion: "1.0.0", AppVersion: "1"}},
		{"no values", spec("1.0.0", nil), release.Result{Revision: 3, Status: "deployed", ChartVersion: "1.0.0", AppVersion: "1"}},
		{"other chart", spec("1.1.0", nil), release.Result{Revision: 4, Status: "deployed", ChartVersion: "1.1.0", AppVersion: "1"}},
	}
	for _, step := range steps {
		begin := time.Now()
		got, err := r.Apply(ctx, alice, step.spec)
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		t.Logf("%s took %s", step.name, time.Since(begin).Round(time.Millisecond))
		if got != step.expect {
			t.Errorf("%s: got %+v, want %+v", step.name, got, step.expect)
		}
	}
	if err := r.Remove(ctx, alice, release.Removal{Target: target}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CoreV1().Namespaces().Get(ctx, target.Namespace, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the namespace is still there: %v", err)
	}
	if err := r.Remove(ctx, alice, release.Removal{Target: target}); err != nil {
		t.Errorf("removing what is gone: %v", err)
	}
}

// install brings up a release that the test starts from.
func install(t *testing.T, r *release.Runner, owner release.Owner, spec release.Spec) release.Result {
	t.Helper()
	result, err := r.Apply(withDeadline(t, time.Minute), owner, spec)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestFailedUpgradeIsRestored(t *testing.T) {
	t.Parallel()
	cluster, client := realCluster(t)
	r := runner(t, cluster)
	spec := release.Spec{Target: release.Target{Namespace: "restore", Name: "app"}, CreateNamespace: true, Wait: true}
	spec.Chart, spec.Values = newChart(t, "1.0.0", files{"templates/all.yaml": deployment}), map[string]any{"answer": "good"}
	install(t, r, alice, spec)

	bad := spec
	bad.Chart, bad.Values = newChart(t, "1.0.0", files{"templates/all.yaml": deployment}), map[string]any{"answer": "bad", "nodes": "none"}
	bad.Timeout = 5 * time.Second
	_, err := r.Apply(withDeadline(t, time.Minute), alice, bad)
	if err == nil {
		t.Fatal("an upgrade whose pods find no node succeeded")
	}
	contains(t, err.Error(), "upgrade release restore/app (chart app-1.0.0)", "not ready after", "no node takes it", "Revision 1", "is restored")
	if len(err.Error()) > 2000 {
		t.Errorf("the error has %d bytes:\n%v", len(err.Error()), err)
	}
	t.Logf("the error: %v", err)
	now, err := client.CoreV1().ConfigMaps("restore").Get(t.Context(), "app", metav1.GetOptions{})
	if err != nil || now.Data["answer"] != "good" {
		t.Errorf("the good values are not back: %v, %v", now.Data, err)
	}
	spec.Chart = newChart(t, "1.0.0", files{"templates/all.yaml": deployment})
	if got := install(t, r, alice, spec); got.Revision != 3 {
		t.Errorf("after the restored revision 3 the old properties made revision %d", got.Revision)
	}
	if err := r.Remove(withDeadline(t, time.Minute), alice, release.Removal{Target: spec.Target}); err != nil {
		t.Error(err)
	}
}

func TestDeadRunHeals(t *testing.T) {
	t.Parallel()
	cluster, client := realCluster(t)
	r := runner(t, cluster)
	spec := release.Spec{Target: release.Target{Namespace: "stuck", Name: "app"}, CreateNamespace: true, Wait: true}
	spec.Chart, spec.Values = newChart(t, "1.0.0", files{"templates/all.yaml": deployment}), map[string]any{"nodes": "none"}

	// A run that is cut off in the middle of its wait, as when its function is
	// killed: its lease and its pending record stay.
	wire := &severed{}
	cut := cluster.Config()
	cut.Wrap(wire.wrap)
	dead := make(chan error, 1)
	go func() {
		_, err := runner(t, kube.NewCluster("local", cut)).Apply(withDeadline(t, time.Minute), alice, spec)
		dead <- err
	}()
	waitFor(t, "the pending record", func() bool {
		list, err := client.CoreV1().Secrets("stuck").List(t.Context(), metav1.ListOptions{LabelSelector: "status=pending-install"})
		return err == nil && len(list.Items) == 1
	})
	wire.cut.Store(true)

	spec.Chart, spec.Values = newChart(t, "1.0.0", files{"templates/all.yaml": deployment}), nil
	begin := time.Now()
	got, err := r.Apply(withDeadline(t, time.Minute), alice, spec)
	if err != nil {
		t.Fatal(err)
	}
	if got.Revision != 2 || got.Status != "deployed" {
		t.Errorf("got %+v", got)
	}
	t.Logf("healed in %s", time.Since(begin).Round(time.Millisecond))
	if err := r.Remove(withDeadline(t, time.Minute), alice, release.Removal{Target: spec.Target}); err != nil {
		t.Error(err)
	}
	if err := <-dead; err == nil {
		t.Error("the run that was cut off says it succeeded")
	}
}

// severed is a connection that can be cut.
type severed struct{ cut atomic.Bool }

func (s *severed) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		if s.cut.Load() {
			return nil, errors.New("cut off")
		}
		return next.RoundTrip(r)
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestForeignRelease(t *testing.T) {
	t.Parallel()
	cluster, client := realCluster(t)
	r := runner(t, cluster)
	spec := func() release.Spec {
		return release.Spec{
			Target: release.Target{Namespace: "foreign", Name: "app"}, CreateNamespace: true,
			Chart: newChart(t, "1.0.0", files{"templates/all.yaml": deployment}),
		}
	}
	install(t, r, eve, spec())

	_, err := r.Apply(withDeadline(t, time.Minute), alice, spec())
	if err == nil {
		t.Fatal("the other stack's release was taken")
	}
	contains(t, err.Error(), "resource Eve of stack other", "Adopt to Existing")
	if !errors.Is(err, release.ErrNothingDone) {
		t.Error("a refusal counts as work that must be undone")
	}
	if err := r.Remove(withDeadline(t, time.Minute), alice, release.Removal{Target: spec().Target}); err != nil {
		t.Error(err)
	}

	if got := install(t, r, alice, adopting(spec())); got.Revision != 2 {
		t.Errorf("the adoption made revision %d", got.Revision)
	}
	// Rolled back at once: it goes back to its owner.
	if err := r.Remove(withDeadline(t, time.Minute), alice, release.Removal{Target: spec().Target}); err != nil {
		t.Error(err)
	}
	if got := install(t, r, eve, spec()); got.Revision != 3 {
		t.Errorf("the first owner finds revision %d, want the handed-back 3", got.Revision)
	}

	// Within a stack the release follows its resource's new logical ID.
	install(t, r, alice, adopting(spec()))
	if got := install(t, r, bob, spec()); got.Revision != 5 {
		t.Errorf("the renamed resource made revision %d", got.Revision)
	}
	if err := r.Remove(withDeadline(t, time.Minute), alice, release.Removal{Target: spec().Target}); err != nil {
		t.Error(err)
	}
	if _, err := client.CoreV1().ConfigMaps("foreign").Get(t.Context(), "app", metav1.GetOptions{}); err != nil {
		t.Errorf("deleting the old logical ID took the new one's objects: %v", err)
	}
	if err := r.Remove(withDeadline(t, time.Minute), bob, release.Removal{Target: spec().Target}); err != nil {
		t.Error(err)
	}
	if _, err := client.CoreV1().ConfigMaps("foreign").Get(t.Context(), "app", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the release is still there: %v", err)
	}
}

func adopting(s release.Spec) release.Spec {
	s.Adopt = true
	return s
}

const crd = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.test}
spec:
  group: example.test
  names: {kind: Widget, plural: widgets}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}%s}}}}}
`

const widget = `apiVersion: example.test/v1
kind: Widget
metadata: {name: {{ .Release.Name }}, finalizers: [{{ .Values.finalizer | quote }}]}
spec: {size: 1%s}
`

func TestCustomResources(t *testing.T) {
	t.Parallel()
	cluster, client := realCluster(t)
	r := runner(t, cluster)
	chartOf := func(version, field, value string) release.Spec {
		return release.Spec{
			Target: release.Target{Namespace: "kinds", Name: "app"}, CreateNamespace: true,
			Values: map[string]any{"finalizer": "example.test/hold"},
			Chart: newChart(t, version, files{
				"crds/widget.yaml": fmt.Sprintf(crd, field), "templates/widget.yaml": fmt.Sprintf(widget, value),
			}),
		}
	}
	install(t, r, alice, chartOf("1.0.0", "", ""))
	// The new chart's object uses a field that only its new CRD has.
	install(t, r, alice, chartOf("1.1.0", ", colour: {type: string}", ", colour: red"))
	widgets := dynamicClient(t, cluster).Resource(schema.GroupVersionResource{Group: "example.test", Version: "v1", Resource: "widgets"}).Namespace("kinds")
	got, err := widgets.Get(t.Context(), "app", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if colour, _, _ := unstructured.NestedString(got.Object, "spec", "colour"); colour != "red" {
		t.Errorf("the new field did not arrive: %v", got.Object["spec"])
	}

	// Nobody takes the finalizer off: the failure says so and nothing is forgotten.
	err = r.Remove(withDeadline(t, time.Minute), alice, release.Removal{Target: release.Target{Namespace: "kinds", Name: "app"}, Timeout: 3 * time.Second})
	if err == nil {
		t.Fatal("an uninstall succeeded that left an object behind")
	}
	contains(t, err.Error(), "Widget kinds/app", "example.test/hold")
	if _, err := widgets.Patch(t.Context(), "app", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := r.Remove(withDeadline(t, time.Minute), alice, release.Removal{Target: release.Target{Namespace: "kinds", Name: "app"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CoreV1().Namespaces().Get(t.Context(), "kinds", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the namespace is still there: %v", err)
	}

	// A release whose kind is gone from the cluster can still be uninstalled.
	again := chartOf("1.1.0", ", colour: {type: string}", ", colour: red")
	again.Values = map[string]any{"finalizer": "example.test/hold"}
	install(t, r, alice, again)
	definitions := dynamicClient(t, cluster).Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	if _, err := widgets.Patch(t.Context(), "app", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := definitions.Delete(t.Context(), "widgets.example.test", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the end of the kind", func() bool {
		_, err := definitions.Get(t.Context(), "widgets.example.test", metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	})
	if err := r.Remove(withDeadline(t, time.Minute), alice, release.Removal{Target: again.Target}); err != nil {
		t.Error(err)
	}
}

func TestAdoptedObjectsOutliveTheRelease(t *testing.T) {
	t.Parallel()
	cluster, client := realCluster(t)
	r := runner(t, cluster)
	if _, err := client.CoreV1().ConfigMaps("default").Create(t.Context(), &core.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "shared"}, Data: map[string]string{"answer": "old"},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	spec := func(version string) release.Spec {
		return release.Spec{Target: release.Target{Namespace: "default", Name: "adopter"}, Chart: newChart(t, version, files{
			"templates/shared.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shared}\ndata: {answer: new}\n",
			"templates/own.yaml":    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\n",
		})}
	}
	_, err := r.Apply(withDeadline(t, time.Minute), alice, spec("1.0.0"))
	if err == nil {
		t.Fatal("an object of somebody else was taken over unasked")
	}
	contains(t, err.Error(), `ConfigMap "shared" in namespace "default"`, "exists")

	adopt := spec("1.0.0")
	adopt.Adopt = true
	install(t, r, alice, adopt)
	install(t, r, alice, spec("1.1.0")) // once adopted, it needs no asking
	now, err := client.CoreV1().ConfigMaps("default").Get(t.Context(), "shared", metav1.GetOptions{})
	if err != nil || now.Data["answer"] != "new" {
		t.Errorf("the adopted object is %v, %v", now.Data, err)
	}
	if err := r.Remove(withDeadline(t, time.Minute), alice, release.Removal{Target: adopt.Target}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CoreV1().ConfigMaps("default").Get(t.Context(), "shared", metav1.GetOptions{}); err != nil {
		t.Errorf("the adopted object went with the release: %v", err)
	}
	if _, err := client.CoreV1().ConfigMaps("default").Get(t.Context(), "own", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the release's own object is left: %v", err)
	}
}

func TestFailedHookIsNamed(t *testing.T) {
	t.Parallel()
	cluster, _ := realCluster(t)
	r := runner(t, cluster)
	spec := release.Spec{
		Target: release.Target{Namespace: "hook", Name: "app"}, CreateNamespace: true, Wait: true, Timeout: 5 * time.Second,
		Chart: newChart(t, "1.0.0", files{"templates/job.yaml": `apiVersion: batch/v1
kind: Job
metadata: {name: {{ .Release.Name }}-pre, annotations: {"helm.sh/hook": "pre-install"}}
spec:
  template:
    spec: {restartPolicy: Never, nodeSelector: {no: such-node}, containers: [{name: main, image: "example.test/hello:1"}]}
`}),
	}
	_, err := r.Apply(withDeadline(t, time.Minute), alice, spec)
	if err == nil {
		t.Fatal("a hook that cannot run succeeded")
	}
	t.Logf("the error: %v", err)
	contains(t, err.Error(), "failed pre-install", "of Job app-pre is Pending: no node takes it")
	if err := r.Remove(withDeadline(t, time.Minute), alice, release.Removal{Target: spec.Target}); err != nil {
		t.Error(err)
	}
}

func TestFailureNamesThePod(t *testing.T) {
	t.Parallel()
	cluster, client := realCluster(t)
	r := runner(t, cluster)
	cases := map[string]struct {
		fault string
		say   []string
	}{
		"crash":     {"CrashLoopBackOff", []string{"CrashLoopBackOff", "restarts"}},
		"image":     {"ImagePullBackOff", []string{"ImagePullBackOff", "example.test/hello:1"}},
		"not-ready": {"NeverReady", []string{"is Running but not ready", "container main"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := release.Spec{
				Target: release.Target{Namespace: "fault-" + name, Name: "app"}, CreateNamespace: true, Wait: true, Timeout: 6 * time.Second,
				Chart: newChart(t, "1.0.0", files{"templates/all.yaml": deployment}), Values: map[string]any{"fault": tc.fault},
			}
			_, err := r.Apply(withDeadline(t, time.Minute), alice, spec)
			if err == nil {
				if err := r.Remove(withDeadline(t, time.Minute), alice, release.Removal{Target: spec.Target}); err != nil {
					t.Error(err)
				}
				t.Skip("this embedded EKS does not play pod faults")
			}
			t.Logf("the error: %v", err)
			contains(t, err.Error(), append(tc.say, "pod fault-"+name+"/app-", "of Deployment app")...)
			if err := r.Remove(withDeadline(t, time.Minute), alice, release.Removal{Target: spec.Target}); err != nil {
				t.Error(err)
			}
			if _, err := client.CoreV1().Namespaces().Get(t.Context(), spec.Namespace, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
				t.Errorf("the failed release left its namespace: %v", err)
			}
		})
	}
}
