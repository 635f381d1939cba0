package ebscsi

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
)

// The tags of the driver's volumes. The managed policy of the driver's role
// allows CreateVolume and DeleteVolume by them.
const (
	volumeNameTag  = "CSIVolumeName"
	managedTag     = "ebs.csi.aws.com/cluster"
	claimNameTag   = "kubernetes.io/created-for/pvc/name"
	claimSpaceTag  = "kubernetes.io/created-for/pvc/namespace"
	volumeTag      = "kubernetes.io/created-for/pv/name"
	clusterTagHead = "kubernetes.io/cluster/"
)

const (
	gibibyte    = 1 << 30
	fileSystem  = "csi.storage.k8s.io/fstype"
	tagHead     = "tagspecification"
	defaultType = types.VolumeTypeGp3
)

// settings are what a StorageClass says of its volumes.
type settings struct {
	kind       types.VolumeType
	encrypted  bool
	key        string
	iops       *int32
	throughput *int32
	fileSystem string
	tags       map[string]string
}

// settingsOf reads a StorageClass's parameters; the driver refuses those that it does not know.
func settingsOf(class *storagev1.StorageClass) (settings, error) {
	s := settings{kind: defaultType, fileSystem: "ext4", tags: map[string]string{}}
	for _, name := range slices.Sorted(maps.Keys(class.Parameters)) {
		if err := s.read(strings.ToLower(name), class.Parameters[name]); err != nil {
			return s, fmt.Errorf("invalid parameter %q: %w", name, err)
		}
	}
	return s, nil
}

func (s *settings) read(name, value string) (err error) {
	switch {
	case name == "type":
		s.kind = types.VolumeType(value)
	case name == "encrypted":
		s.encrypted = value == "true"
	case name == "kmskeyid":
		s.key = value
	case name == "iops":
		s.iops, err = number(value)
	case name == "throughput":
		s.throughput, err = number(value)
	case name == fileSystem || name == "fstype":
		s.fileSystem = value
	case strings.HasPrefix(name, tagHead):
		key, text, found := strings.Cut(value, "=")
		if !found {
			return fmt.Errorf("%q is no KEY=VALUE", value)
		}
		s.tags[key] = text
	default:
		return errors.New("not played by this stand-in for the EBS CSI driver")
	}
	return err
}

func number(text string) (*int32, error) {
	value, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("%q is no number", text)
	}
	return aws.Int32(int32(value)), nil
}

// owner is what all volumes are tagged with.
type owner struct {
	cluster string            // --k8s-tag-cluster-id
	tags    map[string]string // --extra-tags
}

// request is the call that makes a claim's volume.
func request(o owner, claim *corev1.PersistentVolumeClaim, s settings, zone string) *ec2.CreateVolumeInput {
	name := volumeName(claim)
	tags := map[string]string{
		volumeNameTag: name, managedTag: "true", volumeTag: name, claimNameTag: claim.Name, claimSpaceTag: claim.Namespace,
	}
	if o.cluster != "" {
		tags[clusterTagHead+o.cluster], tags["KubernetesCluster"], tags["Name"] = "owned", o.cluster, o.cluster+"-dynamic-"+name
	}
	maps.Copy(tags, o.tags)
	maps.Copy(tags, s.tags)
	input := &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String(zone), Size: aws.Int32(size(claim)), VolumeType: s.kind, Encrypted: aws.Bool(s.encrypted),
		Iops: s.iops, Throughput: s.throughput, ClientToken: aws.String(token(name)),
	}
	if s.key != "" {
		// The driver encrypts a volume whose class names a key.
		input.KmsKeyId, input.Encrypted = aws.String(s.key), aws.Bool(true)
	}
	specification := types.TagSpecification{ResourceType: types.ResourceTypeVolume}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		specification.Tags = append(specification.Tags, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	input.TagSpecifications = []types.TagSpecification{specification}
	return input
}

// size is what a claim asks for, in whole GiB.
func size(claim *corev1.PersistentVolumeClaim) int32 {
	bytes := claim.Spec.Resources.Requests.Storage().Value()
	return int32((bytes + gibibyte - 1) / gibibyte) //nolint:gosec // no volume has 2 billion GiB
}

func volumeName(claim *corev1.PersistentVolumeClaim) string { return "pvc-" + string(claim.UID) }
