package release

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	coordination "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	leases "k8s.io/client-go/kubernetes/typed/coordination/v1"
)

// Timing is the lease's heartbeat.
type Timing struct {
	// Duration is how long a lease lives without a heartbeat: whole seconds.
	Duration time.Duration
	// Renew is the time between two heartbeats.
	Renew time.Duration
}

// DefaultTiming lets the next run take over from a dead one after 20 seconds.
var DefaultTiming = Timing{Duration: 20 * time.Second, Renew: 5 * time.Second}

func (t Timing) orDefault() Timing {
	if t.Duration <= 0 || t.Renew <= 0 {
		return DefaultTiming
	}
	return t
}

var errLeaseLost = errors.New("somebody else took over this release, so this run stops")

// lease is the sign that somebody is working on a release. It lies in the
// release's namespace and is deleted after the work, so nothing is left behind.
// client-go's leader election is not used: it hides the reason when a lease
// cannot be made, and keeps the object.
type lease struct {
	api    leases.LeaseInterface
	name   string
	holder string
	timing Timing
	object *coordination.Lease
	// inherited: the holder before us died at work.
	inherited bool
}

// underLease does the work while holding the release's lease. The work's
// context ends with errLeaseLost as its cause if the lease is lost.
func (w *run) underLease(ctx context.Context, work func(context.Context) error) error {
	l := &lease{
		api:    w.kube.CoordinationV1().Leases(w.target.Namespace),
		name:   "quickstart.e6data.com." + w.target.Name,
		holder: w.owner.StackName + "/" + w.owner.Resource + "/" + uuid.NewString(),
		timing: w.timing,
	}
	if err := l.acquire(ctx); err != nil {
		return fmt.Errorf("release %s: %w", w.target, err)
	}
	w.inherited = l.inherited
	held, lose := context.WithCancelCause(ctx)
	beats := make(chan struct{})
	go func() {
		defer close(beats)
		l.keep(held, lose)
	}()
	err := work(held)
	lose(nil)
	<-beats
	l.release(ctx)
	return err
}

// acquire makes the lease, or waits until its holder gives it up or has not
// renewed it for its whole duration, seen by our own clock.
func (l *lease) acquire(ctx context.Context) error {
	var seen string
	var since time.Time
	for {
		current, err := l.api.Get(ctx, l.name, metav1.GetOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("read lease %s: %w", l.name, err)
		}
		wait := 50 * time.Millisecond
		if err != nil || expired(current, !since.IsZero() && current.ResourceVersion == seen, time.Since(since)) {
			if done, err := l.seize(ctx, current, err != nil); done || err != nil {
				return err
			}
		} else {
			if since.IsZero() || current.ResourceVersion != seen {
				slog.InfoContext(ctx, "waiting for another run", "lease", l.name, "holder", holderOf(current))
				seen, since = current.ResourceVersion, time.Now()
			}
			wait = min(l.timing.Renew, time.Second)
		}
		if !pause(ctx, wait) {
			return fmt.Errorf("another run (%s) is still working on it: %w", holderOf(current), context.Cause(ctx))
		}
	}
}

// seize makes the lease, or takes it from a dead run. done is false if somebody
// else was faster.
func (l *lease) seize(ctx context.Context, current *coordination.Lease, missing bool) (done bool, err error) {
	if missing {
		l.object, err = l.api.Create(ctx, l.fresh(), metav1.CreateOptions{})
	} else {
		err = l.takeOver(ctx, current)
	}
	switch {
	case err == nil:
		return true, nil
	case apierrors.IsAlreadyExists(err), apierrors.IsConflict(err), !missing && apierrors.IsNotFound(err):
		return false, nil
	}
	return false, fmt.Errorf("make lease %s: %w", l.name, err)
}

func (l *lease) takeOver(ctx context.Context, current *coordination.Lease) error {
	slog.InfoContext(ctx, "taking over the lease of a dead run", "lease", l.name, "holder", holderOf(current))
	next := l.fresh()
	next.ResourceVersion = current.ResourceVersion
	taken, err := l.api.Update(ctx, next, metav1.UpdateOptions{})
	if err != nil {
		return err
	}
	l.object, l.inherited = taken, true
	return nil
}

// expired tells whether a lease's holder is dead. Clocks of two machines may
// differ, so its own time stamp counts only when it is far in the past.
func expired(l *coordination.Lease, unchanged bool, watched time.Duration) bool {
	duration := DefaultTiming.Duration
	if s := l.Spec.LeaseDurationSeconds; s != nil {
		duration = time.Duration(*s) * time.Second
	}
	if unchanged && watched > duration {
		return true
	}
	renewed := l.Spec.RenewTime
	return renewed == nil || time.Since(renewed.Time) > duration+time.Minute
}

func (l *lease) fresh() *coordination.Lease {
	now := metav1.NewMicroTime(time.Now())
	return &coordination.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: l.name},
		Spec: coordination.LeaseSpec{
			HolderIdentity:       new(l.holder),
			LeaseDurationSeconds: new(int32(max(l.timing.Duration.Round(time.Second).Seconds(), 1))),
			AcquireTime:          &now,
			RenewTime:            &now,
		},
	}
}

// keep is the heartbeat. It ends with ctx, or ends ctx when the lease is lost.
func (l *lease) keep(ctx context.Context, lose context.CancelCauseFunc) {
	renewed := time.Now()
	for pause(ctx, l.timing.Renew) {
		next := l.object.DeepCopy()
		now := metav1.NewMicroTime(time.Now())
		next.Spec.RenewTime = &now
		updated, err := l.api.Update(ctx, next, metav1.UpdateOptions{})
		switch {
		case err == nil:
			l.object, renewed = updated, time.Now()
		case ctx.Err() != nil:
			return
		case apierrors.IsConflict(err), apierrors.IsNotFound(err), time.Since(renewed) > l.timing.Duration:
			lose(errLeaseLost)
			return
		default:
			slog.WarnContext(ctx, "lease not renewed, trying again", "lease", l.name, "error", err)
		}
	}
}

// release deletes the lease if it is still this run's. Nobody waits longer than
// its duration if that fails.
func (l *lease) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	current, err := l.api.Get(ctx, l.name, metav1.GetOptions{})
	if err != nil || holderOf(current) != l.holder {
		return
	}
	err = l.api.Delete(ctx, l.name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &current.UID, ResourceVersion: &current.ResourceVersion},
	})
	if err != nil && !apierrors.IsNotFound(err) {
		slog.WarnContext(ctx, "lease not deleted", "lease", l.name, "error", err)
	}
}

func holderOf(l *coordination.Lease) string {
	if l == nil || l.Spec.HolderIdentity == nil {
		return ""
	}
	return *l.Spec.HolderIdentity
}

// pause waits, and says whether the context is still good.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
