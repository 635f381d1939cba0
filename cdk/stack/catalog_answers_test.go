package stack

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/tests/golden"
)

// Whoever adds a parameter to a template decides whether users of the catalog
// may answer it; and no decision is about a parameter that is no more.
func TestEachParameterIsDecided(t *testing.T) {
	there := map[string]bool{}
	for _, mode := range contract.Modes() {
		text, err := os.ReadFile("../../" + contract.ModeTemplate(mode))
		if err != nil {
			t.Fatal(err)
		}
		var template struct{ Parameters map[string]any }
		if err := yaml.Unmarshal(text, &template); err != nil {
			t.Fatal(err)
		}
		for name := range template.Parameters {
			there[name] = true
		}
	}
	seen := map[string]bool{}
	for _, a := range decisions() {
		if !there[a.parameter] || seen[a.parameter] {
			t.Errorf("%s is decided twice, or is no parameter of a template", a.parameter)
		}
		if a.why == "" {
			t.Errorf("%s is decided without a reason", a.parameter)
		}
		seen[a.parameter] = true
	}
	for name := range there {
		if !seen[name] {
			t.Errorf("%s: catalog_answers.go does not say whether a user of the catalog may answer it", name)
		}
	}
}

func TestWhatIsNotDecidedIsRefused(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a parameter that nobody decided on is in the catalog")
		}
	}()
	decided("Backdoor")
}

// What the pins take from the catalog's answers are parameters of it.
func TestPinsAreOfTheCatalog(t *testing.T) {
	var asked []string
	for _, g := range catalogQuestions(Config{Version: "0.1.0"}) {
		for _, p := range g.Parameters {
			asked = append(asked, p.Name)
		}
	}
	for _, a := range decisions() {
		if a.pin != nil && *a.pin == "${"+a.parameter+"}" && a.parameter != "PermissionsBoundaryArn" && !slices.Contains(asked, a.parameter) {
			t.Errorf("%s is pinned to an answer that the catalog does not ask for", a.parameter)
		}
		if a.among != "" && !slices.Contains(asked, a.among) {
			t.Errorf("%s is chosen among %s, for which the catalog does not ask", a.parameter, a.among)
		}
	}
}

// The page for administrators ends with the table of the decisions.
func TestThePageHasEachDecision(t *testing.T) {
	var want strings.Builder
	want.WriteString("| parameter | the user may answer | why |\n|---|---|---|\n")
	for _, a := range decisions() {
		may := "what he likes"
		switch {
		case a.among != "":
			may = "what `" + a.among + "` lists"
		case a.pin != nil && *a.pin == "${"+a.parameter+"}":
			may = "the catalog's `" + a.parameter + "`"
			if a.parameter == "PermissionsBoundaryArn" {
				may = "the catalog's boundary"
			}
		case a.pin != nil && *a.pin == "":
			may = "nothing"
		case a.pin != nil:
			may = "`" + *a.pin + "`"
		}
		fmt.Fprintf(&want, "| %s | %s | %s |\n", a.parameter, may, a.why)
	}
	const page = "../../docs/service-catalog.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	const heading = "\n## Each answer, and whose it is\n\n"
	before, _, _ := strings.Cut(string(text), heading)
	golden.Check(t, page, before+heading+want.String())
}
