package main

import (
	"context"
	"time"
)

// pace is how often, and how many times, the same thing is looked at again.
type pace struct {
	first, longest time.Duration
	tries          int
}

var (
	// entryPace lasts for about a minute: "access entries are eventually
	// consistent" (EKS User Guide, "Create access entries"), and so is IAM, of
	// whose new roles EKS may not know yet.
	entryPace = pace{first: 500 * time.Millisecond, longest: 5 * time.Second, tries: 15}
	// updatePace lasts for longer than the function. EKS takes minutes.
	updatePace = pace{first: time.Second, longest: 10 * time.Second, tries: 1000}
)

// looks are the looks of one pace.
type looks struct {
	pace

	done int
	last time.Duration
}

func (p pace) begin() *looks { return &looks{pace: p} }

// more waits for the time of the next look; each pause is twice as long as the
// one before. It returns false when there have been enough, or ctx ends.
func (l *looks) more(ctx context.Context) bool {
	l.done++
	if l.done >= l.tries {
		return false
	}
	l.last = min(max(2*l.last, l.first), l.longest)
	timer := time.NewTimer(l.last)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
