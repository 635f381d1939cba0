package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/e6data/aws-quickstart/internal/contract"
)

func administratorOf(arn *string) contract.AWSAuth {
	return contract.AWSAuth{PrincipalArn: *arn, Grant: contract.GrantAdministrator}
}
func nodesOf(arn *string) contract.AWSAuth {
	return contract.AWSAuth{PrincipalArn: *arn, Grant: contract.GrantNode}
}
func userOf(arn *string) contract.AWSAuth {
	return contract.AWSAuth{PrincipalArn: *arn, Grant: contract.GrantUser, Username: *controlPlaneUser()}
}

func newClusterAccess(s awscdk.Stack, p Provider, c Cluster, id string, a contract.AWSAuth, after ...awscdk.CfnResource) awscdk.CfnResource {
	a.ClusterName = *c.Name
	a.ClusterAdminRoleArn = *ref("ClusterAdminRoleArn")
	r := newCustomResource(s, id, contract.TypeAWSAuth, p, a)
	r.AddPropertyOverride(text("AllowAuthModeChange"), either(mayChangeAuthMode, true, false))
	dependOn(r, after...)
	return r
}

func awsAuthPolicies(c Cluster) []any { return nil }
