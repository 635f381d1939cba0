package template

import (
	"maps"
	"testing"
)

// keyARN is a KMS key of the customer's.
const keyARN = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

// answerSets are ways to answer the templates that between them make each
// condition true and false.
var answerSets = map[string]map[string]string{
	"quick create": nil,
	"everything answered": {
		"DataBucketNames": "one-bucket,two-bucket,three-bucket", "GlueAccess": "ReadWrite", "DebugNamespaces": "a,b",
		"ClusterName": "Shared_1", "ClusterDeletionProtection": "On", "EndpointPublicAccessCidrs": "198.51.100.0/24,203.0.113.7/32",
		"ClusterLogTypes": "api,audit,authenticator,controllerManager,scheduler", "AdminPrincipalArn": "arn:aws:iam::111122223333:role/ops/Admin",
		"ControlPlanePrincipalArn": "arn:aws:iam::999988887777:role/control", "ExternalId": "tenant:42",
		"PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/edge", "RolePath": "/e6data/",
		"ChartSource": "s3://charts/mirror", "ArtifactBucket": "artefacts", "NatGateways": "PerZone",
		"KmsKeyArn": keyARN, "NodeTags": "a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9,j=10", "NodeCapacityTypes": "spot,on-demand",
		"ImageRegistry": "registry.example.com/mirror", "HttpsProxy": "http://proxy.example.com:3128", "NoProxy": ".example.com",
		"KarpenterNamespace": "karpenter", "NodeAmiVersion": "v20260915", "CallbackUrl": "https://hooks.example.com/workspaces",
	},
	"as little as possible": {
		"DebugNamespaces": "", "EndpointPublicAccessCidrs": "", "ClusterLogTypes": "None", "ChartSource": "oci://registry.example.com:5000/charts",
		"NodeInstanceFamilies": "c7g", "VpcCniWarmTargets": "",
	},
}

// furtherAnswers are further ones of one template.
var furtherAnswers = map[string]map[string]map[string]string{
	existingFile: {
		"private subnets":            {"PrivateSubnetIds": "subnet-1a,subnet-1b"},
		"private and public subnets": {"PrivateSubnetIds": "subnet-1a,subnet-1b", "PublicSubnetIds": "subnet-2a"},
	},
	clusterFile: {
		"both controllers to be installed": {
			"KarpenterOnCluster": "Install", "LoadBalancerControllerOnCluster": "Install", "KarpenterNamespace": "karpenter",
			"KmsKeyArn": keyARN, "NodeTags": "team=data", "HttpsProxy": "http://proxy.example.com:3128", "NodeCapacityTypes": "spot,on-demand",
		},
		"the customer's roles": {
			"KarpenterControllerRoleName": "KarpenterController", "KmsKeyArn": keyARN, "PrivateSubnetIds": "subnet-0a, subnet-0b",
			"ClusterAdminRoleArn": "arn:aws:iam::111122223333:role/ops/ClusterAdmin", "AllowAuthModeChange": "Yes",
		},
	},
}

// answersOf are all sets of answers to a template.
func answersOf(file string) map[string]map[string]string {
	sets := maps.Clone(answerSets)
	maps.Copy(sets, furtherAnswers[file])
	return sets
}

// everyAnswerSet are the sets of all templates.
func everyAnswerSet() map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, file := range files {
		maps.Copy(all, answersOf(file))
	}
	return all
}

// withEveryAnswer runs a test on each template with each set of answers.
func withEveryAnswer(t *testing.T, test func(*testing.T, *stackRun)) {
	t.Helper()
	for _, file := range launched {
		for name, answers := range answersOf(file) {
			t.Run(file+", "+name, func(t *testing.T) { test(t, newRun(t, file, answers)) })
		}
	}
}

// Every reference, condition, index and placeholder is evaluated, for each set
// of answers; a broken one fails in the evaluator.
func TestEveryAnswerEvaluates(t *testing.T) {
	withEveryAnswer(t, func(t *testing.T, r *stackRun) {
		t.Helper()
		for id, resource := range section(r.template, "Resources") {
			if r.active(resource) {
				r.properties(id)
			}
		}
		for id, o := range section(r.template, "Outputs") {
			if r.active(o) && r.output(id) == "" {
				t.Errorf("output %s is empty", id)
			}
		}
	})
}

func TestEachConditionIsMetBothWays(t *testing.T) {
	seen := map[string]map[bool]bool{}
	withEveryAnswer(t, func(t *testing.T, r *stackRun) {
		t.Helper()
		for name := range section(r.template, "Conditions") {
			if seen[name] == nil {
				seen[name] = map[bool]bool{}
			}
			seen[name][r.condition(name)] = true
		}
	})
	for name, both := range seen {
		if len(both) != 2 {
			t.Errorf("condition %s is always %v in the sets of answers: add one", name, both)
		}
	}
}

// walk visits every value of a template, parents first.
func walk(v any, visit func(any)) {
	visit(v)
	switch x := v.(type) {
	case object:
		for _, e := range x {
			walk(e, visit)
		}
	case []any:
		for _, e := range x {
			walk(e, visit)
		}
	}
}
