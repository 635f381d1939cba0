// Package loadbalancer says what the AWS Load Balancer Controller may do in an
// AWS account: upstream's policy, narrowed to the things of one cluster.
//
// Source: docs/install/iam_policy.json of the version's tag in
// https://github.com/kubernetes-sigs/aws-load-balancer-controller, and its
// siblings for other partitions.
package loadbalancer

import (
	"slices"

	"github.com/e6data/aws-quickstart/internal/policy"
)

// Version is the version of the controller, and of its chart, that the
// statements come from.
const Version = "3.5.0"

// Placeholders that the statements hold, as Fn::Sub writes them. Whoever uses a
// statement must know a value for each.
const (
	ClusterName = "${ClusterName}"
	// NodeSecurityGroup is the ID of the security group of all nodes: the
	// cluster's own.
	NodeSecurityGroup = "${NodeSecurityGroup}"
	VpcID             = "${VpcId}"
)

// LeftOut are upstream's actions that the role has no need of, as the release
// configures the controller, and why.
var LeftOut = map[string]string{
	"waf-regional:GetWebACL":             wafOff,
	"waf-regional:GetWebACLForResource":  wafOff,
	"waf-regional:AssociateWebACL":       wafOff,
	"waf-regional:DisassociateWebACL":    wafOff,
	"wafv2:GetWebACL":                    wafOff,
	"wafv2:GetWebACLForResource":         wafOff,
	"wafv2:AssociateWebACL":              wafOff,
	"wafv2:DisassociateWebACL":           wafOff,
	"elasticloadbalancing:SetWebAcl":     wafOff,
	"shield:GetSubscriptionState":        shieldOff,
	"shield:DescribeProtection":          shieldOff,
	"shield:CreateProtection":            shieldOff,
	"shield:DeleteProtection":            shieldOff,
	"cognito-idp:DescribeUserPoolClient": "load balancers of the workspace authenticate nobody with Cognito",
	"iam:ListServerCertificates":         serverCertificates,
	"iam:GetServerCertificate":           serverCertificates,
	"ec2:GetCoipPoolUsage":               outposts,
	"ec2:DescribeCoipPools":              outposts,
}

const (
	wafOff             = "values enableWaf and enableWafv2 are false"
	shieldOff          = "value enableShield is false"
	serverCertificates = "version 3.5.0 calls IAM nowhere: it finds certificates in ACM (pkg/aws/services)"
	outposts           = "customer-owned addresses are those of Outposts, on which no cluster of ours is"
)

const (
	account = "${AWS::Region}:${AWS::AccountId}:"
	ec2     = "arn:${AWS::Partition}:ec2:" + account
	elb     = "arn:${AWS::Partition}:elasticloadbalancing:" + account
)

// Conditions by which a statement concerns one cluster only. Upstream asks that
// the tag is there; here it has the cluster's name.
func making() map[string][]string {
	return map[string][]string{requestTag + clusterTag: list(ClusterName)}
}

func having() map[string][]string {
	return map[string][]string{resourceTag + clusterTag: list(ClusterName)}
}

// made is a condition of StringEquals on creation: the action too.
func made(key string, by ...string) policy.Condition {
	equals := making()
	equals[key] = by
	return policy.Condition{"StringEquals": equals}
}

// retagging lets tags of the cluster's things be changed, but for the one that
// says whose they are.
func retagging() policy.Condition {
	return policy.Condition{"StringEquals": having(), "Null": {requestTag + clusterTag: list("true")}}
}

// Statements are what the role may do. All that upstream's policy allows on any
// resource is bound to a tag or a name: nodes have one security group; the
// controller tags all that it makes as it makes it, listeners and rules too
// (feature gate ListenerRulesTagging, on by default).
func Statements() []policy.Statement {
	own := policy.Condition{"StringEquals": having()}
	return []policy.Statement{
		{Sid: "Read", Actions: reads(), Resources: list("*")},
		{Sid: "FindCertificates", Actions: list("acm:ListCertificates"), Resources: list("*")},
		{Sid: "ReadCertificates", Actions: list("acm:DescribeCertificate"), Resources: list("arn:${AWS::Partition}:acm:" + account + "certificate/*")},
		{
			Sid: "MakeServiceLinkedRole", Actions: list("iam:CreateServiceLinkedRole"),
			Resources: list("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/aws-service-role/" + serviceName + "/AWSServiceRoleForElasticLoadBalancing"),
			Condition: policy.Condition{"StringEquals": {"iam:AWSServiceName": list(serviceName)}},
		},
		{
			Sid: "LetLoadBalancersInToNodes", Actions: list("ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"),
			Resources: list(ec2 + "security-group/" + NodeSecurityGroup),
		},
		{Sid: "UseVpc", Actions: list("ec2:CreateSecurityGroup", "ec2:GetSecurityGroupsForVpc"), Resources: list(ec2 + "vpc/" + VpcID)},
		{
			Sid: "MakeTaggedSecurityGroups", Actions: list("ec2:CreateSecurityGroup"), Resources: list(ec2 + "security-group/*"),
			Condition: policy.Condition{"StringEquals": making()},
		},
		{
			Sid: "TagNewSecurityGroups", Actions: list("ec2:CreateTags"), Resources: list(ec2 + "security-group/*"),
			Condition: made("ec2:CreateAction", "CreateSecurityGroup"),
		},
		{
			Sid: "RetagSecurityGroups", Actions: list("ec2:CreateTags", "ec2:DeleteTags"), Resources: list(ec2 + "security-group/*"),
			Condition: retagging(),
		},
		{
			Sid:       "ChangeSecurityGroups",
			Actions:   list("ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress", "ec2:DeleteSecurityGroup"),
			Resources: list(ec2 + "security-group/*"), Condition: own,
		},
		{
			Sid:       "MakeLoadBalancers",
			Actions:   list("elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup"),
			Resources: here(balancers()), Condition: policy.Condition{"StringEquals": making()},
		},
		{
			Sid:       "TagNewLoadBalancers",
			Actions:   list("elasticloadbalancing:AddTags"),
			Resources: here(balancers(), listeners()),
			Condition: made("elasticloadbalancing:CreateAction", "CreateTargetGroup", "CreateLoadBalancer", "CreateListener", "CreateRule"),
		},
		{
			Sid:       "RetagLoadBalancers",
			Actions:   list("elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags"),
			Resources: here(balancers(), listeners()), Condition: retagging(),
		},
		{
			Sid: "ChangeListeners",
			Actions: list(
				"elasticloadbalancing:CreateListener", "elasticloadbalancing:CreateRule",
				"elasticloadbalancing:ModifyListener", "elasticloadbalancing:ModifyListenerAttributes", "elasticloadbalancing:ModifyRule",
				"elasticloadbalancing:SetRulePriorities",
				"elasticloadbalancing:AddListenerCertificates", "elasticloadbalancing:RemoveListenerCertificates",
				"elasticloadbalancing:DeleteListener", "elasticloadbalancing:DeleteRule",
			),
			Resources: here(balancers(), listeners()), Condition: own,
		},
		{
			Sid: "ChangeLoadBalancers",
			Actions: list(
				"elasticloadbalancing:ModifyLoadBalancerAttributes", "elasticloadbalancing:SetIpAddressType",
				"elasticloadbalancing:SetSecurityGroups", "elasticloadbalancing:SetSubnets",
				"elasticloadbalancing:ModifyCapacityReservation", "elasticloadbalancing:ModifyIpPools",
				"elasticloadbalancing:DeleteLoadBalancer",
				"elasticloadbalancing:ModifyTargetGroup", "elasticloadbalancing:ModifyTargetGroupAttributes", "elasticloadbalancing:DeleteTargetGroup",
				"elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets",
			),
			Resources: here(balancers()), Condition: own,
		},
	}
}

// serviceName is the service's name in the names of roles, in each partition.
const serviceName = "elasticloadbalancing.amazonaws.com"

// reads are upstream's for which there is no resource to name, less those left
// out.
func reads() []string {
	return slices.DeleteFunc(slices.Clone(Upstream()[1].Actions), func(a string) bool {
		_, out := LeftOut[a]
		return out || a == "ec2:GetSecurityGroupsForVpc"
	})
}

// here are upstream's ARNs in this region and account only.
func here(groups ...[]string) []string {
	var all []string
	for _, group := range groups {
		for _, arn := range group {
			all = append(all, elb+arn[len(elbARN):])
		}
	}
	return all
}
