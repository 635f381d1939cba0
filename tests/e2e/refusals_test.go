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

func TestWithoutItsAccessEntryTheFunctionIsRefusedByKubernetes(t *testing.T) {
	inTurn(t, 2)
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
			admin := d.newAdministrator(t)
			d.snapshot(t) // with the role
			s := d.failingAfter(t, c)
			failed := mustFail(t, s, d.parameters(map[string]string{
				"AdminPrincipalArn": admin, "NatGateways": "PerZone", // every condition but those on zones is met
			}))
			if reason := failed.Error(); !strings.Contains(reason, "Broken") {
				t.Errorf("something else than the planted failure ended it: %s", reason)
			}
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
