package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseks"
)

// nodePolicies are what kubelet, image pulls and Session Manager need of a
// node's role. The VPC CNI has a role of its own: addons.go.
var nodePolicies = []string{
	"AmazonEKSWorkerNodePolicy",
	"AmazonEC2ContainerRegistryReadOnly",
	"AmazonSSMManagedInstanceCore",
}

// newNodes adds the managed node group for what runs beside the query engine:
// controllers and agents. Its nodes are never Ready without the add-ons.
func newNodes(s awscdk.Stack, c Cluster, n Network, addons []awscdk.CfnResource) awscdk.CfnResource {
	role := newRole(s, "NodeRole", roleProps{
		Description: "Nodes of the e6data cluster's managed node group",
		Trust:       serviceTrust(principalEC2()),
		Managed:     nodePolicies,
	})
	named := withNodeTags(tag("Name", sub("e6data-${WorkspaceName}-default")), tag("app", text("e6data")))
	template := awsec2.NewCfnLaunchTemplate(s, text("NodeLaunchTemplate"), &awsec2.CfnLaunchTemplateProps{
		LaunchTemplateData: &awsec2.CfnLaunchTemplate_LaunchTemplateDataProperty{
			BlockDeviceMappings: []any{&awsec2.CfnLaunchTemplate_BlockDeviceMappingProperty{
				DeviceName: text("/dev/xvda"),
				Ebs: &awsec2.CfnLaunchTemplate_EbsProperty{
					VolumeType:          text("gp3"),
					VolumeSize:          number(nodeGroupDiskGiB),
					Encrypted:           true,
					KmsKeyId:            kmsKeyOrNothing(),
					DeleteOnTermination: true,
				},
			}},
			// With one hop, pods cannot reach the node's credentials.
			MetadataOptions: &awsec2.CfnLaunchTemplate_MetadataOptionsProperty{
				HttpTokens:              text("required"),
				HttpPutResponseHopLimit: number(1),
			},
			UserData: proxyUserData(c),
		},
		TagSpecifications: []any{&awsec2.CfnLaunchTemplate_LaunchTemplateTagSpecificationProperty{
			ResourceType: text("launch-template"), Tags: appTags(),
		}},
	})
	template.AddPropertyOverride(text("LaunchTemplateData.TagSpecifications"), []any{
		map[string]any{"ResourceType": "instance", "Tags": named},
		map[string]any{"ResourceType": "volume", "Tags": named},
		map[string]any{"ResourceType": "network-interface", "Tags": named},
	})
	group := awseks.NewCfnNodegroup(s, text("NodeGroup"), &awseks.CfnNodegroupProps{
		ClusterName:   c.Name,
		NodeRole:      role.AttrArn(),
		Subnets:       anyList(n.PrivateSubnetIDs),
		Version:       ref("KubernetesVersion"),
		AmiType:       text("AL2023_ARM_64_STANDARD"),
		CapacityType:  ref("NodeGroupCapacityType"),
		InstanceTypes: texts(nodeGroupType),
		ScalingConfig: &awseks.CfnNodegroup_ScalingConfigProperty{
			MinSize: number(nodeGroupNodes), DesiredSize: number(nodeGroupNodes), MaxSize: number(nodeGroupNodes + 1),
		},
		UpdateConfig: &awseks.CfnNodegroup_UpdateConfigProperty{MaxUnavailable: number(1)},
		LaunchTemplate: &awseks.CfnNodegroup_LaunchTemplateSpecificationProperty{
			Id: template.Ref(), Version: template.AttrLatestVersionNumber(),
		},
		Labels: nodeGroupLabels,
		Tags:   &map[string]*string{"app": text("e6data")},
	})
	dependOn(group, addons...)
	return group
}

// The managed node group as it begins.
const (
	nodeGroupType    = "t4g.medium"
	nodeGroupNodes   = 2
	nodeGroupDiskGiB = 20
)

// nodeGroupLabels tell the nodes of the managed node group from those of the
// query engine.
var nodeGroupLabels = map[string]string{"app": "e6data", "e6data-workspace-name": "default"}
