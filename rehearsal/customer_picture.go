package rehearsal

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

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
	return differs("the stack changed what is the customer's", lacking(m.before, now), lacking(now, m.before), false)
}

// CheckBack fails unless the VPC holds exactly what it did before the stack.
func (m *MadeVPC) CheckBack(ctx context.Context) error {
	now, err := m.picture(ctx)
	if err != nil {
		return err
	}
	return differs("the stack left the customer's VPC other than it was", lacking(m.before, now), lacking(now, m.before), true)
}

// lacking are the lines that the others do not have.
func lacking(lines, others []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return slices.Contains(others, l) })
}

func differs(what string, gone, fresh []string, freshCounts bool) error {
	if len(gone) == 0 && (len(fresh) == 0 || !freshCounts) {
		return nil
	}
	var b strings.Builder
	b.WriteString(what + ":")
	for _, l := range gone {
		b.WriteString("\n  was: " + l)
	}
	for _, l := range fresh {
		// Of what a stack makes only the changed things of the customer matter.
		kind, _, _ := strings.Cut(l, "{")
		if freshCounts || slices.ContainsFunc(gone, func(g string) bool { return strings.HasPrefix(g, kind) }) {
			b.WriteString("\n  is:  " + l)
		}
	}
	return fmt.Errorf("%s", b.String())
}

// picture describes everything in the VPC, one thing a line, "KIND ID {…}".
func (m *MadeVPC) picture(ctx context.Context) ([]string, error) {
	var lines []string
	add := func(kind string, id *string, v any) error {
		text, err := json.Marshal(v)
		lines = append(lines, kind+" "+aws.ToString(id)+" "+string(text))
		return err
	}
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
		if err := part.read(ctx, m.clients.EC2, m.ID, add); err != nil {
			return nil, fmt.Errorf("look at the customer's %s: %w", part.what, err)
		}
	}
	slices.Sort(lines)
	return lines, nil
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
		if err := add("security group", g.GroupId, g); err != nil {
			return err
		}
	}
	return nil
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
