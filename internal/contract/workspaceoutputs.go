package contract

import "encoding/json"

// WorkspaceOutputs are the properties of Custom::WorkspaceOutputs: what the
// e6data console needs to know of a finished workspace.
type WorkspaceOutputs struct {
	// ConsoleHost is the host name of the e6data console.
	ConsoleHost string `json:"ConsoleHost"`
	// Config is the workspace's description as one JSON object text: the same
	// text as the stack's output WorkspaceConfig.
	Config string `json:"Config"`
	// CallbackURL is an https address that Config is posted to; empty: nowhere.
	CallbackURL string `json:"CallbackUrl,omitempty"`
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
	// Callback is a sentence that says whether the description was posted;
	// empty without a CallbackURL.
	Callback string `json:"Callback"`
}

// Callback is the JSON object that is posted to WorkspaceOutputs.CallbackURL.
type Callback struct {
	// Workspace is WorkspaceOutputs.Config.
	Workspace json.RawMessage `json:"workspace"`
	// StackID is the ARN of the stack.
	StackID string `json:"stackId"`
	// Proof proves that an IAM role of the stack's account sent it.
	Proof CallbackProof `json:"proof"`
}

// CallbackProof is a presigned request of STS GetCallerIdentity. Before it is
// sent, look whether the URL's host is one of STS: https://sts.REGION.amazonaws.com
// (amazonaws.com.cn in China).
type CallbackProof struct {
	// URL is for a GET within 15 minutes.
	URL string `json:"url"`
	// Headers must be sent with it. x-e6data-callback-host is the host, and port,
	// that was posted to: refuse another's.
	Headers map[string]string `json:"headers"`
}
