package rehearsal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// atOnce is how many types of objects are listed at a time.
const atOnce = 8

// unseen are types whose objects come, change and go by themselves, and those
// that are no objects at all.
var unseen = []schema.GroupResource{
	{Resource: "events"},
	{Group: "events.k8s.io", Resource: "events"},
	{Group: "coordination.k8s.io", Resource: "leases"},
	{Resource: "endpoints"},
	{Group: "discovery.k8s.io", Resource: "endpointslices"},
	{Resource: "componentstatuses"},
	{Group: "networking.k8s.io", Resource: "ipaddresses"},
	{Group: "storage.k8s.io", Resource: "csinodes"},
	{Group: "storage.k8s.io", Resource: "csistoragecapacities"},
	{Group: "certificates.k8s.io", Resource: "certificatesigningrequests"},
	{Group: "metrics.k8s.io", Resource: "nodes"},
	{Group: "metrics.k8s.io", Resource: "pods"},
}

// addCluster adds every object of a Kubernetes cluster.
func (p Picture) addCluster(ctx context.Context, config *rest.Config) error {
	resources, err := listable(config)
	if err != nil {
		return fmt.Errorf("find the cluster's types of objects: %w", err)
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	found := make([][]unstructured.Unstructured, len(resources))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, resource := range resources {
		group.Go(func() error {
			list, err := client.Resource(resource).List(ctx, metav1.ListOptions{})
			if apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) { // a type that has just been removed
				return nil
			}
			if err != nil {
				return fmt.Errorf("list the %s of the cluster: %w", resource.GroupResource(), err)
			}
			found[i] = list.Items
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, objects := range found {
		for i := range objects {
			if err := p.addObject(&objects[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// listable are the types of objects that can be listed, each in one version.
func listable(config *rest.Config) ([]schema.GroupVersionResource, error) {
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	lists, err := client.ServerPreferredResources()
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) { // an aggregated API without a backend hides its own types only
		return nil, err
	}
	var all []schema.GroupVersionResource
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return nil, err
		}
		for _, r := range list.APIResources {
			resource := version.WithResource(r.Name)
			if slices.Contains(r.Verbs, "list") && !strings.Contains(r.Name, "/") && !slices.Contains(unseen, resource.GroupResource()) {
				all = append(all, resource)
			}
		}
	}
	return all, nil
}

func (p Picture) addObject(o *unstructured.Unstructured) error {
	id := strings.TrimPrefix(o.GetNamespace()+"/"+o.GetName(), "/")
	switch {
	case strings.HasPrefix(o.GetName(), "eks:access-policy:"):
		return nil // the embedded EKS plays access policies by them
	case o.GetKind() == "ConfigMap" && id == "kube-system/aws-auth":
		return p.addAWSAuth(o)
	case o.GetKind() == "Secret" && strings.HasPrefix(o.GetName(), "sh.helm.release.v1."):
		return p.add("Helm release", strings.Replace(id, "sh.helm.release.v1.", "", 1), portrait(o))
	}
	return p.add(o.GroupVersionKind().GroupKind().String(), id, portrait(o))
}

// addAWSAuth adds each key of the map as text, which is compared byte by byte.
func (p Picture) addAWSAuth(o *unstructured.Unstructured) error {
	data, _, err := unstructured.NestedStringMap(o.Object, "data")
	if err != nil {
		return fmt.Errorf("read aws-auth: %w", err)
	}
	for key, text := range data {
		if err := p.add("aws-auth", key, text); err != nil {
			return err
		}
	}
	content := portrait(o)
	delete(content, "data")
	return p.add("aws-auth", awsAuthMetadata, content)
}

// portrait is an object without what changes by itself: its status, versions
// and managers, and of pods and nodes all but what tells one from another.
func portrait(o *unstructured.Unstructured) map[string]any {
	o = o.DeepCopy()
	for _, field := range []string{"resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"} {
		unstructured.RemoveNestedField(o.Object, "metadata", field)
	}
	content := o.Object
	delete(content, "status")
	switch kind := o.GroupVersionKind().GroupKind().String(); kind {
	case "Pod":
		node, _, _ := unstructured.NestedString(content, "spec", "nodeName")
		return map[string]any{"uid": o.GetUID(), "node": node}
	case "Node":
		return nodePortrait(o)
	case "Secret":
		for _, part := range []string{"data", "stringData"} {
			if content[part] != nil {
				content[part] = digestOf(content[part]) // no secret in a message
			}
		}
	case "ClusterRole.rbac.authorization.k8s.io":
		if content["aggregationRule"] != nil { // the controller manager fills it from others
			delete(content, "rules")
		}
	}
	return content
}

// nodePortrait is a node with the taints that somebody gave it: those of
// Kubernetes come and go with the node's condition.
func nodePortrait(o *unstructured.Unstructured) map[string]any {
	provider, _, _ := unstructured.NestedString(o.Object, "spec", "providerID")
	unschedulable, _, _ := unstructured.NestedBool(o.Object, "spec", "unschedulable")
	taints, _, _ := unstructured.NestedSlice(o.Object, "spec", "taints")
	taints = slices.DeleteFunc(taints, func(t any) bool {
		taint, ok := t.(map[string]any)
		return ok && strings.HasPrefix(fmt.Sprint(taint["key"]), "node.kubernetes.io/")
	})
	return map[string]any{"uid": o.GetUID(), "providerID": provider, "labels": o.GetLabels(), "taints": taints, "unschedulable": unschedulable}
}

func digestOf(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}
