package template

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/deployerpolicy"
)

// finding is what parliament says of one policy.
type finding struct{ Policy, Issue, Detail string }

// accepted are findings that are right as they are. Policy and Detail are parts
// of the finding's.
var accepted = []struct{ policy, issue, detail, reason string }{
	{
		"HelmInstallerRole/network-interfaces", "RESOURCE_STAR", "ec2:CreateNetworkInterface",
		"Lambda asks for these without a resource (Lambda Developer Guide, execution role permissions for VPC access); code is denied them",
	},
	{
		"HelmInstallerRole/network-interfaces", "UNKNOWN_CONDITION_FOR_ACTION", "lambda:SourceFunctionArn",
		"a global key in requests of a function's code (Lambda Developer Guide, lambda:SourceFunctionArn); the service authorization reference lists it with no action",
	},
	{
		"InstallerRole/network-interfaces", "RESOURCE_STAR", "ec2:CreateNetworkInterface",
		"the same, for the functions on a customer's cluster",
	},
	{
		"InstallerRole/network-interfaces", "UNKNOWN_CONDITION_FOR_ACTION", "lambda:SourceFunctionArn",
		"the same, for the functions on a customer's cluster",
	},
	{
		"InstallerRole/cluster-admin", "CREDENTIALS_EXPOSURE", "sts:assumerole",
		"the one role that the customer names (ClusterAdminRoleArn), to edit aws-auth with it",
	},
	{
		"OutputsFunctionRole/oidc-provider", "PERMISSIONS_MANAGEMENT_ACTIONS", "iam:createopenidconnectprovider",
		"the provider of an EKS issuer of this region, made with this stack's mark, and deleted only with it",
	},
	{
		"KarpenterZonalShiftPolicy", "RESOURCE_STAR", "arc-zonal-shift:GetManagedResource",
		"upstream's statement: limited to the cluster by the key arc-zonal-shift:ResourceIdentifier",
	},
	{
		"KarpenterNodeLifecyclePolicy", "RESOURCE_MISMATCH", "ec2:RunInstances",
		"EC2 judges one call on each resource that it touches; upstream has a statement for each kind of them",
	},
	{
		"KarpenterResourceDiscoveryPolicy", "RESOURCE_MISMATCH", "ssm:GetParameter",
		"public parameters of AWS (aws/service/) have no account in their ARN",
	},
	{
		"KarpenterIAMIntegrationPolicy", "PERMISSIONS_MANAGEMENT_ACTIONS", "iam:passrole",
		"the nodes' one role, to EC2 only: without it no node starts",
	},
	{
		"CrossAccountRole/endpoints", "UNKNOWN_CONDITION_FOR_ACTION", "elasticloadbalancing:CreateAction for action elasticloadbalancing:AddTags",
		"in the service authorization reference by now, later than parliament's copy",
	},
	{
		"CrossAccountRole/endpoints", "UNKNOWN_ACTION", "WebACL",
		"CreateWebACLAssociation and its kin are in the service authorization reference by now, later than parliament's copy",
	},
	{
		"CrossAccountRole/monitoring", "RESOURCE_MISMATCH", "servicequotas:GetServiceQuota",
		"narrower than the service's one resource type says: its quotas in this region and account",
	},
	{
		"LoadBalancerControllerRole/load-balancers", "UNKNOWN_CONDITION_FOR_ACTION", "elasticloadbalancing:CreateAction for action elasticloadbalancing:AddTags",
		"in the service authorization reference by now, later than parliament's copy",
	},
	{
		"LoadBalancerControllerRole/load-balancers", "UNKNOWN_ACTION", "elasticloadbalancing:ModifyIpPools",
		"in the service authorization reference by now, later than parliament's copy",
	},
	{
		"LoadBalancerControllerRole/load-balancers", "RESOURCE_MISMATCH", "ec2:CreateSecurityGroup",
		"EC2 judges one call on the group and on its VPC; there is a statement for each",
	},
	{
		"EbsCsiRole/kms-key", "PERMISSIONS_MANAGEMENT_ACTIONS", "kms:creategrant",
		"EC2 decrypts volumes by a grant on the customer's key; for AWS resources only (kms:GrantIsForAWSResource)",
	},
	{
		"KarpenterControllerRole/kms-key", "PERMISSIONS_MANAGEMENT_ACTIONS", "kms:creategrant",
		"EC2 decrypts disks by a grant on the customer's key; for AWS resources only (kms:GrantIsForAWSResource)",
	},
	{
		"KarpenterControllerRole/first-spot", "PERMISSIONS_MANAGEMENT_ACTIONS", "iam:createservicelinkedrole",
		"EC2 Spot's own role, which a new account has not; granted only if Spot is asked for",
	},
	{
		"EngineRole/system-tables", "CREDENTIALS_EXPOSURE", "sts:assumerole",
		"the engine writes e6data's system tables under a role of e6data's account, and under no other",
	},
	{
		"deployer", "UNKNOWN_ACTION", "cloudformation:DescribeEvents",
		"in the service authorization reference by now, later than parliament's copy",
	},
	{"deployer", "UNKNOWN_ACTION", "lambda:GetFunctionScalingConfig", "the same"},
	{"deployer", "UNKNOWN_ACTION", "s3:GetBucketAbac", "the same"},
	{"deployer", "UNKNOWN_ACTION", "ec2:DescribeVpcEncryptionControls", "the same"},
	{
		"deployer", "PRIVILEGE_ESCALATION", "iam:createpolicyversion",
		"of the stack's own policies, through CloudFormation; who deploys roles is held by a boundary (docs/deployer-policy.md)",
	},
	{
		"deployer", "PRIVILEGE_ESCALATION", "ec2:runinstances",
		"EKS tries the launch template with the deployer's rights: only one with e6data's mark, and the stack's own roles",
	},
	{
		"deployer", "PERMISSIONS_MANAGEMENT_ACTIONS", "iam:create",
		"the stack has roles: of its prefix and path, through CloudFormation, within the boundary",
	},
	{
		"deployer", "RESOURCE_MISMATCH", "ec2:CreateSubnet",
		"EC2 judges one call on each resource that it touches: there is a statement for what is made, and one for what is used",
	},
	{"deployer", "RESOURCE_MISMATCH", "ec2:RunInstances", "the same"},
	{"deployer", "RESOURCE_MISMATCH", "ec2:CreateVpcEndpoint", "the same"},
	{
		"deployer", "UNKNOWN_CONDITION_FOR_ACTION", "iam:PermissionsBoundary for action iam:DeleteRole",
		"in the service authorization reference by now, later than parliament's copy",
	},
	{"deployer", "UNKNOWN_CONDITION_FOR_ACTION", "iam:PermissionsBoundary for action iam:Update", "the same"},
	{
		"deployer", "MISMATCHED_TYPE_BUT_USABLE", "StringEquals requires a value of type String but given Arn",
		"the boundary's exact ARN: AWS's own example of delegated roles compares it as a text (IAM User Guide, permissions boundaries)",
	},
	{
		"WorkspaceBoundary", "RESOURCE_STAR", "",
		"a boundary gives nothing: each role has far less by its own policies (ADR 27)",
	},
	{"WorkspaceBoundary", "RESOURCE_MISMATCH", "", "the same: its patterns are wide to be short"},
	{
		"WorkspaceBoundary", "UNKNOWN_ACTION", "ec2:CopyVolumes",
		"in the service authorization reference by now, later than parliament's copy",
	},
}

// TestIAMLint lets parliament judge every policy of every template, with each
// set of answers. make lint runs it; LINT_PYTHON is the environment that has
// parliament.
func TestIAMLint(t *testing.T) {
	python := os.Getenv("LINT_PYTHON")
	if python == "" {
		t.Skip("LINT_PYTHON is not set: run this through make lint")
	}
	policies := map[string]object{}
	for _, file := range files {
		for name, answers := range answersOf(file) {
			if strings.HasPrefix(file, "templates/network") {
				answers = planOf(6, "PerZone")
			}
			r := newRun(t, file, answers)
			withRealARNs(r)
			for _, s := range statements(r) {
				key := filepath.Base(file) + ", " + name + ": " + s.where
				if policies[key] == nil {
					policies[key] = object{"Version": "2012-10-17", "Statement": []any{}}
				}
				policies[key]["Statement"] = append(policies[key]["Statement"].([]any), s.Raw)
			}
		}
	}
	maps.Copy(policies, deployerPolicies(t))
	maps.Copy(policies, catalogPolicies(t))
	if len(policies) < 20 {
		t.Fatalf("only %d policies found", len(policies))
	}
	used := make([]bool, len(accepted))
	for _, f := range lintPolicies(t, python, policies) {
		ok := false
		for i, a := range accepted {
			if strings.HasSuffix(f.Policy, ": "+a.policy) && f.Issue == a.issue && strings.Contains(f.Detail, a.detail) {
				used[i], ok = true, true
			}
		}
		if !ok {
			t.Errorf("%s: %s %s", f.Policy, f.Issue, f.Detail)
		}
	}
	for i, a := range accepted {
		if !used[i] {
			t.Errorf("%s of %s is accepted and not found any more: take it out of the list", a.issue, a.policy)
		}
	}
	// The linter must be able to find something.
	wrong := map[string]object{"wrong": {"Version": "2012-10-17", "Statement": []any{
		object{"Effect": "Allow", "Action": "s3:ReadEverything", "Resource": "*"},
	}}}
	if found := lintPolicies(t, python, wrong); len(found) == 0 {
		t.Error("an action that does not exist is not found")
	}
}

// deployerPolicies are the committed policies of who deploys.
func deployerPolicies(t *testing.T) map[string]object {
	t.Helper()
	policies := map[string]object{}
	for _, mode := range contract.Modes() {
		documents, err := deployerpolicy.Generate(os.DirFS(root), mode, deployerpolicy.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range documents {
			var one object
			if err := json.Unmarshal(d.Text, &one); err != nil {
				t.Fatal(err)
			}
			policies[d.Name+": deployer"] = one
		}
	}
	return policies
}

// catalogPolicies are those of the launch roles, who deploy, and the boundary of
// the roles that they make.
func catalogPolicies(t *testing.T) map[string]object {
	t.Helper()
	r := newRoles(t, catalogAnswers)
	r.attributes["WorkspaceBoundary"] = "arn:aws:iam::111122223333:policy/e6data-service-catalog/limits"
	policies := map[string]object{}
	for _, id := range r.activeOfType("AWS::IAM::ManagedPolicy") {
		key := filepath.Base(rolesFile) + ", " + id + ": deployer"
		if id == "WorkspaceBoundary" {
			key = filepath.Base(rolesFile) + ": " + id
		}
		policy, is := plain(t, document(t, r.properties(id)["PolicyDocument"])).(object)
		if !is {
			t.Fatalf("%s is no policy", id)
		}
		policies[key] = policy
	}
	return policies
}

func lintPolicies(t *testing.T, python string, policies map[string]object) (found []finding) {
	t.Helper()
	in, err := json.Marshal(policies)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, filepath.Join(root, "tools", "iam_lint.py"))
	var out, errOut bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &errOut
	if err := cmd.Run(); err != nil {
		t.Fatalf("parliament: %v\n%s", err, errOut.String())
	}
	if err := json.Unmarshal(out.Bytes(), &found); err != nil {
		t.Fatalf("parliament's findings: %v\n%s", err, out.String())
	}
	return found
}

// arnForms are the ARNs of what the templates make, without partition: the
// linter compares them with the form that an action takes.
var arnForms = map[string]string{
	"AWS::EC2::LaunchTemplate":   "ec2:${Region}:${Account}:launch-template/${Name}",
	"AWS::EKS::Cluster":          "eks:${Region}:${Account}:cluster/${Name}",
	"AWS::Events::Rule":          "events:${Region}:${Account}:rule/${Name}",
	"AWS::IAM::InstanceProfile":  "iam::${Account}:instance-profile/${Name}",
	"AWS::IAM::Role":             "iam::${Account}:role/${Name}",
	"AWS::Lambda::Function":      "lambda:${Region}:${Account}:function:${Name}",
	"AWS::Logs::LogGroup":        "logs:${Region}:${Account}:log-group:${Name}:*",
	"AWS::S3::Bucket":            "s3:::${Name}",
	"AWS::SQS::Queue":            "sqs:${Region}:${Account}:${Name}",
	"AWS::KMS::Key":              "kms:${Region}:${Account}:key/${Name}",
	"AWS::CloudFormation::Stack": "cloudformation:${Region}:${Account}:stack/${Name}/1",
}

// withRealARNs gives each resource's Arn the form it has in AWS.
func withRealARNs(r *stackRun) {
	for id, resource := range section(r.template, "Resources") {
		if form, ok := arnForms[fmt.Sprint(at(resource, "Type"))]; ok {
			r.attributes[id+".Arn"] = "arn:" + r.pseudo["AWS::Partition"] + ":" + strings.NewReplacer(
				"${Region}", r.pseudo["AWS::Region"], "${Account}", r.pseudo["AWS::AccountId"], "${Name}", strings.ToLower(id),
			).Replace(form)
		}
	}
}
