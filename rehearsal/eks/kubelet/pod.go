package kubelet

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// deadRetry is how long to wait for a kubelet that cannot speak to the API server.
const deadRetry = 2 * time.Second

// pod takes the pod's next step, or removes a pod that is being deleted.
func (k *Kubelets) pod(ctx context.Context, p *corev1.Pod) (time.Duration, error) {
	n := k.host(p)
	if n != nil && !k.machines.Alive(n) {
		return deadRetry, nil
	}
	if p.DeletionTimestamp != nil {
		if !k.programs.End(p) {
			return 0, nil // it is looked at again when its program has ended
		}
		return 0, k.remove(ctx, p)
	}
	s := scene{pod: p, host: k.address(p.Spec.NodeName), now: metav1.Now()}
	s.podIP = podIP(p, s.host)
	if n != nil && podReady(p) {
		if err := k.serve(ctx, p, n); err != nil {
			return 0, err
		}
	}
	next, err := k.nextOrHeld(ctx, s)
	if err != nil {
		return 0, err
	}
	if next.status == nil {
		return next.after, nil
	}
	// With the resource version a step that was decided on an outdated copy is
	// refused, so that none is taken twice.
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": p.UID, "resourceVersion": p.ResourceVersion},
		"status":   next.status,
	})
	if err != nil {
		return 0, fmt.Errorf("encode the status of pod %s/%s: %w", p.Namespace, p.Name, err)
	}
	_, err = k.kube.CoreV1().Pods(p.Namespace).Patch(ctx, p.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	if err != nil {
		return 0, err
	}
	k.stepped(p.UID)
	k.events.report(p, next.events)
	return next.after, nil
}

// nextOrHeld is the pod's next step, which for a pod that has not begun is to wait
// until what it needs is there.
func (k *Kubelets) nextOrHeld(ctx context.Context, s scene) (step, error) {
	if n := k.host(s.pod); n != nil && isApp(s.pod, cniApp) && !k.networkReady(n) && !k.runs(proxyApp, n.Name) {
		next := s.unready(noProxy)
		next.after = holdRetry
		return next, nil
	}
	if len(s.pod.Spec.Containers) == 0 || over(s.pod) || begun(s.pod) {
		return k.next(s), nil
	}
	h, err := k.hold(ctx, s.pod)
	if err != nil {
		return step{}, err
	}
	if h.none() {
		return k.next(s), nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	next, tell := s.held(h, k.told[s.pod.UID])
	k.told[s.pod.UID] = tell
	return next, nil
}

// serve does what a Ready pod of an add-on does for its node.
func (k *Kubelets) serve(ctx context.Context, p *corev1.Pod, n *corev1.Node) error {
	if isApp(p, cniApp) && nodeReady(n).Status != corev1.ConditionTrue {
		k.queue.Add(item{k.nodes, n.Name})
	}
	if isApp(p, csiApp) {
		return k.registerCSI(ctx, n)
	}
	return nil
}

func (k *Kubelets) remove(ctx context.Context, p *corev1.Pod) error {
	now := int64(0)
	return k.kube.CoreV1().Pods(p.Namespace).Delete(ctx, p.Name, metav1.DeleteOptions{
		GracePeriodSeconds: &now,
		Preconditions:      &metav1.Preconditions{UID: &p.UID},
	})
}

// address gives a node's internal address; empty if the node is gone.
func (k *Kubelets) address(node string) string {
	o, ok, err := k.nodes.GetIndexer().GetByKey(node)
	if n, isNode := o.(*corev1.Node); err == nil && ok && isNode {
		for _, a := range n.Status.Addresses {
			if a.Type == corev1.NodeInternalIP {
				return a.Address
			}
		}
	}
	return ""
}

// podIP makes a stable address out of the pod's UID; a pod on the host's network
// has the host's.
func podIP(p *corev1.Pod, host string) string {
	if p.Spec.HostNetwork && host != "" {
		return host
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(p.UID))
	sum := h.Sum32()
	return fmt.Sprintf("10.244.%d.%d", sum>>8&0xff, 1+sum%253)
}
