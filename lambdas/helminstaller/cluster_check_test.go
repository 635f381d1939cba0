package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/e6data/aws-quickstart/internal/clustercheck"
	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
	"github.com/e6data/aws-quickstart/internal/kube"
	"github.com/e6data/aws-quickstart/internal/release"
)

var _ customresource.Handler[contract.ClusterCheck, contract.ClusterCheckData] = (*clusterCheck)(nil)

// sight is a watcher that always sees the same.
type sight struct {
	picture clustercheck.Picture
	err     error
	wanted  clustercheck.Want
	block   bool
}

func (s *sight) Picture(ctx context.Context, w clustercheck.Want) (clustercheck.Picture, error) {
	s.wanted = w
	if s.block {
		<-ctx.Done()
		return clustercheck.Picture{}, ctx.Err()
	}
	return s.picture, s.err
}

// good has both controllers, and nothing else is looked for.
func good() clustercheck.Picture {
	v1 := clustercheck.Definition{Served: []string{"v1"}, Storage: "v1"}
	return clustercheck.Picture{
		Version: "v1.36.3-eks-1",
		Definitions: map[string]clustercheck.Definition{
			"nodepools.karpenter.sh": v1, "nodeclaims.karpenter.sh": v1, "ec2nodeclasses.karpenter.k8s.aws": v1,
			"targetgroupbindings.elbv2.k8s.aws": v1, "ingressclassparams.elbv2.k8s.aws": v1,
		},
		Deployments: []clustercheck.Deployment{
			{Part: clustercheck.Karpenter, Namespace: "karpenter", Name: "karpenter", Version: "1.13.1", Ready: 1, ServiceAccount: "karpenter", RoleARN: "arn:aws:iam::111122223333:role/K"},
			{Part: clustercheck.LoadBalancer, Namespace: "net", Name: "lbc", Version: "3.4.0", Ready: 1},
		},
		IngressControllers: map[string][]string{"ingress.k8s.aws/alb": {"alb"}},
	}
}

func bad() clustercheck.Picture {
	p := good()
	p.Deployments[0].Ready, p.Deployments[1].Ready = 0, 0
	return p
}

func checkProps() contract.ClusterCheck {
	return contract.ClusterCheck{
		ClusterName: "prod", WorkspaceName: "acme", KubernetesNamespace: "e6data", NodePoolName: "e6data-acme",
		Karpenter: contract.ControllerExisting, LoadBalancerController: contract.ControllerExisting, KarpenterControllerRoleName: "K",
	}
}

func digest(t *testing.T, p contract.ClusterCheck) string {
	t.Helper()
	d, err := digestOf(p)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestClusterCheck(t *testing.T) {
	other := checkProps()
	other.KubernetesNamespace = "other"
	first, second := digest(t, checkProps()), digest(t, other)
	id := func(digests ...string) string { return "clustercheck/prod/acme/" + strings.Join(digests, ",") }
	facts := contract.ClusterCheckData{
		KubernetesVersion: "1.36", KarpenterVersion: "1.13.1", KarpenterNamespace: "karpenter", KarpenterControllerRoleName: "K",
		LoadBalancerControllerVersion: "3.4.0", LoadBalancerControllerNamespace: "net",
	}
	both := []string{"cluster prod is not ready for workspace acme, 2 problems: (1) Karpenter karpenter/karpenter has no ready pod", "(2) the AWS Load Balancer Controller net/lbc"}
	cases := map[string]struct {
		update   string // the old physical ID; empty: Create
		props    contract.ClusterCheck
		sees     sight
		find     error
		physical string
		say      []string
	}{
		"create":                              {props: checkProps(), sees: sight{picture: good()}, physical: id(first)},
		"create on a cluster not ready":       {props: checkProps(), sees: sight{picture: bad()}, say: both},
		"create without a cluster":            {props: checkProps(), find: kube.ErrNoCluster, say: []string{"cluster does not exist"}},
		"create with a look that fails":       {props: checkProps(), sees: sight{err: errors.New("connection reset")}, say: []string{"connection reset"}},
		"update":                              {update: id(first), props: other, sees: sight{picture: good()}, physical: id(first, second)},
		"update on a cluster not ready":       {update: id(first), props: other, sees: sight{picture: bad()}, say: both},
		"its rollback":                        {update: id(first), props: checkProps(), sees: sight{picture: bad()}, physical: id(first)},
		"rollback of one that passed":         {update: id(first, second), props: checkProps(), sees: sight{picture: bad()}, physical: id(second, first)},
		"rollback to a cluster out of reach":  {update: id(first), props: checkProps(), sees: sight{err: errors.New("no route")}, say: []string{"no route"}},
		"update of an ID that has no digests": {update: "clustercheck/prod", props: checkProps(), sees: sight{picture: bad()}, say: both},
		"properties of the wrong form": {
			props: contract.ClusterCheck{WorkspaceName: "A", Karpenter: "Maybe", LoadBalancerController: contract.ControllerInstall},
			say:   []string{"ClusterName", "WorkspaceName", "KubernetesNamespace", "NodePoolName", `Karpenter "Maybe"`, "LoadBalancerControllerNamespace", "LoadBalancerControllerVersion"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			h := &clusterCheck{clusters: func(context.Context, string) (watcher, error) { return &tc.sees, tc.find }}
			r := checkRequest{StackID: stackID, LogicalID: "ClusterCheck", Props: tc.props, PhysicalID: tc.update}
			do := h.Create
			if tc.update != "" {
				do = h.Update
			}
			got, err := do(t.Context(), r)
			if (err != nil) != (len(tc.say) > 0) {
				t.Fatalf("got error %v", err)
			}
			for _, part := range tc.say {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error lacks %q: %v", part, err)
				}
			}
			want := checkResponse{PhysicalID: tc.physical}
			if err == nil {
				want.Data = facts
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answer differs (-want +got):\n%s", diff)
			}
			if tc.update != "" && !h.Owns(tc.update) {
				t.Error("it does not own its ID")
			}
			if err := h.Delete(t.Context(), r); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWhatAClusterCheckWants(t *testing.T) {
	s := &sight{picture: good()}
	h := &clusterCheck{clusters: func(context.Context, string) (watcher, error) { return s, nil }}
	p := checkProps()
	p.Karpenter, p.KarpenterNamespace, p.KarpenterVersion = contract.ControllerInstall, "karpenter", "1.14.0"
	p.LoadBalancerControllerNamespace, p.LoadBalancerControllerVersion = "net", "3.5.0"
	p.DebugNamespaces = "kube-system,team-a"
	_, err := h.Create(t.Context(), checkRequest{StackID: stackID, LogicalID: "ClusterCheck", Props: p})
	if err == nil {
		t.Error("a Karpenter of somebody else's is installed over")
	}
	want := clustercheck.Want{
		Stack:       release.OwnerOf(stackID, "ClusterCheck"),
		ClusterName: "prod", WorkspaceName: "acme", Namespace: "e6data", NodePoolName: "e6data-acme", ControllerRoleName: "K",
		DebugNamespaces: []string{"kube-system", "team-a"},
		Karpenter:       clustercheck.Controller{Install: true, Namespace: "karpenter", Version: "1.14.0"},
	}
	if diff := cmp.Diff(want, s.wanted); diff != "" {
		t.Errorf("wanted (-want +got):\n%s", diff)
	}
}

func TestASlowClusterIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &clusterCheck{clusters: func(context.Context, string) (watcher, error) { return &sight{block: true}, nil }}
		_, err := h.Create(t.Context(), checkRequest{StackID: stackID, LogicalID: "ClusterCheck", Props: checkProps()})
		if err == nil || !strings.Contains(err.Error(), "within 2m0s") {
			t.Errorf("got %v", err)
		}
	})
}

func TestNotesAreAnswered(t *testing.T) {
	p := good()
	p.Deployments[0].Version = "1.20.0"
	for i := range 20 {
		p.BrokenAPIs = append(p.BrokenAPIs, clustercheck.BrokenAPI{Name: fmt.Sprintf("v1.api-%d.exämple.test", i), Reason: "ServiceNotFound"})
	}
	h := &clusterCheck{clusters: func(context.Context, string) (watcher, error) { return &sight{picture: p}, nil }}
	got, err := h.Create(t.Context(), checkRequest{StackID: stackID, LogicalID: "ClusterCheck", Props: checkProps()})
	if err != nil {
		t.Fatal(err)
	}
	notes := got.Data.Notes
	if len(notes) > 1000 || len(notes) < 990 || !strings.HasPrefix(notes, "(1) the API v1.api-0.exämple.test does not answer") || !strings.HasSuffix(notes, "(the rest is in the log)") {
		t.Errorf("%d bytes: %s", len(notes), notes)
	}
	if strings.ToValidUTF8(notes, "?") != notes {
		t.Errorf("a letter is cut: %s", notes)
	}
}

func TestCheckIdentityRoundTrip(t *testing.T) {
	part := rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9_-]{0,99}`)
	rapid.Check(t, func(r *rapid.T) {
		want := checkIdentity{cluster: part.Draw(r, "cluster"), workspace: part.Draw(r, "workspace")}
		for _, d := range rapid.SliceOfN(rapid.StringMatching(`[0-9a-f]{12}`), 1, 40).Draw(r, "digests") {
			want = want.with(d)
			if !slices.Contains(want.passed, d) {
				r.Fatalf("%q is forgotten at once", d)
			}
		}
		text := want.String()
		if len(text) > 1024 {
			r.Fatalf("the ID has %d bytes", len(text))
		}
		if diff := cmp.Diff(want, parseCheckID(text), cmp.AllowUnexported(checkIdentity{})); diff != "" || !ownsCheckID(text) || ownsID(text) {
			r.Fatalf("%q is read differently:\n%s", text, diff)
		}
	})
}
