package kubelet

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	port = 10250
	// The node lifecycle controller wants a lease renewed every 50 seconds.
	leaseRenewal = 10 * time.Second
	leaseSeconds = 40
)

// node says of a node what its kubelet does: that it is not Ready while pods have
// no network, then that it is.
func (k *Kubelets) node(ctx context.Context, n *corev1.Node) error {
	before, network := nodeReady(n), k.networkReady(n)
	said := before.Status == corev1.ConditionTrue || before.Status == corev1.ConditionFalse && !network
	if said || !k.machines.Alive(n) {
		return nil
	}
	if err := k.renew(ctx, n); err != nil {
		return fmt.Errorf("renew the lease of node %s: %w", n.Name, err)
	}
	if err := k.csiNode(ctx, n, false); err != nil {
		return fmt.Errorf("make the CSINode of node %s: %w", n.Name, err)
	}
	info := n.Status.NodeInfo
	info.KubeletVersion, info.ContainerRuntimeVersion = k.version, "containerd://played"
	patch, err := json.Marshal(map[string]any{"status": map[string]any{
		"nodeInfo":        info,
		"conditions":      nodeConditions(metav1.Now(), network),
		"daemonEndpoints": corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: port}},
	}})
	if err != nil {
		return fmt.Errorf("encode the status of node %s: %w", n.Name, err)
	}
	_, err = k.kube.CoreV1().Nodes().Patch(ctx, n.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}

func nodeConditions(now metav1.Time, network bool) []corev1.NodeCondition {
	ready := corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady", Message: "kubelet is posting ready status"}
	if !network {
		ready.Status, ready.Reason, ready.Message = corev1.ConditionFalse, "KubeletNotReady", noNetwork
	}
	conditions := []corev1.NodeCondition{
		{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasSufficientMemory"},
		{Type: corev1.NodeDiskPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasNoDiskPressure"},
		{Type: corev1.NodePIDPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasSufficientPID"},
		ready,
	}
	for i := range conditions {
		conditions[i].LastHeartbeatTime, conditions[i].LastTransitionTime = now, now
	}
	return conditions
}

func (k *Kubelets) renewLeases(ctx context.Context) {
	t := time.NewTicker(leaseRenewal)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		for _, o := range k.nodes.GetIndexer().List() {
			n, ok := o.(*corev1.Node)
			if !ok || !k.machines.Alive(n) {
				continue
			}
			if nodeReady(n).Status != corev1.ConditionTrue { // such as one that may speak again
				k.queue.Add(item{k.nodes, n.Name})
			}
			if err := k.renew(ctx, n); err != nil {
				slog.WarnContext(ctx, "node lease not renewed", "node", n.Name, "reason", err)
			}
		}
	}
}

// renew patches the node's lease: an update would need its resource version.
func (k *Kubelets) renew(ctx context.Context, n *corev1.Node) error {
	seconds := int32(leaseSeconds)
	spec := coordinationv1.LeaseSpec{HolderIdentity: &n.Name, LeaseDurationSeconds: &seconds, RenewTime: &metav1.MicroTime{Time: time.Now()}}
	patch, err := json.Marshal(map[string]any{"spec": spec})
	if err != nil {
		return err
	}
	leases := k.kube.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	_, err = leases.Patch(ctx, n.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if !apierrors.IsNotFound(err) {
		return err
	}
	owner := metav1.OwnerReference{APIVersion: "v1", Kind: "Node", Name: n.Name, UID: n.UID}
	_, err = leases.Create(ctx, &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: n.Name, OwnerReferences: []metav1.OwnerReference{owner}},
		Spec:       spec,
	}, metav1.CreateOptions{})
	return err
}
