package loadbalancer

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const networkClass = "service.k8s.aws/nlb"

// IsOurs tells whether the controller serves a Service. One without a class
// and without the annotation is left to the cluster's cloud provider.
func IsOurs(service *corev1.Service) bool {
	if service.DeletionTimestamp != nil || service.Spec.Type != corev1.ServiceTypeLoadBalancer {
		return false
	}
	if class := service.Spec.LoadBalancerClass; class != nil {
		return *class == networkClass
	}
	target := service.Annotations[servicePrefix+"nlb-target-type"]
	switch service.Annotations[servicePrefix+"type"] {
	case "nlb-ip":
		return true
	case "external":
		return target == "ip" || target == "instance"
	}
	return false
}

// PlanService tells what a Service needs; nothing if it is not the controller's.
// existing is the scheme of the load balancer that it has, empty if it has none.
func PlanService(cluster Cluster, service *corev1.Service, existing elb.LoadBalancerSchemeEnum) (*Stack, error) {
	stack := &Stack{Kind: OfService, Name: nameOf(service)}
	a, err := annotationsOf(service.Annotations, servicePrefix, serviceAnnotations)
	if !IsOurs(service) {
		if strings.Contains(a["attributes"], protectionFlag+"=true") {
			return nil, fmt.Errorf("deletion_protection is enabled, cannot delete the service: %s", service.Name)
		}
		return stack, nil
	}
	if err != nil {
		return nil, err
	}
	if stack.Balancer, err = networkBalancer(cluster, service, a, existing); err != nil {
		return nil, err
	}
	for _, port := range service.Spec.Ports {
		listener, err := stack.networkListener(cluster, service, a, port)
		if err != nil {
			return nil, err
		}
		stack.Listeners = append(stack.Listeners, listener)
	}
	return stack, nil
}

func networkBalancer(
	cluster Cluster, service *corev1.Service, a annotations, existing elb.LoadBalancerSchemeEnum,
) (*Balancer, error) {
	scheme, err := networkScheme(a, existing)
	if err != nil {
		return nil, err
	}
	if kind := a.text("ip-address-type", "ipv4"); kind != "ipv4" {
		return nil, refused("IPAddressType", kind, nil)
	}
	balancer := &Balancer{
		Type: elb.LoadBalancerTypeEnumNetwork, Scheme: scheme,
		Name: a.text("name", objectName(service.Namespace, service.Name,
			hash(cluster.Name, string(service.UID), string(scheme)))),
		Subnets: a.list("subnets"), Groups: a.list("security-groups"),
	}
	if len(balancer.Name) > longestName {
		return nil, fmt.Errorf("load balancer name cannot be longer than %d characters", longestName)
	}
	if balancer.Attributes, err = a.pairs("attributes"); err != nil {
		return nil, err
	}
	tags, err := a.pairs("additional-resource-tags")
	if err != nil {
		return nil, err
	}
	balancer.Tags = merge(tags, cluster.DefaultTags)
	if len(balancer.Groups) > 0 {
		balancer.BackendGroup, err = a.truth("manage-backend-security-group-rules", false)
		return balancer, err
	}
	balancer.BackendGroup = true
	balancer.Managed = &ManagedGroup{
		Name: objectName(service.Namespace, service.Name,
			hash(cluster.Name, service.Name, service.Namespace, string(service.UID))),
		Tags:    balancer.Tags,
		Inbound: networkInbound(service, a),
	}
	return balancer, nil
}

func networkScheme(a annotations, existing elb.LoadBalancerSchemeEnum) (elb.LoadBalancerSchemeEnum, error) {
	if scheme, found := a["scheme"]; found {
		return elb.LoadBalancerSchemeEnum(scheme), checkScheme(scheme)
	}
	if _, found := a["internal"]; found {
		internal, err := a.truth("internal", true)
		if !internal {
			return elb.LoadBalancerSchemeEnumInternetFacing, err
		}
		return elb.LoadBalancerSchemeEnumInternal, err
	}
	if existing != "" {
		return existing, nil
	}
	return elb.LoadBalancerSchemeEnumInternal, nil
}

func networkInbound(service *corev1.Service, a annotations) []Inbound {
	from := service.Spec.LoadBalancerSourceRanges
	if len(from) == 0 {
		from = a.list("source-ranges")
	}
	if len(from) == 0 {
		from = []string{anywhere}
	}
	var inbound []Inbound
	for _, port := range service.Spec.Ports {
		for _, block := range from {
			inbound = append(inbound, Inbound{Protocol: strings.ToLower(string(port.Protocol)), Port: port.Port, From: block})
		}
	}
	return inbound
}

func (s *Stack) networkListener(
	cluster Cluster, service *corev1.Service, a annotations, port corev1.ServicePort,
) (*Listener, error) {
	certificates := a.list("ssl-cert")
	listener := &Listener{Port: port.Port, Protocol: elb.ProtocolEnum(port.Protocol), Tags: s.Balancer.Tags}
	target := listener.Protocol
	secured := a.list("ssl-ports")
	if len(certificates) > 0 && (len(secured) == 0 || slices.Contains(secured, strconv.Itoa(int(port.Port))) ||
		slices.Contains(secured, port.Name)) {
		listener.Protocol, listener.Certificates = elb.ProtocolEnumTls, certificates
		listener.Policy = a.text("ssl-negotiation-policy", "ELBSecurityPolicy-2016-08")
		if target = elb.ProtocolEnumTcp; a["backend-protocol"] == "ssl" {
			target = elb.ProtocolEnumTls
		}
	}
	group, err := s.networkTargetGroup(cluster, service, a, port, target)
	if err != nil {
		return nil, err
	}
	listener.Default = Action{Forward: []Weighted{{TargetGroup: group}}}
	return listener, nil
}

func (s *Stack) networkTargetGroup(
	cluster Cluster, service *corev1.Service, a annotations, port corev1.ServicePort, protocol elb.ProtocolEnum,
) (string, error) {
	kind := a.text("nlb-target-type", string(elb.TargetTypeEnumInstance))
	if a["type"] == "nlb-ip" {
		kind = string(elb.TargetTypeEnumIp)
	}
	number := intstr.FromInt32(port.Port)
	group := &TargetGroup{
		ID:   fmt.Sprintf("%s:%s", nameOf(service), number.String()),
		Type: elb.TargetTypeEnum(kind), Protocol: protocol, Tags: s.Balancer.Tags,
		Service: nameOf(service), ServicePort: number,
	}
	err := group.aim(port)
	if err != nil {
		return "", err
	}
	if group.Health, err = networkHealth(service, group, a); err != nil {
		return "", err
	}
	group.Name = objectName(service.Namespace, service.Name, hash(cluster.Name, string(service.UID),
		strconv.Itoa(int(group.Port)), number.String(), kind, string(protocol), string(group.Health.Protocol),
		strconv.Itoa(int(group.Health.Interval))))
	if group.Attributes, err = a.pairs("target-group-attributes"); err != nil {
		return "", err
	}
	proxy, given := a["proxy-protocol"]
	if given && proxy != "*" {
		return "", fmt.Errorf("invalid value %s for Load Balancer proxy protocol v2 annotation, only value currently "+
			"supported is *", proxy)
	}
	if _, set := group.Attributes["proxy_protocol_v2.enabled"]; given || !set {
		group.Attributes["proxy_protocol_v2.enabled"] = strconv.FormatBool(given)
	}
	return s.targetGroup(group), nil
}

func networkHealth(service *corev1.Service, group *TargetGroup, a annotations) (HealthCheck, error) {
	protocol, port, interval, timeout, threshold := "TCP", trafficPort, int32(10), int32(10), int32(3)
	path := "/"
	local := group.Type == elb.TargetTypeEnumInstance &&
		service.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal
	if local { // kube-proxy answers there whether a pod runs on the node
		protocol, port = "HTTP", strconv.Itoa(int(service.Spec.HealthCheckNodePort))
		path, timeout, threshold = "/healthz", 6, 2
	}
	check := HealthCheck{Protocol: elb.ProtocolEnum(strings.ToUpper(a.text("healthcheck-protocol", protocol)))}
	switch check.Protocol {
	case elb.ProtocolEnumTcp:
	case elb.ProtocolEnumHttp, elb.ProtocolEnumHttps:
		check.Path = a.text("healthcheck-path", path)
		check.SuccessCodes = a.text("healthcheck-success-codes", "200-399")
	default:
		return check, errors.New("unsupported health check protocol " + string(check.Protocol))
	}
	var err error
	if check.Port, err = healthPort(service, group.Type, a.text("healthcheck-port", port)); err != nil {
		return check, err
	}
	return check, check.times(a, map[string]timing{
		"healthcheck-interval":            {&check.Interval, interval},
		"healthcheck-timeout":             {&check.Timeout, timeout},
		"healthcheck-healthy-threshold":   {&check.Healthy, threshold},
		"healthcheck-unhealthy-threshold": {&check.Unhealthy, threshold},
	})
}
