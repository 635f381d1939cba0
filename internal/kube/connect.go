// Package kube reaches the Kubernetes API of an EKS cluster from its name
// alone: no kubeconfig file, no static token, no environment of its own.
package kube

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"golang.org/x/oauth2"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
)

// ErrNoCluster says that EKS knows no cluster of that name, or that it is
// being deleted: whatever ran on it is gone or goes with it.
var ErrNoCluster = errors.New("cluster does not exist")

// describer is the part of the EKS API that Connect needs.
type describer interface {
	DescribeCluster(context.Context, *eks.DescribeClusterInput, ...func(*eks.Options)) (*eks.DescribeClusterOutput, error)
}

// identifier is the part of the STS API that names this function's role when
// a cluster refuses it.
type identifier interface {
	GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error)
}

// Connector finds clusters with one set of AWS credentials.
type Connector struct {
	eks    describer
	sts    identifier
	region string
	token  func(ctx context.Context, cluster string) (*oauth2.Token, error)
}

// NewConnector uses cfg for the EKS and STS APIs and for signing the clusters'
// tokens.
func NewConnector(cfg aws.Config) *Connector {
	return &Connector{
		eks:    eks.NewFromConfig(cfg),
		sts:    sts.NewFromConfig(cfg),
		region: cfg.Region,
		token:  newSigner(cfg).token,
	}
}

// As is a connector whose clusters are talked to with the credentials of cfg,
// such as another role's. They are still looked up with the connector's own, so
// cfg needs no right on the EKS API.
func (c *Connector) As(cfg aws.Config) *Connector {
	return &Connector{eks: c.eks, sts: sts.NewFromConfig(cfg), region: c.region, token: newSigner(cfg).token}
}

// Cluster is one EKS cluster that can be talked to.
type Cluster struct {
	name string
	rest *rest.Config
	sts  identifier
}

// Connect looks the cluster up. It makes no call to the cluster itself: an
// unknown role or an unreachable endpoint shows at the first use (see
// Explain). The error is ErrNoCluster if EKS has no such cluster or is
// deleting it, and a sentence if it is not ready for use.
func (c *Connector) Connect(ctx context.Context, name string) (*Cluster, error) {
	out, err := c.eks.DescribeCluster(ctx, &eks.DescribeClusterInput{Name: aws.String(name)})
	if err != nil {
		return nil, describeError(err, name, c.region)
	}
	if err := usable(out.Cluster, name); err != nil {
		return nil, err
	}
	ca, err := base64.StdEncoding.DecodeString(aws.ToString(out.Cluster.CertificateAuthority.Data))
	if err != nil {
		return nil, fmt.Errorf("certificate authority of cluster %s: %w", name, err)
	}
	source := tokenSource(func() (*oauth2.Token, error) {
		// The transport asks between requests of many contexts, so the token is
		// signed under the one that is valid for as long as the cluster is used.
		return c.token(context.WithoutCancel(ctx), name)
	})
	return &Cluster{name: name, sts: c.sts, rest: &rest.Config{
		Host:            aws.ToString(out.Cluster.Endpoint),
		TLSClientConfig: rest.TLSClientConfig{CAData: ca},
		WrapTransport:   transport.ResettableTokenSourceWrapTransport(transport.NewCachedTokenSource(source)),
		WarningHandler:  apiWarnings{},
		UserAgent:       "e6data-aws-quickstart",
		// The API server has its own fairness; a client-side limit only makes
		// charts of many objects slow.
		QPS: -1,
	}}, nil
}

// NewCluster wraps a ready rest.Config, for a cluster that is not found
// through EKS.
func NewCluster(name string, cfg *rest.Config) *Cluster {
	return &Cluster{name: name, rest: rest.CopyConfig(cfg)}
}

// Name is the EKS cluster's name.
func (c *Cluster) Name() string { return c.name }

// Config is a copy of the configuration for Kubernetes clients.
func (c *Cluster) Config() *rest.Config { return rest.CopyConfig(c.rest) }

func describeError(err error, name, region string) error {
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); ok {
		return fmt.Errorf("%w: EKS has no cluster %q in %s", ErrNoCluster, name, region)
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return fmt.Errorf("describe cluster %s: %s: %s", name, api.ErrorCode(), api.ErrorMessage())
	}
	return fmt.Errorf("describe cluster %s: %w", name, err)
}

// usable refuses a cluster whose API server cannot be used. An UPDATING
// cluster serves requests all the time.
func usable(c *types.Cluster, name string) error {
	if c == nil {
		return fmt.Errorf("describe cluster %s: EKS answered without a cluster", name)
	}
	switch c.Status {
	case types.ClusterStatusActive, types.ClusterStatusUpdating:
	case types.ClusterStatusDeleting:
		return fmt.Errorf("%w: EKS is deleting cluster %q", ErrNoCluster, name)
	case types.ClusterStatusCreating, types.ClusterStatusPending, types.ClusterStatusFailed:
		return fmt.Errorf("cluster %s is %s, not ACTIVE: nothing can be installed on it now; "+
			"wait for it, or see why in the EKS console", name, c.Status)
	default:
		return fmt.Errorf("cluster %s has the unknown status %q", name, c.Status)
	}
	if aws.ToString(c.Endpoint) == "" || c.CertificateAuthority == nil {
		return fmt.Errorf("cluster %s is %s but has no endpoint yet", name, c.Status)
	}
	return nil
}

// tokenSource makes a function an oauth2.TokenSource.
type tokenSource func() (*oauth2.Token, error)

func (f tokenSource) Token() (*oauth2.Token, error) { return f() }

// apiWarnings sends the API server's warning headers to the log.
type apiWarnings struct{}

func (apiWarnings) HandleWarningHeader(code int, _, text string) {
	if code == 299 && text != "" {
		slog.Debug("kubernetes API warning", "text", text)
	}
}
