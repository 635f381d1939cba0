package rehearsal

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// CheckKept fails if anything of the customer's is gone or other than before
// the stack: VPC, subnets, tags, routes, associations, gateways, endpoints,
// security groups with their rules, network ACLs.
func (m *MadeVPC) CheckKept(ctx context.Context) error {
	now, err := m.picture(ctx)
	if err != nil {
		return err
	}
	return changed("the stack changed what is the customer's", now.Since(m.before, Allowance{New: []string{"*"}}))
}

// CheckBack fails unless the VPC holds exactly what it did before the stack.
func (m *MadeVPC) CheckBack(ctx context.Context) error {
	now, err := m.picture(ctx)
	if err != nil {
		return err
	}
	return changed("the stack left the customer's VPC other than it was", now.Since(m.before, Allowance{}))
}

// picture describes everything in the VPC.
func (m *MadeVPC) picture(ctx context.Context) (Picture, error) {
	p := Picture{}
	return p, p.addVPC(ctx, m.clients.EC2, m.ID)
}

// addVPC adds everything in a VPC.
func (p Picture) addVPC(ctx context.Context, api *ec2.Client, vpc string) error {
	add := func(kind string, id *string, v any) error { return p.add(kind, aws.ToString(id), v) }
	for _, part := range []struct {
		what string
		read func(context.Context, *ec2.Client, string, func(string, *string, any) error) error
	}{
		{"VPC", readVPC},
		{"subnets", readSubnets},
		{"route tables", readTables},
		{"gateways", readGateways},
		{"endpoints", readEndpoints},
		{"security groups", readGroups},
		{"network ACLs", readACLs},
	} {
		if err := part.read(ctx, api, vpc, add); err != nil {
			return fmt.Errorf("look at the customer's %s: %w", part.what, err)
		}
	}
	return nil
}

func readVPC(ctx context.Context, api *ec2.Client, vpc string, add func(string, *string, any) error) error {
	o, err := api.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{vpc}})
	if err != nil {
		return err
	}
	for _, attribute := range []ec2types.VpcAttributeName{ec2types.VpcAttributeNameEnableDnsHostnames, ec2types.VpcAttributeNameEnableDnsSupport} {
		a, err := api.DescribeVpcAttribute(ctx, &ec2.DescribeVpcAttributeInput{VpcId: &vpc, Attribute: attribute})
		if err != nil {
			return err
		}
		if err := add(string(attribute), &vpc, []any{a.EnableDnsHostnames, a.EnableDnsSupport}); err != nil {
			return err
		}
	}
	return add("VPC", &vpc, o.Vpcs)
}

func readSubnets(ctx context.Context, api *ec2.Client, vpc string, add func(string, *string, any) error) error {
	o, err := api.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: inVPC(vpc)})
	if err != nil {
		return err
	}
	for _, s := range o.Subnets {
		s.AvailableIpAddressCount = nil // network interfaces of the stack may come and go
		if err := add("subnet", s.SubnetId, s); err != nil {
			return err
		}
	}
	return nil
}

func readTables(ctx context.Context, api *ec2.Client, vpc string, add func(string, *string, any) error) error {
	o, err := api.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: inVPC(vpc)})
	if err != nil {
		return err
	}
	for _, t := range o.RouteTables {
		if err := add("route table", t.RouteTableId, t); err != nil {
			return err
		}
	}
	return nil
}

func readGateways(ctx context.Context, api *ec2.Client, vpc string, add func(string, *string, any) error) error {
	attached := []ec2types.Filter{{Name: aws.String("attachment.vpc-id"), Values: []string{vpc}}}
	o, err := api.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{Filters: attached})
	if err != nil {
		return err
	}
	for _, g := range o.InternetGateways {
		if err := add("internet gateway", g.InternetGatewayId, g); err != nil {
			return err
		}
	}
	n, err := api.DescribeNatGateways(ctx, &ec2.DescribeNatGatewaysInput{Filter: inVPC(vpc)})
	if err != nil {
		return err
	}
	for _, g := range n.NatGateways {
		if g.State == ec2types.NatGatewayStateDeleted {
			continue
		}
		if err := add("NAT gateway", g.NatGatewayId, g); err != nil {
			return err
		}
	}
	return nil
}

func readEndpoints(ctx context.Context, api *ec2.Client, vpc string, add func(string, *string, any) error) error {
	o, err := api.DescribeVpcEndpoints(ctx, &ec2.DescribeVpcEndpointsInput{Filters: inVPC(vpc)})
	if err != nil {
		return err
	}
	for _, e := range o.VpcEndpoints {
		if err := add("endpoint", e.VpcEndpointId, e); err != nil {
			return err
		}
	}
	return nil
}

func readGroups(ctx context.Context, api *ec2.Client, vpc string, add func(string, *string, any) error) error {
	o, err := api.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: inVPC(vpc)})
	if err != nil {
		return err
	}
	for _, g := range o.SecurityGroups {
		rules := slices.Concat(rulesOf("ingress", g.IpPermissions), rulesOf("egress", g.IpPermissionsEgress))
		g.IpPermissions, g.IpPermissionsEgress = nil, nil
		if err := add("security group", g.GroupId, g); err != nil {
			return err
		}
		for _, rule := range rules {
			if err := add("security group rule", aws.String(aws.ToString(g.GroupId)+" "+rule), true); err != nil {
				return err
			}
		}
	}
	return nil
}

// rulesOf are the rules of a security group, one for each peer.
func rulesOf(way string, permissions []ec2types.IpPermission) (rules []string) {
	for _, p := range permissions {
		what := fmt.Sprintf("%s %s %d-%d ", way, aws.ToString(p.IpProtocol), aws.ToInt32(p.FromPort), aws.ToInt32(p.ToPort))
		for _, r := range p.IpRanges {
			rules = append(rules, what+aws.ToString(r.CidrIp)+" "+aws.ToString(r.Description))
		}
		for _, r := range p.Ipv6Ranges {
			rules = append(rules, what+aws.ToString(r.CidrIpv6)+" "+aws.ToString(r.Description))
		}
		for _, r := range p.PrefixListIds {
			rules = append(rules, what+aws.ToString(r.PrefixListId)+" "+aws.ToString(r.Description))
		}
		for _, r := range p.UserIdGroupPairs {
			rules = append(rules, what+aws.ToString(r.GroupId)+" "+aws.ToString(r.Description))
		}
	}
	return rules
}

func readACLs(ctx context.Context, api *ec2.Client, vpc string, add func(string, *string, any) error) error {
	o, err := api.DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{Filters: inVPC(vpc)})
	if err != nil {
		return err
	}
	for _, a := range o.NetworkAcls {
		// New subnets are associated with the VPC's own list by themselves.
		a.Associations = nil
		if err := add("network ACL", a.NetworkAclId, a); err != nil {
			return err
		}
	}
	return nil
}
