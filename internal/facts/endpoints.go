package facts

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// closed says what a subnet lacks out of which nothing leads; empty: all it
// needs has an endpoint in the VPC.
func (v *view) closed(subnet string, w way) string {
	var lacking []string
	for _, service := range v.needed {
		if why := v.unreached(subnet, service); why != "" {
			lacking = append(lacking, why)
		}
	}
	if len(lacking) == 0 {
		return ""
	}
	return fmt.Sprintf("%s, and without a way out the VPC needs endpoints it does not have: %s", w.none(), strings.Join(lacking, ", "))
}

// unreached names the service if no endpoint in the VPC answers for it.
func (v *view) unreached(subnet, service string) string {
	why := service
	for _, e := range v.endpoints {
		if !strings.HasSuffix(aws.ToString(e.ServiceName), "."+v.region+"."+service) || aws.ToString(e.VpcId) != v.vpc ||
			!strings.EqualFold(string(e.State), string(ec2types.StateAvailable)) {
			continue
		}
		id := aws.ToString(e.VpcEndpointId)
		switch {
		case e.VpcEndpointType == ec2types.VpcEndpointTypeGateway:
			table, _ := v.table(subnet)
			if slices.Contains(e.RouteTableIds, aws.ToString(table.RouteTableId)) {
				return ""
			}
			why = fmt.Sprintf("%s (%s is not on route table %s)", service, id, aws.ToString(table.RouteTableId))
		case e.VpcEndpointType != ec2types.VpcEndpointTypeInterface:
		case !aws.ToBool(e.PrivateDnsEnabled):
			why = fmt.Sprintf("%s (%s has no private DNS name)", service, id)
		case !v.opens(e, subnet):
			why = fmt.Sprintf("%s (no security group of %s lets %s in on port 443)", service, id, cmp.Or(v.group, subnet))
		default:
			return ""
		}
	}
	return why
}

// opens tells whether an endpoint lets a function in the subnet in. Groups of
// another account, which shares the VPC, have no rules to see.
func (v *view) opens(e ec2types.VpcEndpoint, subnet string) bool {
	if owner := aws.ToString(e.OwnerId); owner != "" && owner != v.account {
		return true
	}
	block, ok := v.block(subnet)
	return slices.ContainsFunc(e.Groups, func(g ec2types.SecurityGroupIdentifier) bool {
		return ok && v.lets(aws.ToString(g.GroupId), ingress, v.group, []netip.Prefix{block})
	})
}
