package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/e6data/aws-quickstart/internal/artifact"
)

// CustomerCluster describes an EKS cluster that a customer has before the stack,
// with workloads of the customer's own. The zero value is one in the mode
// CONFIG_MAP with two x86_64 nodes, an OIDC provider and an aws-auth full of
// other people's entries.
type CustomerCluster struct {
	// Name is the cluster's; empty: "customer". Names of roles begin with it.
	Name string
	// Mode is the authentication mode; empty: CONFIG_MAP, which is EKS's default.
	Mode ekstypes.AuthenticationMode
	// VPC is the cluster's network; nil: two private subnets behind a NAT
	// gateway, two public ones and an S3 endpoint.
	VPC *CustomerVPC
	// Nodes are the sizes of the managed node groups, one for each architecture;
	// nil: two x86_64 nodes.
	Nodes map[artifact.Architecture]int32
	// NoOIDCProvider leaves the cluster without an OIDC provider in IAM, and so
	// without controllers that have roles.
	NoOIDCProvider bool
	// NoAWSAuth leaves the cluster without an aws-auth. With nodes in the mode
	// CONFIG_MAP that cannot be.
	NoAWSAuth bool
	// AWSAuth is the data of aws-auth, in which ${Account}, ${AdminRole},
	// ${NodeRole} and ${KarpenterNodeRole} are filled in; nil: ForeignAWSAuth. An
	// entry of the last is added to mapRoles if Karpenter needs one.
	AWSAuth map[string]string
	// Karpenter is the customer's own: upstream's charts, policies, queue and
	// the real controller, in a namespace of its own, with a NodePool and a pod
	// that runs on a node of it.
	Karpenter bool
	// LoadBalancerController is the customer's own, with an Ingress at work.
	LoadBalancerController bool
	// Charts is the folder with the archives of the controllers' charts: charts
	// below a published version.
	Charts string
}

// KarpenterNamespace is where the customer's Karpenter runs.
const KarpenterNamespace = "karpenter"

// MadeCluster is a CustomerCluster that was made.
type MadeCluster struct {
	Name string
	VPC  *MadeVPC
	// Roles of the customer's, as ARNs. Creator made the cluster: its
	// administrator by that alone. Admin is one by aws-auth, if ${AdminRole} is in
	// it, or by an access entry where aws-auth is not read or not there; whoever
	// in the account may assume roles may assume it. KarpenterController and
	// KarpenterNodes are empty without Karpenter.
	Creator, Admin, Nodes, KarpenterController, KarpenterNodes string
	// OIDCProvider is its ARN, empty without one.
	OIDCProvider string

	described CustomerCluster
	env       *Environment
	account   string
	clients   *Clients // the creator's
	cluster   *ekstypes.Cluster
	config    *rest.Config // the creator's
	kube      kubernetes.Interface
	objects   dynamic.Interface
	roles     []string // names
	policies  []string // ARNs
	before    Picture
}

// MakeCluster makes a customer's cluster as the customer would, through AWS's
// and Kubernetes' APIs as roles of the customer's, waits until everything on it
// is at work, and remembers what it looks like.
func (e *Environment) MakeCluster(ctx context.Context, c CustomerCluster) (*MadeCluster, error) {
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("make the customer's cluster: %w", err)
	}
	m := &MadeCluster{Name: c.Name, described: c, env: e}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"account", m.findAccount},
		{"VPC", m.makeVPC},
		{"roles", m.makeRoles},
		{"cluster", m.makeCluster},
		{"node groups and network add-ons", m.makeNodes},
		{"OIDC provider", m.makeProvider},
		{"Kubernetes clients", m.connect},
		{"access", m.giveAccess},
		{"add-ons on nodes", m.makeAddons},
		{"controllers", m.installControllers},
		{"nodes and what runs on them", m.awaitAll},
		{"workload", m.installShop},
		{"rest", m.Remember},
	} {
		if err := step.do(ctx); err != nil {
			return nil, fmt.Errorf("make the customer's cluster %s: %s: %w", m.Name, step.what, err)
		}
	}
	return m, nil
}

// complete fills in what is not said, and refuses what cannot be.
func (c *CustomerCluster) complete() error { //nolint:gocyclo // a default or a refusal for each field
	if c.Name == "" {
		c.Name = "customer"
	}
	if c.Mode == "" {
		c.Mode = ekstypes.AuthenticationModeConfigMap
	}
	if !slices.Contains(c.Mode.Values(), c.Mode) {
		return fmt.Errorf("authentication mode %q: want one of %v", c.Mode, c.Mode.Values())
	}
	if c.VPC == nil {
		c.VPC = &clusterVPC
	}
	if c.Nodes == nil {
		c.Nodes = map[artifact.Architecture]int32{artifact.X8664: 2}
	}
	if c.AWSAuth == nil {
		c.AWSAuth = ForeignAWSAuth()
	}
	nodes := 0
	for n := range maps.Values(c.Nodes) {
		nodes += int(n)
	}
	controllers := c.Karpenter || c.LoadBalancerController
	switch {
	case c.NoAWSAuth && c.Mode == ekstypes.AuthenticationModeConfigMap && nodes > 0:
		return errors.New("in the mode CONFIG_MAP nodes join by aws-auth: without one there can be no nodes")
	case controllers && c.NoOIDCProvider:
		return errors.New("the controllers have roles for their service accounts: without an OIDC provider they cannot be")
	case controllers && nodes == 0:
		return errors.New("the controllers run on nodes of a node group: without nodes they cannot be")
	case controllers && c.Charts == "":
		return errors.New("the folder with the controllers' charts is not given")
	}
	return nil
}

// clusterVPC is the network of a cluster when nothing is said of it.
var clusterVPC = CustomerVPC{
	Blocks: []string{"10.90.0.0/16"},
	Subnets: []CustomerSubnet{
		{Block: "10.90.0.0/24", Zone: "a", Public: true},
		{Block: "10.90.1.0/24", Zone: "b", Public: true},
		{Block: "10.90.16.0/20", Zone: "a"},
		{Block: "10.90.32.0/20", Zone: "b"},
	},
	InternetGateway: true, NatGateway: true, S3Endpoint: true,
}

func (m *MadeCluster) findAccount(ctx context.Context) error {
	o, err := sts.NewFromConfig(m.env.AWSConfig()).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err == nil {
		m.account = aws.ToString(o.Account)
	}
	return err
}

func (m *MadeCluster) makeVPC(ctx context.Context) (err error) {
	m.VPC, err = m.env.MakeVPC(ctx, *m.described.VPC)
	return err
}

// PrivateSubnets are the IDs of the cluster's private subnets.
func (m *MadeCluster) PrivateSubnets() []string { return m.subnets(false) }

func (m *MadeCluster) subnets(public bool) (ids []string) {
	for i, s := range m.described.VPC.Subnets {
		if s.Public == public {
			ids = append(ids, m.VPC.Subnets[i])
		}
	}
	return ids
}

// connect makes clients of the cluster that speak as its creator, who is an
// administrator whatever stands in aws-auth.
func (m *MadeCluster) connect(ctx context.Context) (err error) {
	if m.config, err = m.env.ConfigAs(ctx, m.Name, m.Creator, ""); err != nil {
		return err
	}
	if m.kube, err = kubernetes.NewForConfig(m.config); err != nil {
		return err
	}
	m.objects, err = dynamic.NewForConfig(m.config)
	return err
}
