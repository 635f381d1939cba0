package main

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"github.com/e6data/aws-quickstart/internal/preflight"
)

// readCompute looks at quotas, at the instances that count against them, and at
// the instance types that there are.
func (a account) readCompute(ctx context.Context, l *looks, asked preflight.Topics) {
	names := preflight.TypesAsked(l.before)
	if asked.Instances {
		look(l, "", func() (map[string]int, error) { return a.compute.vcpus(ctx) }, func(f *preflight.Facts, n map[string]int) { f.VCPUs = n })
		for _, q := range preflight.QuotasAsked(l.before) {
			look(l, q.Service+"/"+q.Code, func() (int, error) { return a.quotas.value(ctx, q) }, func(f *preflight.Facts, n int) {
				if f.Quotas == nil {
					f.Quotas = map[string]int{}
				}
				f.Quotas[q.Code] = n
			})
		}
	}
	if asked.Types {
		look(l, strings.Join(names, ","), func() ([]preflight.InstanceType, error) { return a.compute.types(ctx, names) },
			func(f *preflight.Facts, t []preflight.InstanceType) { f.Types = t })
	}
}

// instanceReader is the part of the EC2 API that knows instances and types.
type instanceReader interface {
	DescribeInstances(context.Context, *ec2.DescribeInstancesInput, ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error)
	DescribeInstanceTypes(context.Context, *ec2.DescribeInstanceTypesInput, ...func(*ec2.Options)) (*ec2.DescribeInstanceTypesOutput, error)
	DescribeInstanceTypeOfferings(context.Context, *ec2.DescribeInstanceTypeOfferingsInput, ...func(*ec2.Options)) (*ec2.DescribeInstanceTypeOfferingsOutput, error)
}

type compute struct{ ec2 instanceReader }

// vcpus counts those of running instances by the quota that they count against.
func (c compute) vcpus(ctx context.Context) (map[string]int, error) {
	pages := ec2.NewDescribeInstancesPaginator(c.ec2, &ec2.DescribeInstancesInput{
		Filters: []types.Filter{filter("instance-state-name", "pending", "running")},
	})
	n := map[string]int{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range page.Reservations {
			for _, i := range r.Instances {
				count(n, i)
			}
		}
	}
	return n, nil
}

func count(n map[string]int, i types.Instance) {
	bought := i.InstanceLifecycle
	onHost := i.Placement != nil && i.Placement.Tenancy == types.TenancyHost
	if i.CpuOptions == nil || onHost || bought != "" && bought != types.InstanceLifecycleTypeSpot {
		return // other quotas
	}
	if q, known := preflight.QuotaOf(string(i.InstanceType), bought == types.InstanceLifecycleTypeSpot); known {
		n[q.Code] += int(aws.ToInt32(i.CpuOptions.CoreCount) * aws.ToInt32(i.CpuOptions.ThreadsPerCore))
	}
}

// types are the types of these names that the region has, with their zones.
func (c compute) types(ctx context.Context, names []string) ([]preflight.InstanceType, error) {
	offered := ec2.NewDescribeInstanceTypeOfferingsPaginator(c.ec2, &ec2.DescribeInstanceTypeOfferingsInput{
		LocationType: types.LocationTypeAvailabilityZone, Filters: []types.Filter{filter("instance-type", names...)},
	})
	offers, err := all(ctx, offered.HasMorePages, offered.NextPage, func(o *ec2.DescribeInstanceTypeOfferingsOutput) []types.InstanceTypeOffering {
		return o.InstanceTypeOfferings
	})
	if err != nil {
		return nil, err
	}
	zones := map[string][]string{}
	for _, o := range offers {
		zones[string(o.InstanceType)] = append(zones[string(o.InstanceType)], aws.ToString(o.Location))
	}
	described := ec2.NewDescribeInstanceTypesPaginator(c.ec2, &ec2.DescribeInstanceTypesInput{Filters: []types.Filter{filter("instance-type", names...)}})
	infos, err := all(ctx, described.HasMorePages, described.NextPage, func(o *ec2.DescribeInstanceTypesOutput) []types.InstanceTypeInfo { return o.InstanceTypes })
	if err != nil {
		return nil, err
	}
	found := []preflight.InstanceType{}
	for _, t := range infos {
		name := string(t.InstanceType)
		slices.Sort(zones[name])
		found = append(found, preflight.InstanceType{Name: name, VCPUs: vcpusOf(t), Zones: zones[name]})
	}
	return found, nil
}

func vcpusOf(t types.InstanceTypeInfo) int {
	if t.VCpuInfo == nil {
		return 0
	}
	return int(aws.ToInt32(t.VCpuInfo.DefaultVCpus))
}

// quotaReader is the part of the Service Quotas API that tells one.
type quotaReader interface {
	GetServiceQuota(context.Context, *servicequotas.GetServiceQuotaInput, ...func(*servicequotas.Options)) (*servicequotas.GetServiceQuotaOutput, error)
}

type quotas struct{ api quotaReader }

func (q quotas) value(ctx context.Context, wanted preflight.Quota) (int, error) {
	out, err := q.api.GetServiceQuota(ctx, &servicequotas.GetServiceQuotaInput{ServiceCode: &wanted.Service, QuotaCode: &wanted.Code})
	if err != nil {
		return 0, err
	}
	return int(aws.ToFloat64(out.Quota.Value)), nil
}
