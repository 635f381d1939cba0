package contract

// AWSAuth are the properties of Custom::AWSAuth: the way of one IAM principal
// into an existing EKS cluster, by an access entry or, on clusters of the
// authentication mode CONFIG_MAP, by an entry in the ConfigMap
// kube-system/aws-auth.
type AWSAuth struct {
	// ClusterName is the EKS cluster's name, in the region of the stack.
	ClusterName string `json:"ClusterName"`
	// PrincipalArn is the IAM role or user to let in, with its path. Another
	// one is another physical ID.
	PrincipalArn string `json:"PrincipalArn"`
	// Grant is what it may do: GrantAdministrator, GrantUser or GrantNode.
	Grant string `json:"Grant"`
	// Username is the Kubernetes user's name. GrantUser needs it;
	// GrantAdministrator may have it, and takes any if it is empty; GrantNode
	// has a name of its own.
	Username string `json:"Username,omitempty"`
	// AllowAuthModeChange lets a cluster of the mode CONFIG_MAP that does not
	// know the function's role be switched to API_AND_CONFIG_MAP. EKS cannot
	// switch it back.
	AllowAuthModeChange bool `json:"AllowAuthModeChange,omitempty"`
	// ClusterAdminRoleArn is a role that the cluster knows as an administrator,
	// and that the function's role may assume; empty: there is none.
	ClusterAdminRoleArn string `json:"ClusterAdminRoleArn,omitempty"`
}

// Values of AWSAuth.Grant.
const (
	// GrantAdministrator is every right on the whole cluster: the access policy
	// AmazonEKSClusterAdminPolicy, or the group system:masters.
	GrantAdministrator = "Administrator"
	// GrantUser is a name without rights of its own: RBAC on the cluster, such
	// as the workspace chart's, gives them.
	GrantUser = "User"
	// GrantNode is what EC2 instances need to join as nodes: an access entry of
	// the type EC2_LINUX, or the groups system:bootstrappers and system:nodes.
	GrantNode = "Node"
)

// AWSAuthData is what Fn::GetAtt can read from a Custom::AWSAuth.
type AWSAuthData struct {
	// Method is MethodAccessEntry or MethodConfigMap.
	Method string `json:"Method"`
	// Username is the Kubernetes user's name, which may have a template such as
	// {{SessionName}} in it.
	Username string `json:"Username"`
}

// Values of AWSAuthData.Method.
const (
	MethodAccessEntry = "AccessEntry"
	MethodConfigMap   = "ConfigMap"
)
