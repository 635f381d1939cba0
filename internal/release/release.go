// Package release brings one Helm release to where it should be: observe what
// the records say, look the next step up in one table, take it, look again.
// It is the only package that runs Helm actions.
//
// A run works under a lease, so that a record which says "pending" is either
// somebody's living work, which is waited for, or a dead run's, which is healed.
package release

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"helm.sh/helm/v3/pkg/action"
	helmkube "helm.sh/helm/v3/pkg/kube"
	"k8s.io/client-go/kubernetes"

	"github.com/e6data/aws-quickstart/internal/chart"
	"github.com/e6data/aws-quickstart/internal/kube"
)

// maxHistory is how many revisions Helm keeps of a release.
const maxHistory = 10

func init() {
	// The field manager of the helm command, whatever this binary is called:
	// an adopted release then keeps one manager for its fields.
	helmkube.ManagedFieldsManager = "helm"
}

// ErrNothingDone marks an error of Apply that came before anything was changed
// in the cluster, so that there is nothing to undo.
var ErrNothingDone = errors.New("nothing was changed in the cluster")

// Target names a release on a cluster.
type Target struct {
	Namespace string
	Name      string
}

func (t Target) String() string { return t.Namespace + "/" + t.Name }

// Spec is what a release should be.
type Spec struct {
	Target
	Chart  *chart.Chart
	Values map[string]any
	// CreateNamespace makes the namespace if it is missing.
	CreateNamespace bool
	// Wait holds the run until the chart's objects are ready.
	Wait bool
	// Timeout is the longest time for one Helm action; 0: what the context leaves.
	Timeout time.Duration
	// Adopt takes over a release, and objects, that somebody else made.
	Adopt bool
}

// Result is a release as it now is.
type Result struct {
	Revision     int
	Status       string
	ChartVersion string
	AppVersion   string
}

// Runner works on one cluster.
type Runner struct {
	helm    func(namespace string) (*action.Configuration, error)
	kube    kubernetes.Interface
	explain func(context.Context, error) error
	timing  Timing
}

// NewRunner returns a runner for cluster. A zero Timing means DefaultTiming.
func NewRunner(cluster *kube.Cluster, timing Timing) (*Runner, error) {
	client, err := kubernetes.NewForConfig(cluster.Config())
	if err != nil {
		return nil, fmt.Errorf("client of cluster %s: %w", cluster.Name(), err)
	}
	return &Runner{
		kube:    client,
		explain: cluster.Explain,
		timing:  timing.orDefault(),
		helm: func(namespace string) (*action.Configuration, error) {
			cfg := new(action.Configuration)
			return cfg, cfg.Init(cluster.Getter(namespace), namespace, "secret", debugLog)
		},
	}, nil
}

// debugLog sends Helm's own log to ours.
func debugLog(format string, args ...any) {
	slog.Debug("helm", "text", fmt.Sprintf(format, args...))
}

// run is the work on one release by one owner. spec is nil for a removal.
type run struct {
	*Runner
	cfg    *action.Configuration
	target Target
	owner  Owner
	spec   *Spec
	// timeout is the longest time for one Helm action; 0: what the context leaves.
	timeout time.Duration
	// leave must be gone before a removal is done.
	leave []Dependents
	// neededBy are resources whose objects need the release.
	neededBy []string
	// inherited: the lease was taken over from a run that died at work.
	inherited bool
	// touched: something in the cluster may have been changed.
	touched bool
	// steps are the actions taken.
	steps []Action
}

// Apply brings the release to what spec says and returns how it then is. A
// release that is so already costs one look and changes nothing. If an upgrade
// fails, the last good revision is restored and the error tells both. An error
// that left the cluster as it was is also ErrNothingDone.
func (r *Runner) Apply(ctx context.Context, owner Owner, spec Spec) (Result, error) {
	w, err := r.open(spec.Target, owner, &spec)
	if err != nil {
		return Result{}, NothingDone(err)
	}
	seen, err := w.apply(ctx)
	if err != nil {
		err = r.explain(ctx, err)
		if !w.touched {
			err = NothingDone(err)
		}
		return Result{}, err
	}
	result := Result{Revision: seen.Last.Version, Status: seen.Last.Info.Status.String()}
	if meta := seen.Last.Chart; meta != nil && meta.Metadata != nil {
		result.ChartVersion, result.AppVersion = meta.Metadata.Version, meta.Metadata.AppVersion
	}
	return result, nil
}

func (w *run) apply(ctx context.Context) (Observation, error) {
	seen, err := w.observe(Present)
	if err != nil || seen.State == InSync {
		return seen, err
	}
	if seen.State == Foreign {
		return seen, refusal(w.target, seen)
	}
	if err := w.ensureNamespace(ctx); err != nil {
		return seen, err
	}
	err = w.underLease(ctx, func(ctx context.Context) error {
		w.touched = true
		seen, err = w.loop(ctx, Present)
		return err
	})
	return seen, err
}

// Removal says what to take away.
type Removal struct {
	Target
	// Timeout is as in Spec.
	Timeout time.Duration
	// Dependents go with the release.
	Dependents []Dependents
	// NeededBy are resources (plural and group) whose objects need the release.
	// While there are any besides its own, or another stack of this quickstart has
	// a release on the cluster, it is not removed. Empty: nobody is asked.
	NeededBy []string
}

// Remove takes away the release with its dependents and, if this stack made it
// and nothing else was installed there, its namespace. What is not there or
// belongs to somebody else is left alone: both are success. A release that
// others need stays, which is an error.
func (r *Runner) Remove(ctx context.Context, owner Owner, removal Removal) error {
	for _, d := range removal.Dependents {
		if err := d.Check(); err != nil {
			return err
		}
	}
	w, err := r.open(removal.Target, owner, nil)
	if err != nil {
		return err
	}
	w.timeout, w.leave, w.neededBy = removal.Timeout, removal.Dependents, removal.NeededBy
	if err := w.remove(ctx); err != nil {
		return r.explain(ctx, err)
	}
	return nil
}

func (w *run) remove(ctx context.Context) error {
	exists, err := w.namespaceExists(ctx)
	if err != nil {
		return err
	}
	if !exists {
		// Helm's records are in the namespace: without it there is no release. A
		// removal before may have ended with volumes that stayed.
		return w.volumesGo(ctx, w.target.Namespace)
	}
	seen, err := w.observe(Gone)
	if err != nil {
		return err
	}
	if seen.State != Absent && seen.State != Foreign {
		err = w.underLease(ctx, func(ctx context.Context) error {
			_, err := w.loop(ctx, Gone)
			return err
		})
		if err != nil {
			return err
		}
	} else {
		slog.InfoContext(ctx, "nothing to uninstall", "release", w.target.String(), "reason", seen.Reason)
	}
	return w.removeNamespace(ctx)
}

func (r *Runner) open(target Target, owner Owner, spec *Spec) (*run, error) {
	cfg, err := r.helm(target.Namespace)
	if err != nil {
		return nil, fmt.Errorf("prepare Helm for release %s: %w", target, err)
	}
	w := &run{Runner: r, cfg: cfg, target: target, owner: owner, spec: spec}
	if spec != nil {
		w.timeout = spec.Timeout
	}
	return w, nil
}

// loop observes, looks up and acts until nothing is to be done. A failed
// upgrade turns the intent to Restored; any other failure ends the loop, and
// so does an action that is wished for twice: it did not help the first time.
func (w *run) loop(ctx context.Context, want Intent) (Observation, error) {
	var failure error
	done := map[Action]bool{}
	for {
		if ctx.Err() != nil { // the time is up or the lease is lost: no step more
			return Observation{}, errors.Join(failure, context.Cause(ctx))
		}
		seen, err := w.observe(want)
		if err != nil {
			return seen, errors.Join(failure, err)
		}
		act, err := Next(want, seen.State)
		if err != nil || act == None {
			return seen, errors.Join(failure, err)
		}
		if done[act] {
			return seen, errors.Join(failure, fmt.Errorf("release %s: %s did not help: %s", w.target, act, seen.Reason))
		}
		done[act] = true
		w.steps = append(w.steps, act)
		slog.InfoContext(ctx, "acting on release", "release", w.target.String(), "action", string(act), "intent", string(want), "reason", seen.Reason)
		err = w.act(ctx, act, seen)
		switch {
		case err == nil && act == Rollback:
			failure = fmt.Errorf("%w\nRevision %d, the last good one, is restored", failure, seen.Good)
		case err == nil:
		case act == Upgrade && want == Present:
			failure, want = err, Restored
		default:
			return seen, errors.Join(failure, err)
		}
	}
}

// NothingDone marks err as ErrNothingDone without adding a word to it.
func NothingDone(err error) error { return untouched{err} }

type untouched struct{ error }

func (u untouched) Unwrap() []error { return []error{u.error, ErrNothingDone} }

func refusal(target Target, seen Observation) error {
	return fmt.Errorf("release %s exists and is left as it is, because %s. Set Adopt to Existing to take it over, "+
		"choose another release name, or uninstall it", target, seen.Reason)
}
