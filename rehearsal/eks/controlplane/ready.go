package controlplane

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

const (
	startLimit = 90 * time.Second
	poll       = 50 * time.Millisecond
	askLimit   = 2 * time.Second
)

// WaitAPIServer waits until the API server says that it is ready.
func WaitAPIServer(ctx context.Context, c kubernetes.Interface) error {
	return await(ctx, "API server is not ready", func(ctx context.Context) error {
		b, err := c.CoreV1().RESTClient().Get().AbsPath("/readyz").Timeout(askLimit).DoRaw(ctx)
		if err == nil && string(b) != "ok" {
			return fmt.Errorf("/readyz answers %q", b)
		}
		return err
	})
}

// WaitCluster waits until pods can run: the service account default/default
// exists, and as many nodes are Ready and without taints (the scheduler leaves a
// node alone until the controllers have taken theirs off).
func WaitCluster(ctx context.Context, c kubernetes.Interface, nodes int) error {
	return await(ctx, "cluster is not ready", func(ctx context.Context) error {
		if _, err := c.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{}); err != nil {
			return err
		}
		list, err := c.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		ready := 0
		for i := range list.Items {
			if NodeReady(&list.Items[i]) && len(list.Items[i].Spec.Taints) == 0 {
				ready++
			}
		}
		if ready < nodes {
			return fmt.Errorf("%d of %d nodes are Ready and untainted", ready, nodes)
		}
		return nil
	})
}

// NodeReady tells whether the node's condition Ready is true.
func NodeReady(n *corev1.Node) bool {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// await polls check until it gives no error; its last error becomes the reason.
func await(ctx context.Context, what string, check func(context.Context) error) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, poll, startLimit, true, func(ctx context.Context) (bool, error) {
		last = check(ctx)
		return last == nil, nil
	})
	switch {
	case err == nil:
		return nil
	case context.Cause(ctx) != nil:
		return context.Cause(ctx)
	default:
		return fmt.Errorf("%s after %s: %w", what, startLimit, last)
	}
}
