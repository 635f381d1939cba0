package template

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/launchpage"
)

func launchContent(t *testing.T) launchpage.Content {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, launchpage.File))
	if err != nil {
		t.Fatal(err)
	}
	var c launchpage.Content
	_, object, _ := strings.Cut(string(text), "= ")
	if err := json.Unmarshal([]byte(object), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// version is the quickstart's own.
func version(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "VERSION"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// TestLaunchPageIsFresh holds what the launch page shows to the templates.
func TestLaunchPageIsFresh(t *testing.T) {
	c := launchContent(t)
	var regions []string
	for _, r := range c.Regions {
		regions = append(regions, r.Name)
	}
	rule := at(load(t, quickstartFile), "Rules", "RegionIsPublished", "Assertions").([]any)[0]
	if diff := cmp.Diff(asList(at(at(rule, "Assert", "Fn::Or").([]any)[1], "Fn::Contains").([]any)[0]), regions); diff != "" {
		t.Errorf("regions (-template +page):\n%s", diff)
	}
	want, err := launchpage.Write(os.DirFS(root), version(t), regions)
	if err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile(filepath.Join(root, launchpage.File))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(committed), "\n")); diff != "" {
		t.Errorf("%s is stale: run make template (-now +committed):\n%s", launchpage.File, diff)
	}
}

// Whatever is answered, a role may do nothing that the launch page does not say.
func TestTheLaunchPageShowsEveryPermission(t *testing.T) {
	for _, m := range launchContent(t).Modes {
		shown := map[string]map[string][]string{} // role, Sid: actions
		for _, r := range m.Roles {
			shown[r.ID] = map[string][]string{}
			for _, s := range r.Statements {
				shown[r.ID][s.Sid] = append(shown[r.ID][s.Sid], s.Actions...)
			}
		}
		sets := answersOf(m.Template)
		seen := 0
		for _, name := range slices.Sorted(maps.Keys(sets)) {
			r := asWritten(t, m.Template, sets[name])
			for _, id := range resourcesOfType(load(t, m.Template), "AWS::IAM::Role") {
				if !r.active(section(r.template, "Resources")[id]) {
					continue
				}
				for _, s := range ofRole(r, id) {
					sid := s.String()[strings.LastIndex(s.String(), "/")+1:]
					for _, action := range s.Actions {
						seen++
						if !slices.Contains(shown[id][sid], action) {
							t.Errorf("mode %s: %s may %s by the statement %s, which the launch page does not show", m.Name, id, action, sid)
						}
					}
				}
			}
		}
		if seen < 100 {
			t.Errorf("mode %s: only %d actions were looked at", m.Name, seen)
		}
	}
}
