package tests

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func lease(name string) *coordinationv1.Lease {
	return &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

func quantity(s string) resource.Quantity { return resource.MustParse(s) }

func TestNodesLookLikeANodeGroups(t *testing.T) {
	t.Parallel()
	l := own(t, "-nodes", "3", "-node-arch", "arm64", "-region", "eu-west-1")
	nodes, err := l.client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	v, err := l.client.Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range nodes.Items {
		if n.Status.NodeInfo.KubeletVersion != v.GitVersion || !strings.HasPrefix(v.GitVersion, "v1.") || !strings.Contains(v.GitVersion, "-eks-") {
			t.Errorf("node %s reports version %q, the API server %q", n.Name, n.Status.NodeInfo.KubeletVersion, v.GitVersion)
		}
		got = append(got, n.Name+" "+n.Labels[corev1.LabelTopologyZone]+" "+n.Labels[corev1.LabelArchStable]+" "+n.Spec.ProviderID)
	}
	want := "[ip-10-0-0-10.eu-west-1.compute.internal eu-west-1a arm64 aws:///eu-west-1a/i-00000000000000001" +
		" ip-10-0-0-11.eu-west-1.compute.internal eu-west-1b arm64 aws:///eu-west-1b/i-00000000000000002" +
		" ip-10-0-0-12.eu-west-1.compute.internal eu-west-1c arm64 aws:///eu-west-1c/i-00000000000000003]"
	if fmt.Sprint(got) != want {
		t.Errorf("nodes are\n%s, want\n%s", got, want)
	}
}

func TestALoadBalancerGetsAName(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	_, err := r.client.CoreV1().Services(r.ns).Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, Ports: []corev1.ServicePort{{Port: 80}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := "k8s-" + r.ns + "-web.elb.us-east-1.amazonaws.com"
	eventually(t, want, func(ctx context.Context) error {
		s, err := r.client.CoreV1().Services(r.ns).Get(ctx, "web", metav1.GetOptions{})
		if err == nil && (len(s.Status.LoadBalancer.Ingress) != 1 || s.Status.LoadBalancer.Ingress[0].Hostname != want) {
			err = fmt.Errorf("status is %v", s.Status.LoadBalancer)
		}
		return err
	})
}

func TestADeletedPodGoes(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.deployment(t, nil)
	p := r.awaitSummary(t, well)
	if err := r.client.CoreV1().Pods(r.ns).Delete(t.Context(), p.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another pod", func(ctx context.Context) error {
		q, err := r.pod(ctx)
		if err == nil && q.UID == p.UID {
			err = errors.New("the deleted pod is still there")
		}
		return err
	})
}

// The node lifecycle controller finds a node dead when its lease is not renewed
// for 40 to 50 seconds: nothing shorter shows that they are.
func TestNodesStayReady(t *testing.T) {
	if os.Getenv("LOCALKUBE_CAMPAIGN") == "" {
		t.Skip("LOCALKUBE_CAMPAIGN is not set: this takes 70 seconds")
	}
	t.Parallel()
	l := own(t)
	select {
	case <-time.After(70 * time.Second):
	case <-t.Context().Done():
	}
	nodes, err := l.client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes.Items {
		for _, c := range n.Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status != corev1.ConditionTrue {
				t.Errorf("node %s is not Ready: %s", n.Name, c.Message)
			}
		}
		if len(n.Spec.Taints) > 0 {
			t.Errorf("node %s has the taints %v", n.Name, n.Spec.Taints)
		}
		ls, err := l.client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(t.Context(), n.Name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if age := time.Since(ls.Spec.RenewTime.Time); age > 20*time.Second {
			t.Errorf("the lease of node %s was renewed %s ago", n.Name, age)
		}
	}
}
