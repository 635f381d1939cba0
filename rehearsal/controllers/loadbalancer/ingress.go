package loadbalancer

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Cluster is what every stack of a cluster is planned with.
type Cluster struct {
	Name        string
	DefaultTags map[string]string
}

// Services finds Services; nil when there is none of that name.
type Services func(types.NamespacedName) *corev1.Service

// Member is an Ingress of a group, with the settings of its class.
type Member struct {
	Ingress *networkingv1.Ingress
	Class   ClassParams

	annotations annotations
}

const (
	anywhere       = "0.0.0.0/0"
	longestName    = 32
	protectionFlag = "deletion_protection.enabled"
)

// ingressPlan builds the stack of one group of Ingresses.
type ingressPlan struct {
	cluster  Cluster
	services Services
	members  []*Member
	stack    *Stack
}

// PlanIngresses tells what a group of Ingresses needs. A group without members
// needs nothing. The members are in the order in which their rules are asked.
func PlanIngresses(cluster Cluster, group types.NamespacedName, members []*Member, services Services) (*Stack, error) {
	p := &ingressPlan{cluster: cluster, services: services, members: members, stack: &Stack{Kind: OfIngress, Name: group}}
	if len(members) == 0 {
		return p.stack, nil
	}
	for _, member := range members {
		var err error
		member.annotations, err = annotationsOf(member.Ingress.Annotations, ingressPrefix, ingressAnnotations)
		if err != nil {
			return nil, err
		}
		member.Class.over(member.annotations)
	}
	ports, err := p.listeners()
	if err != nil {
		return nil, err
	}
	if p.stack.Balancer, err = p.balancer(ports); err != nil {
		return nil, err
	}
	return p.stack, nil
}

// same gives the one value of an annotation that the members agree on.
func (p *ingressPlan) same(name, what, otherwise string) (string, error) {
	var values []string
	for _, member := range p.members {
		if value, found := member.annotations[name]; found && !slices.Contains(values, value) {
			values = append(values, value)
		}
	}
	switch len(values) {
	case 0:
		return otherwise, nil
	case 1:
		return values[0], nil
	}
	return "", fmt.Errorf("conflicting %s: %v", what, values)
}

func (p *ingressPlan) merged(name, what string) (map[string]string, error) {
	all := map[string]string{}
	for _, member := range p.members {
		pairs, err := member.annotations.pairs(name)
		if err != nil {
			return nil, err
		}
		for key, value := range pairs {
			if have, found := all[key]; found && have != value {
				return nil, fmt.Errorf("conflicting %s %v: %v | %v", what, key, have, value)
			}
			all[key] = value
		}
	}
	return all, nil
}

func (p *ingressPlan) balancer(ports []*port) (*Balancer, error) {
	scheme, err := p.same("scheme", "scheme", string(elb.LoadBalancerSchemeEnumInternal))
	if err != nil {
		return nil, err
	}
	balancer := &Balancer{Type: elb.LoadBalancerTypeEnumApplication, Scheme: elb.LoadBalancerSchemeEnum(scheme)}
	if err := checkScheme(scheme); err != nil {
		return nil, err
	}
	if kind, err := p.same("ip-address-type", "IPAddressType", "ipv4"); err != nil || kind != "ipv4" {
		return nil, refused("IPAddressType", kind, err)
	}
	name := stackName(p.stack.Name.Namespace, p.stack.Name.Name, hash(p.cluster.Name, p.stack.ID(), scheme))
	if balancer.Name, err = p.same("load-balancer-name", "load balancer name", name); err != nil {
		return nil, err
	}
	if len(balancer.Name) > longestName {
		return nil, fmt.Errorf("load balancer name cannot be longer than %d characters", longestName)
	}
	if balancer.Attributes, err = p.merged("load-balancer-attributes", "loadBalancerAttributes"); err != nil {
		return nil, err
	}
	tags, err := p.merged("tags", "tag")
	if err != nil {
		return nil, err
	}
	balancer.Tags = merge(tags, p.cluster.DefaultTags)
	subnets, err := p.same("subnets", "subnets", "")
	if err != nil {
		return nil, err
	}
	balancer.Subnets = annotations{"subnets": subnets}.list("subnets")
	return balancer, p.securityGroups(balancer, ports)
}

func (p *ingressPlan) securityGroups(balancer *Balancer, ports []*port) error {
	names, err := p.same("security-groups", "securityGroups", "")
	if err != nil {
		return err
	}
	if balancer.Groups = (annotations{"": names}).list(""); len(balancer.Groups) > 0 {
		manage, err := p.same("manage-backend-security-group-rules", "manage backend security group rules", "false")
		balancer.BackendGroup = manage == "true"
		return err
	}
	balancer.BackendGroup = true
	balancer.Managed = &ManagedGroup{
		Name: stackName(p.stack.Name.Namespace, p.stack.Name.Name, hash(p.cluster.Name, p.stack.ID())),
		Tags: balancer.Tags,
	}
	for _, port := range ports {
		from := port.from
		if len(from) == 0 {
			from = []string{anywhere}
		}
		for _, block := range from {
			balancer.Managed.Inbound = append(balancer.Managed.Inbound, Inbound{Protocol: "tcp", Port: port.number, From: block})
		}
	}
	return nil
}

func checkScheme(scheme string) error {
	if scheme != string(elb.LoadBalancerSchemeEnumInternal) && scheme != string(elb.LoadBalancerSchemeEnumInternetFacing) {
		return fmt.Errorf("unknown scheme: %s", scheme)
	}
	return nil
}

func refused(what, value string, err error) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("%s %s is not played by this stand-in for the AWS Load Balancer Controller", what, value)
}

// merge gives tags with top laid over them.
func merge(tags, top map[string]string) map[string]string {
	return annotations(tags).with(top)
}

// port is a listener to be, and whose rules it has.
type port struct {
	number       int32
	protocol     elb.ProtocolEnum
	certificates []string
	policy       string
	from         []string
	members      []*Member
}

func (p *ingressPlan) listeners() ([]*port, error) {
	ports, err := p.ports()
	if err != nil {
		return nil, err
	}
	redirect, err := p.same("ssl-redirect", "sslRedirect", "")
	if err != nil {
		return nil, err
	}
	for _, port := range ports {
		listener, err := p.listener(port, redirect)
		if err != nil {
			return nil, err
		}
		p.stack.Listeners = append(p.stack.Listeners, listener)
	}
	return ports, nil
}

func (p *ingressPlan) ports() ([]*port, error) {
	var ports []*port
	for _, member := range p.members {
		own, err := member.ports()
		if err != nil {
			return nil, fmt.Errorf("ingress: %s: %w", nameOf(member.Ingress), err)
		}
		for _, new := range own {
			at := slices.IndexFunc(ports, func(have *port) bool { return have.number == new.number })
			if at < 0 {
				ports = append(ports, new)
				continue
			}
			if ports[at].protocol != new.protocol {
				return nil, fmt.Errorf("failed to merge listenPort config for port: %d: conflicting protocol, %s | %s",
					new.number, ports[at].protocol, new.protocol)
			}
			ports[at].members = append(ports[at].members, member)
			ports[at].certificates = union(ports[at].certificates, new.certificates)
			ports[at].from = union(ports[at].from, new.from)
		}
	}
	slices.SortFunc(ports, func(a, b *port) int { return int(a.number - b.number) })
	return ports, nil
}

func union(a, b []string) []string {
	for _, item := range b {
		if !slices.Contains(a, item) {
			a = append(a, item)
		}
	}
	return a
}

func (m *Member) ports() ([]*port, error) {
	certificates := m.annotations.list("certificate-arn")
	standard := `[{"HTTP": 80}]`
	if len(certificates) > 0 {
		standard = `[{"HTTPS": 443}]`
	}
	text := m.annotations.text("listen-ports", standard)
	var entries []map[string]int32
	if err := json.Unmarshal([]byte(text), &entries); err != nil {
		return nil, fmt.Errorf("failed to parse listen-ports configuration: `%s`: %w", text, err)
	}
	from, err := m.inboundBlocks()
	if err != nil {
		return nil, err
	}
	var ports []*port
	for _, entry := range entries {
		for protocol, number := range entry {
			p := &port{number: number, protocol: elb.ProtocolEnum(protocol), from: from, members: []*Member{m}}
			if err := p.complete(m.annotations, certificates); err != nil {
				return nil, err
			}
			ports = append(ports, p)
		}
	}
	if len(ports) == 0 {
		return nil, fmt.Errorf("empty listen-ports configuration: `%s`", text)
	}
	return ports, nil
}

func (m *Member) inboundBlocks() ([]string, error) {
	blocks := m.annotations.list("inbound-cidrs")
	for _, block := range blocks {
		if _, err := netip.ParsePrefix(block); err != nil {
			return nil, fmt.Errorf("invalid inbound-cidrs settings on Ingress: %w", err)
		}
	}
	return blocks, nil
}

// complete checks a port, and gives it the settings of TLS if its protocol has them.
func (p *port) complete(from annotations, certificates []string) error {
	if p.number < 1 || p.number > 65535 {
		return fmt.Errorf("listen port must be within [1, 65535]: %d", p.number)
	}
	switch p.protocol {
	case elb.ProtocolEnumHttp:
		return nil
	case elb.ProtocolEnumHttps:
		if len(certificates) == 0 {
			return refused("certificate discovery, without the annotation certificate-arn,", "", nil)
		}
		p.certificates, p.policy = certificates, from.text("ssl-policy", "ELBSecurityPolicy-2016-08")
		return nil
	default:
		return fmt.Errorf("listen protocol must be within [HTTP, HTTPS]: %s", p.protocol)
	}
}

func (p *ingressPlan) listener(port *port, redirect string) (*Listener, error) {
	listener := &Listener{
		Port: port.number, Protocol: port.protocol, Certificates: port.certificates, Policy: port.policy,
		Tags:    p.cluster.DefaultTags,
		Default: Action{Fixed: &FixedResponse{StatusCode: "404", ContentType: "text/plain"}},
	}
	if redirect != "" && port.protocol == elb.ProtocolEnumHttp {
		listener.Default = Action{Redirect: &Redirect{Port: redirect, Protocol: "HTTPS", StatusCode: "HTTP_301"}}
		return listener, nil
	}
	for _, member := range port.members {
		if backend := member.Ingress.Spec.DefaultBackend; backend != nil {
			action, err := p.action(member, *backend)
			if err != nil {
				return nil, fmt.Errorf("ingress: %s: %w", nameOf(member.Ingress), err)
			}
			listener.Default = action
		}
		for _, rule := range member.Ingress.Spec.Rules {
			if rule.HTTP == nil {
				continue
			}
			rules, err := p.rules(member, rule)
			if err != nil {
				return nil, fmt.Errorf("ingress: %s: %w", nameOf(member.Ingress), err)
			}
			listener.Rules = append(listener.Rules, rules...)
		}
	}
	return listener, nil
}

func (p *ingressPlan) rules(member *Member, rule networkingv1.IngressRule) ([]Rule, error) {
	tags, err := member.annotations.pairs("tags")
	if err != nil {
		return nil, err
	}
	var rules []Rule
	for _, path := range sortedPaths(rule.HTTP.Paths) {
		conditions, err := conditionsOf(rule.Host, path)
		if err != nil {
			return nil, err
		}
		action, err := p.action(member, path.Backend)
		if err != nil {
			return nil, err
		}
		rules = append(rules, Rule{Conditions: conditions, Action: action, Tags: merge(tags, p.cluster.DefaultTags)})
	}
	return rules, nil
}

func pathType(path networkingv1.HTTPIngressPath) networkingv1.PathType {
	if path.PathType == nil {
		return networkingv1.PathTypeImplementationSpecific
	}
	return *path.PathType
}

// sortedPaths puts exact paths first, then prefixes, the longest first, then all others.
func sortedPaths(paths []networkingv1.HTTPIngressPath) []networkingv1.HTTPIngressPath {
	order := []networkingv1.PathType{
		networkingv1.PathTypeExact, networkingv1.PathTypePrefix, networkingv1.PathTypeImplementationSpecific,
	}
	sorted := slices.Clone(paths)
	slices.SortStableFunc(sorted, func(a, b networkingv1.HTTPIngressPath) int {
		if first := slices.Index(order, pathType(a)) - slices.Index(order, pathType(b)); first != 0 {
			return first
		}
		if pathType(a) == networkingv1.PathTypePrefix {
			return len(b.Path) - len(a.Path)
		}
		return 0
	})
	return sorted
}

func conditionsOf(host string, path networkingv1.HTTPIngressPath) ([]Condition, error) {
	var conditions []Condition
	if host != "" {
		conditions = append(conditions, Condition{Field: "host-header", Values: []string{host}})
	}
	kind := pathType(path)
	if kind != networkingv1.PathTypeImplementationSpecific && strings.ContainsAny(path.Path, "*?") {
		return nil, fmt.Errorf("%s path shouldn't contain wildcards: %s", strings.ToLower(string(kind)), path.Path)
	}
	switch {
	case kind == networkingv1.PathTypePrefix && path.Path == "/":
		conditions = append(conditions, Condition{Field: "path-pattern", Values: []string{"/*"}})
	case kind == networkingv1.PathTypePrefix:
		prefix := strings.TrimSuffix(path.Path, "/")
		conditions = append(conditions, Condition{Field: "path-pattern", Values: []string{prefix, prefix + "/*"}})
	case path.Path != "":
		conditions = append(conditions, Condition{Field: "path-pattern", Values: []string{path.Path}})
	case len(conditions) == 0:
		conditions = append(conditions, Condition{Field: "path-pattern", Values: []string{"/*"}})
	}
	return conditions, nil
}

func nameOf(object interface {
	GetNamespace() string
	GetName() string
},
) types.NamespacedName {
	return types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
}
