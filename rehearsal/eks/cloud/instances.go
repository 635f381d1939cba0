package cloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// InstancesFile is where, in the state directory, the embedded AWS tells which
// instances run whose user data is for this cluster: a JSON list of Instance.
const InstancesFile = "instances.json"

// Instance is a running EC2 instance that wants to be a node.
type Instance struct {
	ID               string            `json:"instanceId"`
	Name             string            `json:"name"` // private DNS name, the node's name
	PrivateIP        string            `json:"privateIp"`
	Zone             string            `json:"zone"`
	Region           string            `json:"region"`
	Type             string            `json:"instanceType"`
	Arch             string            `json:"arch"` // amd64 or arm64
	CPU              int64             `json:"cpu"`
	MemoryMiB        int64             `json:"memoryMiB"`
	MaxPods          int64             `json:"maxPods"`
	RoleARN          string            `json:"roleArn"` // of the instance profile; empty: it needs no leave
	SecurityGroupIDs []string          `json:"securityGroupIds,omitempty"`
	Labels           map[string]string `json:"labels,omitempty"`
	Taints           []corev1.Taint    `json:"taints,omitempty"`
	AMI              string            `json:"ami,omitempty"`
}

// ParseInstances reads the file. Instances that lack something a node needs are
// left out, and the error tells all of them; without any instances it is the file
// that is wrong.
func ParseInstances(b []byte) ([]Instance, error) {
	var all []Instance
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, fmt.Errorf("read the list of instances: %w", err)
	}
	good := make([]Instance, 0, len(all)) // never nil: an empty list is a list
	var errs []error
	for i := range all {
		if err := all[i].validate(); err != nil {
			errs = append(errs, err)
			continue
		}
		good = append(good, all[i])
	}
	return good, errors.Join(errs...)
}

func (i *Instance) validate() error {
	for what, has := range map[string]bool{
		"instanceId": i.ID != "", "name": i.Name != "", "privateIp": i.PrivateIP != "", "zone": i.Zone != "",
		"instanceType": i.Type != "", "arch": i.Arch == "amd64" || i.Arch == "arm64",
		"cpu": i.CPU > 0, "memoryMiB": i.MemoryMiB > 0, "maxPods": i.MaxPods > 0,
	} {
		if !has {
			return fmt.Errorf("instance %q has no good %s", i.ID, what)
		}
	}
	return nil
}

// providerID is how Kubernetes names the instance.
func (i *Instance) providerID() string { return "aws:///" + i.Zone + "/" + i.ID }

// node is the instance's Node as its kubelet and AWS's cloud controller make it.
// It has no conditions yet.
func (i *Instance) node() *corev1.Node {
	n := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name:   i.Name,
			Labels: map[string]string{},
			// Without it the attach-detach controller leaves the node's volumes alone.
			Annotations: map[string]string{"volumes.kubernetes.io/controller-managed-attach-detach": "true"},
		},
		Spec: corev1.NodeSpec{ProviderID: i.providerID(), Taints: i.Taints},
		Status: corev1.NodeStatus{
			Capacity: i.capacity(), Allocatable: i.allocatable(),
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: i.PrivateIP},
				{Type: corev1.NodeInternalDNS, Address: i.Name},
				{Type: corev1.NodeHostName, Address: i.Name},
			},
			NodeInfo: corev1.NodeSystemInfo{
				Architecture: i.Arch, OperatingSystem: "linux", OSImage: "Amazon Linux 2023", MachineID: i.ID, SystemUUID: i.ID, BootID: i.ID,
			},
		},
	}
	maps.Copy(n.Labels, i.Labels)
	maps.Copy(n.Labels, map[string]string{
		corev1.LabelHostname:           i.Name,
		corev1.LabelOSStable:           "linux",
		corev1.LabelArchStable:         i.Arch,
		corev1.LabelInstanceTypeStable: i.Type,
		corev1.LabelTopologyRegion:     i.Region,
		corev1.LabelTopologyZone:       i.Zone,
		// The old names are still on every node.
		"beta.kubernetes.io/os":             "linux",
		"beta.kubernetes.io/arch":           i.Arch,
		"beta.kubernetes.io/instance-type":  i.Type,
		corev1.LabelFailureDomainBetaZone:   i.Zone,
		corev1.LabelFailureDomainBetaRegion: i.Region,
	})
	return n
}

const (
	mebi = 1 << 20
	gibi = 1 << 30

	diskGiB = 20 // of the root volume, EKS's default
	// What the hypervisor and the kernel keep, per mille of the memory: Karpenter's
	// default (VM_MEMORY_OVERHEAD_PERCENT, karpenter.sh/docs/reference/settings),
	// more than is measured, so that what fits here fits on AWS.
	memoryKept = 75
	// The kubelet's eviction thresholds on EKS's images, which nobody may allocate
	// (awslabs.github.io/amazon-eks-ami/nodeadm): memory.available and nodefs.available.
	evictionMemoryMiB   = 100
	evictionDiskPercent = 10
	reservedDiskGiB     = 1
)

func (i *Instance) capacity() corev1.ResourceList {
	return resources(i.CPU*1000, i.memory(), diskGiB*gibi, i.MaxPods)
}

// memory is what the operating system sees, in bytes.
func (i *Instance) memory() int64 { return i.MemoryMiB * (1000 - memoryKept) / 1000 * mebi }

// allocatable is what pods may ask for: without what EKS's images reserve for the
// kubelet (kube-reserved) and for evictions.
func (i *Instance) allocatable() corev1.ResourceList {
	return resources(
		i.CPU*1000-reservedCPU(i.CPU),
		i.memory()-(reservedMemoryMiB(i.MaxPods)+evictionMemoryMiB)*mebi,
		diskGiB*gibi-reservedDiskGiB*gibi-diskGiB*gibi*evictionDiskPercent/100,
		i.MaxPods,
	)
}

// reservedCPU is kube-reserved in thousandths of a core: 6 % of the first core, 1 %
// of the second, 0.5 % of the next two, 0.25 % of the others.
func reservedCPU(cores int64) (milli int64) {
	quarters := int64(0) // quarters of a thousandth
	for core := range cores {
		switch {
		case core == 0:
			quarters += 240
		case core == 1:
			quarters += 40
		case core < 4:
			quarters += 20
		default:
			quarters += 10
		}
	}
	return quarters / 4
}

// reservedMemoryMiB is kube-reserved: 11 MiB for each pod and 255 MiB.
func reservedMemoryMiB(maxPods int64) int64 { return 11*maxPods + 255 }

func resources(milliCPU, memory, disk, pods int64) corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU:              *resource.NewMilliQuantity(milliCPU, resource.DecimalSI),
		corev1.ResourceMemory:           *resource.NewQuantity(memory, resource.BinarySI),
		corev1.ResourceEphemeralStorage: *resource.NewQuantity(disk, resource.BinarySI),
		corev1.ResourcePods:             *resource.NewQuantity(pods, resource.DecimalSI),
	}
}
