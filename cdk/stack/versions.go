package stack

import (
	"github.com/e6data/aws-quickstart/internal/karpenter"
	"github.com/e6data/aws-quickstart/internal/loadbalancer"
)

// The set of versions that is tested together. A change here is a release.
const (
	// kubernetesVersion is the cluster's default. 1.36 is in EKS standard
	// support until August 2027.
	kubernetesVersion = "1.36"
	// kubernetesOlder is offered too, for charts that lag behind.
	kubernetesOlder = "1.35"
	// karpenterVersion is the first line that supports Kubernetes 1.36 with
	// the IAM statements of this template (1.13) or later.
	karpenterVersion = karpenter.Version
	// loadBalancerVersion is that of the AWS Load Balancer Controller and of
	// its chart, to which the IAM statements belong.
	loadBalancerVersion = loadbalancer.Version
	// workspaceChartVersion is e6data's workspace chart.
	workspaceChartVersion = "2.1.12"
)

// vpcCniWarmTargets is what upstream advises for about ten pods on a node whose
// subnets are small: the engine's nodes run few, big pods
// (https://github.com/aws/amazon-vpc-cni-k8s/blob/master/docs/eni-and-ip-target.md).
const vpcCniWarmTargets = "MINIMUM_IP_TARGET=12,WARM_IP_TARGET=2"

// Where the public charts are.
const (
	karpenterCharts    = "oci://public.ecr.aws/karpenter"
	loadBalancerCharts = "https://aws.github.io/eks-charts"
	workspaceCharts    = "https://e6data.github.io/helm-charts"
)

// Facts of e6data's control plane.
const (
	// controlPlaneAccount is the AWS account of e6data's control plane.
	controlPlaneAccount = "442042515899"
	// controlPlaneAddress is where its requests to a cluster's public endpoint
	// come from.
	controlPlaneAddress = "44.194.151.209/32"
	consoleHost         = "console.e6data.com"
)
