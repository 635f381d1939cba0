package rehearsal

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6data/aws-quickstart/internal/loadbalancer"
	"github.com/e6data/aws-quickstart/rehearsal/charts"
)

// installControllers installs the controllers that the customer has. The load
// balancer controller comes last: until its pods are ready, its webhook lets
// nobody make a Service.
func (m *MadeCluster) installControllers(ctx context.Context) error {
	if m.described.Karpenter {
		if err := m.prepareKarpenter(ctx); err != nil {
			return err
		}
		if err := m.installKarpenter(ctx); err != nil {
			return err
		}
	}
	if !m.described.LoadBalancerController {
		return nil
	}
	role, err := m.prepareBalancer(ctx)
	if err != nil {
		return err
	}
	return m.installBalancer(ctx, role)
}

// prepareBalancer makes the load balancer controller's role, with upstream's
// whole policy, and tags the subnets for it.
func (m *MadeCluster) prepareBalancer(ctx context.Context) (string, error) {
	role, err := m.makeRole(ctx, "load-balancers", m.webTrust(metav1.NamespaceSystem, charts.LoadBalancerController), nil)
	if err != nil {
		return "", err
	}
	if err := m.attach(ctx, role, "LoadBalancers", loadbalancer.Upstream(), map[string]string{}); err != nil {
		return "", err
	}
	for tag, subnets := range map[string][]string{"kubernetes.io/role/elb": m.subnets(true), "kubernetes.io/role/internal-elb": m.subnets(false)} {
		if len(subnets) == 0 {
			continue
		}
		_, err := m.clients.EC2.CreateTags(ctx, &ec2.CreateTagsInput{Resources: subnets, Tags: []ec2types.Tag{{Key: aws.String(tag), Value: aws.String("1")}}})
		if err != nil {
			return "", fmt.Errorf("tag subnets: %w", err)
		}
	}
	return role, nil
}

// installBalancer installs the controller with all settings left alone.
func (m *MadeCluster) installBalancer(ctx context.Context, role string) error {
	c, err := m.published(charts.LoadBalancerController)
	if err != nil {
		return err
	}
	return m.install(ctx, metav1.NamespaceSystem, charts.LoadBalancerController, c, map[string]any{
		"clusterName": m.Name, "region": m.env.Region, "vpcId": m.VPC.ID,
		"serviceAccount": map[string]any{"name": charts.LoadBalancerController, "annotations": map[string]any{"eks.amazonaws.com/role-arn": role}},
	})
}

// awaitAvailable waits until all pods of a Deployment are available.
func (m *MadeCluster) awaitAvailable(ctx context.Context, namespace, name string) error {
	return m.await(ctx, "the pods of "+namespace+"/"+name+" are available", func(ctx context.Context) error {
		d, err := m.kube.AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		return isAvailable(d)
	})
}

func isAvailable(d *appsv1.Deployment) error {
	want := aws.ToInt32(d.Spec.Replicas)
	if d.Status.ObservedGeneration < d.Generation || d.Status.AvailableReplicas < want || d.Status.UpdatedReplicas < want {
		return fmt.Errorf("%d of %d are", d.Status.AvailableReplicas, want)
	}
	return nil
}

// installShop installs the customer's workload and waits until its pod runs and
// its Ingress has a load balancer. Without nodes the pod waits.
func (m *MadeCluster) installShop(ctx context.Context) error {
	c, err := shop()
	if err != nil {
		return err
	}
	values := map[string]any{"ingress": m.described.LoadBalancerController}
	if m.described.Karpenter {
		values["nodePool"] = poolName
	}
	if err := m.install(ctx, shopNamespace, shopNamespace, c, values); err != nil {
		return err
	}
	if len(m.nodeAddons()) == 0 {
		return nil
	}
	if err := m.awaitAvailable(ctx, shopNamespace, shopNamespace); err != nil {
		return err
	}
	if m.described.Karpenter {
		if err := m.awaitTagged(ctx); err != nil {
			return err
		}
	}
	if !m.described.LoadBalancerController {
		return nil
	}
	return m.await(ctx, "the shop has a load balancer", func(ctx context.Context) error {
		i, err := m.kube.NetworkingV1().Ingresses(shopNamespace).Get(ctx, shopNamespace, metav1.GetOptions{})
		if err == nil && len(i.Status.LoadBalancer.Ingress) == 0 {
			err = errors.New("its Ingress has no host name")
		}
		return err
	})
}
