package ebscsi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	provisionedBy     = "pv.kubernetes.io/provisioned-by"
	storageFor        = "volume.kubernetes.io/storage-provisioner"
	storageForBeta    = "volume.beta.kubernetes.io/storage-provisioner"
	selectedNode      = "volume.kubernetes.io/selected-node"
	volumeFinalizer   = "external-provisioner.volume.kubernetes.io/finalizer"
	provisionerSecret = "volume.kubernetes.io/provisioner-deletion-secret-" //nolint:gosec // G101: the start of an annotation's name
)

// token makes one volume of repeated requests for the same one.
func token(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

// awaits tells whether a claim waits for the driver, whose class is the given one.
func awaits(claim *corev1.PersistentVolumeClaim, class *storagev1.StorageClass) bool {
	if claim.Spec.VolumeName != "" || claim.DeletionTimestamp != nil || class == nil || class.Provisioner != driver {
		return false
	}
	if claim.Annotations[storageFor] != driver && claim.Annotations[storageForBeta] != driver {
		return false
	}
	late := class.VolumeBindingMode != nil && *class.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer
	return !late || claim.Annotations[selectedNode] != ""
}

// zoneFor is where a claim's volume has to be: with the node that the scheduler
// chose, or anywhere in the class's topologies where there are nodes.
func zoneFor(claim *corev1.PersistentVolumeClaim, class *storagev1.StorageClass, nodes []*corev1.Node) (string, error) {
	if name := claim.Annotations[selectedNode]; name != "" {
		for _, node := range nodes {
			if node.Name == name {
				return node.Labels[corev1.LabelTopologyZone], nil
			}
		}
		return "", fmt.Errorf("error generating accessibility requirements: error getting CSINode for selected node %q: "+
			"csinode.storage.k8s.io %q not found", name, name)
	}
	allowed := allowedZones(class)
	var zones []string
	for _, node := range nodes {
		zone := node.Labels[corev1.LabelTopologyZone]
		if zone != "" && !slices.Contains(zones, zone) && (len(allowed) == 0 || slices.Contains(allowed, zone)) {
			zones = append(zones, zone)
		}
	}
	if len(zones) == 0 {
		return "", errors.New("error generating accessibility requirements: no available topology found")
	}
	slices.Sort(zones)
	spread := fnv.New32a()
	_, _ = spread.Write([]byte(claim.Namespace + "/" + claim.Name)) // a hash takes all that it is given
	return zones[int(spread.Sum32())%len(zones)], nil
}

func allowedZones(class *storagev1.StorageClass) []string {
	var zones []string
	for _, topology := range class.AllowedTopologies {
		for _, expression := range topology.MatchLabelExpressions {
			if expression.Key == corev1.LabelTopologyZone || expression.Key == ownZoneKey {
				zones = append(zones, expression.Values...)
			}
		}
	}
	return zones
}

// volumeOf is the PersistentVolume of a claim whose EBS volume has been made.
func volumeOf(claim *corev1.PersistentVolumeClaim, class *storagev1.StorageClass, s settings, id, zone string) *corev1.PersistentVolume {
	policy := corev1.PersistentVolumeReclaimDelete
	if class.ReclaimPolicy != nil {
		policy = *class.ReclaimPolicy
	}
	volume := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: volumeName(claim), Annotations: map[string]string{
			provisionedBy: driver, provisionerSecret + "name": "", provisionerSecret + "namespace": "",
		}},
		Spec: corev1.PersistentVolumeSpec{
			AccessModes:                   claim.Spec.AccessModes,
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: *resource.NewQuantity(int64(size(claim))*gibibyte, resource.BinarySI)},
			PersistentVolumeReclaimPolicy: policy,
			StorageClassName:              class.Name,
			MountOptions:                  class.MountOptions,
			VolumeMode:                    claim.Spec.VolumeMode,
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name,
				UID: claim.UID, ResourceVersion: claim.ResourceVersion,
			},
			PersistentVolumeSource: corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{
				Driver: driver, VolumeHandle: id, FSType: s.fileSystem,
			}},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{
				NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{
					{Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: []string{zone}},
				}}},
			}},
		},
	}
	if policy == corev1.PersistentVolumeReclaimDelete { // the volume goes before its object does
		volume.Finalizers = []string{volumeFinalizer}
	}
	return volume
}

func (p *program) reconcileClaim(ctx context.Context, key string) error {
	claim := lookUp[corev1.PersistentVolumeClaim](p.claims, key)
	if claim == nil || claim.Spec.StorageClassName == nil {
		return nil
	}
	class := lookUp[storagev1.StorageClass](p.classes, *claim.Spec.StorageClassName)
	if !awaits(claim, class) || lookUp[corev1.PersistentVolume](p.volumes, volumeName(claim)) != nil {
		return nil
	}
	p.events.Eventf(claim, corev1.EventTypeNormal, "Provisioning",
		"External provisioner is provisioning volume for claim %q", key)
	volume, err := p.provision(ctx, claim, class)
	if err != nil {
		p.events.Eventf(claim, corev1.EventTypeWarning, "ProvisioningFailed",
			"failed to provision volume with StorageClass %q: %v", class.Name, err)
		return err
	}
	_, err = p.client.CoreV1().PersistentVolumes().Create(ctx, volume, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create PersistentVolume %s: %w", volume.Name, err)
	}
	p.events.Eventf(claim, corev1.EventTypeNormal, "ProvisioningSucceeded", "Successfully provisioned volume %s", volume.Name)
	return nil
}

func (p *program) provision(
	ctx context.Context, claim *corev1.PersistentVolumeClaim, class *storagev1.StorageClass,
) (*corev1.PersistentVolume, error) {
	s, err := settingsOf(class)
	if err != nil {
		return nil, rpc("InvalidArgument", "%w", err)
	}
	zone, err := zoneFor(claim, class, p.allNodes())
	if err != nil {
		return nil, err
	}
	made, err := p.ec2.CreateVolume(ctx, request(p.owner, claim, s, zone))
	if err != nil {
		return nil, rpc("Internal", "Could not create volume %q: could not create volume in EC2: %w", volumeName(claim), err)
	}
	id := aws.ToString(made.VolumeId)
	described := &ec2.DescribeVolumesInput{VolumeIds: []string{id}}
	if err := ec2.NewVolumeAvailableWaiter(p.ec2, quickly).Wait(ctx, described, callTimeout); err != nil {
		return nil, rpc("Internal", "Could not create volume %q: failed to get an available volume in EC2: %w", volumeName(claim), err)
	}
	return volumeOf(claim, class, s, id, zone), nil
}

// rpc is an error of the driver as the sidecars see it.
func rpc(code, text string, arguments ...any) error {
	return fmt.Errorf("rpc error: code = "+code+" desc = "+text, arguments...)
}

// isReleased tells whether a volume is the driver's to delete. One that is
// going without the provisioner's finalizer has been deleted.
func isReleased(volume *corev1.PersistentVolume) bool {
	if volume.DeletionTimestamp != nil && !slices.Contains(volume.Finalizers, volumeFinalizer) {
		return false
	}
	return volume.Spec.CSI != nil && volume.Spec.CSI.Driver == driver && volume.Annotations[provisionedBy] == driver &&
		volume.Status.Phase == corev1.VolumeReleased &&
		volume.Spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimDelete
}

func (p *program) reconcileVolume(ctx context.Context, key string) error {
	volume := lookUp[corev1.PersistentVolume](p.volumes, key)
	if volume == nil || !isReleased(volume) {
		return nil
	}
	if err := p.deleteVolume(ctx, volume); err != nil {
		p.events.Event(volume, corev1.EventTypeWarning, "VolumeFailedDelete", err.Error())
		return err
	}
	err := p.client.CoreV1().PersistentVolumes().Delete(ctx, volume.Name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete PersistentVolume %s: %w", volume.Name, err)
	}
	return p.finalize(ctx, volume.Name, volumeFinalizer, false)
}

func (p *program) deleteVolume(ctx context.Context, volume *corev1.PersistentVolume) error {
	for _, object := range p.attachments.List() {
		attachment, is := object.(*storagev1.VolumeAttachment)
		if name := attachmentVolume(attachment); is && name == volume.Name {
			return fmt.Errorf("persistentvolume %s is still attached to node %s", volume.Name, attachment.Spec.NodeName)
		}
	}
	id := volume.Spec.CSI.VolumeHandle
	_, err := p.ec2.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: aws.String(id)})
	if err != nil && !isCode(err, "InvalidVolume.NotFound") {
		return rpc("Internal", "Could not delete volume ID %q: DeleteDisk could not delete volume: %w", id, err)
	}
	return nil
}
