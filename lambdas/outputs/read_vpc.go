package main

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/e6data/aws-quickstart/internal/awserror"
	"github.com/e6data/aws-quickstart/internal/preflight"
)

// vpcSettings is the part of the EC2 API that knows a VPC's settings.
type vpcSettings interface {
	DescribeVpcAttribute(context.Context, *ec2.DescribeVpcAttributeInput, ...func(*ec2.Options)) (*ec2.DescribeVpcAttributeOutput, error)
	DescribeDhcpOptions(context.Context, *ec2.DescribeDhcpOptionsInput, ...func(*ec2.Options)) (*ec2.DescribeDhcpOptionsOutput, error)
}

// vpc reads the customer's VPC. Its parts are not known each by itself.
func (a account) vpc(ctx context.Context, l *looks, id string, space bool) (*preflight.VPC, error) {
	out, err := a.network.ec2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{id}})
	if awserror.HasCode(err, "InvalidVpcID.NotFound", "InvalidVpcID.Malformed") || err == nil && len(out.Vpcs) == 0 {
		return &preflight.VPC{}, nil
	}
	if err != nil {
		return nil, err
	}
	v := &preflight.VPC{Found: true, State: string(out.Vpcs[0].State)}
	part := func(err error) {
		if err != nil {
			l.failed(id, err)
		}
	}
	v.DNSSupport, err = a.attribute(ctx, id, types.VpcAttributeNameEnableDnsSupport)
	part(err)
	v.DNSHostnames, err = a.attribute(ctx, id, types.VpcAttributeNameEnableDnsHostnames)
	part(err)
	v.NameServers, err = a.nameServers(ctx, aws.ToString(out.Vpcs[0].DhcpOptionsId))
	part(err)
	if !space {
		return v, nil
	}
	found, err := a.network.space(ctx, id)
	part(err)
	gateway, again := a.network.gateway(ctx, id)
	part(again)
	if err == nil && again == nil {
		v.Space, v.Gateway = &found, gateway
	}
	return v, nil
}

func (a account) attribute(ctx context.Context, vpc string, name types.VpcAttributeName) (*bool, error) {
	out, err := a.vpcs.DescribeVpcAttribute(ctx, &ec2.DescribeVpcAttributeInput{VpcId: &vpc, Attribute: name})
	if err != nil {
		return nil, err
	}
	for _, value := range []*types.AttributeBooleanValue{out.EnableDnsSupport, out.EnableDnsHostnames} {
		if value != nil {
			return value.Value, nil
		}
	}
	return nil, nil
}

// nameServers are those of a set of DHCP options. A VPC with none has the ID
// "default".
func (a account) nameServers(ctx context.Context, options string) ([]string, error) {
	if !strings.HasPrefix(options, "dopt-") {
		return nil, nil
	}
	out, err := a.vpcs.DescribeDhcpOptions(ctx, &ec2.DescribeDhcpOptionsInput{DhcpOptionsIds: []string{options}})
	if err != nil {
		return nil, err
	}
	var servers []string
	for _, o := range out.DhcpOptions {
		for _, c := range o.DhcpConfigurations {
			if aws.ToString(c.Key) == "domain-name-servers" {
				servers = append(servers, values(c.Values, func(v types.AttributeValue) *string { return v.Value })...)
			}
		}
	}
	return servers, nil
}

// subnets reads given subnets and where their routes lead. One that does not
// exist is left out.
func (a account) subnets(ctx context.Context, l *looks, ids []string) (map[string]preflight.Subnet, error) {
	// A filter, since EC2 fails for an ID that it does not know.
	given, err := listSubnets(ctx, a.network.ec2, filter("subnet-id", ids...))
	if err != nil {
		return nil, err
	}
	found, vpcs := map[string]preflight.Subnet{}, map[string]bool{}
	for _, s := range given {
		subnet := subnetOf(s)
		vpcs[subnet.VPC] = true
		found[subnet.ID] = preflight.Subnet{Subnet: subnet}
	}
	for vpc := range vpcs {
		endpoints, err := a.routes.endpoints(ctx, vpc)
		if err != nil {
			l.failed(vpc, err)
		}
		tables, err := listRouteTables(ctx, a.routes.ec2, ofVPC(vpc)...)
		if err != nil {
			l.failed(vpc, err)
			continue
		}
		for id, s := range found {
			if s.VPC == vpc {
				s.Routes = routesOf(id, tables, endpoints)
				found[id] = s
			}
		}
		l.keepEndpoints(endpoints)
	}
	return found, nil
}
