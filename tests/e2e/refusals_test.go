package e2e

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/e6data/aws-quickstart/rehearsal"
)

// grant is one action that a function's role allows.
type grant struct{ role, action string }

// seenElsewhere are the actions whose absence shows otherwise than by AWS's
// denial in a failed resource, and where.
var seenElsewhere = map[string]string{
	// Asked only when an update is rolled back: TestAZoneIsAddedOnRequest.
	"cloudformation:DescribeStacks": "used when an added zone is taken back",
	"logs:CreateLogStream":          logsInSilence,
	"logs:PutLogEvents":             logsInSilence,
	// Lambda looks for three of the six when the function is made; it uses these
	// later, by itself.
	"ec2:DescribeSubnets":            ofLambda,
	"ec2:AssignPrivateIpAddresses":   ofLambda,
	"ec2:UnassignPrivateIpAddresses": ofLambda,
}

const (
	logsInSilence = "Lambda drops a function's logs in silence: TestPermissions looks for them"
	ofLambda      = "used by Lambda after the function is made (AWS's own AWSLambdaVPCAccessExecutionRole has it)"
)

func TestAPermissionTakenFromAFunctionsRoleFailsTheStack(t *testing.T) {
	t.Parallel()
	grants := functionGrants(t)
	if len(grants) < 4 {
		t.Fatalf("only %d grants found in the functions' roles: %v", len(grants), grants)
	}
	for _, g := range sample(t, grants, 2) {
		t.Run(g.role+" without "+g.action, func(t *testing.T) {
			t.Parallel()
			d := start(t, "")
			s := d.changed(t, "refused", func(resources map[string]any) { revoke(t, resources, g) })
			failed := mustFail(t, s, d.parameters(nil))
			reason := failed.Error()
			if !strings.Contains(reason, g.action) && !strings.Contains(reason, strings.TrimPrefix(g.action, "ec2:")) {
				t.Errorf("the reason does not name the action %s: %s", g.action, reason)
			}
			if !strings.HasSuffix(g.action, "NetworkInterface") && g.action != "ec2:DescribeNetworkInterfaces" && (!strings.Contains(reason, "is not authorized to perform") || !strings.Contains(reason, "assumed-role/")) {
				t.Errorf("the reason is not AWS's denial with the role's name: %s", reason)
			}
			remove(t, s)
			if left := d.leftovers(t); len(left) > 0 {
				t.Errorf("the rolled-back create left %v", left)
			}
		})
	}
}

// functionGrants lists every action of every function's role.
func functionGrants(t *testing.T) []grant {
	t.Helper()
	template := committed(t, "quickstart.yaml")
	var grants []grant
	for _, role := range functionRoles(t, template) {
		for _, s := range statements(template.Resources[role].Properties) {
			for _, action := range actions(s) {
				if g := (grant{role, action}); seenElsewhere[action] == "" && !slices.Contains(grants, g) {
					grants = append(grants, g)
				}
			}
		}
	}
	return grants
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

func TestWithoutItsAccessEntryTheFunctionIsRefusedByKubernetes(t *testing.T) {
	t.Parallel()
	d := start(t, "")
	var role string
	s := d.changed(t, "noaccess", func(resources map[string]any) {
		for id, r := range resources {
			r := r.(map[string]any)
			if text, _ := yaml.Marshal(r); r["Type"] == "AWS::EKS::AccessEntry" && strings.Contains(string(text), "AmazonEKSClusterAdminPolicy") && r["Condition"] == nil {
				at := r["Properties"].(map[string]any)["PrincipalArn"].(map[string]any)["Fn::GetAtt"].([]any)
				role = at[0].(string)
				forget(resources, id)
			}
		}
	})
	if role == "" {
		t.Fatal("no access entry with AmazonEKSClusterAdminPolicy in the template")
	}
	failed := mustFail(t, s, d.parameters(nil))
	if reason := failed.Error(); !strings.Contains(reason, "access entry") || !strings.Contains(reason, "e6data-analytics") || !strings.Contains(reason, role) {
		t.Errorf("the reason should name the cluster, the role %s and the missing access entry: %s", role, reason)
	}
	remove(t, s)
	if left := d.leftovers(t); len(left) > 0 {
		t.Errorf("the rolled-back create left %v", left)
	}
}

// forget removes a resource and every reference to it from a template.
func forget(resources map[string]any, id string) {
	delete(resources, id)
	for _, r := range resources {
		r := r.(map[string]any)
		if deps, ok := r["DependsOn"].([]any); ok {
			r["DependsOn"] = slices.DeleteFunc(deps, func(d any) bool { return d == id })
		} else if r["DependsOn"] == id {
			delete(r, "DependsOn")
		}
	}
}

// A failure right after any resource was made, of the stack or of its nested
// stack, must roll back to nothing.
func TestARolledBackCreateLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, c := range sample(t, resourcesOf(t, "quickstart.yaml", "templates/network.yaml"), 2) {
		t.Run("failure after "+c.id+" of "+path.Base(c.template), func(t *testing.T) {
			t.Parallel()
			d := start(t, "")
			s := d.failingAfter(t, c)
			mustFail(t, s, d.parameters(map[string]string{
				"AdminPrincipalArn": "arn:aws:iam::" + account + ":role/admin", "NatGateways": "PerZone", // every condition but those on zones is met
			}))
			remove(t, s)
			if left := d.leftovers(t); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// place is one resource of one template.
type place struct{ template, id string }

func resourcesOf(t *testing.T, files ...string) (places []place) {
	t.Helper()
	for _, file := range files {
		for _, id := range slices.Sorted(maps.Keys(committed(t, file).Resources)) {
			places = append(places, place{file, id})
		}
	}
	return places
}

// failingAfter returns a stack with one more resource that cannot be made and
// depends on the given one.
func (d *deployment) failingAfter(t *testing.T, c place) *rehearsal.Stack {
	t.Helper()
	spoil := func(resources map[string]any) {
		resources["Broken"] = map[string]any{
			"Type":       "AWS::EC2::Subnet", // a subnet of a network that is not there
			"Properties": map[string]any{"VpcId": "vpc-00000000000000000", "CidrBlock": "10.0.0.0/24"},
			"DependsOn":  []any{c.id}, // a resource whose condition is not met is not waited for
		}
	}
	if c.template == "quickstart.yaml" {
		return d.changed(t, "failing", spoil)
	}
	url := d.upload(t, "failing-nested", c.template, spoil)
	return d.changed(t, "failing", func(resources map[string]any) {
		resources["Network"].(map[string]any)["Properties"].(map[string]any)["TemplateURL"] = url
	})
}

// account is the embedded AWS's own account.
const account = "000000000000"
