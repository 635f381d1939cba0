package rehearsal

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/e6data/aws-quickstart/internal/stackevents"
)

const stackType = stackevents.StackType

// Event is one stack event: CloudFormation's own, with times relative to the
// operation's start.
type Event struct {
	Stack, LogicalID, Type, Status, Reason string
	// Elapsed is the time since the operation started; Took is the time since
	// the resource's IN_PROGRESS event, zero for that event itself.
	Elapsed, Took time.Duration
}

// failedByItself tells whether the event is a cause: not a resource that was
// only cancelled, nor a stack that reports its resources.
func (e Event) failedByItself() bool {
	return stackevents.IsCause(e.Type, e.Status, e.Reason)
}

// Failed tells whether the operation on the resource failed, by itself or not.
func (e Event) Failed() bool { return stackevents.IsFailed(e.Status) }

// Running tells whether the operation goes on.
func (e Event) Running() bool { return strings.HasSuffix(e.Status, "_IN_PROGRESS") }

// Notable tells whether somebody waits for the event: an end, a failure, or
// the start of something slow.
func (e Event) Notable() bool {
	switch {
	case e.Running() && !slow(e.Type) && !strings.Contains(e.Status, "ROLLBACK"):
		return false
	case e.Running() && e.Reason == "" && strings.Contains(e.Status, "CLEANUP"):
		return false
	}
	return true
}

// newEvents reads the events that were not seen before, of the stack and of the
// nested stacks it names, oldest first.
func (s *Stack) newEvents(ctx context.Context, start time.Time, begun map[string]time.Time) ([]Event, error) {
	all, err := stackevents.Read(ctx, s.clients.CloudFormation, s.id)
	if err != nil && !isNoStack(err) {
		return nil, fmt.Errorf("read the events of %s: %w", s.Name, err)
	}
	var events []Event
	for i := range all {
		if !s.seen[all[i].EventID] {
			s.seen[all[i].EventID] = true
			events = append(events, newEvent(&all[i], start, begun))
		}
	}
	return events, nil
}

// newEvent converts one event; begun remembers when each resource's operation
// started.
func newEvent(ev *stackevents.Event, start time.Time, begun map[string]time.Time) Event {
	at, key := ev.At, ev.Stack+"/"+ev.LogicalID
	e := Event{
		Stack: ev.Stack, LogicalID: ev.LogicalID, Type: ev.Type,
		Status: ev.Status, Reason: ev.Reason, Elapsed: max(0, at.Sub(start)),
	}
	if e.Running() {
		begun[key] = at
	} else if t, ok := begun[key]; ok {
		e.Took = at.Sub(t)
	}
	return e
}
