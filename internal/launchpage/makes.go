package launchpage

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Made is a kind of thing that a stack makes.
type Made struct {
	Count int    `json:"count"`
	What  string `json:"what"`
	// Names are those that the template gives; nil where AWS gives them.
	Names []string `json:"names,omitempty"`
}

// words say each type for somebody who does not know CloudFormation's names, in
// the order of the page: the number one, several, and where the template has a
// name for each.
var words = []struct{ typ, one, more, named string }{
	{"AWS::CloudFormation::Stack", "network (a nested stack): public and private subnets in 2 to 6 zones with their routes and a way out", "networks", ""},
	{"AWS::EKS::Cluster", "EKS cluster", "EKS clusters", ""},
	{"AWS::EKS::Nodegroup", "managed node group, for controllers", "managed node groups", ""},
	{"AWS::EKS::Addon", "EKS add-on", "EKS add-ons", "AddonName"},
	{"Custom::HelmRelease", "Helm release on the cluster", "Helm releases on the cluster", "ReleaseName"},
	{"AWS::S3::Bucket", "S3 bucket, kept when the stack is deleted", "S3 buckets, kept when the stack is deleted", ""},
	{"AWS::IAM::Role", "IAM role", "IAM roles", ""},
	{"AWS::Lambda::Function", "Lambda function that sets up the rest", "Lambda functions that set up the rest", ""},
	{"AWS::IAM::OIDCProvider", "OIDC provider, with which pods get their roles", "OIDC providers", ""},
	{"AWS::EKS::AccessEntry", "access entry of the cluster", "access entries of the cluster", ""},
	{"Custom::AWSAuth", "way into the cluster (access entry or line in aws-auth)", "ways into the cluster (access entries or lines in aws-auth)", ""},
	{"AWS::EC2::SecurityGroup", "security group", "security groups", ""},
	{"AWS::SQS::Queue", "SQS queue, for Karpenter", "SQS queues, for Karpenter", ""},
	{"AWS::Events::Rule", "EventBridge rule, for Karpenter", "EventBridge rules, for Karpenter", ""},
	{"AWS::Logs::LogGroup", "log group", "log groups", ""},
}

// parts belong to something above, or only look at it.
var parts = map[string]bool{
	"AWS::EC2::LaunchTemplate": true, "AWS::EC2::SecurityGroupIngress": true, "AWS::IAM::InstanceProfile": true, "AWS::IAM::ManagedPolicy": true,
	"AWS::IAM::RolePolicy": true, "AWS::Lambda::EventInvokeConfig": true, "AWS::S3::BucketPolicy": true, "AWS::SQS::QueuePolicy": true,
	"Custom::ClusterCheck": true, "Custom::ClusterFacts": true, "Custom::FixedAnswers": true, "Custom::NetworkPlan": true, "Custom::OidcProvider": true,
	"Custom::Preflight": true, "Custom::WorkspaceOutputs": true,
}

// makes counts what the template makes. A type without words is an error, so
// that none is kept from the customer.
func (t template) makes() ([]Made, error) {
	byType := map[string][]string{}
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		r := t.Resources[id]
		byType[r.Type] = append(byType[r.Type], id)
	}
	var out []Made
	for _, w := range words {
		ids := byType[w.typ]
		delete(byType, w.typ)
		if len(ids) == 0 {
			continue
		}
		m := Made{Count: len(ids), What: w.more}
		if len(ids) == 1 {
			m.What = w.one
		}
		for _, id := range ids {
			if name := nameIn(t.Resources[id].Properties[w.named]); name != "" && w.named != "" {
				m.Names = append(m.Names, name)
			}
		}
		slices.Sort(m.Names)
		out = append(out, m)
	}
	for typ := range byType {
		if !parts[typ] {
			return nil, fmt.Errorf("the launch page has no words for resources of type %s: add them in internal/launchpage/makes.go", typ)
		}
	}
	return out, nil
}

// nameIn is a name as the template gives it: a text, or one with parameters,
// which are shown in angle brackets.
func nameIn(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		if s, ok := v["Fn::Sub"].(string); ok {
			return strings.NewReplacer("${WorkspaceName}", "<workspace name>", "${KubernetesNamespace}", "<namespace>").Replace(s)
		}
		if s, ok := v["Ref"].(string); ok && s == "WorkspaceName" {
			return "<workspace name>"
		}
	}
	return ""
}
