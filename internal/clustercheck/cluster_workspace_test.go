package clustercheck

import (
	"context"
	"strings"
	"testing"

	authentication "k8s.io/api/authentication/v1"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/e6data/aws-quickstart/internal/kube"
)

// What else a cluster can have in a workspace's way, made as a customer would,
// and each time what the API server itself says about it.
func TestWorkspaceOnACluster(t *testing.T) {
	t.Parallel() // nearly all of it is waiting
	folder := karpenterCharts(t)
	r := realCluster(t, 3)
	w := wantInstall()
	w.LoadBalancer.Namespace = "kube-system"

	t.Run("names", func(t *testing.T) {
		r.create(t, `{apiVersion: v1, kind: Namespace, metadata: {name: e6data}}`)
		r.create(t, `{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: acme-e6data-agent, labels: {team: data}}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: acme, namespace: e6data}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: karpenter}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: karpenter, namespace: karpenter, labels: {team: data}}}
---
{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: alb}, spec: {controller: ingress.k8s.aws/alb}}`)
		f := r.check(t, w)
		expect(t, f, KarpenterNames, BalancerNames, WorkspaceNames)
		say(t, f, "ServiceAccount karpenter/karpenter of no Helm release (made by customer)", "IngressClass alb of no Helm release (made by customer)",
			"ClusterRole acme-e6data-agent of no Helm release (made by customer), ServiceAccount e6data/acme")
		err := r.install(t, me, w.workspace(), loadChart(t, standIns, "workspace"), workspaceValues+`}`, false)
		if err == nil || !strings.Contains(err.Error(), "invalid ownership metadata") {
			t.Errorf("Helm does not refuse names that are taken: %v", err)
		}
	})

	t.Run("namespaces to look into", func(t *testing.T) {
		looks := w
		looks.DebugNamespaces = []string{"kube-system", "team-a"}
		f := r.check(t, looks)
		expect(t, f, DebugMissing)
		say(t, f, "not on the cluster (team-a)")
	})

	t.Run("definitions and NodePools without an owner", func(t *testing.T) {
		for _, d := range definitionsOf(t, folder, func(s string) string { return s }) {
			r.create(t, d)
		}
		r.established(t, nodePools)
		r.established(t, nodeClasses)
		r.create(t, `{apiVersion: karpenter.sh/v1, kind: NodePool, metadata: {name: e6data-acme}, spec: {template: {spec: {requirements: [],
  nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: any}}}}}`)
		f := r.check(t, w)
		expect(t, f, KarpenterDefinitions, PoolTaken)
		say(t, f, "nodepools.karpenter.sh of no Helm release (made by customer)", "NodePool e6data-acme of no Helm release (made by customer)")
	})

	t.Run("definitions of before 1.0", func(t *testing.T) {
		older := func(s string) string {
			return strings.Replace(s, "\n      name: v1\n", "\n      name: v1beta1\n", 1)
		}
		changed := 0
		for _, d := range definitionsOf(t, folder, older) {
			if strings.Contains(d, "name: v1beta1\n") && strings.Contains(d, "name: nodepools.karpenter.sh") {
				r.create(t, d)
				changed++
			}
		}
		if changed != 1 {
			t.Fatalf("%d definitions are changed", changed)
		}
		r.mustInstall(t, customer, karpenterHere, loadChart(t, folder, "karpenter"), karpenterValues+`}`)
		defer r.remove(t, customer, karpenterHere)
		existing := wantExisting()
		f := r.check(t, existing)
		expect(t, f, KarpenterNoV1, BalancerMissing)
		say(t, f, "nodepools.karpenter.sh serves v1beta1", "nodeclaims.karpenter.sh is missing")
	})

	t.Run("NodePools that cannot be converted", func(t *testing.T) {
		r.unconvertible(t)
		f := r.check(t, w)
		expect(t, f, Unreadable, KarpenterDefinitions)
		say(t, f, "nodepools.karpenter.sh", "conversion webhook")
	})

	t.Run("a namespace that does not end", func(t *testing.T) {
		r.create(t, `{apiVersion: v1, kind: Namespace, metadata: {name: e6data}}`)
		r.create(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: held, namespace: e6data, finalizers: [example.test/hold]}}`)
		namespaces := r.kube.CoreV1().Namespaces()
		if err := namespaces.Delete(t.Context(), "e6data", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		defer func() {
			_, err := r.kube.CoreV1().ConfigMaps("e6data").Patch(context.WithoutCancel(t.Context()), "held", "application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
			if err != nil {
				t.Error(err)
			}
		}()
		r.eventually(t, "say why the namespace stays", func() error {
			f := r.check(t, w)
			if text := Numbered(f.Problems); !strings.Contains(text, "example.test/hold in 1 resource instances") {
				return apierrors.NewBadRequest(text)
			}
			expect(t, f, NamespaceEnding)
			return nil
		})
	})
	r.eventually(t, "end of the namespace", func() error {
		if _, err := r.kube.CoreV1().Namespaces().Get(t.Context(), "e6data", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			return apierrors.NewBadRequest("it is still there")
		}
		return nil
	})

	t.Run("limits of the namespace", func(t *testing.T) {
		r.create(t, `{apiVersion: v1, kind: Namespace, metadata: {name: e6data, labels: {pod-security.kubernetes.io/enforce: restricted}}}`)
		r.create(t, `{apiVersion: v1, kind: ResourceQuota, metadata: {name: none, namespace: e6data}, spec: {hard: {count/pods: "0", requests.nvidia.com/gpu: "0"}}}
---
{apiVersion: v1, kind: LimitRange, metadata: {name: tiny, namespace: e6data}, spec: {limits: [{type: Container, max: {memory: 256Mi}}]}}`)
		f := r.check(t, w)
		expect(t, f, QuotaUsedUp, LimitTooSmall, PodSecurity)
		say(t, f, "count/pods 0 of 0", "memory 256Mi")
	})

	t.Run("Pod Security for the load balancer controller", func(t *testing.T) {
		w := w
		w.LoadBalancer.Namespace = balancerHere.Namespace
		r.create(t, `{apiVersion: v1, kind: Namespace, metadata: {name: net, labels: {pod-security.kubernetes.io/enforce: restricted}}}`)
		expect(t, r.check(t, w), BalancerPodSecurity)
		if err := r.install(t, me, balancerHere, loadChart(t, standIns, "aws-load-balancer-controller"), balancerValues+`}`, false); err != nil {
			t.Fatal(err)
		}
		defer r.remove(t, me, balancerHere)
		r.eventually(t, "refuse the pods", func() error {
			d, err := r.kube.AppsV1().Deployments(balancerHere.Namespace).Get(t.Context(), "aws-load-balancer-controller", metav1.GetOptions{})
			if err != nil {
				return err
			}
			for _, c := range d.Status.Conditions {
				if strings.Contains(c.Message, `violates PodSecurity "restricted`) {
					return nil
				}
			}
			return apierrors.NewBadRequest("no pod is refused")
		})
	})
	for _, name := range balancerKinds {
		r.delete(t, r.dynamic.Resource(definitions), name)
	}

	t.Run("dead webhooks", func(t *testing.T) {
		r.create(t, `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: gate}
webhooks:
  - name: all.gate.test
    clientConfig: {service: {namespace: policy, name: gate}}
    rules: [{apiGroups: ["*"], apiVersions: ["*"], resources: ["*/*"], operations: [CREATE], scope: Namespaced}]
    namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system]}]}
    sideEffects: None
    admissionReviewVersions: [v1]
  - name: soft.gate.test
    failurePolicy: Ignore
    clientConfig: {service: {namespace: policy, name: gate}}
    rules: [{apiGroups: ["*"], apiVersions: ["*"], resources: [clusterroles], operations: [CREATE]}]
    sideEffects: None
    admissionReviewVersions: [v1]`)
		f := r.check(t, w)
		expect(t, f, WebhookDead)
		say(t, f, "ValidatingWebhookConfiguration gate refuses every change of configmaps, deployments", "Service policy/gate")
		r.eventually(t, "refuse a ConfigMap", func() error {
			_, err := r.kube.CoreV1().ConfigMaps("default").Create(t.Context(), &core.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "x-"}}, metav1.CreateOptions{})
			if err == nil || !strings.Contains(err.Error(), "all.gate.test") {
				return apierrors.NewBadRequest("not refused")
			}
			return nil
		})
	})

	t.Run("a broken API", func(t *testing.T) {
		r.create(t, `{apiVersion: apiregistration.k8s.io/v1, kind: APIService, metadata: {name: v1beta1.external.metrics.k8s.io},
  spec: {group: external.metrics.k8s.io, version: v1beta1, groupPriorityMinimum: 100, versionPriority: 100, insecureSkipTLSVerify: true, service: {namespace: keda, name: metrics}}}`)
		r.eventually(t, "see that it is broken", func() error {
			if f := r.check(t, w); len(f.Notes) == 0 {
				return apierrors.NewBadRequest("no note")
			}
			return nil
		})
		f := r.check(t, w)
		expect(t, f, APIBroken)
		say(t, f, "v1beta1.external.metrics.k8s.io", "ServiceNotFound")
	})

	t.Run("nothing is left of it", func(t *testing.T) { expect(t, r.check(t, w)) })
	t.Run("rights", r.rights)
}

// unconvertible leaves a NodePool in a version that needs a conversion, and
// nobody to do it, as a Karpenter does that was removed on its way to 1.1.
func (r *running) unconvertible(t *testing.T) {
	t.Helper()
	const crd = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: nodepools.karpenter.sh}
spec:
  group: karpenter.sh
  names: {kind: NodePool, plural: nodepools}
  scope: Cluster
  versions:
    - {name: v1beta1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
    - {name: v1, served: true, storage: false, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
  conversion: {strategy: Webhook, webhook: {conversionReviewVersions: [v1], clientConfig: {service: {namespace: karpenter, name: karpenter, path: /}}}}`
	r.create(t, crd)
	older := nodePools
	older.Version = "v1beta1"
	r.established(t, older)
	r.create(t, `{apiVersion: karpenter.sh/v1beta1, kind: NodePool, metadata: {name: default}}`)
}

// rights checks with tokens that may do less and less.
func (r *running) rights(t *testing.T) {
	w := wantExisting()
	as := func(t *testing.T, role string) *kube.Cluster {
		t.Helper()
		name := "installer-" + role
		accounts := r.kube.CoreV1().ServiceAccounts("default")
		if _, err := accounts.Create(t.Context(), &core.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		if role != "none" {
			r.create(t, `{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: `+name+`},
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: `+role+`}, subjects: [{kind: ServiceAccount, namespace: default, name: `+name+`}]}`)
		}
		token, err := accounts.CreateToken(t.Context(), name, &authentication.TokenRequest{}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		cfg := rest.AnonymousClientConfig(r.Config())
		cfg.BearerToken, cfg.QPS = token.Status.Token, -1
		return kube.NewCluster("local", cfg)
	}
	t.Run("none", func(t *testing.T) {
		f := r.checkAs(t, w, as(t, "none"))
		expect(t, f, RightsMissing)
		say(t, f, "create secrets", "more on the cluster", "AmazonEKSClusterAdminPolicy")
	})
	t.Run("to view", func(t *testing.T) {
		f := r.checkAs(t, w, as(t, "view"))
		expect(t, f, RightsMissing, KarpenterMissing, BalancerMissing)
	})
	t.Run("of an editor", func(t *testing.T) {
		expect(t, r.checkAs(t, w, as(t, "edit")), RightsMissing, KarpenterMissing, BalancerMissing)
	})
	t.Run("of an administrator", func(t *testing.T) {
		cluster := as(t, "cluster-admin")
		client, err := kubernetes.NewForConfig(cluster.Config())
		if err != nil {
			t.Fatal(err)
		}
		r.eventually(t, "get the rights", func() error {
			_, err := client.CoreV1().Secrets("default").List(t.Context(), metav1.ListOptions{})
			return err
		})
		expect(t, r.checkAs(t, w, cluster), KarpenterMissing, BalancerMissing)
	})
	t.Run("that suffice, one by one", func(t *testing.T) {
		var rules []string
		for _, m := range made {
			rules = append(rules, `{apiGroups: ["`+m.group+`"], resources: [`+m.resource+`], verbs: [create, delete]}`)
		}
		r.create(t, `{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: enough}, rules: [
  {apiGroups: ["*"], resources: ["*"], verbs: [get, list]}, {apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [escalate, bind]}, `+strings.Join(rules, ", ")+`]}`)
		cluster := as(t, "enough")
		r.eventually(t, "get the rights", func() error {
			f := r.checkAs(t, w, cluster)
			if len(f.Problems) > 2 {
				return f.Err("local", "acme")
			}
			expect(t, f, KarpenterMissing, BalancerMissing)
			return nil
		})
	})
}
