package publish

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// clone is a folder under git whose go.mod has this test's own Go, all committed.
func clone(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(dir))
	write(t, dir, map[string]string{"go.mod": "module test\n\ngo 1.26.0\n\ntoolchain " + runtime.Version() + "\n"})
	write(t, dir, map[string]string{".gitignore": "/dist/\n"})
	write(t, dir, map[string]string{"dist/built": ""})
	git(t, dir, "init", "-q")
	commit(t, dir)
	return dir
}

func commit(t *testing.T, dir string) {
	t.Helper()
	git(t, dir, "add", "-A")
	git(t, dir, "-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false", "commit", "-qm", "Change")
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "git", args...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("git: %v\n%s", err, out)
	}
}

func TestWhatNobodyElseCouldBuildIsNotOfACommit(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, dir string)
		want   []string // none: it is of a commit
	}{
		"committed": {func(*testing.T, string) {}, nil},
		"changed": {func(t *testing.T, dir string) {
			t.Helper()
			write(t, dir, map[string]string{".gitignore": "/dist\n"})
		}, []string{" M .gitignore"}},
		"new": {func(t *testing.T, dir string) {
			t.Helper()
			write(t, dir, map[string]string{"lambdas/new.go": "package lambdas\n"})
		}, []string{"?? lambdas/new.go"}},
		"many": {func(t *testing.T, dir string) {
			t.Helper()
			for _, n := range []string{"a", "b", "c", "d", "e", "f", "g"} {
				write(t, dir, map[string]string{n: ""})
			}
		}, []string{"?? a\n", "?? e\n", "and 2 more"}},
		"removed": {func(t *testing.T, dir string) {
			t.Helper()
			git(t, dir, "rm", "-q", ".gitignore")
		}, []string{"D  .gitignore"}},
		"no git": {func(t *testing.T, dir string) {
			t.Helper()
			if err := os.RemoveAll(filepath.Join(dir, ".git")); err != nil {
				t.Fatal(err)
			}
		}, []string{"which files are committed"}},
		"another Go": {func(t *testing.T, dir string) {
			t.Helper()
			write(t, dir, map[string]string{"go.mod": "module test\n\ngo 1.21.0\n\ntoolchain go1.21.13\n"})
			commit(t, dir)
		}, []string{"built with " + runtime.Version(), "GOTOOLCHAIN=go1.21.13"}},
		"any Go, and changed": {func(t *testing.T, dir string) {
			t.Helper()
			write(t, dir, map[string]string{"go.mod": "module test\n\ngo 1.21.0\n"})
		}, []string{"no line toolchain", " M go.mod"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GOTOOLCHAIN", "local")
			dir := clone(t)
			c.change(t, dir)
			err := Committed(t.Context(), dir)
			if (err == nil) != (c.want == nil) {
				t.Fatal(err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nhas no %q", err, want)
				}
			}
		})
	}
}
