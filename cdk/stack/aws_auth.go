package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// The grants of Custom::AWSAuth that a stack asks for.
func administratorOf(arn *string) contract.AWSAuth {
	return contract.AWSAuth{PrincipalArn: *arn, Grant: contract.GrantAdministrator}
}

func nodesOf(arn *string) contract.AWSAuth {
	return contract.AWSAuth{PrincipalArn: *arn, Grant: contract.GrantNode}
}

func controlPlaneOf(arn *string) contract.AWSAuth {
	return contract.AWSAuth{PrincipalArn: *arn, Grant: contract.GrantUser, Username: *controlPlaneUser()}
}

// newClusterAccess lets one principal into the customer's cluster.
func newClusterAccess(s awscdk.Stack, p Provider, c Cluster, id string, a contract.AWSAuth, after ...awscdk.CfnResource) awscdk.CfnResource {
	a.ClusterName = *c.Name
	a.ClusterAdminRoleArn = *ref("ClusterAdminRoleArn")
	r := newCustomResource(s, id, contract.TypeAWSAuth, p, a)
	r.AddPropertyOverride(text("AllowAuthModeChange"), either(mayChangeAuthMode, true, false))
	dependOn(r, after...)
	return r
}

// awsAuthPolicies are what the function behind Custom::AWSAuth needs to let
// these principals in, beside what all that talk to the cluster need. It may
// change access entries that this stack made, and no others. Entries of aws-auth
// are a matter of the cluster's own rights.
func awsAuthPolicies(c Cluster, principals []any) []any {
	entries := sub("arn:${AWS::Partition}:eks:${AWS::Region}:${AWS::AccountId}:access-entry/${ExistingClusterName}/*")
	own := pick(2, "/", ref("AWS::StackId"))
	marked := map[string]any{"aws:RequestTag/" + contract.MadeByTag: own}
	ours := map[string]any{"aws:ResourceTag/" + contract.MadeByTag: own}
	// The policy with every right on the cluster is the only one that it gives.
	administrator := map[string]any{
		"StringEquals": ours,
		"ArnEquals":    map[string]any{"eks:policyArn": sub("arn:${AWS::Partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy")},
	}
	return []any{
		inlineProperty("access-entries",
			allow("ReadEntries", []string{"eks:DescribeAccessEntry", "eks:ListAssociatedAccessPolicies"}, entries),
			when(map[string]any{"StringEquals": marked, "ArnEquals": map[string]any{"eks:principalArn": principals}},
				allow("LetIn", []string{"eks:CreateAccessEntry"}, c.Arn)),
			// What is made with tags is tagged too, in EKS's eyes.
			when(map[string]any{"StringEquals": marked}, allow("MarkEntries", []string{"eks:TagResource"}, entries)),
			when(map[string]any{"StringEquals": ours}, allow("ChangeOwnEntries", []string{"eks:UpdateAccessEntry", "eks:DeleteAccessEntry"}, entries)),
			when(administrator, allow("MakeAdministrators", []string{"eks:AssociateAccessPolicy", "eks:DisassociateAccessPolicy"}, entries)),
		),
		onlyIf(mayChangeAuthMode, inline("authentication-mode",
			when(map[string]any{"StringEquals": map[string]any{"eks:authenticationMode": "API_AND_CONFIG_MAP"}},
				allow("AdmitAccessEntries", []string{"eks:UpdateClusterConfig"}, c.Arn)),
			allow("FollowUpdate", []string{"eks:DescribeUpdate"}, c.Arn),
		)),
		onlyIf(hasClusterAdmin, inline("cluster-admin", allow("ActAsClusterAdmin", []string{"sts:AssumeRole"}, ref("ClusterAdminRoleArn")))),
	}
}
