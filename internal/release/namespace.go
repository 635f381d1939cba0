package release

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ensureNamespace makes the namespace if it is missing and may be made, with
// the stack's label. A namespace on its way out is waited for: it takes no new
// objects.
func (w *run) ensureNamespace(ctx context.Context) error {
	name := w.target.Namespace
	for {
		found, err := w.kube.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
		switch {
		case err == nil && found.Status.Phase != core.NamespaceTerminating && found.DeletionTimestamp == nil:
			return nil
		case err == nil:
			if !pause(ctx, 500*time.Millisecond) {
				return fmt.Errorf("namespace %s is being deleted and does not end: %s: %w", name, whyStuck(found), context.Cause(ctx))
			}
			continue
		case !apierrors.IsNotFound(err):
			return fmt.Errorf("look for namespace %s: %w", name, err)
		case !w.spec.CreateNamespace:
			return fmt.Errorf("namespace %s does not exist: set CreateNamespace, or make it first", name)
		}
		_, err = w.kube.CoreV1().Namespaces().Create(ctx, &core.Namespace{ObjectMeta: metav1.ObjectMeta{
			Name:   name,
			Labels: map[string]string{labelStack: w.owner.Stack, "app.kubernetes.io/managed-by": "e6data-quickstart"},
		}}, metav1.CreateOptions{})
		if err == nil || apierrors.IsAlreadyExists(err) {
			w.touched = true
			slog.InfoContext(ctx, "made namespace", "namespace", name)
			continue // look again: somebody else may have made or be deleting it
		}
		return fmt.Errorf("make namespace %s: %w", name, err)
	}
}

func (w *run) namespaceExists(ctx context.Context) (bool, error) {
	_, err := w.kube.CoreV1().Namespaces().Get(ctx, w.target.Namespace, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for namespace %s: %w", w.target.Namespace, err)
	}
	return true, nil
}

// removeNamespace deletes the namespace if this stack made it and no release
// is in it, and waits for its end and that of its volumes.
func (w *run) removeNamespace(ctx context.Context) error {
	name := w.target.Namespace
	found, err := w.kube.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for namespace %s: %w", name, err)
	}
	if w.owner.Stack == "" || found.Labels[labelStack] != w.owner.Stack {
		return nil
	}
	if found.DeletionTimestamp == nil {
		others, err := w.releasesIn(ctx, name)
		if err != nil {
			return err
		}
		if len(others) > 0 {
			slog.InfoContext(ctx, "namespace stays", "namespace", name, "releases", strings.Join(others, ", "))
			return nil
		}
		err = w.kube.CoreV1().Namespaces().Delete(ctx, name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &found.UID}})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("delete namespace %s: %w", name, err)
		}
		slog.InfoContext(ctx, "deleting namespace", "namespace", name)
	}
	if err := w.namespaceEnds(ctx, found); err != nil {
		return err
	}
	return w.volumesGo(ctx, name)
}

func (w *run) namespaceEnds(ctx context.Context, found *core.Namespace) error {
	uid, stop := found.UID, time.Now().Add(budget(ctx, w.timeout))
	for {
		now, err := w.kube.CoreV1().Namespaces().Get(ctx, found.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) || err == nil && now.UID != uid {
			return nil
		}
		if err != nil {
			return fmt.Errorf("wait for the end of namespace %s: %w", found.Name, err)
		}
		if time.Now().After(stop) || !pause(ctx, 200*time.Millisecond) {
			return fmt.Errorf("namespace %s was deleted but does not end: %s", found.Name, whyStuck(now))
		}
	}
}

// releasesIn lists the names of the Helm releases in a namespace.
func (w *run) releasesIn(ctx context.Context, namespace string) ([]string, error) {
	records, err := w.kube.CoreV1().Secrets(namespace).List(ctx, metav1.ListOptions{LabelSelector: "owner=helm"})
	if err != nil {
		return nil, fmt.Errorf("list the releases in namespace %s: %w", namespace, err)
	}
	var names []string
	for i := range records.Items {
		names = append(names, records.Items[i].Labels["name"])
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// whyStuck is what the namespace controller says about a namespace that does
// not end: which objects are left, and which finalizers.
func whyStuck(n *core.Namespace) string {
	var reasons []string
	for _, c := range n.Status.Conditions {
		if c.Status == core.ConditionTrue && c.Message != "" && c.Type != core.NamespaceDeletionDiscoveryFailure {
			reasons = append(reasons, c.Message)
		}
	}
	if len(reasons) == 0 {
		return "Kubernetes gives no reason"
	}
	return strings.Join(reasons, "; ")
}
