package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// CustomerVPC describes a VPC that a customer has before the stack.
type CustomerVPC struct {
	// Blocks are its IPv4 blocks, the first one and secondary ones.
	Blocks  []string
	Subnets []CustomerSubnet
	// InternetGateway attaches one, with a route from the public subnets.
	InternetGateway bool
	// NatGateway gives the private subnets a way out. It needs an internet
	// gateway and a public subnet.
	NatGateway bool
	// S3Endpoint is on the tables of all subnets and on the main one.
	S3Endpoint bool
	// InterfaceEndpoints are services with an endpoint in the private subnets
	// that has a private DNS name and lets in the VPC's blocks: "ecr.api".
	InterfaceEndpoints []string
}

// CustomerSubnet is one subnet of a CustomerVPC. Zone is a letter.
type CustomerSubnet struct {
	Block, Zone string
	Public      bool
}

// crowdedVPC is the VPC of a run: odd subnets in two blocks, a gateway and an
// endpoint of the customer's own.
var crowdedVPC = CustomerVPC{
	Blocks: []string{"10.80.0.0/21", "100.64.0.0/18"},
	Subnets: []CustomerSubnet{
		{Block: "10.80.0.0/25", Zone: "a", Public: true},
		{Block: "10.80.2.64/26", Zone: "b"},
		{Block: "10.80.4.0/22", Zone: "a"},
		{Block: "100.64.33.16/28", Zone: "d"},
	},
	InternetGateway: true,
	S3Endpoint:      true,
}

// MadeVPC is a CustomerVPC that was made.
type MadeVPC struct {
	ID string
	// Subnets are the IDs of the subnets, in the order in which they were
	// described; Gateway is the internet gateway's.
	Subnets []string
	Gateway string

	clients   *Clients
	tables    []string
	endpoints []string
	group     string // of the interface endpoints
	nat       string
	address   string
	before    Picture
	described CustomerVPC
}

// MakeVPC makes a customer's VPC and remembers what it looks like.
func (e *Environment) MakeVPC(ctx context.Context, v CustomerVPC) (*MadeVPC, error) {
	m := &MadeVPC{clients: e.Clients(), described: v}
	for _, step := range []struct {
		what string
		do   func(context.Context, string) error
	}{
		{"VPC", m.makeVPC},
		{"subnets", m.makeSubnets},
		{"internet gateway", m.makeGateway},
		{"NAT gateway", m.makeNat},
		{"route tables", m.makeTables},
		{"S3 endpoint", m.makeS3Endpoint},
		{"interface endpoints", m.makeInterfaceEndpoints},
	} {
		if err := step.do(ctx, e.Region); err != nil {
			return nil, fmt.Errorf("make the customer's VPC: %s: %w", step.what, err)
		}
	}
	var err error
	m.before, err = m.picture(ctx)
	return m, err
}

// customerTag is on everything of the customer's.
func customerTag(kind ec2types.ResourceType, name string) []ec2types.TagSpecification {
	return []ec2types.TagSpecification{{ResourceType: kind, Tags: []ec2types.Tag{
		{Key: aws.String("Name"), Value: aws.String(name)}, {Key: aws.String("owner"), Value: aws.String("customer")},
	}}}
}

func (m *MadeVPC) makeVPC(ctx context.Context, _ string) error {
	api := m.clients.EC2
	made, err := api.CreateVpc(ctx, &ec2.CreateVpcInput{
		CidrBlock: &m.described.Blocks[0], TagSpecifications: customerTag(ec2types.ResourceTypeVpc, "customer"),
	})
	if err != nil {
		return err
	}
	m.ID = aws.ToString(made.Vpc.VpcId)
	on := &ec2types.AttributeBooleanValue{Value: aws.Bool(true)}
	_, hostnames := api.ModifyVpcAttribute(ctx, &ec2.ModifyVpcAttributeInput{VpcId: &m.ID, EnableDnsHostnames: on})
	_, support := api.ModifyVpcAttribute(ctx, &ec2.ModifyVpcAttributeInput{VpcId: &m.ID, EnableDnsSupport: on})
	err = errors.Join(hostnames, support)
	for _, block := range m.described.Blocks[1:] {
		_, e := api.AssociateVpcCidrBlock(ctx, &ec2.AssociateVpcCidrBlockInput{VpcId: &m.ID, CidrBlock: &block})
		err = errors.Join(err, e)
	}
	return err
}

func (m *MadeVPC) makeSubnets(ctx context.Context, region string) error {
	for i, s := range m.described.Subnets {
		made, err := m.clients.EC2.CreateSubnet(ctx, &ec2.CreateSubnetInput{
			VpcId: &m.ID, CidrBlock: &s.Block, AvailabilityZone: aws.String(region + s.Zone),
			TagSpecifications: customerTag(ec2types.ResourceTypeSubnet, fmt.Sprintf("customer-%d", i)),
		})
		if err != nil {
			return err
		}
		m.Subnets = append(m.Subnets, aws.ToString(made.Subnet.SubnetId))
	}
	return nil
}

func (m *MadeVPC) makeGateway(ctx context.Context, _ string) error {
	if !m.described.InternetGateway {
		return nil
	}
	made, err := m.clients.EC2.CreateInternetGateway(ctx, &ec2.CreateInternetGatewayInput{
		TagSpecifications: customerTag(ec2types.ResourceTypeInternetGateway, "customer"),
	})
	if err != nil {
		return err
	}
	m.Gateway = aws.ToString(made.InternetGateway.InternetGatewayId)
	_, err = m.clients.EC2.AttachInternetGateway(ctx, &ec2.AttachInternetGatewayInput{VpcId: &m.ID, InternetGatewayId: &m.Gateway})
	return err
}

// public finds the first public subnet, or -1.
func (m *MadeVPC) public() int {
	return slices.IndexFunc(m.described.Subnets, func(s CustomerSubnet) bool { return s.Public })
}

func (m *MadeVPC) makeNat(ctx context.Context, _ string) error {
	if !m.described.NatGateway {
		return nil
	}
	i := m.public()
	if i < 0 || m.Gateway == "" {
		return errors.New("it needs an internet gateway and a public subnet")
	}
	address, err := m.clients.EC2.AllocateAddress(ctx, &ec2.AllocateAddressInput{Domain: ec2types.DomainTypeVpc})
	if err != nil {
		return err
	}
	m.address = aws.ToString(address.AllocationId)
	made, err := m.clients.EC2.CreateNatGateway(ctx, &ec2.CreateNatGatewayInput{SubnetId: &m.Subnets[i], AllocationId: &m.address})
	if err != nil {
		return err
	}
	m.nat = aws.ToString(made.NatGateway.NatGatewayId)
	return nil
}

// makeTables gives the public and the private subnets a table each.
func (m *MadeVPC) makeTables(ctx context.Context, _ string) error {
	for _, public := range []bool{true, false} {
		made, err := m.clients.EC2.CreateRouteTable(ctx, &ec2.CreateRouteTableInput{
			VpcId: &m.ID, TagSpecifications: customerTag(ec2types.ResourceTypeRouteTable, fmt.Sprintf("customer-public-%t", public)),
		})
		if err != nil {
			return err
		}
		table := aws.ToString(made.RouteTable.RouteTableId)
		m.tables = append(m.tables, table)
		route := &ec2.CreateRouteInput{RouteTableId: &table, DestinationCidrBlock: aws.String("0.0.0.0/0")}
		switch {
		case public && m.Gateway != "":
			route.GatewayId = &m.Gateway
		case !public && m.nat != "":
			route.NatGatewayId = &m.nat
		default:
			route = nil
		}
		if route != nil {
			if _, err := m.clients.EC2.CreateRoute(ctx, route); err != nil {
				return err
			}
		}
		for i, s := range m.described.Subnets {
			if s.Public != public {
				continue
			}
			if _, err := m.clients.EC2.AssociateRouteTable(ctx, &ec2.AssociateRouteTableInput{RouteTableId: &table, SubnetId: &m.Subnets[i]}); err != nil {
				return err
			}
		}
	}
	return nil
}

func inVPC(id string) []ec2types.Filter {
	return []ec2types.Filter{{Name: aws.String("vpc-id"), Values: []string{id}}}
}

// Remove removes the VPC and all that MakeVPC made in it. It fails if anything
// else is still there.
func (m *MadeVPC) Remove(ctx context.Context) error {
	api := m.clients.EC2
	var steps []func() error
	add := func(there bool, do func() error) {
		if there {
			steps = append(steps, do)
		}
	}
	add(len(m.endpoints) > 0, func() error {
		_, err := api.DeleteVpcEndpoints(ctx, &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: m.endpoints})
		return err
	})
	add(m.group != "", func() error {
		_, err := api.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &m.group})
		return err
	})
	add(m.nat != "", func() error {
		_, err := api.DeleteNatGateway(ctx, &ec2.DeleteNatGatewayInput{NatGatewayId: &m.nat})
		return err
	})
	add(m.address != "", func() error {
		_, err := api.ReleaseAddress(ctx, &ec2.ReleaseAddressInput{AllocationId: &m.address})
		return err
	})
	for _, s := range m.Subnets {
		add(true, func() error {
			_, err := api.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: &s})
			return err
		})
	}
	for _, t := range m.tables {
		add(true, func() error {
			_, err := api.DeleteRouteTable(ctx, &ec2.DeleteRouteTableInput{RouteTableId: &t})
			return err
		})
	}
	add(m.Gateway != "", func() error {
		_, err := api.DetachInternetGateway(ctx, &ec2.DetachInternetGatewayInput{VpcId: &m.ID, InternetGatewayId: &m.Gateway})
		return err
	})
	add(m.Gateway != "", func() error {
		_, err := api.DeleteInternetGateway(ctx, &ec2.DeleteInternetGatewayInput{InternetGatewayId: &m.Gateway})
		return err
	})
	add(true, func() error {
		_, err := api.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: &m.ID})
		return err
	})
	for _, do := range steps {
		if err := do(); err != nil {
			return fmt.Errorf("remove the customer's VPC %s: %w", m.ID, err)
		}
	}
	return nil
}
