package charts

import (
	"errors"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	sigsyaml "sigs.k8s.io/yaml"
)

const engineRole = "arn:aws:iam::111122223333:role/e6data/acme-engine"

// values are those that the product's template sets, and the release they are
// for.
var values = map[string]struct {
	release, namespace string
	values             string
}{
	KarpenterCRD: {"karpenter-crd", "kube-system", `{}`},
	Karpenter: {"karpenter", "kube-system", `
settings: {clusterName: e6data-acme, interruptionQueue: e6data-acme}
serviceAccount:
  create: true
  annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::111122223333:role/karpenter"}`},
	LoadBalancerController: {"aws-load-balancer-controller", "kube-system", `
clusterName: e6data-acme
region: us-east-1
vpcId: vpc-0123456789abcdef0
serviceAccount: {create: true, annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::111122223333:role/lbc"}}
enableShield: false
enableWaf: false
enableWafv2: false
enableServiceMutatorWebhook: false
nodeSelector: {e6data-workspace-name: default}
defaultTags: {app: e6data, e6data-workspace: acme}`},
	Workspace: {"acme", "e6data", `
cloud: {type: AWS, oidc_value: "` + engineRole + `", control_plane_user: [e6data-acme-user]}
karpenter: {nodepool: e6data-acme, nodeclass: e6data-acme}
debug_namespaces: [kube-system]`},
}

// valuesOf returns what the template sets for a chart, with YAML laid over it.
func valuesOf(t *testing.T, chart, over string) map[string]any {
	t.Helper()
	base, top := map[string]any{}, map[string]any{}
	for text, into := range map[string]*map[string]any{values[chart].values: &base, over: &top} {
		if err := sigsyaml.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	return chartutil.CoalesceTables(top, base)
}

// render gives the objects that a release of the chart would have, hooks and
// the crds folder included, by "Kind name".
func render(t *testing.T, archive string, vals map[string]any) (map[string]*unstructured.Unstructured, error) {
	t.Helper()
	c, err := loader.Load(archive)
	if err != nil {
		t.Fatal(err)
	}
	install := action.NewInstall(&action.Configuration{})
	install.ClientOnly, install.DryRun, install.IncludeCRDs = true, true, true
	install.ReleaseName, install.Namespace = values[c.Name()].release, values[c.Name()].namespace
	install.KubeVersion = &chartutil.KubeVersion{Version: "v1.36.0", Major: "1", Minor: "36"}
	rel, err := install.RunWithContext(t.Context(), c, vals)
	if err != nil {
		return nil, err
	}
	manifest := rel.Manifest
	for _, hook := range rel.Hooks {
		manifest += "\n---\n" + hook.Manifest
	}

	objects := map[string]*unstructured.Unstructured{}
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(manifest), 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(&object.Object); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			t.Fatalf("chart %s renders no YAML: %v\n%s", c.Name(), err, manifest)
		}
		if len(object.Object) == 0 {
			continue
		}
		key := object.GetKind() + " " + object.GetName()
		if ns := object.GetNamespace(); ns != "" && ns != install.Namespace {
			key += " in " + ns
		}
		if objects[key] != nil {
			t.Errorf("chart %s renders %s twice", c.Name(), key)
		}
		objects[key] = object
	}
}

// as converts a rendered object into its type.
func as[T any](t *testing.T, objects map[string]*unstructured.Unstructured, key string) T {
	t.Helper()
	var typed T
	object := objects[key]
	if object == nil {
		t.Fatalf("no %s among %s", key, strings.Join(slices.Sorted(maps.Keys(objects)), ", "))
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, &typed, true); err != nil {
		t.Fatalf("%s is not valid: %v", key, err)
	}
	return typed
}

func rendered(t *testing.T, chart, over string) map[string]*unstructured.Unstructured {
	t.Helper()
	o := Options{Charts: []string{chart}}
	if isUpstream(chart) {
		o.KarpenterCharts = karpenterCharts(t)
	}
	objects, err := render(t, only(t, o), valuesOf(t, chart, over))
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func TestChartsLint(t *testing.T) {
	for file, path := range packaged(t, Options{KarpenterCharts: karpenterCharts(t)}) {
		c, err := loader.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		lint := action.NewLint()
		lint.Strict = true
		lint.Namespace = values[c.Name()].namespace
		result := lint.Run([]string{path}, valuesOf(t, c.Name(), "{}"))
		for _, err := range result.Errors {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestChartsRenderTheirObjects(t *testing.T) {
	tests := map[string]struct {
		chart, over string
		want        []string
	}{
		"karpenter-crd": {KarpenterCRD, `{}`, []string{
			"CustomResourceDefinition capacitybuffers.autoscaling.x-k8s.io",
			"CustomResourceDefinition ec2nodeclasses.karpenter.k8s.aws",
			"CustomResourceDefinition nodeclaims.karpenter.sh",
			"CustomResourceDefinition nodeoverlays.karpenter.sh",
			"CustomResourceDefinition nodepools.karpenter.sh",
		}},
		"karpenter": {Karpenter, `{}`, []string{
			"ClusterRole karpenter", "ClusterRole karpenter-admin", "ClusterRole karpenter-core",
			"ClusterRoleBinding karpenter", "ClusterRoleBinding karpenter-core",
			"Deployment karpenter", "PodDisruptionBudget karpenter",
			"Role karpenter", "Role karpenter-dns",
			"RoleBinding karpenter", "RoleBinding karpenter-dns",
			"Service karpenter", "ServiceAccount karpenter",
		}},
		"aws-load-balancer-controller": {LoadBalancerController, `{}`, []string{
			"ClusterRole aws-load-balancer-controller-role", "ClusterRoleBinding aws-load-balancer-controller-rolebinding",
			"CustomResourceDefinition ingressclassparams.elbv2.k8s.aws",
			"CustomResourceDefinition targetgroupbindings.elbv2.k8s.aws",
			"Deployment aws-load-balancer-controller", "IngressClass alb", "IngressClassParams alb",
			"MutatingWebhookConfiguration aws-load-balancer-webhook",
			"Role aws-load-balancer-controller-leader-election-role",
			"RoleBinding aws-load-balancer-controller-leader-election-rolebinding",
			"Secret aws-load-balancer-tls", "Service aws-load-balancer-webhook-service",
			"ServiceAccount aws-load-balancer-controller",
			"ValidatingWebhookConfiguration aws-load-balancer-webhook",
		}},
		"workspace, which has no pods": {Workspace, `{}`, []string{
			"ClusterRole acme-e6data-agent", "ClusterRole acme-karpenter-role",
			"ClusterRoleBinding acme-e6data-agent-role-binding", "ClusterRoleBinding acme-karpenter-role-binding",
			"Role acme-engine-role", "Role acme-platform-kube-system-role in kube-system", "Role acme-platform-role",
			"RoleBinding acme-engine-role-binding", "RoleBinding acme-platform-kube-system-role-binding in kube-system",
			"RoleBinding acme-platform-role-binding",
			"ServiceAccount acme", "ServiceAccount e6data-agent",
		}},
		"workspace without other namespaces, with what a rehearsal adds": {
			Workspace, `{debug_namespaces: [], rehearsal: {hook: {enabled: true}, deployment: {enabled: true}}}`,
			[]string{
				"ClusterRole acme-e6data-agent", "ClusterRole acme-karpenter-role",
				"ClusterRoleBinding acme-e6data-agent-role-binding", "ClusterRoleBinding acme-karpenter-role-binding",
				"Deployment acme", "Job acme-hook",
				"Role acme-engine-role", "Role acme-platform-role",
				"RoleBinding acme-engine-role-binding", "RoleBinding acme-platform-role-binding",
				"ServiceAccount acme", "ServiceAccount e6data-agent",
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := slices.Sorted(maps.Keys(rendered(t, tt.chart, tt.over)))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReferencesBetweenObjectsHold(t *testing.T) {
	for chart, release := range values {
		t.Run(chart, func(t *testing.T) {
			objects := rendered(t, chart, `{}`)
			checked := 0
			for key, object := range objects {
				var role rbacv1.RoleRef
				var subjects []rbacv1.Subject
				where := ""
				switch object.GetKind() {
				case "RoleBinding":
					binding := as[rbacv1.RoleBinding](t, objects, key)
					role, subjects = binding.RoleRef, binding.Subjects
					if binding.Namespace != release.namespace {
						where = " in " + binding.Namespace
					}
				case "ClusterRoleBinding":
					binding := as[rbacv1.ClusterRoleBinding](t, objects, key)
					role, subjects = binding.RoleRef, binding.Subjects
				case "Service":
					verifySelects(t, objects, key, as[corev1.Service](t, objects, key).Spec.Selector)
					continue
				case "PodDisruptionBudget":
					verifySelects(t, objects, key, as[policyv1.PodDisruptionBudget](t, objects, key).Spec.Selector.MatchLabels)
					continue
				default:
					continue
				}
				checked++
				if objects[role.Kind+" "+role.Name+where] == nil {
					t.Errorf("%s binds %s %s, which the chart does not make", key, role.Kind, role.Name)
				}
				for _, subject := range subjects {
					if subject.Kind == "ServiceAccount" && (subject.Namespace != release.namespace || objects["ServiceAccount "+subject.Name] == nil) {
						t.Errorf("%s is for service account %s/%s, which the chart does not make", key, subject.Namespace, subject.Name)
					}
				}
			}
			if checked == 0 && chart != KarpenterCRD {
				t.Error("the chart binds no role")
			}
		})
	}
}

// verifySelects checks that a selector finds the pods of the chart's Deployment.
func verifySelects(t *testing.T, objects map[string]*unstructured.Unstructured, key string, selector map[string]string) {
	t.Helper()
	for other, object := range objects {
		if object.GetKind() != "Deployment" {
			continue
		}
		pods := as[appsv1.Deployment](t, objects, other).Spec.Template.Labels
		if len(selector) == 0 || !labels.SelectorFromSet(selector).Matches(labels.Set(pods)) {
			t.Errorf("%s selects %v, the pods of %s have %v", key, selector, other, pods)
		}
	}
}

func TestChartsRefuseWrongValues(t *testing.T) {
	tests := map[string]struct{ chart, over, want string }{
		"karpenter without a cluster":              {Karpenter, `{settings: {clusterName: ""}}`, "settings.clusterName"},
		"load balancer controller without one":     {LoadBalancerController, `{clusterName: ""}`, "clusterName"},
		"workspace without the engine's role":      {Workspace, `{cloud: {oidc_value: ""}}`, "cloud.oidc_value"},
		"a switch as text":                         {LoadBalancerController, `{enableServiceMutatorWebhook: "false"}`, "enableServiceMutatorWebhook"},
		"a number as text":                         {LoadBalancerController, `{replicaCount: "2"}`, "replicaCount"},
		"a list made of one empty text":            {Workspace, `{debug_namespaces: [""]}`, "debug_namespaces"},
		"a user as text in place of a list":        {Workspace, `{cloud: {control_plane_user: somebody}}`, "control_plane_user"},
		"an unknown cloud":                         {Workspace, `{cloud: {type: aws}}`, "type"},
		"a misspelt key among the rehearsal's own": {Workspace, `{rehearsal: {deployement: {enabled: true}}}`, "deployement"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := render(t, only(t, Options{Charts: []string{tt.chart}, KarpenterCharts: karpenterCharts(t)}), valuesOf(t, tt.chart, tt.over))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one that names %q", err, tt.want)
			}
		})
	}
}

// The definitions that Karpenter's module has for programs are those of its chart.
func TestDefinitionsAreThoseOfTheModule(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(karpenterCharts(t), "..", "pkg", "apis", "crds", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no definitions in the module: %v", err)
	}
	objects := rendered(t, KarpenterCRD, `{}`)
	for _, file := range files {
		want := map[string]any{}
		if err := sigsyaml.Unmarshal(content(t, file), &want); err != nil {
			t.Fatal(err)
		}
		key := "CustomResourceDefinition " + (&unstructured.Unstructured{Object: want}).GetName()
		if objects[key] == nil {
			t.Errorf("the chart lacks %s", key)
			continue
		}
		got, err := sigsyaml.Marshal(objects[key].Object)
		if err != nil {
			t.Fatal(err)
		}
		text, err := sigsyaml.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(text), string(got)); diff != "" {
			t.Errorf("%s (-module +chart):\n%s", key, diff)
		}
	}
}
