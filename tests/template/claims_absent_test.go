package template

import (
	"maps"
	"slices"
	"strings"
)

// Some claims are that something is not there: a name that two stacks would
// share, a right that nobody asked for.

// unmet says that a resource or output is in the template, and not in the stack.
const unmet = "its condition is not met"

// lacks says that a path ends before its last step is found.
func lacks(path []string) string { return "there is no " + strings.Join(path, ".") }

// judgeAbsence wants nothing at the claim's place, but everything on the way to
// it: else a misspelt claim would hold.
func (v value) judgeAbsence(why string) string {
	switch {
	case why == "":
		return "it is there"
	case len(v.path) == 0 && why == unmet, len(v.path) > 0 && why == lacks(v.path):
		return ""
	}
	return why
}

// grown gives an object the key, or a list the element, that a step asks for.
func grown(step string) func(any) any {
	return func(parent any) any {
		key, is, ofList := strings.Cut(step, "=")
		switch p := parent.(type) {
		case []any:
			if ofList {
				return append(slices.Clone(p), object{key: is})
			}
		case object:
			p = maps.Clone(p)
			p[step] = "there again"
			return p
		}
		return parent
	}
}

// unconditional lets a resource be there whatever the answers are; it is false
// if it was.
func unconditional(resource any) bool {
	r := resource.(object)
	_, conditional := r["Condition"]
	delete(r, "Condition")
	return conditional
}
