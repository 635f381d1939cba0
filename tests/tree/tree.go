// Package tree copies this project, for tests that change it or build it elsewhere.
package tree

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Copy copies the project's files from its root into a folder, which it makes,
// without what was built and what git does not know. It returns the folder, and
// skips the test where the project is not in git.
func Copy(t *testing.T, root, to string) string {
	t.Helper()
	names, err := exec.CommandContext(t.Context(), "git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output() //nolint:gosec // G204: git, in a folder that a test names
	if err != nil {
		t.Skipf("the project is not in git: %v", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		text, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) { // deleted, and not committed yet
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o644); err != nil { //nolint:gosec // G703: into a folder that a test names
			t.Fatal(err)
		}
	}
	return to
}
