package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The command's own rehearsal of a customer's cluster passes with its own update,
// which lets e6data look into one namespace more.
func TestTheCommandRehearsesAGuest(t *testing.T) {
	inTurn(t, 3)
	t.Parallel()
	tmp := shortDir(t)
	cmd := exec.CommandContext(t.Context(), commandOf(t), "rehearse", "run", "--mode", "existing-eks", "--report", filepath.Join(tmp, "report.html"))
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp, "CI=true")
	text, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(text), "all is as it was before the stack, and removed") {
		t.Errorf("it ends with %v:\n%s", err, text)
	}
}
