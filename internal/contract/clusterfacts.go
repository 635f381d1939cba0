package contract

// ClusterFacts are the properties of Custom::ClusterFacts: an EKS cluster of the
// customer's, about which AWS is asked. Empty entries of lists are ignored.
type ClusterFacts struct {
	// ClusterName is the EKS cluster's name, in the region of the stack.
	ClusterName string `json:"ClusterName"`
	// PrivateSubnetIDs are subnets of the cluster's VPC for functions and nodes.
	// With none, those of the cluster's own are taken that are fit.
	PrivateSubnetIDs []string `json:"PrivateSubnetIds,omitempty"`
	// HTTPSProxy is the customer's proxy. With one, subnets need no way out of
	// the VPC.
	HTTPSProxy string `json:"HttpsProxy,omitempty"`
}

// ClusterFactsData is what Fn::GetAtt can read from a Custom::ClusterFacts. None
// of it is empty.
type ClusterFactsData struct {
	ClusterArn string `json:"ClusterArn"`
	VpcID      string `json:"VpcId"`
	// FunctionSubnetIDs are 1 to 16 subnets for functions that talk to the
	// Kubernetes API: private, with a way out (or the endpoints that stand in
	// for it) and a free address. Comma-joined.
	FunctionSubnetIDs string `json:"FunctionSubnetIds"`
	// NodeSubnetIDs are where nodes are started, Zones their zones: the same,
	// full ones too. Comma-joined.
	NodeSubnetIDs string `json:"NodeSubnetIds"`
	Zones         string `json:"Zones"`
	// SecurityGroupID is the cluster security group, which EKS made: it lets
	// itself in, and the functions have it as their own.
	SecurityGroupID string `json:"SecurityGroupId"`
	// EndpointHost is the host name of the Kubernetes API.
	EndpointHost string `json:"EndpointHost"`
	// Issuer is the https URL of the cluster's OIDC issuer; without its scheme
	// it is the prefix of the keys in trust policies.
	Issuer              string `json:"Issuer"`
	IssuerWithoutScheme string `json:"IssuerWithoutScheme"`
	// AuthenticationMode is CONFIG_MAP, API_AND_CONFIG_MAP or API.
	AuthenticationMode string `json:"AuthenticationMode"`
	KubernetesVersion  string `json:"KubernetesVersion"`
	// ServiceCidr is the block of Services: of an IPv6 cluster an IPv6 one.
	ServiceCidr string `json:"ServiceCidr"`
	// AutoMode tells whether EKS Auto Mode is on (computeConfig.enabled). Then
	// EKS starts nodes by a Karpenter of its own outside the cluster, which
	// knows the NodeClass of eks.amazonaws.com and not the EC2NodeClass of our
	// NodePool, and the CRDs nodepools.karpenter.sh and nodeclaims.karpenter.sh
	// are EKS's, not to be changed
	// (eks/latest/userguide/auto-migrate-karpenter.html). So KarpenterOnCluster
	// can be Existing only when the customer runs a Karpenter beside it, and
	// must not be Install, since the chart karpenter-crd would take those CRDs.
	AutoMode bool `json:"AutoMode"`
}
