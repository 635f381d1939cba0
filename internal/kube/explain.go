package kube

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Explain turns an error of a Kubernetes request into a sentence with a way
// out, if it is one of those that concern the way to the cluster: an unknown
// role, a missing right, no route, no name, a wrong certificate. Any other
// error comes back as it is, and the original stays in the chain.
func (c *Cluster) Explain(ctx context.Context, err error) error {
	var (
		certificate x509.UnknownAuthorityError
		lookup      *net.DNSError
		operation   *net.OpError
	)
	switch {
	case err == nil:
		return nil
	case apierrors.IsUnauthorized(err):
		role := c.role(ctx)
		return fmt.Errorf("cluster %s does not know this function's role %s: it has no access entry and no mapping in aws-auth. "+
			"Give it one (aws eks create-access-entry, then associate-access-policy AmazonEKSClusterAdminPolicy) and try again: %w", c.name, role, err)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("cluster %s lets this function's role %s in but not do this; "+
			"its access entry needs the policy AmazonEKSClusterAdminPolicy with cluster scope: %w", c.name, c.role(ctx), err)
	case errors.As(err, &certificate):
		return fmt.Errorf("the API server of cluster %s shows a certificate that the cluster's own authority did not sign: "+
			"is there a proxy that opens TLS between the function and %s? %w", c.name, c.rest.Host, err)
	case errors.As(err, &lookup):
		return fmt.Errorf("the API server's host name of cluster %s cannot be resolved: a private endpoint needs DNS support and "+
			"DNS hostnames in the function's VPC: %w", c.name, err)
	case errors.As(err, &operation) && operation.Op == "dial":
		return fmt.Errorf("the API server of cluster %s cannot be reached at %s: the function's subnets need a route to it, and the "+
			"cluster's security group must let the function's security group in on port 443: %w", c.name, c.rest.Host, err)
	}
	return err
}

// role names the IAM role behind this function's credentials, or says that it
// cannot be told: the refusal matters more than the name. STS gives the name
// of an assumed role without its path.
func (c *Cluster) role(ctx context.Context) string {
	const unknown = "(whose name STS would not tell)"
	if c.sts == nil {
		return unknown
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	out, err := c.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return unknown
	}
	return roleOf(aws.ToString(out.Arn))
}

// roleOf gives the role's ARN for the ARN of one of its sessions, and any
// other ARN as it is.
func roleOf(caller string) string {
	parsed, err := arn.Parse(caller)
	if err != nil {
		return caller
	}
	parts := strings.Split(parsed.Resource, "/")
	if parsed.Service != "sts" || len(parts) < 2 || parts[0] != "assumed-role" {
		return caller
	}
	parsed.Service, parsed.Resource = "iam", "role/"+parts[1]
	return parsed.String()
}
