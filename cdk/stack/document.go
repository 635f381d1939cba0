package stack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"strings"
)

// A JSON text inside the template (Helm values, the workspace's description, a
// trust policy with a computed key) is one Fn::Sub: the document is written as
// Go values whose strings hold ${Name} placeholders, and a few variables for
// what is more than a name. Values that come from parameters need no escaping,
// since no parameter's pattern admits a quote or a backslash.

// raw is a placeholder for a JSON value that is not text: a number from a
// parameter, or a list that a variable holds.
func raw(name string) string { return "#{" + name + "}" }

var rawPlaceholder = regexp.MustCompile(`"#\{([^}]+)\}"`)

// document is the Fn::Sub text of v. It panics, as constructs do, when v cannot
// be JSON.
func document(v any, variables map[string]*string) *string {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Errorf("write %T as JSON: %w", v, err))
	}
	body := rawPlaceholder.ReplaceAllString(string(bytes.TrimSpace(out.Bytes())), "$${$1}")
	return subWith(body, variables)
}

// object is v as the template's own objects and lists, in which each string
// with placeholders is an Fn::Sub; where a key has one, which CloudFormation
// does not know, it is v's document. It panics like document.
func object(v any, variables map[string]*string) any {
	encoded, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Errorf("write %T as JSON: %w", v, err))
	}
	if placeholderKey.Match(encoded) {
		return document(v, variables)
	}
	var tree any
	if err := json.Unmarshal(encoded, &tree); err != nil {
		panic(fmt.Errorf("read %T back: %w", v, err))
	}
	return substituted(tree, variables)
}

var placeholderKey = regexp.MustCompile(`"[^"]*\$\{[^"]*"\s*:`)

func substituted(tree any, variables map[string]*string) any {
	switch v := tree.(type) {
	case map[string]any:
		for key, value := range v {
			v[key] = substituted(value, variables)
		}
	case []any:
		for i, value := range v {
			v[i] = substituted(value, variables)
		}
	case string:
		used := maps.Clone(variables)
		maps.DeleteFunc(used, func(name string, _ *string) bool { return !strings.Contains(v, "${"+name+"}") })
		switch {
		case !strings.Contains(v, "${"):
			return v
		case len(used) == 0:
			return sub(v)
		default:
			return subWith(v, used)
		}
	}
	return tree
}

// jsonList is a list as JSON text: ["a","b"]. The list must not be empty.
func jsonList(list *[]*string) *string {
	return join("", text(`["`), joinList(`","`, list), text(`"]`))
}
