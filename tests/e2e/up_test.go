package e2e

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/e6data/aws-quickstart/internal/artifact"
	"github.com/e6data/aws-quickstart/rehearsal"
)

// home is one user's state folder and temporary folder.
type home struct{ state, tmp string }

func newHome(t *testing.T) home {
	t.Helper()
	h := home{shortDir(t), shortDir(t)}
	t.Cleanup(func() {
		for _, name := range []string{"default", "other"} {
			cmd := exec.Command(commandOf(t), "rehearse", "down", "--name", name) // the test's context has ended
			cmd.Env = h.environ()
			_ = cmd.Run() // most are down already
		}
	})
	return h
}

func (h home) environ() []string {
	return append(os.Environ(), "XDG_STATE_HOME="+h.state, "TMPDIR="+h.tmp)
}

// rehearse runs the command and returns what it says and its exit code.
func (h home) rehearse(t *testing.T, args ...string) (string, int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), commandOf(t), append([]string{"rehearse"}, args...)...)
	cmd.Env = h.environ()
	text, err := cmd.CombinedOutput()
	return string(text), exitCodeOf(t, err)
}

func (h home) must(t *testing.T, args ...string) string {
	t.Helper()
	text, code := h.rehearse(t, args...)
	if code != 0 {
		t.Fatalf("rehearse %v ends with %d:\n%s", args, code, text)
	}
	return text
}

// statuses is what status --json says, by name.
func (h home) statuses(t *testing.T) map[string]status {
	t.Helper()
	var all []status
	if err := json.Unmarshal([]byte(h.must(t, "status", "--json")), &all); err != nil {
		t.Fatal(err)
	}
	byName := map[string]status{}
	for _, s := range all {
		byName[s.Name] = s
	}
	return byName
}

type status struct {
	Name, State string
	Record      *rehearsal.Record
	Status      *rehearsal.Status
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 1200 { // two minutes: a run beside many others takes its time to the first release
		if is() {
			return
		}
		time.Sleep(100 * time.Millisecond) // processes of others: there is nothing to wait on
	}
	t.Fatalf("it never comes that %s", what)
}

func TestAnEnvironmentThatStays(t *testing.T) {
	inTurn(t, 3)
	t.Parallel()
	h := newHome(t)
	if text := h.must(t, "up"); !strings.Contains(text, "AWS_ENDPOINT_URL") || !strings.Contains(text, `eval "$(quickstart rehearse env)"`) {
		t.Errorf("up says:\n%s", text)
	}
	h.must(t, "up", "--name", "other", "--region", "eu-central-1")
	if text, code := h.rehearse(t, "up"); code != 1 || strings.Count(text, "\n") != 1 || !strings.Contains(text, `environment "default" runs already`) {
		t.Errorf("the same name twice ends with %d:\n%s", code, text)
	}
	all := h.statuses(t)
	if len(all) != 2 || all["default"].State != "running" || all["other"].Record.Region != "eu-central-1" || all["default"].Record.Endpoint == all["other"].Record.Endpoint {
		t.Fatalf("status: %+v", all)
	}

	r := all["default"].Record
	env, err := rehearsal.Attach(filepath.Join(h.state, "e6data", "default"), r.Endpoint, r.Region)
	if err != nil {
		t.Fatal(err)
	}
	s := env.Clients().NewStack("quickstart", rehearsal.TemplateURL(r.Region, r.Bucket, r.Version+"/quickstart.yaml"), logEvents(t))
	if err := s.Create(t.Context(), map[string]string{
		"WorkspaceName": "analytics", "DataBucketNames": "example-sales-data", "FunctionArchitecture": string(artifact.Host()), "ChartSource": "s3://" + r.Bucket + "/" + r.Version + "/charts",
	}); err != nil {
		t.Fatal(err)
	}
	now := h.statuses(t)["default"].Status
	if len(now.Stacks) != 1 || now.Stacks[0].Status != "CREATE_COMPLETE" || len(now.Clusters) != 1 || now.Clusters[0].Status != "ACTIVE" || len(now.Clusters[0].Releases) == 0 {
		t.Errorf("status with a stack: %+v", now)
	}
	// Another environment does not see it.
	if o := h.statuses(t)["other"].Status; len(o.Stacks) != 0 || len(o.Clusters) != 0 {
		t.Errorf("the other one: %+v", o)
	}
	shell := exec.CommandContext(t.Context(), "sh", "-c", h.must(t, "env")+"\nprintf '%s %s [%s]' \"$AWS_ENDPOINT_URL\" \"$KUBECONFIG\" \"$AWS_PROFILE\"")
	shell.Env = []string{"PATH=/usr/bin:/bin", "AWS_PROFILE=production"}
	said, err := shell.Output()
	if want := r.Endpoint + " " + now.Clusters[0].Kubeconfig + " []"; err != nil || string(said) != want {
		t.Errorf("a shell with env has %q, want %q (%v)", said, want, err)
	}
	h.must(t, "down")
	h.must(t, "down", "--name", "other")
	h.nothingLeft(t)
}

// nothingLeft tells whether no process and no folder of any environment is there.
func (h home) nothingLeft(t *testing.T) {
	t.Helper()
	eventually(t, "no process is left", func() bool { return len(processesOf(t, h.state))+len(processesOf(t, h.tmp)) == 0 })
	files, err := filepath.Glob(filepath.Join(h.state, "e6data", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file, ".lock") && !strings.HasSuffix(file, ".log") {
			t.Errorf("left: %s", file)
		}
	}
}

func TestAnEnvironmentWhoseKeeperDied(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.must(t, "up")
	kill(t, h.statuses(t)["default"].Record.PID)
	eventually(t, "status says that it died", func() bool { return h.statuses(t)["default"].State == "died" })
	if text, code := h.rehearse(t, "env"); code != 1 || !strings.Contains(text, "is not there") {
		t.Errorf("env ends with %d:\n%s", code, text)
	}
	h.must(t, "up") // over what the dead one left
	kill(t, h.statuses(t)["default"].Record.PID)
	eventually(t, "status says that it died", func() bool { return h.statuses(t)["default"].State == "died" })
	if text := h.must(t, "down"); !strings.Contains(text, "had died") {
		t.Errorf("down says %q", text)
	}
	h.nothingLeft(t)
}

func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func TestAnEnvironmentWhoseFolderVanishesEnds(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.must(t, "up")
	if err := os.RemoveAll(filepath.Join(h.state, "e6data", "default")); err != nil {
		t.Fatal(err)
	}
	h.nothingLeft(t)
}

func TestDownCanKeepTheFolder(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.must(t, "up")
	text := h.must(t, "down", "--keep")
	_, kept, ok := strings.Cut(strings.TrimSpace(text), "its folder is kept: ")
	if _, err := os.Stat(filepath.Join(kept, "aws.log")); !ok || err != nil {
		t.Errorf("down says %q: %v", text, err)
	}
	if all := h.statuses(t); len(all) != 0 {
		t.Errorf("status: %+v", all)
	}
}

func TestAnEnvironmentInTheForegroundEndsWithCtrlC(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	cmd := exec.CommandContext(t.Context(), commandOf(t), "rehearse", "up", "--foreground")
	cmd.Env, cmd.Stderr = h.environ(), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	awaitLine(t, out, "Ctrl-C ends it")
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil && !errors.Is(err, os.ErrClosed) {
		t.Errorf("ended with %v", err)
	}
	h.nothingLeft(t)
}

// No process of a rehearsal sees what the shell has of a real account.
func TestNoProcessSeesTheShellsEnvironment(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	cmd := exec.CommandContext(t.Context(), commandOf(t), "rehearse", "up")
	cmd.Env = append(h.environ(), "AWS_PROFILE=shell-profile", "AWS_ACCESS_KEY_ID=shell-key", "AWS_SESSION_TOKEN=shell-token", "AWS_CONFIG_FILE=/shell-config", "HTTPS_PROXY=http://192.0.2.1:1")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	all := processesOf(t, h.state)
	if len(all) < 2 {
		t.Fatalf("only %v run, want the keeper and the embedded AWS", all)
	}
	for _, p := range all {
		id, _, _ := strings.Cut(p, " ")
		environment, err := os.ReadFile("/proc/" + id + "/environ")
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"shell-", "192.0.2.1"} {
			if strings.Contains(string(environment), secret) {
				t.Errorf("process %s sees %s", p, secret)
			}
		}
	}
}

// An up that cannot come up says why, in one line, and leaves nothing.
func TestAnUpThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.must(t, "up", "--name", "other")
	port := h.statuses(t)["other"].Record.Endpoint[len("https://127.0.0.1:"):]
	text, code := h.rehearse(t, "up", "--port", port)
	if code != 1 || strings.Count(text, "\n") != 1 || !strings.Contains(text, "port "+port+" cannot be used") {
		t.Errorf("a taken port ends with %d:\n%s", code, text)
	}
	if _, there := h.statuses(t)["default"]; there {
		t.Error("the one that failed is listed")
	}
}
