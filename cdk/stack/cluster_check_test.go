package stack

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/contract"
)

func TestClusterCheck(t *testing.T) {
	const function = "arn:aws:lambda:us-east-1:111122223333:function:installer"
	_, template := synthesised(t, func(s awscdk.Stack) {
		made := func(id string) awscdk.CfnResource {
			return awscdk.NewCfnResource(s, text(id), &awscdk.CfnResourceProps{Type: text("AWS::CloudFormation::WaitConditionHandle")})
		}
		for _, name := range []string{
			"WorkspaceName", "KubernetesNamespace", "KarpenterOnCluster", "LoadBalancerControllerOnCluster", "KarpenterNamespace", "KarpenterVersion",
			"LoadBalancerControllerNamespace", "LoadBalancerControllerVersion", "KarpenterControllerRoleName",
		} {
			addParameter(s, parameter{Name: name})
		}
		addParameter(s, parameter{Name: "DebugNamespaces", Type: typeList})
		p := Provider{Token: text(function), ServiceTimeout: 1200, Ready: []awscdk.CfnResource{made("InvokeConfig")}}
		check := newClusterCheck(s, p, text("prod"), made("InstallerAccess"))
		output(s, "SeenKubernetesVersion", "", check.KubernetesVersion)
		output(s, "SeenKarpenterNamespace", "", check.KarpenterNamespace)
		output(s, "SeenKarpenterVersion", "", check.KarpenterVersion)
		output(s, "SeenKarpenterControllerRoleName", "", check.ControllerRoleName)
		output(s, "SeenNotes", "", check.Notes)
		dependOn(made("Release"), check.Resource)
	})

	resources := template["Resources"].(map[string]any)
	got := resources["ClusterCheck"]
	parameter := func(name string) any { return map[string]any{"Ref": name} }
	want := map[string]any{
		"Type": contract.TypeClusterCheck, "DependsOn": []any{"InstallerAccess", "InvokeConfig"},
		"Properties": map[string]any{
			"ServiceToken": function, "ServiceTimeout": 1200.0, "ClusterName": "prod",
			"WorkspaceName": parameter("WorkspaceName"), "KubernetesNamespace": parameter("KubernetesNamespace"),
			"DebugNamespaces": map[string]any{"Fn::Join": []any{",", parameter("DebugNamespaces")}},
			"NodePoolName":    map[string]any{"Fn::Sub": "e6data-${WorkspaceName}"},
			"Karpenter":       parameter("KarpenterOnCluster"), "LoadBalancerController": parameter("LoadBalancerControllerOnCluster"),
			"KarpenterNamespace": parameter("KarpenterNamespace"), "KarpenterVersion": parameter("KarpenterVersion"),
			"LoadBalancerControllerNamespace": parameter("LoadBalancerControllerNamespace"), "LoadBalancerControllerVersion": parameter("LoadBalancerControllerVersion"),
			"KarpenterControllerRoleName": parameter("KarpenterControllerRoleName"),
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the check (-want +got):\n%s", diff)
	}
	if after := resources["Release"].(map[string]any)["DependsOn"]; !cmp.Equal(after, []any{"ClusterCheck"}) {
		t.Errorf("a release waits for %v", after)
	}

	// What is read must be answered.
	answers, err := contract.Properties(contract.ClusterCheckData{})
	if err != nil {
		t.Fatal(err)
	}
	outputs := template["Outputs"].(map[string]any)
	if len(outputs) != 5 {
		t.Errorf("%d answers are read, want 5", len(outputs))
	}
	for name, o := range outputs {
		from := o.(map[string]any)["Value"].(map[string]any)["Fn::GetAtt"].([]any)
		attribute := from[1].(string)
		if _, known := answers[attribute]; !known || from[0] != "ClusterCheck" || name != "Seen"+attribute {
			t.Errorf("%s reads %v", name, from)
		}
	}
}
