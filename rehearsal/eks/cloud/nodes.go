// Package cloud plays what a cloud gives to an EKS cluster: nodes of a managed
// node group, and load balancers.
package cloud

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

const (
	firstHost   = 10 // nodes have the addresses 10.0.0.10 and up
	maxNodes    = 200
	createRetry = 50 * time.Millisecond
	zones       = 3
)

// instanceTypes are the instance types of the nodes, by CPU architecture.
var instanceTypes = map[string]string{"amd64": "m7i.4xlarge", "arm64": "m7g.4xlarge"}

// NodeGroup describes the nodes to register.
type NodeGroup struct {
	Count  int    // 0 to 200
	Arch   string // amd64 or arm64
	Region string // AWS region; the nodes are spread over its zones a, b, c
}

// Validate tells what is wrong with the group.
func (g NodeGroup) Validate() error {
	if g.Count < 0 || g.Count > maxNodes {
		return fmt.Errorf("%d nodes: want 0 to %d", g.Count, maxNodes)
	}
	if instanceTypes[g.Arch] == "" {
		return fmt.Errorf("node architecture %q: want amd64 or arm64", g.Arch)
	}
	return nil
}

// Register creates the nodes; those that exist already are left as they are.
func (g NodeGroup) Register(ctx context.Context, c kubernetes.Interface) error {
	for i := range g.Count {
		n := g.node(i)
		// The first writes can meet an admission plugin that has not synced yet.
		err := wait.PollUntilContextCancel(ctx, createRetry, true, func(ctx context.Context) (bool, error) {
			_, err := c.CoreV1().Nodes().Create(ctx, n, metav1.CreateOptions{})
			if err == nil || apierrors.IsAlreadyExists(err) {
				return true, nil
			}
			slog.WarnContext(ctx, "node is not created yet", "node", n.Name, "reason", err)
			return false, nil
		})
		if err != nil {
			return fmt.Errorf("register node %s: %w", n.Name, err)
		}
	}
	return nil
}

// node looks as a node of an EKS managed node group does.
func (g NodeGroup) node(i int) *corev1.Node {
	address := fmt.Sprintf("10.0.0.%d", firstHost+i)
	name := privateDNSName(address, g.Region)
	zone := fmt.Sprintf("%s%c", g.Region, 'a'+rune(i%zones))
	room := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("16"), corev1.ResourceMemory: resource.MustParse("64Gi"),
		corev1.ResourcePods: resource.MustParse("110"), corev1.ResourceEphemeralStorage: resource.MustParse("100Gi"),
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
			corev1.LabelHostname:             name,
			corev1.LabelOSStable:             "linux",
			corev1.LabelArchStable:           g.Arch,
			corev1.LabelInstanceTypeStable:   instanceTypes[g.Arch],
			corev1.LabelTopologyRegion:       g.Region,
			corev1.LabelTopologyZone:         zone,
			"eks.amazonaws.com/nodegroup":    "system",
			"eks.amazonaws.com/capacityType": "ON_DEMAND",
		}},
		Spec: corev1.NodeSpec{ProviderID: fmt.Sprintf("aws:///%s/i-%017x", zone, 1+i)},
		Status: corev1.NodeStatus{
			Capacity: room, Allocatable: room,
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: address},
				{Type: corev1.NodeInternalDNS, Address: name},
				{Type: corev1.NodeHostName, Address: name},
			},
			NodeInfo: corev1.NodeSystemInfo{Architecture: g.Arch, OperatingSystem: "linux"},
		},
	}
}
