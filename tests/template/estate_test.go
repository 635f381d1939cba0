package template

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// launchTags are the tags that the node group's launch template gives to each
// type of resource.
func launchTags(r *stackRun) map[string]map[string]string {
	r.t.Helper()
	out := map[string]map[string]string{}
	list, _ := at(r.properties("NodeLaunchTemplate"), "LaunchTemplateData", "TagSpecifications").([]any)
	for _, s := range list {
		kind := fmt.Sprint(at(s, "ResourceType"))
		out[kind] = map[string]string{}
		for _, tag := range at(s, "Tags").([]any) {
			key := fmt.Sprint(at(tag, "Key"))
			if _, twice := out[kind][key]; twice {
				r.t.Errorf("%s has two tags %s: EC2 refuses them", kind, key)
			}
			out[kind][key] = fmt.Sprint(at(tag, "Value"))
		}
	}
	return out
}

// Whatever tags the parameter takes reach the node group's machines and
// Karpenter's, load balancers and volumes, besides e6data's own, which nobody
// changes.
func TestNodeTagsReachAllThatTheClusterMakes(t *testing.T) {
	key, value := rapid.StringMatching(`[A-Za-z][A-Za-z0-9._@-]{0,9}( [a-z0-9]{1,4})?`), rapid.StringMatching(`[A-Za-z0-9 +._@:/-]{0,12}`)
	rapid.Check(t, func(rt *rapid.T) {
		given := rapid.MapOfN(key, value, 0, 9).Draw(rt, "tags")
		if rapid.Bool().Draw(rt, "with a tag of e6data's") {
			given["app"] = rapid.SampledFrom([]string{"e6data", "shop"}).Draw(rt, "app")
		}
		var pairs []string
		for _, k := range slices.Sorted(maps.Keys(given)) {
			pairs = append(pairs, k+"="+given[k])
		}
		answer := strings.Join(pairs, ",")
		if !accepts(t, "NodeTags", answer) {
			rt.Fatalf("refuses %q", answer)
		}
		r := newRun(t, quickstartFile, map[string]string{"NodeTags": answer})
		want := maps.Clone(given)
		maps.Copy(want, map[string]string{"app": "e6data", "Name": "e6data-sales-default"})
		tags := launchTags(r)
		for _, kind := range []string{"instance", "volume", "network-interface"} {
			if diff := cmp.Diff(want, tags[kind]); diff != "" {
				rt.Fatalf("tags of each %s with %q (-want +got):\n%s", kind, answer, diff)
			}
		}
		karpenter := map[string]any{}
		for k, v := range given {
			karpenter[k] = v
		}
		if diff := cmp.Diff(karpenter, releaseValues(t, r, "NodePool")["nodeTags"]); diff != "" {
			rt.Fatalf("tags of Karpenter's nodes with %q (-want +got):\n%s", answer, diff)
		}
		balancers := maps.Clone(karpenter)
		balancers["app"] = "e6data"
		if diff := cmp.Diff(any(balancers), releaseValues(t, r, "LoadBalancerController")["defaultTags"]); diff != "" {
			rt.Fatalf("tags of load balancers with %q (-want +got):\n%s", answer, diff)
		}
		text, _ := r.properties("EbsCsiAddon")["ConfigurationValues"].(string)
		var driver struct {
			Controller struct{ ExtraVolumeTags map[string]string }
		}
		if err := json.Unmarshal([]byte(text), &driver); err != nil {
			rt.Fatalf("%q: %v", text, err)
		}
		if volumes := driver.Controller.ExtraVolumeTags; !maps.Equal(given, volumes) {
			rt.Fatalf("tags of volumes with %q: %v", answer, volumes)
		}
	})
}

// Only who asks for Spot lets Karpenter make EC2's role for it, and no other.
func TestSpotRoleIsForSpotOnly(t *testing.T) {
	for answer, want := range map[string][]any{"on-demand": {"on-demand"}, "spot": {"spot"}, "spot,on-demand": {"spot", "on-demand"}} {
		r := newRun(t, quickstartFile, map[string]string{"NodeCapacityTypes": answer})
		if diff := cmp.Diff(any(want), releaseValues(t, r, "NodePool")["capacityTypes"]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", answer, diff)
		}
		var made []string
		for _, s := range statements(r) {
			if slices.Contains(s.Actions, "iam:CreateServiceLinkedRole") && strings.HasPrefix(s.where, "KarpenterControllerRole/") {
				made = append(made, s.Resources...)
				if at(s.Raw, "Condition", "StringEquals", "iam:AWSServiceName") != "spot.amazonaws.com" {
					t.Errorf("%s is for any service", s)
				}
			}
		}
		const role = "arn:aws:iam::111122223333:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"
		if asked := answer != "on-demand"; asked != slices.Equal(made, []string{role}) || !asked && len(made) > 0 {
			t.Errorf("%s: Karpenter may make %v", answer, made)
		}
	}
}

func TestKarpenterLivesInItsNamespace(t *testing.T) {
	r := newRun(t, quickstartFile, map[string]string{"KarpenterNamespace": "nodes"})
	for _, id := range []string{"KarpenterCrds", "Karpenter", "NodePool"} {
		if p := r.properties(id); p["Namespace"] != "nodes" {
			t.Errorf("%s is in namespace %v", id, p["Namespace"])
		}
	}
	if r.properties("KarpenterCrds")["CreateNamespace"] != true {
		t.Error("the first release does not make the namespace")
	}
	trust, _ := r.properties("KarpenterControllerRole")["AssumeRolePolicyDocument"].(string)
	if !strings.Contains(trust, `:sub":"system:serviceaccount:nodes:karpenter"`) {
		t.Errorf("the controller's role trusts %s", trust)
	}
}

// Every part that leaves the VPC knows the proxy; the function outside it, which
// could not reach it, does not.
func TestProxyReachesWhoNeedsIt(t *testing.T) {
	const proxy = "http://proxy.example.com:3128"
	r := newRun(t, quickstartFile, map[string]string{"HttpsProxy": proxy, "NoProxy": ".example.com"})
	none := newRun(t, quickstartFile, nil)
	want := object{"HTTPS_PROXY": proxy, "NO_PROXY": direct + ",.example.com"}
	if diff := cmp.Diff(any(want), at(r.properties("HelmInstaller"), "Environment", "Variables")); diff != "" {
		t.Errorf("the installer's environment (-want +got):\n%s", diff)
	}
	for _, f := range []any{r.properties("OutputsFunction")["Environment"], none.properties("HelmInstaller")["Environment"]} {
		if f != nil {
			t.Errorf("a function without a use for it has %v", f)
		}
	}
	controller, _ := at(releaseValues(t, r, "Karpenter"), "controller", "env").([]any)
	got := object{}
	for _, v := range controller {
		got[fmt.Sprint(at(v, "name"))] = at(v, "value")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Karpenter's environment (-want +got):\n%s", diff)
	}
	if list, _ := at(releaseValues(t, none, "Karpenter"), "controller", "env").([]any); len(list) != 0 {
		t.Errorf("Karpenter's environment without a proxy: %v", list)
	}
	if diff := cmp.Diff(any(want), releaseValues(t, r, "LoadBalancerController")["env"]); diff != "" {
		t.Errorf("the load balancer controller's environment (-want +got):\n%s", diff)
	}
	values := at(releaseValues(t, r, "NodePool"), "proxy")
	if diff := cmp.Diff(any(object{"https": proxy, "direct": direct + ",.example.com"}), values); diff != "" {
		t.Errorf("the nodes of Karpenter (-want +got):\n%s", diff)
	}
	userData, err := base64.StdEncoding.DecodeString(fmt.Sprint(at(r.properties("NodeLaunchTemplate"), "LaunchTemplateData", "UserData")))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"text/cloud-boothook", "HTTPS_PROXY=" + proxy, "NO_PROXY=" + direct + ",.example.com"} {
		if !strings.Contains(string(userData), line) {
			t.Errorf("user data of the node group lacks %q:\n%s", line, userData)
		}
	}
	if strings.Contains(string(userData), "@") || at(none.properties("NodeLaunchTemplate"), "LaunchTemplateData", "UserData") != nil {
		t.Errorf("user data of the node group:\n%s", userData)
	}
}

// The installer's security group lets it out to the proxy's port, once.
func TestTheWayToTheProxyIsOpen(t *testing.T) {
	for proxy, want := range map[string][]string{
		"": {"443"}, "http://proxy.example.com:3128": {"443", "3128"}, "https://10.0.0.9:443": {"443"},
	} {
		r := newRun(t, quickstartFile, map[string]string{"HttpsProxy": proxy})
		var got []string
		for _, rule := range r.properties("HelmInstallerSecurityGroup")["SecurityGroupEgress"].([]any) {
			if fmt.Sprint(at(rule, "FromPort")) != fmt.Sprint(at(rule, "ToPort")) {
				t.Errorf("%s: %v", proxy, rule)
			}
			got = append(got, fmt.Sprint(at(rule, "ToPort")))
		}
		if !slices.Equal(want, got) {
			t.Errorf("%q: the ports out are %v, want %v", proxy, got, want)
		}
	}
}
