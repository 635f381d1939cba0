package rehearsal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func shortNamed(t *testing.T) Named {
	t.Helper()
	dir, err := os.MkdirTemp("", "qn-") //nolint:usetesting // a short path, as Unix sockets need
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return Named{dir}
}

func TestANameIsClaimedOnce(t *testing.T) {
	n := shortNamed(t)
	lock, err := n.Claim("default")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Claim("default"); !errors.Is(err, ErrRunning) || strings.Contains(err.Error(), "\n") {
		t.Errorf("the same name twice: %v", err)
	}
	other, err := n.Claim("other")
	if err != nil {
		t.Errorf("another name: %v", err)
	}
	_ = other.Close()
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if lock, err = n.Claim("default"); err != nil {
		t.Errorf("after the first ended: %v", err)
	}
	_ = lock.Close()
}

// What a killed keeper left is seen as such, and is in nobody's way.
func TestStaleStateIsRecognised(t *testing.T) {
	n := shortNamed(t)
	leave := func() string {
		file := filepath.Join(n.Dir, "default", recordFile)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		// The process with this ID lives: it is this test, not a keeper.
		if err := os.WriteFile(file, []byte(`{"name":"default","pid":1,"endpoint":"https://127.0.0.1:1"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(n.Dir, "default.lock"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Dir(file)
	}
	dir := leave()
	if all, err := n.List(); err != nil || len(all) != 1 || all[0].Running {
		t.Errorf("list: %v, %v", all, err)
	}
	if _, _, err := n.Open("default"); !errors.Is(err, ErrNotThere) {
		t.Errorf("open: %v", err)
	}
	if _, alive, err := n.Down(t.Context(), "default", false); err != nil || alive {
		t.Errorf("down: alive %v, %v", alive, err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after down the folder is there: %v", err)
	}
	leave()
	lock, err := n.Claim("default")
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after a claim the old folder is there: %v", err)
	}
}

func TestDownOfNothing(t *testing.T) {
	if _, _, err := shortNamed(t).Down(t.Context(), "default", false); !errors.Is(err, ErrNotThere) {
		t.Errorf("error %v", err)
	}
}

func TestNamesStayInTheirFolder(t *testing.T) {
	n := shortNamed(t)
	for _, name := range []string{"", "../x", "a/b", "A", "a.b", "-a", strings.Repeat("a", 21)} {
		if _, err := n.Claim(name); err == nil {
			t.Errorf("name %q is taken", name)
		}
	}
	if _, err := (Named{strings.Repeat("/long", 12)}).Claim("default"); err == nil || !strings.Contains(err.Error(), "XDG_STATE_HOME") {
		t.Errorf("a long folder: %v", err)
	}
}
