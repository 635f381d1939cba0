package publish

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/e6data/aws-quickstart/tests/tree"
)

// Two people who publish this project from folders of their own have the same
// bytes: in a campaign with build caches of their own too, which compiles all of
// it twice for both architectures.
func TestTwoPublishersBuildTheSame(t *testing.T) {
	var versions [2]string
	for i, place := range []string{"here", "in/another/place"} {
		root := tree.Copy(t, "../..", filepath.Join(t.TempDir(), place))
		if os.Getenv("CAMPAIGN") != "" {
			t.Setenv("GOCACHE", t.TempDir())
		}
		versions[i] = t.TempDir()
		if _, err := Stage(t.Context(), root, versions[i]); err != nil {
			t.Fatal(err)
		}
	}
	names, err := Files(versions[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		var texts [2][]byte
		for i, dir := range versions {
			if texts[i], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(texts[0], texts[1]) {
			t.Errorf("%s differs", name)
		}
	}
	if others, err := Files(versions[1]); err != nil || len(others) != len(names) || len(names) < 20 {
		t.Errorf("%d and %d files, %v", len(names), len(others), err)
	}
}
