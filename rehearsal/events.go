package rehearsal

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

const stackType = "AWS::CloudFormation::Stack"

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
	return e.Failed() && !strings.Contains(e.Reason, "cancelled") && e.Type != stackType
}

// Failed tells whether the operation on the resource failed, by itself or not.
func (e Event) Failed() bool { return strings.HasSuffix(e.Status, "_FAILED") }

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
	var fresh []types.StackEvent
	known := map[string]bool{s.id: true}
	for queue := []string{s.id}; len(queue) > 0; queue = queue[1:] {
		all, err := s.clients.stackEvents(ctx, queue[0])
		if err != nil {
			return nil, fmt.Errorf("read the events of %s: %w", s.Name, err)
		}
		for _, ev := range all {
			if id := aws.ToString(ev.PhysicalResourceId); aws.ToString(ev.ResourceType) == stackType && strings.HasPrefix(id, "arn:") && !known[id] {
				known[id] = true
				queue = append(queue, id)
			}
			if id := aws.ToString(ev.EventId); !s.seen[id] {
				s.seen[id] = true
				fresh = append(fresh, ev)
			}
		}
	}
	slices.SortStableFunc(fresh, func(a, b types.StackEvent) int { return aws.ToTime(a.Timestamp).Compare(aws.ToTime(b.Timestamp)) })
	events := make([]Event, 0, len(fresh))
	for _, ev := range fresh {
		events = append(events, newEvent(ev, start, begun))
	}
	return events, nil
}

// stackEvents are all events of one stack, none if it does not exist. The API
// gives the newest first; here the oldest comes first, so that events of equal
// time stay in order.
func (c *Clients) stackEvents(ctx context.Context, name string) (all []types.StackEvent, err error) {
	p := cloudformation.NewDescribeStackEventsPaginator(c.CloudFormation, &cloudformation.DescribeStackEventsInput{StackName: &name})
	err = pages(ctx, p.HasMorePages, p.NextPage, func(o *cloudformation.DescribeStackEventsOutput) { all = append(all, o.StackEvents...) })
	if isNoStack(err) {
		return nil, nil
	}
	slices.Reverse(all)
	return all, err
}

// newEvent converts one event; begun remembers when each resource's operation
// started.
func newEvent(ev types.StackEvent, start time.Time, begun map[string]time.Time) Event {
	at, key := aws.ToTime(ev.Timestamp), aws.ToString(ev.StackName)+"/"+aws.ToString(ev.LogicalResourceId)
	e := Event{
		Stack: aws.ToString(ev.StackName), LogicalID: aws.ToString(ev.LogicalResourceId), Type: aws.ToString(ev.ResourceType),
		Status: string(ev.ResourceStatus), Reason: aws.ToString(ev.ResourceStatusReason), Elapsed: max(0, at.Sub(start)),
	}
	if e.Running() {
		begun[key] = at
	} else if t, ok := begun[key]; ok {
		e.Took = at.Sub(t)
	}
	return e
}
