package clustercheck

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6data/aws-quickstart/internal/release"
)

// Values of charts on the embedded cluster.
const (
	karpenterValues = `{settings: {clusterName: local}, serviceAccount: {annotations: {eks.amazonaws.com/role-arn: "` + karpenterARN + `"}}`
	balancerValues  = `{clusterName: local`
	workspaceValues = `{cloud: {oidc_value: "arn:aws:iam::111122223333:role/engine", control_plane_user: [e6data-acme-user]}`
)

var (
	karpenterHere = release.Target{Namespace: "karpenter", Name: "karpenter"}
	crdsHere      = release.Target{Namespace: "karpenter", Name: "karpenter-crd"}
	balancerHere  = release.Target{Namespace: "net", Name: "aws-load-balancer-controller"}
)

func wantExisting() Want {
	w := existing().Want
	w.ClusterName = "local"
	return w
}

func wantInstall() Want {
	w := install().Want
	w.ClusterName = "local"
	w.Karpenter.Namespace, w.LoadBalancer.Namespace = karpenterHere.Namespace, balancerHere.Namespace
	return w
}

// The customer's own controllers, and ours, in the states that they are found
// in: upstream's real charts on a real API server.
func TestControllersOnACluster(t *testing.T) {
	t.Parallel() // nearly all of it is waiting
	folder := karpenterCharts(t)
	r := realCluster(t, 3)
	w := wantExisting()

	t.Run("an empty cluster", func(t *testing.T) {
		expect(t, r.check(t, wantInstall()))
		expect(t, r.check(t, w), KarpenterMissing, BalancerMissing)
	})
	r.mustInstall(t, customer, crdsHere, loadChart(t, folder, "karpenter-crd"), `{}`)
	r.mustInstall(t, customer, karpenterHere, loadChart(t, folder, "karpenter"), karpenterValues+`}`)
	r.mustInstall(t, customer, balancerHere, loadChart(t, standIns, "aws-load-balancer-controller"), balancerValues+`}`)
	t.Run("the customer's own", func(t *testing.T) {
		f := r.check(t, w)
		expect(t, f)
		want := Facts{"1.36", "1.13.0", "karpenter", "KarpenterController", "3.5.0", "net"}
		if f.Facts != want {
			t.Errorf("facts %+v, want %+v", f.Facts, want)
		}
		f = r.check(t, wantInstall())
		expect(t, f, KarpenterPresent, BalancerPresent)
		say(t, f, "karpenter/karpenter of Helm release karpenter/karpenter", "net/aws-load-balancer-controller of Helm release net/aws-load-balancer-controller")
	})
	t.Run("another role than named", func(t *testing.T) {
		w := w
		w.ControllerRoleName = "Other"
		f := r.check(t, w)
		expect(t, f, KarpenterRole)
		say(t, f, "KarpenterControllerRoleName is Other, but service account karpenter/karpenter of Karpenter has role KarpenterController")
	})
	t.Run("not ready, too old and without a label", func(t *testing.T) {
		r.broken(t, folder)
		f := r.check(t, w)
		expect(t, f, KarpenterUnsuited, KarpenterNotReady, BalancerOld, BalancerNotReady, BalancerNoClass, WebhookDead, WebhookDead)
		say(t, f, "version 1.8.2, but Kubernetes 1.36 needs 1.13.0", "ValidatingWebhookConfiguration aws-load-balancer-webhook refuses every change of ingresses",
			"MutatingWebhookConfiguration aws-load-balancer-webhook refuses every change of services")
		service := &core.Service{ObjectMeta: metav1.ObjectMeta{Name: "any"}, Spec: core.ServiceSpec{Ports: []core.ServicePort{{Port: 80}}}}
		if _, err := r.kube.CoreV1().Services("default").Create(t.Context(), service, metav1.CreateOptions{}); err == nil || !strings.Contains(err.Error(), "aws-load-balancer-webhook-service") {
			t.Errorf("a Service is not refused: %v", err)
		}
	})
	r.remove(t, customer, balancerHere)
	r.remove(t, customer, karpenterHere)
	t.Run("only definitions are left", func(t *testing.T) {
		f := r.check(t, w)
		expect(t, f, KarpenterMissing, BalancerMissing)
		say(t, f, "only its custom resource definitions")
		expect(t, r.check(t, wantInstall()), KarpenterNames, BalancerKindsThere)
	})
	t.Run("EKS Auto Mode", func(t *testing.T) {
		r.create(t, `{apiVersion: karpenter.sh/v1, kind: NodePool, metadata: {name: general-purpose}, spec: {template: {spec: {requirements: [],
  nodeClassRef: {group: eks.amazonaws.com, kind: NodeClass, name: default}}}}}`)
		expect(t, r.check(t, w), KarpenterAutoMode, BalancerMissing)
		expect(t, r.check(t, wantInstall()), KarpenterDefinitions, BalancerKindsThere)
	})
	r.remove(t, customer, crdsHere)
}

// broken makes the customer's controllers old and never ready.
func (r *running) broken(t *testing.T, folder string) {
	t.Helper()
	const fault = `podAnnotations: {rehearsal.e6data.com/fault: NeverReady}`
	if err := r.install(t, customer, karpenterHere, loadChart(t, folder, "karpenter"),
		karpenterValues+`, `+fault+`, controller: {image: {tag: 1.8.2}}, strategy: {type: Recreate, rollingUpdate: null}}`, false); err != nil {
		t.Fatal(err)
	}
	if err := r.install(t, customer, balancerHere, loadChart(t, standIns, "aws-load-balancer-controller"),
		balancerValues+`, enableServiceMutatorWebhook: true, image: {tag: v2.3.1}, replicaCount: 0, createIngressClassResource: false}`, false); err != nil {
		t.Fatal(err)
	}
	// Nobody may rely on labels: a private installation has its own.
	deployments := r.kube.AppsV1().Deployments(karpenterHere.Namespace)
	r.eventually(t, "take Karpenter's label away", func() error {
		d, err := deployments.Get(t.Context(), "karpenter", metav1.GetOptions{})
		if err != nil {
			return err
		}
		delete(d.Labels, labelName)
		_, err = deployments.Update(t.Context(), d, metav1.UpdateOptions{})
		return err
	})
	r.eventually(t, "lose the ready pods", func() error {
		d, err := deployments.Get(t.Context(), "karpenter", metav1.GetOptions{})
		if err != nil || d.Status.ReadyReplicas == 0 && d.Status.ObservedGeneration == d.Generation {
			return err
		}
		return fmt.Errorf("%d are ready", d.Status.ReadyReplicas)
	})
}

// What this stack installed is never in its way, in whatever state it is, and
// what another stack installed is called by its name.
func TestStacksOnACluster(t *testing.T) {
	t.Parallel() // nearly all of it is waiting
	folder := karpenterCharts(t)
	r := realCluster(t, 3)
	w := wantInstall()
	nodepool := release.Target{Namespace: karpenterHere.Namespace, Name: w.NodePoolName}
	r.mustInstall(t, me, crdsHere, loadChart(t, folder, "karpenter-crd"), `{}`)
	r.mustInstall(t, me, karpenterHere, loadChart(t, folder, "karpenter"), karpenterValues+`}`)
	r.mustInstall(t, me, balancerHere, loadChart(t, standIns, "aws-load-balancer-controller"), balancerValues+`}`)
	r.mustInstall(t, me, nodepool, loadChart(t, "../../charts", "nodepool"), `{workspaceName: acme, clusterName: local, nodePool: {name: e6data-acme}, nodeClass: {name: e6data-acme},
  instanceProfile: p, instanceFamilies: [r7g], subnetIDs: [subnet-0a], securityGroupIDs: [sg-0a]}`)
	r.mustInstall(t, me, w.workspace(), loadChart(t, standIns, "workspace"), workspaceValues+`}`)

	t.Run("an update", func(t *testing.T) {
		expect(t, r.check(t, w))
	})
	t.Run("what the charts make is what is claimed", func(t *testing.T) {
		r.claimed(t, w, nodepool)
	})
	t.Run("an update to controllers called existing", func(t *testing.T) {
		w := w
		w.Karpenter.Install, w.LoadBalancer.Install = false, false
		expect(t, r.check(t, w), KarpenterOwn, BalancerOwn)
	})
	second := w
	second.Stack, second.WorkspaceName, second.Namespace, second.NodePoolName = other, "beta", "beta", "e6data-beta"
	t.Run("a second workspace that installs again", func(t *testing.T) {
		f := r.check(t, second)
		expect(t, f, KarpenterOther, BalancerOther)
		say(t, f, "stack acme-stack installed Karpenter karpenter/karpenter", "choose KarpenterOnCluster=Existing", "choose LoadBalancerControllerOnCluster=Existing")
	})
	second.Karpenter, second.LoadBalancer, second.ControllerRoleName = Controller{}, Controller{}, "KarpenterController"
	t.Run("a second workspace that uses them", func(t *testing.T) {
		expect(t, r.check(t, second))
	})
	t.Run("a second workspace of the same name in another namespace", func(t *testing.T) {
		second := second
		second.WorkspaceName, second.NodePoolName = w.WorkspaceName, w.NodePoolName
		f := r.check(t, second)
		expect(t, f, WorkspaceNames, PoolTaken)
		say(t, f, "of resource Any of stack acme-stack")
		if err := r.install(t, other, second.workspace(), loadChart(t, standIns, "workspace"), workspaceValues+`}`, false); err == nil {
			t.Error("Helm installs a workspace whose names are taken")
		}
		r.remove(t, other, second.workspace())
	})
	t.Run("a second workspace in the same namespace", func(t *testing.T) {
		second := second
		second.Namespace = w.Namespace
		f := r.check(t, second)
		expect(t, f, WorkspaceNames)
		say(t, f, "ServiceAccount e6data/e6data-agent")
	})
	t.Run("the same release of another stack", func(t *testing.T) {
		second := second
		second.WorkspaceName, second.Namespace = w.WorkspaceName, w.Namespace
		expect(t, r.check(t, second), WorkspaceRelease)
	})
	t.Run("an update while its own controllers are down", func(t *testing.T) {
		if err := r.install(t, me, balancerHere, loadChart(t, standIns, "aws-load-balancer-controller"), balancerValues+`, replicaCount: 0, enableServiceMutatorWebhook: true}`, false); err != nil {
			t.Fatal(err)
		}
		if err := r.install(t, me, karpenterHere, loadChart(t, folder, "karpenter"), karpenterValues+`, replicas: 0}`, false); err != nil {
			t.Fatal(err)
		}
		nodes, err := r.kube.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range nodes.Items {
			r.taint(t, nodes.Items[i].Name, core.Taint{Key: "full", Effect: core.TaintEffectNoSchedule})
		}
		expect(t, r.check(t, w))
	})
}

// claimed compares the claims with what the charts made, cluster-wide objects and
// service accounts, both ways.
func (r *running) claimed(t *testing.T, w Want, nodepool release.Target) {
	t.Helper()
	var claims, made []string
	listed := map[string]bool{}
	for _, c := range append(w.claims(), w.pools()...) {
		if c.by == (release.Target{}) {
			c.by = nodepool
		}
		claims = append(claims, fmt.Sprintf("%s of %s", c, c.by))
		if listed[c.kind] {
			continue
		}
		listed[c.kind] = true
		list, err := r.dynamic.Resource(c.resource).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range list.Items {
			o := &list.Items[i]
			if by := marksOf(o).Release; by != (release.Target{}) {
				made = append(made, fmt.Sprintf("%s of %s", claim{kind: c.kind, namespace: o.GetNamespace(), name: o.GetName()}, by))
			}
		}
	}
	slices.Sort(claims)
	slices.Sort(made)
	if diff := cmp.Diff(made, claims); diff != "" {
		t.Errorf("claims (-made +claimed):\n%s", diff)
	}
}

// Enough agrees with the real scheduler about the real chart.
func TestRoomForKarpenterIsTheSchedulersOpinion(t *testing.T) {
	t.Parallel() // nearly all of it is waiting
	folder := karpenterCharts(t)
	r := realCluster(t, 4) // zones a, b, c, a
	list, err := r.kube.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	zones := map[string][]string{}
	for i := range list.Items {
		zone := list.Items[i].Labels[core.LabelTopologyZone]
		zones[zone[len(zone)-1:]] = append(zones[zone[len(zone)-1:]], list.Items[i].Name)
	}
	if len(zones["a"]) != 2 || len(zones["b"]) != 1 || len(zones["c"]) != 1 {
		t.Fatalf("nodes by zone: %v", zones)
	}
	r.mustInstall(t, customer, crdsHere, loadChart(t, folder, "karpenter-crd"), `{}`)
	full := core.Taint{Key: "full", Effect: core.TaintEffectNoSchedule}
	preferably := core.Taint{Key: "full", Effect: core.TaintEffectPreferNoSchedule}
	critical := core.Taint{Key: "CriticalAddonsOnly", Value: "true", Effect: core.TaintEffectNoSchedule}
	steps := []struct {
		name   string
		taints map[string]core.Taint // by node
		enough bool
	}{
		{"all nodes", nil, true},
		{"two nodes of one of three zones", map[string]core.Taint{zones["b"][0]: full, zones["c"][0]: full}, false},
		{"one node in each of two of three zones", map[string]core.Taint{zones["a"][0]: full, zones["c"][0]: full}, true},
		{"one node", map[string]core.Taint{zones["a"][0]: full, zones["a"][1]: full, zones["b"][0]: full}, false},
		{"a node for critical add-ons and one that is better left alone", map[string]core.Taint{zones["a"][0]: critical, zones["a"][1]: full, zones["b"][0]: preferably, zones["c"][0]: full}, true},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			for i := range list.Items {
				if taint, has := step.taints[list.Items[i].Name]; has {
					r.taint(t, list.Items[i].Name, taint)
				} else {
					r.taint(t, list.Items[i].Name)
				}
			}
			r.agree(t, folder, step.enough)
		})
	}
	t.Run("two nodes of the only zone", func(t *testing.T) {
		for _, zone := range []string{"b", "c"} {
			if err := r.kube.CoreV1().Nodes().Delete(t.Context(), zones[zone][0], metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range zones["a"] {
			r.taint(t, name)
		}
		r.agree(t, folder, true)
	})
}

// agree compares the check with what becomes of two pods.
func (r *running) agree(t *testing.T, folder string, enough bool) {
	t.Helper()
	w := wantInstall()
	reader, err := NewReader(r.Config())
	if err != nil {
		t.Fatal(err)
	}
	p, err := reader.Picture(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	if got := Enough(p.Nodes); got != enough {
		t.Errorf("nodes are enough: %v, want %v: %v", got, enough, p.Nodes)
	}
	if err := r.install(t, customer, karpenterHere, loadChart(t, folder, "karpenter"), karpenterValues+`}`, false); err != nil {
		t.Fatal(err)
	}
	defer r.remove(t, customer, karpenterHere)
	r.eventually(t, "place Karpenter's pods", func() error {
		pods, err := r.kube.CoreV1().Pods(karpenterHere.Namespace).List(t.Context(), metav1.ListOptions{LabelSelector: labelName + "=karpenter"})
		if err != nil {
			return err
		}
		placed, refused := 0, 0
		for i := range pods.Items {
			for _, c := range pods.Items[i].Status.Conditions {
				if c.Type == core.PodScheduled && c.Status == core.ConditionTrue {
					placed++
				} else if c.Type == core.PodScheduled && c.Reason == core.PodReasonUnschedulable {
					refused++
				}
			}
		}
		if placed+refused < 2 {
			return errors.New("not decided yet")
		}
		if (placed == 2) != enough {
			return fmt.Errorf("%d pods are placed, %d find no node", placed, refused)
		}
		return nil
	})
}
