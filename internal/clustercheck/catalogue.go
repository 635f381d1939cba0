package clustercheck

// Check is a row of the documentation.
type Check struct {
	Rule Rule
	// Found is what was found, Do what to do about it, both for a person.
	Found, Do string
	// Note: it is told, and the stack goes on.
	Note bool
}

// place is where each rule stands in the catalogue.
var place = func() map[Rule]int {
	all := make(map[Rule]int, len(Catalogue))
	for i, c := range Catalogue {
		all[c.Rule] = i
	}
	return all
}()

// Words that many rows have.
const (
	chooseExisting = "Choose `Existing`."
	leaveInstall   = "Leave the answer at `Install`."
	upgradeIt      = "Upgrade it."
	nothing        = "Nothing, if it works for you."
)

// Catalogue is all that is checked, in the order in which it is told.
var Catalogue = []Check{
	{RightsMissing, "The installer's role lacks rights on the cluster", "Give its access entry the policy `AmazonEKSClusterAdminPolicy` with cluster scope, or its entry in `aws-auth` the group `system:masters`.", false},
	{Unreadable, "The API server cannot give objects of a kind, for instance because a conversion webhook is down", "Repair what the message names.", false},
	{KubernetesOld, "Kubernetes is older than Karpenter supports", "Upgrade the cluster.", false},
	{KubernetesNew, "Kubernetes is newer than this quickstart knows", nothing, true},
	{APIBroken, "An aggregated API does not answer: no namespace of the cluster can be deleted meanwhile", "Repair it, or delete its APIService.", true},
	{NamespaceEnding, "A namespace that the workspace needs is being deleted", "Wait until it is gone, or choose another.", false},
	{DebugMissing, "`DebugNamespaces` names a namespace that is not on the cluster", "Take it out of the list, or make it.", false},

	{KarpenterMissing, "`KarpenterOnCluster` is `Existing`, and there is no Karpenter", "Choose `Install`, or install Karpenter first.", false},
	{KarpenterAutoMode, "`KarpenterOnCluster` is `Existing`, and there is only EKS Auto Mode, which knows no EC2NodeClass", "Install Karpenter beside Auto Mode, or use another cluster.", false},
	{KarpenterOwn, "`KarpenterOnCluster` was changed to `Existing`, and the stack installed Karpenter itself", leaveInstall, false},
	{KarpenterSeveral, "Two Karpenter controllers act on the same NodePools", "Remove one.", false},
	{KarpenterOld, "The cluster's Karpenter is older than 1.0", upgradeIt, false},
	{KarpenterUnsuited, "Karpenter, the cluster's or the one to be installed, is too old for the cluster's Kubernetes", "Upgrade it; for one to be installed, launch a newer version of this quickstart.", false},
	{KarpenterNoV1, "Karpenter's custom resource definitions are missing, or do not serve and store the API `v1`", "Upgrade the chart `karpenter-crd` to the controller's version.", false},
	{KarpenterNotReady, "No pod of the cluster's Karpenter is ready", "Repair it.", false},
	{KarpenterRole, "`KarpenterControllerRoleName` is not the role in the annotation of the controller's service account", "Enter the role that the message names.", false},
	{KarpenterNew, "The cluster's Karpenter is of a later minor version than the one that was tested", nothing, true},
	{KarpenterNoVersion, "The version of the cluster's Karpenter cannot be read", "Make sure that it is 1.0 or later.", true},
	{KarpenterRoleUnseen, "The controller's service account names no IAM role: it may have an EKS Pod Identity association, which does not show on the cluster", "Make sure that its role may pass the nodes' role.", true},
	{KarpenterPassRole, "The controller's role is known, and `KarpenterControllerRoleName` is empty", "Give that role the policy of the output `KarpenterPassRolePolicy`, or enter its name.", true},
	{KarpenterOther, "`KarpenterOnCluster` is `Install`, and another stack of this quickstart installed Karpenter", chooseExisting, false},
	{KarpenterPresent, "`KarpenterOnCluster` is `Install`, and there is a Karpenter", chooseExisting, false},
	{KarpenterDefinitions, "`KarpenterOnCluster` is `Install`, and custom resource definitions of its chart are somebody else's, or EKS Auto Mode's", "Delete them if nobody uses them; else install Karpenter yourself and choose `Existing`.", false},
	{KarpenterNames, "`KarpenterOnCluster` is `Install`, and names that its releases need are taken", "Remove what an earlier Karpenter left, or choose `Existing`.", false},
	{NodesMissing, "`KarpenterOnCluster` is `Install`, and its two pods find no two nodes (in different zones, if there are several) that Karpenter did not make", "Add a managed node group with two nodes, without taints.", false},

	{BalancerMissing, "`LoadBalancerControllerOnCluster` is `Existing`, and there is no AWS Load Balancer Controller", "Choose `Install`, or install it first.", false},
	{BalancerOwn, "`LoadBalancerControllerOnCluster` was changed to `Existing`, and the stack installed the controller itself", leaveInstall, false},
	{BalancerOld, "The cluster's AWS Load Balancer Controller is older than 2.4", upgradeIt, false},
	{BalancerNotReady, "No pod of the cluster's AWS Load Balancer Controller is ready", "Repair it.", false},
	{BalancerNoClass, "No IngressClass has the controller `ingress.k8s.aws/alb`", "Make an IngressClass `alb`.", false},
	{BalancerNoKinds, "The controller's custom resource definitions are missing", "Apply those of its version.", false},
	{BalancerNew, "The cluster's AWS Load Balancer Controller is of a later minor version than the one that was tested", nothing, true},
	{BalancerNoVersion, "The version of the cluster's AWS Load Balancer Controller cannot be read", "Make sure that it is 2.4 or later.", true},
	{BalancerOther, "`LoadBalancerControllerOnCluster` is `Install`, and another stack of this quickstart installed it", chooseExisting, false},
	{BalancerPresent, "`LoadBalancerControllerOnCluster` is `Install`, and there is one", chooseExisting, false},
	{BalancerV1, "The AWS ALB Ingress Controller (the first version) is on the cluster", "Uninstall it, then choose `Install`.", false},
	{BalancerNames, "`LoadBalancerControllerOnCluster` is `Install`, and names that its release needs are taken", "Remove what an earlier controller left, or choose `Existing`.", false},
	{BalancerKinds, "`LoadBalancerControllerOnCluster` is `Install`, and its custom resource definitions are another Helm release's", "Install the controller yourself and choose `Existing`, or uninstall that release.", false},
	{BalancerKindsThere, "`LoadBalancerControllerOnCluster` is `Install`, and an earlier controller left its custom resource definitions, which are brought up to date", nothing, true},
	{BalancerPodSecurity, "`LoadBalancerControllerOnCluster` is `Install`, and its namespace enforces the Pod Security Standard `restricted`", "Choose another `LoadBalancerControllerNamespace`, or the level `baseline`.", false},

	{WorkspaceRelease, "There is a Helm release of the workspace's name in its namespace, of somebody else or of another stack", "Choose another `WorkspaceName` or `KubernetesNamespace`, or uninstall it.", false},
	{WorkspaceNames, "ClusterRoles, ClusterRoleBindings or ServiceAccounts of the workspace's names are somebody else's", "Choose another `WorkspaceName` or `KubernetesNamespace`, or remove them.", false},
	{PoolTaken, "The NodePool or EC2NodeClass of the workspace's name is somebody else's", "Choose another `WorkspaceName`, or remove it.", false},
	{QuotaUsedUp, "A ResourceQuota of the namespace leaves nothing for the workspace", "Raise it, or choose another `KubernetesNamespace`.", false},
	{QuotaTight, "Such a quota that has scopes, or that the workspace itself uses up", "Raise it if pods of the workspace are refused.", true},
	{LimitTooSmall, "A LimitRange of the namespace lets pods have less than 1 vCPU or 1 GiB", "Raise it, or choose another `KubernetesNamespace`.", false},
	{LimitThere, "A LimitRange of the namespace limits the size of pods", "Raise it if pods of the query engine are refused.", true},
	{PodSecurity, "The namespace enforces the Pod Security Standard `restricted`", "Lower it if pods of the query engine are refused.", true},
	{WebhookDead, "An admission webhook that must answer has no ready pod, and would refuse the workspace's objects", "Repair what is behind it, or delete its configuration.", false},
}
