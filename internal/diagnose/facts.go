// Package diagnose makes one redacted archive of all that tells why a stack is
// as it is: for support, from a customer's account, read with read rights.
//
// Collect reads (only), Files turns what was read into the archive's files
// without I/O, and everything that goes into a file goes through the Redactor.
package diagnose

import (
	"time"

	"github.com/e6data/aws-quickstart/internal/stackevents"
)

// Facts are what was read of a stack. What could not be read is in Gaps.
type Facts struct {
	Asked Asked
	// Caller is the ARN of who asked.
	Caller string
	// Stacks are the stack itself, first, and those nested in it.
	Stacks []Stack
	// Events are those of all of them, oldest first.
	Events    []stackevents.Event
	Functions []Function
	// Logs are the newest streams of each function's log group.
	Logs    []Log
	Cluster *Cluster
	// Kubernetes is nil if the API server was not reached.
	Kubernetes *Kubernetes
	Quotas     []Quota
	Gaps       []Gap
}

// Asked is what the archive was made for, and with what.
type Asked struct {
	// Stack is a name or an ID.
	Stack, Region string
	// Tool is the version of this command.
	Tool string
	// At is the moment of the look; logs are read from Since on.
	At, Since time.Time
}

// Stack is one stack as CloudFormation describes it.
type Stack struct {
	Name, ID, Status, Reason, Description string
	Created                               time.Time
	Parameters, Outputs, Tags             []Pair
	Resources                             []Resource
}

// Pair is a parameter, an output or a tag.
type Pair struct{ Key, Value string }

// Resource is one resource of a stack.
type Resource struct{ Stack, LogicalID, Type, PhysicalID, Status, Reason string }

// Function is a Lambda function of the stack. Of its environment only the names
// are known.
type Function struct {
	LogicalID, Name, CodeSha256, Runtime, State, StateReason, LastUpdate, LastUpdateReason, LogGroup string
	Architectures, Variables                                                                         []string
	MemoryMiB, TimeoutSeconds                                                                        int32
}

// Log is one stream of a log group, oldest line first.
type Log struct {
	Group, Stream string
	Lines         []Line
	// Cut tells that older lines of it were left out.
	Cut bool
}

// Line is one log event.
type Line struct {
	At   time.Time
	Text string
}

// Cluster is what EKS says of the cluster.
type Cluster struct {
	Name, Arn, Status, Version, PlatformVersion, AuthenticationMode, VpcID, UpgradePolicy string
	PublicAccess, PrivateAccess                                                           bool
	PublicAccessCidrs, Subnets, SecurityGroups, LogTypes                                  []string
	Health                                                                                []Issue
	Addons                                                                                []Addon
	Entries                                                                               []AccessEntry
}

// Issue is a health issue that EKS tells of.
type Issue struct {
	Code, Message string
	Resources     []string
}

// Addon is an EKS add-on.
type Addon struct {
	Name, Version, Status string
	Health                []Issue
}

// AccessEntry is one principal that EKS lets in. Policies are access policies
// with their scope.
type AccessEntry struct {
	Principal, Type, User string
	Groups, Policies      []string
}

// Kubernetes is what the API server shows of the workspace's namespaces.
type Kubernetes struct {
	Version    string
	Namespaces []string
	Releases   []Release
	Pods       []Pod
	Warnings   []Warning
	Nodes      []Node
	NodeClaims []NodeClaim
	Logs       []PodLog
}

// Release is one revision of a Helm release, by its record: never its values,
// manifest or notes.
type Release struct {
	Namespace, Name, Status, Chart, ChartVersion, AppVersion, Description, Owner string
	Revision                                                                     int
	Deployed                                                                     time.Time
}

// Pod is a pod with what keeps it from being ready, nothing if nothing does.
type Pod struct {
	Namespace, Name, Phase, Node, Trouble string
	Images                                []string
	Restarts                              int32
	Created                               time.Time
}

// Warning is a Kubernetes event of type Warning.
type Warning struct {
	Namespace, Object, Reason, Message string
	Count                              int32
	At                                 time.Time
}

// Node is a node of the cluster.
type Node struct {
	Name, Version, InstanceType, Zone, NodePool, Trouble string
	Ready                                                bool
	Taints                                               []string
}

// NodeClaim is Karpenter's wish for a node.
type NodeClaim struct {
	Name, NodePool, Node, InstanceType, Trouble string
	Created                                     time.Time
}

// PodLog are the last lines of a container that is not ready.
type PodLog struct {
	Namespace, Pod, Container string
	// Previous: of the container's run before.
	Previous bool
	Lines    []string
}

// Quota is one of the account's quotas that a launch needs.
type Quota struct {
	Service, Code, Name string
	Applied             float64
}

// Gap is a part that could not be read.
type Gap struct {
	// Part is what is missing in the archive.
	Part string
	// Action is the IAM action, or the verb and resource in Kubernetes, of the
	// refused request; empty if it failed otherwise.
	Action string
	// Why is the answer, Do what helps.
	Why, Do string
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
