package tests

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// barePod makes the room's only pod, of one container.
func (r room) barePod(t *testing.T, edit func(*corev1.PodSpec)) {
	t.Helper()
	grace := int64(1)
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "app", Labels: map[string]string{"app": "app"}},
		Spec:       corev1.PodSpec{TerminationGracePeriodSeconds: &grace, Containers: []corev1.Container{{Name: "app", Image: "registry.example/app:1"}}},
	}
	edit(&p.Spec)
	if _, err := r.client.CoreV1().Pods(r.ns).Create(t.Context(), p, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

const (
	alone     = "Running ready=true; app ready=true running"
	creating  = "Pending ready=false; app ready=false waiting ContainerCreating"
	misconfig = "Pending ready=false; app ready=false waiting CreateContainerConfigError"
)

func TestAPodWaitsForItsSecretAndConfigMap(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.barePod(t, func(s *corev1.PodSpec) {
		s.Volumes = []corev1.Volume{{Name: "keys", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "keys"}}}}
		s.Containers[0].EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "conf"}}}}
	})
	r.awaitSummary(t, creating)
	r.awaitEvent(t, "Warning FailedMount", `MountVolume.SetUp failed for volume "keys" : secret "keys" not found`)
	if _, err := r.client.CoreV1().Secrets(r.ns).Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "keys"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	r.awaitSummary(t, misconfig)
	r.awaitEvent(t, "Warning Failed", `Error: configmap "conf" not found`)
	if _, err := r.client.CoreV1().ConfigMaps(r.ns).Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "conf"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	r.awaitSummary(t, alone)
}

func TestAnEvictedPodEndsAndItsBudgetIsKept(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.barePod(t, func(*corev1.PodSpec) {})
	p := r.awaitSummary(t, alone)
	one := intstr.FromInt32(1)
	budget := &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Name: "app"},
		Spec:       policyv1.PodDisruptionBudgetSpec{MinAvailable: &one, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "app"}}},
	}
	if _, err := r.client.PolicyV1().PodDisruptionBudgets(r.ns).Create(t.Context(), budget, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	evict := func(ctx context.Context) error {
		return r.client.PolicyV1().Evictions(r.ns).Evict(ctx, &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: p.Name, Namespace: r.ns}})
	}
	eventually(t, "a healthy budget", func(ctx context.Context) error {
		b, err := r.client.PolicyV1().PodDisruptionBudgets(r.ns).Get(ctx, "app", metav1.GetOptions{})
		if err == nil && b.Status.CurrentHealthy != 1 {
			err = fmt.Errorf("%d are healthy", b.Status.CurrentHealthy)
		}
		return err
	})
	if err := evict(t.Context()); !apierrors.IsTooManyRequests(err) {
		t.Fatalf("an eviction against the budget gives %v, want too many requests", err)
	}
	if err := r.client.PolicyV1().PodDisruptionBudgets(r.ns).Delete(t.Context(), "app", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the eviction", evict)
	eventually(t, "the end of the pod", func(ctx context.Context) error {
		_, err := r.client.CoreV1().Pods(r.ns).Get(ctx, p.Name, metav1.GetOptions{})
		if !apierrors.IsNotFound(err) {
			return fmt.Errorf("the evicted pod: %w", err)
		}
		return nil
	})
}

// The EBS driver's controller provisions and attaches; here the test does.
func TestAPodWaitsForItsVolume(t *testing.T) {
	t.Parallel()
	l := own(t, "-nodes", "1")
	r := room{l, "default"}
	ctx, create := t.Context(), metav1.CreateOptions{}
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	l.tell(t, "addons.json", []any{map[string]string{"name": "aws-ebs-csi-driver", "version": "v1.55.0-eksbuild.1"}})
	l.awaitStatus(t, "aws-ebs-csi-driver", true, "")
	class, late := "ebs", storagev1.VolumeBindingImmediate
	must(l.client.StorageV1().StorageClasses().Create(ctx, &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{Name: class}, Provisioner: "ebs.csi.aws.com", VolumeBindingMode: &late,
	}, create))
	room := corev1.ResourceList{corev1.ResourceStorage: quantity("1Gi")}
	modes := []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	claim, err := l.client.CoreV1().PersistentVolumeClaims("default").Create(ctx, &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: "data"},
		Spec:       corev1.PersistentVolumeClaimSpec{StorageClassName: &class, AccessModes: modes, Resources: corev1.VolumeResourceRequirements{Requests: room}},
	}, create)
	must(claim, err)
	r.barePod(t, func(s *corev1.PodSpec) {
		s.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}}}
	})
	r.awaitEvent(t, "Normal ExternalProvisioning", "ebs.csi.aws.com")
	must(l.client.CoreV1().PersistentVolumes().Create(ctx, &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "pv"},
		Spec: corev1.PersistentVolumeSpec{
			StorageClassName: class, AccessModes: modes, Capacity: room, PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			ClaimRef:               &corev1.ObjectReference{APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: "default", Name: "data", UID: claim.UID},
			PersistentVolumeSource: corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: "ebs.csi.aws.com", VolumeHandle: "vol-1"}},
		},
	}, create))
	r.awaitSummary(t, creating)
	var attachment string
	eventually(t, "an attachment to make", func(ctx context.Context) error {
		all, err := l.client.StorageV1().VolumeAttachments().List(ctx, metav1.ListOptions{})
		if err == nil && len(all.Items) != 1 {
			err = fmt.Errorf("%d attachments", len(all.Items))
		}
		if err == nil {
			attachment = all.Items[0].Name
		}
		return err
	})
	time.Sleep(2 * time.Second) // kubelets look again twice a second
	r.awaitSummary(t, creating)
	must(l.client.StorageV1().VolumeAttachments().Patch(ctx, attachment, types.MergePatchType, []byte(`{"status":{"attached":true}}`), metav1.PatchOptions{}, "status"))
	r.awaitSummary(t, alone)

	// The claim stays while a pod uses it, and the attachment goes with the pod.
	if err := l.client.CoreV1().PersistentVolumeClaims("default").Delete(ctx, "data", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if c, err := l.client.CoreV1().PersistentVolumeClaims("default").Get(ctx, "data", metav1.GetOptions{}); err != nil || c.DeletionTimestamp == nil {
		t.Errorf("a claim in use: %v, %v", c.DeletionTimestamp, err)
	}
	if err := l.client.CoreV1().Pods("default").Delete(ctx, "app", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the attachment and the claim to go", func(ctx context.Context) error {
		_, err := l.client.StorageV1().VolumeAttachments().Get(ctx, attachment, metav1.GetOptions{})
		if !apierrors.IsNotFound(err) {
			return fmt.Errorf("attachment: %w", err)
		}
		_, err = l.client.CoreV1().PersistentVolumeClaims("default").Get(ctx, "data", metav1.GetOptions{})
		if !apierrors.IsNotFound(err) {
			return fmt.Errorf("claim: %w", err)
		}
		return nil
	})
}
