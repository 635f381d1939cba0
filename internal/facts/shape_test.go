package facts

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
)

// shape is a cluster and its network, as EKS and EC2 describe them.
type shape struct {
	cluster ekstypes.Cluster
	network Network
	choice  Choice
}

// usual is a cluster in two private subnets behind a NAT gateway, beside a
// public one with the VPC's main route table.
func usual() *shape {
	s := &shape{
		cluster: ekstypes.Cluster{
			Name: aws.String("analytics"), Arn: aws.String("arn:aws:eks:us-east-1:111122223333:cluster/analytics"),
			Status: ekstypes.ClusterStatusActive, Version: aws.String("1.36"), PlatformVersion: aws.String("eks.9"),
			Endpoint: aws.String("https://8EBD00AE.gr7.us-east-1.eks.amazonaws.com"),
			Identity: &ekstypes.Identity{Oidc: &ekstypes.OIDC{Issuer: aws.String("https://oidc.eks.us-east-1.amazonaws.com/id/8EBD00AE")}},
			ResourcesVpcConfig: &ekstypes.VpcConfigResponse{
				VpcId: aws.String("vpc-0a"), SubnetIds: []string{"subnet-b", "subnet-a"}, ClusterSecurityGroupId: aws.String("sg-0c"),
				EndpointPrivateAccess: true, EndpointPublicAccess: true, PublicAccessCidrs: []string{"0.0.0.0/0"},
			},
			KubernetesNetworkConfig: &ekstypes.KubernetesNetworkConfigResponse{IpFamily: ekstypes.IpFamilyIpv4, ServiceIpv4Cidr: aws.String("172.20.0.0/16")},
			AccessConfig:            &ekstypes.AccessConfigResponse{AuthenticationMode: ekstypes.AuthenticationModeApiAndConfigMap},
		},
		network: Network{
			Subnets: []ec2types.Subnet{
				subnet("subnet-a", "us-east-1a", "10.0.0.0/24"), subnet("subnet-b", "us-east-1b", "10.0.1.0/24"), subnet("subnet-p", "us-east-1a", "10.0.128.0/24"),
			},
			RouteTables: []ec2types.RouteTable{
				table("rtb-main", "", local, to("0.0.0.0/0", "igw-1")),
				table("rtb-nat", "subnet-a subnet-b", local, to("0.0.0.0/0", "nat-1")),
			},
			Zones: []ec2types.AvailabilityZone{
				zone("us-east-1a", "availability-zone"), zone("us-east-1b", "availability-zone"), zone("us-east-1c", "availability-zone"),
				zone("us-east-1-bos-1a", "local-zone"), zone("us-east-1-wl1-bos-wlz-1", "wavelength-zone"),
			},
			// What EKS makes: all from itself, all out.
			Rules: []ec2types.SecurityGroupRule{rule("sg-0c", ingress, "-1", "sg-0c"), rule("sg-0c", egress, "-1", "0.0.0.0/0")},
		},
	}
	return s
}

func subnet(id, zone, block string) ec2types.Subnet {
	return ec2types.Subnet{
		SubnetId: &id, VpcId: aws.String("vpc-0a"), AvailabilityZone: &zone, CidrBlock: &block, OwnerId: aws.String("111122223333"),
		AvailableIpAddressCount: aws.Int32(200), State: ec2types.SubnetStateAvailable, Ipv6Native: aws.Bool(false),
	}
}

func zone(name, kind string) ec2types.AvailabilityZone {
	return ec2types.AvailabilityZone{ZoneName: &name, ZoneType: &kind, State: ec2types.AvailabilityZoneStateAvailable}
}

// table is a route table with explicit associations, or the main one.
func table(id, subnets string, routes ...ec2types.Route) ec2types.RouteTable {
	t := ec2types.RouteTable{RouteTableId: &id, VpcId: aws.String("vpc-0a"), Routes: routes}
	for s := range strings.FieldsSeq(subnets) {
		t.Associations = append(t.Associations, ec2types.RouteTableAssociation{SubnetId: &s, Main: aws.Bool(false), RouteTableId: &id})
	}
	if subnets == "" {
		t.Associations = append(t.Associations, ec2types.RouteTableAssociation{Main: aws.Bool(true), RouteTableId: &id})
	}
	return t
}

var local = to("10.0.0.0/16", "local")

// to is an active route. A destination pl-… is a prefix list, one with a colon
// IPv6.
func to(destination, target string) ec2types.Route {
	r := ec2types.Route{State: ec2types.RouteStateActive}
	switch {
	case strings.HasPrefix(destination, "pl-"):
		r.DestinationPrefixListId = &destination
	case strings.Contains(destination, ":"):
		r.DestinationIpv6CidrBlock = &destination
	default:
		r.DestinationCidrBlock = &destination
	}
	kind, _, _ := strings.Cut(target, "-")
	switch kind {
	case "nat":
		r.NatGatewayId = &target
	case "tgw":
		r.TransitGatewayId = &target
	case "pcx":
		r.VpcPeeringConnectionId = &target
	case "eigw":
		r.EgressOnlyInternetGatewayId = &target
	case "eni":
		r.NetworkInterfaceId = &target
		r.InstanceId = aws.String("i-1")
	case "lgw":
		r.LocalGatewayId = &target
	case "cagw":
		r.CarrierGatewayId = &target
	case "arn:aws:networkmanager::111122223333:core":
		r.CoreNetworkArn = &target
	default: // local, igw, vgw, vpce
		r.GatewayId = &target
	}
	return r
}

// dead is a route whose target is gone.
func dead(r ec2types.Route) ec2types.Route {
	r.State = ec2types.RouteStateBlackhole
	return r
}

// rule is a rule for TCP port 443, or for all with protocol -1. The peer is a
// group, a prefix list or a block.
func rule(group string, direction bool, protocol, peer string) ec2types.SecurityGroupRule {
	r := ec2types.SecurityGroupRule{GroupId: &group, IsEgress: &direction, IpProtocol: &protocol, FromPort: aws.Int32(443), ToPort: aws.Int32(443)}
	if protocol == "-1" {
		r.FromPort, r.ToPort = aws.Int32(-1), aws.Int32(-1)
	}
	switch {
	case strings.HasPrefix(peer, "sg-"):
		r.ReferencedGroupInfo = &ec2types.ReferencedSecurityGroup{GroupId: &peer}
	case strings.HasPrefix(peer, "pl-"):
		r.PrefixListId = &peer
	default:
		r.CidrIpv4 = &peer
	}
	return r
}

// endpoint is an interface endpoint with a private DNS name and one group.
func endpoint(service, group string) ec2types.VpcEndpoint {
	return ec2types.VpcEndpoint{
		VpcEndpointId: aws.String("vpce-" + service), VpcId: aws.String("vpc-0a"), ServiceName: aws.String("com.amazonaws.us-east-1." + service),
		VpcEndpointType: ec2types.VpcEndpointTypeInterface, State: "available", PrivateDnsEnabled: aws.Bool(true), OwnerId: aws.String("111122223333"),
		Groups: []ec2types.SecurityGroupIdentifier{{GroupId: &group}},
	}
}

// isolated takes the way out of the private subnets, and gives the VPC all
// endpoints that it then needs: S3's is a gateway.
func (s *shape) isolated() {
	s.routes(local, to("pl-s3", "vpce-s3"))
	for _, service := range []string{"ec2", "ecr.api", "ecr.dkr", "eks", "sts"} {
		s.network.Endpoints = append(s.network.Endpoints, endpoint(service, "sg-0e"))
	}
	s3 := endpoint("s3", "")
	s3.VpcEndpointType, s3.Groups, s3.PrivateDnsEnabled, s3.RouteTableIds = ec2types.VpcEndpointTypeGateway, nil, aws.Bool(false), []string{"rtb-nat"}
	s.network.Endpoints = append(s.network.Endpoints, s3)
	s.network.Rules = append(s.network.Rules, rule("sg-0e", ingress, "tcp", "10.0.0.0/16"))
}

// routes replaces those of the cluster's two subnets.
func (s *shape) routes(routes ...ec2types.Route) { s.network.RouteTables[1].Routes = routes }

// publicOnly closes the private endpoint and opens the public one to blocks.
func (s *shape) publicOnly(blocks ...string) {
	s.cluster.ResourcesVpcConfig.EndpointPrivateAccess, s.cluster.ResourcesVpcConfig.PublicAccessCidrs = false, blocks
}
