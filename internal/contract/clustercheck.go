package contract

// ClusterCheck are the properties of Custom::ClusterCheck: what a workspace is
// going to need of an existing EKS cluster. The resource makes nothing.
type ClusterCheck struct {
	// ClusterName is the EKS cluster's name.
	ClusterName string `json:"ClusterName"`
	// WorkspaceName is the workspace's name: also that of its Helm release and
	// of its engine's service account.
	WorkspaceName string `json:"WorkspaceName"`
	// KubernetesNamespace is the workspace's namespace.
	KubernetesNamespace string `json:"KubernetesNamespace"`
	// DebugNamespaces are the namespaces, comma-separated, in which the workspace
	// lets e6data's control plane look.
	DebugNamespaces string `json:"DebugNamespaces,omitempty"`
	// NodePoolName is the name of the workspace's NodePool and EC2NodeClass.
	NodePoolName string `json:"NodePoolName"`
	// Karpenter and LoadBalancerController say whether the cluster's own
	// controller is used (ControllerExisting) or one is going to be installed
	// (ControllerInstall).
	Karpenter              string `json:"Karpenter"`
	LoadBalancerController string `json:"LoadBalancerController"`
	// Namespaces and versions of controllers that are going to be installed.
	KarpenterNamespace              string `json:"KarpenterNamespace,omitempty"`
	KarpenterVersion                string `json:"KarpenterVersion,omitempty"`
	LoadBalancerControllerNamespace string `json:"LoadBalancerControllerNamespace,omitempty"`
	LoadBalancerControllerVersion   string `json:"LoadBalancerControllerVersion,omitempty"`
	// KarpenterControllerRoleName is the IAM role, without its path, that the
	// customer says the cluster's own Karpenter works with; empty: not said.
	KarpenterControllerRoleName string `json:"KarpenterControllerRoleName,omitempty"`
}

// Values of ClusterCheck.Karpenter and ClusterCheck.LoadBalancerController.
const (
	ControllerExisting = "Existing"
	ControllerInstall  = "Install"
)

// ClusterCheckData is what Fn::GetAtt can read from a Custom::ClusterCheck.
// Versions and namespaces of controllers are those of the cluster's own or, if
// they are going to be installed, those in the properties.
type ClusterCheckData struct {
	// KubernetesVersion is major and minor, such as 1.36.
	KubernetesVersion string `json:"KubernetesVersion"`
	// KarpenterVersion is such as 1.14.0; empty if the cluster does not say it.
	KarpenterVersion   string `json:"KarpenterVersion"`
	KarpenterNamespace string `json:"KarpenterNamespace"`
	// KarpenterControllerRoleName is the IAM role, without its path, in the
	// annotation of the service account of the cluster's own Karpenter; empty
	// if there is none.
	KarpenterControllerRoleName     string `json:"KarpenterControllerRoleName"`
	LoadBalancerControllerVersion   string `json:"LoadBalancerControllerVersion"`
	LoadBalancerControllerNamespace string `json:"LoadBalancerControllerNamespace"`
	// Notes are what is worth knowing and no reason to refuse, as sentences;
	// empty if there are none. At most 1,000 bytes: an output of a stack holds
	// no more than 1,024.
	Notes string `json:"Notes"`
}
