package e2e

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/e6data/aws-quickstart/rehearsal"
)

// commandOf is the built quickstart command.
func commandOf(t *testing.T) string {
	t.Helper()
	command := os.Getenv("QUICKSTART")
	if command == "" {
		t.Skip("QUICKSTART is not set: run these tests through make test")
	}
	return command
}

// shortDir is a folder with a short path, for the Unix sockets in it.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "qe-") //nolint:usetesting // t.TempDir's paths are too long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// exitCodeOf is a command's exit code.
func exitCodeOf(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit == nil {
		return 0
	}
	return exit.ExitCode()
}

// A rehearsal that never fails proves nothing: each kind of mistake is planted
// and must be found by the check that is there for it.
func TestEachPlantedFaultIsCaught(t *testing.T) {
	t.Parallel()
	for _, kind := range sample(t, rehearsal.FaultKinds(), 3) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			report := filepath.Join(t.TempDir(), "report.html")
			cmd := exec.CommandContext(t.Context(), commandOf(t), "rehearse", "run", "--fault", kind, "--json", "--report", report)
			cmd.Env = append(os.Environ(), "TMPDIR="+shortDir(t))
			var told strings.Builder
			cmd.Stderr = &told
			text, err := cmd.Output()
			if code := exitCodeOf(t, err); code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
			var got struct {
				Verdict string
				Fault   struct{ Kind, Planted, CaughtBy string }
			}
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatalf("%v\n%s", err, told.String())
			}
			if got.Verdict != "fault caught" || got.Fault.Kind != kind || got.Fault.Planted == "" || got.Fault.CaughtBy == "" {
				t.Errorf("verdict %q, fault %+v\n%s", got.Verdict, got.Fault, told.String())
			}
			t.Logf("%s: caught by %s", got.Fault.Planted, got.Fault.CaughtBy)
			if page, err := os.ReadFile(report); err != nil || !strings.Contains(string(page), "The planted fault") {
				t.Errorf("the report does not show the fault: %v", err)
			}
		})
	}
}

// The other half: a run in which the fault cannot show is called NOT caught.
func TestAFaultThatShowsNowhereIsNotCalledCaught(t *testing.T) {
	t.Parallel()
	template := filepath.Join(t.TempDir(), "template.yaml")
	// Nothing but a bucket: whoever may not pass roles can still make it.
	if err := os.WriteFile(template, []byte("Resources:\n  Bucket:\n    Type: AWS::S3::Bucket\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), commandOf(t), "rehearse", "run", "--template", template, "--fault", "missing-pass-role", "--report", "-")
	cmd.Env = append(os.Environ(), "TMPDIR="+shortDir(t))
	text, err := cmd.CombinedOutput()
	if code := exitCodeOf(t, err); code != 1 || !strings.Contains(string(text), "NOT caught: missing-pass-role") {
		t.Errorf("exit code %d:\n%s", code, text)
	}
}
