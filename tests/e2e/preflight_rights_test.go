package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/e6data/aws-quickstart/rehearsal"
)

// policies are the inline policies of a role that are for the look at the
// account, or those that are not.
func policies(properties any, forTheLook bool) []any {
	role, _ := properties.(map[string]any)
	all, _ := role["Policies"].([]any)
	return slices.DeleteFunc(slices.Clone(all), func(p any) bool {
		return strings.HasPrefix(policyName(p), "preflight") != forTheLook
	})
}

// policyName is the name of an inline policy, which may be there only under a
// condition.
func policyName(policy any) string {
	switch p := policy.(type) {
	case map[string]any:
		if name, ok := p["PolicyName"].(string); ok {
			return name
		}
		return policyName(p["Fn::If"])
	case []any:
		if len(p) == 3 {
			return policyName(p[1])
		}
	}
	return ""
}

// looks are the settings in which an account is looked at, each with answers that
// have everything looked at, and with a mistake: the launch ends at once.
func looks(customer *rehearsal.MadeVPC, key, admin string) []setting {
	everything := func(more map[string]string) func(*rehearsal.MadeVPC) map[string]string {
		return func(*rehearsal.MadeVPC) map[string]string {
			given := map[string]string{
				"KmsKeyArn": key, "AdminPrincipalArn": admin, "ControlPlanePrincipalArn": nobody("user"), "WorkspaceChartVersion": "9.9.9",
			}
			maps.Copy(given, more)
			return given
		}
	}
	with := func(more map[string]bool) map[string]bool {
		all := map[string]bool{
			"HasKmsKey": true, "HasAdminPrincipal": true, "AdminPrincipalIsRole": true, "HasControlPlanePrincipal": true, "ControlPlanePrincipalIsRole": false,
			"HasS3Charts": true, "HasPermissionsBoundary": false, "HasClusterAdminRole": true, "HasKarpenterControllerRole": true,
		}
		maps.Copy(all, more)
		return all
	}
	return []setting{
		{"new VPC", "quickstart.yaml", with(nil), everything(map[string]string{"ExcludedAvailabilityZones": "us-east-1z"})},
		{"existing VPC, subnets made", existingVPC, with(map[string]bool{"MakesSubnets": true}), everything(map[string]string{"ExcludedAvailabilityZones": "us-east-1z"})},
		{
			"existing VPC, subnets given", existingVPC, with(map[string]bool{"MakesSubnets": false}),
			everything(map[string]string{"PrivateSubnetIds": strings.Join(customer.Subnets, ",")}),
		},
		{
			"existing cluster", existingEKS, with(nil),
			everything(map[string]string{"ExistingClusterName": "nobodys", "ClusterAdminRoleArn": admin, "KarpenterControllerRoleName": "nobody"}),
		},
	}
}

// Without one of its reads the look at the account goes on: the read is asked
// for and denied, and the other problems are told. Nothing else comes of it than
// a note in the function's log, since what is not known is no reason to refuse.
func TestAReadThatIsDeniedIsOnlyANote(t *testing.T) {
	t.Parallel()
	d := start(t, "")
	customer := d.customer(t, roomyVPC)
	settings := looks(customer, d.newKey(t), d.newAdministrator(t))
	d.snapshot(t)
	var cases []removal
	for _, s := range settings {
		template := committed(t, s.file)
		for _, statement := range statements(policies(decided(template.Resources["OutputsFunctionRole"].Properties, s.conditions), true)) {
			for _, action := range actions(statement) {
				g := grant{"OutputsFunctionRole", action}
				if !slices.ContainsFunc(cases, func(c removal) bool { return c.grant == g && c.name == s.name }) {
					cases = append(cases, removal{s, g})
				}
			}
		}
	}
	if len(cases) < 60 {
		t.Errorf("only %d reads", len(cases))
	}
	for i, c := range sample(t, cases, 3) {
		t.Run(c.name+" without "+c.action, func(t *testing.T) {
			name := fmt.Sprintf("unread-%d", i)
			url := d.upload(t, name, c.file, func(resources map[string]any) { revoke(t, resources, c.grant) })
			s := d.clients.NewStack(name, url, logEvents(t))
			s.NamedRoles = c.file == existingEKS
			failed := mustFail(t, s, d.in(c.file, customer, c.answers(customer)))
			if len(failed.Failures) != 1 || failed.Failures[0].LogicalID != "Preflight" || !strings.Contains(failed.Failures[0].Reason, " problem") {
				t.Errorf("%v", failed)
			}
			if !d.denied(t, name+"-OutputsFunctionRole", c.action) {
				t.Errorf("nobody asked for %s: the right is not needed", c.action)
			}
			remove(t, s)
		})
	}
	if left := d.leftovers(t); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// denied tells whether IAM denied the action to a role whose name begins so.
func (d *deployment) denied(t *testing.T, role, action string) bool {
	t.Helper()
	calls, err := d.Calls()
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(calls, func(c rehearsal.Call) bool {
		return !c.Allowed && c.Action == action && strings.Contains(c.Principal, "/"+role)
	})
}
