package options

import (
	"errors"
	"flag"
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/e6data/aws-quickstart/rehearsal/eks/cloud"
)

func defaults() Options {
	return Options{
		ServiceCIDR: netip.MustParsePrefix("10.100.0.0/16"), Issuer: inClusterIssuer, LoadBalancers: true, SelfManaged: true, GCPercent: 100,
		Nodes: cloud.NodeGroup{Arch: "amd64", Region: "us-east-1"},
		AWS:   AWS{Cluster: "local", Region: "us-east-1"},
	}
}

func TestParse(t *testing.T) {
	for name, tt := range map[string]struct {
		args string
		want func(*Options)
	}{
		"no flag":                    {"", func(*Options) {}},
		"an empty issuer":            {"-oidc-issuer=", func(*Options) {}},
		"a cluster without add-ons":  {"-self-managed-addons=false", func(o *Options) { o.SelfManaged = false }},
		"nodes without instances":    {"-nodes 3", func(o *Options) { o.Nodes.Count = 3 }},
		"etcd that syncs":            {"-unsafe-no-fsync=false", func(o *Options) { o.Sync = true }},
		"a region is the nodes' too": {"-region eu-west-1", func(o *Options) { o.AWS.Region, o.Nodes.Region = "eu-west-1", "eu-west-1" }},
		"as the embedded AWS starts it": {
			"-dir /d -cluster-name c -region us-west-2 -stop-on-stdin-eof -aws-endpoint https://127.0.0.1:4566 -aws-ca ca.pem" +
				" -oidc-issuer https://issuer -service-cidr 172.20.0.0/16",
			func(o *Options) {
				o.Dir, o.StopOnStdinEOF, o.Issuer, o.ServiceCIDR = "/d", true, "https://issuer", netip.MustParsePrefix("172.20.0.0/16")
				o.AWS = AWS{Endpoint: "https://127.0.0.1:4566", CAFile: "ca.pem", Cluster: "c", Region: "us-west-2"}
				o.Nodes.Region = "us-west-2"
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(strings.Fields(tt.args), io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			want := defaults()
			tt.want(&want)
			if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
				t.Errorf("Parse(%q) (-want +got):\n%s", tt.args, diff)
			}
		})
	}
}

func TestParseTellsAllThatIsWrong(t *testing.T) {
	_, err := Parse([]string{"-port=70000", "-nodes=900", "-region=", "-service-cidr=here", "-aws-endpoint=http://x:1", "-cluster-name=", "more"}, io.Discard)
	for _, want := range []string{"70000 is not a port", "900 nodes: want 0 to 200", "-region: it is empty", "-service-cidr", "-cluster-name", `"more"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not tell of %q", err, want)
		}
	}
	if _, err := Parse([]string{"-node-arch=sparc"}, io.Discard); err == nil || !strings.Contains(err.Error(), "amd64 or arm64") {
		t.Errorf("error %v does not say which architectures there are", err)
	}
}

func TestHelpIsNoFault(t *testing.T) {
	var usage strings.Builder
	if _, err := Parse([]string{"-h"}, &usage); !errors.Is(err, flag.ErrHelp) || !strings.Contains(usage.String(), "-cluster-name") {
		t.Errorf("Parse(-h) gives %v and says %q", err, usage.String())
	}
}
