package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func runCommand(t *testing.T, args ...string) error {
	t.Helper()
	c := root(func(string) string { return "" })
	c.SetOut(io.Discard)
	c.SetArgs(args)
	return c.ExecuteContext(t.Context())
}

// Mistakes are told before anything is built.
func TestPublishTellsMistakes(t *testing.T) {
	t.Parallel()
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	copied := t.TempDir() // as sent by mail: no clone
	for _, name := range []string{"cdk.json", "go.mod"} {
		text, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(copied, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		args  []string
		usage bool
		want  string
	}{
		"no key":        {[]string{"publish", "--source", "../.."}, true, "--key"},
		"both":          {[]string{"publish", "--source", "../..", "--key", "k", "--unsigned"}, true, "--key"},
		"key missing":   {[]string{"publish", "--source", "../..", "--key", filepath.Join(full, "no")}, false, "signing key"},
		"full folder":   {[]string{"publish", "--source", "../..", "--unsigned", "--dir", full}, true, "is not empty"},
		"other region":  {[]string{"publish", "--source", "../..", "--unsigned", "--regions", "mars-1"}, false, "publishedRegions"},
		"no source":     {[]string{"publish", "--source", full, "--unsigned"}, false, "published regions"},
		"wrong key":     {[]string{"publish", "--source", "../..", "--key", filepath.Join(full, "mine")}, false, "wrong password in QUICKSTART_KEY_PASSWORD"},
		"no commit":     {[]string{"publish", "--source", copied, "--key", filepath.Join(full, "mine")}, false, "--draft"},
		"built nowhere": {[]string{"publish", "--source", "../..", "--unsigned", "--build-only"}, true, "--dir"},
		"verify s3":     {[]string{"verify", "s3://bucket"}, true, "s3://BUCKET/VERSION"},
		"verify what":   {[]string{"verify"}, true, "one folder, address"},
		"verify http":   {[]string{"verify", "http://x.test/1"}, true, "https"},
		"verify no sum": {[]string{"verify", full}, false, "no whole version"},
		"verify no key": {[]string{"verify", full, "--public-key", filepath.Join(full, "no")}, false, "public key"},
	} {
		err := runCommand(t, c.args...)
		if err == nil || errors.As(err, new(usageError)) != c.usage || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
