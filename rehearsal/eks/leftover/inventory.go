// Package leftover finds out what is in the cluster at its end that was not there
// at its start and that somebody should have cleaned up.
package leftover

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
)

const parallel = 8

var crds = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// Object names an object of the cluster.
type Object struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"` // empty for cluster-wide objects
	Name       string `json:"name"`
}

// record is an object with what decides whether it is left over.
type record struct {
	Object
	meta metav1.ObjectMeta
}

// resource is a type of objects that can be listed.
type resource struct {
	schema.GroupVersionResource
	kind string
}

// inventory lists all objects of the cluster.
type inventory struct {
	discovery discovery.DiscoveryInterface
	dynamic   dynamic.Interface
	metadata  metadata.Interface
}

func newInventory(c *rest.Config) (*inventory, error) {
	d, err := discovery.NewDiscoveryClientForConfig(c)
	if err != nil {
		return nil, fmt.Errorf("make a discovery client: %w", err)
	}
	dyn, err := dynamic.NewForConfig(c)
	if err != nil {
		return nil, fmt.Errorf("make a dynamic client: %w", err)
	}
	m, err := metadata.NewForConfig(c)
	if err != nil {
		return nil, fmt.Errorf("make a metadata client: %w", err)
	}
	return &inventory{discovery: d, dynamic: dyn, metadata: m}, nil
}

// list gives every object, in no order. For a type that cannot be listed, as when
// its conversion webhook does not answer, it gives a stand-in in unknown that
// tells why.
func (v *inventory) list(ctx context.Context) (all, unknown []record, err error) {
	resources, err := v.resources(ctx)
	if err != nil {
		return nil, nil, err
	}
	var (
		mu   sync.Mutex
		wg   sync.WaitGroup
		slot = make(chan struct{}, parallel)
	)
	for _, r := range resources {
		wg.Go(func() {
			slot <- struct{}{}
			defer func() { <-slot }()
			found, err := v.objects(ctx, r)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, found...)
			if err != nil {
				o := Object{APIVersion: r.GroupVersion().String(), Kind: r.kind, Name: "* (" + err.Error() + ")"}
				unknown = append(unknown, record{Object: o})
			}
		})
	}
	wg.Wait()
	return all, unknown, nil
}

// objects lists one type. A type that has just been removed has no objects.
func (v *inventory) objects(ctx context.Context, r resource) ([]record, error) {
	list, err := v.metadata.Resource(r.GroupVersionResource).List(ctx, metav1.ListOptions{})
	if apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot be listed: %w", err)
	}
	found := make([]record, 0, len(list.Items))
	for i := range list.Items {
		m := list.Items[i].ObjectMeta
		o := Object{APIVersion: r.GroupVersion().String(), Kind: r.kind, Namespace: m.Namespace, Name: m.Name}
		found = append(found, record{o, m})
	}
	return found, nil
}

// resources gives all types that can be listed, each in one version. Types of
// CRDs are asked from the CRDs too: discovery follows them with some delay.
func (v *inventory) resources(ctx context.Context) ([]resource, error) {
	lists, err := discovery.ServerPreferredResources(v.discovery)
	if err != nil {
		if !discovery.IsGroupDiscoveryFailedError(err) {
			return nil, fmt.Errorf("discover resource types: %w", err)
		}
		// An aggregated API without a backend hides its own types only.
		slog.WarnContext(ctx, "some resource types are not discovered", "reason", err)
	}
	byName := map[schema.GroupResource]resource{}
	for _, l := range lists {
		gv, err := schema.ParseGroupVersion(l.GroupVersion)
		if err != nil {
			return nil, fmt.Errorf("discover resource types: %w", err)
		}
		for _, r := range l.APIResources {
			if slices.Contains(r.Verbs, "list") && !strings.Contains(r.Name, "/") {
				add(byName, resource{gv.WithResource(r.Name), r.Kind})
			}
		}
	}
	defined, err := v.dynamic.Resource(crds).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list custom resource definitions: %w", err)
	}
	for i := range defined.Items {
		if r, ok := custom(&defined.Items[i]); ok {
			add(byName, r)
		}
	}
	all := make([]resource, 0, len(byName))
	for _, r := range byName {
		all = append(all, r)
	}
	return all, nil
}

func add(byName map[schema.GroupResource]resource, r resource) {
	if _, known := byName[r.GroupResource()]; !known && !unlisted[r.GroupResource()] {
		byName[r.GroupResource()] = r
	}
}

// custom gives the type that a CRD defines, in its first served version.
func custom(crd *unstructured.Unstructured) (resource, bool) {
	group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
	plural, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "plural")
	kind, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "kind")
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	for _, v := range versions {
		version, ok := v.(map[string]any)
		if !ok || version["served"] != true {
			continue
		}
		name, ok := version["name"].(string)
		return resource{schema.GroupVersionResource{Group: group, Version: name, Resource: plural}, kind}, ok
	}
	return resource{}, false
}
