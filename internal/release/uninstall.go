package release

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/action"
	helmkube "helm.sh/helm/v3/pkg/kube"
	helmrelease "helm.sh/helm/v3/pkg/release"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/resource"
)

// uninstall removes the release's objects, waits until they are gone, and only
// then removes its records. Helm's own uninstall drops the records even if the
// objects stay, so that nobody would come back for them.
func (w *run) uninstall(ctx context.Context, seen Observation) error {
	began := time.Now()
	stop := began.Add(budget(ctx, w.timeout))
	var failure error
	if seen.Last.Info.Status != helmrelease.StatusUninstalled {
		failure = w.helmUninstall(ctx, seen.Last)
	}
	stuck, dependents, err := w.sweep(ctx, seen.history, stop)
	switch {
	case err != nil:
		return errors.Join(failure, err)
	case len(dependents) > 0:
		return fmt.Errorf("uninstall release %s: given up after %s, because these objects do not go: %s", w.target,
			time.Since(began).Round(time.Second), w.explainDependents(ctx, dependents))
	case len(stuck) > 0:
		return fmt.Errorf("uninstall release %s: these objects were deleted but do not go: %s. "+
			"Whoever put the finalizer must be running to take it off", w.target, strings.Join(stuck, "; "))
	}
	if failure != nil {
		return failure
	}
	for _, revision := range seen.history {
		if _, err := w.cfg.Releases.Delete(w.target.Name, revision.Version); err != nil {
			return fmt.Errorf("uninstall release %s: delete the record of revision %d: %w", w.target, revision.Version, err)
		}
	}
	return nil
}

// helmUninstall is Helm's uninstall with hooks, keeping the records.
func (w *run) helmUninstall(ctx context.Context, last *helmrelease.Release) error {
	_, unknown, err := w.build(last.Manifest)
	if err != nil {
		return fmt.Errorf("uninstall release %s: read its manifest: %w", w.target, err)
	}
	if len(unknown) > 0 {
		// Kinds that are gone from the cluster took their objects along, but
		// Helm would refuse the whole manifest for them.
		last.Manifest = without(last.Manifest, unknown)
		if err := w.cfg.Releases.Update(last); err != nil {
			return fmt.Errorf("uninstall release %s: update its record: %w", w.target, err)
		}
	}
	u := action.NewUninstall(w.cfg)
	u.KeepHistory, u.Timeout = true, budget(ctx, w.timeout)
	err = until(ctx, func() error { _, err := u.Run(w.target.Name); return err })
	if err == nil {
		return nil
	}
	failure := fmt.Errorf("uninstall release %s: %w", w.target, err)
	if trouble := w.diagnose(ctx, last); trouble != "" {
		return fmt.Errorf("%w: %s", failure, trouble)
	}
	return failure
}

func without(manifest string, unwanted []string) string {
	var kept strings.Builder
	for _, doc := range documents(manifest) {
		if !slices.Contains(unwanted, doc) {
			kept.WriteString("---\n" + doc + "\n")
		}
	}
	return kept.String()
}

// sweep deletes what any revision of the release left and waits for its end.
// An interrupted upgrade leaves objects that its newest manifest does not name,
// and Helm never removes the objects of hooks. What controllers made for those
// objects goes with them. It returns what is still there when the time is up.
func (w *run) sweep(ctx context.Context, history []*helmrelease.Release, stop time.Time) (stuck []string, dependents []*unstructured.Unstructured, err error) {
	objects, err := w.everything(history)
	if err != nil {
		return nil, nil, err
	}
	var seen progress
	for {
		if stuck, err = w.remaining(ctx, objects); err != nil {
			return stuck, nil, err
		}
		if dependents, err = w.dependents(ctx); err != nil {
			return stuck, nil, err
		}
		waiting := slices.Clone(stuck)
		for _, d := range dependents {
			waiting = append(waiting, kindOf(d))
		}
		seen.report(ctx, w.target, waiting)
		if len(waiting) == 0 || time.Now().After(stop) || !pause(ctx, 200*time.Millisecond) {
			return stuck, dependents, nil
		}
	}
}

// sought is an object that should be gone.
type sought struct {
	info *resource.Info
	// marked: only an object with this release's marks is meant. Hooks have none.
	marked bool
}

func (w *run) everything(history []*helmrelease.Release) ([]sought, error) {
	var all []sought
	names := map[string]bool{}
	add := func(list helmkube.ResourceList, marked bool) {
		for _, info := range list {
			if key := describe(info); !names[key] {
				names[key] = true
				all = append(all, sought{info, marked})
			}
		}
	}
	for _, revision := range slices.Backward(history) {
		list, _, err := w.build(revision.Manifest)
		if err != nil {
			return nil, fmt.Errorf("uninstall release %s: read the manifest of revision %d: %w", w.target, revision.Version, err)
		}
		add(list, true)
		for _, doc := range hookDocuments(revision) {
			list, _, err := w.build(doc)
			if err != nil {
				return nil, fmt.Errorf("uninstall release %s: read a hook of revision %d: %w", w.target, revision.Version, err)
			}
			add(list.Filter(runsToCompletion), false)
		}
	}
	return all, nil
}

// runsToCompletion: of a hook's objects only Jobs and Pods are swept. They have
// done their work; anything else may be meant to outlive the release.
func runsToCompletion(info *resource.Info) bool {
	kind := info.Mapping.GroupVersionKind.GroupKind().String()
	return kind == "Job.batch" || kind == "Pod"
}

// remaining deletes what is not being deleted yet, and names what is there.
func (w *run) remaining(ctx context.Context, objects []sought) ([]string, error) {
	var left []string
	for _, o := range objects {
		object, err := live(o.info)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return left, fmt.Errorf("uninstall release %s: look for %s: %w", w.target, describe(o.info), err)
		}
		if object.GetAnnotations()[annotationPolicy] == policyKeep || o.marked && !w.belongs(object) {
			continue
		}
		if object.GetDeletionTimestamp() == nil {
			slog.InfoContext(ctx, "deleting leftover", "release", w.target.String(), "object", describe(o.info))
			_, err := resource.NewHelper(o.info.Client, o.info.Mapping).DeleteWithOptions(o.info.Namespace, o.info.Name,
				&metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationBackground)})
			if err != nil && !apierrors.IsNotFound(err) {
				return left, fmt.Errorf("uninstall release %s: delete %s: %w", w.target, describe(o.info), err)
			}
		}
		if err := nudge(ctx, o.info, object, time.Now()); err != nil {
			return left, fmt.Errorf("uninstall release %s: %w", w.target, err)
		}
		text := describe(o.info)
		if f := object.GetFinalizers(); len(f) > 0 {
			text += " (finalizer " + strings.Join(f, ", ") + ")"
		}
		left = append(left, text)
	}
	return left, nil
}
