package template

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// Nothing of a customer's network or cluster is made or changed; one role may
// get one policy.
func TestTheirClusterStaysAsItIs(t *testing.T) {
	r := newRun(t, clusterFile, map[string]string{"KarpenterControllerRoleName": "KarpenterController"})
	for _, kind := range []string{"AWS::EC2::", "AWS::EKS::", "AWS::CloudFormation::Stack", "AWS::IAM::OIDCProvider"} {
		if found := resourcesOfType(r.template, kind); len(found) > 0 {
			t.Errorf("the template makes %v", found)
		}
	}
	values := releaseValues(t, r, "NodePool")
	want := map[string]any{
		"storageClass": map[string]any{"create": false}, "clusterName": "shared",
		"subnetIDs": []any{"subnet-0a", "subnet-0b", "subnet-0c"}, "securityGroupIDs": []any{"sg-0c1a55e5"},
	}
	for name, v := range want {
		if diff := cmp.Diff(v, values[name]); diff != "" {
			t.Errorf("%s of the node pool (-want +got):\n%s", name, diff)
		}
	}
	for _, function := range []string{"HelmInstaller", "AwsAuth"} {
		network := r.properties(function)["VpcConfig"]
		if diff := cmp.Diff(any(object{"SubnetIds": []any{"subnet-0a", "subnet-0b"}, "SecurityGroupIds": []any{"sg-0c1a55e5"}}), network); diff != "" {
			t.Errorf("%s is elsewhere (-want +got):\n%s", function, diff)
		}
	}
	if found := r.activeOfType("AWS::IAM::RolePolicy"); !slices.Equal(found, []string{"KarpenterPassRole"}) {
		t.Errorf("policies of roles: %v", found)
	}
	if p := r.properties("KarpenterPassRole"); p["RoleName"] != "KarpenterController" || p["PolicyName"] != "e6data-sales-nodes" {
		t.Errorf("the policy is %v", p)
	}
	if found := newRun(t, clusterFile, nil).activeOfType("AWS::IAM::RolePolicy"); len(found) > 0 {
		t.Errorf("without the name of a role there are %v", found)
	}
}

// What is printed for the customer to add is what the stack would add.
func TestThePrintedPolicyIsTheOneAdded(t *testing.T) {
	for _, key := range []string{"", keyARN} {
		added := newRun(t, clusterFile, map[string]string{"KarpenterControllerRoleName": "KarpenterController", "KmsKeyArn": key})
		var printed any
		text := newRun(t, clusterFile, map[string]string{"KmsKeyArn": key}).output("KarpenterPassRolePolicy")
		if err := json.Unmarshal([]byte(text), &printed); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if diff := cmp.Diff(plain(t, added.properties("KarpenterPassRole")["PolicyDocument"]), printed); diff != "" {
			t.Errorf("key %q (-added +printed):\n%s", key, diff)
		}
		for _, r := range []*stackRun{added, newRun(t, clusterFile, map[string]string{"KarpenterOnCluster": "Install"})} {
			if r.active(section(r.template, "Outputs")["KarpenterPassRolePolicy"]) {
				t.Error("a policy is printed that nobody needs")
			}
		}
		passed := statementsOf("added", printed)[0]
		if !slices.Equal(passed.Actions, []string{"iam:PassRole"}) || !slices.Equal(passed.Resources, []string{"arn:aws:made:::KarpenterNodeRole"}) {
			t.Errorf("Karpenter may %v %v", passed.Actions, passed.Resources)
		}
	}
}

const theirAdmin = "arn:aws:iam::111122223333:role/ops/Admin"

// accessOf are the principals that a stack lets in, and as what.
func accessOf(t *testing.T, r *stackRun) map[string]contract.AWSAuth {
	t.Helper()
	all := map[string]contract.AWSAuth{}
	for _, id := range r.activeOfType(contract.TypeAWSAuth) {
		all[id] = decode[contract.AWSAuth](t, r, id)
	}
	return all
}

func TestAccessOnTheirCluster(t *testing.T) {
	const role = "arn:aws:iam::111122223333:role/ClusterAdmin"
	r := newRun(t, clusterFile, map[string]string{"AdminPrincipalArn": theirAdmin, "ClusterAdminRoleArn": role, "AllowAuthModeChange": "Yes"})
	of := func(principal, grant, username string) contract.AWSAuth {
		return contract.AWSAuth{ClusterName: "shared", PrincipalArn: principal, Grant: grant, Username: username, ClusterAdminRoleArn: role, AllowAuthModeChange: true}
	}
	want := map[string]contract.AWSAuth{
		"InstallerAccess":     of("arn:aws:made:::InstallerRole", "Administrator", ""),
		"KarpenterNodeAccess": of("arn:aws:made:::KarpenterNodeRole", "Node", ""),
		"ControlPlaneAccess":  of("arn:aws:made:::CrossAccountRole", "User", "e6data-sales-user"),
		"AdminAccess":         of(theirAdmin, "Administrator", ""),
	}
	if diff := cmp.Diff(want, accessOf(t, r)); diff != "" {
		t.Errorf("access (-want +got):\n%s", diff)
	}
	plainly := accessOf(t, newRun(t, clusterFile, nil))
	if a := plainly["InstallerAccess"]; len(plainly) != 3 || a.AllowAuthModeChange || a.ClusterAdminRoleArn != "" {
		t.Errorf("without answers: %v", plainly)
	}
}

// The role's name is known before the launch.
func TestInstallerRoleHasAKnownName(t *testing.T) {
	r := newRun(t, clusterFile, map[string]string{"RolePath": "/e6data/"})
	if p := r.properties("InstallerRole"); p["RoleName"] != "e6data-sales-installer-us-east-1" || p["Path"] != "/e6data/" {
		t.Errorf("it is %v %v", p["Path"], p["RoleName"])
	}
	longest := newRun(t, clusterFile, map[string]string{"WorkspaceName": strings.Repeat("a", 20)})
	longest.pseudo["AWS::Region"] = "ap-southeast-11"
	if name := fmt.Sprint(longest.properties("InstallerRole")["RoleName"]); len(name) > 64 {
		t.Errorf("IAM takes 64 characters, and %s has %d", name, len(name))
	}
}

// The function makes entries of those that it lets in, changes entries with the
// stack's mark, and gives one policy.
func TestAccessEntriesAreTheStacksOwn(t *testing.T) {
	r := newRun(t, clusterFile, map[string]string{"AdminPrincipalArn": theirAdmin, "RolePath": "/e6data/"})
	principals := []string{"arn:aws:iam::111122223333:role/e6data/e6data-sales-installer-us-east-1"} // as it is, before it is there
	for id, a := range accessOf(t, r) {
		if id != "InstallerAccess" {
			principals = append(principals, a.PrincipalArn)
		}
	}
	const uuid = "6f0c2a10-0b7e-11f0-9d5c-0affd0f3a1b7"
	marked, ours := object{"aws:RequestTag/quickstart.e6data.com/made-by": uuid}, object{"aws:ResourceTag/quickstart.e6data.com/made-by": uuid}
	want := map[string]any{
		"eks:CreateAccessEntry": object{"StringEquals": marked, "ArnEquals": object{"eks:principalArn": sorted(principals)}},
		"eks:TagResource":       object{"StringEquals": marked},
		"eks:UpdateAccessEntry": object{"StringEquals": ours}, "eks:DeleteAccessEntry": object{"StringEquals": ours},
	}
	for _, action := range []string{"eks:AssociateAccessPolicy", "eks:DisassociateAccessPolicy"} {
		want[action] = object{"StringEquals": ours, "ArnEquals": object{"eks:policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"}}
	}
	got := map[string]any{}
	for _, s := range statements(r) {
		if s.where != "InstallerRole/access-entries" {
			continue
		}
		for _, resource := range s.Resources {
			if resource != "arn:aws:eks:us-east-1:111122223333:cluster/shared" && resource != "arn:aws:eks:us-east-1:111122223333:access-entry/shared/*" {
				t.Errorf("%s is about %s", s, resource)
			}
		}
		for _, action := range s.Actions {
			condition, limited := s.Raw["Condition"].(object)
			if !limited {
				if action != "eks:DescribeAccessEntry" && action != "eks:ListAssociatedAccessPolicies" {
					t.Errorf("%s allows %s without a condition", s, action)
				}
				continue
			}
			condition = maps.Clone(condition)
			if arns, _ := condition["ArnEquals"].(object); arns["eks:principalArn"] != nil {
				condition["ArnEquals"] = object{"eks:principalArn": sorted(asList(arns["eks:principalArn"]))}
			}
			got[action] = condition
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("conditions by action (-want +got):\n%s", diff)
	}
}

// The mode changes, and the customer's role is assumed, only if an answer says so.
func TestWaysOutOfTheTrapAreAskedFor(t *testing.T) {
	const role = "arn:aws:iam::111122223333:role/ops/ClusterAdmin"
	for name, tt := range map[string]struct {
		answers map[string]string
		want    []string
	}{
		"nothing":         {nil, nil},
		"the mode":        {map[string]string{"AllowAuthModeChange": "Yes"}, []string{"eks:DescribeUpdate arn:aws:eks:us-east-1:111122223333:cluster/shared", "eks:UpdateClusterConfig arn:aws:eks:us-east-1:111122223333:cluster/shared"}},
		"an admin's role": {map[string]string{"ClusterAdminRoleArn": role}, []string{"sts:AssumeRole " + role}},
	} {
		var got []string
		for _, s := range statements(newRun(t, clusterFile, tt.answers)) {
			for _, action := range s.Actions {
				if strings.HasPrefix(s.where, "InstallerRole/") && slices.Contains([]string{"eks:UpdateClusterConfig", "eks:DescribeUpdate", "sts:AssumeRole"}, action) {
					got = append(got, action+" "+strings.Join(s.Resources, " "))
				}
				if action == "eks:UpdateClusterConfig" && at(s.Raw, "Condition", "StringEquals", "eks:authenticationMode") != "API_AND_CONFIG_MAP" {
					t.Errorf("%s: %s may change more than the mode", name, s)
				}
			}
		}
		if !slices.Equal(sorted(got), tt.want) {
			t.Errorf("%s: the function may %v, want %v", name, got, tt.want)
		}
	}
}

func TestOutputsOfTheirCluster(t *testing.T) {
	r := newRun(t, clusterFile, nil)
	for name, want := range map[string]string{
		"ClusterName": "shared", "VpcId": "vpc-0aaaaaaaaaaaaaaaa", "SubnetIds": "subnet-0a,subnet-0b,subnet-0c", "NodePoolName": "e6data-sales",
		"ClusterFindings": "Kubernetes clustercheck-kubernetesversion. clustercheck-notes",
	} {
		if got := r.output(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	var config contract.WorkspaceConfig
	if err := json.Unmarshal([]byte(r.output("WorkspaceConfig")), &config); err != nil {
		t.Fatal(err)
	}
	if config.ClusterName != "shared" || config.VpcID != "vpc-0aaaaaaaaaaaaaaaa" || config.SubnetIDs != "subnet-0a,subnet-0b,subnet-0c" {
		t.Errorf("the console gets %+v", config)
	}
}
