package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
)

// Conditions of the template for existing clusters.
const (
	installsKarpenter     = "InstallsKarpenter"
	installsLoadBalancers = "InstallsLoadBalancerController"
	hasControllerRole     = "HasKarpenterControllerRole"
	printsPassRolePolicy  = "PrintsKarpenterPassRolePolicy"
	mayChangeAuthMode     = "MayChangeAuthenticationMode"
	hasClusterAdmin       = "HasClusterAdminRole"
)

// NewExistingEKS declares templates/existing-eks.yaml: a workspace on an EKS
// cluster of the customer's. Nothing of the customer's is changed there, but for
// one inline policy of Karpenter's role, if its name is given.
func NewExistingEKS(scope constructs.Construct, id string, cfg Config) awscdk.Stack {
	s := newStack(scope, id, cfg, "e6data workspace: what the e6data query engine needs on an existing EKS cluster.")
	addParameters(s, cfg.asked(questions(cfg, ExistingEKS)))
	addRules(s, cfg, ExistingEKS)
	addConditions(s, cfg, ExistingEKS)

	outputs := newOutputsProvider(s, cfg, ExistingEKS)
	newFixedAnswers(s, outputs, ExistingEKS)
	newPreflight(s, cfg, outputs, ExistingEKS)
	cluster, network := newClusterFacts(s, outputs)
	karpenterNodes := newKarpenterNodes(s)
	var karpenter KarpenterController
	under(s, installsKarpenter, func() { karpenter = newKarpenterController(s, cluster) })
	var loadBalancers awsiam.CfnRole
	under(s, installsLoadBalancers, func() { loadBalancers = newLoadBalancerRole(s, cluster, network) })

	bucket := newBuckets(s)
	engine := newEngineRole(s, cluster, bucket)
	crossAccount := newCrossAccountRole(s, cluster, bucket)

	helm, auth := newInstallers(s, cfg, cluster, network,
		crossAccount.AttrArn(), karpenterNodes.RoleArn, onlyIf(hasAdmin, ref("AdminPrincipalArn")))
	installerAccess := newClusterAccess(s, auth, cluster, "InstallerAccess", administratorOf(helm.RoleArn))
	check := newClusterCheck(s, helm, cluster.Name, installerAccess)
	nodeAccess := newClusterAccess(s, auth, cluster, "KarpenterNodeAccess", nodesOf(karpenterNodes.RoleArn), check.Resource)
	newClusterAccess(s, auth, cluster, "ControlPlaneAccess", controlPlaneOf(crossAccount.AttrArn()), check.Resource)
	under(s, hasAdmin, func() {
		newClusterAccess(s, auth, cluster, "AdminAccess", administratorOf(ref("AdminPrincipalArn")), check.Resource)
	})
	passRole := newPassRolePolicy(s)
	// Nothing is installed on a cluster that does not suit.
	helm.Ready = append(helm.Ready, check.Resource)

	r := releases{stack: s, provider: helm, cluster: cluster}
	var controller, balancers awscdk.CfnResource
	under(s, installsKarpenter, func() { controller = r.karpenter(karpenter) })
	under(s, installsLoadBalancers, func() {
		spec := loadBalancerRelease(loadBalancers, cluster, network)
		spec.NeededBy = r.ofOthers("targetgroupbindings.elbv2.k8s.aws")
		balancers = r.add("LoadBalancerController", spec)
	})
	// In the workspace's namespace: whoever owns Karpenter's may empty it.
	pool := r.nodePool(*ref("KubernetesNamespace"), releaseFacts{
		Cluster: cluster, Network: network, KarpenterNodes: karpenterNodes,
		Before: []string{*ifThere(installsKarpenter, controller), *ifThere(hasControllerRole, passRole)},
	}, nodeAccess)
	workspace := r.workspace([]string{*ifThere(installsLoadBalancers, balancers)}, pool)

	newOutputs(s, outputs, ExistingEKS, workspaceFacts{
		Cluster: cluster, Network: network, Bucket: bucket, Karpenter: karpenterNodes, Engine: engine, CrossAccount: crossAccount,
	}, workspace)
	newExistingEKSOutputs(s, check)
	checkFirst(s, clusterFactsID, factsFor)
	return s
}

// ifThere names a resource that is there only under a condition.
func ifThere(condition string, r awscdk.CfnResource) *string {
	return eitherText(condition, r.Ref(), noValue())
}

func addExistingEKSConditions(s awscdk.Stack) {
	condition(s, installsKarpenter, equals(ref("KarpenterOnCluster"), wordInstall))
	condition(s, installsLoadBalancers, equals(ref("LoadBalancerControllerOnCluster"), wordInstall))
	condition(s, hasControllerRole, not(equals(ref("KarpenterControllerRoleName"), "")))
	condition(s, printsPassRolePolicy, awscdk.Fn_ConditionAnd(
		equals(ref("KarpenterOnCluster"), wordExisting), equals(ref("KarpenterControllerRoleName"), "")))
	condition(s, hasClusterAdmin, not(equals(ref("ClusterAdminRoleArn"), "")))
	condition(s, mayChangeAuthMode, equals(ref("AllowAuthModeChange"), wordYes))
}

// addExistingEKSRules refuses answers that contradict each other.
func addExistingEKSRules(s awscdk.Stack) {
	rule(s, "ControllerRoleIsTheirs",
		awscdk.Fn_ConditionOr(equals(ref("KarpenterControllerRoleName"), ""), equals(ref("KarpenterOnCluster"), wordExisting)),
		"KarpenterControllerRoleName is the role of a Karpenter that is on the cluster. With KarpenterOnCluster=Install the stack makes that role: leave the name empty.")
}

// newExistingEKSOutputs adds what was seen on the cluster, and the policy that
// the customer's Karpenter needs if the stack may not add it.
func newExistingEKSOutputs(s awscdk.Stack, check ClusterCheck) {
	output(s, "ClusterFindings", "What was seen on the cluster.", subWith("Kubernetes ${Kubernetes}. ${Notes}", map[string]*string{
		"Kubernetes": check.KubernetesVersion, "Notes": check.Notes,
	}))
	printed := output(s, "KarpenterPassRolePolicy",
		"Policy that the role of your Karpenter needs, to start the query engine's nodes. Add it, or give the role's name as KarpenterControllerRoleName.",
		eitherText(hasKmsKey, document(passNodeRole(true), map[string]*string{}), document(passNodeRole(false), map[string]*string{})))
	printed.SetCondition(s.Node().FindChild(text(printsPassRolePolicy)).(awscdk.CfnCondition))
}
