package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
)

// newCrossAccountRole adds the role that e6data's control plane assumes, with
// the external ID, to look after the workspace.
func newCrossAccountRole(s awscdk.Stack, c Cluster, b Bucket) awsiam.CfnRole {
	return newRole(s, "CrossAccountRole", roleProps{
		Description: "e6data control plane: describes the cluster, reads and writes the workspace bucket",
		Trust: policyDocument(map[string]any{
			"Effect":    "Allow",
			"Principal": map[string]any{"AWS": controlPlanePrincipal()},
			"Action":    []string{"sts:AssumeRole", "sts:TagSession"},
			"Condition": map[string]any{"StringEquals": map[string]any{"sts:ExternalId": externalID()}},
		}),
		Policies: []any{
			inlineProperty("workspace-bucket", useWorkspaceBucket(b)...),
			inlineProperty("cluster",
				allow("DescribeCluster", []string{"eks:DescribeCluster", "eks:ListNodegroups"}, c.Arn),
				allow("DescribeNodeGroups", []string{"eks:DescribeNodegroup"},
					sub("arn:${AWS::Partition}:eks:${AWS::Region}:${AWS::AccountId}:nodegroup/${Cluster}/*/*")),
			),
		},
	})
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
