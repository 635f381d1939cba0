package stack

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/tests/golden"
)

// clusterFactsTemplate is a stack of nothing but the facts of an existing
// cluster, its OIDC provider, a role that a service account assumes, and all
// answers as outputs. The rehearsal's tests deploy it.
const clusterFactsTemplate = "testdata/cluster-facts.json"

func declareClusterFacts(s awscdk.Stack) {
	// Names alone: what the templates say of them is not this test's.
	asked := []parameter{{Name: "ExistingClusterName"}, {Name: "WorkspaceName"}, {Name: "LogRetentionDays", Type: typeNumber, Default: "30"}, {Name: "RolePath", Default: "/"}}
	for _, name := range []string{"PrivateSubnetIds", "HttpsProxy", "PermissionsBoundaryArn", "Version", "ArtifactBucket", "FunctionArchitecture"} {
		asked = append(asked, parameter{Name: name, Default: ""})
	}
	for _, p := range asked {
		addParameter(s, p)
	}
	condition(s, hasArtifactBucket, not(equals(ref("ArtifactBucket"), "")))
	condition(s, hasBoundary, not(equals(ref("PermissionsBoundaryArn"), "")))
	p := newProvider(s, Config{}, "OutputsFunction", ProviderProps{
		Binary: "outputs", Description: "facts of an existing cluster", TimeoutSeconds: 120, ServiceTimeoutSeconds: 300,
		Policies: clusterFactsPolicies(),
	})
	cluster, network := newClusterFacts(s, p)
	newRole(s, "ServiceAccountRole", roleProps{Description: "a service account's", Trust: webIdentityTrust(cluster, "default", "engine")})
	output(s, "FunctionArn", "The function.", p.Token)
	output(s, "ClusterName", "From the facts.", cluster.Name)
	output(s, "OidcProviderArn", "From the provider.", cluster.OidcProviderArn)
	output(s, "FunctionSubnets", "From the facts.", joinList(",", network.PrivateSubnetIDs))
	output(s, "NodeSubnets", "From the facts.", network.NodeSubnets)
	output(s, "Zones", "From the facts.", joinList(",", network.Zones))
	output(s, "ClusterArn", "From the facts.", cluster.Arn)
	output(s, "EndpointHost", "From the facts.", cluster.EndpointHost)
	output(s, "SecurityGroupId", "From the facts.", cluster.SecurityGroupID)
	output(s, "IssuerWithoutScheme", "From the facts.", cluster.IssuerWithoutScheme)
	output(s, "VpcId", "From the facts.", network.VpcID)
}

// synthesised is the template, as text and parsed.
func synthesised(t *testing.T, declare func(awscdk.Stack)) ([]byte, map[string]any) {
	t.Helper()
	app := awscdk.NewApp(&awscdk.AppProps{
		AnalyticsReporting: jsii.Bool(false), TreeMetadata: jsii.Bool(false), Outdir: jsii.String(t.TempDir()),
		Context: &map[string]any{"@aws-cdk/core:validateAgainstDefaultRules": true},
	})
	Acknowledge(app)
	declare(newStack(app, "Test", Config{}, "A test."))
	text, err := os.ReadFile(filepath.Join(*app.Synth(nil).Directory(), "Test.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	var template map[string]any
	if err := json.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	return text, template
}

// within walks a parsed template by keys.
func within(t *testing.T, tree any, path ...string) any {
	t.Helper()
	for _, key := range path {
		object, ok := tree.(map[string]any)
		if !ok || object[key] == nil {
			t.Fatalf("%s: no %s in %v", strings.Join(path, "."), key, tree)
		}
		tree = object[key]
	}
	return tree
}

func TestClusterFactsStack(t *testing.T) {
	text, template := synthesised(t, declareClusterFacts)
	golden.Check(t, clusterFactsTemplate, string(text))

	getAtt := func(name string) any { return map[string]any{"Fn::GetAtt": []any{"ClusterFacts", name}} }
	for place, want := range map[string]any{
		"ClusterFacts.Type":                      contract.TypeClusterFacts,
		"ClusterFacts.Properties.ClusterName":    map[string]any{"Ref": "ExistingClusterName"},
		"ClusterFacts.Properties.HttpsProxy":     map[string]any{"Ref": "HttpsProxy"},
		"ClusterFacts.Properties.ServiceTimeout": 300.0,
		"ClusterFacts.DependsOn":                 []any{"OutputsFunctionInvokeConfig"},
		"OidcProvider.Type":                      contract.TypeOidcProvider,
		"OidcProvider.Properties.Issuer":         getAtt("Issuer"),
		"OidcProvider.Properties.WorkspaceName":  map[string]any{"Ref": "WorkspaceName"},
		"OidcProvider.DependsOn":                 []any{"OutputsFunctionInvokeConfig"},
	} {
		if diff := cmp.Diff(want, within(t, template["Resources"], strings.Split(place, ".")...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", place, diff)
		}
	}
	subnets := within(t, template, "Resources", "ClusterFacts", "Properties", "PrivateSubnetIds")
	if diff := cmp.Diff(map[string]any{"Fn::Split": []any{",", map[string]any{"Ref": "PrivateSubnetIds"}}}, subnets); diff != "" {
		t.Errorf("subnets (-want +got):\n%s", diff)
	}
	if trust, _ := json.Marshal(within(t, template, "Resources", "ServiceAccountRole", "Properties", "AssumeRolePolicyDocument")); !strings.Contains(string(trust), "${OidcProvider}") {
		t.Errorf("the trust policy does not name the provider: %s", trust)
	}
}

// The function may change nothing but OIDC providers of EKS's, and those only
// with a stack's mark: each statement that changes something says so.
func TestClusterFactsRights(t *testing.T) {
	_, template := synthesised(t, declareClusterFacts)
	const providers = "arn:${AWS::Partition}:iam::${AWS::AccountId}:oidc-provider/oidc.eks.${AWS::Region}.${AWS::URLSuffix}/id/*"
	reads := []string{"Describe", "Get", "List"}
	ownLogs := []string{"logs:CreateLogStream", "logs:PutLogEvents"}
	var changes []string
	for _, policy := range within(t, template, "Resources", "OutputsFunctionRole", "Properties", "Policies").([]any) {
		for _, s := range within(t, policy, "PolicyDocument", "Statement").([]any) {
			statement := s.(map[string]any)
			resource, _ := json.Marshal(statement["Resource"])
			actions, list := statement["Action"].([]any)
			if !list {
				actions = []any{statement["Action"]}
			}
			for _, a := range actions {
				action := a.(string)
				_, verb, _ := strings.Cut(action, ":")
				if strings.Contains(verb, "*") {
					t.Errorf("%s", action)
				}
				if slices.Contains(ownLogs, action) || slices.ContainsFunc(reads, func(r string) bool { return strings.HasPrefix(verb, r) }) {
					continue
				}
				changes = append(changes, action)
				condition, _ := json.Marshal(statement["Condition"])
				if !strings.Contains(string(resource), providers) || !strings.Contains(string(condition), "/"+contract.MadeByTag) {
					t.Errorf("%s is allowed on %s if %s", action, resource, condition)
				}
			}
		}
	}
	slices.Sort(changes)
	want := []string{
		"iam:CreateOpenIDConnectProvider", "iam:DeleteOpenIDConnectProvider", "iam:TagOpenIDConnectProvider", "iam:TagOpenIDConnectProvider", "iam:UntagOpenIDConnectProvider",
	}
	if diff := cmp.Diff(want, changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}
