package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/e6data/aws-quickstart/rehearsal"
)

const (
	workspaceLabel = "e6data-workspace-name"
	nodePoolLabel  = "karpenter.sh/nodepool"
	// karpenterLimit is for what the controller does: it batches pods for ten
	// seconds at most and looks at most things again each minute.
	karpenterLimit = 2 * time.Minute
)

var (
	nodePools  = schema.GroupVersionResource{Group: "karpenter.sh", Version: "v1", Resource: "nodepools"}
	nodeClaims = schema.GroupVersionResource{Group: "karpenter.sh", Version: "v1", Resource: "nodeclaims"}
)

// pool is the node pool of a created stack, that the real controller of
// Karpenter serves under the stack's role.
type pool struct {
	*deployment
	cluster, name, workspace string
	kube                     kubernetes.Interface
	objects                  dynamic.Interface
}

func newPool(t *testing.T, d *deployment, outputs map[string]string) *pool {
	t.Helper()
	config, err := d.AdminConfig(outputs["ClusterName"])
	if err != nil {
		t.Fatal(err)
	}
	p := &pool{deployment: d, cluster: outputs["ClusterName"], name: outputs["NodePoolName"], workspace: outputs["WorkspaceName"]}
	if p.kube, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	if p.objects, err = dynamic.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			for _, e := range p.said(t) {
				t.Logf("Karpenter: %s", e)
			}
		}
	})
	return p
}

// engine is a Deployment of pods that only a node with those labels can serve.
func (p *pool) engine(name string, replicas int32, node map[string]string) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec: corev1.PodSpec{
				NodeSelector: node,
				Tolerations:  []corev1.Toleration{{Key: workspaceLabel, Operator: corev1.TolerationOpExists}},
				Containers: []corev1.Container{{Name: "engine", Image: "example/engine:1", Resources: corev1.ResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse("1Gi")},
				}}},
			},
		}},
	}
}

// want asks for pods that only the node pool can serve.
func (p *pool) want(t *testing.T, replicas int32) {
	t.Helper()
	engine := p.engine("engine", replicas, map[string]string{workspaceLabel: p.workspace, nodePoolLabel: p.name})
	if _, err := p.kube.AppsV1().Deployments("default").Create(t.Context(), engine, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// running tells why not all wanted pods run.
func (p *pool) running(ctx context.Context) error {
	engine, err := p.kube.AppsV1().Deployments("default").Get(ctx, "engine", metav1.GetOptions{})
	if err == nil && engine.Status.ReadyReplicas != *engine.Spec.Replicas {
		claims, _ := p.list(ctx, nodeClaims)
		err = fmt.Errorf("%d of %d pods are ready; node claims: %s", engine.Status.ReadyReplicas, *engine.Spec.Replicas, strings.Join(claims, ", "))
	}
	return err
}

// list tells name and conditions of each object of a type.
func (p *pool) list(ctx context.Context, resource schema.GroupVersionResource) ([]string, error) {
	objects, err := p.objects.Resource(resource).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var all []string
	for i := range objects.Items {
		all = append(all, objects.Items[i].GetName()+" "+conditions(&objects.Items[i]))
	}
	return all, nil
}

// conditions are those of an object that are not True, with their reasons.
func conditions(o *unstructured.Unstructured) string {
	list, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	var all []string
	for _, c := range list {
		if c, ok := c.(map[string]any); ok && c["status"] != "True" {
			all = append(all, fmt.Sprintf("%v=%v (%v: %v)", c["type"], c["status"], c["reason"], c["message"]))
		}
	}
	return "[" + strings.Join(all, "; ") + "]"
}

// instances are those that Karpenter started and that have not ended.
func (p *pool) instances(ctx context.Context) ([]ec2types.Instance, error) {
	out, err := p.clients.EC2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: []ec2types.Filter{
		{Name: aws.String("tag:" + nodePoolLabel), Values: []string{p.name}},
		{Name: aws.String("instance-state-name"), Values: []string{"pending", "running", "shutting-down", "stopping", "stopped"}},
	}})
	if err != nil {
		return nil, err
	}
	var all []ec2types.Instance
	for _, r := range out.Reservations {
		all = append(all, r.Instances...)
	}
	return all, nil
}

// gone tells what is left of the pool's nodes.
func (p *pool) gone(ctx context.Context) error {
	claims, err := p.list(ctx, nodeClaims)
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	claims = slices.DeleteFunc(claims, func(c string) bool { return !strings.HasPrefix(c, p.name+"-") }) // of other pools
	nodes, err := p.kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: nodePoolLabel + "=" + p.name})
	if err != nil {
		return err
	}
	instances, err := p.instances(ctx)
	if err == nil && len(claims)+len(nodes.Items)+len(instances) > 0 {
		err = fmt.Errorf("%d instances, %d nodes and the node claims %v are left", len(instances), len(nodes.Items), claims)
	}
	return err
}

// logged is a line of the controller's log.
type logged struct {
	Level, Message, Error, Controller string
}

func (l logged) String() string {
	return strings.TrimSpace(strings.Join([]string{l.Level, l.Controller, l.Message, l.Error}, " "))
}

// said are the lines of all replicas, also of those that ended.
func (p *pool) said(t *testing.T) []logged {
	t.Helper()
	var all []logged
	for _, pattern := range []string{p.cluster[:min(20, len(p.cluster))] + "-*/logs", "clusters/" + p.cluster + ".logs"} {
		files, err := filepath.Glob(filepath.Join(p.StateDir, pattern, "*_karpenter-*", "*", "*.log"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(text)) {
				_, line, _ = strings.Cut(strings.TrimSpace(line), " ") // after its time
				var l logged
				if err := json.Unmarshal([]byte(line), &l); err != nil {
					l = logged{Level: "TEXT", Message: line} // a panic, say
				}
				all = append(all, l)
			}
		}
	}
	return all
}

// noise are errors of Karpenter's that come and go by themselves, here as on
// AWS, each with what it is about.
var noise = map[string]string{
	`the object has been modified`:           "two writers; the next try has the new object",
	`leases.* already exists`:                "both replicas ask for the lease of the leader at once",
	`^no subnets found`:                      "the node class is new and not resolved yet",
	`NodePool\.karpenter\.sh .* not found`:   "a node claim whose pool was deleted is looked at until it is gone",
	`nodeclaims\.karpenter\.sh .* not found`: "a node claim went in between",
}

// isError tells whether a line speaks of a fault.
func (l logged) isError() bool {
	if slices.Contains([]string{"DEBUG", "INFO", "WARN"}, l.Level) || l.Message == "ignoring nodepool, not ready" {
		return false
	}
	for pattern := range noise {
		if regexp.MustCompile(pattern).MatchString(l.Error) {
			return false
		}
	}
	return true
}

// calls are the actions that the controller's role was allowed, and the calls
// that it was denied.
func (p *pool) calls(t *testing.T) (allowed map[string]bool, denied []rehearsal.Call) {
	t.Helper()
	calls, err := p.Calls()
	if err != nil {
		t.Fatal(err)
	}
	allowed = map[string]bool{}
	for _, c := range calls {
		switch {
		case !strings.Contains(c.Principal, ":assumed-role/") || !strings.Contains(c.Principal, "KarpenterControllerRole"):
		case c.Allowed:
			allowed[c.Action] = true
		default:
			denied = append(denied, c)
		}
	}
	return allowed, denied
}

func await(t *testing.T, what string, check func(context.Context) error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 200*time.Millisecond, karpenterLimit, true, func(ctx context.Context) (bool, error) {
		err := check(ctx)
		if ctx.Err() == nil || last == nil { // not that the time was over, but why
			last = err
		}
		return err == nil, nil
	})
	if err != nil {
		t.Fatalf("%s: not within %s: %v", what, karpenterLimit, last)
	}
}

// atWork is a stack whose node pool runs pods.
func atWork(t *testing.T) (*deployment, *rehearsal.Stack, *pool) {
	t.Helper()
	d := start(t, "")
	s := d.stack(t)
	if err := s.Create(t.Context(), d.parameters(nil)); err != nil {
		t.Fatal(err)
	}
	p := newPool(t, d, checkOutputs(t, s))
	p.want(t, 3)
	await(t, "the pods run", p.running)
	return d, s, p
}

// Karpenter's own controller, with no rights but those that the template gives
// it, starts a node for pods that wait for one and ends it with its pool.
func TestKarpenterStartsAndEndsNodes(t *testing.T) {
	t.Parallel()
	d, s, p := atWork(t)

	instances, err := p.instances(t.Context())
	if err != nil || len(instances) == 0 {
		t.Fatalf("instances of the pool: %v (%v)", instances, err)
	}
	for _, i := range instances {
		nodes, err := p.kube.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{LabelSelector: nodePoolLabel + "=" + p.name})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(nodes.Items, func(n corev1.Node) bool { return strings.HasSuffix(n.Spec.ProviderID, *i.InstanceId) }) {
			t.Errorf("instance %s is no node", *i.InstanceId)
		}
	}
	if err := p.objects.Resource(nodePools).Delete(t.Context(), p.name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	await(t, "the pool's nodes end", p.gone)
	for _, l := range p.said(t) {
		if l.isError() {
			t.Errorf("Karpenter logged %s", l)
		}
	}
	if allowed, denied := p.calls(t); len(allowed) == 0 || len(denied) > 0 {
		t.Errorf("Karpenter's role: %d actions allowed, denied %v", len(allowed), denied)
	}
	if err := p.kube.AppsV1().Deployments("default").Delete(t.Context(), "engine", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	kept := retained(t, s)
	if err := s.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(kept, d.leftovers(t)); diff != "" {
		t.Errorf("left after delete (-retained +left):\n%s", diff)
	}
}
