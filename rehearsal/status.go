package rehearsal

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
)

// Status is what runs in an environment.
type Status struct {
	Stacks   []StackStatus
	Clusters []ClusterStatus
}

// StackStatus is one stack that is not a nested one.
type StackStatus struct{ Name, Status, Reason string }

// ClusterStatus is one EKS cluster with its releases. The kubeconfig has all
// rights on it; there is none before the cluster answers.
type ClusterStatus struct {
	Name, Status, Kubeconfig string
	Releases                 []Release
}

// Status asks the environment what runs in it.
func (e *Environment) Status(ctx context.Context) (*Status, error) {
	c, s := e.Clients(), &Status{}
	var err error
	if s.Stacks, err = stackStatuses(ctx, c); err != nil {
		return nil, fmt.Errorf("list the stacks: %w", err)
	}
	names, err := listClusters(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("list the clusters: %w", err)
	}
	for _, name := range names {
		out, err := c.EKS.DescribeCluster(ctx, &eks.DescribeClusterInput{Name: &name})
		if err != nil {
			return nil, fmt.Errorf("describe cluster %s: %w", name, err)
		}
		k := ClusterStatus{Name: name, Status: string(out.Cluster.Status)}
		if file, err := e.Kubeconfig(name); err == nil {
			k.Kubeconfig = file
			if k.Releases, err = e.Releases(ctx, name); err != nil {
				return nil, err
			}
		}
		s.Clusters = append(s.Clusters, k)
	}
	return s, nil
}

// stackStatuses lists the stacks that are no other stack's resource.
func stackStatuses(ctx context.Context, c *Clients) (all []StackStatus, err error) {
	nested := map[string]bool{}
	ids := map[string]string{}
	p := cloudformation.NewDescribeStacksPaginator(c.CloudFormation, &cloudformation.DescribeStacksInput{})
	err = pages(ctx, p.HasMorePages, p.NextPage, func(o *cloudformation.DescribeStacksOutput) {
		for i := range o.Stacks {
			if k := &o.Stacks[i]; k.StackStatus != types.StackStatusDeleteComplete {
				all = append(all, StackStatus{aws.ToString(k.StackName), string(k.StackStatus), aws.ToString(k.StackStatusReason)})
				ids[aws.ToString(k.StackName)] = aws.ToString(k.StackId)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		p := cloudformation.NewListStackResourcesPaginator(c.CloudFormation, &cloudformation.ListStackResourcesInput{StackName: &id})
		err := pages(ctx, p.HasMorePages, p.NextPage, func(o *cloudformation.ListStackResourcesOutput) {
			for _, r := range o.StackResourceSummaries {
				nested[aws.ToString(r.PhysicalResourceId)] = aws.ToString(r.ResourceType) == stackType
			}
		})
		if err != nil && !isNoStack(err) { // a stack may go at any time
			return nil, err
		}
	}
	return slices.DeleteFunc(all, func(s StackStatus) bool { return nested[ids[s.Name]] }), nil
}

// Variables are the environment variables that lead AWS's and Kubernetes'
// tools to this environment and to nothing else. An empty value means that the
// variable must not be set.
func (e *Environment) Variables(kubeconfigs string) [][2]string {
	return [][2]string{
		{"AWS_ENDPOINT_URL", e.Endpoint},
		{"AWS_REGION", e.Region},
		{"AWS_DEFAULT_REGION", e.Region},
		{"AWS_ACCESS_KEY_ID", "test"},
		{"AWS_SECRET_ACCESS_KEY", "test"},
		{"AWS_SESSION_TOKEN", ""},
		{"AWS_PROFILE", ""},
		{"AWS_DEFAULT_PROFILE", ""},
		{"AWS_CONFIG_FILE", "/dev/null"},
		{"AWS_SHARED_CREDENTIALS_FILE", "/dev/null"},
		{"AWS_EC2_METADATA_DISABLED", "true"},
		{"AWS_CA_BUNDLE", e.file("tls.crt")},
		{"KUBECONFIG", kubeconfigs},
	}
}
