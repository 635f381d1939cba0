package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseks"
)

// Service accounts of EKS add-ons that call AWS. They are fixed by the add-ons.
const (
	addonNamespace   = "kube-system"
	vpcCniAccount    = "aws-node"
	ebsDriverAccount = "ebs-csi-controller-sa"
)

// newNetworkAddons adds what a node needs before it is Ready, so it must be
// there before the nodes: the network of pods and that of Services. The former
// has a role of its own, which EKS recommends over rights for each node
// (https://docs.aws.amazon.com/eks/latest/userguide/cni-iam-role.html). They
// outlive the nodes, whose network interfaces they give back.
func newNetworkAddons(s awscdk.Stack, c Cluster) []awscdk.CfnResource {
	role := newRole(s, "VpcCniRole", roleProps{
		Description: "VPC CNI of the e6data cluster: gives pods addresses of the VPC",
		Trust:       webIdentityTrust(c, addonNamespace, vpcCniAccount),
		Managed:     []string{"AmazonEKS_CNI_Policy"},
	})
	return []awscdk.CfnResource{
		newAddon(s, "VpcCniAddon", &awseks.CfnAddonProps{
			ClusterName: c.Name, AddonName: text("vpc-cni"),
			ServiceAccountRoleArn: role.AttrArn(), ConfigurationValues: vpcCniValues(),
		}),
		newAddon(s, "KubeProxyAddon", &awseks.CfnAddonProps{ClusterName: c.Name, AddonName: text("kube-proxy")}),
	}
}

// newNodeAddons adds what runs on nodes, and is not well before there are any:
// the name server of pods and the driver of EBS volumes. Whatever asks for names
// or volumes must wait for them, and go before them.
func newNodeAddons(s awscdk.Stack, c Cluster, nodes awscdk.CfnResource) []awscdk.CfnResource {
	role := newRole(s, "EbsCsiRole", roleProps{
		Description: "EBS CSI driver of the e6data cluster: makes and attaches the volumes of pods",
		Trust:       webIdentityTrust(c, addonNamespace, ebsDriverAccount),
		// Volumes with the driver's own tag only, unlike the first version of
		// the policy (https://github.com/kubernetes-sigs/aws-ebs-csi-driver/issues/2918).
		Managed:  []string{"AmazonEBSCSIDriverPolicyV2"},
		Policies: []any{useKeyForVolumes()},
	})
	addons := []awscdk.CfnResource{
		newAddon(s, "CoreDnsAddon", &awseks.CfnAddonProps{ClusterName: c.Name, AddonName: text("coredns")}),
		newAddon(s, "EbsCsiAddon", &awseks.CfnAddonProps{
			ClusterName: c.Name, AddonName: text("aws-ebs-csi-driver"),
			ServiceAccountRoleArn: role.AttrArn(), ConfigurationValues: ebsDriverValues(),
		}),
	}
	for _, a := range addons {
		dependOn(a, nodes)
	}
	return addons
}

// newAddon adds an EKS add-on, in the version that EKS takes by default for the
// cluster's Kubernetes: EKS has tested them together. What somebody changed of
// its objects by hand goes back to what the add-on says.
func newAddon(s awscdk.Stack, id string, props *awseks.CfnAddonProps) awscdk.CfnResource {
	props.ResolveConflicts = text("OVERWRITE")
	props.Tags = appTags()
	return awseks.NewCfnAddon(s, text(id), props)
}

// vpcCniValues are the add-on's configuration values: the warm targets
// NAME=NUMBER as variables {"env":{"NAME":"NUMBER"}}, and nothing for none, which
// takes back what was set before.
func vpcCniValues() *string {
	pairs := joinList(`","`, listRef("VpcCniWarmTargets"))
	return eitherText(hasWarmTargets,
		join("", text(`{"env":{"`), joinList(`":"`, split("=", pairs)), text(`"}}`)),
		text("{}"),
	)
}

// ebsDriverValues are the add-on's configuration values: the customer's tags for
// the volumes of claims, and nothing for none, which takes back what was set
// before (https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/tagging.md).
func ebsDriverValues() *string {
	return eitherText(hasNodeTags, join("", text(`{"controller":{"extraVolumeTags":{`), nodeTagPairs(), text("}}}")), text("{}"))
}
