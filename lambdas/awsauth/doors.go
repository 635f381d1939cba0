package main

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"

	"github.com/e6data/aws-quickstart/internal/kube"
)

const (
	// doorPatience is how long a cluster may not know a role. aws-auth works
	// within a second or two, and a person waits for the answer.
	doorPatience = 5 * time.Second
	// adminSession lasts for longer than the function, and is STS's shortest.
	adminSession     = 15 * time.Minute
	adminSessionName = "e6data-quickstart-awsauth"
)

// door is a way into a cluster's Kubernetes API.
type door struct {
	client kubernetes.Interface
	// explain turns an error of a request into a sentence.
	explain func(context.Context, error) error
}

// closedError is why one role cannot edit aws-auth: the cluster does not know
// it, or does not let it, or it cannot be assumed.
type closedError struct{ why error }

func (e *closedError) Error() string { return e.why.Error() }
func (e *closedError) Unwrap() error { return e.why }

// isClosed tells whether a request failed for want of an identity or a right.
func isClosed(err error) bool { return apierrors.IsUnauthorized(err) || apierrors.IsForbidden(err) }

// doors open clusters.
type doors struct {
	cfg       aws.Config
	connector *kube.Connector
}

func newDoors(cfg aws.Config) *doors { return &doors{cfg: cfg, connector: kube.NewConnector(cfg)} }

// open enters a cluster as a role that this function's may assume, or, if it is
// empty, as the function's own. The error is a closedError if that role does
// not get in.
func (d *doors) open(ctx context.Context, cluster, role string) (door, error) {
	connector := d.connector
	if role != "" {
		assumed, err := d.assume(ctx, role)
		if err != nil {
			return door{}, err
		}
		connector = connector.As(assumed)
	}
	c, err := connector.Connect(ctx, cluster)
	if err != nil {
		return door{}, err
	}
	if err := c.Admitted(ctx, doorPatience); err != nil {
		if isClosed(err) {
			return door{}, &closedError{fmt.Errorf("cluster %s does not know it", cluster)}
		}
		return door{}, err
	}
	client, err := kubernetes.NewForConfig(c.Config())
	if err != nil {
		return door{}, fmt.Errorf("cluster %s: %w", cluster, err)
	}
	return door{client: client, explain: c.Explain}, nil
}

// assume gives the configuration of an assumed role, whose credentials are
// there.
func (d *doors) assume(ctx context.Context, role string) (aws.Config, error) {
	cfg := d.cfg.Copy()
	cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(d.cfg), role, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName, o.Duration = adminSessionName, adminSession
	}))
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		if isDenied(err) {
			return cfg, &closedError{fmt.Errorf("it cannot be assumed, and its trust policy must name this function's role: %w", err)}
		}
		return cfg, fmt.Errorf("assume ClusterAdminRoleArn %s: %w", role, err)
	}
	return cfg, nil
}

// self is the ARN of the function's own role, without its path.
func (d *doors) self(ctx context.Context) (string, error) {
	out, err := sts.NewFromConfig(d.cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", fmt.Errorf("ask STS for this function's role: %w", err)
	}
	return roleOf(aws.ToString(out.Arn)), nil
}
