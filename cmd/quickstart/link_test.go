package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func runLink(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	c := root(func(string) string { return "" })
	c.SetOut(&out)
	c.SetArgs(append([]string{"link", "--source", "../.."}, args...))
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

func TestLinkPrintsOneLine(t *testing.T) {
	t.Parallel()
	out, err := runLink(t, "--region", "us-east-2", "--mode", "existing-eks", "--version", "1.2.3",
		"--parameter", "WorkspaceName=alpha", "--parameter", "DataBucketNames=one,two", "--parameter", "ExistingClusterName=demo")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"https://console.aws.amazon.com/cloudformation/home?region=us-east-2#/stacks/create/review?templateURL=", "%2F1.2.3%2Ftemplates%2Fexisting-eks.yaml",
		"&stackName=e6data-alpha", "&param_DataBucketNames=one%2Ctwo", "&param_ExistingClusterName=demo",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is not in %s", want, out)
		}
	}
	if strings.Count(out, "\n") != 1 {
		t.Errorf("%q", out)
	}
}

func TestLinkTellsMistakes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args  []string
		usage bool
	}{
		"no mode":      {[]string{"--region", "us-east-1"}, true},
		"no answer":    {[]string{"--region", "us-east-1", "--mode", "new-vpc", "--parameter", "WorkspaceName"}, true},
		"twice":        {[]string{"--region", "us-east-1", "--mode", "new-vpc", "--parameter", "NodeDiskGiB=50", "--parameter", "NodeDiskGiB=60"}, true},
		"no region":    {[]string{"--mode", "new-vpc"}, false},
		"bad answer":   {[]string{"--region", "us-east-1", "--mode", "new-vpc", "--parameter", "WorkspaceName=A"}, false},
		"other folder": {[]string{"--region", "us-east-1", "--mode", "new-vpc", "--source", t.TempDir()}, false},
	} {
		out, err := runLink(t, c.args...)
		if err == nil || errors.As(err, new(usageError)) != c.usage || out != "" {
			t.Errorf("%s: %v, printed %q", name, err, out)
		}
	}
}
