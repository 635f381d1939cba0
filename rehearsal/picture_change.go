package rehearsal

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	jsonpatch "github.com/evanphx/json-patch"
)

// String says which thing it is, and of a changed one the parts that differ.
func (c Change) String() string {
	switch {
	case c.Was == "":
		return "new: " + c.Thing + " " + c.Is
	case c.Is == "":
		return "gone: " + c.Thing + " " + c.Was
	}
	was, is := differing(c.Was, c.Is)
	return fmt.Sprintf("changed: %s\n    was: %s\n    is:  %s", c.Thing, was, is)
}

// differing are the parts of two JSON texts that differ: members of objects,
// and of texts the first line that is another.
func differing(was, is string) (string, string) {
	back, err := jsonpatch.CreateMergePatch([]byte(is), []byte(was))
	if err == nil {
		if forth, err := jsonpatch.CreateMergePatch([]byte(was), []byte(is)); err == nil {
			return string(back), string(forth)
		}
	}
	var old, now string
	if json.Unmarshal([]byte(was), &old) != nil || json.Unmarshal([]byte(is), &now) != nil {
		return was, is
	}
	before, after := strings.SplitAfter(old, "\n"), strings.SplitAfter(now, "\n")
	i := 0
	for i < min(len(before), len(after)) && before[i] == after[i] {
		i++
	}
	return lineOf(before, i), lineOf(after, i)
}

func lineOf(lines []string, i int) string {
	if i >= len(lines) {
		return fmt.Sprintf("no line %d", i+1)
	}
	return fmt.Sprintf("line %d %q", i+1, lines[i])
}

// Things are the things of an error about changes, nil for any other error.
func (e *ChangedError) Things() []string {
	things := make([]string, len(e.Changes))
	for i, c := range e.Changes {
		things[i] = c.Thing
	}
	slices.Sort(things)
	return things
}
