package e2e

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6data/aws-quickstart/rehearsal"
)

var (
	createNow = metav1.CreateOptions{}
	deleteNow = metav1.DeleteOptions{}
)

// The embedded region has six zones, in one of which (us-east-1c) EKS makes no
// cluster: the sixth can only be an additional one.
var zoneCases = map[int]map[string]string{
	2: {"ExcludedAvailabilityZones": "us-east-1d,us-east-1e,use1-az6", "VpcCidr": "10.64.0.0/21"},
	3: {"ExcludedAvailabilityZones": "us-east-1d,us-east-1e", "NatGateways": "PerZone"},
	4: {"ExcludedAvailabilityZones": "us-east-1a", "VpcCidr": "192.168.0.0/17"},
	6: {"AdditionalAvailabilityZones": "us-east-1c", "NatGateways": "PerZone", "VpcCidr": "172.16.32.0/19"},
}

// A new VPC works in two, three, four and six zones.
func TestZones(t *testing.T) {
	t.Parallel()
	for _, n := range sample(t, slices.Sorted(maps.Keys(zoneCases)), 2) {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			d := start(t, "")
			s := d.stack(t)
			if err := s.Create(t.Context(), d.parameters(zoneCases[n])); err != nil {
				t.Fatal(err)
			}
			outputs := checkOutputs(t, s)
			zones := map[string]bool{}
			for _, subnet := range d.subnets(t, outputs["SubnetIds"]) {
				zones[aws.ToString(subnet.AvailabilityZone)] = true
			}
			if len(zones) != n || len(strings.Split(outputs["PublicSubnetIds"], ",")) != n {
				t.Errorf("%d zones are wanted, there are subnets in %v", n, zones)
			}
			before := d.cluster(t, outputs["ClusterName"])
			if err := s.Update(t.Context(), map[string]string{"NatGateways": "PerZone", "NodePoolCpuLimit": "2000"}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, d.cluster(t, outputs["ClusterName"])); diff != "" {
				t.Errorf("the cluster's subnets changed (-before +after):\n%s", diff)
			}
			d.end(t, s, "quickstart.yaml", nil)
		})
	}
}

// A zone comes on request, for Karpenter's nodes only; an update that fails
// takes it back; it does not go again.
func TestAZoneIsAddedOnRequest(t *testing.T) {
	inTurn(t, 3)
	t.Parallel()
	d := start(t, "")
	s := d.stack(t)
	if err := s.Create(t.Context(), d.parameters(map[string]string{"ExcludedAvailabilityZones": "us-east-1e,us-east-1f"})); err != nil {
		t.Fatal(err)
	}
	outputs := checkOutputs(t, s)
	cluster, inventory := d.cluster(t, outputs["ClusterName"]), d.leftovers(t)

	// Zones that are excluded no longer move nothing.
	if err := s.Update(t.Context(), map[string]string{"ExcludedAvailabilityZones": ""}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(withoutLaunchTemplates(inventory), withoutLaunchTemplates(d.leftovers(t))); diff != "" {
		t.Errorf("more zones on offer moved something (-before +after):\n%s", diff)
	}
	// The new zone is there already when the workspace fails: its chart is an
	// archive of nothing.
	if err := d.clients.Upload(t.Context(), d.bucket, d.version+"/charts/workspace-9.9.9.tgz", []byte("no archive")); err != nil {
		t.Fatal(err)
	}
	d.refusedUpdate(t, s, map[string]string{"AdditionalAvailabilityZones": "us-east-1c", "WorkspaceChartVersion": "9.9.9"}, "Workspace (Custom::HelmRelease)")
	if diff := cmp.Diff(withoutLaunchTemplates(inventory), withoutLaunchTemplates(d.leftovers(t))); diff != "" {
		t.Errorf("the rolled-back update left something (-before +after):\n%s", diff)
	}
	if err := s.Update(t.Context(), map[string]string{"AdditionalAvailabilityZones": "use1-az3,us-east-1f"}); err != nil {
		t.Fatal(err)
	}
	after := checkOutputs(t, s)
	if n := len(strings.Split(after["SubnetIds"], ",")); n != 5 || !strings.HasPrefix(after["SubnetIds"], outputs["SubnetIds"]+",") {
		t.Errorf("subnets were %s and are %s", outputs["SubnetIds"], after["SubnetIds"])
	}
	if diff := cmp.Diff(cluster, d.cluster(t, outputs["ClusterName"])); diff != "" {
		t.Errorf("the cluster's subnets changed (-before +after):\n%s", diff)
	}
	p := newPool(t, d, after)
	d.runsIn(t, p, "us-east-1f") // use1-az3 has no current instance types
	giveBack := d.withhold(t, grant{"OutputsFunctionRole", "cloudformation:DescribeStacks"}, "network-plan")
	d.refusedUpdate(t, s, map[string]string{"AdditionalAvailabilityZones": "us-east-1f"}, "is not authorized to perform: cloudformation:DescribeStacks")
	giveBack()
	d.refusedUpdate(t, s, map[string]string{"AdditionalAvailabilityZones": "us-east-1f"}, "the zones us-east-1c were added and cannot be taken out")
	d.refusedUpdate(t, s, map[string]string{"ExcludedAvailabilityZones": "us-east-1c"}, "us-east-1c")
	if err := p.running(t.Context()); err != nil {
		t.Errorf("after the refusals: %v", err)
	}
	p.rest(t)
	d.end(t, s, "quickstart.yaml", nil)
}

// withoutLaunchTemplates leaves out what Karpenter makes and removes by itself,
// when it likes.
func withoutLaunchTemplates(items []rehearsal.Item) []rehearsal.Item {
	return slices.DeleteFunc(slices.Clone(items), func(i rehearsal.Item) bool { return i.Type == "AWS::EC2::LaunchTemplate" })
}
