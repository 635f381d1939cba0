// Package template checks the generated templates: that the committed files are
// fresh, and that what they say holds when CloudFormation evaluates them.
package template

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
)

const (
	root           = "../.."
	quickstartFile = "quickstart.yaml"
	existingFile   = "templates/existing-vpc.yaml"
	clusterFile    = "templates/existing-eks.yaml"
	networkFile    = "templates/network.yaml"
	catalogFile    = "templates/service-catalog.yaml"
	rolesFile      = "templates/service-catalog-roles.yaml"
)

// files are the templates of a workspace.
var files = []string{quickstartFile, existingFile, clusterFile, networkFile}

// all are the templates of the repository: those, and AWS Service Catalog's.
var all = append(slices.Clone(files), catalogFile, rolesFile)

// launched are those that customers launch.
var launched = []string{quickstartFile, existingFile, clusterFile}

// fresh holds the files as the app writes them now, and parsed their content,
// which no test may change.
var (
	fresh  = map[string][]byte{}
	parsed = map[string]object{}
)

// generator is the CDK app, built once. It runs as a process of its own: jsii
// ends the process when an assertion of the CDK fails.
var generator string

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "synthesise the templates:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "template-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	generator = filepath.Join(dir, "cdk")
	build := exec.CommandContext(context.Background(), "go", "build", "-o", generator, "./cdk")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("go build ./cdk: %w\n%s", err, out)
	}
	if out, err := generate(context.Background(), []string{"-out", dir}); err != nil {
		return 0, fmt.Errorf("cdk -out: %w\n%s", err, out)
	}
	for _, f := range all {
		text, err := os.ReadFile(filepath.Join(dir, f))
		if err != nil {
			return 0, err
		}
		fresh[f] = text
		var template object
		if err := yaml.Unmarshal(text, &template); err != nil {
			return 0, fmt.Errorf("read %s: %w", f, err)
		}
		parsed[f] = template
	}
	return m.Run(), nil
}

// generate runs the CDK app in the root of the repository.
func generate(ctx context.Context, args []string, env ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, generator, args...)
	cmd.Dir = root
	cmd.Env = append(append(os.Environ(), "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=18,20"), env...)
	return cmd.CombinedOutput()
}

// object is a JSON object of a template.
type object = map[string]any

// load is the content of a template as it was generated for this run.
func load(t *testing.T, file string) object {
	t.Helper()
	template, ok := parsed[file]
	if !ok {
		t.Fatalf("%s is not generated", file)
	}
	return template
}

// section is one of the maps of a template; missing is empty.
func section(template object, name string) object {
	s, _ := template[name].(object)
	return s
}

// at walks down objects; it is nil as soon as something is missing.
func at(v any, path ...string) any {
	for _, p := range path {
		m, ok := v.(object)
		if !ok {
			return nil
		}
		v = m[p]
	}
	return v
}

// resourcesOfType are the logical IDs of the resources of a type, and of all
// types that begin with it when it ends with "::".
func resourcesOfType(template object, resourceType string) []string {
	var ids []string
	for id, r := range section(template, "Resources") {
		actual, _ := at(r, "Type").(string)
		if actual == resourceType || resourceType[len(resourceType)-1] == ':' && len(actual) > len(resourceType) && actual[:len(resourceType)] == resourceType {
			ids = append(ids, id)
		}
	}
	return sorted(ids)
}
