package release_test

import (
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
	cluster, client := realCluster(t)
	r := runner(t, cluster)
	ctx := withDeadline(t, 2*time.Minute)
	target := release.Target{Namespace: "life", Name: "app"}
	spec := func(version string, values map[string]any) release.Spec {
		return release.Spec{
			Target: target, CreateNamespace: true, Wait: true, Values: values,
			Chart: newChart(t, "app", version, files{"templates/all.yaml": deployment, "templates/hook.yaml": hookJob}),
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
	if err := r.Remove(ctx, alice, target, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CoreV1().Namespaces().Get(ctx, target.Namespace, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the namespace is still there: %v", err)
	}
	if err := r.Remove(ctx, alice, target, 0); err != nil {
		t.Errorf("removing what is gone: %v", err)
	}
}
