package loadbalancer

import (
	"fmt"

	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
)

var (
	bindings      = schema.GroupVersionResource{Group: "elbv2.k8s.aws", Version: "v1beta1", Resource: "targetgroupbindings"}
	classSettings = schema.GroupVersionResource{Group: "elbv2.k8s.aws", Version: "v1beta1", Resource: "ingressclassparams"}
)

// Binding is a TargetGroupBinding: it keeps a Service's pods or the nodes registered in a target group.
type Binding struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              BindingSpec   `json:"spec"`
	Status            BindingStatus `json:"status"`
}

// BindingSpec is a TargetGroupBinding's spec.
type BindingSpec struct {
	TargetGroupARN      string           `json:"targetGroupARN"`
	TargetType          string           `json:"targetType,omitempty"`
	TargetGroupProtocol string           `json:"targetGroupProtocol,omitempty"`
	ServiceRef          ServiceReference `json:"serviceRef"`
	Networking          *Networking      `json:"networking,omitempty"`
	IPAddressType       string           `json:"ipAddressType,omitempty"`
	VPC                 string           `json:"vpcID,omitempty"`
}

// ServiceReference names a port of a Service.
type ServiceReference struct {
	Name string             `json:"name"`
	Port intstr.IntOrString `json:"port"`
}

// Networking says who must be let in to the targets.
type Networking struct {
	Ingress []NetworkingRule `json:"ingress,omitempty"`
}

// NetworkingRule lets peers in to ports; none means all TCP ports.
type NetworkingRule struct {
	From  []NetworkingPeer `json:"from"`
	Ports []NetworkingPort `json:"ports"`
}

// NetworkingPeer is a security group or a block of addresses.
type NetworkingPeer struct {
	SecurityGroup *SecurityGroupPeer `json:"securityGroup,omitempty"`
	IPBlock       *IPBlockPeer       `json:"ipBlock,omitempty"`
}

// SecurityGroupPeer is a security group.
type SecurityGroupPeer struct {
	GroupID string `json:"groupID"`
}

// IPBlockPeer is a block of addresses.
type IPBlockPeer struct {
	CIDR string `json:"cidr"`
}

// NetworkingPort is a port of the targets; a name is one of the pods' ports.
type NetworkingPort struct {
	Protocol string              `json:"protocol,omitempty"`
	Port     *intstr.IntOrString `json:"port,omitempty"`
}

// BindingStatus is a TargetGroupBinding's status.
type BindingStatus struct {
	ObservedGeneration *int64 `json:"observedGeneration,omitempty"`
}

func bindingFrom(object any) (*Binding, error) {
	from, ok := object.(*unstructured.Unstructured)
	if !ok {
		return nil, fmt.Errorf("not a TargetGroupBinding: %T", object)
	}
	binding := new(Binding)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(from.Object, binding); err != nil {
		return nil, fmt.Errorf("read TargetGroupBinding %s: %w", nameOf(from), err)
	}
	return binding, nil
}

func (b *Binding) unstructured() (*unstructured.Unstructured, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(b)
	if err != nil {
		return nil, fmt.Errorf("write TargetGroupBinding %s: %w", nameOf(b), err)
	}
	return &unstructured.Unstructured{Object: content}, nil
}

// binding is what fills a target group whose ARN and shared security group, if it has one, are known.
func (s *Stack) binding(group *TargetGroup, arn, vpc, backendGroup string) *Binding {
	return &Binding{
		TypeMeta:   metav1.TypeMeta{APIVersion: bindings.GroupVersion().String(), Kind: "TargetGroupBinding"},
		ObjectMeta: metav1.ObjectMeta{Namespace: group.Service.Namespace, Name: group.Name, Labels: s.labels()},
		Spec: BindingSpec{
			TargetGroupARN: arn, TargetType: string(group.Type), TargetGroupProtocol: string(group.Protocol),
			ServiceRef: ServiceReference{Name: group.Service.Name, Port: group.ServicePort},
			Networking: group.networking(backendGroup), IPAddressType: "ipv4", VPC: vpc,
		},
	}
}

// networking lets the shared security group in to the targets' port and to that of the health checks.
func (g *TargetGroup) networking(backendGroup string) *Networking {
	if backendGroup == "" {
		return nil
	}
	port := g.TargetPort
	protocols := []string{"TCP"}
	switch g.Protocol {
	case elb.ProtocolEnumUdp, elb.ProtocolEnumTcpUdp:
		protocols = []string{"UDP", "TCP"}
	default:
	}
	var ports []NetworkingPort
	for _, protocol := range protocols {
		ports = append(ports, NetworkingPort{Protocol: protocol, Port: &port})
	}
	if health := g.Health.Port; health.String() != trafficPort && health != port {
		ports = append(ports, NetworkingPort{Protocol: "TCP", Port: &health})
	}
	peer := NetworkingPeer{SecurityGroup: &SecurityGroupPeer{GroupID: backendGroup}}
	return &Networking{Ingress: []NetworkingRule{{From: []NetworkingPeer{peer}, Ports: ports}}}
}

// ClassParams are the settings of an IngressClassParams object, as annotations of its Ingresses.
type ClassParams struct {
	Spec struct {
		Group *struct {
			Name string `json:"name"`
		} `json:"group"`
		Scheme                 string   `json:"scheme"`
		IPAddressType          string   `json:"ipAddressType"`
		Tags                   []pair   `json:"tags"`
		LoadBalancerAttributes []pair   `json:"loadBalancerAttributes"`
		TargetType             string   `json:"targetType"`
		CertificateArn         []string `json:"certificateArn"`
		SSLPolicy              string   `json:"sslPolicy"`
		InboundCIDRs           []string `json:"inboundCIDRs"`
		LoadBalancerName       string   `json:"loadBalancerName"`
		Subnets                *struct {
			IDs []string `json:"ids"`
		} `json:"subnets"`
	} `json:"spec"`
}

type pair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}
