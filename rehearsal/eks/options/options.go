// Package options reads localkube's command line.
package options

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"

	"github.com/e6data/aws-quickstart/rehearsal/eks/cloud"
	"github.com/e6data/aws-quickstart/rehearsal/eks/program"
)

const inClusterIssuer = "https://kubernetes.default.svc.cluster.local"

// Options say what cluster to play.
type Options struct {
	Dir            string // state directory; empty: a new temporary one
	Port           int    // of the API server on 127.0.0.1; 0: a free one
	ServiceCIDR    netip.Prefix
	Issuer         string // of service account tokens, a URL
	Sync           bool   // etcd syncs to disk
	LoadBalancers  bool   // play load balancers
	SelfManaged    bool   // vpc-cni, kube-proxy and coredns are there from the start
	GCPercent      int    // as GOGC
	Verbosity      int    // of the log, 0 to 10
	StopOnStdinEOF bool
	Nodes          cloud.NodeGroup
	AWS            AWS
	Programs       program.List // that run for pods of their images
}

// AWS says which embedded AWS knows the users; without an endpoint there is only
// the administrator.
type AWS struct {
	Endpoint string // scheme://host:port of STS and EKS
	CAFile   string // PEM; empty: the system's authorities
	Cluster  string // EKS cluster name that tokens must be signed for
	Region   string
}

// Parse reads the arguments, without the command's name. Usage and flags that
// cannot be read are told to out; flag.ErrHelp says that only help was asked for,
// any other error tells all that is wrong.
func Parse(args []string, out io.Writer) (Options, error) {
	var (
		o      Options
		cidr   string
		noSync bool
	)
	fs := flag.NewFlagSet("localkube", flag.ContinueOnError)
	fs.SetOutput(out)
	fs.StringVar(&o.Dir, "dir", "", "state directory (certificates, etcd data, kubeconfig, log), a short path; default: a new temporary one")
	fs.IntVar(&o.Port, "port", 0, "port of the API server on 127.0.0.1; 0 picks a free one")
	fs.IntVar(&o.Nodes.Count, "nodes", 0, "nodes without instances to register, 0 to 200; others come and go with the instances in DIR/instances.json")
	fs.StringVar(&o.Nodes.Arch, "node-arch", "amd64", "CPU architecture of the nodes without instances: amd64 or arm64")
	fs.StringVar(&o.AWS.Endpoint, "aws-endpoint", "", "embedded AWS (STS and EKS), http(s)://HOST:PORT, for EKS authentication, with the credentials in AWS_*; empty: none")
	fs.StringVar(&o.AWS.CAFile, "aws-ca", "", "PEM file with the CA certificate of the embedded AWS; empty: the system's authorities")
	fs.StringVar(&o.AWS.Cluster, "cluster-name", "local", "EKS cluster name that tokens must be signed for")
	fs.StringVar(&o.AWS.Region, "region", "us-east-1", "AWS region")
	fs.StringVar(&o.Issuer, "oidc-issuer", inClusterIssuer, "issuer of service account tokens, a URL; empty: the in-cluster one")
	fs.StringVar(&cidr, "service-cidr", "10.100.0.0/16", "addresses of Services")
	fs.BoolVar(&o.LoadBalancers, "fake-load-balancers", true, "give Services of type LoadBalancer a host name")
	fs.BoolVar(&o.SelfManaged, "self-managed-addons", true, "put vpc-cni, kube-proxy and coredns into a new cluster, as EKS does by default; others come and go with DIR/addons.json")
	fs.BoolVar(&noSync, "unsafe-no-fsync", true, "run etcd without fsync: fast, and right for a cluster that is thrown away")
	fs.BoolVar(&o.StopOnStdinEOF, "stop-on-stdin-eof", false, "stop when standard input ends, that is when the parent is gone")
	fs.Var(&o.Programs, "program", "IMAGE=COMMAND: run the command for containers whose image's repository has IMAGE in it; may be given again")
	fs.IntVar(&o.Verbosity, "v", 0, "verbosity of the log, 0 to 10")
	fs.IntVar(&o.GCPercent, "gogc", 100, "percent by which the heap may grow before garbage is collected, as GOGC")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	o.Sync, o.Nodes.Region = !noSync, o.AWS.Region
	if o.Issuer == "" {
		o.Issuer = inClusterIssuer
	}
	var errs []error
	if fs.NArg() > 0 {
		errs = append(errs, fmt.Errorf("unexpected argument %q: there are only flags", fs.Arg(0)))
	}
	prefix, err := netip.ParsePrefix(cidr)
	if err != nil {
		errs = append(errs, fmt.Errorf("flag -service-cidr: %w", err))
	}
	o.ServiceCIDR = prefix
	return o, errors.Join(append(errs, o.validate())...)
}

// validate tells all that is wrong.
func (o *Options) validate() error {
	var errs []error
	if o.Port < 0 || o.Port > 65535 {
		errs = append(errs, fmt.Errorf("flag -port: %d is not a port", o.Port))
	}
	if o.AWS.Region == "" {
		errs = append(errs, errors.New("flag -region: it is empty"))
	}
	if o.AWS.Endpoint != "" && o.AWS.Cluster == "" {
		errs = append(errs, errors.New("flag -cluster-name: it is empty, so no token can be verified"))
	}
	return errors.Join(append(errs, o.Nodes.Validate())...)
}
