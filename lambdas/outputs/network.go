package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/e6data/aws-quickstart/internal/netplan"
)

// networkReader is the part of the EC2 API that a plan needs.
type networkReader interface {
	DescribeAvailabilityZones(context.Context, *ec2.DescribeAvailabilityZonesInput, ...func(*ec2.Options)) (*ec2.DescribeAvailabilityZonesOutput, error)
	DescribeVpcs(context.Context, *ec2.DescribeVpcsInput, ...func(*ec2.Options)) (*ec2.DescribeVpcsOutput, error)
	DescribeSubnets(context.Context, *ec2.DescribeSubnetsInput, ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error)
	DescribeInternetGateways(context.Context, *ec2.DescribeInternetGatewaysInput, ...func(*ec2.Options)) (*ec2.DescribeInternetGatewaysOutput, error)
}

// network asks EC2 what there is.
type network struct{ ec2 networkReader }

// zones lists the zones of the function's region that the account can use.
func (n network) zones(ctx context.Context) ([]netplan.Zone, error) {
	// AllAvailabilityZones is left out: zones that the account would first have
	// to opt in to are of no use.
	out, err := n.ec2.DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{})
	if err != nil {
		return nil, fmt.Errorf("list the Availability Zones of the region: %w", err)
	}
	zones := make([]netplan.Zone, 0, len(out.AvailabilityZones))
	for _, z := range out.AvailabilityZones {
		zones = append(zones, netplan.Zone{
			Name:  aws.ToString(z.ZoneName),
			ID:    aws.ToString(z.ZoneId),
			Type:  aws.ToString(z.ZoneType),
			State: string(z.State),
			OptIn: string(z.OptInStatus),
		})
	}
	if len(zones) == 0 {
		return nil, errors.New("list the Availability Zones of the region: EC2 named none")
	}
	return zones, nil
}

// space reads all IPv4 blocks of a VPC, secondary ones too, and the blocks of
// its subnets, whoever made them.
func (n network) space(ctx context.Context, vpc string) (netplan.Space, error) {
	out, err := n.ec2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{vpc}})
	if err != nil {
		return netplan.Space{}, fmt.Errorf("read VpcId %s: %w", vpc, err)
	}
	var s netplan.Space
	for _, v := range out.Vpcs {
		for _, a := range v.CidrBlockAssociationSet {
			if a.CidrBlockState == nil || a.CidrBlockState.State != types.VpcCidrBlockStateCodeAssociated {
				continue
			}
			if s.Blocks, err = appendBlock(s.Blocks, a.CidrBlock); err != nil {
				return s, fmt.Errorf("read VpcId %s: %w", vpc, err)
			}
		}
	}
	subnets, err := listSubnets(ctx, n.ec2, ofVPC(vpc)...)
	if err != nil {
		return s, fmt.Errorf("list the subnets of VpcId %s: %w", vpc, err)
	}
	for _, subnet := range subnets {
		if s.Taken, err = appendBlock(s.Taken, subnet.CidrBlock); err != nil {
			return s, fmt.Errorf("read subnet %s: %w", aws.ToString(subnet.SubnetId), err)
		}
	}
	return s, nil
}

// appendBlock adds an IPv4 block. A subnet may have none.
func appendBlock(to []netip.Prefix, block *string) ([]netip.Prefix, error) {
	if aws.ToString(block) == "" {
		return to, nil
	}
	b, err := netip.ParsePrefix(*block)
	if err != nil {
		return to, fmt.Errorf("its block: %w", err)
	}
	return append(to, b), nil
}

// gateway finds the internet gateway that is attached to a VPC, of which there
// is at most one; empty: there is none.
func (n network) gateway(ctx context.Context, vpc string) (string, error) {
	out, err := n.ec2.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{
		Filters: []types.Filter{{Name: aws.String("attachment.vpc-id"), Values: []string{vpc}}},
	})
	if err != nil {
		return "", fmt.Errorf("look for the internet gateway of VpcId %s: %w", vpc, err)
	}
	for _, g := range out.InternetGateways {
		return aws.ToString(g.InternetGatewayId), nil
	}
	return "", nil
}

// subnets reads subnets by their IDs. EC2 fails for one that does not exist.
func (n network) subnets(ctx context.Context, ids []string) (map[string]netplan.Subnet, error) {
	out, err := n.ec2.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: ids})
	if err != nil {
		return nil, fmt.Errorf("read them: %w", err)
	}
	found := map[string]netplan.Subnet{}
	for _, s := range out.Subnets {
		subnet := subnetOf(s)
		found[subnet.ID] = subnet
	}
	for _, id := range ids {
		if _, ok := found[id]; !ok {
			return nil, fmt.Errorf("EC2 did not name subnet %s", id)
		}
	}
	return found, nil
}

func subnetOf(s types.Subnet) netplan.Subnet {
	return netplan.Subnet{
		ID: aws.ToString(s.SubnetId), VPC: aws.ToString(s.VpcId), Zone: aws.ToString(s.AvailabilityZone),
		ZoneID: aws.ToString(s.AvailabilityZoneId), FreeAddresses: int(aws.ToInt32(s.AvailableIpAddressCount)),
	}
}

// stackDescriber is the part of the CloudFormation API that statusOf needs.
type stackDescriber interface {
	DescribeStacks(context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error)
}

// rollsBack tells whether the stack goes back to what it was before an update
// that failed: nothing else tells such an event from an update by a person.
func rollsBack(ctx context.Context, api stackDescriber, stackID string) (bool, error) {
	status, err := statusOf(ctx, api, stackID)
	return status == cfntypes.StackStatusUpdateRollbackInProgress, err
}

// statusOf is the stack's status.
func statusOf(ctx context.Context, api stackDescriber, stackID string) (cfntypes.StackStatus, error) {
	out, err := api.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stackID})
	if err != nil {
		return "", fmt.Errorf("read the status of the stack: %w", err)
	}
	for _, s := range out.Stacks {
		return s.StackStatus, nil
	}
	return "", fmt.Errorf("read the status of the stack: CloudFormation does not know %s", stackID)
}
