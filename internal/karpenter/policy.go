// Package karpenter says what Karpenter's controller may do in an AWS account:
// the statements of upstream's own policies, as data.
//
// Source: the CloudFormation template of Karpenter's getting-started guide,
// version 1.14
// (https://karpenter.sh/v1.14/reference/cloudformation/). A test compares each
// statement with upstream's by digest, so a new version of Karpenter shows
// which statements it changed.
package karpenter

import (
	"slices"

	"github.com/e6data/aws-quickstart/internal/policy"
)

// Placeholders that the statements hold, as Fn::Sub writes them. Whoever uses a
// statement must know a value for each.
const (
	ClusterName = "${ClusterName}"
	NodeRoleARN = "${KarpenterNodeRole.Arn}"
	QueueARN    = "${KarpenterInterruptionQueue.Arn}"
)

// Version is the version of Karpenter that the statements come from.
const Version = "1.14.0"

// Policy is one of upstream's policies.
type Policy struct {
	// Name is the logical ID of upstream's template, such as
	// "NodeLifecyclePolicy".
	Name       string
	Statements []policy.Statement
}

// Without returns the policy without the statements of these Sids.
func (p Policy) Without(sids ...string) Policy {
	p.Statements = slices.DeleteFunc(slices.Clone(p.Statements), func(s policy.Statement) bool { return slices.Contains(sids, s.Sid) })
	return p
}

// InstanceProfileWrites are the Sids of the statements that let the controller
// make, tag and delete instance profiles. An EC2NodeClass with
// spec.instanceProfile needs none of them
// (https://karpenter.sh/v1.14/concepts/nodeclasses/#specinstanceprofile).
var InstanceProfileWrites = []string{
	"AllowScopedInstanceProfileCreationActions", "AllowScopedInstanceProfileTagActions", "AllowScopedInstanceProfileActions",
}

// Document is the policy's document, with the placeholders in it.
func (p Policy) Document() map[string]any { return policy.Document(p.Statements) }

const (
	ec2     = "arn:${AWS::Partition}:ec2:${AWS::Region}:*:"
	profile = "arn:${AWS::Partition}:iam::${AWS::AccountId}:instance-profile/*"
	cluster = "arn:${AWS::Partition}:eks:${AWS::Region}:${AWS::AccountId}:cluster/" + ClusterName

	resourceTag = "aws:ResourceTag/"
	requestTag  = "aws:RequestTag/"
	ownedBy     = "kubernetes.io/cluster/" + ClusterName
	eksCluster  = "eks:eks-cluster-name"
	nodePool    = "karpenter.sh/nodepool"
	nodeClass   = "karpenter.k8s.aws/ec2nodeclass"
	region      = "topology.kubernetes.io/region"
)

// Policies are upstream's policies in upstream's order.
func Policies() []Policy {
	return []Policy{
		{"NodeLifecyclePolicy", nodeLifecycle()},
		{"IAMIntegrationPolicy", iamIntegration()},
		{"EKSIntegrationPolicy", []policy.Statement{
			{Sid: "AllowAPIServerEndpointDiscovery", Actions: list("eks:DescribeCluster"), Resources: list(cluster)},
		}},
		{"InterruptionPolicy", []policy.Statement{{
			Sid:       "AllowInterruptionQueueActions",
			Actions:   list("sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"),
			Resources: list(QueueARN),
		}}},
		{"ZonalShiftPolicy", []policy.Statement{{
			Sid: "AllowZonalShiftStatusReadOnly", Actions: list("arc-zonal-shift:GetManagedResource"), Resources: list("*"),
			Condition: policy.Condition{"StringEquals": {"arc-zonal-shift:ResourceIdentifier": list(cluster)}},
		}}},
		{"ResourceDiscoveryPolicy", resourceDiscovery()},
	}
}

func list(values ...string) []string { return values }

// made are the resource types that a launch makes.
func made() []string {
	return list(ec2+"fleet/*", ec2+"instance/*", ec2+"volume/*", ec2+"network-interface/*", ec2+"launch-template/*", ec2+"spot-instances-request/*")
}

// existing limits a statement to what Karpenter made for this cluster.
func existing() policy.Condition {
	return policy.Condition{
		"StringEquals": {resourceTag + ownedBy: list("owned")},
		"StringLike":   {resourceTag + nodePool: list("*")},
	}
}

func nodeLifecycle() []policy.Statement {
	return []policy.Statement{
		{
			Sid:     "AllowScopedEC2InstanceAccessActions",
			Actions: list("ec2:RunInstances", "ec2:CreateFleet"),
			Resources: list(
				"arn:${AWS::Partition}:ec2:${AWS::Region}::image/*", "arn:${AWS::Partition}:ec2:${AWS::Region}::snapshot/*",
				ec2+"security-group/*", ec2+"subnet/*", ec2+"capacity-reservation/*", ec2+"placement-group/*",
			),
		},
		{
			Sid:       "AllowScopedEC2LaunchTemplateAccessActions",
			Actions:   list("ec2:RunInstances", "ec2:CreateFleet"),
			Resources: list(ec2 + "launch-template/*"),
			Condition: existing(),
		},
		{
			Sid:       "AllowScopedEC2InstanceActionsWithTags",
			Actions:   list("ec2:RunInstances", "ec2:CreateFleet", "ec2:CreateLaunchTemplate"),
			Resources: made(),
			Condition: policy.Condition{
				"StringEquals": {requestTag + ownedBy: list("owned"), requestTag + eksCluster: list(ClusterName)},
				"StringLike":   {requestTag + nodePool: list("*")},
			},
		},
		{
			Sid:       "AllowScopedResourceCreationTagging",
			Actions:   list("ec2:CreateTags"),
			Resources: made(),
			Condition: policy.Condition{
				"StringEquals": {
					requestTag + ownedBy:    list("owned"),
					requestTag + eksCluster: list(ClusterName),
					"ec2:CreateAction":      list("RunInstances", "CreateFleet", "CreateLaunchTemplate"),
				},
				"StringLike": {requestTag + nodePool: list("*")},
			},
		},
		{
			Sid:       "AllowScopedResourceTagging",
			Actions:   list("ec2:CreateTags"),
			Resources: list(ec2 + "instance/*"),
			Condition: policy.Condition{
				"StringEquals":              {resourceTag + ownedBy: list("owned")},
				"StringLike":                {resourceTag + nodePool: list("*")},
				"StringEqualsIfExists":      {requestTag + eksCluster: list(ClusterName)},
				"ForAllValues:StringEquals": {"aws:TagKeys": list(eksCluster, "karpenter.sh/nodeclaim", "Name")},
			},
		},
		{
			Sid:       "AllowScopedDeletion",
			Actions:   list("ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"),
			Resources: list(ec2+"instance/*", ec2+"launch-template/*"),
			Condition: existing(),
		},
	}
}

func iamIntegration() []policy.Statement {
	return []policy.Statement{
		{
			Sid: "AllowPassingInstanceRole", Actions: list("iam:PassRole"), Resources: list(NodeRoleARN),
			Condition: policy.Condition{"StringEquals": {"iam:PassedToService": list("ec2.amazonaws.com", "ec2.amazonaws.com.cn")}},
		},
		{
			Sid: "AllowScopedInstanceProfileCreationActions", Actions: list("iam:CreateInstanceProfile"), Resources: list(profile),
			Condition: policy.Condition{
				"StringEquals": {
					requestTag + ownedBy:    list("owned"),
					requestTag + eksCluster: list(ClusterName),
					requestTag + region:     list("${AWS::Region}"),
				},
				"StringLike": {requestTag + nodeClass: list("*")},
			},
		},
		{
			Sid: "AllowScopedInstanceProfileTagActions", Actions: list("iam:TagInstanceProfile"), Resources: list(profile),
			Condition: policy.Condition{
				"StringEquals": {
					resourceTag + ownedBy:   list("owned"),
					resourceTag + region:    list("${AWS::Region}"),
					requestTag + ownedBy:    list("owned"),
					requestTag + eksCluster: list(ClusterName),
					requestTag + region:     list("${AWS::Region}"),
				},
				"StringLike": {resourceTag + nodeClass: list("*"), requestTag + nodeClass: list("*")},
			},
		},
		{
			Sid:       "AllowScopedInstanceProfileActions",
			Actions:   list("iam:AddRoleToInstanceProfile", "iam:RemoveRoleFromInstanceProfile", "iam:DeleteInstanceProfile"),
			Resources: list(profile),
			Condition: policy.Condition{
				"StringEquals": {resourceTag + ownedBy: list("owned"), resourceTag + region: list("${AWS::Region}")},
				"StringLike":   {resourceTag + nodeClass: list("*")},
			},
		},
	}
}

func resourceDiscovery() []policy.Statement {
	return []policy.Statement{
		{
			Sid: "AllowRegionalReadActions",
			Actions: list(
				"ec2:DescribeCapacityReservations", "ec2:DescribeImages", "ec2:DescribeInstances", "ec2:DescribeInstanceStatus",
				"ec2:DescribeInstanceTypeOfferings", "ec2:DescribeInstanceTypes", "ec2:DescribeLaunchTemplates",
				"ec2:DescribePlacementGroups", "ec2:DescribeSecurityGroups", "ec2:DescribeSpotPriceHistory", "ec2:DescribeSubnets",
			),
			Resources: list("*"),
			Condition: policy.Condition{"StringEquals": {"aws:RequestedRegion": list("${AWS::Region}")}},
		},
		{Sid: "AllowSSMReadActions", Actions: list("ssm:GetParameter"), Resources: list("arn:${AWS::Partition}:ssm:${AWS::Region}::parameter/aws/service/*")},
		{Sid: "AllowPricingReadActions", Actions: list("pricing:GetProducts"), Resources: list("*")},
		{Sid: "AllowUnscopedInstanceProfileListAction", Actions: list("iam:ListInstanceProfiles"), Resources: list("*")},
		{Sid: "AllowInstanceProfileReadActions", Actions: list("iam:GetInstanceProfile"), Resources: list(profile)},
	}
}
