// Package golden compares what a test makes with a committed file.
package golden

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the committed files anew that are compared with what a test makes")

// Check wants the file's text to be got. With -update it writes the file, which
// keeps its mode.
func Check(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; the text is now\n%s", err, got)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s is stale; if the change is meant: go test . -run '^%s$' -update, here (-committed +now):\n%s", file, strings.ReplaceAll(t.Name(), "/", "$/^"), diff)
	}
}
