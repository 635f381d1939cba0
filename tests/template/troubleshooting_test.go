package template

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// told are the texts of the code that a section of the page has to explain: the
// literals in calls of these functions, of these files, that are long enough to
// be for a person.
type told struct {
	files    []string
	calls    []string
	shortest int
	// more files have texts that a row may be about too.
	more []string
}

var toldBySection = map[string]told{
	"Answers": {files: []string{"internal/answers/*.go"}, calls: []string{"Errorf"}},
	"Access to an existing cluster": {
		files: []string{"internal/awsauth/*.go"}, calls: []string{"refuse"}, more: []string{"lambdas/awsauth/*.go"},
	},
	"The way to the cluster": {files: []string{"internal/kube/explain.go"}, calls: []string{"Errorf"}},
	"Releases":               {files: []string{"internal/release/*.go"}, calls: []string{"Errorf"}, shortest: 100},
	"Charts":                 {files: []string{"internal/chart/s3.go", "internal/chart/registry.go"}, calls: []string{"Errorf"}, shortest: 80, more: []string{"internal/chart/*.go"}},
}

// rows are the first cells of a section's tables, without the backquotes.
var firstCell = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")

func troubleshooting(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for _, s := range strings.Split(string(text), "\n## ")[1:] {
		title, body, _ := strings.Cut(s, "\n")
		sections[title] = body
	}
	return sections
}

func rowsOf(section string) (rows []string) {
	for _, m := range firstCell.FindAllStringSubmatch(section, -1) {
		rows = append(rows, m[1])
	}
	return rows
}

// Every text that somebody may have to look up has its row, and no row is about
// a text that is no more.
func TestTroubleshootingHasEveryText(t *testing.T) {
	sections := troubleshooting(t)
	for title, in := range toldBySection {
		rows := rowsOf(sections[title])
		if title == "Releases" {
			states := statesOf(t)
			holdRows(t, title+", states", rows[:min(len(rows), len(states))], states, states)
			rows = rows[min(len(rows), len(states)):]
		}
		must := literals(t, in.files, in.calls, in.shortest)
		may := append(slices.Clone(must), literals(t, append(in.files, in.more...), []string{"Errorf", "New", "refuse"}, 0)...)
		if len(must) == 0 {
			t.Errorf("%s: the code has no such text", title)
		}
		holdRows(t, title, rows, must, may)
	}
	rules := ruleTexts(t)
	holdRows(t, "Rules of the template", rowsOf(sections["Rules of the template"]), rules, rules)
}

func holdRows(t *testing.T, title string, rows, must, may []string) {
	t.Helper()
	for _, text := range must {
		if !slices.ContainsFunc(rows, func(row string) bool { return strings.Contains(text, row) }) {
			t.Errorf("%s: docs/troubleshooting.md has no row for %q", title, text)
		}
	}
	for _, row := range rows {
		if !slices.ContainsFunc(may, func(text string) bool { return strings.Contains(text, row) }) {
			t.Errorf("%s: the row %q of docs/troubleshooting.md is of no text of the code", title, row)
		}
	}
}

// literals are the texts in calls of these functions.
func literals(t *testing.T, files, calls []string, shortest int) (all []string) {
	t.Helper()
	for _, pattern := range files {
		found, err := filepath.Glob("../../" + pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(found), err)
		}
		for _, file := range found {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || !slices.Contains(calls, nameOf(call.Fun)) {
					return true
				}
				for _, argument := range call.Args {
					if text := textOf(argument); strings.Contains(text, " ") && len(text) >= shortest {
						all = append(all, text)
					}
				}
				return true
			})
		}
	}
	return all
}

func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// textOf is a literal, or several that are added; what else is added is left out.
func textOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		if err != nil || e.Kind != token.STRING {
			return ""
		}
		return text
	case *ast.BinaryExpr:
		return textOf(e.X) + textOf(e.Y)
	}
	return ""
}

// statesOf are the constants of the type State in internal/release.
func statesOf(t *testing.T) (all []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), "../../internal/release/state.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && nameOf(v.Type) == "State" {
			all = append(all, textOf(v.Values[0]))
		}
		return true
	})
	return all
}

// ruleTexts are the sentences of all templates' Rules.
func ruleTexts(t *testing.T) (all []string) {
	t.Helper()
	for _, file := range []string{"quickstart.yaml", "templates/existing-vpc.yaml", "templates/existing-eks.yaml", "templates/service-catalog.yaml"} {
		text, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		var template struct {
			Rules map[string]struct {
				Assertions []struct{ AssertDescription string }
			}
		}
		if err := yaml.Unmarshal(text, &template); err != nil {
			t.Fatal(err)
		}
		if len(template.Rules) == 0 {
			t.Errorf("%s has no rules", file)
		}
		for _, r := range template.Rules {
			for _, a := range r.Assertions {
				all = append(all, a.AssertDescription)
			}
		}
	}
	return all
}
