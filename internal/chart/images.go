package chart

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/release"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// Rendering is how a chart is installed.
type Rendering struct {
	Release, Namespace string
	Values             map[string]any
	Kubernetes         string // the cluster's version, such as 1.36
}

// Images are the images of the containers that a release of the chart has, as
// they stand in its manifests and in those of its hooks, sorted. Helm's tests are
// left out: an install does not run them. The chart is rendered without a
// cluster.
func (c *Chart) Images(ctx context.Context, r Rendering) ([]string, error) {
	version, err := chartutil.ParseKubeVersion(r.Kubernetes)
	if err != nil {
		return nil, fmt.Errorf("version of Kubernetes %q: %w", r.Kubernetes, err)
	}
	install := action.NewInstall(&action.Configuration{})
	install.ClientOnly, install.DryRun = true, true
	install.ReleaseName, install.Namespace, install.KubeVersion = r.Release, r.Namespace, version
	made, err := install.RunWithContext(ctx, c.Helm, r.Values)
	if err != nil {
		return nil, fmt.Errorf("render chart %s %s: %w", c.Helm.Name(), c.Helm.Metadata.Version, err)
	}
	manifests := []string{made.Manifest}
	for _, hook := range made.Hooks {
		if !slices.Contains(hook.Events, release.HookTest) {
			manifests = append(manifests, hook.Manifest)
		}
	}
	found := map[string]bool{}
	for _, text := range manifests {
		if err := imagesIn(text, found); err != nil {
			return nil, fmt.Errorf("read what chart %s %s renders: %w", c.Helm.Name(), c.Helm.Metadata.Version, err)
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

func imagesIn(manifest string, found map[string]bool) error {
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader([]byte(manifest)), 4096)
	for {
		var object any
		if err := decoder.Decode(&object); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		walkImages(object, found)
	}
}

// walkImages finds containers wherever they are: of pods, of what has a template
// of pods, of resources of operators.
func walkImages(v any, found map[string]bool) {
	switch x := v.(type) {
	case []any:
		for _, e := range x {
			walkImages(e, found)
		}
	case map[string]any:
		for _, of := range []string{"containers", "initContainers", "ephemeralContainers"} {
			list, _ := x[of].([]any)
			for _, e := range list {
				container, _ := e.(map[string]any)
				if image, ok := container["image"].(string); ok {
					found[image] = true
				}
			}
		}
		for _, e := range x {
			walkImages(e, found)
		}
	}
}
