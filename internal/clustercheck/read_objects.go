package clustercheck

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/e6data/aws-quickstart/internal/release"
)

var (
	secrets     = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	apiServices = schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}
	definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
)

// marksOf reads to whom an object belongs.
func marksOf(o metav1.Object) Marks {
	var m Marks
	if t, marked := release.MarkedFor(o.GetAnnotations()); marked {
		m.Release = t
	}
	for _, f := range o.GetManagedFields() {
		if f.Subresource == "" {
			m.Maker = f.Manager
			break
		}
	}
	return m
}

// apis finds aggregated APIs that do not answer.
func (l *look) apis(ctx context.Context) error {
	err := l.each(ctx, metav1.ListOptions{},
		func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return l.dynamic.Resource(apiServices).List(ctx, o)
		},
		func(o runtime.Object) error {
			u, ok := o.(*unstructured.Unstructured)
			if !ok {
				return nil
			}
			conditions, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
			for _, c := range conditions {
				fields, _ := c.(map[string]any)
				if fields["type"] == "Available" && fields["status"] == "False" {
					l.out.BrokenAPIs = append(l.out.BrokenAPIs, BrokenAPI{Name: u.GetName(), Reason: fmt.Sprint(fields["reason"])})
				}
			}
			return nil
		})
	_, err = l.allowed("list", "apiservices.apiregistration.k8s.io", err)
	return err
}

// definitions reads the custom resource definitions that matter, one by one: a
// cluster may have hundreds of them, some of megabytes.
func (l *look) definitions(ctx context.Context) error {
	l.out.Definitions = map[string]Definition{}
	for _, name := range slices.Concat(chartDefinitions, balancerKinds, []string{autoModeDefinition}) {
		u, err := l.dynamic.Resource(definitions).Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if see, err := l.allowed("get", definitionsResource, err); !see {
			return err
		}
		d := Definition{Marks: marksOf(u)}
		versions, _, err := unstructured.NestedSlice(u.Object, "spec", "versions")
		if err != nil {
			return fmt.Errorf("custom resource definition %s: %w", name, err)
		}
		for _, v := range versions {
			fields, _ := v.(map[string]any)
			version := fmt.Sprint(fields["name"])
			if fields["served"] == true {
				d.Served = append(d.Served, version)
			}
			if fields["storage"] == true {
				d.Storage = version
			}
		}
		l.out.Definitions[name] = d
	}
	return nil
}

// records reads who owns releases: of all that stacks of this quickstart own,
// and of those whose names the stack needs. Of a release's records the newest
// counts. Only their labels are read, not the charts and values in them.
func (l *look) records(ctx context.Context) error {
	newest := map[release.Target]int{}
	l.out.Records = map[release.Target]release.Owner{}
	names := strings.Join([]string{karpenterRelease, definitionsRelease, loadBalancerRelease, l.want.WorkspaceName}, ",")
	for _, selector := range []string{release.RecordsOfStacks, "owner=helm,name in (" + names + ")"} {
		err := l.each(ctx, metav1.ListOptions{LabelSelector: selector},
			func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
				return l.meta.Resource(secrets).List(ctx, o)
			},
			func(o runtime.Object) error {
				m, err := meta.Accessor(o)
				if err != nil {
					return err
				}
				labels := m.GetLabels()
				target := release.Target{Namespace: m.GetNamespace(), Name: labels["name"]}
				revision, err := strconv.Atoi(labels["version"])
				if err == nil && revision >= newest[target] {
					newest[target], l.out.Records[target] = revision, release.OwnerOfRecord(labels)
				}
				return nil
			})
		if see, err := l.allowed("list", "secrets", err); !see {
			return err
		}
	}
	return nil
}

// claims looks which of the names that must be free are taken.
func (l *look) claims(ctx context.Context) error {
	l.out.Objects = map[claim]Marks{}
	for _, c := range append(l.want.claims(), l.want.pools()...) {
		o, err := l.meta.Resource(c.resource).Namespace(c.namespace).Get(ctx, c.name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) || meta.IsNoMatchError(err) {
			continue
		}
		see, err := l.readable("get", c.resource.GroupResource().String(), err)
		if err != nil {
			return err
		}
		if see {
			l.out.Objects[c] = marksOf(o)
		}
	}
	return nil
}

// pools looks for NodePools of EKS Auto Mode.
func (l *look) pools(ctx context.Context) error {
	d, there := l.out.Definitions[karpenterKinds[0]]
	if !there || !slices.Contains(d.Served, nodePools.Version) {
		return nil
	}
	err := l.each(ctx, metav1.ListOptions{},
		func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return l.dynamic.Resource(nodePools).List(ctx, o)
		},
		func(o runtime.Object) error {
			if u, ok := o.(*unstructured.Unstructured); ok {
				group, _, _ := unstructured.NestedString(u.Object, "spec", "template", "spec", "nodeClassRef", "group")
				l.out.AutoMode = l.out.AutoMode || group == "eks.amazonaws.com"
			}
			return nil
		})
	_, err = l.readable("list", karpenterKinds[0], err)
	return err
}

// readable is allowed for kinds that are not Kubernetes' own: what the API
// server says of them, such as that a conversion failed, is part of the picture.
func (l *look) readable(verb, resource string, err error) (bool, error) {
	if status := apierrors.APIStatus(nil); errors.As(err, &status) && !apierrors.IsForbidden(err) && !apierrors.IsUnauthorized(err) {
		l.out.Unreadable[resource] = err.Error()
		return false, nil
	}
	return l.allowed(verb, resource, err)
}
