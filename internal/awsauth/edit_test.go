package awsauth

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	"github.com/e6data/aws-quickstart/tests/golden"
)

// installer is the role that the shapes are edited for.
var installer = Role{
	ARN:      "arn:aws:iam::012345678901:role/e6data-installer",
	Username: "e6data-analytics",
	Groups:   []string{"e6data:readers"},
}

// shapes are the texts of testdata by name.
func shapes(tb testing.TB) map[string]string {
	tb.Helper()
	files, err := filepath.Glob("testdata/shapes/*.yaml")
	if err != nil || len(files) < 50 {
		tb.Fatalf("%d shapes in testdata (%v), want 50 or more", len(files), err)
	}
	all := map[string]string{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			tb.Fatal(err)
		}
		all[strings.TrimSuffix(f, ".yaml")] = string(text)
	}
	return all
}

// Each shape: set, set twice, remove.
func TestShapes(t *testing.T) {
	for file, text := range shapes(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			set, changed, err := SetRole(text, installer)
			if strings.HasPrefix(filepath.Base(file), "refused-") {
				if err == nil || changed || set != text {
					t.Fatalf("changed %t, error %v: want a refusal and the same text; got\n%s", changed, err, set)
				}
				golden.Check(t, file+".refused", err.Error()+"\n")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			there := strings.HasPrefix(filepath.Base(file), "there-")
			if changed == there || !changed && set != text {
				t.Fatalf("changed is %t; got\n%s", changed, set)
			}
			if changed {
				golden.Check(t, file+".set", set)
				onlyAdded(t, text, set, installer)
			}
			if again, changed, err := SetRole(set, installer); again != set || changed || err != nil {
				t.Errorf("set twice: changed %t, error %v, text\n%s", changed, err, again)
			}
			removed, changed, err := RemoveRole(set, installer)
			switch {
			case there && err != nil:
				golden.Check(t, file+".refused", err.Error()+"\n")
			case there:
				golden.Check(t, file+".removed", removed)
			case err != nil || !changed:
				t.Errorf("remove: changed %t, error %v", changed, err)
			case removed != withoutPlaceholder(text):
				t.Errorf("set and removed (-want +got):\n%s", cmp.Diff(text, removed))
			}
		})
	}
}

// reporter is a test, a fuzz target's or rapid's.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// onlyAdded checks that each byte of the text before is still there, and, with
// the authenticator's own way to read, that it has this one entry more.
func onlyAdded(t reporter, before, after string, role Role) {
	t.Helper()
	before = withoutPlaceholder(before)
	if !inOnePlace(before, after) {
		t.Errorf("bytes are gone (-before +after):\n%s", cmp.Diff(before, after))
	}
	was, is := authenticated(t, before), authenticated(t, after)
	added := 0
	for added < min(len(was), len(is)) && cmp.Equal(is[added], was[added]) {
		added++
	}
	if added >= len(is) {
		t.Errorf("no entry was added:\n%s", after)
		return
	}
	groups := []any{}
	for _, g := range role.Groups {
		groups = append(groups, g)
	}
	want := slices.Insert(was, added, any(map[string]any{"rolearn": role.ARN, "username": role.Username, "groups": groups}))
	if diff := cmp.Diff(want, is); diff != "" {
		t.Errorf("the entries (-want +got):\n%s", diff)
	}
}

// authenticated reads a text as the authenticator does, with every value.
func authenticated(t reporter, text string) []any {
	t.Helper()
	data, err := utilyaml.ToJSON([]byte(text))
	if err != nil {
		t.Errorf("%v in\n%s", err, text)
	}
	var all []any
	if err := json.Unmarshal(data, &all); err != nil {
		t.Errorf("%v in\n%s", err, text)
	}
	return all
}

func TestRefusalHasItsLine(t *testing.T) {
	_, _, err := SetRole("# roles\n- rolearn: a\n  username: {{SessionName}}\n", installer)
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Line != 3 {
		t.Fatalf("error is %v, want a refusal of line 3", err)
	}
}
