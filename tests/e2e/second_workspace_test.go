package e2e

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6data/aws-quickstart/rehearsal"
)

// neighbours are clusters on which two workspaces live, one account's both.
var neighbours = map[string]launch{
	"API_AND_CONFIG_MAP": {cluster: rehearsal.CustomerCluster{Mode: "API_AND_CONFIG_MAP", Karpenter: true, LoadBalancerController: true}},
	"CONFIG_MAP":         {cluster: rehearsal.CustomerCluster{Karpenter: true, LoadBalancerController: true}, asAdmin: true},
}

// neighbour is a workspace beside another.
type neighbour struct {
	*rehearsal.Stack
	given, all map[string]string
	outputs    map[string]string
}

func (l launch) neighbour(t *testing.T, d *deployment, m *rehearsal.MadeCluster, workspace string) *neighbour {
	t.Helper()
	n := &neighbour{Stack: d.of(t, existingEKS, workspace)}
	n.given, _ = l.answers(t, d, m)
	n.given["WorkspaceName"], n.given["KubernetesNamespace"] = workspace, "e6data-"+workspace
	n.all = committed(t, existingEKS).Answered(n.given)
	return n
}

func (n *neighbour) allowance() rehearsal.Allowance {
	return rehearsal.StackAllowance(n.Name, n.all)
}

func (n *neighbour) create(t *testing.T) {
	t.Helper()
	if err := n.Create(t.Context(), n.given); err != nil {
		t.Fatal(err)
	}
	n.outputs = checkOutputs(t, n.Stack)
}

// destroy deletes the stack and returns what of it stays on purpose.
func (n *neighbour) destroy(t *testing.T) []rehearsal.Item {
	t.Helper()
	resources, err := n.Resources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	return committed(t, existingEKS).Retained(resources)
}

// Two workspaces of one account on one cluster know nothing of each other: what
// one has stays as it is when the other comes, changes and goes, also if the
// other was there first. In the end all is as before the first.
func TestSecondWorkspaceOnACluster(t *testing.T) {
	inTurn(t, 1)
	t.Parallel()
	for _, name := range sample(t, slices.Sorted(maps.Keys(neighbours)), 1) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := neighbours[name]
			d := start(t, "")
			m := d.customersCluster(t, l.cluster)
			first, second := l.neighbour(t, d, m, "analytics"), l.neighbour(t, d, m, "research")
			before := picture(t, m)
			first.create(t)
			one := picture(t, m)
			second.create(t)
			checkAdded(t, "the second's create", one, picture(t, m), second.allowance())
			d.checkNeighbours(t, m, first, second)

			p := newPool(t, d, second.outputs)
			p.want(t, 1)
			await(t, "the second's pod runs", p.running)
			both := picture(t, m)
			checkAdded(t, "the second's node", one, both, second.allowance().And(engineOfTheTest))
			if err := first.Update(t.Context(), map[string]string{"NodePoolCpuLimit": "2000", "NodeTags": "team=data"}); err != nil {
				t.Fatal(err)
			}
			checkOnly(t, "the first's update", both, picture(t, m), first)

			both = picture(t, m)
			kept := first.destroy(t)
			await(t, "the first is gone, and nothing else", func(ctx context.Context) error { return goneOnly(ctx, m, both, before, one, first) })
			if err := m.CheckKept(t.Context(), second.allowance().And(engineOfTheTest)); err != nil {
				t.Error(err)
			}
			d.checkNeighbours(t, m, second)
			if err := p.running(t.Context()); err != nil {
				t.Errorf("the second's pod: %v", err)
			}
			if err := second.Update(t.Context(), map[string]string{"NodePoolCpuLimit": "3000"}); err != nil {
				t.Errorf("an update of the second, alone: %v", err)
			}
			p.rest(t)
			kept = append(kept, second.destroy(t)...)
			await(t, "the customer's is as it was", func(ctx context.Context) error { return m.CheckBack(ctx, rehearsal.LeftAllowance(second.all)) })
			if diff := cmp.Diff(sorted(kept), sorted(d.leftovers(t))); diff != "" {
				t.Errorf("left after both deletes (-retained +left):\n%s", diff)
			}
			if err := m.Remove(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func picture(t *testing.T, m *rehearsal.MadeCluster) rehearsal.Picture {
	t.Helper()
	p, err := m.Picture(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// checkAdded fails if anything but additions that are allowed came about.
func checkAdded(t *testing.T, what string, before, after rehearsal.Picture, allowed rehearsal.Allowance) {
	t.Helper()
	for _, c := range after.Since(before, allowed) {
		t.Errorf("%s: %s", what, c)
	}
}

// engineOfTheTest is what the test itself has on the cluster beside the workspaces.
var engineOfTheTest = rehearsal.Allowance{New: []string{"* default/engine*"}}

// restless tells whether a change is one that a node goes through by itself, and
// not its end.
func restless(c rehearsal.Change) bool {
	kind, _, _ := strings.Cut(c.Thing, " ")
	return c.Was != "" && c.Is != "" && slices.Contains([]string{"Node", "NodeClaim.karpenter.sh", "instance"}, kind)
}

// checkOnly fails if anything but a workspace's own things changed.
func checkOnly(t *testing.T, what string, before, after rehearsal.Picture, own *neighbour) {
	t.Helper()
	for _, c := range after.Since(before, rehearsal.Allowance{}) {
		if !strings.Contains(c.Thing, own.given["WorkspaceName"]) && !restless(c) {
			t.Errorf("%s: %s", what, c)
		}
	}
}

// goneOnly says what is other than it was with both workspaces, but for that
// which came with the first, and went with it. Its entries in aws-auth are looked
// at elsewhere: they are parts of a thing.
func goneOnly(ctx context.Context, m *rehearsal.MadeCluster, both, before, one rehearsal.Picture, first *neighbour) error {
	now, err := m.Picture(ctx)
	if err != nil {
		return err
	}
	var wrong []string
	for _, c := range now.Since(both, rehearsal.Allowance{}) {
		firsts := before[c.Thing] == "" && (one[c.Thing] != "" || strings.Contains(c.Thing, first.given["WorkspaceName"]))
		switch {
		case strings.HasPrefix(c.Thing, "aws-auth "), restless(c), firsts && c.Is == "":
		default:
			wrong = append(wrong, c.String())
		}
	}
	for thing := range one {
		if before[thing] == "" && now[thing] != "" {
			wrong = append(wrong, "left: "+thing)
		}
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		return fmt.Errorf("%d things: %s", len(wrong), strings.Join(wrong, "\n"))
	}
	return nil
}

// checkNeighbours looks whether each has all that it needs: its ways in, its
// releases, its NodePool, and that its control plane has its own namespace only.
func (d *deployment) checkNeighbours(t *testing.T, m *rehearsal.MadeCluster, all ...*neighbour) {
	t.Helper()
	list, err := d.Releases(t.Context(), m.Name)
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, r := range list {
		if strings.HasPrefix(r.Namespace, "e6data") {
			got = append(got, r.Namespace+"/"+r.Name+" "+r.Status)
		}
	}
	for _, n := range all {
		name, namespace := n.given["WorkspaceName"], n.given["KubernetesNamespace"]
		want = append(want, namespace+"/"+name+" deployed", namespace+"/e6data-"+name+" deployed")
		d.checkControlPlane(t, n.outputs)
		found, err := newPool(t, d, n.outputs).objects.Resource(nodePools).Get(t.Context(), n.outputs["NodePoolName"], metav1.GetOptions{})
		if err != nil || found.GetDeletionTimestamp() != nil || n.outputs["NodePoolName"] != "e6data-"+name {
			t.Errorf("%s: its NodePool %s: %v", name, n.outputs["NodePoolName"], err)
		}
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got))); diff != "" {
		t.Errorf("releases of the workspaces (-want +got):\n%s", diff)
	}
}

func sorted(items []rehearsal.Item) []rehearsal.Item {
	return slices.SortedFunc(slices.Values(items), func(a, b rehearsal.Item) int {
		return strings.Compare(a.Type+" "+a.ID, b.Type+" "+b.ID)
	})
}
