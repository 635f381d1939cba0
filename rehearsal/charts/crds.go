package charts

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chartutil"
	"sigs.k8s.io/yaml"
)

// neededCRDs are the definitions without which Karpenter does not start.
var neededCRDs = []string{"ec2nodeclasses.karpenter.k8s.aws", "nodeclaims.karpenter.sh", "nodepools.karpenter.sh"}

// addCRDs puts the definitions of dir into a chart, as templates like upstream's
// chart: Helm then upgrades and removes them with the release, which it never does
// with definitions in a chart's crds folder.
func addCRDs(files map[string][]byte, dir string) error {
	if dir == "" {
		return errors.New("the directory with Karpenter's custom resource definitions is not given: " +
			"the module in rehearsal/karpenter pins them")
	}
	sources, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return fmt.Errorf("list definitions: %w", err)
	}
	var found []string
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			return fmt.Errorf("read definition: %w", err)
		}
		name, err := crdName(text)
		if err != nil {
			return fmt.Errorf("read definition %s: %w", source, err)
		}
		template, err := crdTemplate(text)
		if err != nil {
			return fmt.Errorf("read definition %s: %w", source, err)
		}
		files[path.Join(chartutil.TemplatesDir, filepath.Base(source))] = template
		found = append(found, name)
	}
	var missing []string
	for _, name := range neededCRDs {
		if !slices.Contains(found, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("directory %s lacks the definitions of %s", dir, strings.Join(missing, ", "))
	}
	return nil
}

// crdName returns the name of the one definition in a file.
func crdName(text []byte) (string, error) {
	var object struct {
		Kind     string
		Metadata struct{ Name string }
	}
	if err := yaml.Unmarshal(text, &object); err != nil {
		return "", err
	}
	if object.Kind != "CustomResourceDefinition" || object.Metadata.Name == "" {
		return "", fmt.Errorf("it is a %q named %q, not a CustomResourceDefinition", object.Kind, object.Metadata.Name)
	}
	return object.Metadata.Name, nil
}

// annotations is where a definition's own annotations begin, and extra what is
// put after them by the chart's value.
const (
	annotations = "\n  annotations:\n"
	extra       = "    {{- with .Values.additionalAnnotations }}\n    {{- toYaml . | nindent 4 }}\n    {{- end }}\n"
)

// crdTemplate makes a template of a definition: what looks like a template
// action in its text (in a description, say) stays text, and the chart's value
// additionalAnnotations is added.
func crdTemplate(text []byte) ([]byte, error) {
	text = bytes.ReplaceAll(text, []byte("{{"), []byte(`{{ "{{" }}`))
	before, after, ok := bytes.Cut(text, []byte(annotations))
	if !ok {
		return nil, errors.New("it has no annotations to add to")
	}
	return slices.Concat(before, []byte(annotations), []byte(extra), after), nil
}
