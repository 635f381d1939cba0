package template

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	terraformPage = "docs/from-terraform.md"
	// withoutParameter says why some Terraform variables have no parameter.
	withoutParameter = "docs/adr/0022-terraform-variables-without-a-parameter.md"
)

// row is one line of a table of the page.
type row struct {
	line   int
	keys   []string // what of the Terraform it is about
	claims []claim
	reason string // the decision record that it links to
}

// tableLine is a line of any table of the page, below its header.
type tableLine struct {
	number        int
	header, cells []string
}

func tableLines(t *testing.T) []tableLine {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, terraformPage))
	if err != nil {
		t.Fatal(err)
	}
	var lines []tableLine
	var header []string
	scan := bufio.NewScanner(bytes.NewReader(text))
	scan.Buffer(nil, 1<<20)
	for n := 1; scan.Scan(); n++ {
		line := strings.TrimSpace(scan.Text())
		if !strings.HasPrefix(line, "|") {
			header = nil
			continue
		}
		cells := cellsOf(line)
		switch {
		case header == nil:
			header = cells
		case strings.HasPrefix(cells[0], "---"):
		case len(cells) != len(header):
			t.Errorf("%s:%d: %d cells, want %d", terraformPage, n, len(cells), len(header))
		default:
			lines = append(lines, tableLine{n, header, cells})
		}
	}
	return lines
}

// Most of the page's tables are "Terraform | Given | Must hold", and for
// statements "Terraform | Here | Actions | Resources | Conditions".
func terraformRows(t *testing.T) []row {
	t.Helper()
	var rows []row
	for _, l := range tableLines(t) {
		if l.header[0] == "Terraform" {
			rows = append(rows, rowOf(t, l.number, l.header, l.cells))
		}
	}
	return rows
}

// pageRows are those rows and what the weaknesses claim.
func pageRows(t *testing.T) []row {
	t.Helper()
	rows := terraformRows(t)
	for _, w := range weaknessesOf(t) {
		rows = append(rows, w.row)
	}
	return rows
}

func cellsOf(line string) []string {
	var cells []string
	for c := range strings.SplitSeq(strings.Trim(line, "|"), " | ") {
		cells = append(cells, strings.TrimSpace(c))
	}
	return cells
}

var (
	code    = regexp.MustCompile("`([^`]+)`")
	decided = regexp.MustCompile(`\]\((adr/[^)]+\.md)\)`)
)

func codes(cell string) (list []string) {
	for _, m := range code.FindAllStringSubmatch(cell, -1) {
		list = append(list, m[1])
	}
	return list
}

func rowOf(t *testing.T, line int, header, cells []string) row {
	t.Helper()
	r := row{line: line, keys: codes(cells[0])}
	if m := decided.FindStringSubmatch(cells[len(cells)-1]); m != nil {
		r.reason = m[1]
	}
	if len(header) == 5 {
		id, sid, ok := strings.Cut(strings.Join(codes(cells[1]), " "), "#")
		file, rest, inFile := strings.Cut(id, "/")
		if inFile {
			id = rest
		} else {
			file = ""
		}
		if !ok {
			t.Errorf("%s:%d: %s is no ROLE#SID", terraformPage, line, cells[1])
			return r
		}
		effect := "Allow"
		if strings.HasPrefix(cells[1], "Deny") {
			effect = "Deny"
		}
		given, _ := givenOf(cells[1][strings.LastIndex(cells[1], "`")+1:])
		r.claims = append(r.claims, grants{
			place: place{file: claimFiles[file], id: id, given: given}, sid: sid, effect: effect,
			actions: codes(cells[2]), resources: codes(cells[3]), conditions: codes(cells[4]),
		})
		return r
	}
	given, err := givenOf(strings.Join(codes(cells[1]), " "))
	if err != nil {
		t.Errorf("%s:%d: %v", terraformPage, line, err)
	}
	if r.reason != "" {
		return r
	}
	for _, text := range codes(cells[2]) {
		c, err := parseValue(text, given)
		if err != nil {
			t.Errorf("%s:%d: %v", terraformPage, line, err)
			continue
		}
		r.claims = append(r.claims, c)
	}
	return r
}

// givenOf reads "Name=value Other=value": answers to parameters.
func givenOf(text string) (map[string]string, error) {
	given := map[string]string{}
	for one := range strings.FieldsSeq(text) {
		name, v, ok := strings.Cut(one, "=")
		if !ok {
			return nil, fmt.Errorf("%q is not NAME=value", one)
		}
		given[name] = v
	}
	return given, nil
}

// currentTemplates are the templates of this run.
func currentTemplates(t *testing.T) templates {
	t.Helper()
	all := templates{}
	for _, f := range files {
		all[f] = plain(t, load(t, f)).(object)
	}
	return all
}

// TestTheTerraformIsReplaced holds the page to the templates.
func TestTheTerraformIsReplaced(t *testing.T) {
	all := currentTemplates(t)
	for _, r := range pageRows(t) {
		for _, c := range r.claims {
			if why := c.check(all); why != "" {
				t.Errorf("%s:%d, %v: %s: %s.\nCorrect whichever is wrong: the page says what stands for the Terraform's part",
					terraformPage, r.line, r.keys, c, why)
			}
		}
	}
}

// A page that cannot be wrong proves nothing: whatever a row names is taken out
// of the template, or weakened, and the row must notice.
func TestEachRowNoticesWhenItsPartIsMissing(t *testing.T) {
	all := currentTemplates(t)
	tried := 0
	for _, r := range pageRows(t) {
		for _, c := range r.claims {
			if c.check(all) != "" {
				continue // the other test says so
			}
			changed := c.mutations(t, all)
			if len(changed) == 0 {
				t.Errorf("%s:%d: %s names nothing that can be taken out", terraformPage, r.line, c)
			}
			tried += len(changed)
			for how, broken := range changed {
				if c.check(broken) == "" {
					t.Errorf("%s:%d: %s still holds %s", terraformPage, r.line, c, how)
				}
			}
		}
	}
	t.Logf("%d changes", tried)
}

// TestNothingOfTheTerraformIsForgotten holds the page to the list of everything
// that the Terraform has.
func TestNothingOfTheTerraformIsForgotten(t *testing.T) {
	reasons, err := os.ReadFile(filepath.Join(root, withoutParameter))
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, r := range terraformRows(t) {
		if len(r.claims) == 0 && r.reason == "" {
			t.Errorf("%s:%d: %v says neither what holds nor why not", terraformPage, r.line, r.keys)
		}
		if r.reason == strings.TrimPrefix(withoutParameter, "docs/") {
			for _, k := range r.keys {
				if !strings.Contains(string(reasons), "`"+k+"`") {
					t.Errorf("%s does not say why there is no %s", withoutParameter, k)
				}
			}
		} else if r.reason != "" {
			if _, err := os.Stat(filepath.Join(root, "docs", r.reason)); err != nil {
				t.Error(err)
			}
		}
		for _, k := range r.keys {
			there[k] = true
			if !slices.Contains(terraform, k) {
				t.Errorf("%s:%d: %q is not in the list of what the Terraform has", terraformPage, r.line, k)
			}
		}
	}
	for _, k := range terraform {
		if !there[k] {
			t.Errorf("%s has no row for %q", terraformPage, k)
		}
	}
}
