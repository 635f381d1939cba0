package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/e6data/aws-quickstart/internal/kube"
)

// clusterAPI is the part of the EKS API that a cluster's authentication mode
// needs.
type clusterAPI interface {
	DescribeCluster(context.Context, *eks.DescribeClusterInput, ...func(*eks.Options)) (*eks.DescribeClusterOutput, error)
	UpdateClusterConfig(context.Context, *eks.UpdateClusterConfigInput, ...func(*eks.Options)) (*eks.UpdateClusterConfigOutput, error)
	DescribeUpdate(context.Context, *eks.DescribeUpdateInput, ...func(*eks.Options)) (*eks.DescribeUpdateOutput, error)
}

// clusters tell, and change, how EKS clusters know who enters.
type clusters struct {
	eks    clusterAPI
	region string
	pace   pace
}

// mode is a cluster's authentication mode. The error is kube.ErrNoCluster if
// there is no such cluster or it is being deleted.
func (c clusters) mode(ctx context.Context, name string) (types.AuthenticationMode, error) {
	cluster, err := c.describe(ctx, name)
	if err != nil {
		return "", err
	}
	return modeOf(cluster), nil
}

func (c clusters) describe(ctx context.Context, name string) (*types.Cluster, error) {
	out, err := c.eks.DescribeCluster(ctx, &eks.DescribeClusterInput{Name: &name})
	if isNotFound(err) {
		return nil, fmt.Errorf("%w: EKS has no cluster %q in %s: aws eks list-clusters --region %[3]s shows those that there are",
			kube.ErrNoCluster, name, c.region)
	}
	if err != nil {
		return nil, fmt.Errorf("describe cluster %s: %w", name, err)
	}
	if out.Cluster.Status == types.ClusterStatusDeleting {
		return nil, fmt.Errorf("%w: EKS is deleting cluster %q", kube.ErrNoCluster, name)
	}
	return out.Cluster, nil
}

// modeOf is the mode; a cluster of which EKS says none is of the time before
// there were others.
func modeOf(c *types.Cluster) types.AuthenticationMode {
	if c.AccessConfig == nil || c.AccessConfig.AuthenticationMode == "" {
		return types.AuthenticationModeConfigMap
	}
	return c.AccessConfig.AuthenticationMode
}

// admitEntries brings a cluster from CONFIG_MAP to API_AND_CONFIG_MAP, in which
// aws-auth stays as it is and access entries work too. EKS cannot go back. It
// waits for another update, and for its own; if somebody else did the same
// meanwhile it is content.
func (c clusters) admitEntries(ctx context.Context, name string) error {
	update := ""
	for looks := c.pace.begin(); ; {
		cluster, err := c.describe(ctx, name)
		if err != nil {
			return err
		}
		admits := modeOf(cluster) != types.AuthenticationModeConfigMap
		switch {
		case admits && cluster.Status != types.ClusterStatusUpdating:
			return nil
		case admits: // in a moment
		case update == "":
			update, err = c.start(ctx, name)
		default:
			update, err = c.follow(ctx, name, update)
		}
		if err != nil {
			return fmt.Errorf("change the authentication mode of cluster %s from CONFIG_MAP to API_AND_CONFIG_MAP: %w", name, err)
		}
		if !looks.more(ctx) {
			return fmt.Errorf("change the authentication mode of cluster %s from CONFIG_MAP to API_AND_CONFIG_MAP: EKS is still at work on it; "+
				"wait until the cluster is ACTIVE (aws eks describe-cluster --name %s --region %s --query cluster.status), and try again", name, name, c.region)
		}
	}
}

// start begins the update, and gives its ID; none if the cluster is busy.
func (c clusters) start(ctx context.Context, name string) (string, error) {
	slog.InfoContext(ctx, "letting the cluster have access entries beside aws-auth", "cluster", name)
	out, err := c.eks.UpdateClusterConfig(ctx, &eks.UpdateClusterConfigInput{
		Name: &name, AccessConfig: &types.UpdateAccessConfigRequest{AuthenticationMode: types.AuthenticationModeApiAndConfigMap},
	})
	switch {
	case isBusy(err) || c.overtaken(ctx, name, err):
		slog.InfoContext(ctx, "waiting for another update of the cluster", "cluster", name, "reason", err.Error())
		return "", nil
	case err != nil:
		return "", err
	case out.Update == nil:
		return "", errors.New("EKS answered without an update")
	}
	return aws.ToString(out.Update.Id), nil
}

// overtaken tells whether somebody else changed the mode since we looked, so
// that EKS refuses to do it again.
func (c clusters) overtaken(ctx context.Context, name string, err error) bool {
	if _, invalid := errors.AsType[*types.InvalidParameterException](err); !invalid {
		return false
	}
	mode, err := c.mode(ctx, name)
	return err == nil && mode != types.AuthenticationModeConfigMap
}

// follow gives the ID of an update that is not over, and why it failed.
func (c clusters) follow(ctx context.Context, name, id string) (string, error) {
	out, err := c.eks.DescribeUpdate(ctx, &eks.DescribeUpdateInput{Name: &name, UpdateId: &id})
	if err != nil {
		return id, fmt.Errorf("look at update %s: %w", id, err)
	}
	switch out.Update.Status {
	case types.UpdateStatusFailed, types.UpdateStatusCancelled:
		return id, fmt.Errorf("update %s ended as %s%s", id, out.Update.Status, updateProblems(out.Update.Errors))
	default:
		return id, nil
	}
}

func updateProblems(details []types.ErrorDetail) string {
	var text strings.Builder
	for _, d := range details {
		fmt.Fprintf(&text, "; %s: %s", d.ErrorCode, aws.ToString(d.ErrorMessage))
	}
	return text.String()
}
