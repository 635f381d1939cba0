package clustercheck

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	admission "k8s.io/api/admissionregistration/v1"
	apps "k8s.io/api/apps/v1"
	authorization "k8s.io/api/authorization/v1"
	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	networking "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
	fakediscovery "k8s.io/client-go/discovery/fake"
	fakedynamic "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	fakemetadata "k8s.io/client-go/metadata/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/e6data/aws-quickstart/internal/release"
)

// fakes are a Reader's clients, with what stands on their cluster.
type fakes struct {
	kube    *fake.Clientset
	meta    *fakemetadata.FakeMetadataClient
	dynamic *fakedynamic.FakeDynamicClient
}

func newFakes(typed, partial, plain []runtime.Object) *fakes {
	f := &fakes{
		kube: fake.NewClientset(typed...),
		meta: fakemetadata.NewSimpleMetadataClient(func() *runtime.Scheme {
			s := fakemetadata.NewTestScheme()
			_ = metav1.AddMetaToScheme(s)
			return s
		}(), partial...),
		dynamic: fakedynamic.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), map[schema.GroupVersionResource]string{
			apiServices: "APIServiceList", definitions: "CustomResourceDefinitionList", nodePools: "NodePoolList",
		}, plain...),
	}
	f.kube.Discovery().(*fakediscovery.FakeDiscovery).FakedServerVersion = &version.Info{GitVersion: "v1.36.3-eks-0a1b2c3"}
	f.may(func(authorization.ResourceAttributes) bool { return true })
	return f
}

// may answers what the role may do.
func (f *fakes) may(allowed func(authorization.ResourceAttributes) bool) {
	f.kube.PrependReactor("create", "selfsubjectaccessreviews", func(a clienttesting.Action) (bool, runtime.Object, error) {
		review := a.(clienttesting.CreateAction).GetObject().(*authorization.SelfSubjectAccessReview).DeepCopy()
		review.Status.Allowed = allowed(*review.Spec.ResourceAttributes)
		return true, review, nil
	})
}

// fail makes every request for a resource fail.
func (f *fakes) fail(verb, resource string, err error) {
	refuse := func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, err }
	for _, c := range []*clienttesting.Fake{&f.kube.Fake, &f.meta.Fake, &f.dynamic.Fake} {
		c.PrependReactor(verb, resource, refuse)
	}
}

func (f *fakes) actions() []clienttesting.Action {
	return slices.Concat(f.kube.Actions(), f.meta.Actions(), f.dynamic.Actions())
}

func (f *fakes) reader() *Reader {
	return &Reader{kube: f.kube, meta: f.meta, dynamic: f.dynamic, pageSize: 2}
}

func (f *fakes) picture(t *testing.T, w Want) Picture {
	t.Helper()
	p, err := f.reader().Picture(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// helm are the marks of an object of a release.
func helm(target release.Target, more metav1.ObjectMeta) metav1.ObjectMeta {
	more.Annotations = map[string]string{"meta.helm.sh/release-name": target.Name, "meta.helm.sh/release-namespace": target.Namespace}
	return more
}

func named(namespace, name string, labels map[string]string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels}
}

func partial(apiVersion, kind string, m metav1.ObjectMeta) *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: apiVersion, Kind: kind}, ObjectMeta: m}
}

// record is a revision of a release in Helm's storage.
func record(target release.Target, revision int, o release.Owner) *metav1.PartialObjectMetadata {
	labels := map[string]string{"owner": "helm", "name": target.Name, "version": fmt.Sprint(revision)}
	if o.Stack != "" {
		labels["quickstart.e6data.com/stack-uuid"], labels["quickstart.e6data.com/stack-name"], labels["quickstart.e6data.com/logical-id"] = o.Stack, o.StackName, o.Resource
	}
	return partial("v1", "Secret", named(target.Namespace, fmt.Sprintf("sh.helm.release.v1.%s.v%d", target.Name, revision), labels))
}

func controller(namespace, name, image string, m metav1.ObjectMeta) *apps.Deployment {
	m.Namespace, m.Name = namespace, name
	d := &apps.Deployment{ObjectMeta: m, Status: apps.DeploymentStatus{ReadyReplicas: 1}}
	d.Spec.Replicas = new(int32(2))
	d.Spec.Template.Spec.Containers = []core.Container{{Image: "example.test/proxy:9.9.9"}, {Image: image}}
	d.Spec.Template.Spec.ServiceAccountName = name
	return d
}

func definition(name string, m map[string]any, versions ...any) *unstructured.Unstructured {
	m["name"] = name
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": m,
		"spec": map[string]any{"versions": versions},
	}}
}

func served(name string, serves, stores bool) any {
	return map[string]any{"name": name, "served": serves, "storage": stores}
}

func machine(name, zone string, labels map[string]string, change func(*core.Node)) *core.Node {
	n := &core.Node{ObjectMeta: named("", name, map[string]string{core.LabelOSStable: "linux", core.LabelTopologyZone: zone})}
	maps.Copy(n.Labels, labels)
	n.Status.Conditions = []core.NodeCondition{{Type: core.NodeReady, Status: core.ConditionTrue}}
	if change != nil {
		change(n)
	}
	return n
}

func hook(name, service string, policy *admission.FailurePolicyType) *admission.ValidatingWebhookConfiguration {
	return &admission.ValidatingWebhookConfiguration{
		ObjectMeta: named("", name, nil),
		Webhooks: []admission.ValidatingWebhook{{
			Name: name + ".example.test", FailurePolicy: policy,
			ClientConfig: admission.WebhookClientConfig{Service: &admission.ServiceReference{Namespace: "policy", Name: service}},
			Rules:        []admission.RuleWithOperations{{Operations: []admission.OperationType{admission.Create}}},
		}},
	}
}

func slice(service string, conditions ...discovery.EndpointConditions) *discovery.EndpointSlice {
	s := &discovery.EndpointSlice{ObjectMeta: named("policy", service+"-1", map[string]string{discovery.LabelServiceName: service})}
	for _, c := range conditions {
		s.Endpoints = append(s.Endpoints, discovery.Endpoint{Addresses: []string{"10.0.0.1"}, Conditions: c})
	}
	return s
}

// cluster has one of everything that is looked for.
func cluster() *fakes {
	k := release.Target{Namespace: "kube-system", Name: "karpenter"}
	crd := release.Target{Namespace: "kube-system", Name: "karpenter-crd"}
	account := named("kube-system", "karpenter", nil)
	account.Annotations = map[string]string{"eks.amazonaws.com/role-arn": karpenterARN}
	maker := []metav1.ManagedFieldsEntry{{Manager: "kube-controller-manager", Subresource: "status"}, {Manager: "kubectl-create"}, {Manager: "helm"}}
	tainted := func(key string, effect core.TaintEffect) func(*core.Node) {
		return func(n *core.Node) { n.Spec.Taints = []core.Taint{{Key: key, Effect: effect}} }
	}
	return newFakes(
		[]runtime.Object{
			controller("kube-system", "karpenter", "registry.test/mirror/karpenter/controller:1.13.1@sha256:00", helm(k, named("", "", map[string]string{labelName: "karpenter", labelVersion: "1.14.0"}))),
			controller("net", "balancer", "public.ecr.aws/eks/aws-load-balancer-controller:v3.5.0", metav1.ObjectMeta{}),
			controller("net", "old", "docker.io/amazon/aws-alb-ingress-controller:v1.1.9", metav1.ObjectMeta{}),
			controller("shop", "shop", "example.test/shop:1", named("", "", map[string]string{labelName: "shop"})),
			&core.ServiceAccount{ObjectMeta: account},
			&core.ServiceAccount{ObjectMeta: named("net", "balancer", nil)},
			machine("n1", "a", nil, nil), machine("n2", "a", map[string]string{labelNodePool: "default"}, nil),
			machine("n3", "a", nil, tainted("CriticalAddonsOnly", core.TaintEffectNoSchedule)),
			machine("n4", "a", nil, tainted("gpu", core.TaintEffectNoSchedule)), machine("n5", "a", nil, tainted("slow", core.TaintEffectPreferNoSchedule)),
			machine("n6", "a", nil, func(n *core.Node) { n.Spec.Unschedulable = true }),
			machine("n7", "a", nil, func(n *core.Node) { n.Status.Conditions[0].Status = core.ConditionUnknown }),
			machine("n8", "a", map[string]string{core.LabelOSStable: "windows"}, nil),
			&core.Namespace{ObjectMeta: named("", "e6data", map[string]string{"team": "data"})},
			&core.Namespace{ObjectMeta: named("", "shop", nil)},
			&core.ResourceQuota{ObjectMeta: named("e6data", "quota", nil)}, &core.ResourceQuota{ObjectMeta: named("shop", "quota", nil)},
			&core.LimitRange{ObjectMeta: named("e6data", "limits", nil)},
			&networking.IngressClass{ObjectMeta: named("", "alb", nil), Spec: networking.IngressClassSpec{Controller: albController}},
			&networking.IngressClass{ObjectMeta: named("", "nginx", nil), Spec: networking.IngressClassSpec{Controller: "k8s.io/ingress-nginx"}},
			hook("alive", "alive", nil), hook("dead", "dead", nil), hook("not-ready", "not-ready", new(admission.Fail)), hook("lenient", "dead", new(admission.Ignore)),
			hook("outside", "outside", nil), hook("gone", "gone", nil),
			&admission.MutatingWebhookConfiguration{
				ObjectMeta: named("", "mutator", nil),
				Webhooks: []admission.MutatingWebhook{
					{ClientConfig: admission.WebhookClientConfig{Service: &admission.ServiceReference{Namespace: "policy", Name: "dead"}}, ObjectSelector: &metav1.LabelSelector{}},
					{ClientConfig: admission.WebhookClientConfig{URL: new("https://127.0.0.1:21443/")}},
				},
			},
			slice("alive", discovery.EndpointConditions{Ready: new(false)}, discovery.EndpointConditions{}),
			slice("not-ready", discovery.EndpointConditions{Ready: new(false)}), slice("dead"),
			&core.Service{ObjectMeta: named("policy", "dead", nil)}, &core.Service{ObjectMeta: named("policy", "not-ready", nil)},
			&core.Service{ObjectMeta: named("policy", "outside", nil), Spec: core.ServiceSpec{Type: core.ServiceTypeExternalName}},
		},
		[]runtime.Object{
			record(k, 2, me), record(k, 10, other), record(k, 9, me), record(crd, 1, release.Owner{}),
			record(release.Target{Namespace: "x", Name: "rival"}, 1, other), record(release.Target{Namespace: "x", Name: "shop"}, 1, release.Owner{}),
			record(release.Target{Namespace: "y", Name: "acme"}, 1, release.Owner{}),
			partial("rbac.authorization.k8s.io/v1", "ClusterRole", metav1.ObjectMeta{Name: "acme-karpenter-role", ManagedFields: maker}),
			partial("v1", "ServiceAccount", named("e6data", "e6data-agent", nil)), partial("v1", "ServiceAccount", named("shop", "acme", nil)),
			partial("karpenter.sh/v1", "NodePool", helm(k, named("", "e6data-acme", nil))),
		},
		[]runtime.Object{
			definition("nodepools.karpenter.sh", map[string]any{"annotations": map[string]any{
				"meta.helm.sh/release-name": "karpenter-crd", "meta.helm.sh/release-namespace": "kube-system",
			}}, served("v1", true, true), served("v1beta1", true, false), served("v1alpha5", false, false)),
			definition("widgets.example.test", map[string]any{}, served("v1", true, true)),
			&unstructured.Unstructured{Object: map[string]any{
				"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": map[string]any{"name": "auto"},
				"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"nodeClassRef": map[string]any{"group": "eks.amazonaws.com"}}}},
			}},
			&unstructured.Unstructured{Object: map[string]any{
				"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": map[string]any{"name": "v1beta1.external.metrics.k8s.io"},
				"status": map[string]any{"conditions": []any{map[string]any{"type": "Available", "status": "False", "reason": "ServiceNotFound"}}},
			}},
			&unstructured.Unstructured{Object: map[string]any{
				"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": map[string]any{"name": "v1.apps"},
				"status": map[string]any{"conditions": []any{map[string]any{"type": "Available", "status": "True", "reason": "Local"}}},
			}},
		},
	)
}

func TestPicture(t *testing.T) {
	w := existing().Want
	w.Karpenter = Controller{Install: true, Namespace: "kube-system", Version: "1.14.0"}
	f := cluster()
	got := f.picture(t, w)
	webhook := func(configuration, service string) Webhook {
		return Webhook{
			Configuration: configuration, Service: release.Target{Namespace: "policy", Name: service},
			Rules: []admission.RuleWithOperations{{Operations: []admission.OperationType{admission.Create}}},
		}
	}
	k := release.Target{Namespace: "kube-system", Name: "karpenter"}
	want := Picture{
		Version: "v1.36.3-eks-0a1b2c3", Unseen: map[string]bool{}, Unreadable: map[string]string{},
		BrokenAPIs: []BrokenAPI{{"v1beta1.external.metrics.k8s.io", "ServiceNotFound"}},
		Definitions: map[string]Definition{"nodepools.karpenter.sh": {
			Served: []string{"v1", "v1beta1"}, Storage: "v1", Marks: Marks{Release: release.Target{Namespace: "kube-system", Name: "karpenter-crd"}},
		}},
		Deployments: []Deployment{
			{
				Part: Karpenter, Namespace: "kube-system", Name: "karpenter", Version: "1.13.1", Replicas: 2, Ready: 1,
				ServiceAccount: "karpenter", RoleARN: karpenterARN, Marks: Marks{Release: k},
			},
			{Part: LoadBalancer, Namespace: "net", Name: "balancer", Version: "3.5.0", Replicas: 2, Ready: 1, ServiceAccount: "balancer"},
			{Part: OldIngress, Namespace: "net", Name: "old", Version: "1.1.9", Replicas: 2, Ready: 1, ServiceAccount: "old"},
		},
		Records: map[release.Target]release.Owner{
			k: other, {Namespace: "kube-system", Name: "karpenter-crd"}: {}, {Namespace: "x", Name: "rival"}: other, {Namespace: "y", Name: "acme"}: {},
		},
		Objects: map[claim]Marks{
			(&world{Want: w}).object("ClusterRole acme-karpenter-role"):    {Maker: "kubectl-create"},
			(&world{Want: w}).object("ServiceAccount e6data/e6data-agent"): {},
			(&world{Want: w}).object("NodePool e6data-acme"):               {Release: k},
		},
		AutoMode:           true,
		Nodes:              []Node{{"a", true}, {"a", true}, {"a", false}, {"a", true}, {"a", false}, {"a", false}},
		Namespaces:         map[string]core.Namespace{"e6data": {ObjectMeta: named("", "e6data", map[string]string{"team": "data"})}},
		Quotas:             []core.ResourceQuota{{ObjectMeta: named("e6data", "quota", nil)}},
		Limits:             []core.LimitRange{{ObjectMeta: named("e6data", "limits", nil)}},
		IngressControllers: map[string][]string{albController: {"alb"}, "k8s.io/ingress-nginx": {"nginx"}},
		DeadWebhooks: []Webhook{
			{Configuration: "MutatingWebhookConfiguration mutator", Service: release.Target{Namespace: "policy", Name: "dead"}, Objects: &metav1.LabelSelector{}},
			webhook("ValidatingWebhookConfiguration dead", "dead"), webhook("ValidatingWebhookConfiguration gone", "gone"),
			webhook("ValidatingWebhookConfiguration not-ready", "not-ready"),
		},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(claim{}), cmpopts.IgnoreFields(metav1.ObjectMeta{}, "ManagedFields"), cmpopts.IgnoreFields(metav1.TypeMeta{}, "Kind", "APIVersion")); diff != "" {
		t.Errorf("picture (-want +got):\n%s", diff)
	}
	for _, a := range f.actions() {
		if !slices.Contains([]string{"get", "list"}, a.GetVerb()) && a.GetResource().Resource != "selfsubjectaccessreviews" {
			t.Errorf("it does %s %s: it only reads", a.GetVerb(), a.GetResource().Resource)
		}
	}
}

// pages gives a list in pages of one, and records what was asked for.
func pages(f *clienttesting.Fake, resource string, list func(i int) runtime.Object, n int) *[]metav1.ListOptions {
	asked := &[]metav1.ListOptions{}
	f.PrependReactor("list", resource, func(a clienttesting.Action) (bool, runtime.Object, error) {
		o := a.(clienttesting.ListActionImpl).ListOptions
		*asked = append(*asked, o)
		i := len(o.Continue)
		page := list(i)
		if i < n-1 {
			m, err := metav1ListOf(page)
			if err != nil {
				return true, nil, err
			}
			m.SetContinue(strings.Repeat("x", i+1))
		}
		return true, page, nil
	})
	return asked
}

func metav1ListOf(o runtime.Object) (metav1.ListInterface, error) {
	if l, ok := o.(metav1.ListInterface); ok {
		return l, nil
	}
	if l, ok := o.(metav1.ListMetaAccessor); ok {
		return l.GetListMeta(), nil
	}
	return nil, fmt.Errorf("%T is no list", o)
}

// A cluster of thousands of nodes and Deployments is read in pages, and no
// further than needed.
func TestLargeClusters(t *testing.T) {
	w := existing().Want
	w.Karpenter = Controller{Install: true, Namespace: "kube-system", Version: "1.14.0"}

	t.Run("nodes, until two zones have one", func(t *testing.T) {
		f := cluster()
		asked := pages(&f.kube.Fake, "nodes", func(i int) runtime.Object {
			return &core.NodeList{Items: []core.Node{*machine(fmt.Sprint("n", i), string(rune('a'+i/3)), nil, nil)}}
		}, 100)
		p := f.picture(t, w)
		if len(p.Nodes) != 4 || !Enough(p.Nodes) {
			t.Errorf("nodes seen: %v", p.Nodes)
		}
		if n := len(*asked); n < 4 || n > 5 {
			t.Errorf("%d pages were asked for; 4 are needed", n)
		}
		for _, o := range *asked {
			if o.Limit != 2 || o.LabelSelector != "!karpenter.sh/nodepool,kubernetes.io/os=linux" {
				t.Errorf("asked for %+v", o)
			}
		}
	})
	t.Run("all nodes of one zone", func(t *testing.T) {
		f := cluster()
		pages(&f.kube.Fake, "nodes", func(i int) runtime.Object {
			return &core.NodeList{Items: []core.Node{*machine(fmt.Sprint("n", i), "a", nil, nil)}}
		}, 7)
		if p := f.picture(t, w); len(p.Nodes) != 7 {
			t.Errorf("%d nodes are seen, want 7", len(p.Nodes))
		}
	})
	t.Run("no nodes unless Karpenter is installed", func(t *testing.T) {
		f := cluster()
		asked := pages(&f.kube.Fake, "nodes", func(int) runtime.Object { return &core.NodeList{} }, 1)
		if p := f.picture(t, existing().Want); p.Nodes != nil || len(*asked) > 0 {
			t.Errorf("nodes are read: %v", p.Nodes)
		}
	})
	t.Run("Deployments, all if a label is missing", func(t *testing.T) {
		f := cluster()
		asked := pages(&f.kube.Fake, "deployments", func(i int) runtime.Object {
			d := controller("ns", fmt.Sprint("d", i), "example.test/any:1", metav1.ObjectMeta{})
			if i == 5 {
				d = controller("ns", "k", "example.test/karpenter/controller:1.14.0", metav1.ObjectMeta{})
			}
			return &apps.DeploymentList{Items: []apps.Deployment{*d}}
		}, 9)
		p := f.picture(t, existing().Want)
		if len(p.Deployments) != 1 || p.Deployments[0].Name != "k" {
			t.Errorf("found %v", p.Deployments)
		}
		if len(*asked) != 18 {
			t.Errorf("%d pages were asked for, want 9 by label and 9 of all", len(*asked))
		}
	})
	t.Run("Deployments, by label only if both are found", func(t *testing.T) {
		f := cluster()
		asked := pages(&f.kube.Fake, "deployments", func(int) runtime.Object {
			return &apps.DeploymentList{Items: []apps.Deployment{
				*controller("ns", "k", "x/y:1.14.0", named("", "", map[string]string{labelName: "karpenter"})),
				*controller("ns", "l", "x/z:3.5.0", named("", "", map[string]string{labelName: "aws-load-balancer-controller"})),
			}}
		}, 1)
		p := f.picture(t, existing().Want)
		// The image that says nothing is that of the first container.
		if len(p.Deployments) != 2 || p.Deployments[0].Version != "9.9.9" || p.Deployments[1].Part != LoadBalancer {
			t.Errorf("found %+v", p.Deployments)
		}
		if len(*asked) != 1 || (*asked)[0].LabelSelector == "" {
			t.Errorf("asked for %+v", *asked)
		}
	})
	t.Run("only metadata of records", func(t *testing.T) {
		f := cluster()
		asked := pages(&f.meta.Fake, "secrets", func(i int) runtime.Object {
			return &metav1.List{Items: []runtime.RawExtension{{Object: record(release.Target{Namespace: "x", Name: fmt.Sprint("r", i)}, 1, other)}}}
		}, 1)
		f.picture(t, existing().Want)
		for _, a := range f.kube.Actions() {
			if a.GetResource().Resource == "secrets" {
				t.Error("secrets are read with their content")
			}
		}
		if len(*asked) != 2 || !strings.HasPrefix((*asked)[0].LabelSelector, "owner=helm,quickstart.e6data.com/stack-uuid") {
			t.Errorf("asked for %+v", *asked)
		}
	})
}

var errForbidden = apierrors.NewForbidden(schema.GroupResource{}, "", errors.New("no"))

// everything is what a reader asks for, as the fakes call it.
var everything = map[string]string{ // to the name in Unseen
	"apiservices": "apiservices.apiregistration.k8s.io", "customresourcedefinitions": "customresourcedefinitions.apiextensions.k8s.io",
	"secrets": "secrets", "deployments": "deployments.apps", "serviceaccounts": "serviceaccounts", "nodes": "nodes", "namespaces": "namespaces",
	"resourcequotas": "resourcequotas", "limitranges": "limitranges", "ingressclasses": "ingressclasses.networking.k8s.io",
	"mutatingwebhookconfigurations": "mutatingwebhookconfigurations.admissionregistration.k8s.io", "nodepools": "nodepools.karpenter.sh",
	"validatingwebhookconfigurations": "validatingwebhookconfigurations.admissionregistration.k8s.io",
	"endpointslices":                  "endpointslices.discovery.k8s.io", "services": "services", "clusterroles": "clusterroles.rbac.authorization.k8s.io",
	"clusterrolebindings": "clusterrolebindings.rbac.authorization.k8s.io",
}

func wantAll() Want {
	w := existing().Want
	w.Karpenter = Controller{Install: true, Namespace: "kube-system", Version: "1.14.0"}
	w.LoadBalancer = Controller{Install: true, Namespace: "kube-system", Version: "3.5.0"}
	return w
}

func TestEachRefusalIsAGapAndNoMore(t *testing.T) {
	whole := cluster().picture(t, wantAll())
	for resource, name := range everything {
		t.Run(resource, func(t *testing.T) {
			f := cluster()
			f.fail("*", resource, errForbidden)
			p := f.picture(t, wantAll())
			if !p.Unseen[name] || len(p.Unseen) != 1 {
				t.Errorf("unseen: %v, want %s only", p.Unseen, name)
			}
			if len(p.Lacks) == 0 || !strings.HasSuffix(p.Lacks[0].Resource, name) {
				t.Errorf("lacks %v", p.Lacks)
			}
			if p.Version != whole.Version || name != "deployments.apps" && len(p.Deployments) != len(whole.Deployments) {
				t.Errorf("more is missing: %+v", p)
			}
			f2 := Judge(wantAll(), p)
			if len(f2.Problems) == 0 || f2.Problems[0].Rule != RightsMissing {
				t.Errorf("the first problem is not the missing right: %v", f2.Problems)
			}
		})
	}
}

func TestEachFailureEndsTheLook(t *testing.T) {
	custom := map[string]bool{"nodepools": true}
	for resource := range everything {
		t.Run(resource, func(t *testing.T) {
			f := cluster()
			f.fail("*", resource, errors.New("connection reset"))
			_, err := f.reader().Picture(t.Context(), wantAll())
			if err == nil || !strings.Contains(err.Error(), resource) || !strings.Contains(err.Error(), "connection reset") {
				t.Errorf("got %v", err)
			}
			if !custom[resource] {
				return
			}
			f = cluster()
			f.fail("*", resource, apierrors.NewInternalError(errors.New("conversion webhook failed")))
			p := f.picture(t, wantAll())
			if said := p.Unreadable["nodepools.karpenter.sh"]; !strings.Contains(said, "conversion webhook failed") {
				t.Errorf("unreadable: %v", p.Unreadable)
			}
		})
	}
}

func TestRights(t *testing.T) {
	for name, tt := range map[string]struct {
		may  func(authorization.ResourceAttributes) bool
		want []Right
	}{
		"everything": {func(a authorization.ResourceAttributes) bool {
			return a.Verb == "*" && a.Resource == "*" && a.Group == "*"
		}, nil},
		"everything that is needed, one by one": {func(a authorization.ResourceAttributes) bool { return a.Verb != "*" }, nil},
		"all but two": {
			func(a authorization.ResourceAttributes) bool {
				return a.Verb != "*" && a.Verb != "escalate" && (a.Verb != "delete" || a.Group != "apps" || a.Resource != "deployments")
			},
			[]Right{{"delete", "deployments.apps"}, {"escalate", "clusterroles.rbac.authorization.k8s.io"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := cluster()
			f.may(tt.may)
			if diff := cmp.Diff(tt.want, f.picture(t, existing().Want).Lacks); diff != "" {
				t.Errorf("lacks (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPictureEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := cluster()
	f.kube.PrependReactor("list", "deployments", func(clienttesting.Action) (bool, runtime.Object, error) {
		cancel()
		return false, nil, nil
	})
	if _, err := f.reader().Picture(ctx, wantAll()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
