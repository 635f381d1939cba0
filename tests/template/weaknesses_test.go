package template

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The table "In the Terraform | Here | Held by" says of each weakness of the
// Terraform what fulfils its opposite: claims as in the other tables, and tests
// by name for what a property cannot show. A line "existing clusters: …" says
// the same for stacks on a cluster that is there.

const (
	existingClusterFile = "templates/existing-eks.yaml"
	ofExisting          = "existing clusters:"
	notYet              = "not in this version"
)

// weakness is one row of that table.
type weakness struct {
	row
	tests []string
	// existing has a line of its own for existing clusters: pending, or held by
	// that many claims and tests.
	existing, pending bool
	existingHeld      int
}

func (w weakness) String() string {
	return fmt.Sprintf("%s:%d, %q", terraformPage, w.line, w.keys[0])
}

var (
	nameOfWeakness = regexp.MustCompile(`^\*\*(.+)\.\*\* `)
	answersBefore  = regexp.MustCompile("^with ((?:`[^`]+` ?)+): ")
	// A folder stands before the name of a test if several have one of that name.
	testName = regexp.MustCompile(`^(?:[a-z0-9/]+ )?(Test|Fuzz)[A-Z]\w*$`)
)

func weaknessesOf(t *testing.T) (all []weakness) {
	t.Helper()
	for _, l := range tableLines(t) {
		if l.header[0] != "In the Terraform" {
			continue
		}
		w, err := weaknessOf(l)
		if err != nil {
			t.Errorf("%s:%d: %v", terraformPage, l.number, err)
			continue
		}
		all = append(all, w)
	}
	return all
}

func weaknessOf(l tableLine) (weakness, error) {
	w := weakness{row: row{line: l.number}}
	name := nameOfWeakness.FindStringSubmatch(l.cells[0])
	if name == nil || len(l.cells) != 3 || l.cells[1] == "" {
		return w, fmt.Errorf("%q: want **A name.** and what it was, what is here, and what holds it", l.cells[0])
	}
	w.keys = []string{strings.ReplaceAll(name[1], "’", "'")}
	for text := range strings.SplitSeq(l.cells[2], "<br>") {
		if err := w.add(strings.TrimSpace(text)); err != nil {
			return w, err
		}
	}
	return w, nil
}

// add reads one line of the last cell.
func (w *weakness) add(text string) error {
	rest, existing := strings.CutPrefix(text, ofExisting)
	rest = strings.TrimSpace(rest)
	if existing {
		w.existing, w.pending = true, rest == notYet
		if w.pending {
			return nil
		}
	}
	given := map[string]string{}
	if m := answersBefore.FindStringSubmatch(rest); m != nil {
		var err error
		if given, err = givenOf(strings.Join(codes(m[1]), " ")); err != nil {
			return err
		}
		rest = rest[len(m[0]):]
	}
	held := codes(rest)
	if len(held) == 0 {
		return fmt.Errorf("%q names neither a claim nor a test", text)
	}
	for _, h := range held {
		if testName.MatchString(h) {
			w.tests = append(w.tests, h)
			continue
		}
		c, err := parseValue(h, given)
		if err != nil {
			return err
		}
		w.claims = append(w.claims, c)
	}
	if existing {
		w.existingHeld += len(held)
	}
	return nil
}

// due is what a row leaves open, with or without a template for existing
// clusters; empty: nothing.
func (w weakness) due(template bool) string {
	switch {
	case len(w.claims)+len(w.tests) == w.existingHeld:
		return "it names nothing that holds"
	case !slices.Contains(ofExistingClusters, w.keys[0]) && !w.existing:
		return ""
	case !w.existing:
		return "it does not say \"" + ofExisting + "\", though a stack on one could have the same weakness"
	case template && w.pending:
		return existingClusterFile + " is there: say what holds it on existing clusters"
	case !template && !w.pending:
		return "it speaks of existing clusters, and there is no " + existingClusterFile
	}
	return ""
}

// TestNoWeaknessOfTheTerraformIsInherited holds the page to the list of what
// its users had to live with.
func TestNoWeaknessOfTheTerraformIsInherited(t *testing.T) {
	_, err := os.Stat(filepath.Join(root, existingClusterFile))
	template, declared := err == nil, declaredTests(t)
	var there []string
	for _, w := range weaknessesOf(t) {
		there = append(there, w.keys...)
		if why := w.due(template); why != "" {
			t.Errorf("%s: %s", w, why)
		}
		for _, name := range w.tests {
			if found := declared.find(name); len(found) != 1 {
				t.Errorf("%s: %s is declared in %v, want one folder in which make test finds it", w, name, found)
			}
		}
	}
	if slices.Sort(there); !slices.Equal(there, slices.Sorted(slices.Values(weaknesses))) {
		t.Errorf("%s has the weaknesses\n%s\nwant\n%s", terraformPage, strings.Join(there, "\n"), strings.Join(slices.Sorted(slices.Values(weaknesses)), "\n"))
	}
}

// The rows that cannot be fulfilled yet are due with the template that can.
func TestRowsAreDueWithTheTemplateForExistingClusters(t *testing.T) {
	line := func(held string) tableLine {
		return tableLine{1, nil, []string{"**" + ofExistingClusters[0] + ".** It was.", "It is not.", held}}
	}
	for name, tt := range map[string]struct {
		held     string
		template bool
		want     string // a part of what is due; empty: nothing
	}{
		"not yet":                     {"`TestX`<br>existing clusters: not in this version", false, ""},
		"not yet, with the template":  {"`TestX`<br>existing clusters: not in this version", true, "say what holds it"},
		"held, with the template":     {"`TestX`<br>existing clusters: `TestY`", true, ""},
		"held, without the template":  {"`TestX`<br>existing clusters: `TestY`", false, "there is no templates/existing-eks.yaml"},
		"nothing of existing ones":    {"`TestX`", true, "does not say"},
		"held on existing ones alone": {"existing clusters: `TestY`", true, "nothing that holds"},
	} {
		w, err := weaknessOf(line(tt.held))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := w.due(tt.template); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q is due, want %q", name, got, tt.want)
		}
	}
	for _, held := range []string{"words", "`no claim`", "with `Nothing`: `TestX`", "existing clusters: soon"} {
		if _, err := weaknessOf(line(held)); err == nil {
			t.Errorf("%q is taken", held)
		}
	}
}

// testFolders are tests by name, each with the folders that declare it.
type testFolders map[string][]string

// find are the folders of a test that the page names, perhaps with its folder.
func (d testFolders) find(test string) []string {
	folder, name, ok := strings.Cut(test, " ")
	if !ok {
		return d[test]
	}
	return slices.DeleteFunc(slices.Clone(d[name]), func(f string) bool { return f != folder })
}

// declaredTests are the tests that go test runs without tags.
func declaredTests(t *testing.T) testFolders {
	t.Helper()
	declared := testFolders{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{".git", "dist", "cdk.out", "node_modules", "testdata"}, d.Name()):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		if runs, err := build.Default.MatchFile(filepath.Dir(path), d.Name()); err != nil || !runs {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && testName.MatchString(f.Name.Name) {
				declared[f.Name.Name] = append(declared[f.Name.Name], filepath.ToSlash(folder))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return declared
}

// A test that is not there, or that needs an AWS account, holds nothing.
func TestOnlyTestsThatRunAreDeclared(t *testing.T) {
	declared := declaredTests(t)
	for name, want := range map[string][]string{
		t.Name():                       {"tests/template"},
		"TestMain":                     declared["TestMain"],
		"tests/template TestMain":      {"tests/template"},
		"TestQuickstart":               nil,
		"TestNobodyWroteThis":          nil,
		"tests/lifecycle TestChoose":   nil,
		"internal/netplan TestChoose":  {"internal/netplan"},
		"rehearsal/eks/iam TestReview": {"rehearsal/eks/iam"},
	} {
		if found := declared.find(name); !slices.Equal(found, want) {
			t.Errorf("%s is declared in %v, want %v", name, found, want)
		}
	}
	if len(declared["TestMain"]) < 2 {
		t.Errorf("TestMain is declared in %v", declared["TestMain"])
	}
	if n := len(slices.Collect(maps.Keys(declared))); n < 300 {
		t.Errorf("only %d tests are declared", n)
	}
}
