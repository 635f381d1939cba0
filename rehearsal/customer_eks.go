package rehearsal

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/e6data/aws-quickstart/internal/artifact"
	"github.com/e6data/aws-quickstart/rehearsal/charts"
)

const (
	customerVersion = "1.36"
	// patience is the longest wait for one thing of a customer's cluster: they
	// take seconds on an idle machine.
	patience = 5 * time.Minute
)

// images are the AMI type and the instance type of the nodes of an architecture.
var images = map[artifact.Architecture]struct {
	image ekstypes.AMITypes
	kind  string
}{
	artifact.ARM64: {ekstypes.AMITypesAl2023Arm64Standard, "m7g.xlarge"},
	artifact.X8664: {ekstypes.AMITypesAl2023X8664Standard, "m7i.xlarge"},
}

var customerTags = map[string]string{"owner": "customer"}

// makeCluster has the creator make the cluster, as EKS's API makes one when
// little is said: its creator is an administrator.
func (m *MadeCluster) makeCluster(ctx context.Context) error {
	_, err := m.clients.EKS.CreateCluster(ctx, &eks.CreateClusterInput{
		Name: &m.Name, Version: aws.String(customerVersion), RoleArn: aws.String("arn:aws:iam::" + m.account + ":role" + customerPath + m.Name + "-cluster"),
		ResourcesVpcConfig:         &ekstypes.VpcConfigRequest{SubnetIds: m.VPC.Subnets, EndpointPrivateAccess: aws.Bool(true), EndpointPublicAccess: aws.Bool(true)},
		AccessConfig:               &ekstypes.CreateAccessConfigRequest{AuthenticationMode: m.described.Mode},
		BootstrapSelfManagedAddons: aws.Bool(false), Tags: customerTags,
	})
	if err != nil {
		return err
	}
	return m.await(ctx, "the cluster is ACTIVE", func(ctx context.Context) error {
		o, err := m.clients.EKS.DescribeCluster(ctx, &eks.DescribeClusterInput{Name: &m.Name})
		if err != nil {
			return err
		}
		m.cluster = o.Cluster
		return isActive(o.Cluster.Status == ekstypes.ClusterStatusActive, o.Cluster.Status)
	})
}

// makeNodes makes the add-ons without which nodes are not Ready, and the node
// groups; EKS lets their role in.
func (m *MadeCluster) makeNodes(ctx context.Context) error {
	for _, name := range []string{"vpc-cni", "kube-proxy"} {
		if _, err := m.clients.EKS.CreateAddon(ctx, &eks.CreateAddonInput{ClusterName: &m.Name, AddonName: &name, Tags: customerTags}); err != nil {
			return fmt.Errorf("add-on %s: %w", name, err)
		}
	}
	for _, architecture := range slices.Sorted(maps.Keys(m.described.Nodes)) {
		of, size := images[architecture], m.described.Nodes[architecture]
		_, err := m.clients.EKS.CreateNodegroup(ctx, &eks.CreateNodegroupInput{
			ClusterName: &m.Name, NodegroupName: aws.String(m.groupName(architecture)), NodeRole: &m.Nodes, Subnets: m.PrivateSubnets(),
			AmiType: of.image, InstanceTypes: []string{of.kind}, Labels: map[string]string{"team": "platform"}, Tags: customerTags,
			ScalingConfig: &ekstypes.NodegroupScalingConfig{MinSize: aws.Int32(0), DesiredSize: &size, MaxSize: aws.Int32(max(size, 1))},
		})
		if err != nil {
			return fmt.Errorf("node group for %s: %w", architecture, err)
		}
	}
	return nil
}

func (m *MadeCluster) groupName(a artifact.Architecture) string {
	return map[artifact.Architecture]string{artifact.ARM64: "general-arm64", artifact.X8664: "general-x86-64"}[a]
}

func (m *MadeCluster) makeProvider(ctx context.Context) error {
	if m.described.NoOIDCProvider {
		return nil
	}
	made, err := m.clients.IAM.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{
		Url: m.cluster.Identity.Oidc.Issuer, ClientIDList: []string{"sts.amazonaws.com"}, Tags: iamTags(customerTags),
	})
	if err == nil {
		m.OIDCProvider = aws.ToString(made.OpenIDConnectProviderArn)
	}
	return err
}

// makeAddons makes the add-ons that run on nodes.
func (m *MadeCluster) makeAddons(ctx context.Context) error {
	for name := range m.nodeAddons() {
		in := &eks.CreateAddonInput{ClusterName: &m.Name, AddonName: &name, Tags: customerTags}
		if name == "aws-ebs-csi-driver" {
			role, err := m.makeRole(ctx, "ebs-csi", m.webTrust("kube-system", "ebs-csi-controller-sa"), []string{"service-role/AmazonEBSCSIDriverPolicy"})
			if err != nil {
				return err
			}
			in.ServiceAccountRoleArn = &role
		}
		if _, err := m.clients.EKS.CreateAddon(ctx, in); err != nil {
			return fmt.Errorf("add-on %s: %w", name, err)
		}
	}
	return nil
}

// awaitAll waits for the node groups, all add-ons and all controllers at once.
func (m *MadeCluster) awaitAll(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for architecture := range m.described.Nodes {
		group.Go(func() error { return m.awaitGroup(ctx, m.groupName(architecture)) })
	}
	list, err := m.clients.EKS.ListAddons(ctx, &eks.ListAddonsInput{ClusterName: &m.Name})
	if err != nil {
		return err
	}
	for _, name := range list.Addons {
		group.Go(func() error { return m.awaitAddon(ctx, name) })
	}
	if m.described.Karpenter {
		group.Go(func() error { return m.awaitNodePool(ctx) })
	}
	if m.described.LoadBalancerController {
		group.Go(func() error { return m.awaitAvailable(ctx, metav1.NamespaceSystem, charts.LoadBalancerController) })
	}
	return group.Wait()
}

// nodeAddons are the add-ons that are not well before there are nodes.
func (m *MadeCluster) nodeAddons() map[string]bool {
	addons := map[string]bool{}
	for _, size := range m.described.Nodes {
		if size > 0 {
			addons["coredns"] = true
		}
		if size > 0 && !m.described.NoOIDCProvider {
			addons["aws-ebs-csi-driver"] = true
		}
	}
	return addons
}

func (m *MadeCluster) awaitGroup(ctx context.Context, name string) error {
	return m.await(ctx, "node group "+name+" is ACTIVE", func(ctx context.Context) error {
		o, err := m.clients.EKS.DescribeNodegroup(ctx, &eks.DescribeNodegroupInput{ClusterName: &m.Name, NodegroupName: &name})
		if err != nil {
			return err
		}
		return isActive(o.Nodegroup.Status == ekstypes.NodegroupStatusActive, o.Nodegroup.Status)
	})
}

func (m *MadeCluster) awaitAddon(ctx context.Context, name string) error {
	return m.await(ctx, "add-on "+name+" is ACTIVE", func(ctx context.Context) error {
		o, err := m.clients.EKS.DescribeAddon(ctx, &eks.DescribeAddonInput{ClusterName: &m.Name, AddonName: &name})
		if err != nil {
			return err
		}
		return isActive(o.Addon.Status == ekstypes.AddonStatusActive, o.Addon.Status)
	})
}

// isActive is an error that names the status of what is not active.
func isActive[S ~string](active bool, status S) error {
	if active {
		return nil
	}
	return fmt.Errorf("it is %s", status)
}

// await waits until a check finds nothing wrong, and says what it found last.
func (m *MadeCluster) await(ctx context.Context, what string, check func(context.Context) error) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, pollInterval, patience, true, func(ctx context.Context) (bool, error) {
		now := check(ctx)
		if ctx.Err() == nil { // what the end cut off says nothing
			last = now
		}
		return now == nil, nil
	})
	if err != nil {
		return fmt.Errorf("wait until %s: %w", what, cmp.Or(last, err))
	}
	return nil
}
