package loadbalancer

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const (
	trafficPort = "traffic-port"
	useAction   = "use-annotation" // the port of a backend that is an action's name
)

// action is what a backend of an Ingress says: a Service, or the name of an action in an annotation.
func (p *ingressPlan) action(member *Member, backend networkingv1.IngressBackend) (Action, error) {
	if backend.Service == nil {
		return Action{}, errors.New("missing required \"service\" field")
	}
	if backend.Service.Port.Name == useAction {
		return p.annotated(member, backend.Service.Name)
	}
	port := intstr.FromInt32(backend.Service.Port.Number)
	if backend.Service.Port.Name != "" {
		port = intstr.FromString(backend.Service.Port.Name)
	}
	group, err := p.targetGroup(member, backend.Service.Name, port)
	if err != nil {
		return Action{}, err
	}
	return Action{Forward: []Weighted{{TargetGroup: group}}}, nil
}

// annotatedAction is the JSON of an annotation actions.NAME.
type annotatedAction struct {
	Type                string         `json:"type"`
	FixedResponseConfig *FixedResponse `json:"fixedResponseConfig"`
	RedirectConfig      *Redirect      `json:"redirectConfig"`
	ForwardConfig       *struct {
		TargetGroups []struct {
			ServiceName    string             `json:"serviceName"`
			ServicePort    intstr.IntOrString `json:"servicePort"`
			TargetGroupARN string             `json:"targetGroupARN"`
			Weight         *int32             `json:"weight"`
		} `json:"targetGroups"`
	} `json:"forwardConfig"`
}

func (p *ingressPlan) annotated(member *Member, name string) (Action, error) {
	text, found := member.annotations["actions."+name]
	if !found {
		return Action{}, fmt.Errorf("missing actions.%s configuration", name)
	}
	var written annotatedAction
	if err := json.Unmarshal([]byte(text), &written); err != nil {
		return Action{}, fmt.Errorf("failed to parse json annotation, %sactions.%s: %s: %w", ingressPrefix, name, text, err)
	}
	switch {
	case written.Type == "fixed-response" && written.FixedResponseConfig != nil:
		return Action{Fixed: written.FixedResponseConfig}, nil
	case written.Type == "redirect" && written.RedirectConfig != nil:
		return Action{Redirect: written.RedirectConfig}, nil
	case written.Type == "forward" && written.ForwardConfig != nil:
		var action Action
		for _, target := range written.ForwardConfig.TargetGroups {
			if target.TargetGroupARN != "" {
				return Action{}, refused("a target group of one's own in action", name, nil)
			}
			group, err := p.targetGroup(member, target.ServiceName, target.ServicePort)
			if err != nil {
				return Action{}, err
			}
			action.Forward = append(action.Forward, Weighted{TargetGroup: group, Weight: target.Weight})
		}
		return action, nil
	}
	return Action{}, refused("action type", written.Type, nil)
}

func (p *ingressPlan) targetGroup(member *Member, service string, port intstr.IntOrString) (string, error) {
	name := types.NamespacedName{Namespace: member.Ingress.Namespace, Name: service}
	found := p.services(name)
	if found == nil {
		return "", fmt.Errorf("backend service not found: services %q not found", service)
	}
	servicePort, err := lookUpPort(found, port)
	if err != nil {
		return "", err
	}
	own, err := annotationsOf(found.Annotations, ingressPrefix, ingressAnnotations)
	if err != nil {
		return "", err
	}
	settings := member.annotations.with(own) // a Service's own annotations count more
	group := &TargetGroup{
		ID:              fmt.Sprintf("%s-%s:%s", nameOf(member.Ingress), service, port.String()),
		Type:            elb.TargetTypeEnum(settings.text("target-type", string(elb.TargetTypeEnumInstance))),
		Protocol:        elb.ProtocolEnum(settings.text("backend-protocol", string(elb.ProtocolEnumHttp))),
		ProtocolVersion: settings.text("backend-protocol-version", "HTTP1"),
		Service:         name, ServicePort: port,
	}
	if err := group.aim(servicePort); err != nil {
		return "", err
	}
	group.Name = objectName(name.Namespace, name.Name, hash(p.cluster.Name, p.stack.ID(), member.Ingress.Namespace,
		member.Ingress.Name, string(found.UID), port.String(), strconv.Itoa(int(group.Port)), string(group.Type),
		string(group.Protocol), group.ProtocolVersion))
	if group.Health, err = ingressHealth(found, group, settings); err != nil {
		return "", err
	}
	if group.Attributes, err = settings.pairs("target-group-attributes"); err != nil {
		return "", err
	}
	tags, err := settings.pairs("tags")
	if err != nil {
		return "", err
	}
	group.Tags = merge(tags, p.cluster.DefaultTags)
	return p.stack.targetGroup(group), nil
}

// aim sets the port of the targets: the pods', or the nodes'.
func (g *TargetGroup) aim(port corev1.ServicePort) error {
	switch g.Type {
	case elb.TargetTypeEnumIp:
		g.TargetPort = port.TargetPort
		// A named port differs from pod to pod; the group's port then is a placeholder.
		if g.Port = port.TargetPort.IntVal; port.TargetPort.Type == intstr.String {
			g.Port = 1
		}
		if g.Port == 0 {
			return errors.New("TargetGroup port is empty. Are you using the correct service type?")
		}
	case elb.TargetTypeEnumInstance:
		g.Port, g.TargetPort = port.NodePort, intstr.FromInt32(port.NodePort)
		if g.Port == 0 {
			return errors.New("TargetGroup port is empty. When using Instance targets, your service be must of type " +
				"'NodePort' or 'LoadBalancer'")
		}
	default:
		return fmt.Errorf("unknown targetType: %s", g.Type)
	}
	return nil
}

func lookUpPort(service *corev1.Service, port intstr.IntOrString) (corev1.ServicePort, error) {
	for _, have := range service.Spec.Ports {
		if port.Type == intstr.String && have.Name == port.StrVal || port.Type == intstr.Int && have.Port == port.IntVal {
			return have, nil
		}
	}
	return corev1.ServicePort{}, fmt.Errorf("unable to find port %s on service %s", port.String(), nameOf(service))
}

func ingressHealth(service *corev1.Service, group *TargetGroup, a annotations) (HealthCheck, error) {
	path, codes := "/", "200"
	if group.ProtocolVersion == "GRPC" {
		path, codes = "/AWS.ALB/healthcheck", "12"
	}
	check := HealthCheck{
		Protocol:     elb.ProtocolEnum(a.text("healthcheck-protocol", string(group.Protocol))),
		Path:         a.text("healthcheck-path", path),
		SuccessCodes: a.text("success-codes", codes),
	}
	port, err := healthPort(service, group.Type, a.text("healthcheck-port", trafficPort))
	if err != nil {
		return check, err
	}
	check.Port = port
	return check, check.times(a, map[string]timing{
		"healthcheck-interval-seconds": {&check.Interval, 15},
		"healthcheck-timeout-seconds":  {&check.Timeout, 5},
		"healthy-threshold-count":      {&check.Healthy, 2},
		"unhealthy-threshold-count":    {&check.Unhealthy, 2},
	})
}

type timing struct {
	field     *int32
	otherwise int32
}

func (c *HealthCheck) times(a annotations, timings map[string]timing) error {
	for name, t := range timings {
		var err error
		if *t.field, err = a.number(name, t.otherwise); err != nil {
			return err
		}
	}
	return nil
}

func healthPort(service *corev1.Service, target elb.TargetTypeEnum, text string) (intstr.IntOrString, error) {
	port := intstr.Parse(text)
	if text == trafficPort || port.Type == intstr.Int {
		return port, nil
	}
	found, err := lookUpPort(service, port)
	if err != nil {
		return port, fmt.Errorf("failed to resolve healthCheckPort: %w", err)
	}
	if target == elb.TargetTypeEnumInstance {
		return intstr.FromInt32(found.NodePort), nil
	}
	if found.TargetPort.Type == intstr.String {
		return port, errors.New("cannot use named healthCheckPort for IP TargetType when service's targetPort is a named port")
	}
	return found.TargetPort, nil
}
