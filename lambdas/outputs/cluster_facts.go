package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
	"github.com/e6data/aws-quickstart/internal/facts"
)

// clusterReader is the part of the EKS API that facts need.
type clusterReader interface {
	DescribeCluster(context.Context, *eks.DescribeClusterInput, ...func(*eks.Options)) (*eks.DescribeClusterOutput, error)
}

// clusterFacts answers Custom::ClusterFacts. It makes nothing, and every request
// looks anew.
type clusterFacts struct {
	clusters clusterReader
	network  clusterNetwork
	stacks   stackDescriber
	log      *slog.Logger
}

type (
	factsRequest  = customresource.Request[contract.ClusterFacts]
	factsResponse = customresource.Response[contract.ClusterFactsData]
)

// Create reads the facts, and refuses a cluster with which the stack would fail
// later. It waits, as long as it has time, for one that is made or updated.
func (c clusterFacts) Create(ctx context.Context, r factsRequest) (factsResponse, error) {
	for pauses := (pauses{}); ; {
		cluster, err := c.describe(ctx, r)
		if err != nil {
			return factsResponse{}, err
		}
		passes, err := facts.Unready(cluster)
		if err == nil {
			f, err := c.read(ctx, cluster, r.Props)
			return answerFacts(f, err)
		}
		if !passes {
			return factsResponse{}, err
		}
		c.log.InfoContext(ctx, "waiting for the cluster", "cluster", r.Props.ClusterName, "status", cluster.Status)
		if pauses.wait(ctx) != nil {
			return factsResponse{}, err
		}
	}
}

// Update reads the facts again. A cluster that is updated meanwhile is no reason
// to refuse, since the stack works on it already. While the stack is rolled back
// nothing is, as long as the facts can be told: a second failure would leave the
// stack between two states. Another ClusterName is another physical ID.
func (c clusterFacts) Update(ctx context.Context, r factsRequest) (factsResponse, error) {
	cluster, err := c.describe(ctx, r)
	if err != nil {
		return factsResponse{}, err
	}
	if _, err := facts.Unready(cluster); err != nil && cluster.Status != ekstypes.ClusterStatusUpdating {
		return factsResponse{}, err
	}
	f, problems := c.read(ctx, cluster, r.Props)
	if problems == nil || len(f.FunctionSubnets) == 0 {
		return answerFacts(f, problems)
	}
	back, err := rollsBack(ctx, c.stacks, r.StackID)
	if err != nil {
		return factsResponse{}, errors.Join(problems, err)
	}
	if back {
		c.log.WarnContext(ctx, "going back to a cluster with problems", "cluster", f.Name, "error", problems)
		problems = nil
	}
	return answerFacts(f, problems)
}

// Delete has nothing to remove.
func (clusterFacts) Delete(context.Context, factsRequest) error { return nil }

// Owns tells whether an ID was made by factsID.
func (clusterFacts) Owns(physicalID string) bool {
	_, ours := parseFactsID(physicalID)
	return ours
}

func (c clusterFacts) describe(ctx context.Context, r factsRequest) (ekstypes.Cluster, error) {
	name := r.Props.ClusterName
	out, err := c.clusters.DescribeCluster(ctx, &eks.DescribeClusterInput{Name: &name})
	if _, none := errors.AsType[*ekstypes.ResourceNotFoundException](err); none {
		region := "the region of this stack"
		if id, err := arn.Parse(r.StackID); err == nil {
			region = id.Region
		}
		return ekstypes.Cluster{}, fmt.Errorf("use cluster %s: EKS has no cluster of that name in %s: "+
			"aws eks list-clusters --region %[2]s shows those that there are, and a stack is launched in the region of its cluster", name, region)
	}
	if err != nil {
		return ekstypes.Cluster{}, fmt.Errorf("describe cluster %s: %w", name, err)
	}
	return *out.Cluster, nil
}

// read asks for the cluster's network and derives the facts.
func (c clusterFacts) read(ctx context.Context, cluster ekstypes.Cluster, p contract.ClusterFacts) (facts.Facts, error) {
	choice := facts.Choice{Subnets: withoutBlank(p.PrivateSubnetIDs), Proxy: p.HTTPSProxy != ""}
	var n facts.Network
	if at := cluster.ResourcesVpcConfig; at != nil && at.VpcId != nil {
		var err error
		if n, err = c.network.around(ctx, cluster, choice.Subnets); err != nil {
			return facts.Facts{}, fmt.Errorf("look at the network of cluster %s: %w", p.ClusterName, err)
		}
	}
	f, err := facts.Read(cluster, n, choice)
	c.log.InfoContext(ctx, "read the cluster", "cluster", f.Name, "vpc", f.VPC, "functionSubnets", f.FunctionSubnets, "nodeSubnets", f.NodeSubnets,
		"leftOut", f.LeftOut, "autoMode", f.AutoMode, "problems", err)
	return f, err
}

func answerFacts(f facts.Facts, err error) (factsResponse, error) {
	if err != nil {
		return factsResponse{}, err
	}
	return factsResponse{
		PhysicalID: factsID(f.Name),
		Data: contract.ClusterFactsData{
			ClusterArn: f.Arn, VpcID: f.VPC, SecurityGroupID: f.SecurityGroup, EndpointHost: f.EndpointHost,
			FunctionSubnetIDs: strings.Join(f.FunctionSubnets, ","),
			NodeSubnetIDs:     strings.Join(f.NodeSubnets, ","),
			Zones:             strings.Join(f.Zones, ","),
			Issuer:            f.Issuer, IssuerWithoutScheme: strings.TrimPrefix(f.Issuer, "https://"),
			AuthenticationMode: f.AuthenticationMode, KubernetesVersion: f.Version, ServiceCidr: f.ServiceCidr, AutoMode: f.AutoMode,
		},
	}, nil
}

// withoutBlank takes out what an empty parameter leaves in a list, and what
// stands in it twice.
func withoutBlank(list []string) []string {
	var kept []string
	for _, s := range list {
		if s = strings.TrimSpace(s); s != "" && !slices.Contains(kept, s) {
			kept = append(kept, s)
		}
	}
	return kept
}
