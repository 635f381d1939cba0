package rehearsal

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
)

// addEKS adds what EKS knows of a cluster: its settings and tags, its node
// groups, add-ons and pod identities, and who has access.
func (p Picture) addEKS(ctx context.Context, api *eks.Client, cluster string) error {
	o, err := api.DescribeCluster(ctx, &eks.DescribeClusterInput{Name: &cluster})
	if err != nil {
		return fmt.Errorf("look at cluster %s: %w", cluster, err)
	}
	c := *o.Cluster
	access := *c.AccessConfig
	if err := p.add("authentication mode", cluster, access.AuthenticationMode); err != nil {
		return err
	}
	access.AuthenticationMode = "" // it is a thing of its own
	c.AccessConfig = &access
	if err := p.add("cluster", cluster, c); err != nil {
		return err
	}
	for _, part := range []struct {
		what string
		read func(context.Context, *eks.Client, string) error
	}{
		{"node groups", p.addNodegroups},
		{"add-ons", p.addAddons},
		{"pod identities", p.addPodIdentities},
		{"access entries", p.addEntries},
	} {
		if err := part.read(ctx, api, cluster); err != nil {
			return fmt.Errorf("look at the %s of cluster %s: %w", part.what, cluster, err)
		}
	}
	return nil
}

func (p Picture) addNodegroups(ctx context.Context, api *eks.Client, cluster string) error {
	list, err := api.ListNodegroups(ctx, &eks.ListNodegroupsInput{ClusterName: &cluster})
	if err != nil {
		return err
	}
	for _, name := range list.Nodegroups {
		o, err := api.DescribeNodegroup(ctx, &eks.DescribeNodegroupInput{ClusterName: &cluster, NodegroupName: &name})
		if err != nil {
			return err
		}
		o.Nodegroup.ModifiedAt = nil
		if err := p.add("node group", cluster+"/"+name, o.Nodegroup); err != nil {
			return err
		}
	}
	return nil
}

func (p Picture) addAddons(ctx context.Context, api *eks.Client, cluster string) error {
	list, err := api.ListAddons(ctx, &eks.ListAddonsInput{ClusterName: &cluster})
	if err != nil {
		return err
	}
	for _, name := range list.Addons {
		o, err := api.DescribeAddon(ctx, &eks.DescribeAddonInput{ClusterName: &cluster, AddonName: &name})
		if err != nil {
			return err
		}
		o.Addon.ModifiedAt = nil
		if err := p.add("add-on", cluster+"/"+name, o.Addon); err != nil {
			return err
		}
	}
	return nil
}

func (p Picture) addPodIdentities(ctx context.Context, api *eks.Client, cluster string) error {
	list, err := api.ListPodIdentityAssociations(ctx, &eks.ListPodIdentityAssociationsInput{ClusterName: &cluster})
	if err != nil {
		return err
	}
	for _, a := range list.Associations {
		if err := p.add("pod identity", aws.ToString(a.AssociationId), a); err != nil {
			return err
		}
	}
	return nil
}

// addEntries adds access entries and the policies of each.
func (p Picture) addEntries(ctx context.Context, api *eks.Client, cluster string) error {
	principals, err := accessEntries(ctx, api, cluster)
	if err != nil {
		return err
	}
	for _, principal := range principals {
		o, err := api.DescribeAccessEntry(ctx, &eks.DescribeAccessEntryInput{ClusterName: &cluster, PrincipalArn: &principal})
		if err != nil {
			return err
		}
		o.AccessEntry.ModifiedAt = nil // also of one that was changed and changed back
		if err := p.add("access entry", principal, o.AccessEntry); err != nil {
			return err
		}
		policies, err := api.ListAssociatedAccessPolicies(ctx, &eks.ListAssociatedAccessPoliciesInput{ClusterName: &cluster, PrincipalArn: &principal})
		if err != nil {
			return err
		}
		for _, a := range policies.AssociatedAccessPolicies {
			if err := p.add("access policy", principal+" "+aws.ToString(a.PolicyArn), a.AccessScope); err != nil {
				return err
			}
		}
	}
	return nil
}
