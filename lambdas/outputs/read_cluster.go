package main

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/e6data/aws-quickstart/internal/awserror"
	"github.com/e6data/aws-quickstart/internal/preflight"
)

// ofStack is the tag by which CloudFormation marks what a stack made.
const ofStack = "aws:cloudformation:stack-id"

// readCluster looks at EKS: its versions, the cluster of the name, its log group.
func (a account) readCluster(ctx context.Context, l *looks, asked preflight.Topics) {
	name := l.before.Answers.ClusterName
	if asked.Versions {
		look(l, "", func() ([]preflight.Version, error) { return a.eks.versions(ctx) }, func(f *preflight.Facts, v []preflight.Version) { f.Versions = v })
	}
	if asked.Cluster {
		look(l, name, func() (*preflight.Cluster, error) { return a.cluster(ctx, l, name) }, func(f *preflight.Facts, c *preflight.Cluster) { f.Cluster = c })
	}
	if asked.LogGroup {
		look(l, name, func() (bool, error) { return a.logs.exists(ctx, preflight.LogGroup(name)) }, func(f *preflight.Facts, there bool) { f.LogGroup = &there })
	}
}

// accountClusters is the part of the EKS API that is read.
type accountClusters interface {
	DescribeCluster(context.Context, *eks.DescribeClusterInput, ...func(*eks.Options)) (*eks.DescribeClusterOutput, error)
	DescribeClusterVersions(context.Context, *eks.DescribeClusterVersionsInput, ...func(*eks.Options)) (*eks.DescribeClusterVersionsOutput, error)
}

type clusters struct{ api accountClusters }

func (c clusters) versions(ctx context.Context) ([]preflight.Version, error) {
	p := eks.NewDescribeClusterVersionsPaginator(c.api, &eks.DescribeClusterVersionsInput{IncludeAll: aws.Bool(true)})
	known, err := all(ctx, p.HasMorePages, p.NextPage, func(o *eks.DescribeClusterVersionsOutput) []ekstypes.ClusterVersionInformation {
		return o.ClusterVersions
	})
	if err != nil {
		return nil, err
	}
	found := []preflight.Version{}
	for _, v := range known {
		found = append(found, preflight.Version{
			Name: aws.ToString(v.ClusterVersion), Status: string(v.VersionStatus), EndOfStandard: aws.ToTime(v.EndOfStandardSupportDate),
		})
	}
	return found, nil
}

// cluster reads the cluster of a name, and of the customer's own from where its
// VPC reaches the internet.
func (a account) cluster(ctx context.Context, l *looks, name string) (*preflight.Cluster, error) {
	out, err := a.eks.api.DescribeCluster(ctx, &eks.DescribeClusterInput{Name: &name})
	if awserror.HasCode(err, "ResourceNotFoundException") {
		return &preflight.Cluster{}, nil
	}
	if err != nil {
		return nil, err
	}
	in := out.Cluster
	c := &preflight.Cluster{Found: true, Status: string(in.Status), Version: aws.ToString(in.Version), Stack: in.Tags[ofStack]}
	if in.AccessConfig != nil {
		c.Mode = string(in.AccessConfig.AuthenticationMode)
	}
	if in.Identity != nil && in.Identity.Oidc != nil {
		c.Issuer = aws.ToString(in.Identity.Oidc.Issuer)
	}
	if v := in.ResourcesVpcConfig; v != nil {
		c.VPC, c.PrivateAccess, c.PublicAccess, c.PublicCidrs = aws.ToString(v.VpcId), v.EndpointPrivateAccess, v.EndpointPublicAccess, v.PublicAccessCidrs
	}
	if !c.PrivateAccess && c.PublicAccess && l.before.Answers.InstallerRoleName != "" {
		if c.NATAddresses, err = a.leavesBy(ctx, c.VPC); err != nil {
			l.failed(c.VPC, err)
		}
		c.NATAddressRead = err == nil
	}
	return c, nil
}

// leavesBy are the public addresses from which a VPC reaches the internet: those
// of the NAT gateways that default routes lead to. Empty: by another way too, or
// by none, so the addresses cannot be told from here.
func (a account) leavesBy(ctx context.Context, vpc string) ([]string, error) {
	tables, err := listRouteTables(ctx, a.routes.ec2, ofVPC(vpc)...)
	if err != nil {
		return nil, err
	}
	var gateways []string
	for _, table := range tables {
		out, gone := defaultRoute(table.Routes)
		switch {
		case out == "" || gone || strings.HasPrefix(out, "igw-"): // no function is put there
		case !strings.HasPrefix(out, "nat-"):
			return nil, nil
		default:
			gateways = append(gateways, out)
		}
	}
	return a.use.addresses(ctx, vpc, gateways)
}

// logGroupReader is the part of the CloudWatch Logs API that lists groups.
type logGroupReader interface {
	DescribeLogGroups(context.Context, *cloudwatchlogs.DescribeLogGroupsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error)
}

type logGroups struct{ api logGroupReader }

func (g logGroups) exists(ctx context.Context, name string) (bool, error) {
	pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(g.api, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return false, err
		}
		for _, found := range page.LogGroups {
			if aws.ToString(found.LogGroupName) == name {
				return true, nil
			}
		}
	}
	return false, nil
}
