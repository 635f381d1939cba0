package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const driverPolicy = "arn:aws:iam::aws:policy/AmazonEBSCSIDriverPolicyV2"

// mayUseVolumes gives the role of the stack's driver its policy, or takes it away.
func (b *balanced) mayUseVolumes(t *testing.T, may bool) {
	t.Helper()
	role := b.role(t, "EbsCsiRole")
	var err error
	if may {
		_, err = b.clients.IAM.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{
			RoleName: &role, PolicyArn: aws.String(driverPolicy),
		})
	} else {
		_, err = b.clients.IAM.DetachRolePolicy(t.Context(), &iam.DetachRolePolicyInput{
			RoleName: &role, PolicyArn: aws.String(driverPolicy),
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// role is the name of a role of the stack, by its logical ID.
func (d *deployment) role(t *testing.T, logicalID string) string {
	t.Helper()
	for p := iam.NewListRolesPaginator(d.clients.IAM, &iam.ListRolesInput{}); p.HasMorePages(); {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Roles {
			if strings.Contains(*r.RoleName, "-"+logicalID+"-") {
				return *r.RoleName
			}
		}
	}
	t.Fatalf("the stack has no role %s", logicalID)
	return ""
}

// keep starts a pod that keeps its data in a volume of its own.
func (b *balanced) keep(t *testing.T, name, class string) {
	t.Helper()
	_, err := b.kube.CoreV1().PersistentVolumeClaims(b.namespace).Create(t.Context(), &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{
			StorageClassName: &class, AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("10Gi")}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.kube.CoreV1().Pods(b.namespace).Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PodSpec{
			Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
			Containers: []corev1.Container{{
				Name: "web", Image: "example/web:1", VolumeMounts: []corev1.VolumeMount{{Name: "data", MountPath: "/data"}},
			}},
			Volumes: []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name},
			}}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func (b *balanced) volumes(ctx context.Context) ([]ec2types.Volume, error) {
	out, err := b.clients.EC2.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{Filters: []ec2types.Filter{
		{Name: aws.String("tag:ebs.csi.aws.com/cluster"), Values: []string{"true"}},
	}})
	if err != nil {
		return nil, err
	}
	return out.Volumes, nil
}

// storage tells what the cluster says of its volumes.
func (b *balanced) storage(ctx context.Context) string {
	var all []string
	if volumes, err := b.kube.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{}); err == nil {
		for _, v := range volumes.Items {
			all = append(all, fmt.Sprintf("volume %s is %s with %v", v.Name, v.Status.Phase, v.Finalizers))
		}
	}
	if attachments, err := b.kube.StorageV1().VolumeAttachments().List(ctx, metav1.ListOptions{}); err == nil {
		for _, a := range attachments.Items {
			all = append(all, fmt.Sprintf("attachment to %s: %+v, deleted %v", a.Spec.NodeName, a.Status, a.DeletionTimestamp))
		}
	}
	if nodes, err := b.kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{}); err == nil {
		for _, n := range nodes.Items {
			all = append(all, fmt.Sprintf("node %s uses %v", n.Name, n.Status.VolumesInUse))
		}
	}
	return strings.Join(all, "; ")
}

// A claim gets a volume in its pod's zone, on its pod's instance, made by the
// stack's driver with the rights of its role, and takes it along; without the
// role's policy an event says what was refused.
func TestVolumesComeAndGo(t *testing.T) {
	inTurn(t, 3)
	t.Parallel()
	d := start(t, "")
	b := &balanced{deployment: d, stack: d.stack(t), namespace: "default"}
	if err := b.stack.Create(t.Context(), d.parameters(map[string]string{"NodeTags": customerTag + "=42"})); err != nil {
		t.Fatal(err)
	}
	outputs := checkOutputs(t, b.stack)
	b.cluster = outputs["ClusterName"]
	config, err := d.AdminConfig(b.cluster)
	if err != nil {
		t.Fatal(err)
	}
	if b.kube, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	late := storagev1.VolumeBindingWaitForFirstConsumer
	_, err = b.kube.StorageV1().StorageClasses().Create(t.Context(), &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{Name: "fast"}, Provisioner: "ebs.csi.aws.com", VolumeBindingMode: &late,
		Parameters: map[string]string{"type": "gp3", "encrypted": "true"},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b.mayUseVolumes(t, false)
	b.keep(t, "data", "fast")
	b.await(t, "the claim tells what was refused", func(ctx context.Context) error {
		if said := b.events(ctx); !strings.Contains(said, "ProvisioningFailed") || !strings.Contains(said, "ec2:CreateVolume") {
			return fmt.Errorf("events: %s", said)
		}
		return nil
	})
	b.mayUseVolumes(t, true)
	b.await(t, "the pod runs with its volume", func(ctx context.Context) error {
		pod, err := b.kube.CoreV1().Pods(b.namespace).Get(ctx, "data", metav1.GetOptions{})
		if err != nil || pod.Status.Phase != corev1.PodRunning {
			return fmt.Errorf("pod is %s (%w); %s", pod.Status.Phase, err, b.events(ctx))
		}
		volumes, err := b.volumes(ctx)
		if err != nil || len(volumes) != 1 || len(volumes[0].Attachments) != 1 {
			return fmt.Errorf("volumes %+v (%w)", volumes, err)
		}
		if !slices.ContainsFunc(volumes[0].Tags, func(t ec2types.Tag) bool { return *t.Key == customerTag && *t.Value == "42" }) {
			return fmt.Errorf("the volume has the tags %+v", volumes[0].Tags)
		}
		node, err := b.kube.CoreV1().Nodes().Get(ctx, pod.Spec.NodeName, metav1.GetOptions{})
		if err != nil || !strings.HasSuffix(node.Spec.ProviderID, *volumes[0].Attachments[0].InstanceId) {
			return fmt.Errorf("the volume is attached elsewhere: %w", err)
		}
		return nil
	})
	for what, err := range map[string]error{
		"pod":   b.kube.CoreV1().Pods(b.namespace).Delete(t.Context(), "data", metav1.DeleteOptions{}),
		"claim": b.kube.CoreV1().PersistentVolumeClaims(b.namespace).Delete(t.Context(), "data", metav1.DeleteOptions{}),
	} {
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	b.await(t, "the volume goes", func(ctx context.Context) error {
		volumes, err := b.volumes(ctx)
		if err != nil {
			return err
		}
		if len(volumes) > 0 {
			return fmt.Errorf("%d volumes; %s; %s", len(volumes), b.storage(ctx), b.events(ctx))
		}
		left, err := b.kube.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{})
		if err == nil && len(left.Items) > 0 {
			err = fmt.Errorf("volume %s is left with %v", left.Items[0].Name, left.Items[0].Finalizers)
		}
		return err
	})
	if _, err := b.kube.CoreV1().PersistentVolumeClaims(b.namespace).Get(t.Context(), "data", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the claim: %v", err)
	}
	if err := b.stack.Delete(t.Context()); err != nil {
		t.Error(err)
	}
}
