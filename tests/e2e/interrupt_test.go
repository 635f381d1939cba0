package e2e

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// However a rehearsal ends, no process of it goes on. After Ctrl-C no file of
// it is left either; after SIGKILL nobody is there to remove them.
func TestAnInterruptedRehearsalLeavesNoProcess(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		signal   syscall.Signal
		exitCode int
		files    bool
	}{
		"Ctrl-C": {syscall.SIGINT, 130, false},
		"kill":   {syscall.SIGKILL, -1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := os.Getenv("QUICKSTART")
			if command == "" {
				t.Skip("QUICKSTART is not set: run these tests through make test")
			}
			tmp, err := os.MkdirTemp("", "qi-") //nolint:usetesting // a short path, for the Unix sockets in it
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.RemoveAll(tmp) })
			cmd := exec.CommandContext(t.Context(), command, "rehearse", "run")
			cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
			cmd.Stderr = os.Stderr
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			awaitLine(t, out, "Custom::HelmRelease") // a cluster and both functions run by then
			if len(processesOf(t, tmp)) < 3 {
				t.Fatalf("only %v run: too early to interrupt", processesOf(t, tmp))
			}
			if err := cmd.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, out)
			err = cmd.Wait()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != c.exitCode {
				t.Errorf("ended with %v, want exit code %d", err, c.exitCode)
			}
			var left []string
			for range 100 {
				if left = processesOf(t, tmp); len(left) == 0 {
					break
				}
				time.Sleep(100 * time.Millisecond) // processes end by themselves; there is nothing to wait on
			}
			if len(left) > 0 {
				t.Errorf("still running: %v", left)
			}
			files, err := os.ReadDir(tmp)
			if err != nil {
				t.Fatal(err)
			}
			if !c.files && len(files) > 0 {
				t.Errorf("files left in the temporary folder: %v", files)
			}
		})
	}
}

// awaitLine reads lines until one has the text.
func awaitLine(t *testing.T, r io.Reader, text string) {
	t.Helper()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if strings.Contains(lines.Text(), text) {
			return
		}
	}
	t.Fatalf("the rehearsal ended before it said %q", text)
}

// processesOf names the processes, other than this one's own child, that have
// a folder in their command line or environment.
func processesOf(t *testing.T, folder string) (found []string) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		command, err := os.ReadFile(p + "/cmdline")
		if err != nil || len(command) == 0 {
			continue // gone, or a zombie
		}
		environment, _ := os.ReadFile(p + "/environ")
		if strings.Contains(string(command), folder) || strings.Contains(string(environment), folder) {
			found = append(found, filepath.Base(p)+" "+strings.ReplaceAll(string(command), "\x00", " "))
		}
	}
	return found
}
