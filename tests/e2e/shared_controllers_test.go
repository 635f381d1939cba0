package e2e

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/rehearsal"
)

// A workspace whose stack installed Karpenter and the load balancer controller
// goes, and with it not the controllers while another workspace uses them: the
// delete names what does, and passes when that has gone.
func TestControllersThatOthersUseStay(t *testing.T) {
	inTurn(t, 2)
	t.Parallel()
	d := start(t, "")
	l := launch{cluster: rehearsal.CustomerCluster{Mode: "API_AND_CONFIG_MAP"}}
	m := d.customersCluster(t, l.cluster)
	first, second := l.neighbour(t, d, m, "analytics"), l.neighbour(t, d, m, "research")
	first.create(t)
	resources, err := first.Resources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kept := committed(t, existingEKS).Retained(resources)
	second.given["KarpenterOnCluster"], second.given["LoadBalancerControllerOnCluster"] = "Existing", "Existing"
	second.given["KarpenterControllerRoleName"] = resources["KarpenterControllerRole"]
	second.all = committed(t, existingEKS).Answered(second.given)
	second.create(t)

	err = first.Delete(t.Context())
	if err == nil {
		t.Fatal("the controllers are deleted while the second workspace uses them")
	}
	for _, want := range []string{
		"uninstall release kube-system/karpenter: refused", "uninstall release kube-system/aws-load-balancer-controller: refused",
		"release e6data-research/research of the stack research", "NodePool e6data-research (of release e6data-research/e6data-research)",
		"EC2NodeClass e6data-research (of release e6data-research/e6data-research)", "then delete this stack again",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the reason does not say %q:\n%v", want, err)
		}
	}
	p := newPool(t, d, second.outputs)
	p.want(t, 1)
	await(t, "a node comes for the second's pod", p.running)
	d.checkControlPlane(t, second.outputs)
	p.rest(t)

	kept = append(kept, second.destroy(t)...)
	if err := first.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, "the customer's is as it was", func(ctx context.Context) error { return m.CheckBack(ctx, rehearsal.LeftAllowance(first.all)) })
	if diff := cmp.Diff(sorted(kept), sorted(d.leftovers(t))); diff != "" {
		t.Errorf("left after both deletes (-retained +left):\n%s", diff)
	}
	if err := m.Remove(t.Context()); err != nil {
		t.Error(err)
	}
}
