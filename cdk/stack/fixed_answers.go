package stack

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/e6data/aws-quickstart/internal/answers"
	"github.com/e6data/aws-quickstart/internal/contract"
)

const fixedAnswersID = "FixedAnswers"

// fixedAnswers are the parameters that a stack keeps for life, with the value
// that counts. A change would replace something that cannot be replaced:
// names and namespaces replace the cluster or Helm releases whose objects other
// releases of the cluster may not own twice; a role's path replaces the role,
// and the cluster's role replaces the cluster. The test of all parameters in
// tests/template says so when one is missing here.
func fixedAnswers(m Mode) map[string]*string {
	fixed := map[string]*string{
		"WorkspaceName":       ref("WorkspaceName"),
		"KubernetesNamespace": ref("KubernetesNamespace"),
		"RolePath":            ref("RolePath"),
		// EKS encrypts secrets with one key for the cluster's life.
		"KmsKeyArn": ref("KmsKeyArn"),
		// A second release of a chart with cluster-wide objects cannot be made
		// before the first is gone.
		"KarpenterNamespace":              ref("KarpenterNamespace"),
		"LoadBalancerControllerNamespace": ref("LoadBalancerControllerNamespace"),
	}
	if m == ExistingEKS {
		fixed["ExistingClusterName"] = ref("ExistingClusterName")
	} else {
		fixed["ClusterName"] = clusterName()
	}
	return fixed
}

// newFixedAnswers adds the resource that refuses a change of those, and answers
// that cannot work in the stack's region, partition or account.
func newFixedAnswers(s awscdk.Stack, p Provider, m Mode) {
	newCustomResource(s, fixedAnswersID, contract.TypeFixedAnswers, p, contract.FixedAnswers{
		Answers:   *answersDocument(fixedAnswers(m)),
		Checked:   *answersDocument(checkedAnswers(s)),
		Partition: *ref("AWS::Partition"), Region: *ref("AWS::Region"), AccountID: *ref("AWS::AccountId"),
	})
}

// checkedAnswers are the parameters whose answers are checked by their text.
func checkedAnswers(s awscdk.Stack) map[string]*string {
	given := map[string]*string{}
	for _, name := range answers.Parameters() {
		asked, there := s.Node().TryFindChild(text(name)).(awscdk.CfnParameter)
		if !there {
			continue // not in this mode
		}
		given[name] = answerTo(asked)
	}
	return given
}

// answerTo is the answer to a parameter as text; a list is comma-joined.
func answerTo(p awscdk.CfnParameter) *string {
	name := *p.Node().Id()
	if *p.Type() == typeList {
		return joinList(",", listRef(name))
	}
	return ref(name)
}

// answersDocument is a JSON object of answers by their parameters' names.
func answersDocument(given map[string]*string) *string {
	body, variables := map[string]string{}, map[string]*string{}
	for name, value := range given {
		body[name] = "${" + name + "InUse}"
		variables[name+"InUse"] = value
	}
	return document(body, variables)
}

var (
	// checkers are the function that checks and what it needs.
	checkers = []string{"OutputsFunction", "OutputsFunctionRole", "OutputsFunctionLogGroup", "OutputsFunctionInvokeConfig"}
	// plannedFor read the plan's answers, if only in one mode, or the facts of a
	// cluster, so they wait for it anyway; saying so again is what cfn-lint calls
	// redundant.
	plannedFor = []string{
		"Network", "Cluster", "NodeGroup", "HelmInstaller", "HelmInstallerSecurityGroup", "LoadBalancerController", "LoadBalancerControllerRole",
		"NodePool", "WorkspaceOutputs",
	}
	factsFor = []string{
		oidcProviderID, "EngineRole", "CrossAccountRole", "KarpenterControllerRole", "LoadBalancerControllerRole", "InstallerRole", "HelmInstaller", "AwsAuth",
		"InstallerAccess", "ClusterCheck", "KarpenterNodeAccess", "ControlPlaneAccess", "AdminAccess",
		"KarpenterCrds", "Karpenter", "LoadBalancerController", "NodePool", "Workspace", "WorkspaceOutputs",
	}
)

// checkFirst makes every resource of the stack wait for the checks of the
// customer's account and answers, in a create and in an update: what is refused
// is refused before anything else was made or changed. Only the function that
// checks, and what it needs, goes before. What is wrong with the answers' texts is
// found without a look at the account; then comes what reads more of it, and then
// all else, but for what waits for that anyway.
func checkFirst(s awscdk.Stack, reads string, waiting []string) {
	find := func(id string) awscdk.CfnResource { return s.Node().FindChild(text(id)).(awscdk.CfnResource) }
	exempt := map[string]bool{fixedAnswersID: true, preflightID: true, reads: true}
	for _, id := range slices.Concat(checkers, waiting) {
		exempt[id] = true
	}
	dependOn(find(preflightID), find(fixedAnswersID))
	dependOn(find(reads), find(preflightID))
	for _, child := range *s.Node().Children() {
		if r, ok := child.(awscdk.CfnResource); ok && !exempt[*r.Node().Id()] {
			dependOn(r, find(reads))
		}
	}
}
