package template

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/loadbalancer"
	"github.com/e6data/aws-quickstart/internal/policy"
)

// The controller's role has the package's statements, with this stack's names in
// them, in each partition, and nothing else.
func TestLoadBalancerControllerMayDoWhatItsPolicySays(t *testing.T) {
	for _, partition := range []string{"aws", "aws-cn", "aws-us-gov"} {
		r := newRun(t, quickstartFile, nil)
		r.pseudo["AWS::Partition"] = partition
		names := strings.NewReplacer(
			loadbalancer.ClusterName, "e6data-sales", loadbalancer.NodeSecurityGroup, "sg-0c1a55e5", loadbalancer.VpcID, "network-outputs-vpcid",
			"${AWS::Partition}", partition, "${AWS::Region}", r.pseudo["AWS::Region"], "${AWS::AccountId}", r.pseudo["AWS::AccountId"],
		)
		text, err := json.Marshal(policy.Document(loadbalancer.Statements()))
		if err != nil {
			t.Fatal(err)
		}
		want := names.Replace(string(text))
		if strings.Contains(want, "${") {
			t.Fatalf("a placeholder has no value: %s", want)
		}
		role := r.properties("LoadBalancerControllerRole")
		policies, _ := role["Policies"].([]any)
		if len(policies) != 1 || role["ManagedPolicyArns"] != nil {
			t.Fatalf("the role has the policies %v and %v", policies, role["ManagedPolicyArns"])
		}
		if diff := cmp.Diff(document(t, want), plain(t, at(policies[0], "PolicyDocument"))); diff != "" {
			t.Errorf("policy in %s (-package +template):\n%s", partition, diff)
		}
	}
}

func TestLoadBalancerControllerValues(t *testing.T) {
	r := newRun(t, quickstartFile, map[string]string{"LoadBalancerControllerNamespace": "balancing"})
	release := decode[contract.HelmRelease](t, r, "LoadBalancerController")
	if release.Namespace != "balancing" || release.ChartVersion != loadbalancer.Version || !release.Wait || !release.CreateNamespace {
		t.Errorf("release %+v", release)
	}
	got := releaseValues(t, r, "LoadBalancerController")
	want := map[string]any{
		"clusterName": "e6data-sales", "region": "us-east-1", "vpcId": "network-outputs-vpcid",
		"serviceAccount": map[string]any{
			"name":        "aws-load-balancer-controller",
			"annotations": map[string]any{"eks.amazonaws.com/role-arn": "arn:aws:made:::LoadBalancerControllerRole"},
		},
		"image":       map[string]any{"repository": "public.ecr.aws/eks/aws-load-balancer-controller"},
		"env":         map[string]any{},
		"defaultTags": map[string]any{"app": "e6data"},
		"enableWaf":   false, "enableWafv2": false, "enableShield": false,
		"enableServiceMutatorWebhook": false, "keepTLSSecret": true,
		"nodeSelector":        r.properties("NodeGroup")["Labels"],
		"podDisruptionBudget": map[string]any{"maxUnavailable": float64(1)},
		"resources": map[string]any{
			"requests": map[string]any{"cpu": "100m", "memory": "256Mi"}, "limits": map[string]any{"memory": "1Gi"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}
