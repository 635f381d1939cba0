package clustercheck

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admission "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6data/aws-quickstart/internal/release"
)

var (
	me    = owner("acme-stack", "11111111-0000")
	other = owner("rival", "22222222-0000")
)

func owner(name, id string) release.Owner {
	return release.OwnerOf("arn:aws:cloudformation:us-east-1:111122223333:stack/"+name+"/"+id, "Any")
}

// world is a Want and a Picture that suit each other, to be changed by a case.
type world struct {
	Want
	Picture
}

const karpenterARN = "arn:aws:iam::111122223333:role/team/KarpenterController"

// existing is a healthy cluster with controllers of the customer's own.
func existing() *world {
	served := func(marks Marks) Definition { return Definition{Served: []string{"v1"}, Storage: "v1", Marks: marks} }
	crd := Marks{Release: release.Target{Namespace: "kube-system", Name: "karpenter-crd"}, Maker: "helm"}
	return &world{
		Want: Want{
			Stack: me, ClusterName: "prod", WorkspaceName: "acme", Namespace: "e6data", NodePoolName: "e6data-acme",
			ControllerRoleName: "KarpenterController",
		},
		Picture: Picture{
			Version: "v1.36.3-eks-0a1b2c3",
			Definitions: map[string]Definition{
				"nodepools.karpenter.sh": served(crd), "nodeclaims.karpenter.sh": served(crd), "ec2nodeclasses.karpenter.k8s.aws": served(crd),
				"targetgroupbindings.elbv2.k8s.aws": {Served: []string{"v1beta1"}, Storage: "v1beta1"},
				"ingressclassparams.elbv2.k8s.aws":  {Served: []string{"v1beta1"}, Storage: "v1beta1"},
			},
			Deployments: []Deployment{
				{
					Part: Karpenter, Namespace: "kube-system", Name: "karpenter", Version: "1.14.0", Replicas: 2, Ready: 2,
					ServiceAccount: "karpenter", RoleARN: karpenterARN, Marks: Marks{Release: release.Target{Namespace: "kube-system", Name: "karpenter"}},
				},
				{
					Part: LoadBalancer, Namespace: "kube-system", Name: "aws-load-balancer-controller", Version: "3.5.0", Replicas: 2, Ready: 2,
					ServiceAccount: "aws-load-balancer-controller", Marks: Marks{Maker: "Terraform"},
				},
			},
			Records:            map[release.Target]release.Owner{},
			Objects:            map[claim]Marks{},
			Unseen:             map[string]bool{},
			Unreadable:         map[string]string{},
			Namespaces:         map[string]core.Namespace{},
			IngressControllers: map[string][]string{albController: {"alb"}},
		},
	}
}

// install is a healthy cluster without controllers.
func install() *world {
	w := existing()
	w.ControllerRoleName = ""
	w.Karpenter = Controller{Install: true, Namespace: "kube-system", Version: "1.14.0"}
	w.LoadBalancer = Controller{Install: true, Namespace: "kube-system", Version: "3.5.0"}
	w.Definitions, w.Deployments, w.IngressControllers = map[string]Definition{}, nil, nil
	w.Nodes = []Node{{Zone: "a", Usable: true}, {Zone: "b", Usable: true}}
	w.Namespaces["kube-system"] = core.Namespace{}
	return w
}

// standing is a cluster on which the stack has installed everything.
func standing() *world {
	w := install()
	marks := func(t release.Target) Marks { return Marks{Release: t, Maker: "helm"} }
	w.Deployments = []Deployment{
		{Part: Karpenter, Namespace: "kube-system", Name: "karpenter", Version: "1.14.0", Replicas: 2, Ready: 2, Marks: marks(w.karpenter())},
		{Part: LoadBalancer, Namespace: "kube-system", Name: "aws-load-balancer-controller", Version: "3.5.0", Replicas: 2, Ready: 2, Marks: marks(w.loadBalancer())},
	}
	pool := release.Target{Namespace: "kube-system", Name: "e6data-acme"}
	for _, t := range []release.Target{w.karpenter(), w.definitions(), w.loadBalancer(), w.workspace(), pool} {
		w.Records[t] = me
	}
	for _, name := range chartDefinitions {
		w.Definitions[name] = Definition{Served: []string{"v1"}, Storage: "v1", Marks: marks(w.definitions())}
	}
	for _, name := range balancerKinds {
		w.Definitions[name] = Definition{Served: []string{"v1beta1"}, Storage: "v1beta1", Marks: Marks{Maker: "helm"}}
	}
	for _, c := range w.claims() {
		w.Objects[c] = marks(c.by)
	}
	for _, c := range w.pools() {
		w.Objects[c] = marks(pool)
	}
	w.Namespaces["e6data"] = core.Namespace{}
	return w
}

func (w *world) deployment(part Part) *Deployment {
	i := slices.IndexFunc(w.Deployments, func(d Deployment) bool { return d.Part == part })
	return &w.Deployments[i]
}

func (w *world) without(part Part) {
	w.Deployments = slices.DeleteFunc(w.Deployments, func(d Deployment) bool { return d.Part == part })
}

func (w *world) object(name string) claim {
	all := append(w.claims(), w.pools()...)
	return all[slices.IndexFunc(all, func(c claim) bool { return c.String() == name })]
}

func (w *world) namespace(name string, labels map[string]string) {
	w.Namespaces[name] = core.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
}

func quota(name string, hard, used core.ResourceList) core.ResourceQuota {
	return core.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: core.ResourceQuotaStatus{Hard: hard, Used: used}}
}

func amounts(pairs ...string) core.ResourceList {
	list := core.ResourceList{}
	for i := 0; i < len(pairs); i += 2 {
		list[core.ResourceName(pairs[i])] = resource.MustParse(pairs[i+1])
	}
	return list
}

func limitRange(kind core.LimitType, limits core.ResourceList) core.LimitRange {
	return core.LimitRange{
		ObjectMeta: metav1.ObjectMeta{Namespace: "e6data", Name: "limits"},
		Spec:       core.LimitRangeSpec{Limits: []core.LimitRangeItem{{Type: kind, Max: limits}}},
	}
}

// dead is a webhook without endpoints for some resources of a group.
func dead(change func(*Webhook), group string, resources ...string) Webhook {
	w := Webhook{
		Configuration: "ValidatingWebhookConfiguration gate", Service: release.Target{Namespace: "policy", Name: "gate"},
		Rules: []admission.RuleWithOperations{{
			Operations: []admission.OperationType{admission.Create},
			Rule:       admission.Rule{APIGroups: []string{group}, APIVersions: []string{"*"}, Resources: resources},
		}},
	}
	if change != nil {
		change(&w)
	}
	return w
}

type row struct {
	from   func() *world
	change func(*world)
	rules  []Rule   // all findings, problems first
	say    []string // parts of their sentences
}

var rows = map[string]row{
	"a healthy cluster with controllers":     {from: existing},
	"a healthy cluster without controllers":  {from: install},
	"what the stack itself installed":        {from: standing},
	"a second workspace beside another's":    {from: existing, change: func(w *world) { w.Records[release.Target{Namespace: "other", Name: "rival"}] = other }},
	"its own controllers are not ready":      {from: standing, change: func(w *world) { w.deployment(Karpenter).Ready, w.deployment(LoadBalancer).Ready = 0, 0 }},
	"its own Karpenter on too new a cluster": {from: standing, change: func(w *world) { w.Version = "v1.37.0" }},
	"its own Karpenter and no nodes now":     {from: standing, change: func(w *world) { w.Nodes = nil }},
	"its own webhooks are dead": {from: standing, change: func(w *world) {
		w.DeadWebhooks = []Webhook{dead(func(d *Webhook) { d.Marks.Release = w.loadBalancer() }, "*", "*")}
	}},
	"claims that wait for their release": {from: install, change: func(w *world) {
		for _, c := range w.claims() {
			w.Objects[c] = Marks{Release: c.by}
		}
	}},

	"rights are missing": {
		from: existing, change: func(w *world) {
			w.Lacks = []Right{{"create", "secrets"}, {"create", "clusterroles.rbac.authorization.k8s.io"}, {"delete", "a"}, {"delete", "b"}, {"delete", "c"}, {"delete", "d"}}
		},
		rules: []Rule{RightsMissing}, say: []string{"create secrets, create clusterroles.rbac.authorization.k8s.io", "and 1 more", "AmazonEKSClusterAdminPolicy"},
	},
	"nothing can be seen": {
		from: install, change: func(w *world) {
			w.Lacks = []Right{{"list", "deployments.apps"}}
			for _, r := range []string{"deployments.apps", "secrets", "nodes", definitionsResource, "serviceaccounts", "ingressclasses.networking.k8s.io"} {
				w.Unseen[r] = true
			}
			w.Nodes, w.Definitions, w.Records, w.IngressControllers = nil, nil, nil, nil
		},
		rules: []Rule{RightsMissing},
	},
	"nothing can be seen of the cluster's own": {
		from: existing, change: func(w *world) {
			w.Lacks = []Right{{"list", "deployments.apps"}}
			w.Unseen["deployments.apps"], w.Unseen["secrets"] = true, true
			w.Deployments, w.Definitions, w.Records, w.IngressControllers = nil, nil, nil, nil
		},
		rules: []Rule{RightsMissing},
	},
	"NodePools cannot be read": {
		from: existing, change: func(w *world) {
			w.Unreadable["nodepools.karpenter.sh"] = "conversion webhook for karpenter.sh/v1beta1 failed: no endpoints"
		},
		rules: []Rule{Unreadable}, say: []string{"nodepools.karpenter.sh", "conversion webhook for karpenter.sh/v1beta1 failed"},
	},
	"Kubernetes is old": {
		from: install, change: func(w *world) { w.Version = "v1.30.14-eks-1" }, rules: []Rule{KubernetesOld}, say: []string{"Kubernetes 1.30 is older than 1.31"},
	},
	"Kubernetes is newer than any that is known": {
		from: existing, change: func(w *world) { w.Version = "v1.40.1" }, rules: []Rule{KubernetesNew}, say: []string{"Kubernetes 1.40"},
	},
	"Kubernetes' version cannot be read": {
		from: existing, change: func(w *world) { w.Version = "dev" }, rules: []Rule{KubernetesNew}, say: []string{`"dev"`},
	},
	"an API is broken": {
		from: existing, change: func(w *world) { w.BrokenAPIs = []BrokenAPI{{"v1beta1.external.metrics.k8s.io", "ServiceNotFound"}} },
		rules: []Rule{APIBroken}, say: []string{"v1beta1.external.metrics.k8s.io", "ServiceNotFound"},
	},
	"the namespace is being deleted": {
		from: existing, change: func(w *world) {
			w.Namespaces["e6data"] = core.Namespace{
				ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: &metav1.Time{}},
				Status: core.NamespaceStatus{Phase: core.NamespaceTerminating, Conditions: []core.NamespaceCondition{
					{Status: core.ConditionTrue, Message: "Some content in the namespace has finalizers remaining: example.test/hold in 1 resource instances"},
				}},
			}
		},
		rules: []Rule{NamespaceEnding}, say: []string{"namespace e6data", "finalizers remaining: example.test/hold"},
	},
	"Karpenter's namespace is being deleted": {
		from: install, change: func(w *world) {
			w.Karpenter.Namespace = "karpenter"
			w.Namespaces["karpenter"] = core.Namespace{Status: core.NamespaceStatus{Phase: core.NamespaceTerminating}}
		},
		rules: []Rule{NamespaceEnding}, say: []string{"namespace karpenter", "no reason yet"},
	},

	"namespaces to look into that are not there": {
		from: install, change: func(w *world) { w.DebugNamespaces = []string{"team-a", "e6data", "team-b", "team-a", ""} },
		rules: []Rule{DebugMissing}, say: []string{"DebugNamespaces names what is not on the cluster (team-a, team-b)"},
	},
	"namespaces to look into": {
		from: existing, change: func(w *world) {
			w.DebugNamespaces, w.Namespaces["team-a"] = []string{"team-a"}, core.Namespace{}
		},
	},
	"a namespace to look into that is being deleted": {
		from: existing, change: func(w *world) {
			w.DebugNamespaces, w.Namespaces["team-a"] = []string{"team-a"}, core.Namespace{Status: core.NamespaceStatus{Phase: core.NamespaceTerminating}}
		},
		rules: []Rule{NamespaceEnding}, say: []string{"namespace team-a"},
	},
	"namespaces that cannot be seen": {
		from: existing, change: func(w *world) {
			w.DebugNamespaces, w.Unseen["namespaces"] = []string{"team-a"}, true
		},
	},

	"no Karpenter": {
		from: existing, change: func(w *world) { w.without(Karpenter); clear(w.Definitions); kinds(w) },
		rules: []Rule{KarpenterMissing}, say: []string{"KarpenterOnCluster=Install", "Karpenter 1.13.0 or later"},
	},
	"only Karpenter's definitions": {
		from: existing, change: func(w *world) { w.without(Karpenter) }, rules: []Rule{KarpenterMissing}, say: []string{"only its custom resource definitions"},
	},
	"only EKS Auto Mode, by its NodePools": {
		from: existing, change: func(w *world) { w.without(Karpenter); w.AutoMode = true },
		rules: []Rule{KarpenterAutoMode}, say: []string{"NodeClass.eks.amazonaws.com", "auto-migrate-karpenter"},
	},
	"only EKS Auto Mode, by its definition": {
		from: existing, change: func(w *world) { w.without(Karpenter); w.Definitions[autoModeDefinition] = Definition{} }, rules: []Rule{KarpenterAutoMode},
	},
	"Karpenter beside EKS Auto Mode": {from: existing, change: func(w *world) { w.AutoMode = true }},
	"the stack's own Karpenter called existing": {
		from: standing, change: func(w *world) { w.Karpenter.Install = false },
		rules: []Rule{KarpenterOwn}, say: []string{"kube-system/karpenter is this stack's own", "leave it at Install"},
	},
	"two Karpenters": {
		from: existing, change: func(w *world) {
			second := *w.deployment(Karpenter)
			second.Namespace = "karpenter"
			w.deployment(Karpenter).Ready = 0
			w.Deployments = append(w.Deployments, second)
		},
		rules: []Rule{KarpenterSeveral}, say: []string{"karpenter/karpenter and kube-system/karpenter"},
	},
	"Karpenter before 1.0": {
		from: existing, change: func(w *world) {
			w.deployment(Karpenter).Version = "0.37.5"
			w.Definitions["nodepools.karpenter.sh"] = Definition{Served: []string{"v1beta1"}, Storage: "v1beta1"}
		},
		rules: []Rule{KarpenterOld}, say: []string{"version 0.37.5"},
	},
	"Karpenter too old for Kubernetes": {
		from: existing, change: func(w *world) { w.deployment(Karpenter).Version = "1.8.2" },
		rules: []Rule{KarpenterUnsuited}, say: []string{"version 1.8.2, but Kubernetes 1.36 needs 1.13.0"},
	},
	"definitions without v1": {
		from: existing, change: func(w *world) {
			w.Definitions["nodepools.karpenter.sh"] = Definition{Served: []string{"v1beta1"}, Storage: "v1beta1"}
			w.Definitions["nodeclaims.karpenter.sh"] = Definition{Served: []string{"v1", "v1beta1"}, Storage: "v1beta1"}
			delete(w.Definitions, "ec2nodeclasses.karpenter.k8s.aws")
		},
		rules: []Rule{KarpenterNoV1},
		say:   []string{"nodepools.karpenter.sh serves v1beta1", "nodeclaims.karpenter.sh stores v1beta1", "ec2nodeclasses.karpenter.k8s.aws is missing", "to 1.14.0"},
	},
	"definitions without v1 of an unknown version": {
		from: existing, change: func(w *world) {
			w.deployment(Karpenter).Version = ""
			delete(w.Definitions, "nodepools.karpenter.sh")
		},
		rules: []Rule{KarpenterNoV1, KarpenterNoVersion}, say: []string{"neither in its image's tag nor in its label", "of its own version"},
	},
	"Karpenter is not ready": {
		from: existing, change: func(w *world) { w.deployment(Karpenter).Ready = 0 },
		rules: []Rule{KarpenterNotReady}, say: []string{"kubectl -n kube-system describe deployment karpenter"},
	},
	"another role than named": {
		from: existing, change: func(w *world) { w.ControllerRoleName = "Other" },
		rules: []Rule{KarpenterRole}, say: []string{"KarpenterControllerRoleName is Other", "has role KarpenterController (" + karpenterARN + ")"},
	},
	"a newer Karpenter": {
		from: existing, change: func(w *world) { w.deployment(Karpenter).Version = "1.15.2" }, rules: []Rule{KarpenterNew}, say: []string{"version 1.15.2", "tested with 1.14.0"},
	},
	"a newer patch of Karpenter": {from: existing, change: func(w *world) { w.deployment(Karpenter).Version = "1.14.7" }},
	"a role that does not show, and is named": {
		from: existing, change: func(w *world) { w.deployment(Karpenter).RoleARN = "" },
		rules: []Rule{KarpenterRoleUnseen}, say: []string{"Pod Identity", "works with role KarpenterController"},
	},
	"a role that does not show, and is not named": {
		from: existing, change: func(w *world) { w.deployment(Karpenter).RoleARN, w.ControllerRoleName = "", "" },
		rules: []Rule{KarpenterRoleUnseen}, say: []string{"output KarpenterPassRolePolicy"},
	},
	"a role that is not named": {
		from: existing, change: func(w *world) { w.ControllerRoleName = "" },
		rules: []Rule{KarpenterPassRole}, say: []string{"works with role KarpenterController", "KarpenterPassRolePolicy"},
	},

	"Karpenter is there": {
		from: install, change: func(w *world) { w.Deployments = existing().Deployments[:1]; w.Nodes = nil },
		rules: []Rule{KarpenterPresent}, say: []string{"kube-system/karpenter of Helm release kube-system/karpenter", "KarpenterOnCluster=Existing"},
	},
	"Karpenter of another stack": {
		from: standing, change: func(w *world) {
			for _, t := range []release.Target{w.karpenter(), w.definitions()} {
				w.Records[t] = other
			}
		},
		rules: []Rule{KarpenterOther}, say: []string{"stack rival installed Karpenter kube-system/karpenter"},
	},
	"EKS Auto Mode has the definitions": {
		from: install, change: func(w *world) {
			w.Definitions[autoModeDefinition] = Definition{}
			w.Definitions["nodepools.karpenter.sh"] = Definition{Marks: Marks{Maker: "eks"}}
		},
		rules: []Rule{KarpenterDefinitions}, say: []string{"EKS Auto Mode, which owns"},
	},
	"definitions of somebody else": {
		from: install, change: func(w *world) {
			w.Definitions["nodepools.karpenter.sh"] = Definition{Marks: Marks{Maker: "kubectl-create"}}
			w.Definitions["nodeclaims.karpenter.sh"] = Definition{Marks: Marks{Release: release.Target{Namespace: "infra", Name: "crds"}}}
			w.Definitions["capacitybuffers.autoscaling.x-k8s.io"] = Definition{}
		},
		rules: []Rule{KarpenterDefinitions},
		say: []string{
			"nodepools.karpenter.sh of no Helm release (made by kubectl-create)", "nodeclaims.karpenter.sh of Helm release infra/crds",
			"capacitybuffers.autoscaling.x-k8s.io of no Helm release",
		},
	},
	"names that an earlier Karpenter left": {
		from: install, change: func(w *world) {
			w.Records[w.definitions()] = release.Owner{}
			w.Objects[w.object("ClusterRole karpenter")] = Marks{Maker: "Terraform"}
			w.Objects[w.object("ServiceAccount kube-system/karpenter")] = Marks{Maker: "eksctl"}
		},
		rules: []Rule{KarpenterNames},
		say: []string{
			"release kube-system/karpenter-crd of no quickstart stack", "ClusterRole karpenter of no Helm release (made by Terraform)",
			"ServiceAccount kube-system/karpenter of no Helm release (made by eksctl)",
		},
	},
	"Kubernetes too new for the Karpenter to be installed": {
		from: install, change: func(w *world) { w.Version = "v1.37.2-eks-1" },
		rules: []Rule{KarpenterUnsuited}, say: []string{"Karpenter 1.14.0", "up to 1.36", "has 1.37"},
	},
	"one node": {
		from: install, change: func(w *world) { w.Nodes = w.Nodes[:1] }, rules: []Rule{NodesMissing}, say: []string{"of 1 node in 1 zone, 1 take pods, in 1 zone;"},
	},
	"two nodes in one of two zones": {
		from: install, change: func(w *world) { w.Nodes = []Node{{"a", true}, {"a", true}, {"b", false}} },
		rules: []Rule{NodesMissing}, say: []string{"of 3 nodes in 2 zones, 2 take pods, in 1 zone;"},
	},
	"two nodes in one zone":    {from: install, change: func(w *world) { w.Nodes = []Node{{"a", true}, {"a", true}, {"a", false}} }},
	"nodes that take no pods":  {from: install, change: func(w *world) { w.Nodes = []Node{{"a", false}, {"b", false}} }, rules: []Rule{NodesMissing}},
	"nodes without a zone":     {from: install, change: func(w *world) { w.Nodes = []Node{{"", true}, {"", true}} }, rules: []Rule{NodesMissing}},
	"three zones, two of them": {from: install, change: func(w *world) { w.Nodes = []Node{{"a", true}, {"b", false}, {"c", true}} }},

	"no load balancer controller": {
		from: existing, change: func(w *world) { w.without(LoadBalancer) },
		rules: []Rule{BalancerMissing}, say: []string{"LoadBalancerControllerOnCluster=Install"},
	},
	"EKS Auto Mode's load balancers do not count": {
		from: existing, change: func(w *world) { w.without(LoadBalancer); w.AutoMode = true }, rules: []Rule{BalancerMissing}, say: []string{"built into EKS Auto Mode"},
	},
	"the stack's own load balancer controller called existing": {
		from: standing, change: func(w *world) { w.LoadBalancer.Install = false }, rules: []Rule{BalancerOwn}, say: []string{"leave it at Install"},
	},
	"an old load balancer controller": {
		from: existing, change: func(w *world) { w.deployment(LoadBalancer).Version = "2.3.1" }, rules: []Rule{BalancerOld}, say: []string{"version 2.3.1", "2.4.0"},
	},
	"load balancer controller is not ready": {
		from: existing, change: func(w *world) { w.deployment(LoadBalancer).Ready = 0 }, rules: []Rule{BalancerNotReady}, say: []string{"webhooks refuse Ingresses"},
	},
	"no IngressClass, no definitions": {
		from: existing, change: func(w *world) {
			w.IngressControllers = map[string][]string{"k8s.io/ingress-nginx": {"nginx"}}
			delete(w.Definitions, "targetgroupbindings.elbv2.k8s.aws")
		},
		rules: []Rule{BalancerNoClass, BalancerNoKinds}, say: []string{"make an IngressClass alb", "targetgroupbindings.elbv2.k8s.aws are missing"},
	},
	"a newer load balancer controller": {from: existing, change: func(w *world) { w.deployment(LoadBalancer).Version = "4.0.0" }, rules: []Rule{BalancerNew}},
	"an unknown load balancer controller": {
		from: existing, change: func(w *world) { w.deployment(LoadBalancer).Version = "" }, rules: []Rule{BalancerNoVersion},
	},
	"load balancer controller is there": {
		from: install, change: func(w *world) {
			w.Deployments = existing().Deployments[1:]
			w.Definitions = existing().Definitions
			karpenterGone(w)
		},
		rules: []Rule{BalancerPresent}, say: []string{"of no Helm release (made by Terraform)", "LoadBalancerControllerOnCluster=Existing"},
	},
	"load balancer controller of another stack": {
		from: standing, change: func(w *world) { w.Records[w.loadBalancer()] = other }, rules: []Rule{BalancerOther}, say: []string{"stack rival"},
	},
	"the first version of the load balancer controller": {
		from: install, change: func(w *world) {
			w.Deployments = []Deployment{{Part: OldIngress, Namespace: "kube-system", Name: "alb-ingress-controller"}}
		},
		rules: []Rule{BalancerV1}, say: []string{"migrate_v1_v2"},
	},
	"only the first version": {
		from: existing, change: func(w *world) {
			w.without(LoadBalancer)
			w.Deployments = append(w.Deployments, Deployment{Part: OldIngress, Namespace: "kube-system", Name: "alb-ingress-controller"})
		},
		rules: []Rule{BalancerV1},
	},
	"names that an earlier load balancer controller left": {
		from: install, change: func(w *world) {
			w.Objects[w.object("IngressClass alb")] = Marks{Maker: "kubectl-client-side-apply"}
			w.Objects[w.object("MutatingWebhookConfiguration aws-load-balancer-webhook")] = Marks{Release: release.Target{Namespace: "net", Name: "lbc"}}
		},
		rules: []Rule{BalancerNames},
		say: []string{
			"IngressClass alb of no Helm release (made by kubectl-client-side-apply)",
			"MutatingWebhookConfiguration aws-load-balancer-webhook of Helm release net/lbc",
		},
	},
	"definitions of another release": {
		from: install, change: func(w *world) {
			w.Definitions["targetgroupbindings.elbv2.k8s.aws"] = Definition{Marks: Marks{Release: release.Target{Namespace: "net", Name: "crds"}}}
		},
		rules: []Rule{BalancerKinds}, say: []string{"targetgroupbindings.elbv2.k8s.aws of Helm release net/crds"},
	},
	"definitions that an earlier controller left": {
		from: install, change: func(w *world) { kinds(w) }, rules: []Rule{BalancerKindsThere}, say: []string{"up to version 3.5.0"},
	},
	"Pod Security in the load balancer controller's namespace": {
		from: install, change: func(w *world) { w.namespace("kube-system", map[string]string{labelEnforce: "restricted"}) }, rules: []Rule{BalancerPodSecurity},
	},

	"a release of the name": {
		from: existing, change: func(w *world) { w.Records[w.workspace()] = release.Owner{} },
		rules: []Rule{WorkspaceRelease}, say: []string{"e6data/acme", "Helm, Terraform or another installer made it"},
	},
	"a release of the name in another stack": {
		from: existing, change: func(w *world) { w.Records[w.workspace()] = other }, rules: []Rule{WorkspaceRelease}, say: []string{"of stack rival"},
	},
	"a workspace of the name in another namespace": {
		from: existing, change: func(w *world) {
			elsewhere := release.Target{Namespace: "elsewhere", Name: "acme"}
			w.Records[elsewhere] = other
			for _, name := range []string{"ClusterRole acme-karpenter-role", "NodePool e6data-acme", "EC2NodeClass e6data-acme"} {
				w.Objects[w.object(name)] = Marks{Release: elsewhere}
			}
		},
		rules: []Rule{WorkspaceNames, PoolTaken},
		say:   []string{"ClusterRole acme-karpenter-role of resource Any of stack rival", "NodePool e6data-acme of resource Any of stack rival", "EC2NodeClass e6data-acme"},
	},
	"a service account of the name": {
		from: existing, change: func(w *world) {
			w.Objects[w.object("ServiceAccount e6data/e6data-agent")] = Marks{Maker: "kubectl-create"}
		},
		rules: []Rule{WorkspaceNames}, say: []string{"ServiceAccount e6data/e6data-agent"},
	},
	"a NodePool without an owner": {
		from: existing, change: func(w *world) { w.Objects[w.object("NodePool e6data-acme")] = Marks{} }, rules: []Rule{PoolTaken}, say: []string{"NodePool e6data-acme of no Helm release)"},
	},

	"a quota for no pods": {
		from: existing, change: func(w *world) {
			w.Quotas = []core.ResourceQuota{quota("none", amounts("pods", "0", "requests.nvidia.com/gpu", "0"), nil)}
		},
		rules: []Rule{QuotaUsedUp}, say: []string{"e6data/none", "(pods 0 of 0)"},
	},
	"a quota that is used up": {
		from: existing, change: func(w *world) {
			w.Quotas = []core.ResourceQuota{quota("small", amounts("requests.cpu", "4", "secrets", "10"), amounts("requests.cpu", "4", "secrets", "3"))}
		},
		rules: []Rule{QuotaUsedUp}, say: []string{"(requests.cpu 4 of 4)"},
	},
	"a quota that nobody has counted yet": {
		from: existing, change: func(w *world) {
			w.Quotas = []core.ResourceQuota{{Spec: core.ResourceQuotaSpec{Hard: amounts("count/deployments.apps", "0")}}}
		},
		rules: []Rule{QuotaUsedUp},
	},
	"a quota with room": {from: existing, change: func(w *world) {
		w.Quotas = []core.ResourceQuota{quota("room", amounts("pods", "10", "memory", "8Gi"), amounts("pods", "9", "memory", "1Gi"))}
	}},
	"a quota with a scope": {
		from: existing, change: func(w *world) {
			q := quota("scoped", amounts("pods", "0"), nil)
			q.Spec.Scopes = []core.ResourceQuotaScope{core.ResourceQuotaScopeBestEffort}
			w.Quotas = []core.ResourceQuota{q}
		},
		rules: []Rule{QuotaTight},
	},
	"a quota that the workspace itself uses up": {
		from: standing, change: func(w *world) {
			w.Quotas = []core.ResourceQuota{quota("own", amounts("limits.memory", "1Ti"), amounts("limits.memory", "1Ti"))}
		},
		rules: []Rule{QuotaTight},
	},
	"a limit for tiny containers": {
		from: existing, change: func(w *world) {
			w.Limits = []core.LimitRange{limitRange(core.LimitTypeContainer, amounts("cpu", "500m", "memory", "8Gi"))}
		},
		rules: []Rule{LimitTooSmall}, say: []string{"e6data/limits", "cpu 500m, memory 8Gi"},
	},
	"a limit for tiny memory": {
		from: existing, change: func(w *world) {
			w.Limits = []core.LimitRange{limitRange(core.LimitTypePod, amounts("memory", "512Mi"))}
		},
		rules: []Rule{LimitTooSmall},
	},
	"a limit for big pods": {
		from: existing, change: func(w *world) {
			w.Limits = []core.LimitRange{limitRange(core.LimitTypePod, amounts("cpu", "16", "ephemeral-storage", "1Gi"))}
		},
		rules: []Rule{LimitThere}, say: []string{"at most cpu 16:"},
	},
	"a limit for volumes": {from: existing, change: func(w *world) {
		w.Limits = []core.LimitRange{limitRange(core.LimitTypePersistentVolumeClaim, amounts("storage", "1Gi", "cpu", "1m"))}
	}},
	"Pod Security in the workspace's namespace": {
		from: existing, change: func(w *world) { w.namespace("e6data", map[string]string{labelEnforce: "restricted"}) }, rules: []Rule{PodSecurity},
	},
	"a lower Pod Security": {from: existing, change: func(w *world) { w.namespace("e6data", map[string]string{labelEnforce: "baseline"}) }},

	"a webhook for everything is dead": {
		from: existing, change: func(w *world) { w.DeadWebhooks = []Webhook{dead(nil, "*", "*/*")} },
		rules: []Rule{WebhookDead}, say: []string{"ValidatingWebhookConfiguration gate", "Service policy/gate", "and 14 more"},
	},
	"two dead webhooks of one configuration": {
		from: existing, change: func(w *world) {
			w.DeadWebhooks = []Webhook{dead(nil, "", "pods", "services"), dead(nil, "apps", "deployments")}
		},
		rules: []Rule{WebhookDead}, say: []string{"every change of deployments, pods, services, since"},
	},
	"a dead webhook for updates": {
		from: existing, change: func(w *world) {
			w.DeadWebhooks = []Webhook{dead(func(d *Webhook) { d.Rules[0].Operations = []admission.OperationType{admission.Update} }, "", "secrets")}
		},
		rules: []Rule{WebhookDead},
	},
	"a dead webhook for deletions": {from: existing, change: func(w *world) {
		w.DeadWebhooks = []Webhook{dead(func(d *Webhook) { d.Rules[0].Operations = []admission.OperationType{admission.Delete} }, "*", "*")}
	}},
	"a dead webhook for other kinds": {from: existing, change: func(w *world) { w.DeadWebhooks = []Webhook{dead(nil, "cert-manager.io", "*")} }},
	"a dead webhook for other namespaces": {from: existing, change: func(w *world) {
		w.namespace("e6data", map[string]string{"team": "data"})
		w.DeadWebhooks = []Webhook{dead(func(d *Webhook) { d.Namespaces = &metav1.LabelSelector{MatchLabels: map[string]string{"team": "web"}} }, "", "pods", "namespaces")}
	}},
	"a dead webhook for the namespace by its name": {
		from: existing, change: func(w *world) {
			w.DeadWebhooks = []Webhook{dead(func(d *Webhook) {
				d.Namespaces = &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": "e6data"}}
			}, "", "pods", "namespaces")}
		},
		rules: []Rule{WebhookDead}, say: []string{"namespaces, pods"},
	},
	"a dead webhook for cluster-wide objects, whatever namespaces it selects": {
		from: existing, change: func(w *world) {
			w.DeadWebhooks = []Webhook{dead(func(d *Webhook) { d.Namespaces = &metav1.LabelSelector{MatchLabels: map[string]string{"team": "web"}} },
				"rbac.authorization.k8s.io", "clusterroles", "roles")}
		},
		rules: []Rule{WebhookDead}, say: []string{"every change of clusterroles, since"},
	},
	"a dead webhook for labelled objects": {from: existing, change: func(w *world) {
		w.DeadWebhooks = []Webhook{dead(func(d *Webhook) { d.Objects = &metav1.LabelSelector{MatchLabels: map[string]string{"inject": "yes"}} }, "*", "*")}
	}},
	"a dead webhook for namespaced objects": {
		from: existing, change: func(w *world) {
			w.DeadWebhooks = []Webhook{dead(func(d *Webhook) { d.Rules[0].Scope = new(admission.NamespacedScope) }, "*", "roles", "clusterroles")}
		},
		rules: []Rule{WebhookDead}, say: []string{"every change of roles, since"},
	},

	"everything at once": {
		from: existing, change: func(w *world) {
			w.Version = "v1.30.1"
			w.deployment(Karpenter).Version, w.deployment(Karpenter).Ready, w.ControllerRoleName = "0.37.0", 0, "Other"
			w.without(LoadBalancer)
			w.Records[w.workspace()] = other
			w.Objects[w.object("NodePool e6data-acme")] = Marks{}
			w.Quotas = []core.ResourceQuota{quota("none", amounts("pods", "0"), nil)}
			w.DeadWebhooks = []Webhook{dead(nil, "", "pods")}
			w.BrokenAPIs = []BrokenAPI{{"v1.x", "MissingEndpoints"}}
		},
		rules: []Rule{
			KubernetesOld, KarpenterOld, KarpenterNotReady, KarpenterRole, BalancerMissing, WorkspaceRelease, PoolTaken, QuotaUsedUp, WebhookDead, APIBroken,
		},
	},
}

// kinds puts the load balancer controller's definitions there.
func kinds(w *world) {
	for _, name := range balancerKinds {
		w.Definitions[name] = Definition{Marks: Marks{Maker: "helm"}}
	}
}

// karpenterGone takes Karpenter's definitions away.
func karpenterGone(w *world) {
	maps.DeleteFunc(w.Definitions, func(name string, _ Definition) bool { return strings.Contains(name, "karpenter") })
}

func TestJudge(t *testing.T) {
	for name, tt := range rows {
		t.Run(name, func(t *testing.T) {
			w := tt.from()
			if tt.change != nil {
				tt.change(w)
			}
			got := Judge(w.Want, w.Picture)
			var rules []Rule
			all := slices.Concat(got.Problems, got.Notes)
			for _, f := range all {
				rules = append(rules, f.Rule)
				if len(f.Text) > 400 || strings.HasSuffix(f.Text, ".") || strings.Contains(f.Text, "%!") {
					t.Errorf("not a short sentence without a stop (%d bytes): %s", len(f.Text), f.Text)
				}
			}
			if diff := cmp.Diff(tt.rules, rules); diff != "" {
				t.Errorf("findings (-want +got):\n%s\n%s", diff, Numbered(all))
			}
			for _, part := range tt.say {
				if text := Numbered(all); !strings.Contains(text, part) {
					t.Errorf("%q is not said:\n%s", part, text)
				}
			}
			for _, f := range got.Notes {
				if !Catalogue[place[f.Rule]].Note {
					t.Errorf("%s is told as a note", f.Rule)
				}
			}
		})
	}
}

// Every row of the catalogue can come true.
func TestEveryCheckIsProvoked(t *testing.T) {
	seen := map[Rule]bool{}
	for _, tt := range rows {
		for _, r := range tt.rules {
			seen[r] = true
		}
	}
	for i, c := range Catalogue {
		if !seen[c.Rule] {
			t.Errorf("no case provokes %s", c.Rule)
		}
		if place[c.Rule] != i {
			t.Errorf("%s is twice in the catalogue", c.Rule)
		}
	}
	if len(seen) != len(Catalogue) {
		t.Errorf("%d rules are provoked, %d are in the catalogue", len(seen), len(Catalogue))
	}
}

func TestErr(t *testing.T) {
	w := existing()
	if err := Judge(w.Want, w.Picture).Err("prod", "acme"); err != nil {
		t.Errorf("a healthy cluster is refused: %v", err)
	}
	w.deployment(Karpenter).Ready, w.ControllerRoleName = 0, "Other"
	err := Judge(w.Want, w.Picture).Err("prod", "acme")
	if err == nil || !strings.HasPrefix(err.Error(), "cluster prod is not ready for workspace acme, 2 problems: (1) Karpenter kube-system/karpenter has no ready pod") ||
		!strings.Contains(err.Error(), ". (2) KarpenterControllerRoleName is Other") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}

func TestFacts(t *testing.T) {
	for name, tt := range map[string]struct {
		from *world
		want Facts
	}{
		"the cluster's own": {existing(), Facts{"1.36", "1.14.0", "kube-system", "KarpenterController", "3.5.0", "kube-system"}},
		"to be installed":   {install(), Facts{"1.36", "1.14.0", "kube-system", "", "3.5.0", "kube-system"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Judge(tt.from.Want, tt.from.Picture).Facts); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
		})
	}
	w := existing()
	w.Deployments = nil
	if got := Judge(w.Want, w.Picture).Facts; got != (Facts{Kubernetes: "1.36"}) {
		t.Errorf("facts of a cluster without controllers: %+v", got)
	}
}

func TestVersions(t *testing.T) {
	const digest = "@sha256:ea731b0cd813add8b2947a76bfe861c38069d85922b01d0c1647d1466279b7fe"
	for _, tt := range []struct{ image, label, want, path string }{
		{"public.ecr.aws/karpenter/controller:1.14.0" + digest, "1.13.0", "1.14.0", "karpenter/controller"},
		{"public.ecr.aws/karpenter/controller:v0.34.0", "", "0.34.0", "karpenter/controller"},
		{"public.ecr.aws/karpenter/controller" + digest, "1.9.1", "1.9.1", "karpenter/controller"},
		{"registry.test:5000/mirror/karpenter/controller:latest", "1.2", "1.2.0", "mirror/karpenter/controller"},
		{"registry.test:5000/mirror/karpenter/controller", "", "", "mirror/karpenter/controller"},
		{"amazon/aws-alb-ingress-controller:v2.4.7", "", "2.4.7", "amazon/aws-alb-ingress-controller"},
		{"controller", "v3.5.0", "3.5.0", "controller"},
	} {
		if got := versionOf(tt.image, tt.label); got != tt.want {
			t.Errorf("version of %s (label %q): %q, want %q", tt.image, tt.label, got, tt.want)
		}
		if got := pathOf(tt.image); got != tt.path {
			t.Errorf("path of %s: %q, want %q", tt.image, got, tt.path)
		}
	}
	for version, want := range map[string]string{"v1.36.3-eks-0a1b2c3": "1.36", "v1.37+": "1.37", "1.31": "1.31", "dev": "", "v1": "", "va.b.c": ""} {
		if got := minorOf(version); got != want {
			t.Errorf("minor of %q: %q, want %q", version, got, want)
		}
	}
}

func ExampleNumbered() {
	fmt.Println(Numbered([]Finding{{"a", "this is so"}, {"b", "and that too"}}))
	// Output: (1) this is so. (2) and that too.
}
