package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	quotatypes "github.com/aws/aws-sdk-go-v2/service/servicequotas/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// played is an AWS account with as much in it as preflight reads. An operation
// with an entry in fails ("EC2 DescribeVpcs") fails.
type played struct {
	fails map[string]error

	zones     []string // name/id
	vpcs      []types.Vpc
	gateways  []types.InternetGateway
	addresses []types.Address
	nats      []types.NatGateway
	subnets   []types.Subnet
	tables    []types.RouteTable
	endpoints []types.VpcEndpoint
	dhcp      []string // name servers
	dns       map[types.VpcAttributeName]bool
	instances []types.Instance
	offers    map[string][]string // zones by type
	vcpus     map[string]int32
	quotas    map[string]float64
	versions  []ekstypes.ClusterVersionInformation
	clusters  map[string]*ekstypes.Cluster
	groups    []string
	roles     map[string]*iamtypes.Role
	users     map[string]string // ARNs
	policies  []string
	key       *kmstypes.KeyMetadata
	policy    string
	grants    []kmstypes.GrantListEntry
	objects   map[string]string // bucket/key to nothing; "!" hides
	elsewhere string            // the buckets' region
}

// account is the function's view of it.
func (p *played) account() account {
	return account{
		network: network{p}, use: networkUse{ec2: p, network: p}, vpcs: p, routes: routing{p}, compute: compute{p},
		eks: clusters{p}, logs: logGroups{p}, iam: identities{p}, kms: keys{p}, s3: chartBucket{p}, quotas: quotas{p},
	}
}

func refusal(service, operation, code, text string) error {
	return &smithy.OperationError{ServiceID: service, OperationName: operation, Err: &smithy.GenericAPIError{Code: code, Message: text}}
}

func (p *played) fail(service, operation string) error { return p.fails[service+" "+operation] }

// matching keeps the items that pass all filters.
func matching[T any](items []T, filters []types.Filter, fields map[string]func(T) string) []T {
	return slices.DeleteFunc(slices.Clone(items), func(item T) bool {
		return slices.ContainsFunc(filters, func(f types.Filter) bool {
			of, known := fields[*f.Name]
			return !known || !slices.Contains(f.Values, of(item))
		})
	})
}

func (p *played) DescribeAvailabilityZones(ctx context.Context, _ *ec2.DescribeAvailabilityZonesInput, _ ...func(*ec2.Options)) (*ec2.DescribeAvailabilityZonesOutput, error) {
	return (&region{zones: p.zones, err: p.fail("EC2", "DescribeAvailabilityZones")}).DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{})
}

func (p *played) DescribeVpcs(_ context.Context, in *ec2.DescribeVpcsInput, _ ...func(*ec2.Options)) (*ec2.DescribeVpcsOutput, error) {
	found := matching(p.vpcs, in.Filters, map[string]func(types.Vpc) string{"owner-id": func(v types.Vpc) string { return aws.ToString(v.OwnerId) }})
	if len(in.VpcIds) > 0 {
		found = slices.DeleteFunc(found, func(v types.Vpc) bool { return !slices.Contains(in.VpcIds, *v.VpcId) })
		if len(found) == 0 {
			return nil, refusal("EC2", "DescribeVpcs", "InvalidVpcID.NotFound", "it does not exist")
		}
	}
	return &ec2.DescribeVpcsOutput{Vpcs: found}, p.fail("EC2", "DescribeVpcs")
}

func (p *played) DescribeSubnets(_ context.Context, in *ec2.DescribeSubnetsInput, _ ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error) {
	return &ec2.DescribeSubnetsOutput{Subnets: matching(p.subnets, in.Filters, map[string]func(types.Subnet) string{
		"subnet-id": func(s types.Subnet) string { return *s.SubnetId }, "vpc-id": func(s types.Subnet) string { return *s.VpcId },
	})}, p.fail("EC2", "DescribeSubnets")
}

func (p *played) DescribeInternetGateways(_ context.Context, in *ec2.DescribeInternetGatewaysInput, _ ...func(*ec2.Options)) (*ec2.DescribeInternetGatewaysOutput, error) {
	return &ec2.DescribeInternetGatewaysOutput{InternetGateways: matching(p.gateways, in.Filters, map[string]func(types.InternetGateway) string{
		"owner-id":          func(g types.InternetGateway) string { return aws.ToString(g.OwnerId) },
		"attachment.vpc-id": func(g types.InternetGateway) string { return aws.ToString(g.Attachments[0].VpcId) },
	})}, p.fail("EC2", "DescribeInternetGateways")
}

func (p *played) DescribeAddresses(context.Context, *ec2.DescribeAddressesInput, ...func(*ec2.Options)) (*ec2.DescribeAddressesOutput, error) {
	return &ec2.DescribeAddressesOutput{Addresses: p.addresses}, p.fail("EC2", "DescribeAddresses")
}

func (p *played) DescribeNatGateways(_ context.Context, in *ec2.DescribeNatGatewaysInput, _ ...func(*ec2.Options)) (*ec2.DescribeNatGatewaysOutput, error) {
	return &ec2.DescribeNatGatewaysOutput{NatGateways: matching(p.nats, in.Filter, map[string]func(types.NatGateway) string{
		"state": func(n types.NatGateway) string { return string(n.State) }, "vpc-id": func(n types.NatGateway) string { return aws.ToString(n.VpcId) },
	})}, p.fail("EC2", "DescribeNatGateways")
}

func (p *played) DescribeVpcAttribute(_ context.Context, in *ec2.DescribeVpcAttributeInput, _ ...func(*ec2.Options)) (*ec2.DescribeVpcAttributeOutput, error) {
	value, out := &types.AttributeBooleanValue{Value: aws.Bool(p.dns[in.Attribute])}, &ec2.DescribeVpcAttributeOutput{}
	if in.Attribute == types.VpcAttributeNameEnableDnsSupport {
		out.EnableDnsSupport = value
	} else {
		out.EnableDnsHostnames = value
	}
	return out, p.fail("EC2", "DescribeVpcAttribute")
}

func (p *played) DescribeDhcpOptions(context.Context, *ec2.DescribeDhcpOptionsInput, ...func(*ec2.Options)) (*ec2.DescribeDhcpOptionsOutput, error) {
	c := types.DhcpConfiguration{Key: aws.String("domain-name-servers")}
	for _, s := range p.dhcp {
		c.Values = append(c.Values, types.AttributeValue{Value: &s})
	}
	other := types.DhcpConfiguration{Key: aws.String("domain-name"), Values: []types.AttributeValue{{Value: aws.String("ec2.internal")}}}
	return &ec2.DescribeDhcpOptionsOutput{DhcpOptions: []types.DhcpOptions{{DhcpConfigurations: []types.DhcpConfiguration{other, c}}}}, p.fail("EC2", "DescribeDhcpOptions")
}

func (p *played) DescribeRouteTables(_ context.Context, in *ec2.DescribeRouteTablesInput, _ ...func(*ec2.Options)) (*ec2.DescribeRouteTablesOutput, error) {
	return &ec2.DescribeRouteTablesOutput{RouteTables: matching(p.tables, in.Filters, map[string]func(types.RouteTable) string{
		"vpc-id": func(t types.RouteTable) string { return aws.ToString(t.VpcId) },
	})}, p.fail("EC2", "DescribeRouteTables")
}

func (p *played) DescribeVpcEndpoints(_ context.Context, in *ec2.DescribeVpcEndpointsInput, _ ...func(*ec2.Options)) (*ec2.DescribeVpcEndpointsOutput, error) {
	return &ec2.DescribeVpcEndpointsOutput{VpcEndpoints: matching(p.endpoints, in.Filters, map[string]func(types.VpcEndpoint) string{
		"vpc-id": func(e types.VpcEndpoint) string { return aws.ToString(e.VpcId) },
	})}, p.fail("EC2", "DescribeVpcEndpoints")
}

func (p *played) DescribeInstances(_ context.Context, in *ec2.DescribeInstancesInput, _ ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error) {
	found := matching(p.instances, in.Filters, map[string]func(types.Instance) string{"instance-state-name": func(i types.Instance) string { return string(i.State.Name) }})
	return &ec2.DescribeInstancesOutput{Reservations: []types.Reservation{{Instances: found}}}, p.fail("EC2", "DescribeInstances")
}

func named(filters []types.Filter, name string) bool {
	return slices.ContainsFunc(filters[0].Values, func(pattern string) bool {
		family, anySize := strings.CutSuffix(pattern, "*")
		return name == pattern || anySize && strings.HasPrefix(name, family)
	})
}

func (p *played) DescribeInstanceTypes(_ context.Context, in *ec2.DescribeInstanceTypesInput, _ ...func(*ec2.Options)) (*ec2.DescribeInstanceTypesOutput, error) {
	out := &ec2.DescribeInstanceTypesOutput{}
	for name, n := range p.vcpus {
		if named(in.Filters, name) {
			out.InstanceTypes = append(out.InstanceTypes, types.InstanceTypeInfo{InstanceType: types.InstanceType(name), VCpuInfo: &types.VCpuInfo{DefaultVCpus: &n}})
		}
	}
	slices.SortFunc(out.InstanceTypes, func(a, b types.InstanceTypeInfo) int {
		return strings.Compare(string(a.InstanceType), string(b.InstanceType))
	})
	return out, p.fail("EC2", "DescribeInstanceTypes")
}

func (p *played) DescribeInstanceTypeOfferings(_ context.Context, in *ec2.DescribeInstanceTypeOfferingsInput, _ ...func(*ec2.Options)) (*ec2.DescribeInstanceTypeOfferingsOutput, error) {
	out := &ec2.DescribeInstanceTypeOfferingsOutput{}
	for name, zones := range p.offers {
		for _, z := range zones {
			if named(in.Filters, name) && in.LocationType == types.LocationTypeAvailabilityZone {
				out.InstanceTypeOfferings = append(out.InstanceTypeOfferings, types.InstanceTypeOffering{InstanceType: types.InstanceType(name), Location: &z})
			}
		}
	}
	return out, p.fail("EC2", "DescribeInstanceTypeOfferings")
}

func (p *played) GetServiceQuota(_ context.Context, in *servicequotas.GetServiceQuotaInput, _ ...func(*servicequotas.Options)) (*servicequotas.GetServiceQuotaOutput, error) {
	value, known := p.quotas[*in.ServiceCode+"/"+*in.QuotaCode]
	if !known {
		return nil, refusal("Service Quotas", "GetServiceQuota", "NoSuchResourceException", "no such quota")
	}
	return &servicequotas.GetServiceQuotaOutput{Quota: &quotatypes.ServiceQuota{Value: &value}}, p.fail("Service Quotas", "GetServiceQuota")
}

func (p *played) DescribeClusterVersions(_ context.Context, in *eks.DescribeClusterVersionsInput, _ ...func(*eks.Options)) (*eks.DescribeClusterVersionsOutput, error) {
	if !aws.ToBool(in.IncludeAll) {
		return nil, errors.New("versions that are over were not asked for")
	}
	return &eks.DescribeClusterVersionsOutput{ClusterVersions: p.versions}, p.fail("EKS", "DescribeClusterVersions")
}

func (p *played) DescribeCluster(_ context.Context, in *eks.DescribeClusterInput, _ ...func(*eks.Options)) (*eks.DescribeClusterOutput, error) {
	if err := p.fail("EKS", "DescribeCluster"); err != nil {
		return nil, err
	}
	c, known := p.clusters[*in.Name]
	if !known {
		return nil, refusal("EKS", "DescribeCluster", "ResourceNotFoundException", "No cluster found for name: "+*in.Name)
	}
	return &eks.DescribeClusterOutput{Cluster: c}, nil
}

func (p *played) DescribeLogGroups(_ context.Context, in *cloudwatchlogs.DescribeLogGroupsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	out := &cloudwatchlogs.DescribeLogGroupsOutput{}
	for _, g := range p.groups {
		if strings.HasPrefix(g, *in.LogGroupNamePrefix) {
			out.LogGroups = append(out.LogGroups, logtypes.LogGroup{LogGroupName: &g})
		}
	}
	return out, p.fail("CloudWatch Logs", "DescribeLogGroups")
}

func (p *played) GetRole(_ context.Context, in *iam.GetRoleInput, _ ...func(*iam.Options)) (*iam.GetRoleOutput, error) {
	if err := p.fail("IAM", "GetRole"); err != nil {
		return nil, err
	}
	r, known := p.roles[*in.RoleName]
	if !known {
		return nil, refusal("IAM", "GetRole", "NoSuchEntity", "The role cannot be found")
	}
	return &iam.GetRoleOutput{Role: r}, nil
}

func (p *played) GetUser(_ context.Context, in *iam.GetUserInput, _ ...func(*iam.Options)) (*iam.GetUserOutput, error) {
	if err := p.fail("IAM", "GetUser"); err != nil {
		return nil, err
	}
	arn, known := p.users[*in.UserName]
	if !known {
		return nil, refusal("IAM", "GetUser", "NoSuchEntity", "The user cannot be found")
	}
	return &iam.GetUserOutput{User: &iamtypes.User{Arn: &arn}}, nil
}

func (p *played) GetPolicy(_ context.Context, in *iam.GetPolicyInput, _ ...func(*iam.Options)) (*iam.GetPolicyOutput, error) {
	if !slices.Contains(p.policies, *in.PolicyArn) {
		return nil, refusal("IAM", "GetPolicy", "NoSuchEntity", "Policy not found")
	}
	return &iam.GetPolicyOutput{}, p.fail("IAM", "GetPolicy")
}

func (p *played) DescribeKey(context.Context, *kms.DescribeKeyInput, ...func(*kms.Options)) (*kms.DescribeKeyOutput, error) {
	if p.key == nil {
		return nil, refusal("KMS", "DescribeKey", "NotFoundException", "Key does not exist")
	}
	return &kms.DescribeKeyOutput{KeyMetadata: p.key}, p.fail("KMS", "DescribeKey")
}

func (p *played) GetKeyPolicy(context.Context, *kms.GetKeyPolicyInput, ...func(*kms.Options)) (*kms.GetKeyPolicyOutput, error) {
	return &kms.GetKeyPolicyOutput{Policy: &p.policy}, p.fail("KMS", "GetKeyPolicy")
}

func (p *played) ListGrants(context.Context, *kms.ListGrantsInput, ...func(*kms.Options)) (*kms.ListGrantsOutput, error) {
	return &kms.ListGrantsOutput{Grants: p.grants}, p.fail("KMS", "ListGrants")
}

// hasBucket tells whether objects has one of the bucket's.
func (p *played) hasBucket(bucket string) bool {
	for place := range p.objects {
		if strings.HasPrefix(place, bucket+"/") {
			return true
		}
	}
	return false
}

func (p *played) HeadObject(_ context.Context, in *s3.HeadObjectInput, _ ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	if p.elsewhere != "" {
		response := &smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusMovedPermanently, Header: http.Header{"X-Amz-Bucket-Region": {p.elsewhere}}}}
		return nil, &smithy.OperationError{ServiceID: "S3", OperationName: "HeadObject", Err: &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
			Response: response, Err: &smithy.GenericAPIError{Code: "MovedPermanently"},
		}}}
	}
	mark, there := p.objects[*in.Bucket+"/"+*in.Key]
	switch {
	case there && mark == "":
		return &s3.HeadObjectOutput{}, nil
	case !p.hasBucket(*in.Bucket):
		return nil, refusal("S3", "HeadObject", "NotFound", "")
	}
	return nil, refusal("S3", "HeadObject", "Forbidden", "")
}

func (p *played) ListObjectsV2(_ context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	if err := p.fail("S3", "ListObjectsV2"); err != nil {
		return nil, err
	}
	if !p.hasBucket(*in.Bucket) {
		return nil, refusal("S3", "ListObjectsV2", "NoSuchBucket", "The specified bucket does not exist")
	}
	out := &s3.ListObjectsV2Output{}
	for place := range p.objects {
		if strings.HasPrefix(place, *in.Bucket+"/"+*in.Prefix) {
			out.Contents = append(out.Contents, s3types.Object{Key: in.Prefix})
		}
	}
	return out, nil
}
