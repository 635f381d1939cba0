package launchpage

import "fmt"

// Cost is a fixed part of a workspace: it costs the same whether anybody queries
// or not.
type Cost struct {
	What  string  `json:"what"`
	How   string  `json:"how"`
	USD   float64 `json:"usd"` // a month, or for each zone if PerZone
	Price string  `json:"price"`
	// PerZone: with the answer PerZone to NatGateways it is paid in each zone.
	PerZone bool `json:"perZone,omitempty"`
	// Unless is the parameter whose answer saves the cost.
	Unless string `json:"unless,omitempty"`
}

// hours of a month, as AWS's pricing calculator has them.
const hours = 730

// AWS's list prices of us-east-1, in USD.
const (
	clusterHour  = 0.10  // a cluster of a Kubernetes version in standard support
	natHour      = 0.045 // a NAT gateway
	addressHour  = 0.005 // a public IPv4 address
	diskGiBMonth = 0.08  // gp3
)

// instanceHour are those of the instance types that the templates name.
var instanceHour = map[string]float64{"t4g.medium": 0.0336}

const (
	clusterPrices  = "https://aws.amazon.com/eks/pricing/"
	instancePrices = "https://aws.amazon.com/ec2/pricing/on-demand/"
	diskPrices     = "https://aws.amazon.com/ebs/pricing/"
	networkPrices  = "https://aws.amazon.com/vpc/pricing/"
)

// costs are those of the template. A node group of types without a price is an
// error, so that no sum is too small.
func (t template) costs() ([]Cost, error) {
	out := []Cost{}
	if _, there := t.first("AWS::EKS::Cluster"); there {
		out = append(out, Cost{
			What: "EKS cluster", How: fmt.Sprintf("%d hours at $%.2f; at $0.60 once its Kubernetes version is out of standard support", hours, clusterHour),
			USD: hours * clusterHour, Price: clusterPrices,
		})
	}
	if r, there := t.first("AWS::EKS::Nodegroup"); there {
		types := texts(r.Properties["InstanceTypes"])
		scaling, _ := r.Properties["ScalingConfig"].(map[string]any)
		nodes, _ := scaling["DesiredSize"].(int)
		gib := t.diskGiB()
		if len(types) != 1 || instanceHour[types[0]] == 0 || nodes == 0 || gib == 0 {
			return nil, fmt.Errorf("the launch page knows no price of the node group's %d nodes of %v with %d GiB: see internal/launchpage/costs.go", nodes, types, gib)
		}
		price := instanceHour[types[0]]
		out = append(out,
			Cost{
				What: "Nodes of the managed node group", How: fmt.Sprintf("%d × %s on demand, %d hours at $%.4f", nodes, types[0], hours, price),
				USD: float64(nodes) * hours * price, Price: instancePrices,
			},
			Cost{What: "Their disks", How: fmt.Sprintf("%d × %d GiB of gp3 at $%.2f", nodes, gib, diskGiBMonth), USD: float64(nodes*gib) * diskGiBMonth, Price: diskPrices})
	}
	if r, there := t.first("AWS::CloudFormation::Stack"); there {
		c := Cost{
			What: "NAT gateway with its public address", How: fmt.Sprintf("%d hours at $%.3f and $%.3f, besides $0.045 for each GB through it", hours, natHour, addressHour),
			USD: hours * (natHour + addressHour), Price: networkPrices, PerZone: true,
		}
		if r.Condition != "" {
			c.Unless = "PrivateSubnetIds"
		}
		out = append(out, c)
	}
	return out, nil
}

// first is a resource of a type of which templates have one at most.
func (t template) first(typ string) (resource, bool) {
	for _, r := range t.Resources {
		if r.Type == typ {
			return r, true
		}
	}
	return resource{}, false
}

// diskGiB is the size of the node group's disk.
func (t template) diskGiB() int {
	r, _ := t.first("AWS::EC2::LaunchTemplate")
	data, _ := r.Properties["LaunchTemplateData"].(map[string]any)
	disks, _ := data["BlockDeviceMappings"].([]any)
	for _, d := range disks {
		disk, _ := d.(map[string]any)
		ebs, _ := disk["Ebs"].(map[string]any)
		if gib, ok := ebs["VolumeSize"].(int); ok {
			return gib
		}
	}
	return 0
}
