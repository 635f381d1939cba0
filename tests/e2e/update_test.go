package e2e

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/rehearsal/charts"
)

// An update that cannot be done is rolled back by CloudFormation, and the
// workspace goes on as it was: every release deployed, none lost.
func TestAFailedUpdateKeepsTheWorkspace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change map[string]string
		want   []string // parts of the reason
	}{
		"a chart version that does not exist": {
			map[string]string{"WorkspaceChartVersion": "9.9.9"},
			[]string{"Preflight", "there is no ", "workspace-9.9.9.tgz", "correct ChartSource or the versions"},
		},
		"a chart version that never gets ready": {
			map[string]string{"WorkspaceChartVersion": "2.1.13"},
			[]string{"Workspace", "pod e6data/analytics", "CrashLoopBackOff", "Revision 1, the last good one, is restored"},
		},
		"a zone in use is excluded": {
			map[string]string{"ExcludedAvailabilityZones": "us-east-1a"},
			[]string{"NetworkPlan", "us-east-1a"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := start(t, "")
			// Version 2.1.13 of the workspace chart has pods that crash.
			d.publishCharts(t, d.version+"/charts", charts.Options{
				Charts: []string{charts.Workspace}, Versions: map[string]string{charts.Workspace: "2.1.13"},
				Values: faultyWorkspace("CrashLoopBackOff"),
			})
			s := d.changed(t, "updated", impatient)
			if err := s.Create(t.Context(), d.parameters(nil)); err != nil {
				t.Fatal(err)
			}
			before := d.releaseNames(t, "e6data-analytics")
			d.rolledBack(t, s.Update(t.Context(), c.change), c.want...)
			if diff := cmp.Diff(before, d.releaseNames(t, "e6data-analytics")); diff != "" {
				t.Errorf("releases (-before +after the rollback):\n%s", diff)
			}
			kept := retained(t, s)
			remove(t, s)
			if diff := cmp.Diff(kept, d.leftovers(t)); diff != "" {
				t.Errorf("left after delete (-retained +left):\n%s", diff)
			}
		})
	}
}

// impatient makes every release wait for its pods, a short time.
func impatient(resources map[string]any) {
	for _, r := range resources {
		r := r.(map[string]any)
		if r["Type"] == "Custom::HelmRelease" {
			p := r["Properties"].(map[string]any)
			p["Wait"], p["TimeoutSeconds"] = "true", "15"
		}
	}
}

// releaseNames are the releases on a cluster, each of which must be deployed.
func (d *deployment) releaseNames(t *testing.T, cluster string) (names []string) {
	t.Helper()
	list, err := d.Releases(t.Context(), cluster)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		if r.Status != "deployed" {
			t.Errorf("release %s/%s is %s at revision %d", r.Namespace, r.Name, r.Status, r.Revision)
		}
		names = append(names, r.Namespace+"/"+r.Name)
	}
	return names
}
