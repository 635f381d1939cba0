package template

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"
	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/karpenter"
)

// document is a policy's document, which may be text.
func document(tb testing.TB, v any) any {
	tb.Helper()
	text, ok := v.(string)
	if !ok {
		return v
	}
	var d any
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		tb.Fatalf("a policy document is no JSON: %v\n%s", err, text)
	}
	return d
}

// The controller's role has upstream's policies, with this stack's names in
// them, less what a given instance profile makes needless, and no other.
func TestKarpenterMayDoWhatUpstreamSays(t *testing.T) {
	r := newRun(t, quickstartFile, nil)
	names := strings.NewReplacer(
		karpenter.ClusterName, "e6data-sales",
		karpenter.NodeRoleARN, "arn:aws:made:::KarpenterNodeRole",
		karpenter.QueueARN, "arn:aws:made:::KarpenterInterruptionQueue",
		"${AWS::Partition}", r.pseudo["AWS::Partition"], "${AWS::Region}", r.pseudo["AWS::Region"], "${AWS::AccountId}", r.pseudo["AWS::AccountId"],
	)
	var attached []any
	for _, p := range karpenter.Policies() {
		id := "Karpenter" + p.Name
		text, err := json.Marshal(p.Without(karpenter.InstanceProfileWrites...).Document())
		if err != nil {
			t.Fatal(err)
		}
		want := document(t, names.Replace(string(text)))
		if diff := cmp.Diff(want, document(t, plain(t, r.properties(id)["PolicyDocument"]))); diff != "" {
			t.Errorf("%s (-upstream +template):\n%s", id, diff)
		}
		attached = append(attached, r.ref(id))
	}
	role := r.properties("KarpenterControllerRole")
	if diff := cmp.Diff(attached, role["ManagedPolicyArns"]); diff != "" {
		t.Errorf("attached policies (-want +got):\n%s", diff)
	}
	if inline, _ := role["Policies"].([]any); len(inline) > 0 {
		t.Errorf("the role has inline policies: %v", inline)
	}
}

// plain is v as JSON would read it back.
func plain(tb testing.TB, v any) any {
	tb.Helper()
	if _, ok := v.(string); ok {
		return v
	}
	text, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	var back any
	if err := json.Unmarshal(text, &back); err != nil {
		tb.Fatal(err)
	}
	return back
}

// Every rule writes to the queue, and only rules of the template may.
func TestInterruptionQueueIsForTheRulesAlone(t *testing.T) {
	r := newRun(t, quickstartFile, nil)
	var details, rules []string
	for _, id := range r.activeOfType("AWS::Events::Rule") {
		p := r.properties(id)
		details = append(details, asList(at(p["EventPattern"], "detail-type"))...)
		targets, _ := p["Targets"].([]any)
		if len(targets) != 1 || at(targets[0], "Arn") != "arn:aws:made:::KarpenterInterruptionQueue" {
			t.Errorf("%s has the targets %v", id, targets)
		}
		rules = append(rules, "arn:aws:made:::"+id)
	}
	want := []string{
		"AWS Health Event", "EC2 Capacity Reservation Instance Interruption Warning", "EC2 Instance Rebalance Recommendation",
		"EC2 Instance State-change Notification", "EC2 Spot Instance Interruption Warning",
	}
	if diff := cmp.Diff(want, sorted(details)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	statements := statementsOf("queue", plain(t, r.properties("KarpenterInterruptionQueuePolicy")["PolicyDocument"]))
	i := slices.IndexFunc(statements, func(s statement) bool { return s.Effect == "Allow" })
	if i < 0 || len(statements) != 2 {
		t.Fatalf("statements: %v", statements)
	}
	sources := asList(at(at(statements[i].Raw["Condition"], "ArnEquals"), "aws:SourceArn"))
	if diff := cmp.Diff(sorted(rules), sorted(sources)); diff != "" {
		t.Errorf("who may write (-rules +policy):\n%s", diff)
	}
	deny := statements[1-i]
	if deny.Effect != "Deny" || at(at(deny.Raw["Condition"], "Bool"), "aws:SecureTransport") != "false" || at(deny.Raw, "Principal") != "*" {
		t.Errorf("plain HTTP is not denied to all: %v", deny.Raw)
	}
}

// The version of Karpenter that is installed supports each version of
// Kubernetes that is offered.
func TestKarpenterSupportsTheOfferedKubernetes(t *testing.T) {
	// A cluster that is there has a version, which is looked at there.
	theirs := load(t, clusterFile)
	if at(theirs, "Parameters", "KubernetesVersion") != nil || at(theirs, "Resources", "ClusterCheck", "Properties", "KarpenterVersion", "Ref") != "KarpenterVersion" {
		t.Errorf("%s does not have the cluster's version checked against Karpenter's", clusterFile)
	}
	for _, file := range []string{quickstartFile, existingFile} {
		offered := asList(at(load(t, file), "Parameters", "KubernetesVersion", "AllowedValues"))
		if len(offered) == 0 {
			t.Errorf("%s offers no version of Kubernetes", file)
		}
		for _, version := range offered {
			needs := karpenter.Oldest(version)
			if needs == nil || needs.GreaterThan(semver.MustParse(karpenter.Version)) {
				t.Errorf("%s offers Kubernetes %s, which needs Karpenter %v; %s is installed", file, version, needs, karpenter.Version)
			}
		}
	}
}
