package template

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// mutations of a value: each thing on the way to it is taken out, as far as it
// is written in the template and not computed, and what stands at the end is
// replaced.
func (v value) mutations(t *testing.T, all templates) map[string]templates {
	t.Helper()
	path := append([]string{v.id}, v.path...)
	switch {
	case v.part == "Outputs":
		path = append([]string{v.id, "Value"}, v.path...)
	case v.part == "Resources" && (len(v.path) == 0 || !v.ofResource(section(all[v.file], v.part)[v.id])):
		path = append([]string{v.id, "Properties"}, v.path...)
	}
	out := map[string]templates{}
	add := func(name string, change func(template object) bool) {
		changed := all.clone(t, v.file, v.part, v.id)
		if change(changed[v.file]) {
			out[name] = changed
		}
	}
	if isAbsent(v.want) {
		add("with "+strings.Join(path, "."), func(template object) bool {
			if len(v.path) == 0 {
				return unconditional(section(template, v.part)[v.id])
			}
			return edit(t, section(template, v.part), path[:len(path)-1], grown(path[len(path)-1]))
		})
		return out
	}
	for n := range path {
		name := strings.Join(path[:n+1], ".")
		add("without "+name, func(template object) bool {
			return edit(t, section(template, v.part), path[:n+1], nil)
		})
		add("another "+name, func(template object) bool {
			return edit(t, section(template, v.part), path[:n+1], func(any) any { return "weakened" })
		})
	}
	return out
}

// edit changes what stands at the end of the path, or takes it out; it is false
// if the template does not have that written down.
func edit(t *testing.T, in any, path []string, change func(any) any) bool {
	t.Helper()
	if len(path) == 0 {
		return false
	}
	if x, ok := in.(object); ok {
		if fn, arg := only(x); fn == "Fn::Sub" {
			return editText(t, x, arg, path, change)
		} else if fn != "" {
			return false
		}
		next, there := x[path[0]]
		switch {
		case !there:
			return false
		case len(path) > 1:
			return edit(t, next, path[1:], change)
		case change == nil:
			delete(x, path[0])
		default:
			x[path[0]] = change(next)
		}
		return true
	}
	list, ok := in.([]any)
	if !ok {
		return false
	}
	i := position(list, path[0])
	switch {
	case i < 0:
		return false
	case len(path) > 1:
		return edit(t, list[i], path[1:], change)
	case change == nil:
		list[i] = object{"Ref": "AWS::NoValue"}
	default:
		list[i] = change(list[i])
	}
	return true
}

// editText edits the JSON inside a Fn::Sub.
func editText(t *testing.T, call object, arg any, path []string, change func(any) any) bool {
	t.Helper()
	body, isText := arg.(string)
	list, isList := arg.([]any)
	if isList {
		body, isText = list[0].(string)
	}
	var tree any
	if !isText || json.Unmarshal([]byte(body), &tree) != nil || !edit(t, tree, path, change) {
		return false
	}
	text, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	if isList {
		// A variable that is not used any more would be refused for itself.
		variables := maps.Clone(list[1].(object))
		maps.DeleteFunc(variables, func(name string, _ any) bool { return !strings.Contains(string(text), "${"+name+"}") })
		list[0], list[1] = string(text), variables
		return true
	}
	call["Fn::Sub"] = string(text)
	return true
}

// mutations of a statement: without it; without each action, with more; on
// everything; without each condition; with the other effect.
func (g grants) mutations(t *testing.T, all templates) map[string]templates {
	t.Helper()
	out := map[string]templates{}
	add := func(name string, change func(object)) {
		changed := all.clone(t, g.file, "Resources", g.id)
		if editStatement(t, section(changed[g.file], "Resources")[g.id], g.sid, change) {
			out[name] = changed
		}
	}
	add("without the statement", func(s object) { clear(s) })
	add("with the other effect", func(s object) {
		s["Effect"] = map[string]string{"Allow": "Deny", "Deny": "Allow"}[g.effect]
	})
	add("with another action", func(s object) { s["Action"] = append(listOf(s["Action"]), "iam:PassRole") })
	for _, action := range g.actions {
		add("without "+action, func(s object) {
			s["Action"] = slices.DeleteFunc(listOf(s["Action"]), func(a any) bool { return a == action })
		})
	}
	if !slices.Contains(g.resources, "*") {
		add("on everything", func(s object) { s["Resource"] = "*" })
	}
	for _, line := range g.conditions {
		operator, rest, _ := strings.Cut(line, " ")
		add("without "+operator, func(s object) { delete(s["Condition"].(object), operator) })
		key, _, _ := strings.Cut(rest, " = ")
		add("without "+line, func(s object) {
			keys := s["Condition"].(object)[operator].(object)
			maps.DeleteFunc(keys, func(k string, _ any) bool { return k == key || strings.Contains(k, "${") })
		})
	}
	return out
}

func listOf(v any) []any {
	if list, ok := v.([]any); ok {
		return slices.Clone(list)
	}
	return []any{v}
}

// editStatement finds the statement with a Sid anywhere below v, in a JSON text
// too, and changes it.
func editStatement(t *testing.T, v any, sid string, change func(object)) bool {
	t.Helper()
	switch x := v.(type) {
	case object:
		if x["Sid"] == sid && x["Effect"] != nil {
			change(x)
			return true
		}
		if fn, arg := only(x); fn == "Fn::Sub" {
			return editStatementText(t, x, arg, sid, change)
		}
		for _, k := range slices.Sorted(maps.Keys(x)) {
			if editStatement(t, x[k], sid, change) {
				return true
			}
		}
	case []any:
		for _, e := range x {
			if editStatement(t, e, sid, change) {
				return true
			}
		}
	}
	return false
}

func editStatementText(t *testing.T, call object, arg any, sid string, change func(object)) bool {
	t.Helper()
	body := fmt.Sprint(arg)
	list, isList := arg.([]any)
	if isList {
		body = fmt.Sprint(list[0])
	}
	var tree any
	if json.Unmarshal([]byte(body), &tree) != nil || !editStatement(t, tree, sid, change) {
		return false
	}
	text, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	if isList {
		list[0] = string(text)
	} else {
		call["Fn::Sub"] = string(text)
	}
	return true
}
