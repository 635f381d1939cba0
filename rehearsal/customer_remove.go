package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Remove removes the cluster, all that runs on it and all that MakeCluster made
// for it. It fails if anything else is in the VPC or uses the roles.
func (m *MadeCluster) Remove(ctx context.Context) error {
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"workload", m.removeShop},
		{"node pool", m.removeNodePool},
		{"node groups", m.removeNodes},
		{"cluster", m.removeCluster},
		{"interruption queue", m.removeQueue},
		{"roles", m.removeRoles},
		{"log groups", m.removeLogs},
		{"VPC", m.VPC.Remove},
	} {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("remove the customer's cluster %s: %s: %w", m.Name, step.what, err)
		}
	}
	return nil
}

// removeShop deletes the shop's namespace, and waits for its load balancer.
func (m *MadeCluster) removeShop(ctx context.Context) error {
	if err := m.kube.CoreV1().Namespaces().Delete(ctx, shopNamespace, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	return m.await(ctx, "the shop is gone", func(ctx context.Context) error {
		return isGone(m.kube.CoreV1().Namespaces().Get(ctx, shopNamespace, metav1.GetOptions{}))
	})
}

// removeNodePool deletes the NodePool, waits for its nodes and deletes the
// EC2NodeClass, whose instance profile goes with it.
func (m *MadeCluster) removeNodePool(ctx context.Context) error {
	if !m.described.Karpenter {
		return nil
	}
	if err := m.objects.Resource(nodePools).Delete(ctx, poolName, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	err := m.await(ctx, "the node pool's nodes end", func(ctx context.Context) error {
		claims, err := m.objects.Resource(nodeClaims).List(ctx, metav1.ListOptions{LabelSelector: "karpenter.sh/nodepool=" + poolName})
		if err == nil && len(claims.Items) > 0 {
			err = fmt.Errorf("%d are left", len(claims.Items))
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := m.objects.Resource(nodeClasses).Delete(ctx, poolName, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	return m.await(ctx, "the node class is gone", func(ctx context.Context) error {
		return isGone(m.objects.Resource(nodeClasses).Get(ctx, poolName, metav1.GetOptions{}))
	})
}

// isGone is an error unless an object was not found.
func isGone(_ any, err error) error {
	if err == nil {
		return errors.New("it is still there")
	}
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func (m *MadeCluster) removeNodes(ctx context.Context) error {
	for architecture := range m.described.Nodes {
		name := m.groupName(architecture)
		if _, err := m.clients.EKS.DeleteNodegroup(ctx, &eks.DeleteNodegroupInput{ClusterName: &m.Name, NodegroupName: &name}); err != nil {
			return err
		}
	}
	return m.await(ctx, "the node groups are gone", func(ctx context.Context) error {
		list, err := m.clients.EKS.ListNodegroups(ctx, &eks.ListNodegroupsInput{ClusterName: &m.Name})
		if err == nil && len(list.Nodegroups) > 0 {
			err = fmt.Errorf("%v are left", list.Nodegroups)
		}
		return err
	})
}

func (m *MadeCluster) removeCluster(ctx context.Context) error {
	if _, err := m.clients.EKS.DeleteCluster(ctx, &eks.DeleteClusterInput{Name: &m.Name}); err != nil {
		return err
	}
	err := m.await(ctx, "the cluster is gone", func(ctx context.Context) error {
		list, err := m.clients.EKS.ListClusters(ctx, &eks.ListClustersInput{})
		if err == nil && slices.Contains(list.Clusters, m.Name) {
			err = errors.New("it is still there")
		}
		return err
	})
	if err != nil || m.OIDCProvider == "" {
		return err
	}
	_, err = m.clients.IAM.DeleteOpenIDConnectProvider(ctx, &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: &m.OIDCProvider})
	return err
}

func (m *MadeCluster) removeQueue(ctx context.Context) error {
	if !m.described.Karpenter {
		return nil
	}
	for _, i := range interruptions {
		rule := aws.String(m.queueName() + "-" + i.name)
		if _, err := m.clients.Events.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: rule, Ids: []string{"karpenter"}}); err != nil {
			return err
		}
		if _, err := m.clients.Events.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: rule}); err != nil {
			return err
		}
	}
	url, err := m.clients.SQS.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(m.queueName())})
	if err != nil {
		return err
	}
	_, err = m.clients.SQS.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: url.QueueUrl})
	return err
}

func (m *MadeCluster) removeRoles(ctx context.Context) error {
	api := m.env.Clients().IAM // the creator's own role goes too
	for _, role := range m.roles {
		attached, err := api.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: &role})
		if err != nil {
			return fmt.Errorf("role %s: %w", role, err)
		}
		for _, a := range attached.AttachedPolicies {
			if _, err := api.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: &role, PolicyArn: a.PolicyArn}); err != nil {
				return fmt.Errorf("role %s: %w", role, err)
			}
		}
		if _, err := api.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &role}); err != nil {
			return fmt.Errorf("role %s: %w", role, err)
		}
	}
	for _, policy := range m.policies {
		if _, err := api.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: &policy}); err != nil {
			return err
		}
	}
	return nil
}

// removeLogs deletes the log groups that EKS and its add-ons made for the
// cluster.
func (m *MadeCluster) removeLogs(ctx context.Context) error {
	api := m.env.Clients().Logs
	groups, err := api.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String("/aws/eks/" + m.Name + "/")})
	if err != nil {
		return err
	}
	for _, g := range groups.LogGroups {
		if _, err := api.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: g.LogGroupName}); err != nil {
			return err
		}
	}
	return nil
}
