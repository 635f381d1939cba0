package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseks"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
)

// newInstallerAccess makes the installer's role administrator of the cluster
// and returns the entry, without which no release can be made or removed.
func newInstallerAccess(s awscdk.Stack, c Cluster, p Provider) awscdk.CfnResource {
	return awseks.NewCfnAccessEntry(s, text("HelmInstallerAccess"), administrator(c, p.RoleArn))
}

// newAccess says who else may use the cluster: e6data's control plane as a
// user whose rights the workspace chart gives, Karpenter's nodes, and the
// customer's administrator if there is one. It returns the nodes' entry, which
// must be there as long as there are nodes.
func newAccess(s awscdk.Stack, c Cluster, crossAccount awsiam.CfnRole, k KarpenterNodes) awscdk.CfnResource {
	awseks.NewCfnAccessEntry(s, text("ControlPlaneAccess"), &awseks.CfnAccessEntryProps{
		ClusterName:  c.Name,
		PrincipalArn: crossAccount.AttrArn(),
		Type:         text("STANDARD"),
		Username:     controlPlaneUser(),
	})
	nodes := awseks.NewCfnAccessEntry(s, text("KarpenterNodeAccess"), &awseks.CfnAccessEntryProps{
		ClusterName:  c.Name,
		PrincipalArn: k.RoleArn,
		Type:         text("EC2_LINUX"),
	})
	admin := awseks.NewCfnAccessEntry(s, text("AdminAccess"), administrator(c, ref("AdminPrincipalArn")))
	admin.CfnOptions().SetCondition(s.Node().FindChild(text(hasAdmin)).(awscdk.CfnCondition))
	return nodes
}

// administrator is an entry with all rights on the whole cluster.
func administrator(c Cluster, principal *string) *awseks.CfnAccessEntryProps {
	return &awseks.CfnAccessEntryProps{
		ClusterName:  c.Name,
		PrincipalArn: principal,
		Type:         text("STANDARD"),
		AccessPolicies: []any{&awseks.CfnAccessEntry_AccessPolicyProperty{
			PolicyArn:   sub("arn:${AWS::Partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"),
			AccessScope: &awseks.CfnAccessEntry_AccessScopeProperty{Type: text("cluster")},
		}},
	}
}
