package ebscsi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kube "k8s.io/apimachinery/pkg/types"
)

const attachFinalizer = "external-attacher/ebs-csi-aws-com"

func isCode(err error, code string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == code
}

func attachmentVolume(attachment *storagev1.VolumeAttachment) string {
	if attachment == nil {
		return ""
	}
	return aws.ToString(attachment.Spec.Source.PersistentVolumeName)
}

// devices are the names that the driver gives, in its order: /dev/xvdaa and on.
func devices() []string {
	var names []string
	for first := 'a'; first <= 'd'; first++ {
		for second := 'a'; second <= 'z'; second++ {
			names = append(names, fmt.Sprintf("/dev/xvd%c%c", first, second))
		}
	}
	return names
}

// freeDevice is the first name that no volume of an instance has.
func freeDevice(instance types.Instance) (string, error) {
	taken := map[string]bool{}
	for _, mapping := range instance.BlockDeviceMappings {
		taken[aws.ToString(mapping.DeviceName)] = true
	}
	for _, name := range devices() {
		if !taken[name] {
			return name, nil
		}
	}
	return "", errors.New("could not get a free device name to assign to the volume")
}

func (p *program) reconcileAttachment(ctx context.Context, key string) error {
	attachment := lookUp[storagev1.VolumeAttachment](p.attachments, key)
	if attachment == nil || attachment.Spec.Attacher != driver {
		return nil
	}
	if attachment.DeletionTimestamp != nil {
		return p.detach(ctx, attachment)
	}
	if attachment.Status.Attached {
		return nil
	}
	device, err := p.attach(ctx, attachment)
	if err != nil {
		shown := map[string]any{"attachError": map[string]any{"message": err.Error(), "time": metav1.NewTime(time.Now())}}
		return errors.Join(err, p.showAttachment(ctx, attachment.Name, shown))
	}
	return p.showAttachment(ctx, attachment.Name, map[string]any{
		"attached": true, "attachmentMetadata": map[string]string{"devicePath": device}, "attachError": nil,
	})
}

func (p *program) attach(ctx context.Context, attachment *storagev1.VolumeAttachment) (string, error) {
	volume := lookUp[corev1.PersistentVolume](p.volumes, attachmentVolume(attachment))
	if volume == nil || volume.Spec.CSI == nil {
		return "", fmt.Errorf("persistentvolume %q not found", attachmentVolume(attachment))
	}
	instanceID, err := p.instanceOf(attachment.Spec.NodeName)
	if err != nil {
		return "", err
	}
	if err := p.finalizeAttachment(ctx, attachment.Name, true); err != nil {
		return "", err
	}
	if err := p.finalize(ctx, volume.Name, attachFinalizer, true); err != nil {
		return "", err
	}
	id := volume.Spec.CSI.VolumeHandle
	device, err := p.attachTo(ctx, id, instanceID)
	if err != nil {
		return "", rpc("Internal", "Could not attach volume %q to node %q: %w", id, instanceID, err)
	}
	return device, nil
}

func (p *program) attachTo(ctx context.Context, id, instanceID string) (string, error) {
	instance, err := p.instance(ctx, instanceID)
	if err != nil {
		return "", err
	}
	for _, mapping := range instance.BlockDeviceMappings {
		if mapping.Ebs != nil && aws.ToString(mapping.Ebs.VolumeId) == id { // attached by an earlier try
			return aws.ToString(mapping.DeviceName), nil
		}
	}
	device, err := freeDevice(instance)
	if err != nil {
		return "", err
	}
	_, err = p.ec2.AttachVolume(ctx, &ec2.AttachVolumeInput{
		Device: aws.String(device), InstanceId: aws.String(instanceID), VolumeId: aws.String(id),
	})
	if err != nil {
		return "", fmt.Errorf("could not attach volume %q to node %q: %w", id, instanceID, err)
	}
	described := &ec2.DescribeVolumesInput{VolumeIds: []string{id}}
	return device, ec2.NewVolumeInUseWaiter(p.ec2, quicklyInUse).Wait(ctx, described, callTimeout)
}

func (p *program) instance(ctx context.Context, id string) (types.Instance, error) {
	answer, err := p.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		return types.Instance{}, err
	}
	for _, reservation := range answer.Reservations {
		if len(reservation.Instances) > 0 {
			return reservation.Instances[0], nil
		}
	}
	return types.Instance{}, errors.New("instance not found")
}

func (p *program) detach(ctx context.Context, attachment *storagev1.VolumeAttachment) error {
	if !slices.Contains(attachment.Finalizers, attachFinalizer) {
		return nil
	}
	volume := lookUp[corev1.PersistentVolume](p.volumes, attachmentVolume(attachment))
	if volume != nil && volume.Spec.CSI != nil {
		id := volume.Spec.CSI.VolumeHandle
		_, err := p.ec2.DetachVolume(ctx, &ec2.DetachVolumeInput{VolumeId: aws.String(id)})
		// Detached already, with its instance for one; or gone.
		if err != nil && !isCode(err, "IncorrectState") && !isCode(err, "InvalidVolume.NotFound") {
			return rpc("Internal", "Could not detach volume %q: %w", id, err)
		}
		if err := p.finalize(ctx, volume.Name, attachFinalizer, false); err != nil {
			return err
		}
	}
	return p.finalizeAttachment(ctx, attachment.Name, false)
}

// instanceOf is the driver's name of a node: what its CSINode says, or else the node's provider ID.
func (p *program) instanceOf(node string) (string, error) {
	if csi := lookUp[storagev1.CSINode](p.csiNodes, node); csi != nil {
		for _, one := range csi.Spec.Drivers {
			if one.Name == driver {
				return one.NodeID, nil
			}
		}
	}
	found := lookUp[corev1.Node](p.nodes, node)
	if found == nil {
		return "", fmt.Errorf("node %q not found", node)
	}
	return found.Spec.ProviderID[strings.LastIndex(found.Spec.ProviderID, "/")+1:], nil
}

func (p *program) showAttachment(ctx context.Context, name string, status map[string]any) error {
	patch, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return fmt.Errorf("write patch: %w", err)
	}
	_, err = p.client.StorageV1().VolumeAttachments().Patch(ctx, name, kube.MergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}

// finalizerPatch puts one finalizer on an object or takes it off. It names no
// other finalizer and no version, as the sidecars' patches do: several have
// their finalizers on a volume, and a conflict would have it deleted twice.
func finalizerPatch(finalizer string, wanted bool) ([]byte, error) {
	field := "$deleteFromPrimitiveList/finalizers"
	if wanted {
		field = "finalizers"
	}
	return json.Marshal(map[string]any{"metadata": map[string]any{field: []string{finalizer}}})
}

func (p *program) finalizeAttachment(ctx context.Context, name string, wanted bool) error {
	patch, err := finalizerPatch(attachFinalizer, wanted)
	if err != nil {
		return fmt.Errorf("write patch: %w", err)
	}
	_, err = p.client.StorageV1().VolumeAttachments().Patch(ctx, name, kube.StrategicMergePatchType, patch, metav1.PatchOptions{})
	return err
}

// finalize has nothing to do for a volume that is gone.
func (p *program) finalize(ctx context.Context, name, finalizer string, wanted bool) error {
	patch, err := finalizerPatch(finalizer, wanted)
	if err != nil {
		return fmt.Errorf("write patch: %w", err)
	}
	_, err = p.client.CoreV1().PersistentVolumes().Patch(ctx, name, kube.StrategicMergePatchType, patch, metav1.PatchOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
