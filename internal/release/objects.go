package release

import (
	"fmt"
	"sort"
	"strings"

	helmkube "helm.sh/helm/v3/pkg/kube"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/releaseutil"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/resource"
	"sigs.k8s.io/yaml"
)

// Marks that Helm puts on a release's objects, and looks for.
const (
	annotationRelease   = "meta.helm.sh/release-name"
	annotationNamespace = "meta.helm.sh/release-namespace"
	annotationPolicy    = helmkube.ResourcePolicyAnno
	policyKeep          = helmkube.KeepPolicy
)

// documents splits a manifest, in its order, without empty parts.
func documents(manifest string) []string {
	split := releaseutil.SplitManifests(manifest)
	keys := make([]string, 0, len(split))
	for k := range split {
		keys = append(keys, k)
	}
	sort.Sort(releaseutil.BySplitManifestsOrder(keys))
	docs := make([]string, 0, len(keys))
	for _, k := range keys {
		if strings.TrimSpace(split[k]) != "" {
			docs = append(docs, split[k])
		}
	}
	return docs
}

// parse reads one document; nil if it holds only comments.
func parse(document string) (*unstructured.Unstructured, error) {
	object := map[string]any{}
	if err := yaml.Unmarshal([]byte(document), &object); err != nil {
		return nil, fmt.Errorf("manifest of the release: %w", err)
	}
	if len(object) == 0 {
		return nil, nil
	}
	return &unstructured.Unstructured{Object: object}, nil
}

// belongs tells whether a live object carries the release's marks.
func (w *run) belongs(object *unstructured.Unstructured) bool {
	marks := object.GetAnnotations()
	return marks[annotationRelease] == w.target.Name && marks[annotationNamespace] == w.target.Namespace
}

// build turns a manifest into objects with their REST clients. Objects of
// kinds that the cluster does not know (any more) come back in unknown.
func (w *run) build(manifest string) (known helmkube.ResourceList, unknown []string, err error) {
	known, err = w.cfg.KubeClient.Build(strings.NewReader(manifest), false)
	if err == nil {
		return known, nil, nil
	}
	if !isUnknownKind(err) {
		return nil, nil, err
	}
	known = nil
	for _, doc := range documents(manifest) {
		list, err := w.cfg.KubeClient.Build(strings.NewReader(doc), false)
		switch {
		case err == nil:
			known = append(known, list...)
		case isUnknownKind(err):
			unknown = append(unknown, doc)
		default:
			return nil, nil, err
		}
	}
	return known, unknown, nil
}

func isUnknownKind(err error) bool {
	return meta.IsNoMatchError(err) || strings.Contains(err.Error(), "no matches for kind")
}

// live reads an object as it is in the cluster.
func live(info *resource.Info) (*unstructured.Unstructured, error) {
	object, err := resource.NewHelper(info.Client, info.Mapping).Get(info.Namespace, info.Name)
	if err != nil {
		return nil, err
	}
	u, ok := object.(*unstructured.Unstructured)
	if !ok {
		return nil, fmt.Errorf("%s is a %T", describe(info), object)
	}
	return u, nil
}

// describe names an object for people: kind and name.
func describe(info *resource.Info) string {
	name := info.Name
	if info.Namespaced() {
		name = info.Namespace + "/" + name
	}
	return info.Mapping.GroupVersionKind.Kind + " " + name
}

// hookDocuments are the manifests of a revision's hooks.
func hookDocuments(r *helmrelease.Release) []string {
	docs := make([]string, 0, len(r.Hooks))
	for _, h := range r.Hooks {
		docs = append(docs, h.Manifest)
	}
	return docs
}
