// Package prerequisites runs tools/prerequisites.sh on machines that lack
// something: PATH holds only what such a machine has.
package prerequisites

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// good are the tools of a machine that lacks nothing, as scripts.
var good = map[string]string{
	"go":      `[ "$GOTOOLCHAIN" = local ] && echo go1.26.8`,
	"node":    `echo v22.3.0`,
	"python3": `case $2 in *venv*) exit 0;; *) echo 3.11.2;; esac`,
	"git":     `exit 0`,
	"df":      `echo Filesystem 1024-blocks Used Available Capacity Mounted; echo /dev/x 99999999 1 99999999 1% /`,
}

func TestPrerequisites(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		tools map[string]string // "" takes the tool away
		want  string            // nothing: all is well
	}{
		"all there":               {nil, ""},
		"a Go release candidate":  {map[string]string{"go": "echo go1.26rc1"}, ""},
		"a much newer Go":         {map[string]string{"go": "echo go1.100.0"}, ""},
		"no Go":                   {map[string]string{"go": ""}, "missing: Go 1.26 or newer (https://go.dev/doc/install)"},
		"an old Go":               {map[string]string{"go": "echo go1.25.9"}, "go is 1.25.9"},
		"a Go that says nothing":  {map[string]string{"go": "exit 1"}, "go is of no known version"},
		"no Node":                 {map[string]string{"node": ""}, "missing: Node.js 20 or newer (https://nodejs.org)"},
		"an old Node":             {map[string]string{"node": "echo v18.20.4"}, "node is 18.20.4"},
		"no Python":               {map[string]string{"python3": ""}, "missing: Python 3.11 or newer"},
		"an old Python":           {map[string]string{"python3": `case $2 in *venv*) exit 0;; *) echo 3.9.18;; esac`}, "python3 is 3.9.18"},
		"no venv module":          {map[string]string{"python3": `case $2 in *venv*) echo Traceback >&2; exit 1;; *) echo 3.12.1;; esac`}, "missing: Python's venv module (on Debian and Ubuntu: the package python3-venv)"},
		"no git":                  {map[string]string{"git": ""}, "missing: git"},
		"no disk space":           {map[string]string{"df": `echo header; echo /dev/x 9 9 2097152 99% /`}, "missing: disk space: 8 GiB free are needed"},
		"a tool that also warns":  {map[string]string{"node": "echo warning 1.0 >&2; echo v20.0.0"}, ""},
		"a Python that also says": {map[string]string{"python3": `case $2 in *venv*) exit 0;; *) echo 3.13.0; echo 2.0;; esac`}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said, code := check(t, test.tools)
			switch lines := strings.Count(said, "\n"); {
			case test.want == "" && (said != "" || code != 0):
				t.Errorf("it says %q and ends with %d, want silence and 0", said, code)
			case test.want != "" && (!strings.Contains(said, test.want) || lines != 1 || code != 1):
				t.Errorf("it says %q and ends with %d, want one line with %q and 1", said, code, test.want)
			}
		})
	}
}

// All is said at once, not one thing a run.
func TestEverythingMissingIsNamed(t *testing.T) {
	t.Parallel()
	said, code := check(t, map[string]string{"go": "", "node": "", "python3": "", "git": ""})
	if strings.Count(said, "\n") != 4 || code != 1 {
		t.Errorf("it says %q and ends with %d", said, code)
	}
}

// check runs the script with the good tools after the given changes, and
// nothing else but what every machine has.
func check(t *testing.T, changed map[string]string) (said string, code int) {
	t.Helper()
	tools := maps.Clone(good)
	maps.Copy(tools, changed)
	bin := t.TempDir()
	for name, text := range tools {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var bash string
	for _, name := range []string{"bash", "awk", "sed", "find", "dirname"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Skipf("this machine has no %s", name)
		}
		if name == "bash" {
			bash = path
		}
		if err := os.Symlink(path, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), bash, "../../tools/prerequisites.sh")
	cmd.Env = []string{"PATH=" + bin, "HOME=" + t.TempDir()}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}
