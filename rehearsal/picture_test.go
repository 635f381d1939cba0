package rehearsal

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	ours   = "arn:aws:iam::000000000000:role/quickstart-Installer"
	theirs = "- rolearn: arn:aws:iam::012345678901:role/a # ours\n  username: \"a:{{SessionName}}\"\n"
	entry  = "- rolearn: " + ours + "\n  username: e6data\n"
)

// pictureOf is a picture of things with these contents.
func pictureOf(t *testing.T, things map[string]any) Picture {
	t.Helper()
	p := Picture{}
	for thing, content := range things {
		kind, id, _ := strings.Cut(thing, " ")
		if err := p.add(kind, id, content); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func TestChangesAreSeenUnlessTheyAreAllowed(t *testing.T) {
	before := map[string]any{"role app": map[string]any{"Tags": "x"}, "authentication mode-c": 1}
	for name, tt := range map[string]struct {
		now     map[string]any
		allowed Allowance
		want    []string
	}{
		"nothing":                       {before, Allowance{}, nil},
		"a new thing":                   {map[string]any{"role app": before["role app"], "role new": 1, "authentication mode-c": 1}, Allowance{}, []string{"new: role new 1"}},
		"an allowed new thing":          {map[string]any{"role app": before["role app"], "role new": 1, "authentication mode-c": 1}, Allowance{New: []string{"role n*"}}, nil},
		"another than the allowed one":  {map[string]any{"role app": before["role app"], "role new": 1, "authentication mode-c": 1}, Allowance{New: []string{"role ne", "rule *"}}, []string{"new: role new 1"}},
		"a change, whatever may be new": {map[string]any{"role app": map[string]any{"Tags": "y"}, "authentication mode-c": 1}, Allowance{New: []string{"*"}}, []string{"changed: role app\n    was: {\"Tags\":\"x\"}\n    is:  {\"Tags\":\"y\"}"}},
		"what went, whatever is new":    {map[string]any{"authentication mode-c": 1}, Allowance{New: []string{"*"}}, []string{`gone: role app {"Tags":"x"}`}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, c := range pictureOf(t, tt.now).Since(pictureOf(t, before), tt.allowed) {
				got = append(got, c.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheModeMayGoWhereItIsAllowedTo(t *testing.T) {
	change := Change{modeThing + "c", `"CONFIG_MAP"`, `"API_AND_CONFIG_MAP"`}
	for mode, want := range map[string]bool{"": false, "API": false, "API_AND_CONFIG_MAP": true} {
		if got := (Allowance{Mode: mode, New: []string{"*"}}).allows(change); got != want {
			t.Errorf("allowed mode %q: %t, want %t", mode, got, want)
		}
	}
}

func TestEveryByteOfAnAWSAuthStays(t *testing.T) {
	for name, tt := range map[string]struct {
		was, is string
		want    bool
	}{
		"our entry at the end":             {theirs, theirs + entry, true},
		"our entry first":                  {theirs, entry + theirs, true},
		"our entry between":                {theirs + theirs, theirs + entry + theirs, true},
		"two of ours":                      {theirs, theirs + entry + strings.ReplaceAll(entry, "Installer", "Nodes"), true},
		"an end of line before it":         {strings.TrimSuffix(theirs, "\n"), theirs + entry, true},
		"ours in an empty map":             {"", entry, true},
		"ours in a list of none":           {"[]\n", entry, true},
		"ours in what counts as none":      {`""`, entry, true},
		"ours was there already":           {theirs + entry, theirs + entry + strings.ReplaceAll(entry, "Installer", "Nodes"), true},
		"ours that was there went":         {theirs + entry, theirs, false},
		"another's entry":                  {theirs, theirs + strings.ReplaceAll(entry, "quickstart", "other"), false},
		"another's in an empty map":        {"", strings.ReplaceAll(entry, "quickstart", "other"), false},
		"a byte put into a comment":        {theirs, strings.Replace(theirs, "# ours", "#  ours", 1), false},
		"a comment more":                   {theirs, theirs + "# e6data\n", false},
		"a comment went":                   {theirs, strings.Replace(theirs, " # ours", "", 1) + entry, false},
		"quotes went":                      {theirs, strings.ReplaceAll(theirs, `"`, "") + entry, false},
		"the order of keys changed":        {theirs, entry + "- username: \"a:{{SessionName}}\"\n  rolearn: arn:aws:iam::012345678901:role/a # ours\n", false},
		"a group more for somebody else":   {theirs, theirs + "  groups: [system:masters]\n" + entry, false},
		"an entry that makes theirs ours":  {theirs, strings.Replace(theirs, "arn:aws:iam::012345678901:role/a", ours, 1), false},
		"a byte after the end":             {theirs, theirs + entry + " ", true}, // it is in the piece that was put in
		"no list any more":                 {theirs, "a: b\n", false},
		"no YAML any more":                 {theirs, theirs + entry + "- {\n", false},
		"the same":                         {theirs, theirs, true},
		"all of it went":                   {theirs, "", false},
		"a number for a quoted account ID": {"- \"012345678901\"\n", "- 012345678901\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			was, _ := json.Marshal(tt.was)
			is, _ := json.Marshal(tt.is)
			change := Change{awsAuthThing + "mapRoles", string(was), string(is)}
			if got := (Allowance{AWSAuth: []string{"arn:*:role/quickstart-*"}}).allows(change); got != tt.want {
				t.Errorf("allowed: %t, want %t", got, tt.want)
			}
			if (Allowance{New: []string{"*"}}).allows(change) {
				t.Error("it is allowed though no entry is")
			}
		})
	}
}

func TestANewAWSAuthMustBeAllowed(t *testing.T) {
	made := Change{awsAuthThing + awsAuthMetadata, "", `{"metadata":{}}`}
	changed := Change{awsAuthThing + awsAuthMetadata, `{"metadata":{"labels":{"a":"b"}}}`, `{"metadata":{}}`}
	a := Allowance{AWSAuth: []string{"arn:*"}}
	if !a.allows(made) || (Allowance{}).allows(made) {
		t.Error("a new map counts otherwise than its entries")
	}
	if a.allows(changed) || a.allows(Change{made.Thing, made.Is, ""}) {
		t.Error("the map's labels may change, or the map may go")
	}
}

func TestWhatChangesByItselfIsNotPictured(t *testing.T) {
	for name, object := range map[string]map[string]any{
		"versions and status": {
			"kind": "ConfigMap", "apiVersion": "v1", "status": map[string]any{"x": "y"},
			"metadata": map[string]any{"name": "a", "resourceVersion": "2", "generation": int64(3), "managedFields": []any{}, "creationTimestamp": "now"},
		},
		"a pod's conditions": {"kind": "Pod", "apiVersion": "v1", "metadata": map[string]any{"name": "a", "annotations": map[string]any{"x": "y"}}},
		"a node's own taints": {
			"kind": "Node", "apiVersion": "v1", "metadata": map[string]any{"name": "a"},
			"spec": map[string]any{"taints": []any{map[string]any{"key": "node.kubernetes.io/not-ready"}}},
		},
		"an aggregated role": {
			"kind": "ClusterRole", "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": map[string]any{"name": "a"},
			"aggregationRule": map[string]any{}, "rules": []any{"x"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, bare := Picture{}, Picture{}
			o := &unstructured.Unstructured{Object: object}
			if err := p.addObject(o); err != nil {
				t.Fatal(err)
			}
			without := o.DeepCopy()
			for _, field := range [][]string{{"status"}, {"rules"}, {"spec"}, {"metadata", "annotations"}, {"metadata", "resourceVersion"}, {"metadata", "generation"}, {"metadata", "managedFields"}, {"metadata", "creationTimestamp"}} {
				unstructured.RemoveNestedField(without.Object, field...)
			}
			if err := bare.addObject(without); err != nil {
				t.Fatal(err)
			}
			text, _ := json.Marshal(bare)
			if now, _ := json.Marshal(p); strings.ReplaceAll(string(now), `[]`, "null") != strings.ReplaceAll(string(text), `[]`, "null") {
				t.Errorf("pictured as %s, want %s", now, text)
			}
		})
	}
}

func TestNoSecretIsInAPicture(t *testing.T) {
	p := Picture{}
	o := &unstructured.Unstructured{Object: map[string]any{
		"kind": "Secret", "apiVersion": "v1", "metadata": map[string]any{"name": "a", "namespace": "b"}, "data": map[string]any{"password": "c2VjcmV0"},
	}}
	if err := p.addObject(o); err != nil {
		t.Fatal(err)
	}
	if text := p["Secret b/a"]; strings.Contains(text, "c2VjcmV0") || !strings.Contains(text, "sha256:") {
		t.Errorf("pictured as %s", text)
	}
}

// A difference is told by its line, not by two whole texts.
func TestChangedTextsShowTheirLine(t *testing.T) {
	was, is := differing(`"a\nb\nc\n"`, `"a\nB\nc\n"`)
	if was != `line 2 "b\n"` || is != `line 2 "B\n"` {
		t.Errorf("was %s, is %s", was, is)
	}
	if _, is := differing(`"a\n"`, `"a"`); is != `line 1 "a"` {
		t.Errorf("is %s", is)
	}
}

// A customer's first picture is compared with none.
func TestChangesSinceNoPicture(t *testing.T) {
	want := []Change{{Thing: "role app", Is: "{}"}}
	if diff := cmp.Diff(want, Picture{"role app": "{}"}.Since(nil, Allowance{})); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}
