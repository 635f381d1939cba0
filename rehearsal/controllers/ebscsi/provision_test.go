package ebscsi

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func claim(size string) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "data", UID: "u-1", Annotations: map[string]string{storageFor: driver}},
		Spec: corev1.PersistentVolumeClaimSpec{Resources: corev1.VolumeResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)},
		}},
	}
}

func class(parameters map[string]string) *storagev1.StorageClass {
	return &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "fast"}, Provisioner: driver, Parameters: parameters}
}

func TestRequest(t *testing.T) {
	s, err := settingsOf(class(map[string]string{
		"type": "gp3", "kmsKeyId": "arn:k", "iops": "4000", "tagSpecification_1": "team=data", "csi.storage.k8s.io/fstype": "xfs",
	}))
	if err != nil {
		t.Fatal(err)
	}
	input := request(owner{"demo", map[string]string{"team": "shop", "cost": "42"}}, claim("10100Mi"), s, "us-east-1b")
	tags := map[string]string{}
	for _, tag := range input.TagSpecifications[0].Tags {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	if diff := cmp.Diff(map[string]string{
		"CSIVolumeName": "pvc-u-1", "ebs.csi.aws.com/cluster": "true", "kubernetes.io/created-for/pv/name": "pvc-u-1",
		"kubernetes.io/created-for/pvc/name": "data", "kubernetes.io/created-for/pvc/namespace": "shop",
		"kubernetes.io/cluster/demo": "owned", "KubernetesCluster": "demo", "Name": "demo-dynamic-pvc-u-1", "team": "data", "cost": "42",
	}, tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	got := []any{*input.Size, input.VolumeType, *input.Encrypted, *input.KmsKeyId, *input.Iops, *input.AvailabilityZone, s.fileSystem}
	if diff := cmp.Diff([]any{int32(10), types.VolumeTypeGp3, true, "arn:k", int32(4000), "us-east-1b", "xfs"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUnknownParameterIsRefused(t *testing.T) {
	for parameter, value := range map[string]string{"tpye": "gp3", "iops": "many", "tagSpecification_1": "team"} {
		if _, err := settingsOf(class(map[string]string{parameter: value})); err == nil || !strings.Contains(err.Error(), parameter) {
			t.Errorf("%s=%s: %v", parameter, value, err)
		}
	}
}

func TestAwaits(t *testing.T) {
	late := storagev1.VolumeBindingWaitForFirstConsumer
	waiting := class(nil)
	waiting.VolumeBindingMode = &late
	chosen, bound, others := claim("1Gi"), claim("1Gi"), claim("1Gi")
	chosen.Annotations[selectedNode] = "node"
	bound.Spec.VolumeName = "pv"
	others.Annotations[storageFor] = "example.com/other"
	for name, test := range map[string]struct {
		claim *corev1.PersistentVolumeClaim
		class *storagev1.StorageClass
		want  bool
	}{
		"at once":                 {claim("1Gi"), class(nil), true},
		"before a pod":            {claim("1Gi"), waiting, false},
		"after a node was chosen": {chosen, waiting, true},
		"it has its volume":       {bound, class(nil), false},
		"another driver's":        {others, class(nil), false},
		"its class is not there":  {claim("1Gi"), nil, false},
		"another driver's class":  {claim("1Gi"), &storagev1.StorageClass{Provisioner: "example.com/other"}, false},
	} {
		if got := awaits(test.claim, test.class); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestZoneIsTheNodes(t *testing.T) {
	node := func(name, zone string) *corev1.Node {
		return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelTopologyZone: zone}}}
	}
	nodes := []*corev1.Node{node("a", "us-east-1a"), node("b", "us-east-1b")}
	chosen := claim("1Gi")
	chosen.Annotations[selectedNode] = "b"
	if zone, err := zoneFor(chosen, class(nil), nodes); zone != "us-east-1b" || err != nil {
		t.Errorf("zone %s (%v), want the chosen node's", zone, err)
	}
	chosen.Annotations[selectedNode] = "gone"
	if _, err := zoneFor(chosen, class(nil), nodes); err == nil {
		t.Error("a node that is gone has a zone")
	}
	bound := class(nil)
	bound.AllowedTopologies = []corev1.TopologySelectorTerm{{MatchLabelExpressions: []corev1.TopologySelectorLabelRequirement{
		{Key: corev1.LabelTopologyZone, Values: []string{"us-east-1a"}},
	}}}
	if zone, err := zoneFor(claim("1Gi"), bound, nodes); zone != "us-east-1a" || err != nil {
		t.Errorf("zone %s (%v), want the class's", zone, err)
	}
	if _, err := zoneFor(claim("1Gi"), class(nil), nil); err == nil {
		t.Error("no node, but a zone")
	}
}

func TestVolumeOf(t *testing.T) {
	retain := corev1.PersistentVolumeReclaimRetain
	kept := class(nil)
	kept.ReclaimPolicy = &retain
	gone := volumeOf(claim("1Gi"), class(nil), settings{fileSystem: "ext4"}, "vol-1", "us-east-1a")
	if diff := cmp.Diff([]string{volumeFinalizer}, gone.Finalizers); diff != "" {
		t.Errorf("a volume to delete (-want +got):\n%s", diff)
	}
	if left := volumeOf(claim("1Gi"), kept, settings{}, "vol-1", "us-east-1a"); len(left.Finalizers) > 0 {
		t.Errorf("a volume to keep has %v", left.Finalizers)
	}
	gone.Status.Phase = corev1.VolumeBound
	if isReleased(gone) {
		t.Error("a bound volume would be deleted")
	}
	if gone.Status.Phase = corev1.VolumeReleased; !isReleased(gone) {
		t.Error("a released volume would stay")
	}
}

func TestFreeDevice(t *testing.T) {
	instance := types.Instance{BlockDeviceMappings: []types.InstanceBlockDeviceMapping{
		{DeviceName: aws.String("/dev/xvda")}, {DeviceName: aws.String("/dev/xvdaa")},
	}}
	if device, err := freeDevice(instance); device != "/dev/xvdab" || err != nil {
		t.Errorf("%s (%v), want /dev/xvdab", device, err)
	}
}
