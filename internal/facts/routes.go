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

const everywhere = "0.0.0.0/0"

// way is how IPv4 traffic leaves a subnet.
type way struct {
	table string
	// public is the route to an internet gateway that makes the subnet public,
	// as text.
	public string
	// out is where traffic leaves to: a NAT gateway, a transit gateway, a
	// peering connection, a virtual private gateway, an appliance; empty: it
	// does not.
	out string
	// dead is a route whose target is gone, as text.
	dead string
}

// wayOf reads a route table. A route for everywhere decides; without one,
// other ways out of the VPC count, since a customer may reach AWS's APIs at
// the other end (endpoints in a VPC of their own).
func wayOf(t ec2types.RouteTable) way {
	w := way{table: aws.ToString(t.RouteTableId)}
	decided := false
	for _, r := range t.Routes {
		target, kind := targetOf(r)
		where := destinationOf(r)
		text := fmt.Sprintf("route table %s sends %s to the %s %s", w.table, where, kind, target)
		gone := r.State == ec2types.RouteStateBlackhole
		switch {
		case kind == kindNone:
		case kind == kindInternet && !gone:
			w.public = cmp.Or(w.public, text)
		case r.DestinationIpv6CidrBlock != nil || kind == kindEgressOnly:
			// An endpoint of AWS's, by its IPv4 name, is not reached this way.
		case gone && where == everywhere:
			w.dead, w.out, decided = text, "", true
		case gone:
			w.dead = cmp.Or(w.dead, text)
		case where == everywhere:
			w.out, w.dead, decided = target, "", true
		case !decided:
			w.out = cmp.Or(w.out, target)
		}
	}
	return w
}

// none says in what way traffic does not leave.
func (w way) none() string {
	if w.dead != "" {
		return w.dead + ", which is gone (a blackhole)"
	}
	return fmt.Sprintf("route table %s leads nowhere out of the VPC", w.table)
}

// Kinds of targets.
const (
	kindNone       = "" // inside the VPC, or for one service only
	kindInternet   = "internet gateway"
	kindEgressOnly = "egress-only internet gateway"
	kindNat        = "NAT gateway"
)

// targetOf is where a route leads to.
func targetOf(r ec2types.Route) (target, kind string) {
	for _, t := range []struct {
		id   *string
		kind string
	}{
		{r.NatGatewayId, kindNat},
		{r.TransitGatewayId, "transit gateway"},
		{r.VpcPeeringConnectionId, "peering connection"},
		{r.EgressOnlyInternetGatewayId, kindEgressOnly},
		{r.NetworkInterfaceId, "network interface"},
		{r.InstanceId, "instance"},
		{r.CoreNetworkArn, "core network"},
	} {
		if aws.ToString(t.id) != "" {
			return *t.id, t.kind
		}
	}
	// LocalGatewayId is an Outpost's, CarrierGatewayId a Wavelength Zone's.
	id := aws.ToString(r.GatewayId)
	switch {
	case strings.HasPrefix(id, "igw-"):
		return id, kindInternet
	case strings.HasPrefix(id, "vgw-"):
		return id, "virtual private gateway"
	case strings.HasPrefix(id, "vpce-") && r.DestinationPrefixListId == nil:
		return id, "firewall endpoint" // a gateway load balancer's
	}
	return id, kindNone // local, or S3's and DynamoDB's gateway endpoints
}

func destinationOf(r ec2types.Route) string {
	return cmp.Or(aws.ToString(r.DestinationCidrBlock), aws.ToString(r.DestinationIpv6CidrBlock), aws.ToString(r.DestinationPrefixListId))
}

// locked says why the public endpoint of the Kubernetes API, the only one that
// it has, does not let a subnet's traffic in. Where the address cannot be told
// (behind a transit gateway, or a NAT gateway of another account's), it is the
// one with which the cluster's own nodes get in.
func (v *view) locked(w way) string {
	var out []string
	for _, a := range v.nats[w.out].NatGatewayAddresses {
		address, err := netip.ParseAddr(aws.ToString(a.PublicIp))
		if err == nil && !slices.ContainsFunc(v.admitted, func(b netip.Prefix) bool { return b.Contains(address) }) {
			out = append(out, address.String())
		}
	}
	if len(out) == 0 {
		return ""
	}
	return fmt.Sprintf("the Kubernetes API has a public endpoint only, which does not let in %s, the address of its NAT gateway %s. %s",
		strings.Join(out, ", "), w.out, v.makePrivate())
}

// makePrivate is what to do about a cluster without a private endpoint.
func (v *view) makePrivate() string {
	return fmt.Sprintf("Switch the private endpoint on: aws eks update-cluster-config --name %s --region %s --resources-vpc-config endpointPrivateAccess=true",
		v.name, v.region)
}
