package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"github.com/e6data/aws-quickstart/internal/loadbalancer"
	"github.com/e6data/aws-quickstart/internal/policy"
	"github.com/e6data/aws-quickstart/rehearsal"
)

const (
	balancerRole   = "LoadBalancerControllerRole" // its logical ID
	balancerPolicy = "load-balancers"
	balancerLimit  = 2 * time.Minute
	clusterKey     = "elbv2.k8s.aws/cluster"
	customerTag    = "cost center" // a tag of the customer's on all that the cluster makes
)

// A statement of the controller's policy is asked for when the load balancers
// are made, if it is in neither of these.
var (
	// onChange are asked for when tags change.
	onChange = []string{"RetagSecurityGroups", "RetagLoadBalancers"}
	// neverAsked are those whose calls nobody makes here, each with the reason.
	neverAsked = map[string]string{
		"FindCertificates": noDiscovery,
		"ReadCertificates": noDiscovery,
	}
)

const noDiscovery = "the stand-in finds no certificates; upstream's does for hosts in spec.tls (pkg/ingress/cert_discovery.go)"

// balanced is a created stack whose cluster runs the load balancer controller.
type balanced struct {
	*deployment
	stack   *rehearsal.Stack
	cluster string
	// namespace is where the test's own objects are.
	namespace string
	name      string // of the controller's role
	policy    string // its document, as the stack made it
	kube      kubernetes.Interface
	elb       *elasticloadbalancingv2.Client
}

func newBalanced(t *testing.T) *balanced {
	t.Helper()
	d := start(t, "")
	return d.balanced(t, d.stack(t))
}

// balanced creates the stack.
func (d *deployment) balanced(t *testing.T, s *rehearsal.Stack) *balanced {
	t.Helper()
	b := &balanced{deployment: d, stack: s, namespace: "default", elb: elasticloadbalancingv2.NewFromConfig(d.AWSConfig())}
	if err := b.stack.Create(t.Context(), d.parameters(map[string]string{"NodeTags": customerTag + "=42"})); err != nil {
		t.Fatal(err)
	}
	b.cluster = checkOutputs(t, b.stack)["ClusterName"]
	config, err := d.AdminConfig(b.cluster)
	if err != nil {
		t.Fatal(err)
	}
	if b.kube, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the controller's log ends:\n%s", b.said(t))
		}
	})
	b.name = d.role(t, balancerRole)
	answer, err := b.clients.IAM.GetRolePolicy(t.Context(), &iam.GetRolePolicyInput{RoleName: &b.name, PolicyName: aws.String(balancerPolicy)})
	if err != nil {
		t.Fatal(err)
	}
	if b.policy, err = url.QueryUnescape(*answer.PolicyDocument); err != nil {
		t.Fatal(err)
	}
	return b
}

// allow gives the role the stack's policy, without one statement.
func (b *balanced) allow(t *testing.T, without string) {
	t.Helper()
	var document struct {
		Version   string
		Statement []map[string]any
	}
	if err := json.Unmarshal([]byte(b.policy), &document); err != nil {
		t.Fatalf("the role's policy: %v\n%s", err, b.policy)
	}
	all := len(document.Statement)
	document.Statement = slices.DeleteFunc(document.Statement, func(s map[string]any) bool { return s["Sid"] == without })
	if without != "" && len(document.Statement) != all-1 {
		t.Fatalf("the role's policy has %d statements %s", all-len(document.Statement), without)
	}
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.clients.IAM.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{
		RoleName: &b.name, PolicyName: aws.String(balancerPolicy), PolicyDocument: aws.String(string(text)),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// said is the end of the log of each of the controller's replicas.
func (b *balanced) said(t *testing.T) string {
	t.Helper()
	pods, err := b.kube.CoreV1().Pods("kube-system").List(context.WithoutCancel(t.Context()), metav1.ListOptions{
		LabelSelector: "app.kubernetes.io/name=aws-load-balancer-controller",
	})
	if err != nil {
		return err.Error()
	}
	var all []string
	for _, pod := range pods.Items {
		lines := int64(15)
		text, err := b.kube.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{TailLines: &lines}).
			DoRaw(context.WithoutCancel(t.Context()))
		all = append(all, fmt.Sprintf("%s: %v\n%s", filepath.Base(pod.Name), err, text))
	}
	return strings.Join(all, "\n")
}

// await waits until a check finds nothing wrong.
func (b *balanced) await(t *testing.T, what string, check func(context.Context) error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 200*time.Millisecond, balancerLimit, true,
		func(ctx context.Context) (bool, error) {
			now := check(ctx)
			if ctx.Err() == nil { // what the end cut off says nothing
				last = now
			}
			return now == nil, nil
		})
	if err != nil {
		t.Fatalf("%s: not within %s: %v", what, balancerLimit, last)
	}
}

// run starts two pods and a Service of theirs.
func (b *balanced) run(t *testing.T) {
	t.Helper()
	labels, replicas := map[string]string{"app": "web"}, int32(2)
	_, err := b.kube.AppsV1().Deployments(b.namespace).Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec: corev1.PodSpec{
				Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
				Containers:  []corev1.Container{{Name: "web", Image: "example/web:1", Ports: []corev1.ContainerPort{{ContainerPort: 8080}}}},
			},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b.serve(t, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "web"}})
}

func (b *balanced) serve(t *testing.T, service *corev1.Service) {
	t.Helper()
	service.Spec.Selector = map[string]string{"app": "web"}
	service.Spec.Ports = []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8080)}}
	if _, err := b.kube.CoreV1().Services(b.namespace).Create(t.Context(), service, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func ingress(name string, annotations map[string]string) *networkingv1.Ingress {
	class, prefix := "alb", networkingv1.PathTypePrefix
	return &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: annotations},
		Spec: networkingv1.IngressSpec{IngressClassName: &class, Rules: []networkingv1.IngressRule{{
			IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{
				Path: "/", PathType: &prefix, Backend: networkingv1.IngressBackend{
					Service: &networkingv1.IngressServiceBackend{Name: "web", Port: networkingv1.ServiceBackendPort{Number: 80}},
				},
			}}}},
		}}},
	}
}

func (b *balanced) expose(t *testing.T) {
	t.Helper()
	object := ingress("web", map[string]string{
		"alb.ingress.kubernetes.io/scheme": "internet-facing", "alb.ingress.kubernetes.io/target-type": "ip",
	})
	if _, err := b.kube.NetworkingV1().Ingresses(b.namespace).Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (b *balanced) events(ctx context.Context) string {
	list, err := b.kube.CoreV1().Events(b.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err.Error()
	}
	var all []string
	for _, e := range list.Items {
		if e.Type == corev1.EventTypeWarning {
			all = append(all, e.InvolvedObject.Kind+" "+e.Reason+": "+e.Message)
		}
	}
	return strings.Join(all, "\n")
}

// healthy are the targets of all target groups, by type of load balancer.
func (b *balanced) targets(ctx context.Context) (map[string]int, error) {
	groups, err := b.elb.DescribeTargetGroups(ctx, &elasticloadbalancingv2.DescribeTargetGroupsInput{})
	if err != nil {
		return nil, err
	}
	targets := map[string]int{}
	for _, group := range groups.TargetGroups {
		health, err := b.elb.DescribeTargetHealth(ctx, &elasticloadbalancingv2.DescribeTargetHealthInput{TargetGroupArn: group.TargetGroupArn})
		if err != nil {
			return nil, err
		}
		targets[string(group.Protocol)] = len(health.TargetHealthDescriptions)
	}
	return targets, nil
}

// shown tells why not both objects have the host names of load balancers with two targets each.
func (b *balanced) shown(ctx context.Context) error {
	web, err := b.kube.NetworkingV1().Ingresses(b.namespace).Get(ctx, "web", metav1.GetOptions{})
	if err != nil {
		return err
	}
	direct, err := b.kube.CoreV1().Services(b.namespace).Get(ctx, "direct", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if len(web.Status.LoadBalancer.Ingress) == 0 || len(direct.Status.LoadBalancer.Ingress) == 0 {
		return fmt.Errorf("no host name yet; %s", b.events(ctx))
	}
	balancers, err := b.elb.DescribeLoadBalancers(ctx, &elasticloadbalancingv2.DescribeLoadBalancersInput{})
	if err != nil {
		return err
	}
	var names []string
	for _, balancer := range balancers.LoadBalancers {
		names = append(names, strings.ToLower(aws.ToString(balancer.DNSName)))
	}
	for _, host := range []string{web.Status.LoadBalancer.Ingress[0].Hostname, direct.Status.LoadBalancer.Ingress[0].Hostname} {
		if !slices.Contains(names, host) {
			return fmt.Errorf("host name %s is none of %v", host, names)
		}
	}
	targets, err := b.targets(ctx)
	if err == nil && (targets["HTTP"] != 2 || targets["TCP"] != 2) {
		err = fmt.Errorf("targets %v, want 2 for each; %s", targets, b.events(ctx))
	}
	return err
}

// rules are those that the controller added to the security groups of nodes.
func (b *balanced) rules(ctx context.Context) (int, error) {
	out, err := b.clients.EC2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{})
	if err != nil {
		return 0, err
	}
	count := 0
	for _, group := range out.SecurityGroups {
		for _, rule := range group.IpPermissions {
			for _, from := range rule.UserIdGroupPairs {
				if aws.ToString(from.Description) == "elbv2.k8s.aws/targetGroupBinding=shared" {
					count++
				}
			}
		}
	}
	return count, nil
}

// left tells what the controller left in the account.
func (b *balanced) left(ctx context.Context) error {
	balancers, err := b.elb.DescribeLoadBalancers(ctx, &elasticloadbalancingv2.DescribeLoadBalancersInput{})
	if err != nil {
		return err
	}
	groups, err := b.elb.DescribeTargetGroups(ctx, &elasticloadbalancingv2.DescribeTargetGroupsInput{})
	if err != nil {
		return err
	}
	own, err := b.clients.EC2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{
		Filters: []ec2types.Filter{{Name: aws.String("tag-key"), Values: []string{clusterKey}}},
	})
	if err != nil {
		return err
	}
	rules, err := b.rules(ctx)
	if err == nil && len(balancers.LoadBalancers)+len(groups.TargetGroups)+len(own.SecurityGroups)+rules > 0 {
		err = fmt.Errorf("%d load balancers, %d target groups, %d security groups and %d rules are left; %s",
			len(balancers.LoadBalancers), len(groups.TargetGroups), len(own.SecurityGroups), rules, b.events(ctx))
	}
	return err
}

// takeBack deletes both objects.
func (b *balanced) takeBack(t *testing.T) {
	t.Helper()
	for what, err := range map[string]error{
		"ingress": b.kube.NetworkingV1().Ingresses(b.namespace).Delete(t.Context(), "web", metav1.DeleteOptions{}),
		"service": b.kube.CoreV1().Services(b.namespace).Delete(t.Context(), "direct", metav1.DeleteOptions{}),
	} {
		if err != nil && !apierrors.IsNotFound(err) {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// withdraw deletes both objects, and waits: their finalizers hold them until AWS is clean.
func (b *balanced) withdraw(t *testing.T) {
	t.Helper()
	b.takeBack(t)
	b.await(t, "the finalizers are taken off", func(ctx context.Context) error {
		_, web := b.kube.NetworkingV1().Ingresses(b.namespace).Get(ctx, "web", metav1.GetOptions{})
		_, direct := b.kube.CoreV1().Services(b.namespace).Get(ctx, "direct", metav1.GetOptions{})
		if err := errors.Join(gone("ingress", web), gone("service", direct)); err != nil {
			return fmt.Errorf("%w; %s", err, b.events(ctx))
		}
		return nil
	})
}

// gone wants the look-up of an object to have found none.
func gone(what string, err error) error {
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("%s: %w", what, err)
	default:
		return fmt.Errorf("%s is still there", what)
	}
}

func (b *balanced) serveDirectly(t *testing.T) {
	t.Helper()
	class := "service.k8s.aws/nlb"
	b.serve(t, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "direct", Annotations: map[string]string{
			"service.beta.kubernetes.io/aws-load-balancer-nlb-target-type": "ip",
		}},
		Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, LoadBalancerClass: &class},
	})
}

// retag changes a tag of everything behind the Ingress.
func (b *balanced) retag(t *testing.T, value string) {
	t.Helper()
	patch := `{"metadata":{"annotations":{"alb.ingress.kubernetes.io/tags":"team=` + value + `"}}}`
	_, err := b.kube.NetworkingV1().Ingresses(b.namespace).Patch(t.Context(), "web", types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// An Ingress and a Service get load balancers with the pods behind them, made by
// the stack's controller with the rights of its role alone, tagged as e6data's;
// they leave nothing.
func TestLoadBalancersComeAndGo(t *testing.T) {
	inTurn(t, 2)
	t.Parallel()
	b := newBalanced(t)
	b.run(t)
	b.expose(t)
	b.serveDirectly(t)
	b.await(t, "both load balancers serve", b.shown)
	b.retag(t, "data")
	b.await(t, "everything is tagged", b.tagged)
	if rules, err := b.rules(t.Context()); err != nil || rules == 0 {
		t.Errorf("%d rules let the load balancers in to the nodes (%v)", rules, err)
	}
	b.withdraw(t)
	if err := b.left(t.Context()); err != nil {
		t.Error(err)
	}
	denied, err := b.refusals()
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range denied {
		t.Errorf("%s was denied: %s", call.Action, call.Reason)
	}
	kept := retained(t, b.stack)
	if err := b.stack.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	// What the test put into the cluster stays.
	left := slices.DeleteFunc(b.leftovers(t), func(i rehearsal.Item) bool { return strings.HasPrefix(i.Type, "Kubernetes ") })
	if diff := cmp.Diff(kept, left); diff != "" {
		t.Errorf("left after delete (-retained +left):\n%s", diff)
	}
}

// tagged tells which load balancer has not the tags that everything of the
// workspace's has, and that of the Ingress.
func (b *balanced) tagged(ctx context.Context) error {
	balancers, err := b.elb.DescribeLoadBalancers(ctx, &elasticloadbalancingv2.DescribeLoadBalancersInput{})
	if err != nil {
		return err
	}
	for _, balancer := range balancers.LoadBalancers {
		answer, err := b.elb.DescribeTags(ctx, &elasticloadbalancingv2.DescribeTagsInput{ResourceArns: []string{*balancer.LoadBalancerArn}})
		if err != nil {
			return err
		}
		tags := map[string]string{}
		for _, tag := range answer.TagDescriptions[0].Tags {
			tags[*tag.Key] = *tag.Value
		}
		ofIngress := balancer.Type == elb.LoadBalancerTypeEnumApplication
		if tags["app"] != "e6data" || tags[customerTag] != "42" || tags[clusterKey] != b.cluster || ofIngress && tags["team"] != "data" {
			return fmt.Errorf("%s has the tags %v; %s", *balancer.LoadBalancerName, tags, b.events(ctx))
		}
	}
	return nil
}

// Each statement of the controller's policy is needed: without it an event
// names a call that was refused.
func TestLoadBalancerPolicyIsNeeded(t *testing.T) {
	inTurn(t, 3)
	t.Parallel()
	b := newBalanced(t)
	b.run(t)
	asked := slices.DeleteFunc(loadbalancer.Statements(), func(s policy.Statement) bool { return neverAsked[s.Sid] != "" })
	for i, s := range sample(t, asked, 3) {
		before := b.denied(t)
		missing := func(ctx context.Context) error { return b.refused(ctx, s, before) }
		later := slices.Contains(onChange, s.Sid)
		if s.Sid == "MakeServiceLinkedRole" { // only the first load balancer of an account needs it
			b.forgetServiceLinkedRole(t)
		}
		b.allow(t, s.Sid)
		b.expose(t)
		b.serveDirectly(t)
		if later {
			b.await(t, "both load balancers serve", b.shown)
			b.retag(t, fmt.Sprint(i))
		}
		b.await(t, "without "+s.Sid, missing)
		b.allow(t, "")
		if !later {
			b.await(t, "both load balancers serve with "+s.Sid, b.shown)
		}
		b.withdraw(t)
		if err := b.left(t.Context()); err != nil {
			t.Errorf("after %q was given back: %v", s.Sid, err)
		}
	}
	if err := b.stack.Delete(t.Context()); err != nil {
		t.Error(err)
	}
}

// forgetServiceLinkedRole makes the account one that never had a load balancer.
func (b *balanced) forgetServiceLinkedRole(t *testing.T) {
	t.Helper()
	_, err := b.clients.IAM.DeleteServiceLinkedRole(t.Context(), &iam.DeleteServiceLinkedRoleInput{
		RoleName: aws.String("AWSServiceRoleForElasticLoadBalancing"),
	})
	var missing *iamtypes.NoSuchEntityException
	if err != nil && !errors.As(err, &missing) {
		t.Fatal(err)
	}
}

// denied is how many calls the role was denied so far.
func (b *balanced) denied(t *testing.T) int {
	t.Helper()
	calls, err := b.refusals()
	if err != nil {
		t.Fatal(err)
	}
	return len(calls)
}

func (b *balanced) refusals() ([]rehearsal.Call, error) {
	calls, err := b.Calls()
	return slices.DeleteFunc(calls, func(c rehearsal.Call) bool {
		return c.Allowed || !strings.Contains(c.Principal, b.name)
	}), err
}

// refused wants a call of a statement to be denied after those before, and a person to be told.
func (b *balanced) refused(ctx context.Context, s policy.Statement, before int) error {
	calls, err := b.refusals()
	if err != nil {
		return err
	}
	said := b.events(ctx)
	for _, call := range calls[before:] {
		if slices.Contains(s.Actions, call.Action) && strings.Contains(said, call.Action) {
			return nil
		}
	}
	return fmt.Errorf("no event names a denied call of %v; %s", s.Actions, said)
}
