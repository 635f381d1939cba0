package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// The OIDC provider of an existing cluster has the logical ID of a new one's, so
// that ${OidcProvider} is the ARN in both.
const (
	oidcProviderID = "OidcProvider"
	clusterFactsID = "ClusterFacts"
)

// newClusterFacts asks about the customer's cluster, and gives its issuer an
// OIDC provider. Everything of the answers waits for both: the name is taken
// from the ARN for that. Nothing of the network is made: a Network is what the
// facts say, without public subnets.
func newClusterFacts(s awscdk.Stack, p Provider) (Cluster, Network) {
	facts := newCustomResource(s, clusterFactsID, contract.TypeClusterFacts, p, contract.ClusterFacts{
		ClusterName:      *ref("ExistingClusterName"),
		PrivateSubnetIDs: plain(split(",", ref("PrivateSubnetIds"))),
		HTTPSProxy:       *ref("HttpsProxy"),
	})
	answer := func(name string) *string {
		return awscdk.Token_AsString(facts.GetAtt(text(name), awscdk.ResolutionTypeHint_STRING), nil)
	}
	provider := newCustomResource(s, oidcProviderID, contract.TypeOidcProvider, p, contract.OidcProvider{
		Issuer:        *answer("Issuer"),
		WorkspaceName: *ref("WorkspaceName"),
	})
	cluster := Cluster{
		Name:                pick(1, "/", answer("ClusterArn")),
		KnownName:           ref("ExistingClusterName"),
		Given:               true,
		Arn:                 answer("ClusterArn"),
		EndpointHost:        answer("EndpointHost"),
		SecurityGroupID:     answer("SecurityGroupId"),
		OidcProviderArn:     provider.Ref(),
		IssuerWithoutScheme: answer("IssuerWithoutScheme"),
	}
	return cluster, Network{
		VpcID:            answer("VpcId"),
		PrivateSubnetIDs: split(",", answer("FunctionSubnetIds")),
		NodeSubnetIDs:    split(",", answer("NodeSubnetIds")),
		Zones:            split(",", answer("Zones")),
		NodeSubnets:      answer("NodeSubnetIds"),
	}
}

// clusterFactsPolicies are what the facts of an existing cluster and its OIDC
// provider need. EC2's Describe actions know no resources, nor does ListRoles.
func clusterFactsPolicies() []any {
	network := []string{
		"ec2:DescribeAvailabilityZones", "ec2:DescribeNatGateways", "ec2:DescribeRouteTables", "ec2:DescribeSecurityGroupRules", "ec2:DescribeSubnets",
		"ec2:DescribeVpcEndpoints",
	}
	return []any{
		inlineProperty("cluster-facts",
			allow("FindCluster", []string{"eks:DescribeCluster"}, sub("arn:${AWS::Partition}:eks:${AWS::Region}:${AWS::AccountId}:cluster/${ExistingClusterName}")),
			allow("ReadNetwork", network, "*"),
			// The status tells a rollback from an update.
			allow("ReadOwnStatus", []string{"cloudformation:DescribeStacks"}, ref("AWS::StackId")),
		),
		inlineProperty("oidc-provider", shareOidcProvider()...),
	}
}

// shareOidcProvider lets the function make the provider of an EKS issuer of
// this region, with this stack's mark, and change providers that a stack made,
// and no others: those of the customer's lack the mark. Their issuers are classic
// host names also where clusters have dual-stack ones
// (eks/latest/userguide/network-reqs.html).
func shareOidcProvider() []map[string]any {
	arns := sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:oidc-provider/oidc.eks.${AWS::Region}.${AWS::URLSuffix}/id/*")
	own := pick(2, "/", ref("AWS::StackId"))
	used, leaving := join("", text(contract.UsedByTag), own), join("", text(contract.LeavingTag), own)
	made := map[string]any{"aws:ResourceTag/" + contract.MadeByTag: "false"}
	only := func(tags ...any) map[string]any { return map[string]any{"aws:TagKeys": tags} }
	const each = "ForAllValues:StringEquals"
	return []map[string]any{
		allow("ReadProvider", []string{"iam:GetOpenIDConnectProvider"}, arns),
		// What is made with tags is tagged too, in IAM's eyes.
		when(map[string]any{
			"StringEquals": map[string]any{"aws:RequestTag/" + contract.MadeByTag: own}, each: only(contract.MadeByTag, used),
		}, allow("MakeProvider", []string{"iam:CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider"}, arns)),
		when(map[string]any{"Null": made, each: only(used, leaving)},
			allow("MarkProvider", []string{"iam:TagOpenIDConnectProvider"}, arns)),
		when(map[string]any{"Null": made, each: only(contract.MadeByTag, used, leaving)},
			allow("UnmarkProvider", []string{"iam:UntagOpenIDConnectProvider"}, arns)),
		// IAM cannot compare before it deletes, but its policies can: what has not
		// this stack's mark is not the provider that the function looked at.
		when(map[string]any{"StringEquals": map[string]any{"aws:ResourceTag/" + contract.MadeByTag: own}},
			allow("DeleteProvider", []string{"iam:DeleteOpenIDConnectProvider"}, arns)),
		// A provider that other roles trust is not deleted.
		allow("FindRolesThatTrustIt", []string{"iam:ListRoles"}, "*"),
	}
}
