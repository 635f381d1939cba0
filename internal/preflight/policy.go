package preflight

import (
	"encoding/json"
	"path"
	"slices"
	"strings"
)

// policy is as much of a resource's policy as is needed to see whom it lets in.
// It errs on the open side: a condition counts as met.
type policy struct {
	Statement statements `json:"Statement"`
}

type statement struct {
	Effect    string    `json:"Effect"`
	Principal principal `json:"Principal"`
	// NotPrincipal lets in whom it does not name.
	NotPrincipal json.RawMessage `json:"NotPrincipal"`
	Action       oneOrMore       `json:"Action"`
	NotAction    oneOrMore       `json:"NotAction"`
}

// readPolicy reads a policy document.
func readPolicy(text string) (policy, error) {
	var p policy
	err := json.Unmarshal([]byte(text), &p)
	return p, err
}

// admits tells whether a statement allows the action to a principal (an ARN) of
// an account: by name, by a pattern, by its account, or to everybody.
func (p policy) admits(arn, account, action string) bool {
	return slices.ContainsFunc(p.Statement, func(s statement) bool {
		return s.Effect == "Allow" && s.covers(action) && (len(s.NotPrincipal) > 0 || slices.ContainsFunc(s.Principal, func(named string) bool {
			return named == "*" || named == account || named == arn || strings.HasSuffix(named, "::"+account+":root")
		}))
	})
}

// admitsByName is the same without the account: for principals that no policy of
// their own can let in.
func (p policy) admitsByName(arn, action string) bool {
	return slices.ContainsFunc(p.Statement, func(s statement) bool {
		return s.Effect == "Allow" && s.covers(action) && (len(s.NotPrincipal) > 0 || slices.Contains(s.Principal, "*") || slices.Contains(s.Principal, arn))
	})
}

// principals are all that the policy names, each once.
func (p policy) principals() []string {
	var names []string
	for _, s := range p.Statement {
		for _, n := range s.Principal {
			if !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	if names == nil {
		return []string{"nobody"}
	}
	return names
}

func (s statement) covers(action string) bool {
	if len(s.NotAction) > 0 {
		return !s.NotAction.match(action)
	}
	return s.Action.match(action)
}

// match tells whether one of the patterns names the action.
func (o oneOrMore) match(action string) bool {
	return slices.ContainsFunc(o, func(pattern string) bool {
		ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(action))
		return ok || err != nil
	})
}

// oneOrMore is a text, or a list of texts.
type oneOrMore []string

// UnmarshalJSON reads both forms.
func (o *oneOrMore) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*o = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(o))
}

// statements is one statement, or a list.
type statements []statement

// UnmarshalJSON reads both forms.
func (s *statements) UnmarshalJSON(text []byte) error {
	if strings.HasPrefix(strings.TrimSpace(string(text)), "{") {
		*s = make(statements, 1)
		return json.Unmarshal(text, &(*s)[0])
	}
	return json.Unmarshal(text, (*[]statement)(s))
}

// principal are the names of all kinds: "*", or of AWS, Service and Federated.
type principal []string

// UnmarshalJSON reads both forms.
func (p *principal) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*p = principal{one}
		return nil
	}
	var kinds map[string]oneOrMore
	if err := json.Unmarshal(text, &kinds); err != nil {
		return err
	}
	for _, kind := range []string{"AWS", "Service", "Federated", "CanonicalUser"} {
		*p = append(*p, kinds[kind]...)
	}
	return nil
}
