package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// A table is complete if it notices every change of its role's statements: an
// action or a resource less refuses a row that must be allowed, a condition
// less or a resource more allows one that must be refused.

// policyDocument is a policy of a role, as IAM has it.
type policyDocument struct {
	name      string
	statement []map[string]any
}

func (d policyDocument) text(t *testing.T) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": d.statement})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// mutant is a role's policies after one change to one statement.
type mutant struct {
	what     string
	actions  []string // of the statement: other rows cannot notice
	policies []policyDocument
	// widened tells that the role may do more.
	widened bool
}

// unnoticed are changes that no row can notice, by the words they are named
// with, each with the reason.
var unnoticed = map[string]string{
	"ChangeListeners without arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/*/*":    "none of the actions is judged on target groups",
	"AllowScopedEC2InstanceActionsWithTags without arn:aws:ec2:us-east-1:*:spot-instances-request/*": "the reference names this type for none of the actions; upstream does",
}

// judgeGrants takes each of a role's own statements apart.
func (w *permissionWorld) judgeGrants(t *testing.T, role string, rows []permission) {
	t.Helper()
	own := w.ownPolicies(t, role)
	for _, action := range grantedActions(own) {
		if !slices.ContainsFunc(rows, func(r permission) bool { return r.allowed && r.actions == action }) {
			t.Errorf("%s is granted, and no row says what for", action)
		}
	}
	all := mutants(own)
	t.Logf("%d rows, %d changes of its policies", len(rows), len(all))
	for _, m := range sample(t, all, sampledMutants) {
		if noticed, why := w.noticed(t, m, rows), unnoticed[m.what]; noticed == (why != "") {
			t.Errorf("%s: noticed by a row: %v; said to be unnoticed because %q", m.what, noticed, why)
		}
	}
}

func (w *permissionWorld) noticed(t *testing.T, m mutant, rows []permission) bool {
	t.Helper()
	var texts []string
	for _, p := range m.policies {
		if len(p.statement) > 0 {
			texts = append(texts, p.text(t))
		}
	}
	if len(texts) == 0 {
		return true
	}
	for _, r := range rows {
		if r.allowed == m.widened || !slices.Contains(m.actions, r.actions) {
			continue
		}
		out, err := w.clients.IAM.SimulateCustomPolicy(t.Context(), &iam.SimulateCustomPolicyInput{
			PolicyInputList: texts, ActionNames: []string{r.actions}, ResourceArns: []string{r.on}, ContextEntries: r.context(),
		})
		if err != nil {
			t.Fatalf("%s: %v", r, err)
		}
		if allowed := out.EvaluationResults[0].EvalDecision == types.PolicyEvaluationDecisionTypeAllowed; allowed != r.allowed {
			return true
		}
	}
	return false
}

// ownPolicies are a role's inline policies and those managed ones that are not
// AWS's.
func (w *permissionWorld) ownPolicies(t *testing.T, role string) []policyDocument {
	t.Helper()
	return w.policiesOf(t, lastOf(role))
}

func (d *deployment) policiesOf(t *testing.T, name string) []policyDocument {
	t.Helper()
	var all []policyDocument
	read := func(policy, document string) {
		text, err := url.QueryUnescape(document)
		if err != nil {
			t.Fatal(err)
		}
		var d struct{ Statement []map[string]any }
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Fatalf("policy %s: %v", policy, err)
		}
		all = append(all, policyDocument{policy, d.Statement})
	}
	inline, err := d.clients.IAM.ListRolePolicies(t.Context(), &iam.ListRolePoliciesInput{RoleName: &name})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range inline.PolicyNames {
		got, err := d.clients.IAM.GetRolePolicy(t.Context(), &iam.GetRolePolicyInput{RoleName: &name, PolicyName: &p})
		if err != nil {
			t.Fatal(err)
		}
		read(p, *got.PolicyDocument)
	}
	attached, err := d.clients.IAM.ListAttachedRolePolicies(t.Context(), &iam.ListAttachedRolePoliciesInput{RoleName: &name})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range attached.AttachedPolicies {
		if strings.Contains(*p.PolicyArn, ":iam::aws:") {
			continue
		}
		policy, err := d.clients.IAM.GetPolicy(t.Context(), &iam.GetPolicyInput{PolicyArn: p.PolicyArn})
		if err != nil {
			t.Fatal(err)
		}
		version, err := d.clients.IAM.GetPolicyVersion(t.Context(), &iam.GetPolicyVersionInput{PolicyArn: p.PolicyArn, VersionId: policy.Policy.DefaultVersionId})
		if err != nil {
			t.Fatal(err)
		}
		read(*p.PolicyName, *version.PolicyVersion.Document)
	}
	return all
}

func grantedActions(policies []policyDocument) []string {
	granted := map[string]bool{}
	for _, p := range policies {
		for _, s := range p.statement {
			for _, a := range oneOrMore(s["Action"]) {
				if s["Effect"] == "Allow" {
					granted[a] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(granted))
}

// mutants are all single changes of a role's policies.
func mutants(policies []policyDocument) []mutant {
	var all []mutant
	for i, p := range policies {
		for j, s := range p.statement {
			add := func(what string, widened bool, changed ...map[string]any) {
				m := mutant{what: fmt.Sprintf("%v %s", s["Sid"], what), actions: oneOrMore(s["Action"]), widened: widened, policies: slices.Clone(policies)}
				m.policies[i].statement = slices.Concat(p.statement[:j], changed, p.statement[j+1:])
				all = append(all, m)
			}
			if s["Effect"] != "Allow" {
				add("taken away", true)
				continue
			}
			for _, kind := range []string{"Action", "Resource"} {
				for _, one := range oneOrMore(s[kind]) {
					rest := slices.DeleteFunc(oneOrMore(s[kind]), func(v string) bool { return v == one })
					if len(rest) == 0 {
						add("without "+one, false)
						continue
					}
					add("without "+one, false, with(s, kind, rest))
				}
			}
			if !slices.Contains(oneOrMore(s["Resource"]), "*") {
				add("on every resource", true, with(s, "Resource", "*"))
			}
			conditions, _ := s["Condition"].(map[string]any)
			for _, operator := range slices.Sorted(maps.Keys(conditions)) {
				of := conditions[operator].(map[string]any)
				for _, key := range slices.Sorted(maps.Keys(of)) {
					left := maps.Clone(of)
					delete(left, key)
					add("without "+operator+" "+key, true, with(s, "Condition", with(conditions, operator, left)))
				}
			}
		}
	}
	return all
}

// with is a copy of an object with another value.
func with(object map[string]any, name string, v any) map[string]any {
	out := maps.Clone(object)
	out[name] = v
	return out
}

// oneOrMore is a policy's list, which may be a single text.
func oneOrMore(v any) (list []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, one := range v {
			list = append(list, one.(string))
		}
	}
	return list
}
