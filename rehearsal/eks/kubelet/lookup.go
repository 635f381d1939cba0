package kubelet

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// lookup finds what a pod refers to, each object once. It asks the API server, not
// a cache that may be behind: what a chart makes before its pods is there.
type lookup struct {
	kube      kubernetes.Interface
	namespace string
	seen      map[reference]map[string]bool // keys by object; nil: there is none
}

func (k *Kubelets) lookup(p *corev1.Pod) *lookup {
	return &lookup{kube: k.kube, namespace: p.Namespace, seen: map[reference]map[string]bool{}}
}

// missing says what is wrong with the first of the references that is; empty: nothing.
func (l *lookup) missing(ctx context.Context, all []reference) (string, error) {
	for _, r := range all {
		keys, err := l.keys(ctx, reference{kind: r.kind, name: r.name})
		if err != nil {
			return "", err
		}
		if keys == nil || r.key != "" && !keys[r.key] {
			return r.missing(l.namespace, keys != nil), nil
		}
	}
	return "", nil
}

func (l *lookup) keys(ctx context.Context, object reference) (map[string]bool, error) {
	if keys, ok := l.seen[object]; ok {
		return keys, nil
	}
	keys, err := l.read(ctx, object)
	if apierrors.IsNotFound(err) {
		keys, err = nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s %s/%s: %w", object.kind.lower, l.namespace, object.name, err)
	}
	l.seen[object] = keys
	return keys, nil
}

func (l *lookup) read(ctx context.Context, object reference) (map[string]bool, error) {
	keys := map[string]bool{}
	switch object.kind {
	case secrets:
		s, err := l.kube.CoreV1().Secrets(l.namespace).Get(ctx, object.name, metav1.GetOptions{})
		for key := range s.Data {
			keys[key] = true
		}
		return keys, err
	case configMaps:
		c, err := l.kube.CoreV1().ConfigMaps(l.namespace).Get(ctx, object.name, metav1.GetOptions{})
		for key := range c.Data {
			keys[key] = true
		}
		for key := range c.BinaryData {
			keys[key] = true
		}
		return keys, err
	default:
		_, err := l.kube.CoreV1().ServiceAccounts(l.namespace).Get(ctx, object.name, metav1.GetOptions{})
		return keys, err
	}
}

// attachment says why a claim's volume cannot be mounted on the node yet; empty:
// it can. Event tells whether kubelets tell of it at once.
func (k *Kubelets) attachment(ctx context.Context, namespace, name, node string) (why string, event bool, err error) {
	claim, err := k.kube.CoreV1().PersistentVolumeClaims(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return fmt.Sprintf("persistentvolumeclaim %q not found", name), true, nil
	}
	if err != nil {
		return "", false, err
	}
	if claim.Status.Phase != corev1.ClaimBound || claim.Spec.VolumeName == "" {
		return fmt.Sprintf("persistentvolumeclaim %q is not bound", name), false, nil
	}
	v, err := k.kube.CoreV1().PersistentVolumes().Get(ctx, claim.Spec.VolumeName, metav1.GetOptions{})
	if err != nil || v.Spec.CSI == nil {
		return "", false, err
	}
	if attached, err := k.attached(ctx, v, node); err != nil || !attached {
		return fmt.Sprintf("volume %q is not attached to node %q", v.Name, node), false, err
	}
	has, err := k.hasDriver(ctx, node, v.Spec.CSI.Driver)
	if err != nil || has {
		return "", false, err
	}
	return fmt.Sprintf("MountVolume.MountDevice failed for volume %q : kubernetes.io/csi: attacher.MountDevice failed to create "+
		"newCsiDriverClient: driver name %s not found in the list of registered CSI drivers", v.Name, v.Spec.CSI.Driver), true, nil
}

// attached tells whether a CSI volume is attached to the node, or its driver does
// without attaching.
func (k *Kubelets) attached(ctx context.Context, v *corev1.PersistentVolume, node string) (bool, error) {
	d, err := k.kube.StorageV1().CSIDrivers().Get(ctx, v.Spec.CSI.Driver, metav1.GetOptions{})
	if err == nil && d.Spec.AttachRequired != nil && !*d.Spec.AttachRequired {
		return true, nil
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return false, err
	}
	all, err := k.kube.StorageV1().VolumeAttachments().List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, err
	}
	for i := range all.Items {
		if of(&all.Items[i], v.Name, node) {
			return all.Items[i].Status.Attached, nil
		}
	}
	return false, nil
}

func of(a *storagev1.VolumeAttachment, volume, node string) bool {
	return a.Spec.NodeName == node && a.Spec.Source.PersistentVolumeName != nil && *a.Spec.Source.PersistentVolumeName == volume
}
