package release

import (
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
)

// volume is one of the EBS driver's that a claim has, or had.
func volume(name, namespace, claim string, policy core.PersistentVolumeReclaimPolicy) *core.PersistentVolume {
	return &core.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: core.PersistentVolumeSpec{
			ClaimRef: &core.ObjectReference{Namespace: namespace, Name: claim}, PersistentVolumeReclaimPolicy: policy,
			PersistentVolumeSource: core.PersistentVolumeSource{CSI: &core.CSIPersistentVolumeSource{Driver: "ebs.csi.aws.com", VolumeHandle: "vol-" + name}},
		},
	}
}

func failedDelete(name, volume, message string, at time.Time) *core.Event {
	return &core.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Type: core.EventTypeWarning, Reason: "VolumeFailedDelete", Message: message,
		InvolvedObject: core.ObjectReference{Kind: "PersistentVolume", Name: volume}, LastTimestamp: metav1.NewTime(at),
	}
}

func TestVolumesGo(t *testing.T) {
	const gone = "namespace engine is gone, but not the volumes of its claims: "
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	silent := volume("c", "engine", "cache", core.PersistentVolumeReclaimDelete)
	silent.Spec.CSI, silent.Status.Message = nil, "no driver\n"
	for name, test := range map[string]struct {
		objects []runtime.Object
		err     string // its beginning
	}{
		"none": {},
		"of others": {objects: []runtime.Object{
			volume("a", "shop", "data", core.PersistentVolumeReclaimDelete), &core.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "b"}},
		}},
		"one that is to be kept": {objects: []runtime.Object{volume("a", "engine", "data", core.PersistentVolumeReclaimRetain)}},
		"one that stays": {
			objects: []runtime.Object{
				volume("a", "engine", "data", core.PersistentVolumeReclaimDelete),
				failedDelete("1", "a", "denied", begin.Add(time.Second)), failedDelete("2", "a", "still attached", begin), failedDelete("3", "b", "another's", begin),
			},
			err: gone + "volume vol-a of claim engine/data (PersistentVolume a): denied. Mend what keeps them",
		},
		"two that stay": {
			objects: []runtime.Object{volume("a", "engine", "data", core.PersistentVolumeReclaimDelete), silent},
			err:     gone + "volume vol-a of claim engine/data (PersistentVolume a); the volume of claim engine/cache (PersistentVolume c): no driver. Mend",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := &run{Runner: &Runner{kube: fake.NewClientset(test.objects...)}, timeout: time.Nanosecond}
			err := w.volumesGo(t.Context(), "engine")
			if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.HasPrefix(err.Error(), test.err)) {
				t.Errorf("error is %v, want %q", err, test.err)
			}
		})
	}
}

// A volume that goes while it is waited for is none that stays.
func TestVolumesAreWaitedFor(t *testing.T) {
	clients := fake.NewClientset(volume("a", "engine", "data", core.PersistentVolumeReclaimDelete))
	w := &run{Runner: &Runner{kube: clients}, timeout: time.Minute}
	done := make(chan error)
	go func() { done <- w.volumesGo(t.Context(), "engine") }()
	for len(clients.Actions()) == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := clients.CoreV1().PersistentVolumes().Delete(t.Context(), "a", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
