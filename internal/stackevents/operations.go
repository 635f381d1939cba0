package stackevents

import (
	"slices"
	"strings"
	"time"
)

// IsCause tells whether an event is a cause: not a resource that was only
// cancelled because of another, nor a stack that reports its resources.
func IsCause(resourceType, status, reason string) bool {
	return IsFailed(status) && !strings.Contains(reason, "cancelled") && resourceType != StackType
}

// IsFailed tells whether the operation on a resource failed, by itself or not.
func IsFailed(status string) bool { return strings.HasSuffix(status, "_FAILED") }

// Operation is one create, update or delete of a stack, with its rollback.
type Operation struct {
	// Kind is CREATE, UPDATE or DELETE.
	Kind string
	// Status is the stack's newest, such as UPDATE_ROLLBACK_COMPLETE.
	Status string
	Began  time.Time
	// Events are those of the stack and its nested stacks, oldest first.
	Events []Event
}

// begins are the statuses with which an operation on a stack begins.
var begins = map[string]string{"CREATE_IN_PROGRESS": "CREATE", "UPDATE_IN_PROGRESS": "UPDATE", "DELETE_IN_PROGRESS": "DELETE"}

// Operations divides the events of a stack, as Read gives them, by the
// operations on it, oldest first. What was before the first, such as the review
// of a change set, is left out.
func Operations(events []Event) []Operation {
	var all []Operation
	root := rootOf(events)
	for _, e := range events {
		own := e.ofItself() && e.StackID == root
		if kind, begin := begins[e.Status]; own && begin {
			all = append(all, Operation{Kind: kind, Began: e.At})
		}
		if len(all) == 0 {
			continue
		}
		o := &all[len(all)-1]
		o.Events = append(o.Events, e)
		if own {
			o.Status = e.Status
		}
	}
	return all
}

// rootOf is the ID of the stack that the others are nested in: the first whose
// own events come.
func rootOf(events []Event) string {
	for i := range events {
		if events[i].ofItself() {
			return events[i].StackID
		}
	}
	return ""
}

// Failed tells whether it ended otherwise than asked, or is on its way there.
func (o *Operation) Failed() bool {
	return strings.Contains(o.Status, "ROLLBACK") || IsFailed(o.Status) || len(o.Causes()) > 0
}

// Causes are the events of the resources that failed by themselves, oldest
// first. If there is none, as when a nested stack could not even begin, they are
// the other failed ones.
func (o *Operation) Causes() []Event {
	pick := func(is func(*Event) bool) []Event {
		return slices.DeleteFunc(slices.Clone(o.Events), func(e Event) bool { return !is(&e) })
	}
	causes := pick(func(e *Event) bool { return IsCause(e.Type, e.Status, e.Reason) })
	if len(causes) > 0 {
		return causes
	}
	return pick(func(e *Event) bool { return IsFailed(e.Status) })
}
