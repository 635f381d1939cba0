package stack

import (
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/e6data/aws-quickstart/internal/contract"
)

const preflightID = "Preflight"

// newPreflight adds the resource that looks at the account before anything else
// is made, and refuses a launch with all that is wrong.
func newPreflight(s awscdk.Stack, cfg Config, p Provider, m Mode) {
	answers, variables := preflightAnswers(m)
	properties := contract.Preflight{Mode: string(m), Answers: *document(answers, variables)}
	if m != ExistingEKS {
		given := allAnswers(s)
		if cfg.Engineer != nil {
			given["the functions' code"] = cfg.Engineer.codeHash(s) // where releases have Version
		}
		properties.Given = *answersDocument(given)
	}
	newCustomResource(s, preflightID, contract.TypePreflight, p, properties)
}

// allAnswers are the answers to all parameters.
func allAnswers(s awscdk.Stack) map[string]*string {
	given := map[string]*string{}
	for _, child := range *s.Node().Children() {
		if asked, is := child.(awscdk.CfnParameter); is {
			given[*asked.Node().Id()] = answerTo(asked)
		}
	}
	return given
}

// preflightAnswers are the answers that a mode's checks look at, and the texts
// that are put into them.
func preflightAnswers(m Mode) (contract.PreflightAnswers, map[string]*string) {
	a := contract.PreflightAnswers{
		WorkspaceName:            "${WorkspaceName}",
		ClusterName:              "${ClusterNameInUse}",
		NodeInstanceFamilies:     "${InstanceFamilies}",
		NodeArchitectures:        "${NodeArchitectures}",
		NodeCapacityTypes:        "${NodeCapacityTypes}",
		HTTPSProxy:               "${HttpsProxy}",
		AdminPrincipalArn:        "${AdminPrincipalArn}",
		ControlPlanePrincipalArn: "${ControlPlanePrincipalArn}",
		PermissionsBoundaryArn:   "${PermissionsBoundaryArn}",
		KmsKeyArn:                "${KmsKeyArn}",
		ChartSource:              "${ChartSource}",
		Charts:                   "${Charts}",
	}
	variables := map[string]*string{
		"InstanceFamilies": joinList(",", listRef("NodeInstanceFamilies")),
		"Charts":           joinList(",", archives(m, func(name *string) *string { return name })),
	}
	if m == ExistingEKS {
		a.ClusterName = "${ExistingClusterName}"
		a.PrivateSubnetIDs = "${PrivateSubnetIds}"
		a.InstallerRoleName, a.RolePath = installerRoleName, "${RolePath}"
		a.ClusterAdminRoleArn = "${ClusterAdminRoleArn}"
		a.AllowAuthModeChange = "${AllowAuthModeChange}"
		a.KarpenterControllerRoleName = "${KarpenterControllerRoleName}"
		return a, variables
	}
	a.KubernetesVersion = "${KubernetesVersion}"
	a.ClusterSupportPolicy = "${ClusterSupportPolicy}"
	a.NodeGroupInstanceType, a.NodeGroupNodes = nodeGroupType, strconv.Itoa(nodeGroupNodes)
	a.NodeGroupCapacityType = "${NodeGroupCapacityType}"
	a.ExcludedAvailabilityZones = "${ExcludedZones}"
	a.AdditionalAvailabilityZones = "${AdditionalZones}"
	a.NatGateways = "${NatGateways}"
	variables["ClusterNameInUse"] = clusterName()
	variables["ExcludedZones"] = joinList(",", listRef("ExcludedAvailabilityZones"))
	variables["AdditionalZones"] = joinList(",", listRef("AdditionalAvailabilityZones"))
	if m == ExistingVPC {
		a.VpcID, a.PrivateSubnetIDs, a.PublicSubnetIDs = "${VpcId}", "${PrivateSubnetIds}", "${PublicSubnetIds}"
	}
	return a, variables
}

// archives are the charts that a mode installs from ChartSource, each as made of
// its archive's name without the end.
func archives(m Mode, made func(name *string) *string) *[]*string {
	var all []*string
	add := func(condition, name string) {
		if text := made(sub(name)); m == ExistingEKS && condition != "" {
			all = append(all, eitherText(condition, text, noValue()))
		} else {
			all = append(all, text)
		}
	}
	add(installsKarpenter, "karpenter-crd-${KarpenterVersion}")
	add(installsKarpenter, "karpenter-${KarpenterVersion}")
	add(installsLoadBalancers, "aws-load-balancer-controller-${LoadBalancerControllerVersion}")
	add("", "workspace-${WorkspaceChartVersion}")
	return &all
}
