package facts

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"
)

func TestClusterFacts(t *testing.T) {
	tests := map[string]struct {
		change func(*ekstypes.Cluster)
		want   Cluster // what differs from the usual one
		err    string
	}{
		"the usual one": {change: func(*ekstypes.Cluster) {}},
		"before access entries": {
			change: func(c *ekstypes.Cluster) { c.AccessConfig = nil }, want: Cluster{AuthenticationMode: "CONFIG_MAP"},
		},
		"of IPv6": {
			change: func(c *ekstypes.Cluster) {
				c.KubernetesNetworkConfig = &ekstypes.KubernetesNetworkConfigResponse{IpFamily: ekstypes.IpFamilyIpv6, ServiceIpv6Cidr: aws.String("fd30:1c53:5f8a::/108")}
				c.Endpoint = aws.String("https://8EBD00AE.gr7.us-east-1.api.aws")
			},
			want: Cluster{ServiceCidr: "fd30:1c53:5f8a::/108", EndpointHost: "8EBD00AE.gr7.us-east-1.api.aws"},
		},
		"of Auto Mode": {
			change: func(c *ekstypes.Cluster) { c.ComputeConfig = &ekstypes.ComputeConfigResponse{Enabled: aws.Bool(true)} }, want: Cluster{AutoMode: true},
		},
		"with Auto Mode off": {
			change: func(c *ekstypes.Cluster) { c.ComputeConfig = &ekstypes.ComputeConfigResponse{Enabled: aws.Bool(false)} },
		},
		"without an issuer, a group and an endpoint": {
			change: func(c *ekstypes.Cluster) {
				c.Identity, c.Endpoint, c.ResourcesVpcConfig.ClusterSecurityGroupId = nil, nil, nil
			},
			err: `use cluster analytics: EKS names no cluster security group of it; EKS names no API endpoint of it; EKS names no OIDC issuer of it (""), ` +
				"so its pods can assume no IAM roles: the query engine and the controllers need that. Use a cluster that EKS made",
		},
		"without a VPC": {change: func(c *ekstypes.Cluster) { c.ResourcesVpcConfig = nil }, err: "use cluster analytics: EKS names no VPC of it; EKS names no cluster security group of it"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := usual()
			test.change(&s.cluster)
			f, err := Read(s.cluster, s.network, s.choice)
			if err != nil || test.err != "" {
				if diff := cmp.Diff(test.err, fmt.Sprint(err)); diff != "" {
					t.Errorf("error (-want +got):\n%s", diff)
				}
				return
			}
			want := Cluster{
				Name: "analytics", Arn: "arn:aws:eks:us-east-1:111122223333:cluster/analytics", VPC: "vpc-0a", SecurityGroup: "sg-0c", Version: "1.36",
				EndpointHost: "8EBD00AE.gr7.us-east-1.eks.amazonaws.com", Issuer: "https://oidc.eks.us-east-1.amazonaws.com/id/8EBD00AE",
				AuthenticationMode: "API_AND_CONFIG_MAP", ServiceCidr: "172.20.0.0/16", AutoMode: test.want.AutoMode,
			}
			for _, d := range []struct{ to, from *string }{
				{&want.AuthenticationMode, &test.want.AuthenticationMode}, {&want.ServiceCidr, &test.want.ServiceCidr}, {&want.EndpointHost, &test.want.EndpointHost},
			} {
				if *d.from != "" {
					*d.to = *d.from
				}
			}
			if diff := cmp.Diff(want, f.Cluster); diff != "" {
				t.Errorf("cluster (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnready(t *testing.T) {
	tests := map[string]struct {
		change func(*ekstypes.Cluster)
		passes bool
		err    string // a part; empty: it is ready
	}{
		"active":   {change: func(*ekstypes.Cluster) {}},
		"made":     {func(c *ekstypes.Cluster) { c.Status = ekstypes.ClusterStatusCreating }, true, "it is still being made: wait until it is ACTIVE (aws eks wait cluster-active --name analytics --region us-east-1)"},
		"pending":  {func(c *ekstypes.Cluster) { c.Status = ekstypes.ClusterStatusPending }, true, "it is still being made"},
		"updated":  {func(c *ekstypes.Cluster) { c.Status = ekstypes.ClusterStatusUpdating }, true, "EKS is updating it"},
		"deleted":  {func(c *ekstypes.Cluster) { c.Status = ekstypes.ClusterStatusDeleting }, false, "it is being deleted: name another one as ExistingClusterName"},
		"unheard":  {func(c *ekstypes.Cluster) { c.Status = "SLEEPING" }, false, `its status "SLEEPING" is not one that this version knows`},
		"a failed": {func(c *ekstypes.Cluster) { c.Status = ekstypes.ClusterStatusFailed }, false, "its creation failed: name another one"},
		"failed, and why": {
			func(c *ekstypes.Cluster) {
				c.Status = ekstypes.ClusterStatusFailed
				c.Health = &ekstypes.ClusterHealth{Issues: []ekstypes.ClusterIssue{{Code: ekstypes.ClusterIssueCodeInternalFailure, Message: aws.String("no capacity")}}}
			}, false, "its creation failed (InternalFailure: no capacity): name",
		},
		"on an Outpost": {
			func(c *ekstypes.Cluster) {
				c.OutpostConfig = &ekstypes.OutpostConfigResponse{OutpostArns: []string{"arn:aws:outposts:us-east-1:111122223333:outpost/op-1"}}
			},
			false, "its control plane is on an Outpost, where Lambda runs no functions",
		},
		"registered": {
			func(c *ekstypes.Cluster) {
				c.ConnectorConfig = &ekstypes.ConnectorConfigResponse{Provider: aws.String("GKE")}
			},
			false, "it is registered with EKS and run by GKE: only clusters that EKS itself runs can be used",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := usual()
			test.change(&s.cluster)
			passes, err := Unready(s.cluster)
			if passes != test.passes || (err == nil) != (test.err == "") {
				t.Errorf("passes %t, %v", passes, err)
			}
			checkParts(t, "error", fmt.Sprint(err), []string{test.err}[:min(1, len(test.err))])
		})
	}
}
