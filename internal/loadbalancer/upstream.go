package loadbalancer

import "github.com/e6data/aws-quickstart/internal/policy"

// clusterTag is on all that the controller makes; its value is the cluster's
// name.
const clusterTag = "elbv2.k8s.aws/cluster"

const (
	resourceTag = "aws:ResourceTag/"
	requestTag  = "aws:RequestTag/"

	elbARN = "arn:${AWS::Partition}:elasticloadbalancing:*:*:"
	ec2ARN = "arn:${AWS::Partition}:ec2:*:*:"
)

// Upstream is the policy that the controller's documentation gives to its role,
// in upstream's order; upstream names no statement. It is the same in each
// partition, but for the partition. A test compares it with upstream's files by
// digest. Ours, made of it, is narrower: Statements.
func Upstream() []policy.Statement {
	everything := list("*")
	// given and owned are what upstream asks of a tag: that it is there.
	given := policy.Condition{"Null": {requestTag + clusterTag: list("false")}}
	owned := policy.Condition{"Null": {resourceTag + clusterTag: list("false")}}
	kept := policy.Condition{"Null": {requestTag + clusterTag: list("true"), resourceTag + clusterTag: list("false")}}
	return []policy.Statement{
		{
			Actions: list("iam:CreateServiceLinkedRole"), Resources: everything,
			Condition: policy.Condition{"StringEquals": {"iam:AWSServiceName": list("elasticloadbalancing.amazonaws.com")}},
		},
		{Actions: append(upstreamReads(), list(
			"elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeLoadBalancerAttributes",
			"elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeListenerCertificates",
			"elasticloadbalancing:DescribeSSLPolicies", "elasticloadbalancing:DescribeRules", "elasticloadbalancing:DescribeTargetGroups",
			"elasticloadbalancing:DescribeTargetGroupAttributes", "elasticloadbalancing:DescribeTargetHealth", "elasticloadbalancing:DescribeTags",
			"elasticloadbalancing:DescribeTrustStores", "elasticloadbalancing:DescribeListenerAttributes",
			"elasticloadbalancing:DescribeCapacityReservation",
		)...), Resources: everything},
		{Actions: list(
			"cognito-idp:DescribeUserPoolClient", "acm:ListCertificates", "acm:DescribeCertificate",
			"iam:ListServerCertificates", "iam:GetServerCertificate",
			"waf-regional:GetWebACL", "waf-regional:GetWebACLForResource", "waf-regional:AssociateWebACL", "waf-regional:DisassociateWebACL",
			"wafv2:GetWebACL", "wafv2:GetWebACLForResource", "wafv2:AssociateWebACL", "wafv2:DisassociateWebACL",
			"shield:GetSubscriptionState", "shield:DescribeProtection", "shield:CreateProtection", "shield:DeleteProtection",
		), Resources: everything},
		{Actions: list("ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"), Resources: everything},
		{Actions: list("ec2:CreateSecurityGroup"), Resources: everything},
		{
			Actions: list("ec2:CreateTags"), Resources: list(ec2ARN + "security-group/*"),
			Condition: policy.Condition{
				"StringEquals": {"ec2:CreateAction": list("CreateSecurityGroup")}, "Null": {requestTag + clusterTag: list("false")},
			},
		},
		{Actions: list("ec2:CreateTags", "ec2:DeleteTags"), Resources: list(ec2ARN + "security-group/*"), Condition: kept},
		{
			Actions:   list("ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress", "ec2:DeleteSecurityGroup"),
			Resources: everything, Condition: owned,
		},
		{
			Actions:   list("elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup"),
			Resources: everything, Condition: given,
		},
		{Actions: list(
			"elasticloadbalancing:CreateListener", "elasticloadbalancing:DeleteListener",
			"elasticloadbalancing:CreateRule", "elasticloadbalancing:DeleteRule",
		), Resources: everything},
		{Actions: list("elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags"), Resources: balancers(), Condition: kept},
		{Actions: list("elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags"), Resources: listeners()},
		{Actions: list(
			"elasticloadbalancing:ModifyLoadBalancerAttributes", "elasticloadbalancing:SetIpAddressType",
			"elasticloadbalancing:SetSecurityGroups", "elasticloadbalancing:SetSubnets", "elasticloadbalancing:DeleteLoadBalancer",
			"elasticloadbalancing:ModifyTargetGroup", "elasticloadbalancing:ModifyTargetGroupAttributes",
			"elasticloadbalancing:DeleteTargetGroup", "elasticloadbalancing:ModifyListenerAttributes",
			"elasticloadbalancing:ModifyCapacityReservation", "elasticloadbalancing:ModifyIpPools",
		), Resources: everything, Condition: owned},
		{
			Actions: list("elasticloadbalancing:AddTags"), Resources: balancers(),
			Condition: policy.Condition{
				"StringEquals": {"elasticloadbalancing:CreateAction": list("CreateTargetGroup", "CreateLoadBalancer")},
				"Null":         {requestTag + clusterTag: list("false")},
			},
		},
		{
			Actions:   list("elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"),
			Resources: list(elbARN + "targetgroup/*/*"),
		},
		{Actions: list(
			"elasticloadbalancing:SetWebAcl", "elasticloadbalancing:ModifyListener", "elasticloadbalancing:AddListenerCertificates",
			"elasticloadbalancing:RemoveListenerCertificates", "elasticloadbalancing:ModifyRule", "elasticloadbalancing:SetRulePriorities",
		), Resources: everything},
	}
}

func upstreamReads() []string {
	return list(
		"ec2:DescribeAccountAttributes", "ec2:DescribeAddresses", "ec2:DescribeAvailabilityZones", "ec2:DescribeInternetGateways",
		"ec2:DescribeVpcs", "ec2:DescribeVpcPeeringConnections", "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups",
		"ec2:DescribeInstances", "ec2:DescribeNetworkInterfaces", "ec2:DescribeTags", "ec2:GetCoipPoolUsage", "ec2:DescribeCoipPools",
		"ec2:GetSecurityGroupsForVpc", "ec2:DescribeIpamPools", "ec2:DescribeRouteTables",
	)
}

func list(values ...string) []string { return values }

// balancers are load balancers and target groups.
func balancers() []string {
	return list(elbARN+"targetgroup/*/*", elbARN+"loadbalancer/net/*/*", elbARN+"loadbalancer/app/*/*")
}

// listeners are listeners and their rules.
func listeners() []string {
	return list(elbARN+"listener/net/*/*/*", elbARN+"listener/app/*/*/*", elbARN+"listener-rule/net/*/*/*", elbARN+"listener-rule/app/*/*/*")
}
