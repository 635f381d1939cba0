package template

import "strings"

// terraform is everything that e6data's Terraform has for new and existing VPCs
// (e6data/terraform at 81c9eb8, aws/e6data_with_new_eks and
// aws/e6data_with_existing_vpc): variables, outputs, resources, Helm releases
// and IAM statements, by the names that the page uses.
var terraform = strings.Split(strings.TrimSpace(`
aws_region
workspace_name
cluster_name
kube_version
default_nodegroup_kube_version
helm_chart_version
kubernetes_namespace
cidr_block
vpc_id
excluded_az
cost_tags
app
aws_command_line_path
cluster_log_types
cloudwatch_log_retention_in_days
endpoint_private_access
endpoint_public_access
public_access_cidrs
eks_disk_size
eks_capacity_type
eks_nodegroup_iam_policy_arn
karpenter_eks_node_policy_arn
karpenter_namespace
karpenter_service_account_name
karpenter_release_version
nodepool_instance_family
nodepool_cpu_limits
alb_ingress_controller_namespace
alb_ingress_controller_service_account_name
alb_controller_helm_chart_version
bucket_names
e6data_cross_oidc_role_arn
e6data_cross_account_external_id
debug_namespaces
warm_eni_target
warm_prefix_target
minimum_ip_target
ingress_rules
egress_rules
additional_ingress_rules
additional_egress_rules
output workspace_name
output region
output workspace_s3_bucket_name
output cross_account_role_arn
output sts_external_id
output kubernetes_cluster_name
output kubernetes_namespace
output e6data_nodepool_name
output e6data_nodeclass_name
VPC
internet gateway
public subnet per zone
private subnet per zone
subnet tags
NAT gateway and address
route tables
S3 gateway endpoint
security group allow_ports
EKS cluster
control-plane log group
cluster role
OIDC provider
managed node group
launch template
node role
add-on vpc-cni
add-on aws-ebs-csi-driver
gp3 StorageClass
access entry of the cross-account role
access entry of the caller
workspace bucket
bucket encryption
bucket public access block
bucket ownership
bucket access logs
bucket lifecycle
bucket policy
release karpenter-crd
release karpenter
release aws-load-balancer-controller
release workspace
EC2NodeClass
NodePool
interruption queue
rule spot-warning
rule health
rule rebalance
rule state
engine role trust
cross-account role trust
Karpenter role trust
load balancer controller role trust
E1 glueReadOnlyAccess
E1 ListBucket
E1 ReadeE6dataBucket
E2 AssumeRole
E2 TagSession
E3 ListBucket
E3 ReadWriteE6dataBucket
C1 describeEKSCluster
C1 descriEKSNodegroup
C1 PermissionsForAllResources
C1 AllowSetWebACLforELB
C1 AllowCreateELB
C1 AllowDeleteELB
C1 ManageELBTags
C1 manageELBTargetGroupTags
C1 ALBIngressControllerTags
C1 AllowWAFv2WebACLAndIPSetCreation
C1 AllowWAFv2WebACLManagement
Karpenter AllowScopedEC2InstanceAccessActions
Karpenter AllowScopedEC2LaunchTemplateAccessActions
Karpenter AllowScopedEC2InstanceActionsWithTags
Karpenter AllowScopedResourceCreationTagging
Karpenter AllowScopedResourceTagging
Karpenter AllowScopedDeletion
Karpenter AllowRegionalReadActions
Karpenter AllowSSMReadActions
Karpenter AllowPricingReadActions
Karpenter AllowInterruptionQueueActions
Karpenter AllowPassingInstanceRole
Karpenter AllowScopedInstanceProfileCreationActions
Karpenter AllowScopedInstanceProfileTagActions
Karpenter AllowScopedInstanceProfileActions
Karpenter EKSClusterEndpointLookup
Karpenter AllowInstanceProfileReadActions
LBC 1
LBC 2
LBC 3
LBC 4
LBC 5
LBC 6
LBC 7
LBC 8
LBC 9
LBC 10
LBC 11
LBC 12
LBC 13
LBC 14
LBC 15
LBC 16
LBC 17
LBC 18
LBC 19
LBC 20
queue policy First
`), "\n")

// weaknesses are what the users of that Terraform had to live with, by the names
// that the page gives them.
var weaknesses = strings.Split(strings.TrimSpace(`
Access that was never given
aws-auth taken for granted
Other people's entries rewritten
A borrowed node role
Nothing looked at first
Nodes that ended after 30 days
Names the workspace did not know
An image at its end
One external ID for everybody
All buckets, all tables
An API server open to the internet
Public addresses in private subnets
Results deleted, logs in a loop
Firewall rules that reached nobody
Subnets at fixed places
Gateways where there are some
Roles with a path
Fifteen minutes, one shot
Any processor
One size for all nodes
Nodes that nobody patched
One partition, one registry
No room for a company's rules
A state file and a jump box
Any pod could be its node
Names that collide
`), "\n")

// ofExistingClusters are those weaknesses that a stack on an existing cluster
// could have all the same.
var ofExistingClusters = []string{
	"Access that was never given", "aws-auth taken for granted", "Other people's entries rewritten", "A borrowed node role",
	"Nothing looked at first", "Roles with a path", "No room for a company's rules", "Names that collide",
}
