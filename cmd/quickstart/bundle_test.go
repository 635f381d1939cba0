package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Mistakes are told before anything is built or asked of AWS, all together, and
// nothing that is there is overwritten.
func TestBundleTellsMistakes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mine := filepath.Join(dir, "mine.tar.gz")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	load := []string{"bundle", "load", mine, "--bucket", "b", "--region", "eu-west-1"}
	for name, c := range map[string]struct {
		args  []string
		usage bool
		wants []string
	}{
		"no key":    {[]string{"bundle", "--source", "../.."}, true, []string{"--key"}},
		"unknown":   {[]string{"bundle", "unload"}, true, []string{`unknown argument "unload"`}},
		"no source": {[]string{"bundle", "--source", dir, "--unsigned"}, false, []string{"read the version"}},
		"much": {
			[]string{"bundle", "--source", "../..", "--key", filepath.Join(dir, "no"), "--charts", dir, "--out", mine},
			false,
			[]string{mine + " is there, and is not overwritten", "read the signing key", "chart karpenter ", "chart karpenter-crd ", "chart aws-load-balancer-controller ", "chart workspace "},
		},
		"no archive":       {[]string{"bundle", "load", "--bucket", "b", "--region", "eu-west-1"}, true, []string{"one archive"}},
		"no bucket":        {[]string{"bundle", "load", mine, "--region", "eu-west-1"}, true, []string{"--bucket"}},
		"no region":        {[]string{"bundle", "load", mine, "--bucket", "b"}, true, []string{"--region"}},
		"no bundle":        {load, false, []string{"nothing was uploaded", "it is no bundle"}},
		"no such key":      {append(load[:7:7], "--public-key", filepath.Join(dir, "no")), false, []string{"public key"}},
		"no such archive":  {[]string{"bundle", "load", filepath.Join(dir, "no"), "--bucket", "b", "--region", "eu-west-1"}, false, []string{"read the bundle"}},
		"load into a page": {append(load[:7:7], "more"), true, []string{"one archive"}},
	} {
		err := runCommand(t, c.args...)
		if err == nil || errors.As(err, new(usageError)) != c.usage {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, want := range c.wants {
			if strings.Count(err.Error(), want) != 1 {
				t.Errorf("%s: want %q once in: %v", name, want, err)
			}
		}
	}
	if text, err := os.ReadFile(mine); err != nil || string(text) != "mine" {
		t.Errorf("what was there is %q, %v", text, err)
	}
}
