package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/e6data/aws-quickstart/internal/chart"
	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
	"github.com/e6data/aws-quickstart/internal/kube"
	"github.com/e6data/aws-quickstart/internal/release"
)

const stackID = "arn:aws:cloudformation:us-east-1:111122223333:stack/ws/5f6e7d8c-0000"

// recorder is an installer that writes down what it is asked for.
type recorder struct {
	apply  error
	remove error
	calls  []string
}

func (r *recorder) Apply(_ context.Context, o release.Owner, s release.Spec) (release.Result, error) {
	r.calls = append(r.calls, fmt.Sprintf("apply %s for %s, adopt %v, timeout %s, values %v", s.Target, o, s.Adopt, s.Timeout, s.Values))
	return release.Result{Revision: 3, Status: "deployed", ChartVersion: "1.2.3", AppVersion: "4"}, r.apply
}

func (r *recorder) Remove(_ context.Context, o release.Owner, w release.Removal) error {
	call := fmt.Sprintf("remove %s for %s, timeout %s", w.Target, o, w.Timeout)
	for _, d := range w.Dependents {
		call += ", with " + d.String()
	}
	for _, resource := range w.NeededBy {
		call += ", without " + resource
	}
	r.calls = append(r.calls, call)
	return r.remove
}

type anyChart struct{ err error }

func (c anyChart) Load(context.Context, chart.Reference) (*chart.Chart, error) {
	return &chart.Chart{}, c.err
}

func props() contract.HelmRelease {
	return contract.HelmRelease{
		ClusterName: "demo", Namespace: "apps", ReleaseName: "app", Repository: "builtin:", Chart: "nodepool",
		Values: `{"size":2}`, TimeoutSeconds: 60, Adopt: contract.AdoptExisting,
	}
}

func asked(change ...func(*request)) request {
	r := request{StackID: stackID, LogicalID: "App", Props: props()}
	for _, c := range change {
		c(&r)
	}
	return r
}

func was(id string) func(*request) { return func(r *request) { r.PhysicalID = id } }

var _ customresource.Identifier[contract.HelmRelease] = (*helmRelease)(nil)

const applied = "apply apps/app for resource App of stack ws, adopt true, timeout 1m0s, values map[size:2]"

func TestCreateAndUpdate(t *testing.T) {
	const id = "helmrelease/demo/apps/app"
	broken := errors.New("the pods do not start")
	cases := map[string]struct {
		update   string // the old physical ID; empty: Create
		change   func(*request)
		cluster  recorder
		find     error // finding the cluster
		chart    error
		physical string
		calls    []string
		say      []string
	}{
		"create":                              {physical: id, calls: []string{applied}},
		"create that failed half way":         {cluster: recorder{apply: broken}, physical: id, calls: []string{applied}, say: []string{"the pods do not start"}},
		"create that changed nothing":         {cluster: recorder{apply: release.NothingDone(broken)}, calls: []string{applied}, say: []string{"the pods do not start"}},
		"create without a chart":              {chart: errors.New("no such chart"), say: []string{"no such chart"}},
		"create without a cluster":            {find: kube.ErrNoCluster, say: []string{"cluster does not exist"}},
		"update":                              {update: id, physical: id, calls: []string{applied}},
		"update that failed":                  {update: id, cluster: recorder{apply: broken}, physical: id, calls: []string{applied}, say: []string{"the pods do not start"}},
		"update to another namespace":         {update: "helmrelease/demo/old/app", physical: id, calls: []string{applied}},
		"update to another one without chart": {update: "helmrelease/demo/old/app", chart: errors.New("no such chart"), physical: "helmrelease/demo/old/app", say: []string{"no such chart"}},
		"failed update to another namespace takes the new one away": {
			update: "helmrelease/demo/old/app", cluster: recorder{apply: broken}, physical: "helmrelease/demo/old/app",
			calls: []string{applied, "remove apps/app for resource App of stack ws, timeout 1m0s"}, say: []string{"the pods do not start"},
		},
		"and says so if it cannot": {
			update: "helmrelease/demo/old/app", cluster: recorder{apply: broken, remove: errors.New("stuck")}, physical: "helmrelease/demo/old/app",
			calls: []string{applied, "remove apps/app for resource App of stack ws, timeout 1m0s"}, say: []string{"the pods do not start", "apps/app could not be removed", "stuck"},
		},
		"all that is wrong is told at once": {
			change: func(r *request) {
				r.Props.Namespace, r.Props.ReleaseName, r.Props.TimeoutSeconds, r.Props.Adopt, r.Props.Values = "A_b", strings.Repeat("r", 54), -1, "Perhaps", `{"a":}`
				r.Props.Dependents = []contract.Dependents{{Resource: "nodes"}}
			},
			say: []string{"Namespace", "ReleaseName", "TimeoutSeconds", "Adopt", "line 1, column 6", "everything would be meant"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			h := &helmRelease{charts: anyChart{tc.chart}, clusters: func(context.Context, string) (installer, error) { return &tc.cluster, tc.find }}
			r := asked(was(tc.update))
			if tc.change != nil {
				tc.change(&r)
			}
			do := h.Create
			if tc.update != "" {
				do = h.Update
			}
			got, err := do(t.Context(), r)
			for _, part := range tc.say {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("the error lacks %q: %v", part, err)
				}
			}
			want := response{PhysicalID: tc.physical}
			if len(tc.say) == 0 {
				if err != nil {
					t.Fatal(err)
				}
				want.Data = contract.HelmReleaseData{ReleaseName: "app", Namespace: "apps", Revision: 3, Status: "deployed", ChartVersion: "1.2.3", AppVersion: "4"}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answer differs (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.calls, tc.cluster.calls); diff != "" {
				t.Errorf("calls differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDelete(t *testing.T) {
	cases := map[string]struct {
		id      string
		change  func(*request)
		cluster recorder
		find    error
		calls   []string
		fails   bool
	}{
		"by the ID alone":                       {id: "helmrelease/demo/apps/app", change: func(r *request) { r.Props = contract.HelmRelease{} }, calls: []string{"remove apps/app for resource App of stack ws, timeout 0s"}},
		"what the ID names, not the properties": {id: "helmrelease/demo/old/app", calls: []string{"remove old/app for resource App of stack ws, timeout 1m0s"}},
		"an unreadable ID":                      {id: "helmrelease/demo"},
		"dependents too": {
			id: "helmrelease/demo/apps/app",
			change: func(r *request) {
				r.Props.Dependents = []contract.Dependents{{Resource: "nodeclaims.karpenter.sh", Selector: "pool=app"}}
			},
			calls: []string{"remove apps/app for resource App of stack ws, timeout 1m0s, with nodeclaims.karpenter.sh with pool=app"},
		},
		"unless others need it": {
			id:     "helmrelease/demo/apps/app",
			change: func(r *request) { r.Props.NeededBy = []string{"nodepools.karpenter.sh"} },
			calls:  []string{"remove apps/app for resource App of stack ws, timeout 1m0s, without nodepools.karpenter.sh"},
		},
		"a cluster that is gone":        {id: "helmrelease/demo/apps/app", find: fmt.Errorf("%w: demo", kube.ErrNoCluster)},
		"a cluster that cannot be seen": {id: "helmrelease/demo/apps/app", find: errors.New("AccessDenied"), fails: true},
		"objects that do not go":        {id: "helmrelease/demo/apps/app", cluster: recorder{remove: errors.New("stuck")}, calls: []string{"remove apps/app for resource App of stack ws, timeout 1m0s"}, fails: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			h := &helmRelease{charts: anyChart{}, clusters: func(context.Context, string) (installer, error) { return &tc.cluster, tc.find }}
			r := asked(was(tc.id))
			if tc.change != nil {
				tc.change(&r)
			}
			if err := h.Delete(t.Context(), r); (err != nil) != tc.fails {
				t.Errorf("got error %v", err)
			}
			if diff := cmp.Diff(tc.calls, tc.cluster.calls); diff != "" {
				t.Errorf("calls differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestIdentityRoundTrip(t *testing.T) {
	part := rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9_-]{0,20}`)
	rapid.Check(t, func(r *rapid.T) {
		want := identity{cluster: part.Draw(r, "cluster"), target: release.Target{Namespace: part.Draw(r, "namespace"), Name: part.Draw(r, "name")}}
		got, err := parseIdentity(want.String())
		if err != nil || got != want || !ownsID(want.String()) {
			r.Fatalf("%q is read as %+v, %v", want, got, err)
		}
	})
}

func FuzzParseIdentity(f *testing.F) {
	for _, seed := range []string{"helmrelease/a/b/c", "helmrelease/", "helmrelease/a/b/c/d", "", "2021/05/01/[$LATEST]abc"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if id, err := parseIdentity(text); err == nil && id.String() != text {
			t.Errorf("%q is read as %q", text, id)
		}
	})
}
