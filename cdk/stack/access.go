package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseks"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
)

// newInstallerAccess makes the installer's role administrator of the cluster
// and returns the entry, without which no release can be made or removed.
func newInstallerAccess(s awscdk.Stack, c Cluster, p Provider) awscdk.CfnResource {
	return awseks.NewCfnAccessEntry(s, jsii.String("HelmInstallerAccess"), administrator(c, p.RoleArn))
}

// newAccess says who else may use the cluster: e6data's control plane as a
// user whose rights the workspace chart gives, Karpenter's nodes, and the
// customer's administrator if there is one.
func newAccess(s awscdk.Stack, c Cluster, crossAccount awsiam.CfnRole, k KarpenterNodes) {
	awseks.NewCfnAccessEntry(s, jsii.String("ControlPlaneAccess"), &awseks.CfnAccessEntryProps{
		ClusterName:  c.Name,
		PrincipalArn: crossAccount.AttrArn(),
		Type:         jsii.String("STANDARD"),
		Username:     controlPlaneUser(),
	})
	awseks.NewCfnAccessEntry(s, jsii.String("KarpenterNodeAccess"), &awseks.CfnAccessEntryProps{
		ClusterName:  c.Name,
		PrincipalArn: k.RoleArn,
		Type:         jsii.String("EC2_LINUX"),
	})
	admin := awseks.NewCfnAccessEntry(s, jsii.String("AdminAccess"), administrator(c, ref("AdminPrincipalArn")))
	admin.CfnOptions().SetCondition(s.Node().FindChild(jsii.String(hasAdmin)).(awscdk.CfnCondition))
}

// administrator is an entry with all rights on the whole cluster.
func administrator(c Cluster, principal *string) *awseks.CfnAccessEntryProps {
	return &awseks.CfnAccessEntryProps{
		ClusterName:  c.Name,
		PrincipalArn: principal,
		Type:         jsii.String("STANDARD"),
		AccessPolicies: []any{&awseks.CfnAccessEntry_AccessPolicyProperty{
			PolicyArn:   sub("arn:${AWS::Partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"),
			AccessScope: &awseks.CfnAccessEntry_AccessScopeProperty{Type: jsii.String("cluster")},
		}},
	}
}
