package ebscsi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
)

const protection = "kubernetes.io/pv-protection"

// deletes answers DeleteVolume, and counts.
func deletes(t *testing.T) (*ec2.Client, *atomic.Int32) {
	t.Helper()
	var count atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		count.Add(1)
		fmt.Fprint(w, `<DeleteVolumeResponse><requestId>r</requestId><return>true</return></DeleteVolumeResponse>`)
	}))
	t.Cleanup(server.Close)
	return ec2.New(ec2.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}), &count
}

// busy is an API server with one volume, which another controller changes
// between any two requests of ours: a patch with a version is always too late.
func busy(t *testing.T, volume *corev1.PersistentVolume) *fake.Clientset {
	t.Helper()
	client := fake.NewClientset(volume)
	volumes := corev1.SchemeGroupVersion.WithResource("persistentvolumes")
	version := 1
	change := func(with func(*corev1.PersistentVolume)) {
		found, err := client.Tracker().Get(volumes, "", volume.Name)
		if err != nil {
			t.Fatal(err)
		}
		changed, is := found.DeepCopyObject().(*corev1.PersistentVolume)
		if !is {
			t.Fatalf("a %T", found)
		}
		version++
		changed.ResourceVersion = strconv.Itoa(version)
		with(changed)
		if err := client.Tracker().Update(volumes, changed, ""); err != nil {
			t.Fatal(err)
		}
	}
	client.PrependReactor("delete", "persistentvolumes", func(clienttesting.Action) (bool, runtime.Object, error) {
		change(func(v *corev1.PersistentVolume) { v.DeletionTimestamp = new(metav1.Now()) })
		return true, nil, nil
	})
	client.PrependReactor("patch", "persistentvolumes", func(action clienttesting.Action) (bool, runtime.Object, error) {
		change(func(v *corev1.PersistentVolume) {
			v.Finalizers = slices.DeleteFunc(v.Finalizers, func(one string) bool { return one == protection })
		})
		var patch struct {
			Metadata struct{ ResourceVersion string }
		}
		patched, is := action.(clienttesting.PatchAction)
		if !is || json.Unmarshal(patched.GetPatch(), &patch) != nil {
			t.Fatalf("patch %v", action)
		}
		if old := patch.Metadata.ResourceVersion; old != "" && old != strconv.Itoa(version) {
			return true, nil, apierrors.NewConflict(volumes.GroupResource(), volume.Name, fmt.Errorf("version %s is old", old))
		}
		return false, nil, nil
	})
	return client
}

// Who protects a volume takes that off as soon as the volume is deleted, just
// when the driver does the same with its own finalizer.
func TestReleasedVolumeIsDeletedOnce(t *testing.T) {
	volume := volumeOf(claim("1Gi"), class(nil), settings{}, "vol-1", "us-east-1a")
	volume.Finalizers = append(volume.Finalizers, protection, attachFinalizer)
	volume.Status.Phase, volume.ResourceVersion = corev1.VolumeReleased, "1"
	api, count := deletes(t)
	client := busy(t, volume)
	p := &program{
		client: client, ec2: api, events: record.NewFakeRecorder(1),
		volumes: cache.NewIndexer(cache.MetaNamespaceKeyFunc, nil), attachments: cache.NewIndexer(cache.MetaNamespaceKeyFunc, nil),
	}
	seen := volume
	for range 2 { // once for its release, once for the deletion that this brings about
		if err := p.volumes.Add(seen); err != nil {
			t.Fatal(err)
		}
		if err := p.reconcileVolume(t.Context(), volume.Name); err != nil {
			t.Fatal(err)
		}
		var err error
		if seen, err = client.CoreV1().PersistentVolumes().Get(t.Context(), volume.Name, metav1.GetOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{attachFinalizer}, seen.Finalizers); diff != "" {
		t.Errorf("finalizers (-want +got):\n%s", diff)
	}
	if count.Load() != 1 {
		t.Errorf("deleted %d times", count.Load())
	}
}

func TestFinalizerIsAdded(t *testing.T) {
	volume := volumeOf(claim("1Gi"), class(nil), settings{}, "vol-1", "us-east-1a")
	volume.Finalizers, volume.ResourceVersion = []string{volumeFinalizer, protection}, "1"
	client := busy(t, volume)
	p := &program{client: client}
	for range 2 {
		if err := p.finalize(t.Context(), volume.Name, attachFinalizer, true); err != nil {
			t.Fatal(err)
		}
	}
	found, err := client.CoreV1().PersistentVolumes().Get(t.Context(), volume.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found.Finalizers)
	if diff := cmp.Diff([]string{attachFinalizer, volumeFinalizer}, found.Finalizers); diff != "" {
		t.Errorf("finalizers (-want +got):\n%s", diff)
	}
	if err := p.finalize(t.Context(), "gone", attachFinalizer, false); err != nil {
		t.Errorf("a volume that is gone: %v", err)
	}
}
