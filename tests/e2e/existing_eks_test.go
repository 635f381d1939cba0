package e2e

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6data/aws-quickstart/rehearsal"
)

const existingEKS = "templates/existing-eks.yaml"

// launch is a stack on a customer's cluster.
type launch struct {
	cluster rehearsal.CustomerCluster
	// mapped has an administrator map the installer's role in aws-auth before.
	mapped bool
	// asAdmin gives the customer's administrator role as ClusterAdminRoleArn.
	asAdmin bool
	// changesMode lets the stack change the cluster's authentication mode.
	changesMode bool
}

// launches pass. Nodes of two zones are for a Karpenter that is installed.
var launches = map[string]launch{
	"API": {cluster: rehearsal.CustomerCluster{Mode: "API"}},
	"API, their controllers": {
		cluster: rehearsal.CustomerCluster{Mode: "API", Karpenter: true, LoadBalancerController: true},
	},
	"API_AND_CONFIG_MAP":                     {cluster: rehearsal.CustomerCluster{Mode: "API_AND_CONFIG_MAP"}},
	"API_AND_CONFIG_MAP, their Karpenter":    {cluster: rehearsal.CustomerCluster{Mode: "API_AND_CONFIG_MAP", Karpenter: true}},
	"API_AND_CONFIG_MAP, without aws-auth":   {cluster: rehearsal.CustomerCluster{Mode: "API_AND_CONFIG_MAP", NoAWSAuth: true}},
	"API_AND_CONFIG_MAP, without a provider": {cluster: rehearsal.CustomerCluster{Mode: "API_AND_CONFIG_MAP", NoOIDCProvider: true}},
	"CONFIG_MAP, mapped before":              {mapped: true},
	"CONFIG_MAP, mapped before, their controllers": {
		cluster: rehearsal.CustomerCluster{Karpenter: true, LoadBalancerController: true}, mapped: true,
	},
	"CONFIG_MAP, by their administrator":                  {asAdmin: true},
	"CONFIG_MAP, by their administrator, their Karpenter": {cluster: rehearsal.CustomerCluster{Karpenter: true}, asAdmin: true},
	"CONFIG_MAP, to change the mode":                      {changesMode: true},
}

// installerRole is the ARN that an administrator knows before the launch.
const installerRole = "arn:aws:iam::" + account + ":role/e6data-analytics-installer-us-east-1"

// answers are the customer's, and all of the stack's.
func (l launch) answers(t *testing.T, d *deployment, m *rehearsal.MadeCluster) (given, all map[string]string) {
	t.Helper()
	given = d.parameters(m.Answers())
	given["ControlPlanePrincipalArn"] = "arn:aws:iam::" + account + ":root" // the test speaks as it
	if l.asAdmin {
		given["ClusterAdminRoleArn"] = m.Admin
	}
	if l.changesMode {
		given["AllowAuthModeChange"] = "Yes"
	}
	return given, committed(t, existingEKS).Answered(given)
}

// allowance adds what EKS does by itself when the mode changes.
func (l launch) allowance(m *rehearsal.MadeCluster, a rehearsal.Allowance) rehearsal.Allowance {
	if l.changesMode {
		change := m.ModeChange()
		a.Mode, a.New = change.Mode, append(a.New, change.New...)
	}
	return a
}

// A workspace on a customer's cluster gets in, in each way that there is; nodes
// come and go; all of the customer's stays as it is meanwhile and afterwards.
func TestExistingEKS(t *testing.T) {
	t.Parallel()
	for _, name := range sample(t, slices.Sorted(maps.Keys(launches)), 2) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := launches[name]
			d := start(t, "")
			m := d.customersCluster(t, l.cluster)
			if l.mapped {
				d.mapInstaller(t, m)
			}
			d.live(t, l, m)
			if err := m.Remove(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// mapInstaller is what an administrator does before the launch.
func (d *deployment) mapInstaller(t *testing.T, m *rehearsal.MadeCluster) {
	t.Helper()
	entry := "\n- rolearn: " + installerRole + "\n  username: e6data-installer\n  groups: [system:masters]\n"
	if err := newVictim(t, d, m).auth(t.Context(), func(data map[string]string) { data["mapRoles"] += entry }); err != nil {
		t.Fatal(err)
	}
	if err := m.Remember(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// live creates a stack on the customer's cluster, has nodes started, updates it
// and deletes it.
func (d *deployment) live(t *testing.T, l launch, m *rehearsal.MadeCluster) {
	t.Helper()
	given, all := l.answers(t, d, m)
	standing := l.allowance(m, rehearsal.StackAllowance("quickstart", all))
	s := d.of(t, existingEKS, "quickstart")
	if err := s.Create(t.Context(), given); err != nil {
		t.Fatal(err)
	}
	outputs := checkOutputs(t, s)
	d.checkAccountWasRead(t, s)
	if err := m.CheckKept(t.Context(), standing); err != nil {
		t.Error(err)
	}
	if outputs["ClusterName"] != m.Name || outputs["VpcId"] != m.VPC.ID {
		t.Errorf("the workspace is on cluster %s of %s", outputs["ClusterName"], outputs["VpcId"])
	}
	d.checkControlPlane(t, outputs)
	d.checkWaysIn(t, l, m, outputs)
	p := newPool(t, d, outputs)
	p.want(t, 2)
	await(t, "the pods run", p.running)
	if err := s.Update(t.Context(), map[string]string{"NodePoolCpuLimit": "2000"}); err != nil {
		t.Fatal(err)
	}
	p.rest(t)
	// Kubernetes and EKS forget nodes that have ended by and by.
	await(t, "the customer's stays", func(ctx context.Context) error { return m.CheckKept(ctx, standing) })
	resources, err := s.Resources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kept := committed(t, existingEKS).Retained(resources)
	if err := s.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	gone := l.allowance(m, rehearsal.LeftAllowance(all))
	await(t, "the customer's is as it was", func(ctx context.Context) error { return m.CheckBack(ctx, gone) })
	left := d.leftovers(t)
	if l.changesMode {
		// EKS makes entries of its own when the mode changes; CheckBack knows them.
		left = slices.DeleteFunc(left, func(i rehearsal.Item) bool { return i.Type == "AWS::EKS::AccessEntry" })
	}
	if diff := cmp.Diff(kept, left); diff != "" {
		t.Errorf("left after delete (-retained +left):\n%s", diff)
	}
}

// checkWaysIn looks whether the stack's roles are let in as the mode has it.
func (d *deployment) checkWaysIn(t *testing.T, l launch, m *rehearsal.MadeCluster, outputs map[string]string) {
	t.Helper()
	entries, err := d.clients.EKS.ListAccessEntries(t.Context(), &eks.ListAccessEntriesInput{ClusterName: &m.Name})
	mode := l.cluster.Mode
	if l.changesMode {
		mode = ekstypes.AuthenticationModeApiAndConfigMap
	}
	byEntry := mode != "" && mode != ekstypes.AuthenticationModeConfigMap
	if byEntry && err != nil {
		t.Fatal(err)
	}
	mapped := ""
	if found, err := d.kube(t, m.Name).CoreV1().ConfigMaps("kube-system").Get(t.Context(), "aws-auth", metav1.GetOptions{}); err == nil {
		mapped = found.Data["mapRoles"]
	}
	for _, role := range []string{installerRole, outputs["CrossAccountRoleArn"], outputs["KarpenterNodeRoleArn"]} {
		hasEntry := byEntry && slices.Contains(entries.AccessEntries, role)
		if isMapped := strings.Contains(mapped, role); hasEntry != byEntry || isMapped == byEntry {
			t.Errorf("in the mode %s %s has an access entry: %t, is in aws-auth: %t", mode, role, hasEntry, isMapped)
		}
	}
}
