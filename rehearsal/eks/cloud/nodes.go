// Package cloud plays what a cloud gives to an EKS cluster: nodes of EC2
// instances, and load balancers.
package cloud

import (
	"fmt"
)

const (
	firstHost = 10 // nodes have the addresses 10.0.0.10 and up
	maxNodes  = 200
	zones     = 3
)

// instanceTypes are the instance types of the nodes, by CPU architecture.
var instanceTypes = map[string]string{"amd64": "m7i.4xlarge", "arm64": "m7g.4xlarge"}

// NodeGroup describes nodes without instances, for a cluster that has no AWS.
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

// Instances look as those of an EKS managed node group do.
func (g NodeGroup) Instances() []Instance {
	all := make([]Instance, 0, g.Count)
	for i := range g.Count {
		address := fmt.Sprintf("10.0.0.%d", firstHost+i)
		all = append(all, Instance{
			ID: fmt.Sprintf("i-%017x", 1+i), Name: privateDNSName(address, g.Region), PrivateIP: address,
			Zone: fmt.Sprintf("%s%c", g.Region, 'a'+rune(i%zones)), Region: g.Region,
			Type: instanceTypes[g.Arch], Arch: g.Arch, CPU: 16, MemoryMiB: 64 << 10, MaxPods: 110,
			Labels: map[string]string{"eks.amazonaws.com/nodegroup": "system", "eks.amazonaws.com/capacityType": "ON_DEMAND"},
		})
	}
	return all
}
