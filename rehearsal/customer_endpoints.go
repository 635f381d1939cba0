package rehearsal

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func (m *MadeVPC) makeS3Endpoint(ctx context.Context, region string) error {
	if !m.described.S3Endpoint {
		return nil
	}
	tables, err := m.clients.EC2.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: inVPC(m.ID)})
	if err != nil {
		return err
	}
	return m.makeEndpoint(ctx, &ec2.CreateVpcEndpointInput{
		ServiceName: aws.String("com.amazonaws." + region + ".s3"), VpcEndpointType: ec2types.VpcEndpointTypeGateway,
		RouteTableIds: names(tables.RouteTables, func(t ec2types.RouteTable) string { return aws.ToString(t.RouteTableId) }),
	})
}

// makeInterfaceEndpoints gives the endpoints a security group that they share.
func (m *MadeVPC) makeInterfaceEndpoints(ctx context.Context, region string) error {
	if len(m.described.InterfaceEndpoints) == 0 {
		return nil
	}
	group, err := m.clients.EC2.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
		VpcId: &m.ID, GroupName: aws.String("customer-endpoints"), Description: aws.String("Endpoints of AWS services"),
		TagSpecifications: customerTag(ec2types.ResourceTypeSecurityGroup, "customer-endpoints"),
	})
	if err != nil {
		return err
	}
	m.group = aws.ToString(group.GroupId)
	https := ec2types.IpPermission{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(443), ToPort: aws.Int32(443)}
	for _, block := range m.described.Blocks {
		https.IpRanges = append(https.IpRanges, ec2types.IpRange{CidrIp: &block})
	}
	if _, err := m.clients.EC2.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: &m.group, IpPermissions: []ec2types.IpPermission{https},
	}); err != nil {
		return err
	}
	var private []string // one a zone
	zones := map[string]bool{}
	for i, s := range m.described.Subnets {
		if !s.Public && !zones[s.Zone] {
			private, zones[s.Zone] = append(private, m.Subnets[i]), true
		}
	}
	for _, service := range m.described.InterfaceEndpoints {
		if err := m.makeEndpoint(ctx, &ec2.CreateVpcEndpointInput{
			ServiceName: aws.String("com.amazonaws." + region + "." + service), VpcEndpointType: ec2types.VpcEndpointTypeInterface,
			SubnetIds: private, SecurityGroupIds: []string{m.group}, PrivateDnsEnabled: aws.Bool(true),
		}); err != nil {
			return err
		}
	}
	return nil
}

func (m *MadeVPC) makeEndpoint(ctx context.Context, in *ec2.CreateVpcEndpointInput) error {
	in.VpcId, in.TagSpecifications = &m.ID, customerTag(ec2types.ResourceTypeVpcEndpoint, "customer")
	made, err := m.clients.EC2.CreateVpcEndpoint(ctx, in)
	if err != nil {
		return err
	}
	m.endpoints = append(m.endpoints, aws.ToString(made.VpcEndpoint.VpcEndpointId))
	return nil
}
