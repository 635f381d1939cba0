package e2e

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// However a rehearsal ends, no process of it goes on. After Ctrl-C, at any
// moment, no file of it is left either; after SIGKILL nobody is there to remove
// them.
func TestAnInterruptedRehearsalLeavesNoProcess(t *testing.T) {
	t.Parallel()
	for _, c := range sample(t, []struct {
		name, moment string // the line at which it comes
		signal       syscall.Signal
		exitCode     int
		files        bool
	}{
		{"Ctrl-C before the start", "start ", syscall.SIGINT, 130, false},
		{"Ctrl-C at the start", "embedded AWS", syscall.SIGINT, 130, false},
		{"Ctrl-C as the create begins", "create ", syscall.SIGINT, 130, false},
		{"Ctrl-C as the cluster starts", "AWS::EKS::Cluster", syscall.SIGINT, 130, false},
		{"Ctrl-C in a release", "KarpenterCrds Custom::HelmRelease", syscall.SIGINT, 130, false}, // a cluster and both functions run by then
		{"Ctrl-C in the update", "update ", syscall.SIGINT, 130, false},
		{"Ctrl-C in the delete", "delete ", syscall.SIGINT, 130, false},
		{"the terminal goes", "update ", syscall.SIGHUP, 130, false},
		{"kill", "KarpenterCrds Custom::HelmRelease", syscall.SIGKILL, -1, true},
	}, 4) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tmp := shortDir(t)
			cmd := exec.CommandContext(t.Context(), commandOf(t), "rehearse", "run", "--plain", "--report", filepath.Join(tmp, "report.html"))
			cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
			var said strings.Builder
			cmd.Stderr = &said
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			awaitLine(t, out, c.moment)
			if strings.HasPrefix(c.moment, "Karpenter") && len(processesOf(t, tmp)) < 3 {
				t.Fatalf("only %v run: too early to interrupt", processesOf(t, tmp))
			}
			if err := cmd.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, out)
			if code := exitCodeOf(t, cmd.Wait()); code != c.exitCode {
				t.Errorf("exit code %d, want %d\n%s", code, c.exitCode, said.String())
			}
			if c.signal != syscall.SIGKILL && (!strings.Contains(said.String(), "interrupted; everything that was started has been stopped") || strings.Count(said.String(), "\n") != 1) {
				t.Errorf("it says %q", said.String())
			}
			eventually(t, "no process is left", func() bool { return len(processesOf(t, tmp)) == 0 })
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
