package template

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/e6data/aws-quickstart/internal/contract"
)

const parametersPage = "docs/parameters.md"

// TestParametersPageIsFresh holds docs/parameters.md to the templates.
func TestParametersPageIsFresh(t *testing.T) {
	var page strings.Builder
	page.WriteString(`# Parameters

Written by ` + "`go test ./tests/template -run TestParametersPageIsFresh -update`" + ` from the templates; a test keeps it fresh.

*A change* says what another answer does to a stack that exists, by comparing the templates before and after with the defaults for all other parameters: which resources are changed in place, added, removed, or replaced by new ones (then the property that cannot change in place is named). **Refused** means that the update fails with a sentence before anything is changed. No change that is not refused replaces a bucket, the VPC, a subnet, the cluster, its OIDC provider, a log group or a release.
`)
	shown := map[string]bool{}
	for _, file := range walkedFiles() {
		w := walker{t, file, createOnly(t)}
		template := load(t, file)
		form := at(template, "Metadata", "AWS::CloudFormation::Interface")
		fmt.Fprintf(&page, "\n## %s\n", file)
		for _, g := range at(form, "ParameterGroups").([]any) {
			var lines []string
			for _, name := range asList(at(g, "Parameters")) {
				line := w.line(name)
				if !shown[line] {
					shown[line] = true
					lines = append(lines, line)
				}
			}
			if lines != nil {
				fmt.Fprintf(&page, "\n### %s\n\n| Parameter | Question | Default | Allowed | A change |\n|---|---|---|---|---|\n%s\n", at(g, "Label", "default"), strings.Join(lines, "\n"))
			}
		}
		if len(shown) == 0 {
			t.Errorf("%s has no parameters in groups", file)
		}
	}
	checkPage(t, parametersPage, page.String())
}

func (w walker) line(name string) string {
	w.t.Helper()
	template := load(w.t, w.file)
	p := section(template, "Parameters")[name]
	label := at(template, "Metadata", "AWS::CloudFormation::Interface", "ParameterLabels", name, "default")
	given := "asked for"
	if d := at(p, "Default"); d != nil {
		given = "–"
		if text := fmt.Sprint(d); text != "" {
			given = "`" + strings.ReplaceAll(text, ",", ", ") + "`"
		}
	}
	allowed, _ := at(p, "ConstraintDescription").(string)
	if values := asList(at(p, "AllowedValues")); len(values) > 0 {
		allowed = "`" + strings.Join(values, "` `") + "`"
	}
	var does []string
	for _, c := range changes(w.t, w.file, name) {
		if c == (change{"KubernetesVersion", "1.35"}) {
			does = append(does, "**Refused** by `Preflight`: never down")
			continue
		}
		if said := w.of(nil, c).String(); !slices.Contains(does, said) {
			does = append(does, said)
		}
	}
	if does == nil {
		does = []string{"this version offers one answer"}
	}
	return fmt.Sprintf("| %s | %v | %s | %s | %s |", name, label, given, strings.ReplaceAll(allowed, "|", "\\|"), strings.Join(does, "<br>or: "))
}

// String says the consequences for a person.
func (c consequences) String() string {
	if c.refusedBy != "" {
		return "**Refused** by " + c.refusedBy
	}
	byWhat := map[string][]string{}
	for _, e := range c.effects {
		if e.kind == contract.TypeFixedAnswers || e.kind == contract.TypePreflight {
			continue // they look at the answer and make nothing
		}
		said := "`" + e.id + "`"
		if len(e.properties) > 0 {
			said += " (" + strings.Join(e.properties, ", ") + ")"
		}
		byWhat[e.what] = append(byWhat[e.what], said)
	}
	words := map[string]string{"changed": "in place", "added": "adds", "removed": "removes", "replaced": "replaces"}
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(byWhat)) {
		parts = append(parts, words[what]+": "+strings.Join(byWhat[what], ", "))
	}
	if parts == nil {
		return "nothing: what is made already stays"
	}
	return strings.Join(parts, "; ")
}
