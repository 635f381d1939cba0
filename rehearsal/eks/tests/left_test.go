package tests

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

var (
	crds    = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	widgets = schema.GroupVersionResource{Group: "test.e6data.com", Version: "v1", Resource: "widgets"}
)

func TestNothingIsLeftInAnUntouchedCluster(t *testing.T) {
	t.Parallel()
	l := own(t)
	if err := l.stop(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{}, l.left(t)); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

func TestWhatIsLeft(t *testing.T) {
	t.Parallel()
	l := own(t)
	plant(t, l)
	if err := l.stop(); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"apiextensions.k8s.io/v1 CustomResourceDefinition /widgets.test.e6data.com",
		"rbac.authorization.k8s.io/v1 ClusterRole /planted",
		"test.e6data.com/v1 Widget /planted",
		"v1 Namespace /planted",
		"v1 ConfigMap kube-system/planted",
		"apps/v1 DaemonSet planted/planted",
		"apps/v1 StatefulSet planted/planted",
		"batch/v1 Job planted/planted",
		"coordination.k8s.io/v1 Lease planted/planted",
		"v1 PersistentVolumeClaim planted/data-planted-0",
		"v1 Secret planted/planted",
		"v1 Service planted/planted",
		"v1 ServiceAccount planted/planted",
	}
	if diff := cmp.Diff(want, l.left(t)); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

func TestNothingIsLeftAfterCleaningUp(t *testing.T) {
	t.Parallel()
	l := own(t)
	plant(t, l)
	ctx, background := t.Context(), metav1.DeletePropagationBackground
	opts := metav1.DeleteOptions{PropagationPolicy: &background}
	d := dynamic.NewForConfigOrDie(l.config)
	for what, err := range map[string]error{
		"widget":       d.Resource(widgets).Delete(ctx, "planted", opts),
		"CRD":          d.Resource(crds).Delete(ctx, "widgets.test.e6data.com", opts),
		"config map":   l.client.CoreV1().ConfigMaps("kube-system").Delete(ctx, "planted", opts),
		"cluster role": l.client.RbacV1().ClusterRoles().Delete(ctx, "planted", opts),
		"namespace":    l.client.CoreV1().Namespaces().Delete(ctx, "planted", opts),
	} {
		if err != nil {
			t.Fatalf("delete the %s: %v", what, err)
		}
	}
	eventually(t, "the namespace to go", func(ctx context.Context) error {
		_, err := l.client.CoreV1().Namespaces().Get(ctx, "planted", metav1.GetOptions{})
		if err == nil {
			return fmt.Errorf("it is still there")
		}
		return nil
	})
	if err := l.stop(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{}, l.left(t)); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

// A Deployment's pods go after it: stopping right after its deletion must not
// list what the garbage collector was about to take.
func TestNothingIsLeftRightAfterDeletingADeployment(t *testing.T) {
	t.Parallel()
	l := own(t)
	r := room{l, "default"}
	r.deployment(t, nil)
	r.awaitSummary(t, well)
	background := metav1.DeletePropagationBackground
	err := l.client.AppsV1().Deployments("default").Delete(t.Context(), "app", metav1.DeleteOptions{PropagationPolicy: &background})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.stop(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{}, l.left(t)); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

func TestSIGTERMStopsInTimeAndReports(t *testing.T) {
	t.Parallel()
	l := own(t)
	began := time.Now()
	if err := l.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-l.ended; err != nil {
		t.Fatalf("localkube: %v\n%s", err, l.out)
	}
	l.ended <- nil
	t.Logf("stopped after %s", time.Since(began))
	if got := l.left(t); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
	if err := l.cmd.Process.Signal(syscall.Signal(0)); err == nil {
		t.Error("the process is still there")
	}
}

func TestAClusterKeepsItsStateAndItsBaseline(t *testing.T) {
	t.Parallel()
	l := own(t)
	_, err := l.client.CoreV1().ConfigMaps("default").Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "kept"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.stop(); err != nil {
		t.Fatal(err)
	}
	again, err := start(t.Context(), l.cmd.Path, l.dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.client.CoreV1().ConfigMaps("default").Get(t.Context(), "kept", metav1.GetOptions{}); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	if err := again.stop(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"v1 ConfigMap default/kept"}, again.left(t)); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

// A type that cannot be listed could hide anything.
func TestATypeThatCannotBeListedIsLeft(t *testing.T) {
	t.Parallel()
	l := own(t)
	crd := widgetCRD()
	versions, _, err := unstructured.NestedSlice(crd.Object, "spec", "versions")
	if err != nil {
		t.Fatal(err)
	}
	newer := runtime.DeepCopyJSONValue(versions[0]).(map[string]any)
	newer["name"], newer["storage"] = "v2", false // preferred, and made by a webhook that is not there
	crd.Object["spec"].(map[string]any)["versions"] = append(versions, newer)
	crd.Object["spec"].(map[string]any)["conversion"] = map[string]any{"strategy": "Webhook", "webhook": map[string]any{
		"conversionReviewVersions": []any{"v1"},
		"clientConfig":             map[string]any{"service": map[string]any{"namespace": "default", "name": "nobody"}},
	}}
	d := dynamic.NewForConfigOrDie(l.config)
	if _, err := d.Resource(crds).Create(t.Context(), crd, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the custom resource", func(ctx context.Context) error {
		_, err := d.Resource(widgets).Create(ctx, &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "test.e6data.com/v1", "kind": "Widget", "metadata": map[string]any{"name": "planted"},
		}}, metav1.CreateOptions{})
		return err
	})
	if err := l.stop(); err != nil {
		t.Fatal(err)
	}
	got := l.left(t)
	if len(got) != 2 || !strings.Contains(got[1], "Widget /* (cannot be listed: ") {
		t.Errorf("left: %q, want the CRD and that widgets cannot be listed", got)
	}
}

// plant makes one of everything that an installation might leave behind, with
// what Kubernetes adds to it.
func plant(t *testing.T, l *localkube) {
	t.Helper()
	ctx, c := t.Context(), l.client
	name := metav1.ObjectMeta{Name: "planted"}
	create := metav1.CreateOptions{}
	labels := map[string]string{"app": "app"}
	selector := &metav1.LabelSelector{MatchLabels: labels}
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: name}, create))
	must(c.CoreV1().ConfigMaps("kube-system").Create(ctx, &corev1.ConfigMap{ObjectMeta: name}, create))
	must(c.CoreV1().Secrets("planted").Create(ctx, &corev1.Secret{ObjectMeta: name}, create))
	must(c.CoreV1().ServiceAccounts("planted").Create(ctx, &corev1.ServiceAccount{ObjectMeta: name}, create))
	must(c.RbacV1().ClusterRoles().Create(ctx, &rbacv1.ClusterRole{ObjectMeta: name}, create))
	must(c.CoordinationV1().Leases("planted").Create(ctx, lease("planted"), create))
	must(c.CoreV1().Services("planted").Create(ctx, &corev1.Service{ObjectMeta: name, Spec: corev1.ServiceSpec{
		Selector: labels, Ports: []corev1.ServicePort{{Port: 80}},
	}}, create))
	eventually(t, "a service account", func(ctx context.Context) error {
		_, err := c.CoreV1().ServiceAccounts("planted").Get(ctx, "default", metav1.GetOptions{})
		return err
	})
	must(c.AppsV1().DaemonSets("planted").Create(ctx, &appsv1.DaemonSet{ObjectMeta: name, Spec: appsv1.DaemonSetSpec{
		Selector: selector, Template: template(nil),
	}}, create))
	claim := corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "data"}, Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: quantity("1Gi")}},
	}}
	must(c.AppsV1().StatefulSets("planted").Create(ctx, &appsv1.StatefulSet{ObjectMeta: name, Spec: appsv1.StatefulSetSpec{
		Selector: selector, Template: template(nil), ServiceName: "planted", VolumeClaimTemplates: []corev1.PersistentVolumeClaim{claim},
	}}, create))
	j := &batchv1.Job{ObjectMeta: name, Spec: batchv1.JobSpec{Template: template(nil)}}
	j.Spec.Template.Spec.RestartPolicy = corev1.RestartPolicyNever
	must(c.BatchV1().Jobs("planted").Create(ctx, j, create))

	d := dynamic.NewForConfigOrDie(l.config)
	must(d.Resource(crds).Create(ctx, widgetCRD(), create))
	eventually(t, "the custom resource", func(ctx context.Context) error {
		_, err := d.Resource(widgets).Create(ctx, &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "test.e6data.com/v1", "kind": "Widget", "metadata": map[string]any{"name": "planted"},
		}}, create)
		return err
	})
	eventually(t, "the volume claim", func(ctx context.Context) error {
		_, err := c.CoreV1().PersistentVolumeClaims("planted").Get(ctx, "data-planted-0", metav1.GetOptions{})
		return err
	})
}

func widgetCRD() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": "widgets.test.e6data.com"},
		"spec": map[string]any{
			"group": "test.e6data.com", "scope": "Cluster",
			"names": map[string]any{"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
			"versions": []any{map[string]any{
				"name": "v1", "served": true, "storage": true,
				"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object"}},
			}},
		},
	}}
}
