package release

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/action"
	helmchart "helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	helmkube "helm.sh/helm/v3/pkg/kube"
	kubefake "helm.sh/helm/v3/pkg/kube/fake"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"
	helmtime "helm.sh/helm/v3/pkg/time"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"pgregory.net/rapid"

	"github.com/e6data/aws-quickstart/internal/chart"
)

var (
	me       = Owner{Stack: "stack-1", StackName: "ws", Resource: "Karpenter"}
	sibling  = Owner{Stack: "stack-1", StackName: "ws", Resource: "KarpenterOld"}
	stranger = Owner{}
	target   = Target{Namespace: "apps", Name: "app"}
)

// aChart is new at each call: Helm changes charts as it uses them.
func aChart(version string) *chart.Chart {
	return &chart.Chart{Digest: "d-" + version, Helm: &helmchart.Chart{
		Metadata:  &helmchart.Metadata{APIVersion: "v2", Name: "app", Version: version, AppVersion: "7"},
		Templates: []*helmchart.File{{Name: "templates/x.yaml", Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n")}},
	}}
}

func aSpec() *Spec {
	return &Spec{Target: target, Chart: aChart("1.0.0"), Values: map[string]any{"size": int64(2)}, Wait: true}
}

// revision is one record as a run of mine would have left it; change edits it.
func revision(version int, status helmrelease.Status, change ...func(*helmrelease.Release)) *helmrelease.Release {
	r := &helmrelease.Release{
		Name: target.Name, Namespace: target.Namespace, Version: version, Chart: aChart("1.0.0").Helm,
		Config: map[string]any{"size": 2.0}, Labels: me.labels("d-1.0.0", nil),
		Info: &helmrelease.Info{Status: status, LastDeployed: helmtime.Time{Time: time.Now().Add(-time.Hour)}},
	}
	for _, c := range change {
		c(r)
	}
	return r
}

func ownedBy(o Owner) func(*helmrelease.Release) {
	return func(r *helmrelease.Release) {
		r.Labels = map[string]string{}
		if o != stranger {
			r.Labels = o.labels("d-1.0.0", nil)
		}
	}
}

func takenFrom(whom string) func(*helmrelease.Release) {
	return func(r *helmrelease.Release) { r.Labels[labelTakenFrom] = whom }
}

func withValues(v map[string]any) func(*helmrelease.Release) {
	return func(r *helmrelease.Release) { r.Config = v }
}

// newRun works on Helm's memory storage, with cluster in place of Kubernetes.
func newRun(tb testing.TB, spec *Spec, cluster helmkube.Interface, history ...*helmrelease.Release) *run {
	tb.Helper()
	memory := driver.NewMemory()
	memory.SetNamespace(target.Namespace)
	records := storage.Init(memory)
	for _, r := range history {
		if err := records.Create(r); err != nil {
			tb.Fatal(err)
		}
	}
	r := &Runner{
		kube:   fake.NewClientset(&core.Namespace{ObjectMeta: metav1.ObjectMeta{Name: target.Namespace}}),
		timing: DefaultTiming,
		helm: func(string) (*action.Configuration, error) {
			return &action.Configuration{
				Releases: records, KubeClient: cluster, Capabilities: chartutil.DefaultCapabilities.Copy(),
				Log: func(string, ...any) {}, HookOutputFunc: func(_, _, _ string) io.Writer { return io.Discard },
			}, nil
		},
	}
	w, err := r.open(target, me, spec)
	if err != nil {
		tb.Fatal(err)
	}
	return w
}

func healthy() *kubefake.FailingKubeClient {
	return &kubefake.FailingKubeClient{PrintingKubeClient: kubefake.PrintingKubeClient{Out: io.Discard}}
}

func notReadyCluster() *kubefake.FailingKubeClient {
	c := healthy()
	c.WaitError = errors.New("the wait timed out")
	return c
}

func TestApply(t *testing.T) {
	cases := map[string]struct {
		history []*helmrelease.Release
		adopt   bool
		bare    bool // without values
		cluster *kubefake.FailingKubeClient
		steps   []Action
		status  helmrelease.Status // of the newest record
		fails   []string           // parts of the error; none: success
	}{
		"first install": {steps: []Action{Install}, status: helmrelease.StatusDeployed},
		"a second run changes nothing": {
			history: []*helmrelease.Release{revision(1, helmrelease.StatusDeployed)},
			status:  helmrelease.StatusDeployed,
		},
		"other values": {
			history: []*helmrelease.Release{revision(1, helmrelease.StatusDeployed, withValues(map[string]any{"size": 3.0}))},
			steps:   []Action{Upgrade}, status: helmrelease.StatusDeployed,
		},
		"no values any more": {
			history: []*helmrelease.Release{revision(1, helmrelease.StatusDeployed)},
			bare:    true, steps: []Action{Upgrade}, status: helmrelease.StatusDeployed,
		},
		"other files under the same version": {
			history: []*helmrelease.Release{revision(1, helmrelease.StatusDeployed, func(r *helmrelease.Release) { r.Labels = me.labels("another", nil) })},
			steps:   []Action{Upgrade}, status: helmrelease.StatusDeployed,
		},
		"interrupted first install": {
			history: []*helmrelease.Release{revision(1, helmrelease.StatusPendingInstall)},
			steps:   []Action{Unlock, Upgrade}, status: helmrelease.StatusDeployed,
		},
		"interrupted upgrade": {
			history: []*helmrelease.Release{revision(1, helmrelease.StatusDeployed), revision(2, helmrelease.StatusPendingUpgrade)},
			steps:   []Action{Unlock, Upgrade}, status: helmrelease.StatusDeployed,
		},
		"interrupted rollback": {
			history: []*helmrelease.Release{
				revision(1, helmrelease.StatusSuperseded), revision(2, helmrelease.StatusFailed), revision(3, helmrelease.StatusPendingRollback),
			},
			steps: []Action{Unlock, Upgrade}, status: helmrelease.StatusDeployed,
		},
		"failed first install": {
			history: []*helmrelease.Release{revision(1, helmrelease.StatusFailed)},
			steps:   []Action{Upgrade}, status: helmrelease.StatusDeployed,
		},
		"interrupted uninstall": {
			history: []*helmrelease.Release{revision(1, helmrelease.StatusUninstalling)},
			steps:   []Action{Uninstall, Install}, status: helmrelease.StatusDeployed,
		},
		"uninstalled by hand with its history kept": {
			history: []*helmrelease.Release{revision(1, helmrelease.StatusSuperseded), revision(2, helmrelease.StatusUninstalled)},
			steps:   []Action{Uninstall, Install}, status: helmrelease.StatusDeployed,
		},
		"somebody else's release is refused": {
			history: []*helmrelease.Release{revision(4, helmrelease.StatusDeployed, ownedBy(stranger))},
			status:  helmrelease.StatusDeployed, fails: []string{"apps/app exists", "another installer", "app-1.0.0", "revision 4", "Adopt to Existing"},
		},
		"somebody else's release is adopted": {
			history: []*helmrelease.Release{revision(4, helmrelease.StatusDeployed, ownedBy(stranger))},
			adopt:   true, steps: []Action{Upgrade}, status: helmrelease.StatusDeployed,
		},
		"somebody else who is at work is not disturbed": {
			history: []*helmrelease.Release{revision(4, helmrelease.StatusPendingUpgrade, ownedBy(stranger))},
			adopt:   true, status: helmrelease.StatusPendingUpgrade, fails: []string{"working on it"},
		},
		"the resource's logical ID was changed": {
			history: []*helmrelease.Release{revision(1, helmrelease.StatusDeployed, ownedBy(sibling))},
			steps:   []Action{Upgrade}, status: helmrelease.StatusDeployed,
		},
		"a first install that does not get ready stays failed": {
			cluster: notReadyCluster(),
			steps:   []Action{Install}, status: helmrelease.StatusFailed, fails: []string{"install release apps/app (chart app-1.0.0)", "the wait timed out"},
		},
		"an upgrade that does not get ready is rolled back": {
			history: []*helmrelease.Release{revision(1, helmrelease.StatusDeployed, withValues(nil))},
			cluster: notReadyCluster(),
			steps:   []Action{Upgrade, Rollback}, status: helmrelease.StatusDeployed,
			fails: []string{"upgrade release apps/app", "the wait timed out", "Revision 1", "is restored"},
		},
		"an upgrade of what never was good is not rolled back": {
			history: []*helmrelease.Release{revision(1, helmrelease.StatusFailed)},
			cluster: notReadyCluster(),
			steps:   []Action{Upgrade}, status: helmrelease.StatusFailed, fails: []string{"the wait timed out"},
		},
		"a failed adoption gives the release back": {
			history: []*helmrelease.Release{revision(4, helmrelease.StatusDeployed, ownedBy(stranger))},
			adopt:   true, cluster: notReadyCluster(),
			steps: []Action{Upgrade, Rollback}, status: helmrelease.StatusDeployed, fails: []string{"Revision 4"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			spec := aSpec()
			spec.Adopt = tc.adopt
			if tc.bare {
				spec.Values = nil
			}
			cluster := tc.cluster
			if cluster == nil {
				cluster = healthy()
			}
			w := newRun(t, spec, cluster, tc.history...)
			_, err := w.apply(t.Context())
			checkError(t, err, tc.fails)
			if diff := cmp.Diff(tc.steps, w.steps); diff != "" {
				t.Errorf("steps differ (-want +got):\n%s", diff)
			}
			last, lastErr := w.cfg.Releases.Last(target.Name)
			if lastErr != nil || last.Info.Status != tc.status {
				t.Errorf("the newest record is %v, %v, want %s", last, lastErr, tc.status)
			}
			if left, _ := w.kube.CoordinationV1().Leases(target.Namespace).List(t.Context(), metav1.ListOptions{}); len(left.Items) > 0 {
				t.Errorf("a lease is left: %v", left.Items)
			}
			if err != nil {
				return
			}
			again := newRunOn(w, spec)
			if _, err := again.apply(t.Context()); err != nil || len(again.steps) > 0 {
				t.Errorf("a second run takes steps %v, %v", again.steps, err)
			}
		})
	}
}

// deaf is a storage that takes every change and still says the same.
type deaf struct{ driver.Driver }

func (deaf) Update(string, *helmrelease.Release) error { return nil }

func (deaf) Query(map[string]string) ([]*helmrelease.Release, error) {
	return []*helmrelease.Release{revision(1, helmrelease.StatusPendingInstall)}, nil
}

func TestAnActionThatDoesNotHelpIsNotRepeated(t *testing.T) {
	w := newRun(t, aSpec(), healthy(), revision(1, helmrelease.StatusPendingInstall))
	w.cfg.Releases.Driver = deaf{w.cfg.Releases.Driver}
	_, err := w.apply(t.Context())
	checkError(t, err, []string{"unlock did not help", "pending-install"})
	if diff := cmp.Diff([]Action{Unlock}, w.steps); diff != "" {
		t.Errorf("steps differ (-want +got):\n%s", diff)
	}
}

// newRunOn is another run on the same records.
func newRunOn(w *run, spec *Spec) *run {
	return &run{Runner: w.Runner, cfg: w.cfg, target: w.target, owner: w.owner, spec: spec}
}

func checkError(t *testing.T, err error, parts []string) {
	t.Helper()
	if len(parts) == 0 {
		if err != nil {
			t.Errorf("unexpected error: %v", err)
		}
		return
	}
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("the error lacks %q: %v", p, err)
		}
	}
}

func TestRemove(t *testing.T) {
	cases := map[string]struct {
		history []*helmrelease.Release
		steps   []Action
		left    Owner // owner of the newest record; stranger with records 0: none left
		records int
	}{
		"nothing there":    {},
		"deployed":         {history: []*helmrelease.Release{revision(1, helmrelease.StatusDeployed)}, steps: []Action{Uninstall}},
		"failed":           {history: []*helmrelease.Release{revision(1, helmrelease.StatusFailed)}, steps: []Action{Uninstall}},
		"interrupted":      {history: []*helmrelease.Release{revision(1, helmrelease.StatusPendingInstall)}, steps: []Action{Uninstall}},
		"half uninstalled": {history: []*helmrelease.Release{revision(1, helmrelease.StatusUninstalling)}, steps: []Action{Uninstall}},
		"its history kept": {history: []*helmrelease.Release{revision(1, helmrelease.StatusUninstalled)}, steps: []Action{Uninstall}},
		"somebody else's":  {history: []*helmrelease.Release{revision(1, helmrelease.StatusDeployed, ownedBy(stranger))}, left: stranger, records: 1},
		"a sibling's":      {history: []*helmrelease.Release{revision(1, helmrelease.StatusDeployed, ownedBy(sibling))}, left: sibling, records: 1},
		"adopted and at once given up": {
			history: []*helmrelease.Release{
				revision(1, helmrelease.StatusSuperseded, ownedBy(stranger)), revision(2, helmrelease.StatusDeployed, takenFrom(outsider)),
			},
			steps: []Action{HandBack}, left: stranger, records: 3,
		},
		"adopted, and its adoption died half way": {
			history: []*helmrelease.Release{
				revision(1, helmrelease.StatusDeployed, ownedBy(stranger)), revision(2, helmrelease.StatusPendingUpgrade, takenFrom(outsider)),
			},
			steps: []Action{HandBack}, left: stranger, records: 3,
		},
		"adopted and changed since": {
			history: []*helmrelease.Release{
				revision(1, helmrelease.StatusSuperseded, ownedBy(stranger)), revision(2, helmrelease.StatusDeployed),
			},
			steps: []Action{Uninstall},
		},
		"passed on to a resource with another logical ID": {
			history: []*helmrelease.Release{
				revision(1, helmrelease.StatusSuperseded), revision(2, helmrelease.StatusDeployed, ownedBy(sibling), takenFrom(me.Resource)),
			},
			steps: []Action{Settle}, left: sibling, records: 2,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newRun(t, nil, healthy(), tc.history...)
			if err := w.remove(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.steps, w.steps); diff != "" {
				t.Errorf("steps differ (-want +got):\n%s", diff)
			}
			history, err := w.cfg.Releases.History(target.Name)
			if err != nil && !errors.Is(err, driver.ErrReleaseNotFound) {
				t.Fatal(err)
			}
			if len(history) != tc.records {
				t.Fatalf("%d records are left, want %d", len(history), tc.records)
			}
			if len(history) == 0 {
				return
			}
			last, err := w.cfg.Releases.Last(target.Name)
			if err != nil {
				t.Fatal(err)
			}
			if got := ownerFrom(last.Labels); got != tc.left {
				t.Errorf("it belongs to %+v, want %+v", got, tc.left)
			}
			again := newRunOn(w, nil)
			if err := again.remove(t.Context()); err != nil || len(again.steps) > 0 {
				t.Errorf("a second removal takes steps %v, %v", again.steps, err)
			}
		})
	}
}

// Whatever the records say and whatever fails: a run ends, does nothing twice,
// and if it says that all is well, it is.
func TestEveryRunEnds(t *testing.T) {
	statuses := []helmrelease.Status{
		helmrelease.StatusDeployed, helmrelease.StatusSuperseded, helmrelease.StatusFailed, helmrelease.StatusPendingInstall, helmrelease.StatusUnknown,
		helmrelease.StatusPendingUpgrade, helmrelease.StatusPendingRollback, helmrelease.StatusUninstalling, helmrelease.StatusUninstalled,
	}
	rapid.Check(t, func(r *rapid.T) {
		var history []*helmrelease.Release
		for v := range rapid.IntRange(0, 4).Draw(r, "revisions") {
			owner := rapid.SampledFrom([]Owner{me, sibling, stranger}).Draw(r, "owner")
			one := revision(v+1, rapid.SampledFrom(statuses).Draw(r, "status"), ownedBy(owner))
			if from := rapid.SampledFrom([]string{"", outsider, me.Resource, sibling.Resource}).Draw(r, "taken from"); from != "" {
				one.Labels[labelTakenFrom] = from
			}
			history = append(history, one)
		}
		cluster := healthy()
		broken := errors.New("broken")
		// In a fixed order, so that a seed repeats the case.
		for _, step := range []struct {
			name  string
			fails *error
		}{
			{"create", &cluster.CreateError},
			{"wait", &cluster.WaitError},
			{"update", &cluster.UpdateError},
			{"delete", &cluster.DeleteWithPropagationError},
			{"build", &cluster.BuildError},
		} {
			if rapid.IntRange(0, 3).Draw(r, step.name) == 0 {
				*step.fails = broken
			}
		}
		spec := aSpec()
		spec.Adopt = rapid.Bool().Draw(r, "adopt")
		remove := rapid.Bool().Draw(r, "remove")
		if remove {
			spec = nil
		}
		w := newRun(t, spec, cluster, history...)
		var err error
		want := InSync
		if remove {
			err = w.remove(t.Context())
		} else {
			_, err = w.apply(t.Context())
		}
		taken := map[Action]bool{}
		for _, s := range w.steps {
			if taken[s] {
				r.Fatalf("%s was done twice: %v", s, w.steps)
			}
			taken[s] = true
		}
		if err != nil {
			return
		}
		intent := Present
		if remove {
			intent = Gone
		}
		now, err := w.observe(intent)
		if err != nil {
			r.Fatal(err)
		}
		if remove && now.State != Absent && now.State != Foreign || !remove && now.State != want {
			r.Fatalf("after success the release is %s (%s), steps %v", now.State, now.Reason, w.steps)
		}
	})
}
