package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart/loader"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes"

	"github.com/e6data/aws-quickstart/rehearsal"
)

const (
	balancerRole  = "load-balancer-controller"
	balancerLimit = 2 * time.Minute
	clusterKey    = "elbv2.k8s.aws/cluster"
)

// statement is one of a policy: its name here says what it is for.
type statement struct {
	name      string
	later     bool // needed for the deletion only
	actions   []string
	resources []string
	condition map[string]any
}

// present is what the operator Null has to say of a key that a request must have.
func present(key string) map[string]any { return map[string]any{key: "false"} }

// balancerPolicy has the shape of the policy that the AWS Load Balancer
// Controller's documentation gives to its role: the rights to change are bound
// to the tag of the cluster, in the request or on the resource.
var balancerPolicy = []statement{
	{name: "read", actions: []string{"ec2:Describe*", "elasticloadbalancing:Describe*"}},
	{name: "rules of the nodes' groups", actions: []string{"ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"}},
	{name: "make groups", actions: []string{"ec2:CreateSecurityGroup"}},
	{
		name: "tag new groups", actions: []string{"ec2:CreateTags"}, resources: []string{"arn:aws:ec2:*:*:security-group/*"},
		condition: map[string]any{
			"StringEquals": map[string]any{"ec2:CreateAction": "CreateSecurityGroup"},
			"Null":         present("aws:RequestTag/" + clusterKey),
		},
	},
	{
		name: "delete own groups", later: true, actions: []string{"ec2:DeleteSecurityGroup"},
		condition: map[string]any{"Null": present("aws:ResourceTag/" + clusterKey)},
	},
	{
		name: "make load balancers", actions: []string{"elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup"},
		condition: map[string]any{"Null": present("aws:RequestTag/" + clusterKey)},
	},
	{
		name: "tag new load balancers", actions: []string{"elasticloadbalancing:AddTags"},
		resources: []string{
			"arn:aws:elasticloadbalancing:*:*:targetgroup/*/*", "arn:aws:elasticloadbalancing:*:*:loadbalancer/net/*/*",
			"arn:aws:elasticloadbalancing:*:*:loadbalancer/app/*/*",
		},
		condition: map[string]any{
			"StringEquals": map[string]any{"elasticloadbalancing:CreateAction": []string{"CreateTargetGroup", "CreateLoadBalancer"}},
			"Null":         present("aws:RequestTag/" + clusterKey),
		},
	},
	{
		name: "make listeners", actions: []string{
			"elasticloadbalancing:CreateListener", "elasticloadbalancing:DeleteListener", "elasticloadbalancing:CreateRule",
			"elasticloadbalancing:DeleteRule",
		},
	},
	{
		name: "tag listeners", actions: []string{"elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags"},
		resources: []string{
			"arn:aws:elasticloadbalancing:*:*:listener/net/*/*/*", "arn:aws:elasticloadbalancing:*:*:listener/app/*/*/*",
			"arn:aws:elasticloadbalancing:*:*:listener-rule/net/*/*/*", "arn:aws:elasticloadbalancing:*:*:listener-rule/app/*/*/*",
		},
	},
	{
		name: "change and delete own ones", later: true, actions: []string{
			"elasticloadbalancing:ModifyLoadBalancerAttributes", "elasticloadbalancing:SetSecurityGroups",
			"elasticloadbalancing:SetSubnets", "elasticloadbalancing:DeleteLoadBalancer", "elasticloadbalancing:ModifyTargetGroup",
			"elasticloadbalancing:ModifyTargetGroupAttributes", "elasticloadbalancing:DeleteTargetGroup",
		},
		condition: map[string]any{"Null": present("aws:ResourceTag/" + clusterKey)},
	},
	{
		name:      "targets",
		actions:   []string{"elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"},
		resources: []string{"arn:aws:elasticloadbalancing:*:*:targetgroup/*/*"},
	},
}

// document is a policy of all statements but one.
func document(without string) string {
	var all []map[string]any
	for _, s := range balancerPolicy {
		if s.name == without {
			continue
		}
		one := map[string]any{"Effect": "Allow", "Action": s.actions, "Resource": "*"}
		if len(s.resources) > 0 {
			one["Resource"] = s.resources
		}
		if s.condition != nil {
			one["Condition"] = s.condition
		}
		all = append(all, one)
	}
	text, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": all})
	return string(text)
}

// balanced is a created stack whose cluster runs the load balancer controller under a role of the test's.
type balanced struct {
	*deployment
	stack   *rehearsal.Stack
	cluster string
	vpc     string
	kube    kubernetes.Interface
	elb     *elasticloadbalancingv2.Client
}

func newBalanced(t *testing.T) *balanced {
	t.Helper()
	d := start(t, "")
	b := &balanced{deployment: d, stack: d.stack(t), elb: elasticloadbalancingv2.NewFromConfig(d.AWSConfig())}
	if err := b.stack.Create(t.Context(), d.parameters(nil)); err != nil {
		t.Fatal(err)
	}
	outputs := checkOutputs(t, b.stack)
	b.cluster, b.vpc = outputs["ClusterName"], outputs["VpcId"]
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
	b.makeRole(t, outputs["OidcProviderArn"])
	b.install(t)
	return b
}

func (b *balanced) makeRole(t *testing.T, provider string) {
	t.Helper()
	_, issuer, _ := strings.Cut(provider, ":oidc-provider/")
	trust, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
		"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": map[string]any{"Federated": provider},
		"Condition": map[string]any{"StringEquals": map[string]any{
			issuer + ":aud": "sts.amazonaws.com",
			issuer + ":sub": "system:serviceaccount:kube-system:aws-load-balancer-controller",
		}},
	}}})
	_, err := b.clients.IAM.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String(balancerRole), AssumeRolePolicyDocument: aws.String(string(trust)),
	})
	if err != nil {
		t.Fatal(err)
	}
	b.allow(t, "")
}

// allow gives the role its policy, without one statement.
func (b *balanced) allow(t *testing.T, without string) {
	t.Helper()
	_, err := b.clients.IAM.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{
		RoleName: aws.String(balancerRole), PolicyName: aws.String("controller"), PolicyDocument: aws.String(document(without)),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (b *balanced) helm(t *testing.T) *action.Configuration {
	t.Helper()
	file, err := b.Kubeconfig(b.cluster)
	if err != nil {
		t.Fatal(err)
	}
	namespace := "kube-system"
	flags := genericclioptions.NewConfigFlags(false)
	flags.KubeConfig, flags.Namespace = &file, &namespace
	var helm action.Configuration
	if err := helm.Init(flags, namespace, "secret", func(string, ...any) {}); err != nil {
		t.Fatal(err)
	}
	return &helm
}

func (b *balanced) install(t *testing.T) {
	t.Helper()
	chart, err := loader.Load("../../rehearsal/charts/aws-load-balancer-controller")
	if err != nil {
		t.Fatal(err)
	}
	install := action.NewInstall(b.helm(t))
	install.ReleaseName, install.Namespace = "aws-load-balancer-controller", "kube-system"
	install.Wait, install.Timeout = true, balancerLimit
	_, err = install.RunWithContext(t.Context(), chart, map[string]any{
		"clusterName": b.cluster, "region": b.Region, "vpcId": b.vpc,
		"tolerations": []any{map[string]any{"operator": "Exists"}},
		"serviceAccount": map[string]any{
			"name": "aws-load-balancer-controller",
			"annotations": map[string]any{
				"eks.amazonaws.com/role-arn": "arn:aws:iam::000000000000:role/" + balancerRole,
			},
		},
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
	_, err := b.kube.AppsV1().Deployments("default").Create(t.Context(), &appsv1.Deployment{
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
	if _, err := b.kube.CoreV1().Services("default").Create(t.Context(), service, metav1.CreateOptions{}); err != nil {
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
	if _, err := b.kube.NetworkingV1().Ingresses("default").Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (b *balanced) events(ctx context.Context) string {
	list, err := b.kube.CoreV1().Events("default").List(ctx, metav1.ListOptions{})
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
	web, err := b.kube.NetworkingV1().Ingresses("default").Get(ctx, "web", metav1.GetOptions{})
	if err != nil {
		return err
	}
	direct, err := b.kube.CoreV1().Services("default").Get(ctx, "direct", metav1.GetOptions{})
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
		"ingress": b.kube.NetworkingV1().Ingresses("default").Delete(t.Context(), "web", metav1.DeleteOptions{}),
		"service": b.kube.CoreV1().Services("default").Delete(t.Context(), "direct", metav1.DeleteOptions{}),
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
		_, web := b.kube.NetworkingV1().Ingresses("default").Get(ctx, "web", metav1.GetOptions{})
		_, direct := b.kube.CoreV1().Services("default").Get(ctx, "direct", metav1.GetOptions{})
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

// An Ingress and a Service get load balancers with the pods behind them, made
// with the rights of the controller's role alone, and leave nothing.
func TestLoadBalancersComeAndGo(t *testing.T) {
	t.Parallel()
	b := newBalanced(t)
	b.run(t)
	b.expose(t)
	b.serveDirectly(t)
	b.await(t, "both load balancers serve", b.shown)
	if rules, err := b.rules(t.Context()); err != nil || rules == 0 {
		t.Errorf("%d rules let the load balancers in to the nodes (%v)", rules, err)
	}
	b.withdraw(t)
	if err := b.left(t.Context()); err != nil {
		t.Error(err)
	}
	calls, err := b.Calls()
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range calls {
		if !call.Allowed && strings.Contains(call.Principal, balancerRole) {
			t.Errorf("%s was denied: %s", call.Action, call.Reason)
		}
	}
	kept := retained(t, b.stack)
	if err := b.stack.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The test's own role stays, and what it put into the cluster.
	left := slices.DeleteFunc(b.leftovers(t), func(i rehearsal.Item) bool {
		return strings.HasPrefix(i.Type, "Kubernetes ") || strings.Contains(i.ID, balancerRole)
	})
	if diff := cmp.Diff(kept, left); diff != "" {
		t.Errorf("left after delete (-retained +left):\n%s", diff)
	}
}

// Each statement of the controller's policy is needed: without it an event
// names a call that was refused.
func TestLoadBalancerPolicyIsNeeded(t *testing.T) {
	t.Parallel()
	b := newBalanced(t)
	b.run(t)
	for _, s := range sample(t, balancerPolicy, 3) {
		before := b.denied(t)
		missing := func(ctx context.Context) error { return b.refused(ctx, s, before) }
		b.allow(t, s.name)
		b.expose(t)
		b.serveDirectly(t)
		if s.later {
			b.await(t, "both load balancers serve", b.shown)
			b.takeBack(t)
		}
		b.await(t, "without "+s.name, missing)
		b.allow(t, "")
		if !s.later {
			b.await(t, "both load balancers serve with "+s.name, b.shown)
		}
		b.withdraw(t)
		if err := b.left(t.Context()); err != nil {
			t.Errorf("after %q was given back: %v", s.name, err)
		}
	}
	if err := b.stack.Delete(t.Context()); err != nil {
		t.Error(err)
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
		return c.Allowed || !strings.Contains(c.Principal, balancerRole)
	}), err
}

// refused wants a call of a statement to be denied after those before, and a person to be told.
func (b *balanced) refused(ctx context.Context, s statement, before int) error {
	calls, err := b.refusals()
	if err != nil {
		return err
	}
	said := b.events(ctx)
	for _, call := range calls[before:] {
		fits := slices.ContainsFunc(s.actions, func(wanted string) bool {
			start, open := strings.CutSuffix(wanted, "*")
			return call.Action == wanted || open && strings.HasPrefix(call.Action, start)
		})
		if fits && strings.Contains(said, call.Action) {
			return nil
		}
	}
	return fmt.Errorf("no event names a denied call of %v; %s", s.actions, said)
}
