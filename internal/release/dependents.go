package release

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// Dependents are objects that a controller makes for a release's objects, and
// that are not in the release: a NodePool's NodeClaims. A removal deletes them
// too, and is not done before they are gone.
type Dependents struct {
	// Resource is plural and group, such as nodeclaims.karpenter.sh.
	Resource string
	// Selector is a label selector. It must not be empty.
	Selector string
}

func (d Dependents) String() string { return d.Resource + " with " + d.Selector }

// Check refuses what would mean another set of objects than was meant.
func (d Dependents) Check() error {
	selector, err := labels.Parse(d.Selector)
	if err != nil {
		return fmt.Errorf("selector %q of the dependents %s: %w", d.Selector, d.Resource, err)
	}
	if selector.Empty() || d.Resource == "" {
		return fmt.Errorf("dependents %q with selector %q: both are needed, or everything would be meant", d.Resource, d.Selector)
	}
	return nil
}

// dependents deletes what is not being deleted yet of the dependents, and says
// of each that is there what it waits for. A kind that the cluster does not know
// took its objects along.
func (w *run) dependents(ctx context.Context) ([]*unstructured.Unstructured, error) {
	var left []*unstructured.Unstructured
	for _, d := range w.leave {
		objects, err := w.listDependents(ctx, d)
		if err != nil {
			return nil, fmt.Errorf("uninstall release %s: look for %s: %w", w.target, d, err)
		}
		left = append(left, objects...)
	}
	return left, nil
}

func (w *run) listDependents(ctx context.Context, d Dependents) ([]*unstructured.Unstructured, error) {
	client, left, err := w.list(ctx, d.Resource, d.Selector)
	if err != nil {
		return nil, err
	}
	for _, object := range left {
		if object.GetDeletionTimestamp() != nil {
			continue
		}
		slog.InfoContext(ctx, "deleting dependent", "release", w.target.String(), "object", kindOf(object))
		err := client.Namespace(object.GetNamespace()).Delete(ctx, object.GetName(), metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("delete %s: %w", kindOf(object), err)
		}
	}
	return left, nil
}

// list is what the cluster has of a resource (plural and group) with a label
// selector. A resource that it does not know has no objects.
func (w *run) list(ctx context.Context, resource, selector string) (dynamic.NamespaceableResourceInterface, []*unstructured.Unstructured, error) {
	config, err := w.cfg.RESTClientGetter.ToRESTConfig()
	if err != nil {
		return nil, nil, err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, nil, err
	}
	mapper, err := w.cfg.RESTClientGetter.ToRESTMapper()
	if err != nil {
		return nil, nil, err
	}
	known, err := mapper.ResourceFor(schema.ParseGroupResource(resource).WithVersion(""))
	if isUnknownKindError(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	of := client.Resource(known)
	found, err := of.List(ctx, metav1.ListOptions{LabelSelector: selector})
	if apierrors.IsNotFound(err) {
		return nil, nil, nil // its definition went in between
	}
	if err != nil {
		return nil, nil, err
	}
	objects := make([]*unstructured.Unstructured, len(found.Items))
	for i := range found.Items {
		objects[i] = &found.Items[i]
	}
	return of, objects, nil
}

func isUnknownKindError(err error) bool { return err != nil && isUnknownKind(err) }

// explainDependents says what each dependent waits for, the first few in full.
func (w *run) explainDependents(ctx context.Context, left []*unstructured.Unstructured) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), diagnoseTime)
	defer cancel()
	d := newDoctor(w.kube)
	var b strings.Builder
	for i, object := range left {
		line := cut(d.whyThere(ctx, object), 2*lineLimit)
		rest := fmt.Sprintf("; and %d more", len(left)-i)
		if b.Len()+len(line)+len(rest) > reportLimit {
			b.WriteString(rest)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(line)
	}
	return b.String()
}

// progress logs what a removal waits for, when that changes and twice a minute.
type progress struct {
	last string
	at   time.Time
}

func (p *progress) report(ctx context.Context, target Target, waiting []string) {
	const period = 30 * time.Second
	text := strings.Join(waiting, "; ")
	if text == p.last && time.Since(p.at) < period {
		return
	}
	p.last, p.at = text, time.Now()
	if text != "" {
		slog.InfoContext(ctx, "waiting until objects are gone", "release", target.String(), "count", len(waiting), "objects", cut(text, reportLimit))
	}
}
