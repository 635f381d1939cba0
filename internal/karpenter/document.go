package karpenter

// Document is the policy's document, with the placeholders in it, fit for
// json.Marshal and for a template.
func (p Policy) Document() map[string]any {
	statements := make([]map[string]any, len(p.Statements))
	for i, s := range p.Statements {
		statements[i] = s.element()
	}
	return map[string]any{"Version": "2012-10-17", "Statement": statements}
}

func (s Statement) element() map[string]any {
	e := map[string]any{"Sid": s.Sid, "Effect": "Allow", "Action": s.Actions, "Resource": s.Resources}
	if s.Condition != nil {
		e["Condition"] = s.Condition
	}
	return e
}
