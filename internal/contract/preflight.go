package contract

// Preflight are the properties of Custom::Preflight: what is looked at before
// anything is made, and refused with all that is wrong in one message.
type Preflight struct {
	// Mode is one of Modes.
	Mode string `json:"Mode"`
	// Answers is a PreflightAnswers as JSON object text.
	Answers string `json:"Answers"`
	// Given are the answers to all parameters of the template, by their names, as
	// JSON object text; lists are comma-joined. Empty in the mode existing-eks.
	Given string `json:"Given,omitempty"`
}

// PreflightAnswers are the answers to a template's parameters, each under the
// parameter's name, and what the template itself decides. All are text, lists
// are comma-joined; empty: not asked in this mode, or not given.
type PreflightAnswers struct {
	WorkspaceName string `json:"WorkspaceName"`
	// ClusterName is the name in use of the cluster that is made, or of the
	// customer's own.
	ClusterName          string `json:"ClusterName"`
	KubernetesVersion    string `json:"KubernetesVersion,omitempty"`
	ClusterSupportPolicy string `json:"ClusterSupportPolicy,omitempty"`
	// NodeGroup is the managed node group.
	NodeGroupInstanceType string `json:"NodeGroupInstanceType,omitempty"`
	NodeGroupNodes        string `json:"NodeGroupNodes,omitempty"`
	NodeGroupCapacityType string `json:"NodeGroupCapacityType,omitempty"`

	NodeInstanceFamilies string `json:"NodeInstanceFamilies"`
	NodeArchitectures    string `json:"NodeArchitectures"`
	NodeCapacityTypes    string `json:"NodeCapacityTypes"`

	ExcludedAvailabilityZones   string `json:"ExcludedAvailabilityZones,omitempty"`
	AdditionalAvailabilityZones string `json:"AdditionalAvailabilityZones,omitempty"`
	NatGateways                 string `json:"NatGateways,omitempty"`
	VpcID                       string `json:"VpcId,omitempty"`
	PrivateSubnetIDs            string `json:"PrivateSubnetIds,omitempty"`
	PublicSubnetIDs             string `json:"PublicSubnetIds,omitempty"`
	HTTPSProxy                  string `json:"HttpsProxy,omitempty"`

	AdminPrincipalArn        string `json:"AdminPrincipalArn,omitempty"`
	ControlPlanePrincipalArn string `json:"ControlPlanePrincipalArn,omitempty"`
	PermissionsBoundaryArn   string `json:"PermissionsBoundaryArn,omitempty"`
	KmsKeyArn                string `json:"KmsKeyArn,omitempty"`

	ChartSource string `json:"ChartSource"`
	// Charts are the charts to install, CHART-VERSION each: the names of their
	// archives without the end.
	Charts string `json:"Charts"`

	// For an existing cluster. InstallerRoleName is the fixed name of the role
	// that this stack makes for its functions in the cluster, RolePath its path.
	InstallerRoleName           string `json:"InstallerRoleName,omitempty"`
	RolePath                    string `json:"RolePath,omitempty"`
	ClusterAdminRoleArn         string `json:"ClusterAdminRoleArn,omitempty"`
	AllowAuthModeChange         string `json:"AllowAuthModeChange,omitempty"`
	KarpenterControllerRoleName string `json:"KarpenterControllerRoleName,omitempty"`
}

// PreflightData is what Fn::GetAtt can read from a Custom::Preflight: nothing.
type PreflightData struct{}
