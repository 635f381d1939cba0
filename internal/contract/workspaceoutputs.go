package contract

// WorkspaceOutputs are the properties of Custom::WorkspaceOutputs: what the
// e6data console needs to know of a finished workspace.
type WorkspaceOutputs struct {
	// ConsoleHost is the host name of the e6data console.
	ConsoleHost string `json:"ConsoleHost"`
	// Config is the workspace's description as one JSON object text: the same
	// text as the stack's output WorkspaceConfig.
	Config string `json:"Config"`
}

// WorkspaceConfig is the JSON object in WorkspaceOutputs.Config and in the
// stack's output WorkspaceConfig, to be pasted once into the e6data console.
type WorkspaceConfig struct {
	WorkspaceName         string `json:"workspaceName"`
	Region                string `json:"region"`
	WorkspaceBucketName   string `json:"workspaceBucketName"`
	CrossAccountRoleArn   string `json:"crossAccountRoleArn"`
	ExternalID            string `json:"externalId"`
	ClusterName           string `json:"clusterName"`
	KubernetesNamespace   string `json:"kubernetesNamespace"`
	NodePoolName          string `json:"nodePoolName"`
	NodeClassName         string `json:"nodeClassName"`
	KarpenterNodeRoleName string `json:"karpenterNodeRoleName"`
	KarpenterNodeRoleArn  string `json:"karpenterNodeRoleArn"`
	EngineRoleArn         string `json:"engineRoleArn"`
	VpcID                 string `json:"vpcId"`
	SubnetIDs             string `json:"subnetIds"` // comma-joined
	OidcProviderArn       string `json:"oidcProviderArn"`
}

// WorkspaceOutputsData is what Fn::GetAtt can read from a
// Custom::WorkspaceOutputs.
type WorkspaceOutputsData struct {
	// ConsoleURL opens the console with the workspace's fields filled in. The
	// external ID is not in it: a link ends up in browser histories and logs.
	ConsoleURL string `json:"ConsoleUrl"`
}
