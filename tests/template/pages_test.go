package template

import (
	"path/filepath"
	"testing"

	"github.com/e6data/aws-quickstart/tests/golden"
)

// checkPage holds a page of the documentation to its text as the templates have
// it now, or writes it anew if the test is told to.
func checkPage(t *testing.T, page, text string) {
	t.Helper()
	golden.Check(t, filepath.Join(root, page), text)
}
