package tests

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	nodeRole  = "arn:aws:iam::111122223333:role/node"
	otherRole = "arn:aws:iam::111122223333:role/other"
)

// tell replaces a file of the state directory at once.
func (l *localkube) tell(t *testing.T, name string, value any) {
	t.Helper()
	b, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(l.dir, name)
	if err := os.WriteFile(file+".tmp", b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".tmp", file); err != nil {
		t.Fatal(err)
	}
}

// machine is an instance as the embedded AWS tells it.
func machine(n int, role string, edits ...func(map[string]any)) map[string]any {
	m := map[string]any{
		"instanceId": fmt.Sprintf("i-%017x", 0xabc0+n), "name": machineName(n), "privateIp": fmt.Sprintf("10.0.1.%d", n),
		"zone": "us-east-1b", "region": "us-east-1", "instanceType": "m7g.xlarge", "arch": "arm64", "cpu": 4, "memoryMiB": 16384,
		"maxPods": 58, "roleArn": role,
	}
	for _, e := range edits {
		e(m)
	}
	return m
}

func machineName(n int) string { return fmt.Sprintf("ip-10-0-1-%d.ec2.internal", n) }

func readiness(n *corev1.Node) corev1.NodeCondition {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c
		}
	}
	return corev1.NodeCondition{}
}

func (l *localkube) awaitNode(t *testing.T, name string) *corev1.Node {
	t.Helper()
	var n *corev1.Node
	eventually(t, "node "+name, func(ctx context.Context) (err error) {
		if n, err = l.client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{}); err != nil {
			return err
		}
		if c := readiness(n); c.Status != corev1.ConditionTrue {
			return fmt.Errorf("node is not Ready: %s %s", c.Reason, c.Message)
		}
		return nil
	})
	return n
}

func (l *localkube) hasNode(t *testing.T, name string) bool {
	t.Helper()
	_, err := l.client.CoreV1().Nodes().Get(t.Context(), name, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	return err == nil
}

func TestInstancesComeAndGo(t *testing.T) {
	t.Parallel()
	l := own(t, "-nodes", "0")
	unregistered := func(m map[string]any) {
		m["taints"] = []map[string]string{{"key": "karpenter.sh/unregistered", "effect": "NoExecute"}}
		m["labels"] = map[string]string{"karpenter.sh/nodepool": "pool"}
	}
	l.tell(t, "instances.json", []any{machine(1, nodeRole, unregistered), machine(2, nodeRole)})
	n := l.awaitNode(t, machineName(1))
	if want := "aws:///us-east-1b/i-0000000000000abc1"; n.Spec.ProviderID != want || n.Labels["karpenter.sh/nodepool"] != "pool" {
		t.Errorf("node has the provider ID %s, want %s, and labels %v", n.Spec.ProviderID, want, n.Labels)
	}
	eventually(t, "only its own taint", func(ctx context.Context) error {
		n, err := l.client.CoreV1().Nodes().Get(ctx, n.Name, metav1.GetOptions{})
		if err == nil && (len(n.Spec.Taints) != 1 || n.Spec.Taints[0].Key != "karpenter.sh/unregistered") {
			err = fmt.Errorf("taints are %v", n.Spec.Taints)
		}
		return err
	})
	r := room{l, "default"}
	r.deployment(t, nil)
	p := r.awaitSummary(t, well)
	if p.Spec.NodeName != machineName(2) {
		t.Errorf("the pod runs on %s, want the node without a taint", p.Spec.NodeName)
	}
	l.tell(t, "instances.json", []any{machine(1, nodeRole, unregistered)})
	eventually(t, "another pod, which waits", func(ctx context.Context) error {
		q, err := r.pod(ctx)
		if err == nil && (q.UID == p.UID || q.Spec.NodeName != "") {
			err = fmt.Errorf("the pod %s is on node %q", q.Name, q.Spec.NodeName)
		}
		return err
	})
	if l.hasNode(t, machineName(2)) {
		t.Error("the node of an instance that is gone is still there")
	}
}

// embeddedEKS answers what the EKS API says of who may enter.
type embeddedEKS struct {
	*httptest.Server
	mode string

	mu      sync.Mutex
	entries map[string]string // type by principal
}

func newEKS(t *testing.T, mode string) *embeddedEKS {
	t.Helper()
	e := &embeddedEKS{mode: mode, entries: map[string]string{}}
	e.Server = httptest.NewServer(e)
	t.Cleanup(e.Close)
	return e
}

func (e *embeddedEKS) set(principal, kind string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.entries[principal] = kind
}

// ServeHTTP implements http.Handler.
func (e *embeddedEKS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	parts := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/") // clusters NAME access-entries PRINCIPAL access-policies
	var answer any
	switch len(parts) {
	case 2:
		answer = map[string]any{"cluster": map[string]any{"name": parts[1], "accessConfig": map[string]string{"authenticationMode": e.mode}}}
	case 3:
		principals := []string{}
		for p := range e.entries {
			principals = append(principals, p)
		}
		answer = map[string]any{"accessEntries": principals}
	case 4:
		principal, _ := url.PathUnescape(parts[3])
		answer = map[string]any{"accessEntry": map[string]string{"principalArn": principal, "type": e.entries[principal]}}
	default:
		answer = map[string]any{"associatedAccessPolicies": []any{}}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func TestANodeNeedsAnAccessEntry(t *testing.T) {
	t.Parallel()
	e := newEKS(t, "API")
	e.set(nodeRole, "EC2_LINUX")
	e.set("arn:aws:iam::111122223333:role/standard", "STANDARD")
	l := own(t, "-nodes", "0", "-aws-endpoint", e.URL)
	forbidden := func(m map[string]any) {
		m["labels"] = map[string]string{"node-role.kubernetes.io/worker": ""} // NodeRestriction: no node gives itself a role
	}
	l.tell(t, "instances.json", []any{
		machine(1, otherRole), machine(2, "arn:aws:iam::111122223333:role/standard"), machine(3, nodeRole, forbidden), machine(4, nodeRole),
	})
	l.awaitNode(t, machineName(4))
	for n, why := range map[int]string{1: "a role without an entry", 2: "a role that is no node's", 3: "a label that kubelets may not set"} {
		if l.hasNode(t, machineName(n)) {
			t.Errorf("an instance joined with %s", why)
		}
	}
	e.set(otherRole, "EC2_LINUX")
	l.awaitNode(t, machineName(1))
}

func TestANodeNeedsAwsAuth(t *testing.T) {
	t.Parallel()
	e := newEKS(t, "CONFIG_MAP")
	e.set(otherRole, "EC2_LINUX") // nobody reads it in this mode
	l := own(t, "-nodes", "0", "-aws-endpoint", e.URL)
	auth := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "aws-auth"}, Data: map[string]string{
		"mapRoles": "- rolearn: " + nodeRole + "\n  username: system:node:{{EC2PrivateDNSName}}\n  groups: [system:bootstrappers, system:nodes]\n",
	}}
	if _, err := l.client.CoreV1().ConfigMaps("kube-system").Create(t.Context(), auth, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	l.tell(t, "instances.json", []any{machine(1, otherRole), machine(2, nodeRole)})
	l.awaitNode(t, machineName(2))
	if l.hasNode(t, machineName(1)) {
		t.Error("an instance joined by an access entry that this cluster does not read")
	}
}

func TestANodeNeedsItsNetwork(t *testing.T) {
	t.Parallel()
	l := own(t, "-nodes", "1", "-self-managed-addons=false")
	const node = "ip-10-0-0-10.ec2.internal"
	notReady := func(what string) {
		t.Helper()
		eventually(t, what, func(ctx context.Context) error {
			n, err := l.client.CoreV1().Nodes().Get(ctx, node, metav1.GetOptions{})
			if err == nil && (readiness(n).Status != corev1.ConditionFalse || !strings.Contains(readiness(n).Message, "cni plugin not initialized")) {
				err = fmt.Errorf("node is %s: %s", readiness(n).Status, readiness(n).Message)
			}
			return err
		})
	}
	notReady("a node without a network")
	cni := map[string]string{"name": "vpc-cni", "version": "v1.21.1-eksbuild.1"}
	l.tell(t, "addons.json", []any{cni})
	room{l, "kube-system"}.awaitEvent(t, "Warning Unhealthy", `failed to connect service ":50051"`)
	notReady("a node whose vpc-cni does not reach the API server")
	l.awaitStatus(t, "vpc-cni", false, "daemon set aws-node is available on 0 of 1 nodes")
	l.tell(t, "addons.json", []any{cni, map[string]string{"name": "kube-proxy", "version": "v1.36.0-eksbuild.2"}})
	l.awaitNode(t, node)
	l.awaitStatus(t, "vpc-cni", true, "")
}

// On EKS the node controller takes 40 to 50 seconds to find out.
func TestANodeWhoseRoleLosesItsAccess(t *testing.T) {
	if os.Getenv("LOCALKUBE_CAMPAIGN") == "" {
		t.Skip("LOCALKUBE_CAMPAIGN is not set: this takes a minute and a half")
	}
	t.Parallel()
	e := newEKS(t, "API")
	e.set(nodeRole, "EC2_LINUX")
	l := own(t, "-nodes", "0", "-aws-endpoint", e.URL)
	l.tell(t, "instances.json", []any{machine(1, nodeRole)})
	l.awaitNode(t, machineName(1))
	e.mu.Lock()
	delete(e.entries, nodeRole)
	e.mu.Unlock()
	l.awaitCondition(t, machineName(1), corev1.ConditionUnknown, "an Unauthorized kubelet")
	e.set(nodeRole, "EC2_LINUX")
	l.awaitCondition(t, machineName(1), corev1.ConditionTrue, "a kubelet that may speak again")
}

// awaitCondition waits for a change that the node controller makes, or kubelets
// with their next heartbeat.
func (l *localkube) awaitCondition(t *testing.T, node string, want corev1.ConditionStatus, what string) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), time.Second, 3*time.Minute, true, func(ctx context.Context) (bool, error) {
		n, err := l.client.CoreV1().Nodes().Get(ctx, node, metav1.GetOptions{})
		return err == nil && readiness(n).Status == want, err
	})
	if err != nil {
		t.Fatalf("%s: the node's Ready is not %s: %v", what, want, err)
	}
}
