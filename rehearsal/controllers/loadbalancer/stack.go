package loadbalancer

import (
	"maps"
	"slices"

	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Stack is what one Service, one Ingress or one group of Ingresses needs of
// AWS. A stack without a Balancer needs nothing: what there is of it goes.
type Stack struct {
	Kind         Kind
	Name         types.NamespacedName // a group of Ingresses has no namespace
	Balancer     *Balancer
	TargetGroups []*TargetGroup
	Listeners    []*Listener
}

// Kind is the prefix of a stack's tags and labels.
type Kind string

// What stacks are made for.
const (
	OfIngress Kind = "ingress.k8s.aws"
	OfService Kind = "service.k8s.aws"
)

const clusterTag = "elbv2.k8s.aws/cluster"

// The resource IDs of what a stack has one of.
const (
	balancerID     = "LoadBalancer"
	managedGroupID = "ManagedLBSecurityGroup"
)

// ID names the stack in tags.
func (s *Stack) ID() string {
	if s.Name.Namespace == "" {
		return s.Name.Name
	}
	return s.Name.String()
}

// tags are those by which the controller finds a stack's resources again.
func (s *Stack) tags(cluster string) map[string]string {
	return map[string]string{clusterTag: cluster, string(s.Kind) + "/stack": s.ID()}
}

// resourceTags are all tags of one of the stack's resources. Tags that a user
// asks for do not get in the way of the controller's own.
func (s *Stack) resourceTags(cluster, resource string, more map[string]string) map[string]string {
	tags := maps.Clone(more)
	if tags == nil {
		tags = map[string]string{}
	}
	maps.Copy(tags, s.tags(cluster))
	tags[s.resourceTag()] = resource
	return tags
}

func (s *Stack) resourceTag() string { return string(s.Kind) + "/resource" }

// labels are those of the stack's TargetGroupBindings.
func (s *Stack) labels() map[string]string {
	if s.Name.Namespace == "" {
		return map[string]string{string(s.Kind) + "/stack": s.Name.Name}
	}
	return map[string]string{
		string(s.Kind) + "/stack-namespace": s.Name.Namespace,
		string(s.Kind) + "/stack-name":      s.Name.Name,
	}
}

// Balancer is a load balancer.
type Balancer struct {
	Name       string
	Type       elb.LoadBalancerTypeEnum
	Scheme     elb.LoadBalancerSchemeEnum
	Subnets    []string // names or IDs; empty: those with the discovery tags
	Attributes map[string]string
	Tags       map[string]string

	Groups       []string      // names or IDs of security groups that the user has
	Managed      *ManagedGroup // otherwise the group that the controller makes
	BackendGroup bool          // also the shared group, which the nodes let in
}

// ManagedGroup is a security group that lets clients in.
type ManagedGroup struct {
	Name    string
	Tags    map[string]string
	Inbound []Inbound
}

// Inbound lets in from a block of addresses to a port.
type Inbound struct {
	Protocol string
	Port     int32
	From     string
}

// TargetGroup is a target group, and the binding that fills it.
type TargetGroup struct {
	ID              string
	Name            string
	Type            elb.TargetTypeEnum
	Protocol        elb.ProtocolEnum
	ProtocolVersion string // of application load balancers only
	Port            int32
	Health          HealthCheck
	Attributes      map[string]string
	Tags            map[string]string

	Service     types.NamespacedName
	ServicePort intstr.IntOrString
	TargetPort  intstr.IntOrString
}

// HealthCheck is how targets are asked whether they are well.
type HealthCheck struct {
	Protocol           elb.ProtocolEnum
	Port               intstr.IntOrString
	Path, SuccessCodes string // of HTTP and HTTPS
	Interval, Timeout  int32  // seconds
	Healthy, Unhealthy int32
}

// Listener is a port of a load balancer.
type Listener struct {
	Port         int32
	Protocol     elb.ProtocolEnum
	Certificates []string
	Policy       string
	Default      Action
	Rules        []Rule
	Tags         map[string]string
}

// Rule sends what fits the conditions elsewhere; the first is asked first.
type Rule struct {
	Conditions []Condition
	Action     Action
	Tags       map[string]string
}

// Condition is host-header or path-pattern with the values that fit.
type Condition struct {
	Field  string
	Values []string
}

// Action is one of forward, fixed response and redirect.
type Action struct {
	Forward  []Weighted
	Fixed    *FixedResponse
	Redirect *Redirect
}

// Weighted is a share of the requests for a target group.
type Weighted struct {
	TargetGroup string // ID in the stack
	Weight      *int32
}

// FixedResponse is an answer of the load balancer itself.
type FixedResponse struct {
	StatusCode  string `json:"statusCode"`
	ContentType string `json:"contentType"`
	MessageBody string `json:"messageBody"`
}

// Redirect sends clients elsewhere; what is empty stays as it was.
type Redirect struct {
	Host, Path, Port, Protocol, Query string
	StatusCode                        string
}

// targetGroup adds a target group unless the stack has it already.
func (s *Stack) targetGroup(group *TargetGroup) string {
	if !slices.ContainsFunc(s.TargetGroups, func(have *TargetGroup) bool { return have.ID == group.ID }) {
		s.TargetGroups = append(s.TargetGroups, group)
	}
	return group.ID
}
