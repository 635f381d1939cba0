package template

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestAddons(t *testing.T) {
	r := newRun(t, quickstartFile, nil)
	got := map[string]string{}
	for _, id := range r.activeOfType("AWS::EKS::Addon") {
		p := r.properties(id)
		if p["ResolveConflicts"] != "OVERWRITE" || p["PreserveOnDelete"] != nil {
			t.Errorf("%s: %v", id, p)
		}
		role, _ := p["ServiceAccountRoleArn"].(string)
		got[fmt.Sprint(p["AddonName"])] = strings.TrimPrefix(role, "arn:aws:made:::")
	}
	want := map[string]string{"vpc-cni": "VpcCniRole", "kube-proxy": "", "coredns": "", "aws-ebs-csi-driver": "EbsCsiRole"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("add-ons and their roles (-want +got):\n%s", diff)
	}
	if v, given := r.properties("Cluster")["BootstrapSelfManagedAddons"]; !given || v != false {
		t.Errorf("BootstrapSelfManagedAddons is %v: EKS would make the same objects", v)
	}
}

// What an add-on may do, no node may, and so no pod that reaches a node's
// credentials.
func TestAddonsDoNotUseTheNodesRights(t *testing.T) {
	r := newRun(t, quickstartFile, nil)
	policies := func(id string) []string { return asList(r.properties(id)["ManagedPolicyArns"]) }
	for _, role := range []string{"VpcCniRole", "EbsCsiRole"} {
		if len(policies(role)) != 1 {
			t.Fatalf("%s has the policies %v", role, policies(role))
		}
		for _, node := range []string{"NodeRole", "KarpenterNodeRole"} {
			if slices.Contains(policies(node), policies(role)[0]) {
				t.Errorf("%s has %s", node, policies(role)[0])
			}
		}
	}
}

// serviceAccountRoles are the roles of service accounts, each with the one that
// may assume it.
var serviceAccountRoles = map[string]string{
	"EngineRole":                 "analytics:sales",
	"EbsCsiRole":                 "kube-system:ebs-csi-controller-sa",
	"KarpenterControllerRole":    "kube-system:karpenter",
	"VpcCniRole":                 "kube-system:aws-node",
	"LoadBalancerControllerRole": "balancing:aws-load-balancer-controller",
}

func TestRolesTrustOneServiceAccountEach(t *testing.T) {
	r := newRun(t, quickstartFile, map[string]string{
		"KubernetesNamespace": "analytics", "LoadBalancerControllerNamespace": "balancing",
	})
	const issuer = "oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF"
	found := 0
	for _, id := range r.activeOfType("AWS::IAM::Role") {
		text, ok := r.properties(id)["AssumeRolePolicyDocument"].(string)
		if !ok {
			continue // an object: no key of it is computed, so it is no OIDC issuer's
		}
		found++
		var got any
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatalf("%s: %v\n%s", id, err, text)
		}
		want := object{"Version": "2012-10-17", "Statement": []any{object{
			"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
			"Principal": object{"Federated": "oidcprovider"},
			"Condition": object{"StringEquals": object{
				issuer + ":aud": "sts.amazonaws.com",
				issuer + ":sub": "system:serviceaccount:" + serviceAccountRoles[id],
			}},
		}}}
		if diff := cmp.Diff(any(want), got); diff != "" {
			t.Errorf("trust policy of %s (-want +got):\n%s", id, diff)
		}
	}
	if found != len(serviceAccountRoles) {
		t.Errorf("%d roles of service accounts, want %d", found, len(serviceAccountRoles))
	}
}

// Any warm targets become the add-on's variables, as text.
func TestWarmTargetsBecomeVariables(t *testing.T) {
	names := []string{"WARM_IP_TARGET", "MINIMUM_IP_TARGET", "WARM_ENI_TARGET", "WARM_PREFIX_TARGET"}
	rapid.Check(t, func(rt *rapid.T) {
		chosen := rapid.Permutation(names).Draw(rt, "names")[:rapid.IntRange(0, len(names)).Draw(rt, "many")]
		env, pairs := object{}, []string{}
		for _, name := range chosen {
			value := fmt.Sprint(rapid.IntRange(0, 999).Draw(rt, name))
			env[name] = value
			pairs = append(pairs, name+"="+value)
		}
		want := object{}
		if len(env) > 0 {
			want["env"] = env
		}
		text, _ := newRun(t, quickstartFile, map[string]string{"VpcCniWarmTargets": strings.Join(pairs, ",")}).
			properties("VpcCniAddon")["ConfigurationValues"].(string)
		var got object
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			rt.Fatalf("%v: %q", err, text)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("configuration values (-want +got):\n%s", diff)
		}
	})
}
