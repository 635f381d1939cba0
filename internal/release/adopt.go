package release

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"

	"helm.sh/helm/v3/pkg/postrender"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// annotationAdopted marks an object that somebody else made and that the
// release took over. It stays when the release goes: it was there before.
const annotationAdopted = "quickstart.e6data.com/adopted"

// keeper marks adopted objects in the rendered manifest, so that Helm keeps
// them on uninstall. Without it, a rolled-back stack would delete CRDs that
// another installer made, and with them every object of their kinds.
type keeper struct {
	ctx context.Context //nolint:containedctx // Helm's post-renderer has no context of its own
	run *run
	// adopted are the objects that an earlier revision adopted.
	adopted map[string]bool
}

// keeper returns nil if nothing can be adopted.
func (w *run) keeper(ctx context.Context) postrender.PostRenderer {
	k := &keeper{ctx: ctx, run: w, adopted: map[string]bool{}}
	if last, err := w.cfg.Releases.Last(w.target.Name); err == nil {
		for _, doc := range documents(last.Manifest) {
			if object, err := parse(doc); err == nil && object != nil && object.GetAnnotations()[annotationAdopted] != "" {
				k.adopted[identity(object)] = true
			}
		}
	}
	if !w.spec.Adopt && len(k.adopted) == 0 {
		return nil
	}
	return k
}

// Run implements postrender.PostRenderer.
func (k *keeper) Run(rendered *bytes.Buffer) (*bytes.Buffer, error) {
	out := new(bytes.Buffer)
	for _, doc := range documents(rendered.String()) {
		marked, err := k.mark(doc)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(out, "---\n%s\n", marked)
	}
	return out, nil
}

func (k *keeper) mark(doc string) (string, error) {
	object, err := parse(doc)
	if err != nil || object == nil {
		return doc, err
	}
	if !k.adopted[identity(object)] {
		found, err := k.found(doc)
		if err != nil || !found {
			return doc, err
		}
	}
	marks := object.GetAnnotations()
	if marks == nil {
		marks = map[string]string{}
	}
	marks[annotationAdopted], marks[annotationPolicy] = "true", policyKeep
	object.SetAnnotations(marks)
	text, err := yaml.Marshal(object.Object)
	if err != nil {
		return "", fmt.Errorf("mark %s as adopted: %w", identity(object), err)
	}
	slog.InfoContext(k.ctx, "adopting an object", "release", k.run.target.String(), "object", identity(object))
	return string(text), nil
}

// found tells whether somebody else's object is in the object's place.
func (k *keeper) found(doc string) (bool, error) {
	if !k.run.spec.Adopt {
		return false, nil
	}
	list, _, err := k.run.build(doc)
	if err != nil {
		return false, err
	}
	for _, info := range list {
		there, err := live(info)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("look for %s: %w", describe(info), err)
		}
		if !k.run.belongs(there) || there.GetAnnotations()[annotationAdopted] != "" {
			return true, nil
		}
	}
	return false, nil
}

func identity(o *unstructured.Unstructured) string {
	return o.GroupVersionKind().GroupKind().String() + " " + o.GetNamespace() + "/" + o.GetName()
}
