package lifecycle

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/e6data/aws-quickstart/internal/artifact"
)

const module = "github.com/e6data/aws-quickstart"

// Build compiles the function lambdas/NAME as the product does and returns the
// executable's path. The file lives as long as tb.
func Build(tb testing.TB, name string) string {
	tb.Helper()
	watch(tb, sources(tb, name)...)
	path := filepath.Join(tb.TempDir(), "bootstrap")
	if err := artifact.Compile(tb.Context(), filepath.Join("..", ".."), name, artifact.Host(), path); err != nil {
		tb.Fatal(err)
	}
	return path
}

// sources lists our own files that go into a function.
func sources(tb testing.TB, name string) []string {
	tb.Helper()
	const each = `{{if .Module}}{{if .Module.Main}}{{$d := .Dir}}{{range .GoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}` +
		`{{range .EmbedFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{.Module.GoMod}}{{"\n"}}{{end}}{{end}}`
	cmd := exec.CommandContext(tb.Context(), "go", "list", "-deps", "-tags", "lambda.norpc", "-f", each, module+"/lambdas/"+name) //nolint:gosec // a package of ours
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("list the sources of lambdas/%s: %v", name, err)
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
}

// watch looks at files, so that "go test" knows that the result depends on them
// and does not answer from its cache when one has changed. What a child process
// reads it does not know.
func watch(tb testing.TB, paths ...string) {
	tb.Helper()
	for _, path := range paths {
		if _, err := os.Stat(path); err != nil {
			tb.Fatalf("look at %s: %v", path, err)
		}
	}
}
