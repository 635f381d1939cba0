package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
)

// newPassRolePolicy adds the one thing of the customer's that a stack changes: an
// inline policy of the role of the cluster's own Karpenter, which lets it hand
// the nodes' role to EC2. Upstream's policies name one such role, the customer's.
func newPassRolePolicy(s awscdk.Stack) awscdk.CfnResource {
	policy := awsiam.NewCfnRolePolicy(s, text("KarpenterPassRole"), &awsiam.CfnRolePolicyProps{
		RoleName:   ref("KarpenterControllerRoleName"),
		PolicyName: sub("e6data-${WorkspaceName}-nodes"),
		PolicyDocument: either(hasKmsKey,
			object(passNodeRole(true), nil), object(passNodeRole(false), nil)),
	})
	policy.CfnOptions().SetCondition(s.Node().FindChild(text(hasControllerRole)).(awscdk.CfnCondition))
	return policy
}

// passNodeRole is a policy, with placeholders, for a Karpenter that starts the
// query engine's nodes: their role, and the customer's key if their disks have
// one.
func passNodeRole(withKey bool) map[string]any {
	statements := []map[string]any{when(
		map[string]any{"StringEquals": map[string]any{"iam:PassedToService": "ec2.${AWS::URLSuffix}"}}, //nolint:gosec // a service's name
		allow("PassNodeRole", []string{"iam:PassRole"}, "${KarpenterNodeRole.Arn}"),
	)}
	if withKey {
		via := map[string]any{"kms:ViaService": "ec2.${AWS::Region}.*"}
		statements = append(statements,
			when(map[string]any{"StringLike": via}, allow("UseKeyForVolumes", keyActionsForVolumes, "${KmsKeyArn}")),
			when(map[string]any{"StringLike": via, "Bool": map[string]any{"kms:GrantIsForAWSResource": "true"}},
				allow("LendKeyToVolumes", []string{"kms:CreateGrant"}, "${KmsKeyArn}")),
		)
	}
	return policyDocument(statements...)
}
