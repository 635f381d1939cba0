package release

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// neededPatience is how long a removal waits for objects that are being deleted
// and still need the release for that, if its context has that time.
const neededPatience = 2 * time.Minute

// checkUnneeded refuses a removal as long as there are objects that need the
// release: with Karpenter's definitions all NodePools of the cluster would go,
// whoever made them, and nobody would end their nodes. Objects that are being
// deleted are waited for.
func (w *run) checkUnneeded(ctx context.Context) error {
	stop := time.Now().Add(min(budget(ctx, w.timeout), neededPatience))
	for {
		needy, going, err := w.needy(ctx)
		switch {
		case err != nil:
			return err
		case len(needy) == 0 && len(going) == 0:
			return nil
		case len(needy) == 0 && time.Now().Before(stop) && pause(ctx, time.Second):
			continue
		}
		return fmt.Errorf("uninstall release %s: refused, and it was left as it is, because others on the cluster need it: %s. "+
			"Delete them, or what made them, and then delete this stack again", w.target, enumerate(append(needy, going...)))
	}
}

// needy are the objects of others that need the release, and those of them that
// are being deleted.
func (w *run) needy(ctx context.Context) (needy, going []string, err error) {
	if len(w.neededBy) > 0 {
		if needy, err = w.neighbours(ctx); err != nil {
			return nil, nil, err
		}
	}
	for _, resource := range w.neededBy {
		_, objects, err := w.list(ctx, resource, "")
		if err != nil {
			return nil, nil, fmt.Errorf("uninstall release %s: look for %s, which would need it: %w", w.target, resource, err)
		}
		for _, o := range objects {
			switch {
			case w.belongs(o):
			case o.GetDeletionTimestamp() == nil:
				needy = append(needy, origin(o))
			default:
				going = append(going, origin(o)+" (being deleted)")
			}
		}
	}
	return needy, going, nil
}

// neighbours are the releases of other stacks of this quickstart. Theirs is a
// workspace that has found the controllers on the cluster, whether it has
// objects for them at the moment or not.
func (w *run) neighbours(ctx context.Context) ([]string, error) {
	records, err := w.kube.CoreV1().Secrets("").List(ctx, metav1.ListOptions{LabelSelector: RecordsOfStacks})
	if err != nil {
		return nil, fmt.Errorf("uninstall release %s: look for other workspaces, which would need it: %w", w.target, err)
	}
	found := map[string]bool{}
	for _, r := range records.Items {
		if owner := OwnerOfRecord(r.Labels); !owner.SameStack(w.owner) {
			found[fmt.Sprintf("release %s/%s of the stack %s", r.Namespace, r.Labels["name"], owner.StackName)] = true
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// origin names an object with its namespace, and the release that it is of.
func origin(o *unstructured.Unstructured) string {
	text := kindOf(o)
	if namespace := o.GetNamespace(); namespace != "" {
		text = o.GetKind() + " " + namespace + "/" + o.GetName()
	}
	if t, ok := MarkedFor(o.GetAnnotations()); ok {
		text += " (of release " + t.String() + ")"
	}
	return text
}

// enumerate is a list for people, the first few in full.
func enumerate(items []string) string {
	const most = 10
	if len(items) <= most {
		return strings.Join(items, ", ")
	}
	return fmt.Sprintf("%s, and %d more", strings.Join(items[:most], ", "), len(items)-most)
}
