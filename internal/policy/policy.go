// Package policy is IAM policies as data: what upstream projects publish for
// their controllers, and a way to tell whether ours say the same.
package policy

// Statement is one IAM statement; all of them allow.
type Statement struct {
	Sid       string
	Actions   []string
	Resources []string
	// Condition is operator, key, values; nil: none.
	Condition Condition
}

// Condition is the Condition element: operator, key, values.
type Condition map[string]map[string][]string

// Document is the document of a policy with these statements, with the
// placeholders in them, fit for json.Marshal and for a template.
func Document(statements []Statement) map[string]any {
	elements := make([]map[string]any, len(statements))
	for i, s := range statements {
		elements[i] = s.Element()
	}
	return map[string]any{"Version": "2012-10-17", "Statement": elements}
}

// Element is the statement as it stands in a document.
func (s Statement) Element() map[string]any {
	e := map[string]any{"Effect": "Allow", "Action": s.Actions, "Resource": s.Resources}
	if s.Sid != "" {
		e["Sid"] = s.Sid
	}
	if s.Condition != nil {
		e["Condition"] = s.Condition
	}
	return e
}
