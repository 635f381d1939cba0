package awsauth

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Roles are set one after the other, set again, changed, and removed in another
// order: each step touches its entry only, and the last gives the first text.
func TestSetAndRemoveAnyMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := hand{t}
		before := h.text()
		if _, err := Entries(before); err != nil {
			t.Skip("not valid: ", err)
		}
		roles := h.some()
		text := before
		for _, r := range roles {
			set, changed, err := SetRole(text, r)
			if err != nil || !changed {
				t.Fatalf("set %s: changed %t, error %v, in\n%s", r, changed, err, text)
			}
			onlyAdded(t, text, set, r)
			text = set
			if again, changed, err := SetRole(text, r); again != text || changed || err != nil {
				t.Fatalf("set twice %s: changed %t, error %v, in\n%s", r, changed, err, text)
			}
		}
		for _, r := range rapid.Permutation(roles).Draw(t, "order of removal") {
			if rapid.Bool().Draw(t, "change it first") {
				next := r
				next.Groups = []string{"changed"}
				out, changed, err := setRole(text, r, next)
				if err != nil || !changed {
					t.Fatalf("change %s: changed %t, error %v, in\n%s", r, changed, err, text)
				}
				text, r = out, next
			}
			removed, changed, err := RemoveRole(text, r)
			if err != nil || !changed {
				t.Fatalf("remove %s: changed %t, error %v, in\n%s", r, changed, err, text)
			}
			onlyAdded(t, removed, text, r)
			text = removed
		}
		restored(t, before, text)
	})
}

// An entry of ours among others, wherever it stands and however it is written,
// goes without any other's bytes.
func TestRemoveFromAnyPlace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := hand{t}.text()
		entries, err := Entries(before)
		if err != nil || len(entries) == 0 {
			t.Skip("nothing to remove")
		}
		mine := rapid.SampledFrom(entries).Draw(t, "ours").Role
		if mine.Username == "" || checkText(mine.Username) != nil {
			t.Skip("no user name of ours")
		}
		mine.Groups = nil // what the entry gives now does not matter
		after, changed, err := RemoveRole(before, mine)
		if strings.Contains(mine.ARN, "/path/") {
			if changed || err != nil || after != before {
				t.Fatalf("an entry that never matches: changed %t, error %v", changed, err)
			}
			return
		}
		if err != nil || !changed {
			t.Fatalf("remove %s: changed %t, error %v, in\n%s", mine, changed, err, before)
		}
		added(t, after, before)
		was, is := authenticated(t, before), authenticated(t, after)
		kept := 0
		for _, e := range was {
			if kept < len(is) && cmp.Equal(e, is[kept]) {
				kept++
			}
		}
		if kept != len(is) {
			t.Fatalf("another entry changed (-before +after):\n%s", cmp.Diff(before, after))
		}
	})
}

// FuzzSetRole looks for a text whose edit breaks a promise; a refusal breaks
// none.
func FuzzSetRole(f *testing.F) {
	for _, text := range shapes(f) {
		f.Add(text)
	}
	other := Role{ARN: installer.ARN, Username: installer.Username, Groups: []string{"other", "{{SessionName}}"}}
	f.Fuzz(func(t *testing.T, text string) {
		set, changed, err := SetRole(text, installer)
		if err != nil || !changed {
			if set != text || changed {
				t.Fatalf("changed %t, error %v, and the text became\n%s", changed, err, set)
			}
			removed, changed, err := RemoveRole(text, installer)
			if changed {
				added(t, removed, text)
			} else if removed != text {
				t.Fatalf("not changed, error %v, and the text became\n%s", err, removed)
			}
			return
		}
		onlyAdded(t, text, set, installer)
		if again, changed, err := SetRole(set, installer); again != set || changed || err != nil {
			t.Fatalf("set twice: changed %t, error %v, text\n%s", changed, err, again)
		}
		replaced, changed, err := setRole(set, installer, other)
		if err != nil || !changed {
			t.Fatalf("change: changed %t, error %v, in\n%s", changed, err, set)
		}
		for step, before := range map[string]string{"set": set, "changed": replaced} {
			removed, changed, err := RemoveRole(before, installer)
			if err != nil || !changed {
				t.Fatalf("%s, then removed: changed %t, error %v, in\n%s", step, changed, err, before)
			}
			restored(t, text, removed)
		}
	})
}

// restored checks a text after everything set was removed: it is the text
// before, but for a placeholder.
func restored(t reporter, before, after string) {
	t.Helper()
	if diff := cmp.Diff(withoutPlaceholder(before), after); diff != "" {
		t.Errorf("set and removed (-before +after):\n%s", diff)
	}
}

// added checks that text is removed with one entry, in one place, more.
func added(t reporter, removed, text string) {
	t.Helper()
	if is, was := len(authenticated(t, removed)), len(authenticated(t, text)); is != was-1 {
		t.Errorf("%d entries became %d:\n%s", was, is, removed)
	}
	ways := []string{removed}
	for _, stand := range []string{"[]", "# an entry of the e6data quickstart stood here"} {
		ways = append(ways, strings.Replace(removed, stand, "", 1)) // what stands for an entry where YAML needs it
	}
	if !slices.ContainsFunc(ways, func(way string) bool { return inOnePlace(way, text) }) {
		t.Errorf("more than one place changed (-before +after):\n%s", cmp.Diff(text, removed))
	}
}

// inOnePlace tells whether a text is all there in another, which has more in one
// place.
func inOnePlace(text, longer string) bool {
	prefix := 0
	for prefix < min(len(text), len(longer)) && text[prefix] == longer[prefix] {
		prefix++
	}
	return len(text) <= len(longer) && strings.HasSuffix(longer, text[prefix:])
}
