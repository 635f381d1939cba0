package charts

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

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
	if got, want := spec.Template.Spec.Containers[0].Image, "public.ecr.aws/karpenter/controller:1.14.0"; got != want {
		t.Errorf("the image is %s, want %s", got, want)
	}
	got := map[string]string{}
	for _, env := range spec.Template.Spec.Containers[0].Env {
		got[env.Name] = env.Value
	}
	want := map[string]string{
		"CLUSTER_NAME":       "e6data-acme",
		"INTERRUPTION_QUEUE": "e6data-acme",
		"KARPENTER_SERVICE":  "karpenter",
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
