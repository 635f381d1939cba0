package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// run runs the command with an empty environment.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	c := root(func(string) string { return "" })
	c.SetArgs(args)
	c.SetOut(&out)
	c.SetErr(&out)
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

func TestRefusals(t *testing.T) {
	dist := t.TempDir()
	if err := os.WriteFile(filepath.Join(dist, "VERSION"), []byte("0.1.0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"an architecture that Lambda has not": {[]string{"build", "--architectures", "amd64"}, `architecture "amd64": want arm64 or x86_64`},
		"nothing built":                       {[]string{"rehearse", "run", "--dist", t.TempDir()}, "is not a built version (run make release)"},
		"no embedded AWS":                     {[]string{"rehearse", "run", "--dist", dist}, "run it through make, which builds what it needs"},
		"an unknown command":                  {[]string{"reharse"}, `unknown command "reharse"`},
		"a parameter without a value":         {[]string{"rehearse", "run", "--parameter", "VpcCidr"}, "must be formatted as key=value"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := run(t, test.args...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
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
