package clustercheck

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/e6data/aws-quickstart/tests/golden"
)

const (
	page    = "../../docs/existing-cluster.md"
	heading = "## What is checked on the cluster\n"
)

// section is what the documentation says of the checks.
func section() string {
	var b strings.Builder
	b.WriteString(heading + `
Before anything is installed, the resource ` + "`ClusterCheck`" + ` of the stack looks at the cluster. It makes and changes nothing there, and reads no content of Secrets. All problems are told at once, in the reason of its failure, each with its objects and owners by name; so are they when an update changes what is asked for. What the stack itself installed is never a problem, and answers that have passed once are not refused again, so that a rollback goes through.

| found | what to do |
|---|---|
`)
	row := func(c Check) { fmt.Fprintf(&b, "| %s | %s |\n", c.Found, c.Do) }
	for _, c := range Catalogue {
		if !c.Note {
			row(c)
		}
	}
	b.WriteString(`
What follows is told, in the check's attribute ` + "`Notes`" + ` and in the log of the function, and the stack goes on.

| found | what to do |
|---|---|
`)
	for _, c := range Catalogue {
		if c.Note {
			row(c)
		}
	}
	return b.String()
}

// TestPageIsFresh holds the section to the catalogue. The rest of the page is
// nobody's business here.
func TestPageIsFresh(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), heading)
	if !found {
		t.Fatalf("%s has no heading %q", page, heading)
	}
	after := ""
	if next := strings.Index(rest, "\n## "); next >= 0 {
		after = rest[next:]
	}
	golden.Check(t, page, before+section()+after)
}
