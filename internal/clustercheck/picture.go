package clustercheck

import (
	admission "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6data/aws-quickstart/internal/release"
)

// Picture is what was seen on a cluster, as far as a Want asks for it.
type Picture struct {
	// Version is the API server's, such as v1.36.3-eks-0a1b2c3.
	Version string
	// Lacks are the rights that the installer's role does not have, and needs.
	Lacks []Right
	// Unseen has each resource, such as deployments.apps, that could not be
	// read for want of a right: whatever depends on it is not known.
	Unseen map[string]bool
	// Unreadable are resources, such as nodepools.karpenter.sh, that the API
	// server could not give, and why.
	Unreadable map[string]string
	// BrokenAPIs are the aggregated APIs that do not answer.
	BrokenAPIs []BrokenAPI
	// Definitions are the custom resource definitions looked for, by name.
	Definitions map[string]Definition
	// Deployments are those of the controllers looked for.
	Deployments []Deployment
	// Records has the owner of each release looked for, by its newest record.
	Records map[release.Target]release.Owner
	// Objects are the claims that exist.
	Objects map[claim]Marks
	// AutoMode: some NodePool has a NodeClass of EKS Auto Mode.
	AutoMode bool
	// Nodes are the Linux nodes that Karpenter did not make. Reading stops
	// when there are enough.
	Nodes []Node
	// Namespaces are those of the Want that exist, by name.
	Namespaces map[string]core.Namespace
	// Quotas and Limits are those of the workspace's namespace.
	Quotas []core.ResourceQuota
	Limits []core.LimitRange
	// IngressControllers are the names of the IngressClasses of each
	// controller, such as ingress.k8s.aws/alb.
	IngressControllers map[string][]string
	// DeadWebhooks must answer and have nobody behind them.
	DeadWebhooks []Webhook
}

// Right is one that Kubernetes gives or refuses.
type Right struct {
	Verb, Resource string // Resource is such as deployments.apps
}

func (r Right) String() string { return r.Verb + " " + r.Resource }

// BrokenAPI is an APIService that is not available.
type BrokenAPI struct {
	Name   string // such as v1beta1.external.metrics.k8s.io
	Reason string
}

// Definition is a custom resource definition.
type Definition struct {
	// Served are the versions that the API server serves, Storage the one in
	// which it writes.
	Served  []string
	Storage string
	Marks   Marks
}

// Marks say to whom an object belongs.
type Marks struct {
	// Release is the Helm release that the object is part of; zero if Helm did
	// not make it.
	Release release.Target
	// Maker is the program that first wrote the object's fields, such as
	// kubectl-client-side-apply; empty if the object does not say.
	Maker string
}

// Part is one of the controllers looked for.
type Part string

// The parts.
const (
	Karpenter    Part = "Karpenter"
	LoadBalancer Part = "AWS Load Balancer Controller"
	// OldIngress is the controller's first version, which is another program.
	OldIngress Part = "AWS ALB Ingress Controller"
)

// Deployment is a controller's.
type Deployment struct {
	Part            Part
	Namespace, Name string
	// Version is such as 1.14.0; empty if neither image nor labels say it.
	Version string
	// Replicas is how many pods are wanted, Ready how many are.
	Replicas, Ready int32
	ServiceAccount  string
	// RoleARN is the IAM role in the service account's annotation; empty if
	// there is none. An EKS Pod Identity association does not show here.
	RoleARN string
	Marks   Marks
}

func (d Deployment) String() string { return d.Namespace + "/" + d.Name }

// Node is one that Karpenter did not make.
type Node struct {
	Zone string
	// Usable: Ready, not cordoned, and without taints that a controller does
	// not tolerate.
	Usable bool
}

// Webhook is an admission webhook with the failure policy Fail whose Service
// has no ready endpoint.
type Webhook struct {
	// Configuration is kind and name, such as "MutatingWebhookConfiguration x".
	Configuration string
	// Service is a Service's namespace and name.
	Service release.Target
	Marks   Marks
	// Rules, and whom they are for.
	Rules      []admission.RuleWithOperations
	Namespaces *metav1.LabelSelector
	Objects    *metav1.LabelSelector
}
