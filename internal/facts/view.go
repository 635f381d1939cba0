package facts

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/e6data/aws-quickstart/internal/endpoints"
)

// view is a cluster and its network, with what belongs together found.
type view struct {
	name    string
	vpc     string
	group   string // the cluster security group
	account string // the cluster's, so the one that looks
	region  string
	proxy   bool
	own     []string // the cluster's subnets
	needed  []string // services that need an endpoint where nothing leads out
	// private tells whether the Kubernetes API has an address in the VPC; if
	// not, admitted are the blocks from which its public one can be reached.
	private  bool
	admitted []netip.Prefix

	subnets   map[string]ec2types.Subnet
	tables    map[string]ec2types.RouteTable // by subnet, and the main one by ""
	zones     map[string]ec2types.AvailabilityZone
	endpoints []ec2types.VpcEndpoint
	rules     []ec2types.SecurityGroupRule
	nats      map[string]ec2types.NatGateway
}

func newView(c ekstypes.Cluster, n Network, choice Choice) *view {
	parsed, _ := arn.Parse(aws.ToString(c.Arn)) // an ARN of EKS's
	at := c.ResourcesVpcConfig
	v := &view{
		name: aws.ToString(c.Name), vpc: aws.ToString(at.VpcId), group: aws.ToString(at.ClusterSecurityGroupId), account: parsed.AccountID, region: parsed.Region,
		proxy: choice.Proxy, own: at.SubnetIds, needed: endpoints.Needed(false), private: at.EndpointPrivateAccess, admitted: blocksOf(at.PublicAccessCidrs),
	}
	v.look(n)
	return v
}

// look finds what belongs together in a network.
func (v *view) look(n Network) {
	v.endpoints, v.rules = n.Endpoints, n.Rules
	v.subnets, v.tables = map[string]ec2types.Subnet{}, map[string]ec2types.RouteTable{}
	v.zones, v.nats = map[string]ec2types.AvailabilityZone{}, map[string]ec2types.NatGateway{}
	for _, s := range n.Subnets {
		v.subnets[aws.ToString(s.SubnetId)] = s
	}
	for _, z := range n.Zones {
		v.zones[aws.ToString(z.ZoneName)] = z
	}
	for _, g := range n.NatGateways {
		v.nats[aws.ToString(g.NatGatewayId)] = g
	}
	for _, t := range n.RouteTables {
		for _, a := range t.Associations {
			switch {
			case aws.ToBool(a.Main):
				v.tables[""] = t
			case a.SubnetId != nil:
				v.tables[*a.SubnetId] = t
			}
		}
	}
}

// table is the route table of a subnet: its own, or the VPC's main one.
func (v *view) table(subnet string) (ec2types.RouteTable, bool) {
	if t, ok := v.tables[subnet]; ok {
		return t, true
	}
	t, ok := v.tables[""]
	return t, ok
}

// block is a subnet's IPv4 block.
func (v *view) block(subnet string) (netip.Prefix, bool) {
	b, err := netip.ParsePrefix(aws.ToString(v.subnets[subnet].CidrBlock))
	return b, err == nil
}

// zonesOf are the zones of subnets, each once, sorted.
func (v *view) zonesOf(subnets []string) []string {
	var zones []string
	for _, id := range subnets {
		if z := aws.ToString(v.subnets[id].AvailabilityZone); z != "" {
			zones = append(zones, z)
		}
	}
	slices.Sort(zones)
	return slices.Compact(zones)
}

// full says that a subnet has no address for a function's network interface.
func (v *view) full(subnet string) string {
	if aws.ToInt32(v.subnets[subnet].AvailableIpAddressCount) > 0 {
		return ""
	}
	return "no address of it is free"
}

// roomiest are the most subnets allowed, those with the most free addresses,
// sorted by ID.
func (v *view) roomiest(subnets []string, most int) []string {
	byRoom := slices.SortedStableFunc(slices.Values(subnets), func(a, b string) int {
		return cmp.Compare(aws.ToInt32(v.subnets[b].AvailableIpAddressCount), aws.ToInt32(v.subnets[a].AvailableIpAddressCount))
	})
	return slices.Sorted(slices.Values(byRoom[:min(most, len(byRoom))]))
}

// sort divides subnets into those that are fit, sorted by ID, and the reasons of
// the others: subnets with the same reason stand together.
func (v *view) sort(ids []string) (fit, reasons []string) {
	because := map[string][]string{}
	var order []string
	for _, id := range slices.Sorted(slices.Values(ids)) {
		found := v.unfit(id)
		if found.why == "" {
			fit = append(fit, id)
			continue
		}
		if because[found.why] == nil {
			order = append(order, found.why)
		}
		because[found.why] = append(because[found.why], id)
	}
	for _, why := range order {
		reasons = append(reasons, fmt.Sprintf("%s (%s)", strings.Join(because[why], ", "), why))
	}
	return fit, reasons
}

// others names subnets of the VPC that would do, apart from those given.
func (v *view) others(than []string) string {
	const most = 6
	var fit []string
	for id, s := range v.subnets {
		if !slices.Contains(than, id) && aws.ToString(s.VpcId) == v.vpc && v.unfit(id).why == "" && v.full(id) == "" {
			fit = append(fit, id)
		}
	}
	if len(fit) == 0 {
		return ""
	}
	slices.Sort(fit)
	return fmt.Sprintf(" (such as %s)", strings.Join(fit[:min(most, len(fit))], ", "))
}

func blocksOf(texts []string) []netip.Prefix {
	var blocks []netip.Prefix
	for _, t := range texts {
		if b, err := netip.ParsePrefix(t); err == nil {
			blocks = append(blocks, b)
		}
	}
	return blocks
}
