package stack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
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

// jsonList is a list as JSON text: ["a","b"]. The list must not be empty.
func jsonList(list *[]*string) *string {
	return join("", text(`["`), joinList(`","`, list), text(`"]`))
}
