package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
)

// newCrossAccountRole adds the role that e6data's control plane assumes, with
// the external ID, to look after the workspace. It reaches no data: of all data
// stores only the workspace bucket.
func newCrossAccountRole(s awscdk.Stack, c Cluster, b Bucket) awsiam.CfnRole {
	return newRole(s, "CrossAccountRole", roleProps{
		Description: "e6data control plane: cluster, endpoints and metrics of the workspace, and the workspace bucket",
		Trust: policyDocument(
			trustControlPlane("AssumeWithExternalId", "sts:AssumeRole", "StringEquals"),
			// Tags come with a session, so nobody tags one without the statement
			// above. The reference does not name the external ID among the keys of
			// this action (ADR 18): where AWS does not tell it, it cannot be asked for.
			trustControlPlane("TagSession", "sts:TagSession", "StringEqualsIfExists"),
		),
		Policies: []any{
			inlineProperty("workspace-bucket", useWorkspaceBucket(b)...),
			useKeyForObjects(b.Arn),
			inlineProperty("cluster",
				allow("DescribeCluster", []string{"eks:DescribeCluster", "eks:ListNodegroups"}, c.Arn),
				allow("DescribeNodeGroups", []string{"eks:DescribeNodegroup"},
					subWith("arn:${AWS::Partition}:eks:${AWS::Region}:${AWS::AccountId}:nodegroup/${Cluster}/*/*", c.variables(map[string]*string{}))),
			),
			inlineProperty("endpoints", manageEndpoints()...),
			inlineProperty("monitoring", monitor()...),
		},
	})
}

// trustControlPlane lets the control plane do one thing with the role, if the
// external ID passes the operator.
func trustControlPlane(id, action, operator string) map[string]any {
	return map[string]any{
		"Sid":       id,
		"Effect":    "Allow",
		"Principal": map[string]any{"AWS": controlPlanePrincipal()},
		"Action":    action,
		"Condition": map[string]any{operator: map[string]any{"sts:ExternalId": externalID()}},
	}
}

// controlPlanePrincipal is who may assume the cross-account role.
func controlPlanePrincipal() *string {
	return eitherText(hasControlPlane, ref("ControlPlanePrincipalArn"),
		sub("arn:${AWS::Partition}:iam::"+controlPlaneAccount+":root"))
}

// externalID is the customer's, or the unique part of the stack's ID.
func externalID() *string {
	return eitherText(hasExternalID, ref("ExternalId"), pick(2, "/", ref("AWS::StackId")))
}
