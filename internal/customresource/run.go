package customresource

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// errOutOfTime is the cause with which a handler's context ends.
var errOutOfTime = errors.New("the function's time is nearly over")

// attempt is one run of a handler.
type attempt struct {
	log *slog.Logger

	mu          sync.Mutex
	provisional string
}

// identify remembers the physical ID to answer if the handler never returns.
func (a *attempt) identify(physicalID string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.provisional = physicalID
}

func (a *attempt) identified() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.provisional
}

// limits are the moments that follow from a function's deadline.
type limits struct {
	handler time.Time // its context ends
	answer  time.Time // somebody else answers for it
}

// limitsAt divides the time between now and deadline: the handler's context
// ends a reserve before the deadline, and a third of the reserve later its time
// is up. The reserve is at most half of the time there is.
func limitsAt(now, deadline time.Time, reserve time.Duration) limits {
	reserve = max(0, min(reserve, deadline.Sub(now)/2))
	end := deadline.Add(-reserve)
	return limits{handler: end, answer: end.Add(reserve / 3)}
}

// run handles ev within the time of ctx and always comes back: with the
// handler's outcome, or with a failure if it panics or outstays its time.
func (m *Mux) run(ctx context.Context, ev event, log *slog.Logger) outcome {
	begin := time.Now()
	run := &attempt{log: log}
	deadline, limited := ctx.Deadline()
	if !limited {
		return m.runWithin(ctx, ev, run, nil)
	}
	at := limitsAt(begin, deadline, m.reserve)
	hctx, cancel := context.WithDeadlineCause(ctx, at.handler, errOutOfTime)
	defer cancel()
	up := time.NewTimer(time.Until(at.answer))
	defer up.Stop()
	out := m.runWithin(hctx, ev, run, up.C)
	if out.err != nil && hctx.Err() != nil {
		out.err = fmt.Errorf("%s of %s used up the function's time (%s): %w",
			ev.RequestType, ev.LogicalResourceID, time.Since(begin).Round(100*time.Millisecond), out.err)
	}
	return out
}

// runWithin runs the handler until it ends or timeUp fires (never, if nil).
func (m *Mux) runWithin(ctx context.Context, ev event, run *attempt, timeUp <-chan time.Time) outcome {
	if !m.strays.wait(ctx, timeUp) {
		return outcome{err: errors.New("it did not start, since an earlier request that ran over its time is still at work " +
			"in this function; try again when that has ended")}
	}
	done := make(chan outcome, 1)
	m.strays.add()
	go func() {
		defer m.strays.done()
		m.guarded(ctx, ev, run, done)
	}()
	select {
	case out := <-done:
		return out
	case <-timeUp:
	}
	select { // it may have ended at the same moment
	case out := <-done:
		return out
	default:
	}
	run.log.ErrorContext(ctx, "handler did not end when its context did")
	return outcome{
		physicalID: run.identified(),
		err:        errors.New("it was given up; look in the log for what it waited for"),
	}
}

// guarded sends exactly one outcome to done, also if the handler panics or
// ends its goroutine.
func (m *Mux) guarded(ctx context.Context, ev event, run *attempt, done chan<- outcome) {
	out := outcome{err: errors.New("the handler ended its goroutine without an answer: this is a bug in the function")}
	defer func() {
		if p := recover(); p != nil {
			run.log.ErrorContext(ctx, "handler panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			out = outcome{
				physicalID: run.identified(),
				err: fmt.Errorf("%s of %s stopped on a bug in the function: %v; "+
					"please report it with the log, and try again", ev.RequestType, ev.LogicalResourceID, p),
			}
		}
		done <- out
	}()
	out = m.dispatch(ctx, ev, run)
}

// strays counts the handlers at work. A Lambda process handles one event at a
// time, so whoever is at work when an event comes was given up on: its context
// is over, but Lambda froze it with the process, and now it wakes beside us.
// Two handlers must not work on the same thing, so the new one waits.
type strays struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when n falls to 0
}

func (s *strays) add() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n == 0 {
		s.idle = make(chan struct{})
	}
	s.n++
}

func (s *strays) done() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n--; s.n == 0 {
		close(s.idle)
	}
}

// wait returns true when no handler is at work, and false if that does not come
// true before ctx ends or the time is up.
func (s *strays) wait(ctx context.Context, timeUp <-chan time.Time) bool {
	s.mu.Lock()
	n, idle := s.n, s.idle
	s.mu.Unlock()
	if n == 0 {
		return true
	}
	select {
	case <-idle:
		return true
	case <-ctx.Done():
	case <-timeUp:
	}
	return false
}
