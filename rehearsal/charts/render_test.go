package charts

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
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
	if chart == KarpenterCRD {
		o.KarpenterCRDs = karpenterCRDs(t)
	}
	objects, err := render(t, only(t, o), valuesOf(t, chart, over))
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func TestChartsLint(t *testing.T) {
	for file, path := range packaged(t, Options{KarpenterCRDs: karpenterCRDs(t)}) {
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

func TestChartsRefuseWrongValues(t *testing.T) {
	tests := map[string]struct{ chart, over, want string }{
		"karpenter without a cluster":              {Karpenter, `{settings: {clusterName: ""}}`, "settings.clusterName"},
		"load balancer controller without one":     {LoadBalancerController, `{clusterName: ""}`, "clusterName"},
		"workspace without the engine's role":      {Workspace, `{cloud: {oidc_value: ""}}`, "cloud.oidc_value"},
		"a switch as text":                         {LoadBalancerController, `{enableServiceMutatorWebhook: "false"}`, "enableServiceMutatorWebhook"},
		"a number as text":                         {Karpenter, `{replicas: "2"}`, "replicas"},
		"a list made of one empty text":            {Workspace, `{debug_namespaces: [""]}`, "debug_namespaces"},
		"a user as text in place of a list":        {Workspace, `{cloud: {control_plane_user: somebody}}`, "control_plane_user"},
		"an unknown cloud":                         {Workspace, `{cloud: {type: aws}}`, "type"},
		"a misspelt key among the rehearsal's own": {Workspace, `{rehearsal: {deployement: {enabled: true}}}`, "deployement"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := render(t, only(t, Options{Charts: []string{tt.chart}}), valuesOf(t, tt.chart, tt.over))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one that names %q", err, tt.want)
			}
		})
	}
}

func TestKarpenterRunsAsTheGivenServiceAccount(t *testing.T) {
	made := as[corev1.ServiceAccount](t, rendered(t, Karpenter, `{}`), "ServiceAccount karpenter")
	if got, want := made.Annotations["eks.amazonaws.com/role-arn"], "arn:aws:iam::111122223333:role/karpenter"; got != want {
		t.Errorf("the service account's role is %q, want %q", got, want)
	}

	objects := rendered(t, Karpenter, `{serviceAccount: {create: false, name: other}}`)
	if objects["ServiceAccount karpenter"] != nil || objects["ServiceAccount other"] != nil {
		t.Error("a service account is made though create is false")
	}
	deployment := as[appsv1.Deployment](t, objects, "Deployment karpenter")
	if got := deployment.Spec.Template.Spec.ServiceAccountName; got != "other" {
		t.Errorf("pods run as %q, want other", got)
	}
	binding := as[rbacv1.ClusterRoleBinding](t, objects, "ClusterRoleBinding karpenter-core")
	if got := binding.Subjects[0].Name; got != "other" {
		t.Errorf("the role is bound to %q, want other", got)
	}
}

func TestKarpenterPods(t *testing.T) {
	spec := as[appsv1.Deployment](t, rendered(t, Karpenter, `{}`), "Deployment karpenter").Spec
	if *spec.Replicas != 2 {
		t.Errorf("%d replicas, want 2", *spec.Replicas)
	}
	terms := spec.Template.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	if diff := cmp.Diff(spec.Selector, terms[0].LabelSelector); diff != "" || terms[0].TopologyKey != "kubernetes.io/hostname" {
		t.Errorf("two pods may share a node (-want +got):\n%s", diff)
	}
	got := map[string]string{}
	for _, env := range spec.Template.Spec.Containers[0].Env {
		got[env.Name] = env.Value
	}
	want := map[string]string{
		"CLUSTER_NAME":       "e6data-acme",
		"INTERRUPTION_QUEUE": "e6data-acme",
		"KARPENTER_SERVICE":  "karpenter",
		"FEATURE_GATES": "CapacityBuffer=false,NodeOverlay=false,NodeRepair=false,ReservedCapacity=true," +
			"SpotToSpotConsolidation=false,StaticCapacity=false",
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
}

func TestLoadBalancerControllerWebhooks(t *testing.T) {
	tests := map[string]struct {
		over                 string
		mutating, validating []string
	}{
		"as the template sets it": {
			`{}`,
			[]string{"mpod.elbv2.k8s.aws", "mtargetgroupbinding.elbv2.k8s.aws"},
			[]string{"vingressclassparams.elbv2.k8s.aws", "vtargetgroupbinding.elbv2.k8s.aws", "vingress.elbv2.k8s.aws"},
		},
		"with the service mutator, without ingress validation": {
			`{enableServiceMutatorWebhook: true, webhookConfig: {disableIngressValidation: true}}`,
			[]string{"mpod.elbv2.k8s.aws", "mtargetgroupbinding.elbv2.k8s.aws", "mservice.elbv2.k8s.aws"},
			[]string{"vingressclassparams.elbv2.k8s.aws", "vtargetgroupbinding.elbv2.k8s.aws"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			objects := rendered(t, LoadBalancerController, tt.over)
			var mutating, validating []string
			for _, w := range as[admissionv1.MutatingWebhookConfiguration](t, objects, "MutatingWebhookConfiguration aws-load-balancer-webhook").Webhooks {
				mutating = append(mutating, w.Name)
				verifyServes(t, objects, w.ClientConfig)
			}
			for _, w := range as[admissionv1.ValidatingWebhookConfiguration](t, objects, "ValidatingWebhookConfiguration aws-load-balancer-webhook").Webhooks {
				validating = append(validating, w.Name)
				verifyServes(t, objects, w.ClientConfig)
			}
			if diff := cmp.Diff(tt.mutating, mutating); diff != "" {
				t.Errorf("mutating webhooks (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.validating, validating); diff != "" {
				t.Errorf("validating webhooks (-want +got):\n%s", diff)
			}
		})
	}
}

// verifyServes checks that the chart's certificate is one that the webhook's
// client trusts for the chart's Service.
func verifyServes(t *testing.T, objects map[string]*unstructured.Unstructured, client admissionv1.WebhookClientConfig) {
	t.Helper()
	secret := as[corev1.Secret](t, objects, "Secret aws-load-balancer-tls")
	service := as[corev1.Service](t, objects, "Service "+client.Service.Name)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(client.CABundle) {
		t.Fatal("the webhook's caBundle holds no certificate")
	}
	block, _ := pem.Decode(secret.Data[corev1.TLSCertKey])
	if block == nil {
		t.Fatalf("tls.crt is no PEM: %s", base64.StdEncoding.EncodeToString(secret.Data[corev1.TLSCertKey]))
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	host := service.Name + "." + client.Service.Namespace + ".svc"
	if _, err := cert.Verify(x509.VerifyOptions{DNSName: host, Roots: roots}); err != nil {
		t.Errorf("the certificate does not serve %s: %v", host, err)
	}
}

func TestLoadBalancerControllerArguments(t *testing.T) {
	container := as[appsv1.Deployment](t, rendered(t, LoadBalancerController, `{}`), "Deployment aws-load-balancer-controller").Spec.Template.Spec.Containers[0]
	want := []string{
		"--cluster-name=e6data-acme", "--ingress-class=alb", "--aws-region=us-east-1", "--aws-vpc-id=vpc-0123456789abcdef0",
		"--enable-shield=false", "--enable-waf=false", "--enable-wafv2=false",
		"--default-tags=app=e6data,e6data-workspace=acme", "--webhook-bind-port=9443",
	}
	if diff := cmp.Diff(want, container.Args); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
}

func TestWorkspaceGivesTheControlPlaneItsRights(t *testing.T) {
	objects := rendered(t, Workspace, `{cloud: {control_plane_user: [one, two]}}`)

	account := as[corev1.ServiceAccount](t, objects, "ServiceAccount acme")
	if got := account.Annotations["eks.amazonaws.com/role-arn"]; got != engineRole {
		t.Errorf("the engine's role is %q, want %q", got, engineRole)
	}
	users := []rbacv1.Subject{
		{Kind: "User", APIGroup: rbacv1.GroupName, Name: "one"},
		{Kind: "User", APIGroup: rbacv1.GroupName, Name: "two"},
	}
	engine := append([]rbacv1.Subject{{Kind: "ServiceAccount", Name: "acme", Namespace: "e6data"}}, users...)
	for key, want := range map[string][]rbacv1.Subject{
		"RoleBinding acme-engine-role-binding":                              engine,
		"RoleBinding acme-platform-role-binding":                            users,
		"RoleBinding acme-platform-kube-system-role-binding in kube-system": users,
	} {
		if diff := cmp.Diff(want, as[rbacv1.RoleBinding](t, objects, key).Subjects); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
	if diff := cmp.Diff(users, as[rbacv1.ClusterRoleBinding](t, objects, "ClusterRoleBinding acme-karpenter-role-binding").Subjects); diff != "" {
		t.Errorf("who may change the node pool (-want +got):\n%s", diff)
	}
	for _, rule := range as[rbacv1.ClusterRole](t, objects, "ClusterRole acme-karpenter-role").Rules {
		if slices.Contains(rule.Verbs, "update") && !slices.Equal(rule.ResourceNames, []string{"e6data-acme"}) {
			t.Errorf("%v may be changed whatever their name: %v", rule.Resources, rule.ResourceNames)
		}
	}
}

func TestWorkspacePlaysFaultsByPodAnnotation(t *testing.T) {
	const fault = "rehearsal.e6data.com/fault"
	path := only(t, Options{Charts: []string{Workspace}, Values: map[string]map[string]any{Workspace: {"rehearsal": map[string]any{
		"deployment": map[string]any{"enabled": true, "replicas": 2, "podAnnotations": map[string]any{fault: "NeverReady"}},
	}}}})
	objects, err := render(t, path, valuesOf(t, Workspace, `{}`))
	if err != nil {
		t.Fatal(err)
	}
	spec := as[appsv1.Deployment](t, objects, "Deployment acme").Spec
	if got := spec.Template.Annotations[fault]; got != "NeverReady" || *spec.Replicas != 2 {
		t.Errorf("%d replicas with fault %q, want 2 with NeverReady", *spec.Replicas, got)
	}
}

func TestDefinitionsReachTheClusterUnchanged(t *testing.T) {
	dir := t.TempDir()
	for _, name := range neededCRDs {
		text := "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  annotations:\n" +
			"    from: upstream\n  name: " + name + "\nspec:\n  description: 'like {{ .Spec }} or {{- end }}'\n"
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := only(t, Options{Charts: []string{KarpenterCRD}, KarpenterCRDs: dir})
	for over, annotations := range map[string]map[string]string{
		`{}`:                              {"from": "upstream"},
		`{additionalAnnotations: {a: b}}`: {"from": "upstream", "a": "b"},
	} {
		objects, err := render(t, path, valuesOf(t, KarpenterCRD, over))
		if err != nil {
			t.Fatal(err)
		}
		got := objects["CustomResourceDefinition nodepools.karpenter.sh"]
		if diff := cmp.Diff(annotations, got.GetAnnotations()); diff != "" {
			t.Errorf("annotations (-want +got):\n%s", diff)
		}
		text, _, _ := unstructured.NestedString(got.Object, "spec", "description")
		if want := "like {{ .Spec }} or {{- end }}"; text != want {
			t.Errorf("description %q, want %q", text, want)
		}
	}
}
