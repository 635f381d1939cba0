package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/rehearsal"
)

// run runs the command with an environment that has a state folder only.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	state, err := os.MkdirTemp("", "qm-") //nolint:usetesting // a short path, as Unix sockets need
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(state) })
	c := root(func(name string) string { return map[string]string{"XDG_STATE_HOME": state}[name] })
	c.SetArgs(args)
	c.SetOut(&out)
	c.SetErr(&out)
	err = c.ExecuteContext(t.Context())
	return out.String(), err
}

func TestRefusals(t *testing.T) {
	dist := t.TempDir()
	for file, text := range map[string]string{"VERSION": "0.1.0\n", "quickstart.yaml": "Resources: {}\n"} {
		if err := os.WriteFile(filepath.Join(dist, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	built := func(args ...string) []string {
		return append([]string{"rehearse", "run", "--dist", dist, "--report", "-"}, args...)
	}
	for name, test := range map[string]struct {
		args []string
		want string
		code int
	}{
		"an architecture that Lambda has not": {[]string{"build", "--architectures", "amd64"}, `architecture "amd64": want arm64 or x86_64`, exitRed},
		"nothing built":                       {[]string{"rehearse", "run", "--dist", t.TempDir()}, "is not a built version (run make release)", exitRed},
		"no embedded AWS":                     {built(), "run it through make, which builds what it needs", exitRed},
		"an unknown command":                  {[]string{"reharse"}, `unknown command "reharse"`, exitUsage},
		"an unknown part of rehearse":         {[]string{"rehearse", "rum"}, `unknown argument "rum"`, exitUsage},
		"an unknown flag":                     {built("--fast"), "unknown flag: --fast", exitUsage},
		"a parameter without a value":         {built("--parameter", "VpcCidr"), "must be formatted as key=value", exitUsage},
		"an unknown mode":                     {built("--mode", "new"), `mode "new": want one of new-vpc`, exitUsage},
		"a mode that the version has not":     {built("--mode", "existing-eks"), "not in this version (it has: new-vpc)", exitUsage},
		"a cluster's mode that EKS has not":   {built("--cluster-mode", "MAP"), `cluster mode "MAP": want CONFIG_MAP`, exitUsage},
		"a cluster where nobody brings one":   {built("--own-karpenter"), "describe the customer's cluster of --mode existing-eks", exitUsage},
		"an unknown fault":                    {built("--fault", "rain"), "want one of leftover, missing-dependency", exitUsage},
		"a fault that nothing would look for": {built("--fault", "leftover", "--no-delete"), "leaves out the check", exitUsage},
		"an unknown source of charts":         {built("--charts", "mine"), `charts "mine": want stand-in or public`, exitUsage},
		"an order that is none":               {built("--order-seed", "first"), "want custom-first or a number", exitUsage},
		"a template and a mode":               {built("--mode", "new-vpc", "--template", "x.yaml"), "exclude each other", exitUsage},
		"a template that is not there":        {built("--template", "/nowhere.yaml"), "no such file", exitUsage},
		"a policy that is not there":          {built("--as", "/nowhere.json"), "no such file", exitUsage},
		"a port that is none":                 {built("--port", "70000"), "want one from 1 to 65535", exitUsage},
		"an environment's name with a slash":  {[]string{"rehearse", "down", "--name", "a/b"}, "want lower-case letters", exitRed},
		"the end of what is not there":        {[]string{"rehearse", "down", "--name", "nobody"}, "is not there", exitRed},
		"variables of an environment not up":  {[]string{"rehearse", "env", "--name", "nobody"}, "rehearse up --name nobody starts it", exitRed},
		"an environment without a built part": {[]string{"rehearse", "up", "--foreground", "--dist", dist}, "run it through make", exitRed},
		"an argument that nobody asked for":   {[]string{"rehearse", "status", "now"}, `unknown argument "now"`, exitUsage},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := run(t, test.args...)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") && !strings.Contains(err.Error(), "Did you mean") {
				t.Fatalf("error %v, want one line with %q", err, test.want)
			}
			if code := exitCode(err, false); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
		})
	}
}

func TestExitCodeOfAnInterruption(t *testing.T) {
	if code := exitCode(fmt.Errorf("create: %w", context.Canceled), true); code != exitInterrupted {
		t.Errorf("exit code %d", code)
	}
	if code := exitCode(errors.New("red, and the user gave up"), true); code != exitRed {
		t.Errorf("another error: exit code %d", code)
	}
}

// Whoever set an endpoint thinks that it is used.
func TestAnEndpointThatIsNotLoopbackIsRefused(t *testing.T) {
	for _, name := range endpointVariables {
		for endpoint, refused := range map[string]bool{"https://vpce.example.com": true, "https://127.0.0.1:4566": false} {
			getenv := func(n string) string {
				return map[string]string{name: endpoint, "XDG_STATE_HOME": t.TempDir()}[n]
			}
			c := root(getenv)
			c.SetArgs([]string{"rehearse", "status"})
			c.SetOut(io.Discard)
			err := c.ExecuteContext(t.Context())
			if (err != nil) != refused || refused && (exitCode(err, false) != exitUsage || !strings.Contains(err.Error(), "$"+name)) {
				t.Errorf("%s=%s: %v", name, endpoint, err)
			}
		}
	}
}

func TestStatusOfEachState(t *testing.T) {
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	record := &rehearsal.Record{Name: "b", PID: 7, Since: since, Endpoint: "https://127.0.0.1:1", Region: "us-east-1", Version: "0.1.0"}
	var out bytes.Buffer
	tellStatus(&out, []statusRow{
		{Name: "a", State: "died"},
		{Name: "b", State: "running", Record: record, Status: &rehearsal.Status{
			Stacks:   []rehearsal.StackStatus{{Name: "quickstart", Status: "CREATE_COMPLETE"}},
			Clusters: []rehearsal.ClusterStatus{{Name: "c", Status: "ACTIVE", Kubeconfig: "/s/kubeconfig", Releases: []rehearsal.Release{{Name: "karpenter", Namespace: "kube-system", Status: "deployed", Revision: 1}}}},
		}},
		{Name: "d", State: "running", Record: record, Error: "no answer"},
		{Name: "e", State: "starting"},
	}, since.Add(90*time.Second))
	want := `a  died and left its folder; quickstart rehearse down --name a removes it
b  running for 1m30s, https://127.0.0.1:1, region us-east-1, version 0.1.0, process 7
  stack    quickstart  CREATE_COMPLETE
  cluster  c  ACTIVE  /s/kubeconfig
    release  karpenter  namespace kube-system, revision 1, deployed
d  running for 1m30s, https://127.0.0.1:1, region us-east-1, version 0.1.0, process 7
  does not answer: no answer
e  is starting
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

func TestSettingsCompleteTheEnvironment(t *testing.T) {
	getenv := withSettings(func(name string) string { return map[string]string{"SET": "by the shell"}[name] }, "SET=by make\nOTHER=a=b\n\nnonsense\n")
	for name, want := range map[string]string{"SET": "by the shell", "OTHER": "a=b", "NOWHERE": ""} {
		if got := getenv(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestOldReportsGo(t *testing.T) {
	dir := t.TempDir()
	for i := range mostReports + 3 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("rehearsal-20260102-0304%02d.000.html", i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mine := filepath.Join(dir, "mine.html")
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	removeOldReports(dir)
	left, err := filepath.Glob(filepath.Join(dir, "*.html"))
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != mostReports+1 || left[0] != mine || !strings.HasSuffix(left[1], "030403.000.html") {
		t.Errorf("left: %v", left)
	}
}

func TestHelpNamesEveryCommand(t *testing.T) {
	out, err := run(t, "--help")
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"build", "rehearse"} {
		if !strings.Contains(out, command) {
			t.Errorf("help does not name %s:\n%s", command, out)
		}
	}
}
