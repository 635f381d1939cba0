// Package clustercheck says, before anything is installed, all that would keep a
// workspace from working on an existing cluster: a Reader takes a Picture of the
// cluster, Judge compares it with what is wanted. Nothing is made or changed on
// the cluster.
package clustercheck

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/e6data/aws-quickstart/internal/release"
)

// Want is what a stack is going to need of a cluster.
type Want struct {
	// Stack is the stack that asks. What belongs to it is never in its way.
	Stack       release.Owner
	ClusterName string
	// WorkspaceName names the workspace's release, in Namespace.
	WorkspaceName string
	Namespace     string
	// DebugNamespaces are those in which the workspace's chart makes a role.
	DebugNamespaces []string
	// NodePoolName names the workspace's NodePool and EC2NodeClass.
	NodePoolName string
	Karpenter    Controller
	LoadBalancer Controller
	// ControllerRoleName is the IAM role, without its path, that the cluster's
	// own Karpenter is said to work with; empty: not said.
	ControllerRoleName string
}

// Controller is the wish for one controller.
type Controller struct {
	// Install is true if the stack installs it, false if the cluster's own is
	// used. Namespace and Version are for the former only.
	Install   bool
	Namespace string
	Version   string
}

// Names of releases that the stack makes besides the workspace's.
const (
	karpenterRelease    = "karpenter"
	definitionsRelease  = "karpenter-crd"
	loadBalancerRelease = "aws-load-balancer-controller"
)

func (w Want) workspace() release.Target {
	return release.Target{Namespace: w.Namespace, Name: w.WorkspaceName}
}

func (w Want) karpenter() release.Target {
	return release.Target{Namespace: w.Karpenter.Namespace, Name: karpenterRelease}
}

func (w Want) definitions() release.Target {
	return release.Target{Namespace: w.Karpenter.Namespace, Name: definitionsRelease}
}

func (w Want) loadBalancer() release.Target {
	return release.Target{Namespace: w.LoadBalancer.Namespace, Name: loadBalancerRelease}
}

// namespaces are those in which the stack makes objects: the workspace's first.
func (w Want) namespaces() []string {
	all := []string{w.Namespace}
	for _, c := range []Controller{w.Karpenter, w.LoadBalancer} {
		if c.Install && !slices.Contains(all, c.Namespace) {
			all = append(all, c.Namespace)
		}
	}
	return all
}

// visited are the namespaces that the chart makes an object in and that nobody
// makes: they must be there.
func (w Want) visited() []string { return w.everywhere()[len(w.namespaces()):] }

// everywhere are all namespaces that anything is made in: namespaces, and then
// those that are visited.
func (w Want) everywhere() []string {
	all := w.namespaces()
	for _, name := range w.DebugNamespaces {
		if name != "" && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// claim is an object that a release of the stack makes under a name of its own.
// Helm refuses to install a release when somebody else has one of them.
type claim struct {
	kind      string
	resource  schema.GroupVersionResource
	namespace string // empty: cluster-wide
	name      string
	by        release.Target
}

func (c claim) String() string {
	if c.namespace == "" {
		return c.kind + " " + c.name
	}
	return c.kind + " " + c.namespace + "/" + c.name
}

var (
	clusterRoles  = schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles"}
	roleBindings  = schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterrolebindings"}
	accounts      = schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}
	ingressClass  = schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "ingressclasses"}
	ingressParams = schema.GroupVersionResource{Group: "elbv2.k8s.aws", Version: "v1beta1", Resource: "ingressclassparams"}
	mutating      = schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "mutatingwebhookconfigurations"}
	validating    = schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations"}
	nodePools     = schema.GroupVersionResource{Group: "karpenter.sh", Version: "v1", Resource: "nodepools"}
	nodeClasses   = schema.GroupVersionResource{Group: "karpenter.k8s.aws", Version: "v1", Resource: "ec2nodeclasses"}
)

// claims are the names that must be free: all that are cluster-wide, and the
// service accounts, which are often there before a chart.
func (w Want) claims() []claim {
	role := func(by release.Target, name string) claim { return claim{"ClusterRole", clusterRoles, "", name, by} }
	binding := func(by release.Target, name string) claim {
		return claim{"ClusterRoleBinding", roleBindings, "", name, by}
	}
	account := func(by release.Target, name string) claim {
		return claim{"ServiceAccount", accounts, by.Namespace, name, by}
	}
	ws := w.workspace()
	all := []claim{
		role(ws, w.WorkspaceName+"-e6data-agent"), binding(ws, w.WorkspaceName+"-e6data-agent-role-binding"),
		role(ws, w.WorkspaceName+"-karpenter-role"), binding(ws, w.WorkspaceName+"-karpenter-role-binding"),
		account(ws, w.WorkspaceName), account(ws, "e6data-agent"),
	}
	if w.Karpenter.Install {
		k := w.karpenter()
		all = append(all,
			role(k, "karpenter"), role(k, "karpenter-core"), role(k, "karpenter-admin"),
			binding(k, "karpenter"), binding(k, "karpenter-core"), account(k, "karpenter"))
	}
	if w.LoadBalancer.Install {
		l := w.loadBalancer()
		all = append(all,
			role(l, "aws-load-balancer-controller-role"), binding(l, "aws-load-balancer-controller-rolebinding"),
			account(l, "aws-load-balancer-controller"),
			claim{"IngressClass", ingressClass, "", albClass, l}, claim{"IngressClassParams", ingressParams, "", albClass, l},
			claim{"MutatingWebhookConfiguration", mutating, "", "aws-load-balancer-webhook", l},
			claim{"ValidatingWebhookConfiguration", validating, "", "aws-load-balancer-webhook", l})
	}
	return all
}

// pools are the workspace's own objects of Karpenter. Which release makes them
// is the stack's business.
func (w Want) pools() []claim {
	return []claim{
		{kind: "NodePool", resource: nodePools, name: w.NodePoolName},
		{kind: "EC2NodeClass", resource: nodeClasses, name: w.NodePoolName},
	}
}
