package awsauth

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	yamlv2 "go.yaml.in/yaml/v2"
	"go.yaml.in/yaml/v3"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// Entry is a mapping in mapRoles, as the authenticator understands it.
type Entry struct {
	Role
	// Line is where the entry begins in the text, from 1.
	Line int
}

// Entries lists the entries that have a role's ARN, in the text's order. Those
// for permission sets of IAM Identity Center (sso) and incomplete ones are left
// out. The error is a *Refusal.
func Entries(mapRoles string) ([]Entry, error) {
	d, err := parse(mapRoles)
	if err != nil {
		return nil, err
	}
	var entries []Entry
	for _, i := range d.items {
		if i.ARN != "" {
			entries = append(entries, i.Entry)
		}
	}
	return entries, nil
}

// item is an entry with its place in the text.
type item struct {
	Entry
	// raw is the entry as JSON, which is what the authenticator decodes.
	raw  string
	node *yaml.Node
}

// document is a text of mapRoles, understood: its first YAML document, which is
// the only one that the authenticator reads.
type document struct {
	text   string
	starts []int // of lines
	// end is where the first document ends: the text's end, or a marker's line.
	end int
	// list is nil if there is none yet.
	list  *yaml.Node
	items []item
	// placeholder is what stands for no list, such as null or "", if anything.
	placeholder string
	// at is where the placeholder begins.
	at int
}

// parse reads a text. The error is a *Refusal.
func parse(text string) (*document, error) {
	d := &document{text: text, starts: lineStarts(text)}
	if !utf8.ValidString(text) {
		return nil, refuse(text, len(lineStarts(validPrefix(text))), "is not UTF-8", adviceRepair)
	}
	if blank := strings.TrimSpace(text); blank == "``" {
		// No YAML, but the authenticator takes it for empty (isSkippable).
		d.end, d.placeholder, d.at = len(text), blank, strings.Index(text, blank)
		return d, nil
	}
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		return nil, unreadable(text, err)
	}
	asJSON, err := utilyaml.ToJSON([]byte(text))
	if err != nil {
		return nil, unreadable(text, err)
	}
	d.end = d.documentEnd()
	if root.Kind == 0 {
		return d, nil
	}
	if err := d.understand(root.Content[0], asJSON); err != nil {
		return nil, err
	}
	return d, nil
}

func validPrefix(text string) string {
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError)) {
			return text[:i]
		}
	}
	return text
}

// understand takes the document's only node for a list, or for none.
func (d *document) understand(n *yaml.Node, asJSON []byte) error { //nolint:gocyclo // one branch for each shape, read from top to bottom
	switch {
	case n.Kind == yaml.ScalarNode && n.Value == "" && n.Style == 0 && n.Anchor == "" && string(asJSON) == "null":
		return nil // nothing after a marker
	case n.Kind == yaml.ScalarNode && (n.Tag == "!!null" || n.Value == ""):
		return d.understandPlaceholder(n)
	case n.Kind == yaml.ScalarNode:
		return refuse(d.text, n.Line, "has a text in the place of the list", adviceList)
	case n.Kind == yaml.MappingNode:
		return refuse(d.text, n.Line, "has a map in the place of the list", adviceList)
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(asJSON, &raw); err != nil || len(raw) != len(n.Content) {
		return refuse(d.text, n.Line, "begins a list that two YAML parsers read differently", adviceRepair)
	}
	var untyped []any
	if err := yamlv2.Unmarshal([]byte(d.text), &untyped); err != nil || len(untyped) != len(n.Content) {
		return refuse(d.text, n.Line, "begins a list that two YAML parsers read differently", adviceRepair)
	}
	d.list = n
	for i, child := range n.Content {
		if string(raw[i]) == "null" || raw[i][0] != '{' {
			return refuse(d.text, child.Line, fmt.Sprintf("has entry %d of the list, which is not a map", i+1), adviceList)
		}
		if key, ok := twice(untyped[i]); ok {
			return refuse(d.text, child.Line, fmt.Sprintf("begins an entry with two keys that the cluster takes for one, %q, of which it reads either", key), adviceRepair)
		}
		it := item{node: child, raw: string(raw[i])}
		it.Line = child.Line
		it.Role = meaning(raw[i])
		d.items = append(d.items, it)
	}
	return nil
}

// twice finds a key that a map has twice once all keys are texts, such as 0 and
// "0". The authenticator keeps the value of either, another one each time: it
// makes JSON of YAML in the order of a Go map (sigs.k8s.io/yaml v1.6.0,
// convertToJSONableObject).
func twice(value any) (key string, found bool) {
	switch value := value.(type) {
	case []any:
		for _, v := range value {
			if key, found = twice(v); found {
				return key, true
			}
		}
	case map[any]any:
		seen := map[string]bool{}
		for k, v := range value {
			key = fmt.Sprint(k)
			if f, ok := k.(float64); ok {
				key = strconv.FormatFloat(f, 'g', -1, 32)
			}
			if seen[key] {
				return key, true
			}
			seen[key] = true
			if inner, found := twice(v); found {
				return inner, true
			}
		}
	}
	return "", false
}

// meaning decodes an entry as the authenticator does: values of a wrong type
// are left out, and the rest counts.
func meaning(raw json.RawMessage) Role {
	var m struct {
		RoleARN  string   `json:"rolearn"`
		Username string   `json:"username"`
		Groups   []string `json:"groups"`
	}
	_ = json.Unmarshal(raw, &m)
	return Role{ARN: m.RoleARN, Username: m.Username, Groups: m.Groups}
}

func (d *document) understandPlaceholder(n *yaml.Node) error {
	at, ok := offset(d.text, d.starts, n.Line, n.Column)
	if ok {
		for _, p := range []string{`""`, `''`, "null", "Null", "NULL", "~"} {
			if strings.HasPrefix(d.text[at:], p) {
				d.placeholder, d.at = p, at
				return nil
			}
		}
	}
	return refuse(d.text, n.Line, "says in an unusual way that there is no list", adviceBrackets)
}

// documentEnd finds the marker that ends the first document. Nothing inside a
// list begins with a marker in the first column: YAML forbids it.
func (d *document) documentEnd() int {
	begun := false
	for i, start := range d.starts {
		line := lineAt(d.text, d.starts, i)
		if isNote(line) || !begun && line[0] == '%' {
			continue
		}
		if begun && (isMarker(line, "---") || isMarker(line, "...")) {
			return start
		}
		begun = true
	}
	return len(d.text)
}

func isMarker(line, marker string) bool {
	rest, ok := strings.CutPrefix(line, marker)
	return ok && (rest == "" || strings.ContainsRune(" \t", rune(rest[0])) || breakAt(rest) > 0)
}

// vacated is the text without its placeholder, or with [] in its place where
// YAML needs something: before an end marker.
func (d *document) vacated() string {
	before, after := d.text[:d.at], d.text[d.at+len(d.placeholder):]
	if _, err := parse(before + after); err != nil {
		return before + "[]" + after
	}
	return before + after
}

// withoutPlaceholder is a text of mapRoles as RemoveRole leaves it.
func withoutPlaceholder(text string) string {
	if d, err := parse(text); err == nil && d.placeholder != "" {
		return d.vacated()
	}
	return text
}
