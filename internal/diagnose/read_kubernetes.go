package diagnose

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/e6data/aws-quickstart/internal/release"
)

const (
	// kubeTimeout bounds one request to the API server: a private endpoint does
	// not answer at all.
	kubeTimeout = 15 * time.Second
	// Bounds of what one archive holds.
	mostPods     = 500
	mostWarnings = 300
	mostNodes    = 200
	mostPodLogs  = 30
	podLogLines  = 40
	podLogBytes  = 64 << 10

	labelNodePool = "karpenter.sh/nodepool"
)

var nodeClaims = schema.GroupVersionResource{Group: "karpenter.sh", Version: "v1", Resource: "nodeclaims"}

// readKubernetes reads what is in the namespaces of the workspace and of its
// controllers, if the API server can be reached and lets the caller in.
func (c *collector) readKubernetes(ctx context.Context) {
	if c.facts.Cluster == nil {
		return // why is told already
	}
	cluster, err := c.connector.Connect(ctx, c.facts.Cluster.Name)
	if err != nil {
		c.absent("Kubernetes", err.Error(), "")
		return
	}
	cfg := cluster.Config()
	cfg.Timeout = kubeTimeout
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return getOnly{next} })
	kube, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		c.absent("Kubernetes", err.Error(), "")
		return
	}
	claims, err := dynamic.NewForConfig(cfg)
	if err != nil {
		c.absent("Kubernetes", err.Error(), "")
		return
	}
	c.kubernetes(ctx, kube, claims)
}

// kubernetes reads through given clients.
func (c *collector) kubernetes(ctx context.Context, kube kubernetes.Interface, other dynamic.Interface) {
	version, err := kube.Discovery().ServerVersion()
	if err != nil {
		c.unreachable(err)
		return
	}
	k := &Kubernetes{Version: version.GitVersion, Namespaces: c.namespaces()}
	// The first request with a name: an unknown caller is told so once.
	nodes, err := kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{Limit: mostNodes})
	if apierrors.IsUnauthorized(err) {
		c.unreachable(err)
		return
	}
	if !c.refused("the nodes", "list nodes", err) {
		for i := range nodes.Items {
			k.Nodes = append(k.Nodes, nodeOf(&nodes.Items[i]))
		}
	}
	list, err := other.Resource(nodeClaims).List(ctx, metav1.ListOptions{Limit: mostNodes})
	if !apierrors.IsNotFound(err) && !c.refused("the NodeClaims", "list nodeclaims.karpenter.sh", err) {
		for i := range list.Items {
			k.NodeClaims = append(k.NodeClaims, nodeClaimOf(&list.Items[i]))
		}
	}
	for _, namespace := range k.Namespaces {
		c.readNamespace(ctx, kube, k, namespace)
	}
	c.facts.Kubernetes = k
}

func (c *collector) namespaces() []string {
	all := []string{"kube-system"}
	for _, p := range []string{"KubernetesNamespace", "KarpenterNamespace", "LoadBalancerControllerNamespace"} {
		if n := c.parameter(p); n != "" && !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	return all
}

func (c *collector) readNamespace(ctx context.Context, kube kubernetes.Interface, k *Kubernetes, namespace string) {
	records, err := release.Records(ctx, kube, namespace)
	c.refused("the Helm releases", "list secrets in namespace "+namespace, err)
	for _, r := range records {
		k.Releases = append(k.Releases, Release{
			Namespace: r.Namespace, Name: r.Name, Revision: r.Revision, Status: r.Status, Chart: r.Chart, ChartVersion: r.ChartVersion,
			AppVersion: r.AppVersion, Description: r.Description, Owner: r.Owner, Deployed: r.Deployed,
		})
	}
	pods, err := kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{Limit: mostPods})
	if !c.refused("the pods", "list pods in namespace "+namespace, err) {
		for i := range pods.Items {
			c.readPod(ctx, kube, k, &pods.Items[i])
		}
	}
	events, err := kube.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{FieldSelector: "type=" + core.EventTypeWarning, Limit: mostWarnings})
	if !c.refused("the warnings", "list events in namespace "+namespace, err) {
		for i := range events.Items {
			k.Warnings = append(k.Warnings, warningOf(&events.Items[i]))
		}
	}
}

// readPod takes a pod and, if it is not ready, the last lines of the container
// that keeps it from that.
func (c *collector) readPod(ctx context.Context, kube kubernetes.Interface, k *Kubernetes, p *core.Pod) {
	out := Pod{Namespace: p.Namespace, Name: p.Name, Phase: string(p.Status.Phase), Node: p.Spec.NodeName, Created: p.CreationTimestamp.Time}
	for i := range p.Spec.Containers {
		out.Images = append(out.Images, p.Spec.Containers[i].Image)
	}
	for i := range p.Status.ContainerStatuses {
		out.Restarts += p.Status.ContainerStatuses[i].RestartCount
	}
	what, container, previous, bad := release.PodTrouble(p)
	if bad {
		out.Trouble = what
	}
	k.Pods = append(k.Pods, out)
	if !bad || container == "" || len(k.Logs) >= mostPodLogs {
		return
	}
	lines, err := lastLines(ctx, kube, p, container, previous)
	if !c.refused("the logs of pods", "get pods/log in namespace "+p.Namespace, err) && len(lines) > 0 {
		k.Logs = append(k.Logs, PodLog{Namespace: p.Namespace, Pod: p.Name, Container: container, Previous: previous, Lines: lines})
	}
}

func lastLines(ctx context.Context, kube kubernetes.Interface, p *core.Pod, container string, previous bool) ([]string, error) {
	stream, err := kube.CoreV1().Pods(p.Namespace).GetLogs(p.Name, &core.PodLogOptions{
		Container: container, Previous: previous, TailLines: new(int64(podLogLines)), LimitBytes: new(int64(podLogBytes)),
	}).Stream(ctx)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	text, err := io.ReadAll(io.LimitReader(stream, podLogBytes))
	if err != nil {
		return nil, err
	}
	if plain := strings.TrimSpace(string(text)); plain != "" {
		return strings.Split(plain, "\n"), nil
	}
	return nil, nil
}

func nodeOf(n *core.Node) Node {
	out := Node{
		Name: n.Name, Version: n.Status.NodeInfo.KubeletVersion, InstanceType: n.Labels[core.LabelInstanceTypeStable],
		Zone: n.Labels[core.LabelTopologyZone], NodePool: n.Labels[labelNodePool],
	}
	for _, t := range n.Spec.Taints {
		out.Taints = append(out.Taints, t.ToString())
	}
	for _, condition := range n.Status.Conditions {
		switch {
		case condition.Type == core.NodeReady && condition.Status == core.ConditionTrue:
			out.Ready = true
		case condition.Type == core.NodeReady, condition.Status == core.ConditionTrue: // such as DiskPressure
			out.Trouble = fmt.Sprintf("%s is %s: %s: %s", condition.Type, condition.Status, condition.Reason, condition.Message)
		}
	}
	return out
}

func nodeClaimOf(o *unstructured.Unstructured) NodeClaim {
	out := NodeClaim{
		Name: o.GetName(), NodePool: o.GetLabels()[labelNodePool], InstanceType: o.GetLabels()[core.LabelInstanceTypeStable], Created: o.GetCreationTimestamp().Time,
	}
	out.Node, _, _ = unstructured.NestedString(o.Object, "status", "nodeName")
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, raw := range conditions {
		condition, _ := raw.(map[string]any)
		if slices.Contains([]any{"Launched", "Registered", "Initialized"}, condition["type"]) && condition["status"] == "False" {
			out.Trouble = fmt.Sprintf("not %v: %v: %v", condition["type"], condition["reason"], condition["message"])
		}
	}
	return out
}

func warningOf(e *core.Event) Warning {
	at := e.LastTimestamp.Time
	if at.IsZero() {
		at = e.EventTime.Time
	}
	return Warning{
		Namespace: e.Namespace, Object: e.InvolvedObject.Kind + " " + e.InvolvedObject.Name, Reason: e.Reason, Message: e.Message,
		Count: max(1, e.Count), At: at,
	}
}

// refused notes a request that the API server refused; it tells whether it did.
func (c *collector) refused(part, request string, err error) bool {
	if err == nil {
		return false
	}
	g := Gap{Part: part, Why: err.Error()}
	if apierrors.IsForbidden(err) {
		g.Action = request + " (Kubernetes)"
		g.Do = "Give the caller's access entry the access policy AmazonEKSAdminViewPolicy, which also lets Helm's records be read, and try again"
	}
	c.facts.Gaps = append(c.facts.Gaps, g)
	return true
}

// unreachable notes why nothing of Kubernetes could be read.
func (c *collector) unreachable(err error) {
	g := Gap{Part: "Kubernetes (releases, pods, warnings, nodes)", Why: err.Error()}
	k := c.facts.Cluster
	var network *net.OpError
	switch {
	case apierrors.IsUnauthorized(err):
		g.Action = "an access entry on cluster " + k.Name
		g.Why = "the cluster does not know " + cmp.Or(c.facts.Caller, "the caller") + " (" + err.Error() + ")"
		g.Do = "Let the caller in: aws eks create-access-entry, then aws eks associate-access-policy with AmazonEKSAdminViewPolicy and the access scope cluster; " +
			"in mode CONFIG_MAP by aws-auth. Or run the command as the stack's AdminPrincipalArn"
	case errors.As(err, &network), errors.Is(err, context.DeadlineExceeded), strings.Contains(err.Error(), "Client.Timeout"):
		g.Do = fmt.Sprintf("Run the command from where the API server can be reached. Its endpoint is public: %v, for %s; private: %v. AWS CloudShell in the cluster's VPC is one such place",
			k.PublicAccess, cmp.Or(strings.Join(k.PublicAccessCidrs, ", "), "nobody"), k.PrivateAccess)
	}
	c.facts.Gaps = append(c.facts.Gaps, g)
}
