package main

import (
	"context"
	"time"
)

const (
	// settled is when all of IAM shows a write. AWS names no time
	// (IAM/latest/UserGuide/troubleshoot_general.html, "Changes that I make are
	// not always immediately visible"); it is usually a second or two.
	settled = 5 * time.Second
	// Between looks at what somebody else is doing.
	shortestPause = time.Second
	longestPause  = 8 * time.Second
)

// pauses are the times between looks at the same thing: each twice as long as
// the one before.
type pauses struct{ first, next time.Duration }

// settling are pauses after a write: the first one until all can see it.
func settling() pauses { return pauses{first: settled} }

// wait waits, unless ctx ends before; then it returns why ctx did.
func (p *pauses) wait(ctx context.Context) error {
	pause := p.first
	if p.first = 0; pause == 0 {
		pause = max(p.next, shortestPause)
		p.next = min(2*pause, longestPause)
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
