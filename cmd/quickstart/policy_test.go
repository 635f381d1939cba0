package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func runPolicy(t *testing.T, args ...string) error {
	t.Helper()
	c := root(func(string) string { return "" })
	c.SetOut(io.Discard)
	c.SetArgs(append([]string{"policy", "--source", "../.."}, args...))
	return c.ExecuteContext(t.Context())
}

// With no settings the command writes what is committed.
func TestPolicyWritesTheCommittedFiles(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"new-vpc", "existing-vpc", "existing-eks"} {
		dir := filepath.Join(t.TempDir(), "policies")
		if err := runPolicy(t, "--mode", mode, "--out", dir); err != nil {
			t.Fatal(err)
		}
		committed, err := filepath.Glob("../../templates/deployer-policy/" + mode + "-*.json")
		if err != nil {
			t.Fatal(err)
		}
		written, err := os.ReadDir(dir)
		if err != nil || len(written) == 0 || len(written) != len(committed) {
			t.Fatalf("mode %s: %d files, committed are %d (%v)", mode, len(written), len(committed), err)
		}
		for _, path := range committed {
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join(dir, filepath.Base(path)))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s differs from the committed one (%v)", filepath.Base(path), err)
			}
		}
	}
}

func TestPolicyRefusesMistakes(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"want --mode":          {},
		`mode "old"`:           {"--mode", "old"},
		`partition "moon"`:     {"--mode", "new-vpc", "--partition", "moon"},
		"read the template":    {"--mode", "new-vpc", "--source", "."},
		`VPC "vpc"`:            {"--mode", "existing-vpc", "--vpc-id", "vpc"},
		`unknown argument "x"`: {"--mode", "new-vpc", "x"},
	} {
		dir := t.TempDir()
		err := runPolicy(t, append(args, "--out", dir)...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
		if strings.Contains(want, "mode") && !errors.As(err, new(usageError)) {
			t.Errorf("%v is no mistake of usage: %v", args, err)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%v wrote %d files", args, len(left))
		}
	}
}
