package release

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	helmrelease "helm.sh/helm/v3/pkg/release"
)

// Helm watches an upgrade's context beside it, and marks the release failed
// when that ends, also when the upgrade has succeeded a moment before.
func TestASuccessfulUpgradeStaysDeployedWhenItsContextEnds(t *testing.T) {
	for range 300 {
		w := newRun(t, aSpec(), healthy(), revision(1, helmrelease.StatusDeployed, withValues(map[string]any{"size": 1.0})))
		ctx, cancel := context.WithCancel(t.Context())
		seen, err := w.observe(Present)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.upgrade(ctx, seen); err != nil {
			t.Fatal(err)
		}
		cancel()
		for range 10 {
			runtime.Gosched() // whoever watches the context gets to see its end
		}
		last, err := w.cfg.Releases.Last(target.Name)
		if err != nil {
			t.Fatal(err)
		}
		if last.Info.Status != helmrelease.StatusDeployed {
			t.Fatalf("the upgraded release became %s: %s", last.Info.Status, last.Info.Description)
		}
	}
}

func TestWhileRunning(t *testing.T) {
	t.Run("the end of the outer context reaches the inner one", func(t *testing.T) {
		outer, cancel := context.WithCancelCause(t.Context())
		inner, over := whileRunning(outer)
		defer over()
		why := errors.New("the lease is lost")
		cancel(why)
		select {
		case <-inner.Done():
		case <-time.After(time.Minute):
			t.Fatal("the inner context goes on")
		}
		if !errors.Is(context.Cause(inner), why) {
			t.Errorf("cause %v, want %v", context.Cause(inner), why)
		}
	})
	t.Run("not after it is over", func(t *testing.T) {
		outer, cancel := context.WithCancel(t.Context())
		inner, over := whileRunning(outer)
		over()
		cancel()
		if inner.Err() != nil {
			t.Errorf("the inner context ended: %v", inner.Err())
		}
	})
	t.Run("the deadline is the outer one's", func(t *testing.T) {
		outer, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		inner, over := whileRunning(outer)
		defer over()
		want, _ := outer.Deadline()
		if got, ok := inner.Deadline(); !ok || !got.Equal(want) {
			t.Errorf("deadline %v, want %v", got, want)
		}
	})
}
