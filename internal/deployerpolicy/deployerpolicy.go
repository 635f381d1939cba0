// Package deployerpolicy writes the IAM policies of who deploys a stack with
// rights of his own: for each mode, what CloudFormation asks of him to create,
// update and delete all that the mode's templates hold, and nothing else.
//
// The actions come from the templates and from the resource schemas' handler
// permissions (handlers.json); what each is limited to is in the scope files.
package deployerpolicy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/e6data/aws-quickstart/internal/policy"
)

// limit is how many characters a managed policy may have, white space aside
// (IAM User Guide, "IAM and AWS STS quotas").
const limit = 6144

// Document is a managed policy: its text, as JSON with two spaces, and how many
// characters of it IAM counts.
type Document struct {
	Name string
	Text []byte
	Size int
}

// Generate is the policies of a mode, to be attached together, for the
// templates in a project's or a published version's folder. It fails if the
// mode or a setting is not one, or if a template asks for an action that no
// scope limits.
func Generate(templates fs.FS, mode string, s Settings) ([]Document, error) {
	statements, err := statementsOf(templates, mode, s)
	if err != nil {
		return nil, err
	}
	var documents []Document
	for i, part := range split(statements) {
		text, err := json.MarshalIndent(policy.Document(part), "", "  ")
		if err != nil {
			return nil, fmt.Errorf("write policy %d of mode %s: %w", i+1, mode, err)
		}
		d := Document{Name: fmt.Sprintf("%s-%d", mode, i+1), Text: append(text, '\n'), Size: size(part)}
		if d.Size > limit {
			return nil, fmt.Errorf("policy %s has %d characters, IAM allows %d: its one statement %s must be split", d.Name, d.Size, limit, part[0].Sid)
		}
		documents = append(documents, d)
	}
	return documents, nil
}

func statementsOf(templates fs.FS, mode string, s Settings) ([]policy.Statement, error) {
	grants, err := grantsOf(templates, mode, s)
	if err != nil {
		return nil, err
	}
	return merge(grants)
}

// granted is a use of an action and the scope that it has.
type granted struct {
	use
	grant
}

func grantsOf(templates fs.FS, mode string, s Settings) ([]granted, error) {
	s = s.withDefaults()
	if err := s.check(); err != nil {
		return nil, err
	}
	known, err := readFacts()
	if err != nil {
		return nil, err
	}
	i, err := readInventory(templates, mode)
	if err != nil {
		return nil, err
	}
	scopes := newScopes(i, s, known)
	var out []granted
	missing := i.unknown(known)
	for _, u := range append(i.uses(known), callersOwn()...) {
		g, ok := scopes.of(u)
		switch {
		case !ok:
			missing = append(missing, fmt.Errorf("%s on %q for %s of %s has no scope: give it one in internal/deployerpolicy/scope*.go", u.action, u.kind, u.handler, u.typ))
		case g.sid != "":
			out = append(out, granted{u, g})
		}
	}
	return out, errors.Join(missing...)
}

// merge makes one statement of all grants of a Sid. Their conditions have the
// same keys; the values add up.
func merge(grants []granted) ([]policy.Statement, error) {
	found := map[string]*policy.Statement{}
	for _, g := range grants {
		st := found[g.sid]
		if st == nil {
			st = &policy.Statement{Sid: g.sid, Condition: policy.Condition{}}
			found[g.sid] = st
			for operator, keys := range g.condition {
				st.Condition[operator] = maps.Clone(keys)
			}
		}
		st.Actions = append(st.Actions, g.action)
		st.Resources = append(st.Resources, g.resources...)
		for operator, keys := range g.condition {
			for key, values := range keys {
				if st.Condition[operator][key] == nil {
					return nil, fmt.Errorf("statement %s: %s has the condition %s, others of it have not", g.sid, g.action, key)
				}
				st.Condition[operator][key] = set(append(st.Condition[operator][key], values...))
			}
		}
		if len(g.condition) != len(st.Condition) {
			return nil, fmt.Errorf("statement %s: %s lacks a condition that others of it have", g.sid, g.action)
		}
	}
	var out []policy.Statement
	for _, p := range purposes {
		st := found[p.sid]
		if st == nil {
			continue
		}
		delete(found, p.sid)
		st.Actions, st.Resources = set(st.Actions), covering(st.Resources)
		if len(st.Condition) == 0 {
			st.Condition = nil
		}
		out = append(out, *st)
	}
	if len(found) > 0 {
		return nil, fmt.Errorf("statements without a purpose: %s", strings.Join(slices.Sorted(maps.Keys(found)), ", "))
	}
	return out, nil
}

// split packs statements in their order into as few policies as that takes.
func split(statements []policy.Statement) [][]policy.Statement {
	var out [][]policy.Statement
	var part []policy.Statement
	for _, st := range statements {
		if len(part) > 0 && size(append(slices.Clone(part), st)) > limit {
			out, part = append(out, part), nil
		}
		part = append(part, st)
	}
	return append(out, part)
}

// size is what IAM counts.
func size(statements []policy.Statement) int {
	text, _ := json.Marshal(policy.Document(statements)) // strings and lists of them always can
	return len(text)
}

// covering leaves out what another pattern has in it already.
func covering(patterns []string) []string {
	all := set(patterns)
	return slices.DeleteFunc(slices.Clone(all), func(one string) bool {
		return slices.ContainsFunc(all, func(wide string) bool {
			start, open := strings.CutSuffix(wide, anything)
			return open && one != wide && strings.HasPrefix(one, start)
		})
	})
}

func set(values []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(values)))
}
