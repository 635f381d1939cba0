package loadbalancer

import (
	"strings"
	"testing"

	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

var demo = Cluster{Name: "demo", DefaultTags: map[string]string{"team": "data"}}

func web() *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "u-1", Annotations: map[string]string{}},
		Spec: corev1.ServiceSpec{
			Type:  corev1.ServiceTypeNodePort,
			Ports: []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromInt32(8080), NodePort: 30080, Protocol: "TCP"}},
		},
	}
}

func only(service *corev1.Service) Services {
	return func(name types.NamespacedName) *corev1.Service {
		if name == nameOf(service) {
			return service
		}
		return nil
	}
}

func member(name string, annotations map[string]string, paths ...string) *Member {
	prefix := networkingv1.PathTypePrefix
	var all []networkingv1.HTTPIngressPath
	for _, path := range paths {
		all = append(all, networkingv1.HTTPIngressPath{Path: path, PathType: &prefix, Backend: networkingv1.IngressBackend{
			Service: &networkingv1.IngressServiceBackend{Name: "web", Port: networkingv1.ServiceBackendPort{Name: "http"}},
		}})
	}
	own := map[string]string{}
	for key, value := range annotations {
		own[ingressPrefix+key] = value
	}
	return &Member{Ingress: &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Annotations: own},
		Spec: networkingv1.IngressSpec{Rules: []networkingv1.IngressRule{{IngressRuleValue: networkingv1.IngressRuleValue{
			HTTP: &networkingv1.HTTPIngressRuleValue{Paths: all},
		}}}},
	}}
}

func plan(t *testing.T, group types.NamespacedName, members ...*Member) *Stack {
	t.Helper()
	stack, err := PlanIngresses(demo, group, members, only(web()))
	if err != nil {
		t.Fatal(err)
	}
	return stack
}

func TestIngressNeedsWhatTheControllerMakes(t *testing.T) {
	group := types.NamespacedName{Namespace: "shop", Name: "web"}
	stack := plan(t, group, member("web", map[string]string{"target-type": "ip", "tags": "a=1,team=mine"}, "/", "/api"))
	b := stack.Balancer
	got := map[string]any{
		"scheme": b.Scheme, "type": b.Type, "tags": b.Tags, "id": stack.ID(), "target group": stack.TargetGroups[0].ID,
		"target port": stack.TargetGroups[0].Port, "shared group": b.BackendGroup, "inbound": b.Managed.Inbound,
		"start of the name":       b.Name[:len("k8s-shop-web-")],
		"start of the targets'":   stack.TargetGroups[0].Name[:len("k8s-shop-web-")],
		"start of the group's":    b.Managed.Name[:len("k8s-shop-web-")],
		"the longest path first":  stack.Listeners[0].Rules[0].Conditions[0].Values,
		"then all":                stack.Listeners[0].Rules[1].Conditions[0].Values,
		"what fits no rule":       stack.Listeners[0].Default.Fixed.StatusCode,
		"one target group of two": len(stack.TargetGroups),
	}
	want := map[string]any{
		"scheme": elb.LoadBalancerSchemeEnumInternal, "type": elb.LoadBalancerTypeEnumApplication,
		"tags": map[string]string{"a": "1", "team": "data"}, "id": "shop/web", "target group": "shop/web-web:http",
		"target port": int32(8080), "shared group": true, "inbound": []Inbound{{"tcp", 80, "0.0.0.0/0"}},
		"start of the name": "k8s-shop-web-", "start of the targets'": "k8s-shop-web-", "start of the group's": "k8s-shop-web-",
		"the longest path first": []string{"/api", "/api/*"}, "then all": []string{"/*"}, "what fits no rule": "404",
		"one target group of two": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNamesAreThoseOfTheController(t *testing.T) {
	// Taken from the real one's function for a cluster "demo"; all fit into 32 characters.
	if got, want := backendGroupName("demo"), "k8s-traffic-demo-2a97516c35"; got != want {
		t.Errorf("shared group %s, want %s", got, want)
	}
	for _, name := range []string{
		objectName("a-long-namespace", "a.long.name", hash("x")), stackName("", "a-very-long-name-of-a-group", hash("x")),
	} {
		if len(name) > longestName || strings.Count(name, "-") < 2 {
			t.Errorf("%s", name)
		}
	}
}

func TestTagsFindAStackAgain(t *testing.T) {
	for want, stack := range map[string]*Stack{
		"shop/web": {Kind: OfIngress, Name: types.NamespacedName{Namespace: "shop", Name: "web"}},
		"public":   {Kind: OfIngress, Name: types.NamespacedName{Name: "public"}},
	} {
		tags := stack.resourceTags("demo", balancerID, map[string]string{clusterTag: "another", "a": "1"})
		if diff := cmp.Diff(map[string]string{
			"a": "1", clusterTag: "demo", "ingress.k8s.aws/stack": want, "ingress.k8s.aws/resource": "LoadBalancer",
		}, tags); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want, diff)
		}
	}
}

func TestGroupSharesALoadBalancer(t *testing.T) {
	first, second := member("b", map[string]string{"group.order": "1"}, "/b"), member("a", map[string]string{"group.order": "2"}, "/a")
	members := []*Member{second, first}
	sortMembers(members)
	stack := plan(t, types.NamespacedName{Name: "public"}, members...)
	if len(stack.Listeners) != 1 || len(stack.Listeners[0].Rules) != 2 || stack.Listeners[0].Rules[0].Conditions[0].Values[0] != "/b" {
		t.Errorf("listeners %+v", stack.Listeners)
	}
	if want := "k8s-public-"; !strings.HasPrefix(stack.Balancer.Name, want) {
		t.Errorf("name %s, want %s...", stack.Balancer.Name, want)
	}
	if diff := cmp.Diff(&Stack{Kind: OfIngress, Name: types.NamespacedName{Name: "public"}},
		plan(t, types.NamespacedName{Name: "public"})); diff != "" {
		t.Errorf("a group without members needs something (-want +got):\n%s", diff)
	}
}

func TestWhatIsRefused(t *testing.T) {
	group := types.NamespacedName{Namespace: "shop", Name: "web"}
	for name, test := range map[string]struct {
		annotations map[string]string
		want        string
	}{
		"unknown annotation":          {map[string]string{"wafv2-acl-arn": "arn"}, "wafv2-acl-arn is not played"},
		"unknown scheme":              {map[string]string{"scheme": "public"}, "unknown scheme: public"},
		"name too long":               {map[string]string{"load-balancer-name": strings.Repeat("x", 33)}, "cannot be longer than 32"},
		"unknown target type":         {map[string]string{"target-type": "pod"}, "unknown targetType: pod"},
		"port out of range":           {map[string]string{"listen-ports": `[{"HTTP": 0}]`}, "within [1, 65535]"},
		"protocol of another kind":    {map[string]string{"listen-ports": `[{"TCP": 80}]`}, "within [HTTP, HTTPS]"},
		"certificates by discovery":   {map[string]string{"listen-ports": `[{"HTTPS": 443}]`}, "certificate-arn"},
		"no block of addresses":       {map[string]string{"inbound-cidrs": "10.0.0.0"}, "inbound-cidrs"},
		"no number":                   {map[string]string{"healthcheck-timeout-seconds": "soon"}, "healthcheck-timeout-seconds"},
		"tags that are no key=values": {map[string]string{"tags": "a"}, "failed to parse stringMap annotation"},
	} {
		_, err := PlanIngresses(demo, group, []*Member{member("web", test.annotations, "/")}, only(web()))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	absent := member("web", map[string]string{}, "/")
	if _, err := PlanIngresses(demo, group, []*Member{absent}, func(types.NamespacedName) *corev1.Service { return nil }); err == nil ||
		!strings.Contains(err.Error(), `services "web" not found`) {
		t.Errorf("a Service that is not there: %v", err)
	}
}

func TestWhoseServicesAreServed(t *testing.T) {
	class, other := networkClass, "example.com/other"
	annotated := func(kind, target string) func(*corev1.Service) {
		return func(s *corev1.Service) {
			s.Annotations[servicePrefix+"type"], s.Annotations[servicePrefix+"nlb-target-type"] = kind, target
		}
	}
	for name, test := range map[string]struct {
		change func(*corev1.Service)
		want   bool
	}{
		"its class":                  {func(s *corev1.Service) { s.Spec.LoadBalancerClass = &class }, true},
		"another class":              {func(s *corev1.Service) { s.Spec.LoadBalancerClass = &other }, false},
		"no class":                   {func(*corev1.Service) {}, false},
		"external, to addresses":     {annotated("external", "ip"), true},
		"external, to nothing":       {annotated("external", ""), false},
		"the cloud provider's":       {annotated("nlb", "ip"), false},
		"the old annotation":         {annotated("nlb-ip", ""), true},
		"its class, but no balancer": {func(s *corev1.Service) { s.Spec.LoadBalancerClass, s.Spec.Type = &class, "ClusterIP" }, false},
		"its class, but being deleted": {func(s *corev1.Service) {
			s.Spec.LoadBalancerClass, s.DeletionTimestamp = &class, &metav1.Time{}
		}, false},
	} {
		service := web()
		service.Spec.Type = corev1.ServiceTypeLoadBalancer
		test.change(service)
		if got := IsOurs(service); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestServiceNeedsANetworkLoadBalancer(t *testing.T) {
	class := networkClass
	service := web()
	service.Spec.Type, service.Spec.LoadBalancerClass = corev1.ServiceTypeLoadBalancer, &class
	service.Spec.LoadBalancerSourceRanges = []string{"10.0.0.0/8"}
	service.Annotations[servicePrefix+"nlb-target-type"] = "ip"
	service.Annotations[servicePrefix+"ssl-cert"] = "arn:aws:acm:us-east-1:1:certificate/c"
	stack, err := PlanService(demo, service, "")
	if err != nil {
		t.Fatal(err)
	}
	group, listener := stack.TargetGroups[0], stack.Listeners[0]
	got := map[string]any{
		"type": stack.Balancer.Type, "scheme": stack.Balancer.Scheme, "inbound": stack.Balancer.Managed.Inbound,
		"listener": listener.Protocol, "target group": group.Protocol, "id": group.ID, "health": group.Health,
		"attributes": group.Attributes,
	}
	want := map[string]any{
		"type": elb.LoadBalancerTypeEnumNetwork, "scheme": elb.LoadBalancerSchemeEnumInternal,
		"inbound":  []Inbound{{"tcp", 80, "10.0.0.0/8"}},
		"listener": elb.ProtocolEnumTls, "target group": elb.ProtocolEnumTcp, "id": "shop/web:80",
		"health": HealthCheck{
			Protocol: "TCP", Port: intstr.FromString("traffic-port"), Interval: 10, Timeout: 10, Healthy: 3, Unhealthy: 3,
		},
		"attributes": map[string]string{"proxy_protocol_v2.enabled": "false"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	kept, err := PlanService(demo, service, elb.LoadBalancerSchemeEnumInternetFacing)
	if err != nil || kept.Balancer.Scheme != elb.LoadBalancerSchemeEnumInternetFacing {
		t.Errorf("a load balancer that is there does not keep its scheme: %v, %v", kept, err)
	}
}
