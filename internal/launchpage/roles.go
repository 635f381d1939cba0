package launchpage

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Role is an IAM role of the template with what it may do.
type Role struct {
	ID          string      `json:"id"`
	Description string      `json:"description"`
	Optional    bool        `json:"optional,omitempty"` // made only if an answer asks for it
	Managed     []string    `json:"managed,omitempty"`  // AWS's own policies
	Statements  []Statement `json:"statements"`
}

// Statement is one statement of a role's policies. Resources and conditions
// depend on the answers, and stand in the template.
type Statement struct {
	Sid     string   `json:"sid"`
	Deny    bool     `json:"deny,omitempty"`
	Actions []string `json:"actions"`
}

func (t template) roles() ([]Role, error) {
	var out []Role
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		r := t.Resources[id]
		if r.Type != "AWS::IAM::Role" {
			continue
		}
		role := Role{ID: id, Description: fmt.Sprint(r.Properties["Description"]), Optional: r.Condition != "", Statements: []Statement{}}
		held := []any{r.Properties["Policies"]}
		for _, text := range texts(r.Properties["ManagedPolicyArns"]) {
			if _, name, found := strings.Cut(text, ":policy/"); found {
				role.Managed = append(role.Managed, name[strings.LastIndex(name, "/")+1:])
			} else if p, there := t.Resources[text]; there && p.Type == "AWS::IAM::ManagedPolicy" {
				held = append(held, p.Properties["PolicyDocument"])
			}
		}
		for _, p := range t.Resources {
			if p.Type == "AWS::IAM::ManagedPolicy" && slices.Contains(texts(p.Properties["Roles"]), id) {
				held = append(held, p.Properties["PolicyDocument"])
			}
		}
		for _, v := range held {
			if err := statements(v, &role.Statements); err != nil {
				return nil, fmt.Errorf("policies of %s: %w", id, err)
			}
		}
		slices.SortFunc(role.Statements, func(a, b Statement) int { return strings.Compare(a.Sid, b.Sid) })
		out = append(out, role)
	}
	return out, nil
}

// statements finds the statements in a property, with whatever answer: in the
// branches of conditions, and in documents that are written as JSON text.
func statements(v any, out *[]Statement) error {
	switch v := v.(type) {
	case string:
		if !strings.HasPrefix(v, "{") {
			return nil
		}
		var document any
		if err := json.Unmarshal([]byte(v), &document); err != nil {
			return fmt.Errorf("read the document %.60s…: %w", v, err)
		}
		return statements(document, out)
	case []any:
		for _, e := range v {
			if err := statements(e, out); err != nil {
				return err
			}
		}
	case map[string]any:
		if effect, ok := v["Effect"]; ok {
			actions := texts(v["Action"])
			if len(actions) == 0 {
				return fmt.Errorf("statement %v has no actions", v["Sid"])
			}
			*out = append(*out, Statement{Sid: fmt.Sprint(v["Sid"]), Deny: effect == "Deny", Actions: actions})
			return nil
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if err := statements(v[key], out); err != nil {
				return err
			}
		}
	}
	return nil
}

// texts are all texts in a property, in order; with a Ref its name.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, e := range v {
			all = append(all, texts(e)...)
		}
		return all
	case map[string]any:
		var all []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			all = append(all, texts(v[key])...)
		}
		return all
	}
	return nil
}
