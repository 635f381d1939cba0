package diagnose

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"github.com/e6data/aws-quickstart/internal/awserror"
)

// mostEntries bounds what is read of a customer's own cluster.
const mostEntries = 100

// readCluster reads what EKS says of the cluster.
func (c *collector) readCluster(ctx context.Context) {
	name := c.cluster()
	if name == "" {
		return
	}
	out, err := c.clusters.DescribeCluster(ctx, &eks.DescribeClusterInput{Name: &name})
	if awserror.HasCode(err, "ResourceNotFoundException") {
		c.absent("the cluster", "EKS has no cluster "+name+" in "+c.facts.Asked.Region, "")
		return
	}
	if c.gap("the cluster "+name, err) {
		return
	}
	k := clusterOf(out.Cluster)
	c.readAddons(ctx, k)
	c.readEntries(ctx, k)
	c.facts.Cluster = k
}

func clusterOf(k *types.Cluster) *Cluster {
	out := &Cluster{Name: deref(k.Name), Arn: deref(k.Arn), Status: string(k.Status), Version: deref(k.Version), PlatformVersion: deref(k.PlatformVersion)}
	if k.AccessConfig != nil {
		out.AuthenticationMode = string(k.AccessConfig.AuthenticationMode)
	}
	if k.UpgradePolicy != nil {
		out.UpgradePolicy = string(k.UpgradePolicy.SupportType)
	}
	if v := k.ResourcesVpcConfig; v != nil {
		out.VpcID, out.PublicAccess, out.PrivateAccess = deref(v.VpcId), v.EndpointPublicAccess, v.EndpointPrivateAccess
		out.PublicAccessCidrs, out.Subnets = v.PublicAccessCidrs, v.SubnetIds
		out.SecurityGroups = append([]string{deref(v.ClusterSecurityGroupId)}, v.SecurityGroupIds...)
	}
	if k.Logging != nil {
		for _, l := range k.Logging.ClusterLogging {
			if deref(l.Enabled) {
				for _, t := range l.Types {
					out.LogTypes = append(out.LogTypes, string(t))
				}
			}
		}
	}
	if k.Health != nil {
		for _, i := range k.Health.Issues {
			out.Health = append(out.Health, Issue{Code: string(i.Code), Message: deref(i.Message), Resources: i.ResourceIds})
		}
	}
	return out
}

func (c *collector) readAddons(ctx context.Context, k *Cluster) {
	pages := eks.NewListAddonsPaginator(c.clusters, &eks.ListAddonsInput{ClusterName: &k.Name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if c.gap("the add-ons of "+k.Name, err) {
			return
		}
		for _, name := range page.Addons {
			out, err := c.clusters.DescribeAddon(ctx, &eks.DescribeAddonInput{ClusterName: &k.Name, AddonName: &name})
			if c.gap("the add-on of "+k.Name+", "+name, err) {
				continue
			}
			a := Addon{Name: name, Version: deref(out.Addon.AddonVersion), Status: string(out.Addon.Status)}
			if out.Addon.Health != nil {
				for _, i := range out.Addon.Health.Issues {
					a.Health = append(a.Health, Issue{Code: string(i.Code), Message: deref(i.Message), Resources: i.ResourceIds})
				}
			}
			k.Addons = append(k.Addons, a)
		}
	}
}

func (c *collector) readEntries(ctx context.Context, k *Cluster) {
	if k.AuthenticationMode == string(types.AuthenticationModeConfigMap) {
		return // it has none
	}
	pages := eks.NewListAccessEntriesPaginator(c.clusters, &eks.ListAccessEntriesInput{ClusterName: &k.Name})
	for pages.HasMorePages() && len(k.Entries) < mostEntries {
		page, err := pages.NextPage(ctx)
		if c.gap("the access entries of "+k.Name, err) {
			return
		}
		for _, principal := range page.AccessEntries[:min(len(page.AccessEntries), mostEntries-len(k.Entries))] {
			k.Entries = append(k.Entries, c.readEntry(ctx, k.Name, principal))
		}
	}
}

func (c *collector) readEntry(ctx context.Context, cluster, principal string) AccessEntry {
	e := AccessEntry{Principal: principal}
	out, err := c.clusters.DescribeAccessEntry(ctx, &eks.DescribeAccessEntryInput{ClusterName: &cluster, PrincipalArn: &principal})
	if !c.gap("an access entry of "+cluster, err) {
		e.Type, e.User, e.Groups = deref(out.AccessEntry.Type), deref(out.AccessEntry.Username), out.AccessEntry.KubernetesGroups
	}
	policies, err := c.clusters.ListAssociatedAccessPolicies(ctx, &eks.ListAssociatedAccessPoliciesInput{ClusterName: &cluster, PrincipalArn: &principal})
	if c.gap("the access policies of "+cluster, err) {
		return e
	}
	for _, p := range policies.AssociatedAccessPolicies {
		scope := ""
		if p.AccessScope != nil {
			scope = " " + string(p.AccessScope.Type)
			for _, n := range slices.Sorted(slices.Values(p.AccessScope.Namespaces)) {
				scope += " " + n
			}
		}
		e.Policies = append(e.Policies, deref(p.PolicyArn)+scope)
	}
	return e
}

// readQuotas reads those that Preflight looks at first.
func (c *collector) readQuotas(ctx context.Context) {
	for _, q := range quotas {
		out, err := c.quotas.GetServiceQuota(ctx, &servicequotas.GetServiceQuotaInput{ServiceCode: &q.Service, QuotaCode: &q.Code})
		if !c.gap("the quotas of the account, "+q.Name, err) && out.Quota != nil {
			c.facts.Quotas = append(c.facts.Quotas, Quota{Service: q.Service, Code: q.Code, Name: q.Name, Applied: deref(out.Quota.Value)})
		}
	}
}
