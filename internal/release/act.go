package release

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/action"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
)

// act takes one step.
func (w *run) act(ctx context.Context, act Action, seen Observation) error {
	switch act {
	case None:
		return nil
	case Install:
		return w.install(ctx)
	case Upgrade:
		return w.upgrade(ctx, seen)
	case Rollback, HandBack:
		return w.rollback(ctx, seen.Good)
	case Uninstall:
		if err := w.checkUnneeded(ctx); err != nil {
			return err
		}
		return w.uninstall(ctx, seen)
	case Unlock:
		return w.unlock(ctx, seen.Last)
	case Settle:
		return w.settle(seen.Last)
	case Refuse:
		return refusal(w.target, seen)
	}
	return fmt.Errorf("unknown action %q", act)
}

func (w *run) install(ctx context.Context) error {
	s := w.spec
	if s.Adopt {
		if err := w.applyCRDs(ctx); err != nil {
			return err
		}
	}
	i := action.NewInstall(w.cfg)
	i.ReleaseName, i.Namespace = s.Name, s.Namespace
	i.Wait, i.Timeout = s.Wait, budget(ctx, w.timeout)
	i.TakeOwnership = s.Adopt
	i.PostRenderer = w.keeper(ctx)
	i.Labels = w.owner.labels(s.Chart.Digest, nil)
	w.cfg.Releases.MaxHistory = maxHistory
	start := time.Now()
	if _, err := i.RunWithContext(ctx, s.Chart.Helm, s.Values); err != nil {
		return w.failure(ctx, "install", start, err)
	}
	return nil
}

func (w *run) upgrade(ctx context.Context, seen Observation) error {
	s := w.spec
	// Helm never touches crds/ after the first install.
	if err := w.applyCRDs(ctx); err != nil {
		return err
	}
	previous := ownerFrom(seen.Last.Labels)
	u := action.NewUpgrade(w.cfg)
	u.Namespace = s.Namespace
	u.Wait, u.Timeout = s.Wait, budget(ctx, w.timeout)
	u.MaxHistory = maxHistory
	u.ResetValues = true // the properties are the whole truth, also when they are empty
	u.TakeOwnership = s.Adopt
	u.PostRenderer = w.keeper(ctx)
	u.Labels = w.owner.labels(s.Chart.Digest, &previous)
	start := time.Now()
	running, over := whileRunning(ctx)
	_, err := u.RunWithContext(running, s.Name, s.Chart.Helm, s.Values)
	over()
	if err != nil {
		return w.failure(ctx, "upgrade", start, err)
	}
	return nil
}

// rollback goes back to a revision that was good. It does not wait for its
// objects: they were ready once, and the time may be nearly up.
func (w *run) rollback(ctx context.Context, revision int) error {
	back := action.NewRollback(w.cfg)
	back.Version, back.MaxHistory = revision, maxHistory
	back.Timeout = budget(ctx, w.timeout)
	if err := until(ctx, func() error { return back.Run(w.target.Name) }); err != nil {
		return fmt.Errorf("release %s: go back to revision %d: %w", w.target, revision, err)
	}
	return nil
}

// strangerTime is how long a pending revision without a lease is left alone:
// the helm command's own default timeout. Somebody may be typing.
const strangerTime = 5 * time.Minute

// unlock ends a revision whose worker is dead. Helm's records stay: a later
// upgrade compares with them. A pending revision under a dead run's lease is
// known to be dead; any other gets the time that the helm command has.
func (w *run) unlock(ctx context.Context, last *helmrelease.Release) error {
	for !w.inherited && time.Since(last.Info.LastDeployed.Time) < strangerTime {
		if !pause(ctx, time.Second) {
			return fmt.Errorf("release %s: revision %d is %s since %s, by somebody who holds no lease (the helm command?): %w", w.target,
				last.Version, last.Info.Status, last.Info.LastDeployed.UTC().Format(time.TimeOnly), context.Cause(ctx))
		}
		now, err := w.cfg.Releases.Last(w.target.Name)
		if errors.Is(err, driver.ErrReleaseNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("release %s: look at revision %d again: %w", w.target, last.Version, err)
		}
		if now.Version != last.Version || !now.Info.Status.IsPending() {
			return nil // it moved on: look again
		}
	}
	last.SetStatus(helmrelease.StatusFailed, "Interrupted: whoever worked on this revision ("+last.Info.Status.String()+") is gone")
	if err := w.cfg.Releases.Update(last); err != nil {
		return fmt.Errorf("release %s: end the interrupted revision %d: %w", w.target, last.Version, err)
	}
	return nil
}

// settle makes a change of hands final: the previous owner has gone.
func (w *run) settle(last *helmrelease.Release) error {
	delete(last.Labels, labelTakenFrom)
	if err := w.cfg.Releases.Update(last); err != nil {
		return fmt.Errorf("release %s: settle its new owner: %w", w.target, err)
	}
	return nil
}

// The least time that is kept from an action, so that a failure can still be
// looked into, a good revision restored, and an answer given.
const keepBack = 30 * time.Second

// budget is how long one Helm action may take: the wish, or what the context
// leaves after something is kept back.
func budget(ctx context.Context, wish time.Duration) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		if wish > 0 {
			return wish
		}
		return 5 * time.Minute
	}
	left := time.Until(deadline)
	left = max(left-min(keepBack, left/3), time.Second)
	if wish > 0 && wish < left {
		return wish
	}
	return left
}

// whileRunning is ctx for as long as something runs, and is not ended by it
// once that is over. Helm watches an upgrade's context in a goroutine of its
// own: if the context ends right after the upgrade has succeeded, both ends are
// there for it to see, it picks one, and may mark a good release failed.
func whileRunning(ctx context.Context) (inner context.Context, over func()) {
	inner, cancel := context.WithCancelCause(detached{ctx})
	stop := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	return inner, func() { stop() }
}

// detached has a context's values and deadline, but does not end with it.
type detached struct{ context.Context }

func (detached) Done() <-chan struct{} { return nil }
func (detached) Err() error            { return nil }

// until runs what knows no context, and gives up on it when the context ends.
func until(ctx context.Context, f func() error) error {
	result := make(chan error, 1)
	go func() { result <- f() }()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// oneLine takes the line breaks out of Helm's errors.
type oneLine struct{ error }

func (o oneLine) Error() string { return strings.Join(strings.Fields(o.error.Error()), " ") }

func (o oneLine) Unwrap() error { return o.error }

// failure says why an install or upgrade failed: Helm's own words and, if
// objects of the release are not well, what is the matter with them.
func (w *run) failure(ctx context.Context, what string, start time.Time, err error) error {
	var short error = oneLine{err}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		short = fmt.Errorf("not ready after %s", time.Since(start).Round(time.Second))
	}
	if cause := context.Cause(ctx); errors.Is(cause, errLeaseLost) {
		short = cause
	}
	headline := fmt.Errorf("%s release %s (chart %s-%s): %w", what, w.target,
		w.spec.Chart.Helm.Metadata.Name, w.spec.Chart.Helm.Metadata.Version, short)
	last, lastErr := w.cfg.Releases.Last(w.target.Name)
	if lastErr != nil || last.Info.Status == helmrelease.StatusDeployed {
		return headline // it failed before anything was changed
	}
	if trouble := w.diagnose(ctx, last); trouble != "" {
		return fmt.Errorf("%w: %s", headline, trouble)
	}
	return headline
}
