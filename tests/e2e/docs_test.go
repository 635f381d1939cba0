package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// notHere marks a block that cannot run in a test, with the reason.
var notHere = regexp.MustCompile(`^bash not-here="(.{10,})"$`)

// shellBlocks are the blocks of a page that are to be run, in order. One without
// a mark is a mistake: whoever writes it decides whether the test runs it.
func shellBlocks(t *testing.T, page string) (blocks []string) {
	t.Helper()
	source, err := os.ReadFile("../../" + page)
	if err != nil {
		t.Fatal(err)
	}
	err = ast.Walk(goldmark.DefaultParser().Parse(text.NewReader(source)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		block, ok := n.(*ast.FencedCodeBlock)
		if !ok || !entering {
			return ast.WalkContinue, nil
		}
		info := ""
		if block.Info != nil {
			info = string(block.Info.Segment.Value(source))
		}
		code := string(block.Lines().Value(source))
		switch reason := notHere.FindStringSubmatch(info); {
		case info == "bash run":
			blocks = append(blocks, code)
		case reason != nil:
			t.Logf("%s: not run, since %s:\n%s", page, reason[1], code)
		case strings.HasPrefix(strings.TrimSpace(code), "your AWS account ──"): // a picture
		default:
			t.Errorf("%s: a block is marked neither `bash run` nor `bash not-here=\"REASON\"`, but %q:\n%s", page, info, code)
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return blocks
}

// Who reads the README and then the page on installing gets, by the commands
// that stand there, from nothing to the outputs of a workspace and away again.
func TestTheCommandsOfTheDocumentation(t *testing.T) {
	var blocks []string
	for _, page := range []string{"README.md", "docs/install.md"} {
		found := shellBlocks(t, page)
		if len(found) == 0 {
			t.Errorf("%s has no block that is run", page)
		}
		blocks = append(blocks, found...)
	}
	if t.Failed() {
		return
	}
	inTurn(t, 0)
	t.Parallel()
	for _, tool := range []string{"aws", "make"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	commandOf(t) // make test built it
	h := newHome(t)
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	script := "set -euo pipefail\n"
	for i, b := range blocks {
		script += fmt.Sprintf("echo '=== block %d' >&2\n%s\n", i+1, b)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Dir = root
	for _, v := range os.Environ() { // as in a new shell: nothing of make's or of this test's
		if name, _, _ := strings.Cut(v, "="); !strings.HasPrefix(name, "MAKE") && !strings.HasPrefix(name, "AWS_") && !strings.HasPrefix(name, "REHEARSAL_") &&
			name != "MFLAGS" && name != "QUICKSTART" && name != "QUICKSTART_DIST" {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "XDG_STATE_HOME="+h.state, "TMPDIR="+h.tmp, "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		"https://console.aws.amazon.com/cloudformation/home?region=us-east-1", // the link
		"WorkspaceConfig", "https://console.e6data.com/", // the outputs
		"Stack e6data-analytics in us-east-1 is CREATE_COMPLETE: healthy",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is not in what the commands print:\n%s", want, out)
		}
	}
}
