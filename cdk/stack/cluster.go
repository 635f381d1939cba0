package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseks"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
)

// Cluster is what others need of the EKS cluster.
type Cluster struct {
	Name                *string // waits for the cluster
	KnownName           *string // does not
	Given               bool    // it is the customer's: no resource Cluster is in the template
	Arn                 *string
	EndpointHost        *string // of the Kubernetes API
	SecurityGroupID     *string // EKS's own group: control plane and nodes
	OidcProviderArn     *string
	IssuerWithoutScheme *string // HOST/PATH, the prefix of IRSA condition keys
}

// clusterName is the cluster's name without waiting for the cluster.
func clusterName() *string {
	return eitherText(hasClusterName, ref("ClusterName"), sub("e6data-${WorkspaceName}"))
}

// variables are more and, where the template has no resource of that name, what
// ${Cluster} is in a document.
func (c Cluster) variables(more map[string]*string) map[string]*string {
	if c.Given {
		more["Cluster"] = c.Name
	}
	return more
}

// newCluster adds the EKS cluster, its log group and its OIDC provider. Its
// creator gets no rights on it: access.go says who does.
func newCluster(s awscdk.Stack, n Network) Cluster {
	role := newRole(s, "ClusterRole", roleProps{
		Description: "Control plane of the e6data EKS cluster",
		Trust:       serviceTrust(text(principalEKS)),
		Managed:     []string{"AmazonEKSClusterPolicy"},
	})
	// EKS would make this group itself, without retention.
	logs := awslogs.NewCfnLogGroup(s, text("ClusterLogGroup"), &awslogs.CfnLogGroupProps{
		LogGroupName:    join("", text("/aws/eks/"), clusterName(), text("/cluster")),
		RetentionInDays: numberRef("LogRetentionDays"),
	})
	cluster := awseks.NewCfnCluster(s, text("Cluster"), &awseks.CfnClusterProps{
		Name:    clusterName(),
		Version: ref("KubernetesVersion"),
		RoleArn: role.AttrArn(),
		AccessConfig: &awseks.CfnCluster_AccessConfigProperty{
			AuthenticationMode:                      ref("ClusterAuthenticationMode"),
			BootstrapClusterCreatorAdminPermissions: false, // a later change would replace the cluster
		},
		// Else EKS makes the network's add-ons by itself, and updates none of
		// them; a later change would replace the cluster. Ours: addons.go.
		BootstrapSelfManagedAddons: false,
		ResourcesVpcConfig: &awseks.CfnCluster_ResourcesVpcConfigProperty{
			SubnetIds:             n.PrivateSubnetIDs,
			EndpointPrivateAccess: true,
			// An empty list of blocks would mean the whole internet.
			EndpointPublicAccess: either(hasPublicEndpoint, true, false),
			PublicAccessCidrs:    awscdk.Token_AsList(onlyIf(hasPublicEndpoint, listRef("EndpointPublicAccessCidrs")), nil),
		},
		Logging: &awseks.CfnCluster_LoggingProperty{
			ClusterLogging: &awseks.CfnCluster_ClusterLoggingProperty{EnabledTypes: enabledLogTypes()},
		},
		EncryptionConfig:   onlyIf(hasKmsKey, encryptSecrets()),
		UpgradePolicy:      &awseks.CfnCluster_UpgradePolicyProperty{SupportType: ref("ClusterSupportPolicy")},
		DeletionProtection: either(hasDeleteProtection, true, false),
		Tags:               appTags(),
	})
	dependOn(cluster, logs)
	issuer := cluster.AttrOpenIdConnectIssuerUrl()
	provider := awsiam.NewCfnOIDCProvider(s, text("OidcProvider"), &awsiam.CfnOIDCProviderProps{
		Url:          issuer,
		ClientIdList: texts("sts.amazonaws.com"),
		Tags:         appTags(),
	})
	return Cluster{
		Name:                cluster.Ref(),
		KnownName:           clusterName(),
		Arn:                 cluster.AttrArn(),
		EndpointHost:        pick(1, "//", cluster.AttrEndpoint()),
		SecurityGroupID:     cluster.AttrClusterSecurityGroupId(),
		OidcProviderArn:     provider.Ref(),
		IssuerWithoutScheme: pick(1, "//", issuer),
	}
}

// encryptSecrets has EKS encrypt Kubernetes' Secrets with the customer's key,
// besides the key of its own that it always uses. A change would replace the
// cluster, and is refused, since the cluster's name is fixed.
func encryptSecrets() []any {
	return []any{map[string]any{
		"Resources": []string{"secrets"}, "Provider": map[string]any{"KeyArn": kmsKey()},
	}}
}

// enabledLogTypes is never left out: an update to no logs must switch them off.
func enabledLogTypes() []any {
	types := make([]any, 0, len(logTypes))
	for _, lt := range logTypes {
		types = append(types, onlyIf(lt.condition, map[string]any{"Type": lt.name}))
	}
	return types
}
