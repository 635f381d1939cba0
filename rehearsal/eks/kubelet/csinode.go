package kubelet

import (
	"context"
	"encoding/json"
	"fmt"
	"path"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	ebsDriver = "ebs.csi.aws.com"
	ebsZone   = "topology.ebs.csi.aws.com/zone"
	// A Nitro instance takes 28 attachments; its network interface and root volume
	// are two (docs.aws.amazon.com/ebs/latest/userguide/volume_limits.html).
	ebsVolumes = 26
)

// registerCSI tells in the node's CSINode, and by the node's label, that the EBS
// driver runs there, as the kubelet does when the driver's pod registers with it.
func (k *Kubelets) registerCSI(ctx context.Context, n *corev1.Node) error {
	k.mu.Lock()
	done := k.drivers[n.UID]
	k.mu.Unlock()
	if done || !k.machines.Alive(n) {
		return nil
	}
	label, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": map[string]string{ebsZone: n.Labels[corev1.LabelTopologyZone]}}})
	if err != nil {
		return fmt.Errorf("encode the labels of node %s: %w", n.Name, err)
	}
	if _, err := k.kube.CoreV1().Nodes().Patch(ctx, n.Name, types.MergePatchType, label, metav1.PatchOptions{}); err != nil {
		return err
	}
	if err := k.csiNode(ctx, n, true); err != nil {
		return fmt.Errorf("register the EBS driver of node %s: %w", n.Name, err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.drivers[n.UID] = true
	return nil
}

// csiNode makes the node's CSINode, or puts the driver into it.
func (k *Kubelets) csiNode(ctx context.Context, n *corev1.Node, driver bool) error {
	want := &storagev1.CSINode{ObjectMeta: metav1.ObjectMeta{
		Name: n.Name, OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: n.Name, UID: n.UID}},
	}}
	if driver {
		count := int32(ebsVolumes)
		want.Spec.Drivers = []storagev1.CSINodeDriver{{
			Name: ebsDriver, NodeID: path.Base(n.Spec.ProviderID), TopologyKeys: []string{corev1.LabelOSStable, corev1.LabelTopologyZone, ebsZone},
			Allocatable: &storagev1.VolumeNodeResources{Count: &count},
		}}
	}
	_, err := k.kube.StorageV1().CSINodes().Create(ctx, want, metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) || !driver {
		return ignoreExisting(err)
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"ownerReferences": want.OwnerReferences}, "spec": want.Spec})
	if err != nil {
		return err
	}
	_, err = k.kube.StorageV1().CSINodes().Patch(ctx, n.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}

func ignoreExisting(err error) error {
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// hasDriver tells whether a CSI driver is registered on the node.
func (k *Kubelets) hasDriver(ctx context.Context, node, driver string) (bool, error) {
	c, err := k.kube.StorageV1().CSINodes().Get(ctx, node, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, d := range c.Spec.Drivers {
		if d.Name == driver {
			return true, nil
		}
	}
	return false, nil
}
