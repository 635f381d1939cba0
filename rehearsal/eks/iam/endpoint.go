// Package iam answers the API server's token reviews as EKS does: the caller's
// presigned STS request is verified and sent by aws-iam-authenticator's own
// verifier, and the identity that STS answers is mapped by the cluster's access
// entries, its aws-auth ConfigMap, or both.
package iam

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
)

// Endpoint is the embedded AWS: one address for every service.
type Endpoint struct {
	url    *url.URL
	roots  *x509.CertPool // nil: the system's
	region string
}

// NewEndpoint describes the embedded AWS at address (scheme://host:port), whose
// certificate the PEM file caFile verifies (empty: the system's authorities).
func NewEndpoint(address, caFile, region string) (*Endpoint, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("AWS endpoint: %w", err)
	}
	if u.Port() == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("AWS endpoint %q: want http://HOST:PORT or https://HOST:PORT", address)
	}
	e := &Endpoint{url: u, region: region}
	if caFile == "" {
		return e, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("read the AWS endpoint's CA: %w", err)
	}
	if e.roots = x509.NewCertPool(); !e.roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("read the AWS endpoint's CA: no PEM certificate in " + caFile)
	}
	return e, nil
}

// dial connects to the embedded AWS, whatever address is asked for.
func (e *Endpoint) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	if e.url.Scheme == "http" {
		return (&net.Dialer{}).DialContext(ctx, network, e.url.Host)
	}
	d := tls.Dialer{Config: &tls.Config{RootCAs: e.roots, ServerName: e.url.Hostname(), MinVersion: tls.VersionTLS12}}
	return d.DialContext(ctx, network, e.url.Host)
}

// partition names the AWS partition of a region.
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	default:
		return "aws"
	}
}
