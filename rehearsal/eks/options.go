package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"

	"github.com/e6data/aws-quickstart/rehearsal/eks/internal/cloud"
)

const inClusterIssuer = "https://kubernetes.default.svc.cluster.local"

// options say what cluster to play.
type options struct {
	dir           string // state directory; empty: a new temporary one
	port          int    // of the API server on 127.0.0.1; 0: a free one
	serviceCIDR   netip.Prefix
	issuer        string // of service account tokens
	sync          bool   // etcd syncs to disk
	loadBalancers bool   // play load balancers
	gcPercent     int
	verbosity     int // of the log
	nodes         cloud.NodeGroup
	aws           awsOptions
}

// awsOptions say which embedded AWS knows the users; without an endpoint there
// is only the administrator.
type awsOptions struct {
	endpoint string // scheme://host:port of STS and EKS
	caFile   string // PEM; empty: the system's authorities
	cluster  string // EKS cluster name that tokens must be signed for
	region   string
}

// parseFlags reads the command line; the second result tells whether to stop
// when standard input ends. Usage goes to out.
func parseFlags(args []string, out io.Writer) (o options, stopOnEOF bool, err error) {
	fs := flag.NewFlagSet("localkube", flag.ContinueOnError)
	fs.SetOutput(out)
	fs.StringVar(&o.dir, "dir", "", "state directory (certificates, etcd data, kubeconfig, log); default: a new temporary one")
	fs.IntVar(&o.port, "port", 0, "port of the API server on 127.0.0.1; 0 picks a free one")
	fs.IntVar(&o.nodes.Count, "nodes", 2, "nodes to register, 0 to 200")
	fs.StringVar(&o.nodes.Arch, "node-arch", "amd64", "CPU architecture of the nodes: amd64 or arm64")
	fs.StringVar(&o.aws.endpoint, "aws-endpoint", "", "embedded AWS (STS and EKS), http(s)://HOST:PORT, for EKS authentication with the credentials in AWS_*; empty: none")
	fs.StringVar(&o.aws.caFile, "aws-ca", "", "PEM file with the CA certificate of the embedded AWS; empty: the system's authorities")
	fs.StringVar(&o.issuer, "oidc-issuer", inClusterIssuer, "issuer of service account tokens, a URL; empty: the in-cluster one")
	fs.StringVar(&o.aws.cluster, "cluster-name", "local", "EKS cluster name that tokens must be signed for")
	fs.StringVar(&o.aws.region, "region", "us-east-1", "AWS region")
	fs.IntVar(&o.verbosity, "v", 0, "verbosity of the log, 0 to 10")
	fs.IntVar(&o.gcPercent, "gogc", 100, "percent by which the heap may grow before garbage is collected, as GOGC")
	fs.BoolVar(&o.loadBalancers, "fake-load-balancers", true, "give Services of type LoadBalancer a host name")
	noSync := fs.Bool("unsafe-no-fsync", true, "run etcd without fsync: fast, and right for a cluster that is thrown away")
	cidr := fs.String("service-cidr", "10.100.0.0/16", "addresses of Services")
	fs.BoolVar(&stopOnEOF, "stop-on-stdin-eof", false, "stop when standard input ends, that is when the parent is gone")
	if err := fs.Parse(args); err != nil {
		return o, false, err
	}
	o.sync, o.nodes.Region = !*noSync, o.aws.region
	if o.issuer == "" {
		o.issuer = inClusterIssuer
	}
	if o.serviceCIDR, err = netip.ParsePrefix(*cidr); err != nil {
		err = fmt.Errorf("flag -service-cidr: %w", err)
	}
	if fs.NArg() > 0 {
		err = errors.Join(err, fmt.Errorf("unexpected argument %q: there are only flags", fs.Arg(0)))
	}
	return o, stopOnEOF, errors.Join(err, o.validate())
}

// validate tells all that is wrong.
func (o options) validate() error {
	var errs []error
	if o.port < 0 || o.port > 65535 {
		errs = append(errs, fmt.Errorf("flag -port: %d is not a port", o.port))
	}
	if o.aws.region == "" {
		errs = append(errs, errors.New("flag -region: it is empty"))
	}
	if o.aws.endpoint != "" && o.aws.cluster == "" {
		errs = append(errs, errors.New("flag -cluster-name: tokens cannot be verified without it"))
	}
	return errors.Join(append(errs, o.nodes.Validate())...)
}
