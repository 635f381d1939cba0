package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// output adds one output. It may have the name of a parameter, so its construct
// has another.
func output(s awscdk.Stack, name, description string, value *string) awscdk.CfnOutput {
	o := awscdk.NewCfnOutput(s, text("Output"+name), &awscdk.CfnOutputProps{
		Description: text(description), Value: value,
	})
	o.OverrideLogicalId(text(name))
	return o
}

// workspaceFacts are the results that the e6data console asks for.
type workspaceFacts struct {
	Cluster      Cluster
	Network      Network
	Bucket       Bucket
	Karpenter    KarpenterNodes
	Engine       awsiam.CfnRole
	CrossAccount awsiam.CfnRole
}

// newOutputs adds the stack's outputs: each fact by itself, all of them as one
// JSON text to paste once, and the link that fills in the console's form.
func newOutputs(s awscdk.Stack, p Provider, m Mode, f workspaceFacts, after ...awscdk.CfnResource) {
	output(s, "WorkspaceName", "Name of the workspace.", ref("WorkspaceName"))
	output(s, "Region", "AWS region of the workspace.", ref("AWS::Region"))
	output(s, "WorkspaceBucketName", "Bucket for the workspace's results and metadata. It stays when the stack is deleted.", f.Bucket.Name)
	output(s, "CrossAccountRoleArn", "Role that e6data's control plane assumes.", f.CrossAccount.AttrArn())
	output(s, "ExternalId", "External ID that the control plane must show.", externalID())
	output(s, "ClusterName", "EKS cluster.", f.Cluster.Name)
	output(s, "KubernetesNamespace", "Namespace of the workspace.", ref("KubernetesNamespace"))
	output(s, "NodePoolName", "Karpenter NodePool of the query engine.", nodePoolName())
	output(s, "NodeClassName", "Karpenter EC2NodeClass of the query engine.", nodePoolName())
	output(s, "KarpenterNodeRoleName", "Role of the query engine's nodes.", f.Karpenter.RoleName)
	output(s, "KarpenterNodeRoleArn", "ARN of the role of the query engine's nodes.", f.Karpenter.RoleArn)
	output(s, "EngineRoleArn", "Role of the query engine.", f.Engine.AttrArn())
	output(s, "VpcId", "VPC of the workspace.", f.Network.VpcID)
	output(s, "SubnetIds", "Private subnets of the workspace, comma-separated.", f.Network.NodeSubnets)
	if m != ExistingEKS {
		public := output(s, "PublicSubnetIds", "Public subnets of the workspace, comma-separated, for internet-facing load balancers.", f.Network.PublicSubnets)
		if m == ExistingVPC {
			public.SetCondition(s.Node().FindChild(text(hasPublicSubnets)).(awscdk.CfnCondition))
		}
	}
	output(s, "OidcProviderArn", "IAM OIDC provider of the cluster.", f.Cluster.OidcProviderArn)

	config := workspaceConfig(f)
	output(s, "WorkspaceConfig", "All of the above as one JSON text, to paste into the e6data console.", config)
	link := newCustomResource(s, "WorkspaceOutputs", contract.TypeWorkspaceOutputs, p, contract.WorkspaceOutputs{
		ConsoleHost: *ref("ConsoleHost"),
		Config:      *config,
		CallbackURL: *ref("CallbackUrl"),
	})
	dependOn(link, after...)
	output(s, "ConsoleUrl", "Opens the e6data console with these values filled in. The external ID is not in it.",
		awscdk.Token_AsString(link.GetAtt(text("ConsoleUrl"), awscdk.ResolutionTypeHint_STRING), nil))
	condition(s, hasCallback, not(equals(ref("CallbackUrl"), "")))
	posted := output(s, "Callback", "Whether WorkspaceConfig was posted to CallbackUrl.",
		awscdk.Token_AsString(link.GetAtt(text("Callback"), awscdk.ResolutionTypeHint_STRING), nil))
	posted.SetCondition(s.Node().FindChild(text(hasCallback)).(awscdk.CfnCondition))
}

// hasCallback is the condition that the description is posted to somebody.
const hasCallback = "HasCallback"

func workspaceConfig(f workspaceFacts) *string {
	return document(contract.WorkspaceConfig{
		WorkspaceName:         "${WorkspaceName}",
		Region:                "${AWS::Region}",
		WorkspaceBucketName:   "${WorkspaceBucket}",
		CrossAccountRoleArn:   "${CrossAccountRole.Arn}",
		ExternalID:            "${ExternalIdInUse}",
		ClusterName:           "${Cluster}",
		KubernetesNamespace:   "${KubernetesNamespace}",
		NodePoolName:          nodePoolNameText,
		NodeClassName:         nodePoolNameText,
		KarpenterNodeRoleName: "${KarpenterNodeRole}",
		KarpenterNodeRoleArn:  "${KarpenterNodeRole.Arn}",
		EngineRoleArn:         "${EngineRole.Arn}",
		VpcID:                 "${Vpc}",
		SubnetIDs:             "${SubnetIds}",
		OidcProviderArn:       "${OidcProvider}",
	}, f.Cluster.variables(map[string]*string{
		"ExternalIdInUse": externalID(),
		"Vpc":             f.Network.VpcID,
		"SubnetIds":       f.Network.NodeSubnets,
	}))
}
