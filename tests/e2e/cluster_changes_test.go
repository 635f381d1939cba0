package e2e

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6data/aws-quickstart/rehearsal"
)

// settled is what a cluster's settings have come to.
type settled struct {
	Version, NodesVersion string
	Mode                  ekstypes.AuthenticationMode
	Capacity              ekstypes.CapacityTypes
	Groups, Ready         int
	WarmIPs               string // of the VPC CNI, as its pods have it
	Addons                map[string]ekstypes.AddonStatus
}

func (d *deployment) settled(t *testing.T, cluster string) settled {
	t.Helper()
	described, err := d.clients.EKS.DescribeCluster(t.Context(), &eks.DescribeClusterInput{Name: &cluster})
	if err != nil {
		t.Fatal(err)
	}
	s := settled{
		Version: *described.Cluster.Version, Mode: described.Cluster.AccessConfig.AuthenticationMode, Addons: map[string]ekstypes.AddonStatus{},
	}
	groups, err := d.clients.EKS.ListNodegroups(t.Context(), &eks.ListNodegroupsInput{ClusterName: &cluster})
	if err != nil {
		t.Fatal(err)
	}
	s.Groups = len(groups.Nodegroups)
	for _, name := range groups.Nodegroups {
		group, err := d.clients.EKS.DescribeNodegroup(t.Context(), &eks.DescribeNodegroupInput{ClusterName: &cluster, NodegroupName: &name})
		if err != nil {
			t.Fatal(err)
		}
		s.NodesVersion, s.Capacity = *group.Nodegroup.Version, group.Nodegroup.CapacityType
	}
	addons, err := d.clients.EKS.ListAddons(t.Context(), &eks.ListAddonsInput{ClusterName: &cluster})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range addons.Addons {
		addon, err := d.clients.EKS.DescribeAddon(t.Context(), &eks.DescribeAddonInput{ClusterName: &cluster, AddonName: &name})
		if err != nil {
			t.Fatal(err)
		}
		s.Addons[name] = addon.Addon.Status
	}
	s.look(t, d, cluster)
	return s
}

// look asks Kubernetes.
func (s *settled) look(t *testing.T, d *deployment, cluster string) {
	t.Helper()
	kube := d.kube(t, cluster)
	cni, err := kube.AppsV1().DaemonSets("kube-system").Get(t.Context(), "aws-node", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range cni.Spec.Template.Spec.Containers[0].Env {
		if v.Name == "WARM_IP_TARGET" {
			s.WarmIPs = v.Value
		}
	}
	dns, err := kube.AppsV1().Deployments("kube-system").Get(t.Context(), "coredns", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.Ready = int(dns.Status.ReadyReplicas)
}

// becomes waits until the settings are as wanted: add-ons are not well while
// nodes are replaced.
func (d *deployment) becomes(t *testing.T, cluster, after string, want settled) {
	t.Helper()
	diff := ""
	for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(500 * time.Millisecond) {
		if diff = cmp.Diff(want, d.settled(t, cluster)); diff == "" {
			return
		}
	}
	t.Errorf("after %s (-want +got):\n%s", after, diff)
}

func active() map[string]ekstypes.AddonStatus {
	return map[string]ekstypes.AddonStatus{
		"vpc-cni": ekstypes.AddonStatusActive, "kube-proxy": ekstypes.AddonStatusActive,
		"coredns": ekstypes.AddonStatusActive, "aws-ebs-csi-driver": ekstypes.AddonStatusActive,
	}
}

// The cluster's version goes up before its nodes', its mode goes on, its nodes
// are bought otherwise and keep other numbers of addresses; what EKS cannot take
// back is refused, and changes nothing.
func TestClusterSettingsChange(t *testing.T) {
	inTurn(t, 1)
	t.Parallel()
	const cluster = "e6data-analytics"
	d := start(t, "")
	var order []string
	s := d.clients.NewStack("quickstart", rehearsal.TemplateURL(d.Region, d.bucket, d.version+"/quickstart.yaml"), func(e rehearsal.Event) {
		logEvents(t)(e)
		if e.Status == "UPDATE_COMPLETE" {
			order = append(order, e.LogicalID)
		}
	})
	if err := s.Create(t.Context(), d.parameters(map[string]string{"KubernetesVersion": "1.35"})); err != nil {
		t.Fatal(err)
	}
	want := settled{
		Version: "1.35", NodesVersion: "1.35", Mode: ekstypes.AuthenticationModeApiAndConfigMap, Capacity: ekstypes.CapacityTypesOnDemand,
		Groups: 1, Ready: 2, WarmIPs: "2", Addons: active(),
	}
	d.becomes(t, cluster, "the create", want)

	step := func(name string, change map[string]string, after func(*settled)) {
		t.Helper()
		order = nil
		if err := s.Update(t.Context(), change); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		after(&want)
		d.becomes(t, cluster, name, want)
	}
	step("a new version", map[string]string{"KubernetesVersion": "1.36"}, func(s *settled) { s.Version, s.NodesVersion = "1.36", "1.36" })
	if first, then := slices.Index(order, "Cluster"), slices.Index(order, "NodeGroup"); first < 0 || then < first {
		t.Errorf("updated in the order %v, want the cluster before its nodes", order)
	}
	step("other addresses", map[string]string{"VpcCniWarmTargets": "WARM_IP_TARGET=5"}, func(s *settled) { s.WarmIPs = "5" })
	step("EKS's own numbers", map[string]string{"VpcCniWarmTargets": ""}, func(s *settled) { s.WarmIPs = "" })
	step("access entries alone", map[string]string{"ClusterAuthenticationMode": "API"}, func(s *settled) { s.Mode = ekstypes.AuthenticationModeApi })
	step("spot", map[string]string{"NodeGroupCapacityType": "SPOT"}, func(s *settled) { s.Capacity = ekstypes.CapacityTypesSpot })

	for name, c := range map[string]struct{ parameter, value, reason string }{
		"the mode goes back":    {"ClusterAuthenticationMode", "API_AND_CONFIG_MAP", "Unsupported authentication mode update"},
		"the version goes back": {"KubernetesVersion", "1.35", "1.35"},
		"secrets get a key":     {"KmsKeyArn", "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab", "KmsKeyArn cannot change"},
	} {
		t.Run(name, func(t *testing.T) {
			err := s.Update(t.Context(), map[string]string{c.parameter: c.value})
			var failed *rehearsal.FailedError
			if !errors.As(err, &failed) || failed.Status != "UPDATE_ROLLBACK_COMPLETE" || !strings.Contains(failed.Error(), c.reason) {
				t.Fatalf("the update ended with %v, want a rollback that says %q", err, c.reason)
			}
			d.becomes(t, cluster, "the rollback", want)
		})
	}
	kept := retained(t, s)
	remove(t, s)
	if diff := cmp.Diff(kept, withoutAuthMap(d.leftovers(t))); diff != "" {
		t.Errorf("left after delete (-retained +left):\n%s", diff)
	}
}
