package leftover

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/e6data/aws-quickstart/rehearsal/eks/addons"
)

// unlisted are types whose objects nobody has to clean up: they end by
// themselves, or are no objects at all (component statuses are probes).
var unlisted = map[schema.GroupResource]bool{
	{Resource: "events"}:                            true,
	{Group: "events.k8s.io", Resource: "events"}:    true,
	{Resource: "componentstatuses"}:                 true,
	{Resource: "nodes"}:                             true,
	{Group: "storage.k8s.io", Resource: "csinodes"}: true,
	{Group: "metrics.k8s.io", Resource: "nodes"}:    true,
	{Group: "metrics.k8s.io", Resource: "pods"}:     true,
}

// autoManaged marks APIServices that the API server makes for each CRD's group.
const autoManaged = "kube-aggregator.kubernetes.io/automanaged"

// ownManager is the field manager of this process: its clients have its name.
const ownManager = "localkube"

// eksManagers are the field managers of add-ons' objects.
var eksManagers = []string{addons.Manager, addons.Bootstrap}

// state is the cluster at one time, for the rules to look things up.
type state struct {
	byUID    map[types.UID]record
	services map[types.NamespacedName]bool
}

func newState(all []record) state {
	s := state{byUID: map[types.UID]record{}, services: map[types.NamespacedName]bool{}}
	for _, r := range all {
		s.byUID[r.meta.UID] = r
		if r.Kind == "Service" && r.APIVersion == "v1" {
			s.services[types.NamespacedName{Namespace: r.Namespace, Name: r.Name}] = true
		}
	}
	return s
}

// left gives those of all that were not in the baseline, without what Kubernetes
// makes by itself and without what goes with an owner that is in the list.
func left(baseline map[identity]bool, all []record) []record {
	s := newState(all)
	fresh := map[types.UID]bool{}
	var found []record
	for _, r := range all {
		unasked := byItself[r.Kind]
		if !baseline[r.identity()] && (unasked == nil || !unasked(s, r)) && !s.ofEKS(r) {
			fresh[r.meta.UID] = true
			found = append(found, r)
		}
	}
	return slices.DeleteFunc(found, func(r record) bool {
		for _, o := range r.meta.OwnerReferences {
			if fresh[o.UID] {
				return true
			}
		}
		return false
	})
}

// identity is what an object is called in every version of its type.
type identity struct{ group, kind, namespace, name string }

func (o Object) identity() identity {
	group, _, versioned := strings.Cut(o.APIVersion, "/")
	if !versioned {
		group = "" // the core group: v1
	}
	return identity{group, o.Kind, o.Namespace, o.Name}
}

// byItself tells, for kinds of which Kubernetes makes objects unasked and removes
// them again, which those are.
var byItself = map[string]func(s state, r record) bool{
	"Lease": func(_ state, r record) bool {
		ofSystem := r.Namespace == metav1.NamespaceSystem && strings.HasPrefix(r.Name, "apiserver-")
		return r.Namespace == corev1.NamespaceNodeLease || ofSystem || electsLeader(r.Name)
	},
	"Endpoints": func(s state, r record) bool { return s.hasService(r.Namespace, r.Name) },
	"EndpointSlice": func(s state, r record) bool {
		return s.hasService(r.Namespace, r.meta.Labels[discoveryv1.LabelServiceName])
	},
	"IPAddress": func(_ state, r record) bool {
		return r.meta.Labels[networkingv1.LabelManagedBy] == "ipallocator.k8s.io"
	},
	"ConfigMap":                  func(_ state, r record) bool { return r.Name == "kube-root-ca.crt" || ofControlPlane(r) },
	"ServiceAccount":             func(_ state, r record) bool { return r.Name == "default" || ofControlPlane(r) },
	"APIService":                 func(_ state, r record) bool { return r.meta.Labels[autoManaged] != "" },
	"ClusterRole":                ofAccess,
	"ClusterRoleBinding":         ofAccess,
	"Role":                       ofAccess,
	"RoleBinding":                ofAccess,
	"CustomResourceDefinition":   fromCRDFolder,
	"FlowSchema":                 func(_ state, r record) bool { return ofControlPlane(r) },
	"PriorityLevelConfiguration": func(_ state, r record) bool { return ofControlPlane(r) },
	"PriorityClass":              func(_ state, r record) bool { return ofControlPlane(r) },
	"Namespace":                  func(_ state, r record) bool { return ofControlPlane(r) },
}

// electsLeader tells whether a controller's replicas elect their leader by the
// Lease. None deletes it when it ends (client-go's leaderelection has no way to),
// so that it stays on EKS too: Karpenter's, the load balancer controller's, the EBS driver's.
func electsLeader(lease string) bool {
	return strings.HasSuffix(lease, "-leader-election") || strings.HasSuffix(lease, "-controller-leader") || lease == "ebs-csi-aws-com"
}

// fromCRDFolder tells whether Helm made the definition from a chart's folder crds/:
// such ones belong to no release, and Helm never removes them, since all objects of
// their kinds would go too (helm.sh/docs/chart_best_practices/custom_resource_definitions).
func fromCRDFolder(_ state, r record) bool {
	byHelm := slices.ContainsFunc(r.meta.ManagedFields, func(f metav1.ManagedFieldsEntry) bool { return f.Manager == "helm" })
	return byHelm && r.meta.Annotations["meta.helm.sh/release-name"] == ""
}

// ofAccess tells whether the object plays an EKS access policy.
func ofAccess(_ state, r record) bool {
	return strings.HasPrefix(r.Name, "eks:access-policy:") || ofControlPlane(r)
}

func (s state) hasService(namespace, name string) bool {
	return s.services[types.NamespacedName{Namespace: namespace, Name: name}]
}

// ofControlPlane tells whether nobody but the control plane's own processes ever
// wrote the object. They make some of theirs only after the cluster is ready.
func ofControlPlane(r record) bool {
	for _, f := range r.meta.ManagedFields {
		if f.Manager != ownManager {
			return false
		}
	}
	return len(r.meta.ManagedFields) > 0
}

// ofEKS tells whether the object, or the one that it belongs to, is an add-on's:
// EKS makes those, and removes them with the add-on or the cluster.
func (s state) ofEKS(r record) bool {
	for _, f := range r.meta.ManagedFields {
		if slices.Contains(eksManagers, f.Manager) {
			return true
		}
	}
	for _, o := range r.meta.OwnerReferences {
		if owner, ok := s.byUID[o.UID]; ok && s.ofEKS(owner) {
			return true
		}
	}
	return false
}

// settling tells whether the object is about to go: it is being deleted, or the
// garbage collector will find that its owners are gone.
func (s state) settling(r record) bool {
	if r.meta.DeletionTimestamp != nil {
		return true
	}
	for _, o := range r.meta.OwnerReferences {
		if _, exists := s.byUID[o.UID]; exists {
			return false
		}
	}
	return len(r.meta.OwnerReferences) > 0
}
