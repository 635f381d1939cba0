package e2e

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/e6data/aws-quickstart/rehearsal"
)

// grant is one action that a function's role allows.
type grant struct{ role, action string }

// setting is a template with answers on which its functions' rights depend.
type setting struct {
	name, file string
	conditions map[string]bool // how these answers decide conditions of the template
	answers    func(*rehearsal.MadeVPC) map[string]string
}

var settings = []setting{
	{name: "new VPC", file: "quickstart.yaml"},
	{name: "existing VPC, subnets made", file: existingVPC, conditions: map[string]bool{"MakesSubnets": true}},
	{
		name: "existing VPC, subnets given", file: existingVPC, conditions: map[string]bool{"MakesSubnets": false},
		answers: func(customer *rehearsal.MadeVPC) map[string]string {
			return map[string]string{"PrivateSubnetIds": strings.Join(customer.Subnets[1:3], ",")}
		},
	},
}

// seenElsewhere are the grants whose absence shows otherwise than by AWS's
// denial in a failed create, and where.
var seenElsewhere = map[grant]string{
	{"OutputsFunctionRole", "cloudformation:DescribeStacks"}: "asked when an added zone is not wanted any more: TestAZoneIsAddedOnRequest takes it away",
	{"OutputsFunctionRole", "logs:CreateLogStream"}:          logsInSilence,
	{"OutputsFunctionRole", "logs:PutLogEvents"}:             logsInSilence,
	{"HelmInstallerRole", "logs:CreateLogStream"}:            logsInSilence,
	{"HelmInstallerRole", "logs:PutLogEvents"}:               logsInSilence,
	// Lambda looks for three of the six when the function is made; it uses these
	// later, by itself.
	{"HelmInstallerRole", "ec2:DescribeSubnets"}:            ofLambda,
	{"HelmInstallerRole", "ec2:AssignPrivateIpAddresses"}:   ofLambda,
	{"HelmInstallerRole", "ec2:UnassignPrivateIpAddresses"}: ofLambda,
}

const (
	logsInSilence = "Lambda drops a function's logs in silence: TestPermissions takes it away and looks for them"
	ofLambda      = "used by Lambda after the function is made (lambda/latest/dg/configuration-vpc.html asks for it)"
)

// removal is a grant that one setting's template is to be without.
type removal struct {
	setting
	grant
}

// A function without one of its rights fails the create with AWS's denial, and
// the rollback leaves nothing. Rights that a new VPC asks for too are taken away
// there.
func TestAPermissionTakenFromAFunctionsRoleFailsTheStack(t *testing.T) {
	t.Parallel()
	cases := functionGrants(t)
	for _, s := range settings {
		if !slices.ContainsFunc(cases, func(c removal) bool { return c.name == s.name }) {
			t.Errorf("%s: no right of its functions is taken away", s.name)
		}
	}
	d := start(t, "")
	withEndpoint := roomyVPC
	withEndpoint.InterfaceEndpoints = []string{"sts"} // the rules of its security group are asked for
	customer := d.customer(t, withEndpoint)
	for _, c := range sample(t, cases, 2) {
		t.Run(c.name+", "+c.role+" without "+c.action, func(t *testing.T) {
			name := "refused"
			url := d.upload(t, name, c.file, func(resources map[string]any) { revoke(t, resources, c.grant) })
			s := d.clients.NewStack(name, url, logEvents(t))
			var more map[string]string
			if c.answers != nil {
				more = c.answers(customer)
			}
			reason := mustFail(t, s, d.in(c.file, customer, more)).Error()
			if !strings.Contains(reason, c.action) && !strings.Contains(reason, strings.TrimPrefix(c.action, "ec2:")) {
				t.Errorf("the reason does not name the action %s: %s", c.action, reason)
			}
			ofLambda := strings.HasSuffix(c.action, "NetworkInterface") || c.action == "ec2:DescribeNetworkInterfaces"
			if !ofLambda && (!strings.Contains(reason, "is not authorized to perform") || !strings.Contains(reason, "assumed-role/")) {
				t.Errorf("the reason is not AWS's denial with the role's name: %s", reason)
			}
			remove(t, s)
			if left := d.leftovers(t); len(left) > 0 {
				t.Errorf("the rolled-back create left %v", left)
			}
		})
	}
	if err := customer.CheckBack(t.Context()); err != nil {
		t.Error(err)
	}
}

// functionGrants lists every action of every function's role in every setting,
// those that a new VPC has too only there. What is read by the look at the
// account alone is TestAReadThatIsDeniedIsOnlyANote's.
func functionGrants(t *testing.T) (cases []removal) {
	t.Helper()
	unseen := maps.Clone(seenElsewhere)
	for _, s := range settings {
		template := committed(t, s.file)
		for _, role := range functionRoles(t, template) {
			for _, statement := range statements(policies(decided(template.Resources[role].Properties, s.conditions), false)) {
				for _, action := range actions(statement) {
					g := grant{role, action}
					delete(unseen, g)
					known := slices.ContainsFunc(cases, func(c removal) bool {
						return c.grant == g && (c.file == settings[0].file || c.name == s.name)
					})
					if !known && seenElsewhere[g] == "" {
						cases = append(cases, removal{s, g})
					}
				}
			}
		}
	}
	for g := range unseen {
		t.Errorf("no function's role has %v", g)
	}
	return cases
}

// decided is a part of a template in which conditions are decided.
func decided(v any, conditions map[string]bool) any {
	switch v := v.(type) {
	case map[string]any:
		if branches, ok := v["Fn::If"].([]any); ok && len(branches) == 3 {
			if met, known := conditions[branches[0].(string)]; known {
				if met {
					return decided(branches[1], conditions)
				}
				return decided(branches[2], conditions)
			}
		}
		out := map[string]any{}
		for name, part := range v {
			out[name] = decided(part, conditions)
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, part := range v {
			out = append(out, decided(part, conditions))
		}
		return out
	}
	return v
}

func functionRoles(t *testing.T, template *rehearsal.Template) (roles []string) {
	t.Helper()
	for _, id := range slices.Sorted(maps.Keys(template.Resources)) {
		r := template.Resources[id]
		if r.Type != "AWS::Lambda::Function" {
			continue
		}
		at, ok := r.Properties["Role"].(map[string]any)["Fn::GetAtt"].([]any)
		if !ok {
			t.Fatalf("function %s: role %v is not a role of the template", id, r.Properties["Role"])
		}
		roles = append(roles, at[0].(string))
	}
	return roles
}

// statements finds every policy statement below v.
func statements(v any) (found []map[string]any) {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["Action"]; ok && v["Effect"] == "Allow" && v["Principal"] == nil {
			return []map[string]any{v}
		}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			found = append(found, statements(v[k])...)
		}
	case []any:
		for _, e := range v {
			found = append(found, statements(e)...)
		}
	}
	return found
}

func actions(statement map[string]any) (list []string) {
	switch a := statement["Action"].(type) {
	case string:
		return []string{a}
	case []any:
		for _, one := range a {
			list = append(list, one.(string))
		}
	}
	return list
}

// revoke takes one action from every statement of a role.
func revoke(t *testing.T, resources map[string]any, g grant) {
	t.Helper()
	taken := 0
	for _, s := range statements(resources[g.role]) {
		rest := slices.DeleteFunc(actions(s), func(a string) bool { return a == g.action })
		if len(rest) == len(actions(s)) {
			continue
		}
		taken++
		if len(rest) == 0 {
			rest = []string{"sts:GetCallerIdentity"} // a statement needs an action; this one needs no permission
		}
		s["Action"] = rest
	}
	if taken == 0 {
		t.Fatalf("role %s does not grant %s", g.role, g.action)
	}
}

// withhold takes an action from a policy of a role of the stack while it stands,
// and returns what gives it back.
func (d *deployment) withhold(t *testing.T, g grant, policy string) (giveBack func()) {
	t.Helper()
	return d.withholdFrom(t, d.role(t, g.role), g, policy)
}

// withholdFrom does so with the role of that name.
func (d *deployment) withholdFrom(t *testing.T, role string, g grant, policy string) (giveBack func()) {
	t.Helper()
	own := slices.DeleteFunc(d.policiesOf(t, role), func(p policyDocument) bool { return p.name != policy })
	if len(own) != 1 {
		t.Fatalf("role %s has %d policies %s", g.role, len(own), policy)
	}
	put := func(text string) {
		if _, err := d.clients.IAM.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: &role, PolicyName: &policy, PolicyDocument: aws.String(text)}); err != nil {
			t.Fatal(err)
		}
	}
	before := own[0].text(t)
	var less map[string]any
	if err := json.Unmarshal([]byte(before), &less); err != nil {
		t.Fatal(err)
	}
	revoke(t, map[string]any{g.role: less}, g)
	text, err := json.Marshal(less)
	if err != nil {
		t.Fatal(err)
	}
	put(string(text))
	return func() { put(before) }
}
