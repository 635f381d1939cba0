package template

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// checkPage holds a page of the documentation to its text as the templates have
// it now, or writes it anew if the test is told to.
func checkPage(t *testing.T, page, text string) {
	t.Helper()
	place := filepath.Join(root, page)
	if *update {
		if err := os.WriteFile(place, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile(place)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(committed), "\n"), strings.Split(text, "\n")); diff != "" {
		t.Errorf("%s is stale: go test ./tests/template -run %s -update (-committed +now):\n%s", page, t.Name(), diff)
	}
}
