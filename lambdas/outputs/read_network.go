package main

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/e6data/aws-quickstart/internal/netplan"
	"github.com/e6data/aws-quickstart/internal/preflight"
)

// readNetwork looks at zones, at what the network's quotas count, and at what
// the customer has.
func (a account) readNetwork(ctx context.Context, l *looks, asked preflight.Topics) {
	answers, own := l.before.Answers, l.before.Place.Account
	if asked.Zones {
		look(l, "", func() ([]netplan.Zone, error) { return a.network.zones(ctx) },
			func(f *preflight.Facts, z []netplan.Zone) { f.Zones = z })
	}
	if asked.NetworkUse {
		look(l, "", func() (int, error) { return a.use.countVPCs(ctx, own) }, func(f *preflight.Facts, n int) { f.VPCs = &n })
		look(l, "", func() (int, error) { return a.use.countGateways(ctx, own) }, func(f *preflight.Facts, n int) { f.Gateways = &n })
		look(l, "", func() (int, error) { return a.use.countAddresses(ctx) }, func(f *preflight.Facts, n int) { f.Addresses = &n })
		look(l, "", func() (map[string]int, error) { return a.use.countNATs(ctx) }, func(f *preflight.Facts, n map[string]int) { f.NATs = n })
	}
	if asked.VPC {
		look(l, answers.VpcID, func() (*preflight.VPC, error) { return a.vpc(ctx, l, answers.VpcID, asked.Space) },
			func(f *preflight.Facts, v *preflight.VPC) { f.VPC = v })
	}
	// The routes of an existing cluster's subnets are read with the cluster.
	if asked.Subnets {
		look(l, "", func() (map[string]preflight.Subnet, error) {
			return a.subnets(ctx, l, preflight.GivenSubnets(l.before))
		},
			func(f *preflight.Facts, s map[string]preflight.Subnet) { f.Subnets = s })
	}
}

// networkCounter is the part of the EC2 API that counts what others use.
type networkCounter interface {
	DescribeAddresses(context.Context, *ec2.DescribeAddressesInput, ...func(*ec2.Options)) (*ec2.DescribeAddressesOutput, error)
	DescribeNatGateways(context.Context, *ec2.DescribeNatGatewaysInput, ...func(*ec2.Options)) (*ec2.DescribeNatGatewaysOutput, error)
}

// networkUse counts what the account has in the region. Where it is not sure it
// counts less: too small a number stops nothing.
type networkUse struct {
	ec2     networkCounter
	network networkReader
}

func ofOwner(account string) []types.Filter {
	return []types.Filter{filter("owner-id", account)}
}

// countVPCs leaves out VPCs that others share with the account.
func (u networkUse) countVPCs(ctx context.Context, owner string) (int, error) {
	p := ec2.NewDescribeVpcsPaginator(u.network, &ec2.DescribeVpcsInput{Filters: ofOwner(owner)})
	vpcs, err := all(ctx, p.HasMorePages, p.NextPage, func(o *ec2.DescribeVpcsOutput) []types.Vpc { return o.Vpcs })
	return len(vpcs), err
}

func (u networkUse) countGateways(ctx context.Context, owner string) (int, error) {
	p := ec2.NewDescribeInternetGatewaysPaginator(u.network, &ec2.DescribeInternetGatewaysInput{Filters: ofOwner(owner)})
	gateways, err := all(ctx, p.HasMorePages, p.NextPage, func(o *ec2.DescribeInternetGatewaysOutput) []types.InternetGateway { return o.InternetGateways })
	return len(gateways), err
}

// countAddresses leaves out those of the customer's own pools, which the quota
// does not count
// (https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html).
func (u networkUse) countAddresses(ctx context.Context) (n int, err error) {
	out, err := u.ec2.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{})
	if err != nil {
		return 0, err
	}
	for _, a := range out.Addresses {
		if pool := aws.ToString(a.PublicIpv4Pool); (pool == "" || pool == "amazon") && a.ServiceManaged == "" {
			n++
		}
	}
	return n, nil
}

// countNATs counts NAT gateways by zone. The quota counts them until they are
// gone.
func (u networkUse) countNATs(ctx context.Context) (map[string]int, error) {
	gateways, err := listNATGateways(ctx, u.ec2, filter("state", "pending", "available", "deleting"))
	if err != nil {
		return nil, err
	}
	zones := map[string]string{}
	if len(gateways) > 0 {
		subnets, err := listSubnets(ctx, u.network)
		if err != nil {
			return nil, err
		}
		for _, s := range subnets {
			zones[aws.ToString(s.SubnetId)] = aws.ToString(s.AvailabilityZone)
		}
	}
	n := map[string]int{}
	for _, g := range gateways {
		n[zones[aws.ToString(g.SubnetId)]]++
	}
	return n, nil
}

// addresses are the public ones of these NAT gateways of a VPC.
func (u networkUse) addresses(ctx context.Context, vpc string, ids []string) ([]string, error) {
	gateways, err := listNATGateways(ctx, u.ec2, filter("vpc-id", vpc), filter("state", "pending", "available"))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, g := range gateways {
		if !slices.Contains(ids, aws.ToString(g.NatGatewayId)) {
			continue
		}
		for _, a := range g.NatGatewayAddresses {
			if ip := aws.ToString(a.PublicIp); ip != "" {
				out = append(out, ip)
			}
		}
	}
	return out, nil
}
