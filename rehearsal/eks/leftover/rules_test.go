package leftover

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// object makes a record; edits add what the case needs.
func object(apiVersion, kind, namespace, name string, edits ...func(*metav1.ObjectMeta)) record {
	m := metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID(kind + "/" + namespace + "/" + name)}
	for _, e := range edits {
		e(&m)
	}
	return record{Object{apiVersion, kind, namespace, name}, m}
}

func ownedBy(uid string) func(*metav1.ObjectMeta) {
	return func(m *metav1.ObjectMeta) {
		m.OwnerReferences = append(m.OwnerReferences, metav1.OwnerReference{UID: types.UID(uid)})
	}
}

func labelled(key, value string) func(*metav1.ObjectMeta) {
	return func(m *metav1.ObjectMeta) { m.Labels = map[string]string{key: value} }
}

func annotated(key, value string) func(*metav1.ObjectMeta) {
	return func(m *metav1.ObjectMeta) { m.Annotations = map[string]string{key: value} }
}

func writtenBy(managers ...string) func(*metav1.ObjectMeta) {
	return func(m *metav1.ObjectMeta) {
		for _, name := range managers {
			m.ManagedFields = append(m.ManagedFields, metav1.ManagedFieldsEntry{Manager: name})
		}
	}
}

func TestLeft(t *testing.T) {
	for name, tt := range map[string]struct {
		baseline []record
		now      []record
		want     []string
	}{
		"nothing new": {
			[]record{object("v1", "Namespace", "", "default")},
			[]record{object("v1", "Namespace", "", "default")},
			nil,
		},
		"an object made anew under its old name": {
			[]record{object("v1", "ConfigMap", "kube-system", "coredns")},
			[]record{object("v1", "ConfigMap", "kube-system", "coredns", func(m *metav1.ObjectMeta) { m.UID = "other" })},
			nil,
		},
		"an object that is served in another version now": {
			[]record{object("x.io/v1beta1", "Thing", "", "a")},
			[]record{object("x.io/v1", "Thing", "", "a")},
			nil,
		},
		"the same kind of another group": {
			[]record{object("x.io/v1", "Thing", "", "a")},
			[]record{object("y.io/v1", "Thing", "", "a")},
			[]string{"Thing /a"},
		},
		"planted objects": {
			nil,
			[]record{
				object("v1", "Namespace", "", "a", writtenBy("test")), object("v1", "ConfigMap", "kube-system", "a", writtenBy("test")),
				object("v1", "Secret", "default", "a", writtenBy("test")), object("rbac.authorization.k8s.io/v1", "ClusterRole", "", "a", writtenBy("localkube", "test")),
				object("coordination.k8s.io/v1", "Lease", "kube-system", "e6data-release", writtenBy("test")),
				object("v1", "ServiceAccount", "default", "a", writtenBy("helm")), object("v1", "ConfigMap", "default", "without-managers"),
			},
			[]string{"Namespace /a", "ConfigMap kube-system/a", "Secret default/a", "ClusterRole /a", "Lease kube-system/e6data-release", "ServiceAccount default/a", "ConfigMap default/without-managers"},
		},
		"what Kubernetes makes unasked": {
			nil,
			[]record{
				object("coordination.k8s.io/v1", "Lease", "kube-node-lease", "node"), object("coordination.k8s.io/v1", "Lease", "kube-system", "apiserver-x"),
				object("coordination.k8s.io/v1", "Lease", "kube-system", "ebs-csi-aws-com", writtenBy("controllers")),
				object("coordination.k8s.io/v1", "Lease", "kube-system", "karpenter-leader-election", writtenBy("karpenter")),
				object("coordination.k8s.io/v1", "Lease", "kube-system", "aws-load-balancer-controller-leader", writtenBy("controllers")),
				object("v1", "ConfigMap", "a", "kube-root-ca.crt"), object("v1", "ServiceAccount", "a", "default"),
				object("networking.k8s.io/v1", "IPAddress", "", "10.0.0.1", labelled("ipaddress.kubernetes.io/managed-by", "ipallocator.k8s.io")),
				object("apiregistration.k8s.io/v1", "APIService", "", "v1.x.io", labelled("kube-aggregator.kubernetes.io/automanaged", "true")),
				object("v1", "ServiceAccount", "kube-system", "late-controller", writtenBy("localkube")),
				object("rbac.authorization.k8s.io/v1", "RoleBinding", "a", "eks:access-policy:AmazonEKSViewPolicy:a"),
			},
			nil,
		},
		"an APIService and an address that somebody made": {
			nil,
			[]record{object("apiregistration.k8s.io/v1", "APIService", "", "v1.x.io"), object("networking.k8s.io/v1", "IPAddress", "", "10.0.0.1")},
			[]string{"APIService /v1.x.io", "IPAddress /10.0.0.1"},
		},
		"a claim that a controller made for a StatefulSet that is gone": {
			nil, []record{object("v1", "PersistentVolumeClaim", "a", "data-a-0", writtenBy("localkube"))}, []string{"PersistentVolumeClaim a/data-a-0"},
		},
		"slices of a service that exists": {
			[]record{object("v1", "Service", "a", "web")},
			[]record{
				object("v1", "Service", "a", "web"), object("v1", "Endpoints", "a", "web"),
				object("discovery.k8s.io/v1", "EndpointSlice", "a", "web-x", labelled("kubernetes.io/service-name", "web")),
			},
			nil,
		},
		"slices of a service that does not": {
			nil,
			[]record{object("v1", "Endpoints", "a", "web"), object("discovery.k8s.io/v1", "EndpointSlice", "a", "web-x", labelled("kubernetes.io/service-name", "web"))},
			[]string{"Endpoints a/web", "EndpointSlice a/web-x"},
		},
		"only the owner of what it owns": {
			nil,
			[]record{
				object("v1", "Pod", "a", "p", ownedBy("ReplicaSet/a/r")), object("apps/v1", "ReplicaSet", "a", "r", ownedBy("Deployment/a/d")),
				object("apps/v1", "Deployment", "a", "d"),
			},
			[]string{"Deployment a/d"},
		},
		"what belongs to an owner of the baseline": {
			[]record{object("v1", "ConfigMap", "a", "old")},
			[]record{object("v1", "ConfigMap", "a", "old"), object("v1", "Secret", "a", "new", ownedBy("ConfigMap/a/old"))},
			[]string{"Secret a/new"},
		},
		"what EKS made for an add-on, and what belongs to it": {
			nil,
			[]record{
				object("apps/v1", "Deployment", "kube-system", "coredns", writtenBy("eks", "localkube")),
				object("apps/v1", "ReplicaSet", "kube-system", "r", ownedBy("Deployment/kube-system/coredns")),
				object("v1", "Pod", "kube-system", "p", ownedBy("ReplicaSet/kube-system/r")),
				object("apps/v1", "DaemonSet", "kube-system", "aws-node", writtenBy("eks-bootstrap", "kubectl")),
				object("v1", "ConfigMap", "kube-system", "aws-auth", writtenBy("kubectl")),
			},
			[]string{"ConfigMap kube-system/aws-auth"},
		},
		"definitions of a chart's folder crds, and those of a release": {
			nil,
			[]record{
				object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "folder", writtenBy("helm", "localkube")),
				object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "release", writtenBy("helm"), annotated("meta.helm.sh/release-name", "crd")),
				object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "other", writtenBy("kubectl")),
			},
			[]string{"CustomResourceDefinition /release", "CustomResourceDefinition /other"},
		},
		"what has lost its owner": {
			nil, []record{object("apps/v1", "ReplicaSet", "a", "r", ownedBy("Deployment/a/gone"))}, []string{"ReplicaSet a/r"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			baseline := map[identity]bool{}
			for _, r := range tt.baseline {
				baseline[r.identity()] = true
			}
			var got []string
			for _, r := range left(baseline, tt.now) {
				got = append(got, r.Kind+" "+r.Namespace+"/"+r.Name)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("left (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSettling(t *testing.T) {
	owner := object("apps/v1", "Deployment", "a", "d")
	for name, tt := range map[string]struct {
		object record
		want   bool
	}{
		"an object that stays":         {object("v1", "Secret", "a", "s"), false},
		"an object that is deleted":    {object("v1", "Secret", "a", "s", func(m *metav1.ObjectMeta) { m.DeletionTimestamp = &metav1.Time{Time: time.Now()} }), true},
		"an object whose owner lives":  {object("apps/v1", "ReplicaSet", "a", "r", ownedBy("gone"), ownedBy("Deployment/a/d")), false},
		"an object without its owners": {object("apps/v1", "ReplicaSet", "a", "r", ownedBy("gone")), true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := newState([]record{owner, tt.object}).settling(tt.object); got != tt.want {
				t.Errorf("settling is %v, want %v", got, tt.want)
			}
		})
	}
}
