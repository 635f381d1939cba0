package rehearsal

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func listVPCs(ctx context.Context, c *Clients) (ids []string, err error) {
	p := ec2.NewDescribeVpcsPaginator(c.EC2, &ec2.DescribeVpcsInput{})
	err = pages(ctx, p.HasMorePages, p.NextPage, func(o *ec2.DescribeVpcsOutput) {
		ids = append(ids, names(o.Vpcs, func(v ec2types.Vpc) string { return aws.ToString(v.VpcId) })...)
	})
	return ids, err
}

func listInternetGateways(ctx context.Context, c *Clients) (ids []string, err error) {
	p := ec2.NewDescribeInternetGatewaysPaginator(c.EC2, &ec2.DescribeInternetGatewaysInput{})
	err = pages(ctx, p.HasMorePages, p.NextPage, func(o *ec2.DescribeInternetGatewaysOutput) {
		ids = append(ids, names(o.InternetGateways, func(g ec2types.InternetGateway) string { return aws.ToString(g.InternetGatewayId) })...)
	})
	return ids, err
}

func listGatewayAttachments(ctx context.Context, c *Clients) (ids []string, err error) {
	p := ec2.NewDescribeInternetGatewaysPaginator(c.EC2, &ec2.DescribeInternetGatewaysInput{})
	err = pages(ctx, p.HasMorePages, p.NextPage, func(o *ec2.DescribeInternetGatewaysOutput) {
		for _, g := range o.InternetGateways {
			for _, a := range g.Attachments {
				ids = append(ids, aws.ToString(g.InternetGatewayId)+"/"+aws.ToString(a.VpcId))
			}
		}
	})
	return ids, err
}

func listSubnets(ctx context.Context, c *Clients) (ids []string, err error) {
	p := ec2.NewDescribeSubnetsPaginator(c.EC2, &ec2.DescribeSubnetsInput{})
	err = pages(ctx, p.HasMorePages, p.NextPage, func(o *ec2.DescribeSubnetsOutput) {
		ids = append(ids, names(o.Subnets, func(s ec2types.Subnet) string { return aws.ToString(s.SubnetId) })...)
	})
	return ids, err
}

// routeTables calls each with every route table.
func routeTables(ctx context.Context, c *Clients, each func(ec2types.RouteTable)) error {
	p := ec2.NewDescribeRouteTablesPaginator(c.EC2, &ec2.DescribeRouteTablesInput{})
	return pages(ctx, p.HasMorePages, p.NextPage, func(o *ec2.DescribeRouteTablesOutput) {
		for _, t := range o.RouteTables {
			each(t)
		}
	})
}

func listRouteTables(ctx context.Context, c *Clients) (ids []string, err error) {
	err = routeTables(ctx, c, func(t ec2types.RouteTable) { ids = append(ids, aws.ToString(t.RouteTableId)) })
	return ids, err
}

func listRoutes(ctx context.Context, c *Clients) (ids []string, err error) {
	err = routeTables(ctx, c, func(t ec2types.RouteTable) {
		for _, r := range t.Routes {
			destination := aws.ToString(r.DestinationCidrBlock) + aws.ToString(r.DestinationIpv6CidrBlock) + aws.ToString(r.DestinationPrefixListId)
			ids = append(ids, aws.ToString(t.RouteTableId)+"/"+destination)
		}
	})
	return ids, err
}

func listRouteTableAssociations(ctx context.Context, c *Clients) (ids []string, err error) {
	err = routeTables(ctx, c, func(t ec2types.RouteTable) {
		for _, a := range t.Associations {
			ids = append(ids, aws.ToString(t.RouteTableId)+"/"+aws.ToString(a.SubnetId))
		}
	})
	return ids, err
}

func listAddresses(ctx context.Context, c *Clients) ([]string, error) {
	o, err := c.EC2.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{})
	if err != nil {
		return nil, err
	}
	return names(o.Addresses, func(a ec2types.Address) string { return aws.ToString(a.AllocationId) }), nil
}

func listNatGateways(ctx context.Context, c *Clients) (ids []string, err error) {
	p := ec2.NewDescribeNatGatewaysPaginator(c.EC2, &ec2.DescribeNatGatewaysInput{})
	err = pages(ctx, p.HasMorePages, p.NextPage, func(o *ec2.DescribeNatGatewaysOutput) {
		for _, g := range o.NatGateways {
			if g.State != ec2types.NatGatewayStateDeleted {
				ids = append(ids, aws.ToString(g.NatGatewayId))
			}
		}
	})
	return ids, err
}

func listEndpoints(ctx context.Context, c *Clients) (ids []string, err error) {
	p := ec2.NewDescribeVpcEndpointsPaginator(c.EC2, &ec2.DescribeVpcEndpointsInput{})
	err = pages(ctx, p.HasMorePages, p.NextPage, func(o *ec2.DescribeVpcEndpointsOutput) {
		ids = append(ids, names(o.VpcEndpoints, func(v ec2types.VpcEndpoint) string { return aws.ToString(v.VpcEndpointId) })...)
	})
	return ids, err
}

// securityGroups calls each with every security group.
func securityGroups(ctx context.Context, c *Clients, each func(ec2types.SecurityGroup)) error {
	p := ec2.NewDescribeSecurityGroupsPaginator(c.EC2, &ec2.DescribeSecurityGroupsInput{})
	return pages(ctx, p.HasMorePages, p.NextPage, func(o *ec2.DescribeSecurityGroupsOutput) {
		for _, g := range o.SecurityGroups {
			each(g)
		}
	})
}

func listSecurityGroups(ctx context.Context, c *Clients) (ids []string, err error) {
	err = securityGroups(ctx, c, func(g ec2types.SecurityGroup) { ids = append(ids, aws.ToString(g.GroupId)) })
	return ids, err
}

func listSecurityGroupIngress(ctx context.Context, c *Clients) (ids []string, err error) {
	err = securityGroups(ctx, c, func(g ec2types.SecurityGroup) { ids = append(ids, ruleIDs(g, g.IpPermissions)...) })
	return ids, err
}

func listSecurityGroupEgress(ctx context.Context, c *Clients) (ids []string, err error) {
	err = securityGroups(ctx, c, func(g ec2types.SecurityGroup) { ids = append(ids, ruleIDs(g, g.IpPermissionsEgress)...) })
	return ids, err
}

func ruleIDs(g ec2types.SecurityGroup, rules []ec2types.IpPermission) (ids []string) {
	for _, r := range rules {
		rule := fmt.Sprintf("%s/%s %d-%d", aws.ToString(g.GroupId), aws.ToString(r.IpProtocol), aws.ToInt32(r.FromPort), aws.ToInt32(r.ToPort))
		for _, b := range r.IpRanges {
			ids = append(ids, rule+" "+aws.ToString(b.CidrIp))
		}
		for _, b := range r.UserIdGroupPairs {
			ids = append(ids, rule+" "+aws.ToString(b.GroupId))
		}
	}
	return ids
}

func listLaunchTemplates(ctx context.Context, c *Clients) (ids []string, err error) {
	p := ec2.NewDescribeLaunchTemplatesPaginator(c.EC2, &ec2.DescribeLaunchTemplatesInput{})
	err = pages(ctx, p.HasMorePages, p.NextPage, func(o *ec2.DescribeLaunchTemplatesOutput) {
		ids = append(ids, names(o.LaunchTemplates, func(t ec2types.LaunchTemplate) string { return aws.ToString(t.LaunchTemplateId) })...)
	})
	return ids, err
}

func listInstances(ctx context.Context, c *Clients) (ids []string, err error) {
	p := ec2.NewDescribeInstancesPaginator(c.EC2, &ec2.DescribeInstancesInput{})
	err = pages(ctx, p.HasMorePages, p.NextPage, func(o *ec2.DescribeInstancesOutput) {
		for _, r := range o.Reservations {
			for _, i := range r.Instances {
				if i.State == nil || i.State.Name != ec2types.InstanceStateNameTerminated {
					ids = append(ids, aws.ToString(i.InstanceId))
				}
			}
		}
	})
	return ids, err
}

func listVolumes(ctx context.Context, c *Clients) (ids []string, err error) {
	p := ec2.NewDescribeVolumesPaginator(c.EC2, &ec2.DescribeVolumesInput{})
	err = pages(ctx, p.HasMorePages, p.NextPage, func(o *ec2.DescribeVolumesOutput) {
		ids = append(ids, names(o.Volumes, func(v ec2types.Volume) string { return aws.ToString(v.VolumeId) })...)
	})
	return ids, err
}

func listNetworkInterfaces(ctx context.Context, c *Clients) (ids []string, err error) {
	p := ec2.NewDescribeNetworkInterfacesPaginator(c.EC2, &ec2.DescribeNetworkInterfacesInput{})
	err = pages(ctx, p.HasMorePages, p.NextPage, func(o *ec2.DescribeNetworkInterfacesOutput) {
		ids = append(ids, names(o.NetworkInterfaces, func(n ec2types.NetworkInterface) string { return aws.ToString(n.NetworkInterfaceId) })...)
	})
	return ids, err
}
