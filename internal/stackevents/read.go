// Package stackevents reads what CloudFormation tells of a stack with its nested
// stacks, and finds in it what failed first.
package stackevents

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// StackType is the resource type of a stack, and of a nested one in its parent.
const StackType = "AWS::CloudFormation::Stack"

// Event is one event of a stack. Its resource's properties are left out: nobody
// asks for them, and Helm values are among them.
type Event struct {
	At                                                 time.Time
	Stack, LogicalID, Type, PhysicalID, Status, Reason string
	// StackID and EventID tell events apart.
	StackID, EventID string
}

// ofItself tells whether the event is a stack's about itself.
func (e *Event) ofItself() bool {
	return e.Type == StackType && e.PhysicalID != "" && e.PhysicalID == e.StackID
}

// nested is the ID of the nested stack that the event is about, if it is.
func (e *Event) nested() string {
	if e.Type != StackType || e.ofItself() || !strings.HasPrefix(e.PhysicalID, "arn:") {
		return ""
	}
	return e.PhysicalID
}

// Read returns the events of a stack, by its name or ID, and of the stacks
// nested in it, oldest first. A deleted stack has its events for 90 days, by
// its ID only. What can be read comes back beside the error.
func Read(ctx context.Context, api cloudformation.DescribeStackEventsAPIClient, stack string) ([]Event, error) {
	var all []Event
	var failed []error
	known := map[string]bool{stack: true}
	for queue := []string{stack}; len(queue) > 0; queue = queue[1:] {
		events, err := ofOne(ctx, api, queue[0])
		if err != nil {
			failed = append(failed, fmt.Errorf("read the events of stack %s: %w", queue[0], err))
		}
		for i := range events {
			known[events[i].StackID] = true
			if id := events[i].nested(); id != "" && !known[id] {
				known[id] = true
				queue = append(queue, id)
			}
		}
		all = append(all, events...)
	}
	slices.SortStableFunc(all, func(a, b Event) int { return a.At.Compare(b.At) })
	return all, errors.Join(failed...)
}

// ofOne are all events of one stack. The API gives the newest first; here the
// oldest comes first, so that events of equal time stay in order.
func ofOne(ctx context.Context, api cloudformation.DescribeStackEventsAPIClient, stack string) (all []Event, err error) {
	pages := cloudformation.NewDescribeStackEventsPaginator(api, &cloudformation.DescribeStackEventsInput{StackName: &stack})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return all, err
		}
		for i := range page.StackEvents {
			all = append(all, newEvent(&page.StackEvents[i]))
		}
	}
	slices.Reverse(all)
	return all, nil
}

func newEvent(e *types.StackEvent) Event {
	return Event{
		At: aws.ToTime(e.Timestamp), Stack: aws.ToString(e.StackName), LogicalID: aws.ToString(e.LogicalResourceId),
		Type: aws.ToString(e.ResourceType), PhysicalID: aws.ToString(e.PhysicalResourceId), Status: string(e.ResourceStatus),
		Reason: aws.ToString(e.ResourceStatusReason), StackID: aws.ToString(e.StackId), EventID: aws.ToString(e.EventId),
	}
}
