package cloud

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

const told = `[
 {"instanceId":"i-0a","name":"ip-10-0-1-5.ec2.internal","privateIp":"10.0.1.5","zone":"us-east-1b","region":"us-east-1","instanceType":"m7g.xlarge",
  "arch":"arm64","cpu":4,"memoryMiB":16384,"maxPods":58,"roleArn":"arn:aws:iam::111122223333:role/node","securityGroupIds":["sg-1"],
  "labels":{"team":"a","kubernetes.io/arch":"wrong"},"taints":[{"key":"karpenter.sh/unregistered","value":"","effect":"NoExecute"}],"ami":"ami-1"},
 {"instanceId":"i-0b","name":"","privateIp":"10.0.1.6","zone":"us-east-1b","instanceType":"m7g.xlarge","arch":"arm64","cpu":4,"memoryMiB":16384,"maxPods":58},
 {"instanceId":"i-0c","name":"n","privateIp":"10.0.1.7","zone":"us-east-1b","instanceType":"x","arch":"x86_64","cpu":4,"memoryMiB":16384,"maxPods":58}
]`

func TestParseInstances(t *testing.T) {
	all, err := ParseInstances([]byte(told))
	if len(all) != 1 || all[0].ID != "i-0a" {
		t.Fatalf("instances are %v, want only the complete one", all)
	}
	for _, want := range []string{`"i-0b" has no good name`, `"i-0c" has no good arch`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not tell of %s", err, want)
		}
	}
	if all, err := ParseInstances([]byte(`[{`)); all != nil || err == nil {
		t.Errorf("half a file gives %v, %v", all, err)
	}
	if all, err := ParseInstances([]byte(`[]`)); all == nil || err != nil {
		t.Errorf("an empty list gives %v, %v", all, err)
	}
}

func TestNodeOfAnInstance(t *testing.T) {
	all, _ := ParseInstances([]byte(told))
	n := all[0].node()
	got := map[string]string{
		"provider": n.Spec.ProviderID, "team": n.Labels["team"], "arch": n.Labels[corev1.LabelArchStable], "zone": n.Labels[corev1.LabelTopologyZone],
		"taint": n.Spec.Taints[0].ToString(), "address": n.Status.Addresses[0].Address,
		"cpu": n.Status.Allocatable.Cpu().String(), "memory": n.Status.Allocatable.Memory().String(), "all memory": n.Status.Capacity.Memory().String(),
		"pods": n.Status.Allocatable.Pods().String(), "disk": n.Status.Allocatable.StorageEphemeral().String(),
	}
	want := map[string]string{
		"provider": "aws:///us-east-1b/i-0a", "team": "a", "arch": "arm64", "zone": "us-east-1b",
		"taint": "karpenter.sh/unregistered:NoExecute", "address": "10.0.1.5",
		// 80 thousandths of four cores; 11 MiB * 58 + 255 MiB + 100 MiB of 15155 MiB
		"cpu": "3920m", "memory": "14162Mi", "all memory": "15155Mi", "pods": "58", "disk": "17Gi",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("node (-want +got):\n%s", diff)
	}
}

// The figures that EKS's images compute (awslabs.github.io/amazon-eks-ami).
func TestReserved(t *testing.T) {
	for cores, want := range map[int64]int64{1: 60, 2: 70, 4: 80, 8: 90, 16: 110, 64: 230} {
		if got := reservedCPU(cores); got != want {
			t.Errorf("of %d cores %d thousandths are reserved, want %d", cores, got, want)
		}
	}
	if got := reservedMemoryMiB(110); got != 1465 {
		t.Errorf("for 110 pods %d MiB are reserved, want 1465", got)
	}
}
