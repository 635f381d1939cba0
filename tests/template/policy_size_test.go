package template

import (
	"encoding/json"
	"strings"
	"testing"
)

// mostInline is IAM's quota for all inline policies of a role together, in
// characters without white space (IAM user guide, "IAM and AWS STS quotas").
const mostInline = 10240

// longest are the longest answers that a person may have reason to give, to all
// that gets into policies. The engine's role has a test of its own, since its
// answers are limited for it.
func longest() map[string]string {
	path := strings.Repeat("/"+strings.Repeat("p", 49), 10) // of the 512 characters that IAM takes
	role := "arn:aws:iam::111122223333:role" + path + "/" + strings.Repeat("r", 64)
	return map[string]string{
		"WorkspaceName": "a" + strings.Repeat("b", 19), "AdminPrincipalArn": role, "ControlPlanePrincipalArn": role, "ClusterAdminRoleArn": role,
		"KarpenterControllerRoleName": strings.Repeat("k", 64), "PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy" + path + "/boundary",
		"KmsKeyArn": keyARN, "ChartSource": "s3://" + strings.Repeat("c", 63) + "/charts", "AllowAuthModeChange": "Yes", "RolePath": path + "/",
		"KarpenterOnCluster": "Install", "LoadBalancerControllerOnCluster": "Install", "KarpenterNamespace": strings.Repeat("n", 63),
	}
}

func TestRolesHaveRoomForTheirPolicies(t *testing.T) {
	for _, file := range files {
		r := newRun(t, file, nil)
		declared := section(r.template, "Parameters")
		given := map[string]string{}
		for name, answer := range longest() {
			if declared[name] != nil {
				given[name] = answer
			}
		}
		r = newRun(t, file, given)
		r.pseudo["AWS::Partition"], r.pseudo["AWS::Region"] = "aws-us-gov", "ap-southeast-11"
		characters := map[string]int{}
		for _, id := range r.activeOfType("AWS::IAM::Role") {
			policies, _ := r.properties(id)["Policies"].([]any)
			for _, p := range policies {
				text, err := json.Marshal(at(p, "PolicyDocument"))
				if err != nil {
					t.Fatal(err)
				}
				characters[id] += len(text)
			}
		}
		if (len(characters) == 0) != (file == networkFile) { // it makes no roles
			t.Errorf("%s: roles with policies: %v", file, characters)
		}
		for id, n := range characters {
			t.Logf("%s: %s has %d characters of policies", file, id, n)
			if n > mostInline {
				t.Errorf("%s: the inline policies of %s have %d characters, IAM takes %d", file, id, n, mostInline)
			}
		}
	}
}
