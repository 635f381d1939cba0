package rehearsal

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func listStacks(ctx context.Context, c *Clients) (ids []string, err error) {
	p := cloudformation.NewListStacksPaginator(c.CloudFormation, &cloudformation.ListStacksInput{})
	err = pages(ctx, p.HasMorePages, p.NextPage, func(o *cloudformation.ListStacksOutput) {
		for _, s := range o.StackSummaries {
			if s.StackStatus != cfntypes.StackStatusDeleteComplete {
				ids = append(ids, aws.ToString(s.StackName))
			}
		}
	})
	return ids, err
}

func listClusters(ctx context.Context, c *Clients) (ids []string, err error) {
	p := eks.NewListClustersPaginator(c.EKS, &eks.ListClustersInput{})
	err = pages(ctx, p.HasMorePages, p.NextPage, func(o *eks.ListClustersOutput) { ids = append(ids, o.Clusters...) })
	return ids, err
}

// perCluster lists the children of every cluster, as CLUSTER/CHILD.
func perCluster(ctx context.Context, c *Clients, children func(cluster string) ([]string, error)) (ids []string, err error) {
	clusters, err := listClusters(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, cluster := range clusters {
		list, err := children(cluster)
		if err != nil {
			return nil, fmt.Errorf("of cluster %s: %w", cluster, err)
		}
		for _, child := range list {
			ids = append(ids, cluster+"/"+child)
		}
	}
	return ids, nil
}

func listNodegroups(ctx context.Context, c *Clients) ([]string, error) {
	return perCluster(ctx, c, func(cluster string) (ids []string, err error) {
		p := eks.NewListNodegroupsPaginator(c.EKS, &eks.ListNodegroupsInput{ClusterName: &cluster})
		err = pages(ctx, p.HasMorePages, p.NextPage, func(o *eks.ListNodegroupsOutput) { ids = append(ids, o.Nodegroups...) })
		return ids, err
	})
}

func listAddons(ctx context.Context, c *Clients) ([]string, error) {
	return perCluster(ctx, c, func(cluster string) (ids []string, err error) {
		p := eks.NewListAddonsPaginator(c.EKS, &eks.ListAddonsInput{ClusterName: &cluster})
		err = pages(ctx, p.HasMorePages, p.NextPage, func(o *eks.ListAddonsOutput) { ids = append(ids, o.Addons...) })
		return ids, err
	})
}

func listAccessEntries(ctx context.Context, c *Clients) ([]string, error) {
	return perCluster(ctx, c, func(cluster string) ([]string, error) { return accessEntries(ctx, c.EKS, cluster) })
}

// accessEntries are the principals with an access entry. A cluster in the mode
// CONFIG_MAP has none, and EKS refuses to be asked for them.
func accessEntries(ctx context.Context, api *eks.Client, cluster string) (principals []string, err error) {
	p := eks.NewListAccessEntriesPaginator(api, &eks.ListAccessEntriesInput{ClusterName: &cluster})
	err = pages(ctx, p.HasMorePages, p.NextPage, func(o *eks.ListAccessEntriesOutput) { principals = append(principals, o.AccessEntries...) })
	if isCode(err, "InvalidRequestException") {
		return nil, nil
	}
	return principals, err
}

// listRoles leaves out services' own roles: the first use of a service makes
// them, and they serve everybody in the account from then on.
func listRoles(ctx context.Context, c *Clients) (ids []string, err error) {
	p := iam.NewListRolesPaginator(c.IAM, &iam.ListRolesInput{})
	err = pages(ctx, p.HasMorePages, p.NextPage, func(o *iam.ListRolesOutput) {
		own := slices.DeleteFunc(o.Roles, func(r iamtypes.Role) bool { return strings.HasPrefix(aws.ToString(r.Path), "/aws-service-role/") })
		ids = append(ids, names(own, func(r iamtypes.Role) string { return aws.ToString(r.RoleName) })...)
	})
	return ids, err
}

func listInlinePolicies(ctx context.Context, c *Clients) (ids []string, err error) {
	roles, err := listRoles(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, role := range roles {
		p := iam.NewListRolePoliciesPaginator(c.IAM, &iam.ListRolePoliciesInput{RoleName: &role})
		err := pages(ctx, p.HasMorePages, p.NextPage, func(o *iam.ListRolePoliciesOutput) {
			for _, name := range o.PolicyNames {
				ids = append(ids, role+"/"+name)
			}
		})
		if err != nil {
			return nil, fmt.Errorf("of role %s: %w", role, err)
		}
	}
	return ids, nil
}

func listManagedPolicies(ctx context.Context, c *Clients) (ids []string, err error) {
	p := iam.NewListPoliciesPaginator(c.IAM, &iam.ListPoliciesInput{Scope: iamtypes.PolicyScopeTypeLocal})
	err = pages(ctx, p.HasMorePages, p.NextPage, func(o *iam.ListPoliciesOutput) {
		ids = append(ids, names(o.Policies, func(r iamtypes.Policy) string { return aws.ToString(r.Arn) })...)
	})
	return ids, err
}

func listInstanceProfiles(ctx context.Context, c *Clients) (ids []string, err error) {
	p := iam.NewListInstanceProfilesPaginator(c.IAM, &iam.ListInstanceProfilesInput{})
	err = pages(ctx, p.HasMorePages, p.NextPage, func(o *iam.ListInstanceProfilesOutput) {
		ids = append(ids, names(o.InstanceProfiles, func(r iamtypes.InstanceProfile) string { return aws.ToString(r.InstanceProfileName) })...)
	})
	return ids, err
}

func listOIDCProviders(ctx context.Context, c *Clients) ([]string, error) {
	o, err := c.IAM.ListOpenIDConnectProviders(ctx, &iam.ListOpenIDConnectProvidersInput{})
	if err != nil {
		return nil, err
	}
	return names(o.OpenIDConnectProviderList, func(p iamtypes.OpenIDConnectProviderListEntry) string { return aws.ToString(p.Arn) }), nil
}

func listFunctions(ctx context.Context, c *Clients) (ids []string, err error) {
	p := lambda.NewListFunctionsPaginator(c.Lambda, &lambda.ListFunctionsInput{})
	err = pages(ctx, p.HasMorePages, p.NextPage, func(o *lambda.ListFunctionsOutput) {
		for _, f := range o.Functions {
			ids = append(ids, aws.ToString(f.FunctionName))
		}
	})
	return ids, err
}

func listEventInvokeConfigs(ctx context.Context, c *Clients) (ids []string, err error) {
	functions, err := listFunctions(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, name := range functions {
		p := lambda.NewListFunctionEventInvokeConfigsPaginator(c.Lambda, &lambda.ListFunctionEventInvokeConfigsInput{FunctionName: &name})
		err := pages(ctx, p.HasMorePages, p.NextPage, func(o *lambda.ListFunctionEventInvokeConfigsOutput) {
			for _, f := range o.FunctionEventInvokeConfigs {
				ids = append(ids, aws.ToString(f.FunctionArn))
			}
		})
		if err != nil {
			return nil, fmt.Errorf("of function %s: %w", name, err)
		}
	}
	return ids, nil
}

func listFunctionPolicies(ctx context.Context, c *Clients) (ids []string, err error) {
	functions, err := listFunctions(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, name := range functions {
		_, err := c.Lambda.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: &name})
		if isCode(err, "ResourceNotFoundException") {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("of function %s: %w", name, err)
		}
		ids = append(ids, name)
	}
	return ids, nil
}

func listLogGroups(ctx context.Context, c *Clients) (ids []string, err error) {
	p := cloudwatchlogs.NewDescribeLogGroupsPaginator(c.Logs, &cloudwatchlogs.DescribeLogGroupsInput{})
	err = pages(ctx, p.HasMorePages, p.NextPage, func(o *cloudwatchlogs.DescribeLogGroupsOutput) {
		for _, g := range o.LogGroups {
			ids = append(ids, aws.ToString(g.LogGroupName))
		}
	})
	return ids, err
}

func listBuckets(ctx context.Context, c *Clients) (ids []string, err error) {
	p := s3.NewListBucketsPaginator(c.S3, &s3.ListBucketsInput{})
	err = pages(ctx, p.HasMorePages, p.NextPage, func(o *s3.ListBucketsOutput) {
		for _, b := range o.Buckets {
			ids = append(ids, aws.ToString(b.Name))
		}
	})
	return ids, err
}

func listBucketPolicies(ctx context.Context, c *Clients) (ids []string, err error) {
	buckets, err := listBuckets(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, name := range buckets {
		_, err := c.S3.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &name})
		if isCode(err, "NoSuchBucketPolicy") || isCode(err, "PermanentRedirect") { // in another region, where no stack makes anything
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("of bucket %s: %w", name, err)
		}
		ids = append(ids, name)
	}
	return ids, nil
}
