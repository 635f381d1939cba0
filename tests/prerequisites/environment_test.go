package prerequisites

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const installs = "install the embedded AWS's Python packages"

// A newer Python takes the place of the one that an environment was made with:
// its interpreter is then a link to nothing, though all else is there.
func TestAnEnvironmentWithoutItsInterpreterIsMadeAnew(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	folder := regexp.MustCompile(`aws-[0-9a-f]{12}`).FindString(plan(t, cache))
	if folder == "" {
		t.Fatal("make does not say where it puts the embedded AWS's Python packages")
	}
	bin := filepath.Join(cache, folder, "bin")
	if err := os.MkdirAll(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cache, folder, ".installed"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	interpreter := filepath.Join(cache, "python3")
	if err := os.WriteFile(interpreter, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(interpreter, filepath.Join(bin, "python")); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(plan(t, cache), installs) {
		t.Error("make installs the packages again, though they are there")
	}
	if err := os.Remove(interpreter); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(plan(t, cache), installs) {
		t.Error("make keeps an environment whose interpreter has gone")
	}
}

// plan is what make would do for a rehearsal with the cache.
func plan(t *testing.T, cache string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "make", "--dry-run", "CACHE="+cache, "rehearsal-parts")
	cmd.Dir = "../.."
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("make: %v\n%s", err, out)
	}
	return string(out)
}
