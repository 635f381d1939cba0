package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
)

// pollInterval is short because the embedded AWS is on this machine and has no
// request limits.
const pollInterval = 150 * time.Millisecond

// Stack is one CloudFormation stack of an environment.
type Stack struct {
	Name string
	// TemplateURL is the template's place in S3.
	TemplateURL string
	// Progress is told each event of the stack and of its nested stacks, oldest
	// first, as it comes; nil: nobody.
	Progress func(Event)

	clients *Clients
	id      string
	seen    map[string]bool
}

// Event is one stack event: CloudFormation's own, with times relative to the
// operation's start.
type Event struct {
	Stack, LogicalID, Type, Status, Reason string
	// Elapsed is the time since the operation started; Took is the time since
	// the resource's IN_PROGRESS event, zero for that event itself.
	Elapsed, Took time.Duration
}

// NewStack returns a stack that does not exist yet.
func (c *Clients) NewStack(name, templateURL string, progress func(Event)) *Stack {
	return &Stack{Name: name, TemplateURL: templateURL, Progress: progress, clients: c, seen: map[string]bool{}}
}

// ID is the stack's ARN, empty before Create.
func (s *Stack) ID() string { return s.id }

// Create creates the stack as a quick-create link does and waits for its end.
// The error of a failed create has the reason of each failed resource.
func (s *Stack) Create(ctx context.Context, parameters map[string]string) error {
	start := time.Now()
	out, err := s.clients.CloudFormation.CreateStack(ctx, &cloudformation.CreateStackInput{
		StackName: &s.Name, TemplateURL: &s.TemplateURL, Parameters: parameterList(parameters),
		Capabilities: []types.Capability{types.CapabilityCapabilityIam},
	})
	if err != nil {
		return fmt.Errorf("create stack %s: %w", s.Name, err)
	}
	s.id = aws.ToString(out.StackId)
	return s.wait(ctx, start, types.StackStatusCreateComplete)
}

// Update changes the given parameters and keeps the others.
func (s *Stack) Update(ctx context.Context, changed map[string]string) error {
	current, err := s.describe(ctx)
	if err != nil {
		return err
	}
	start := time.Now()
	list := parameterList(changed)
	for _, p := range current.Parameters {
		if _, ok := changed[aws.ToString(p.ParameterKey)]; !ok {
			list = append(list, types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)})
		}
	}
	_, err = s.clients.CloudFormation.UpdateStack(ctx, &cloudformation.UpdateStackInput{
		StackName: &s.id, TemplateURL: &s.TemplateURL, Parameters: list,
		Capabilities: []types.Capability{types.CapabilityCapabilityIam},
	})
	if err != nil {
		return fmt.Errorf("update stack %s: %w", s.Name, err)
	}
	return s.wait(ctx, start, types.StackStatusUpdateComplete)
}

// Delete deletes the stack and waits until it is gone.
func (s *Stack) Delete(ctx context.Context) error {
	start := time.Now()
	if _, err := s.clients.CloudFormation.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &s.id}); err != nil {
		return fmt.Errorf("delete stack %s: %w", s.Name, err)
	}
	return s.wait(ctx, start, types.StackStatusDeleteComplete)
}

// Output is one output of the stack.
type Output struct{ Key, Value, Description string }

// Outputs are the stack's outputs in the order of their keys.
func (s *Stack) Outputs(ctx context.Context) ([]Output, error) {
	stack, err := s.describe(ctx)
	if err != nil {
		return nil, err
	}
	var all []Output
	for _, o := range stack.Outputs {
		all = append(all, Output{aws.ToString(o.OutputKey), aws.ToString(o.OutputValue), aws.ToString(o.Description)})
	}
	slices.SortFunc(all, func(a, b Output) int { return strings.Compare(a.Key, b.Key) })
	return all, nil
}

// Resources maps each logical ID of the stack to its physical ID.
func (s *Stack) Resources(ctx context.Context) (map[string]string, error) {
	ids := map[string]string{}
	pages := cloudformation.NewListStackResourcesPaginator(s.clients.CloudFormation, &cloudformation.ListStackResourcesInput{StackName: &s.id})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the resources of %s: %w", s.Name, err)
		}
		for _, r := range page.StackResourceSummaries {
			ids[aws.ToString(r.LogicalResourceId)] = aws.ToString(r.PhysicalResourceId)
		}
	}
	return ids, nil
}

// FailedError is a stack operation that ended otherwise than asked.
type FailedError struct {
	Stack, Status string
	// Failures are the events of the resources that failed by themselves,
	// oldest first: those that were only cancelled are left out.
	Failures []Event
}

func (e *FailedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "stack %s ended as %s", e.Stack, e.Status)
	for _, f := range e.Failures {
		fmt.Fprintf(&b, "\n  %s (%s) %s: %s", f.LogicalID, f.Type, f.Status, f.Reason)
	}
	return b.String()
}

// Reasons are the failed resources' reasons, by logical ID.
func (e *FailedError) Reasons() map[string]string {
	m := map[string]string{}
	for _, f := range e.Failures {
		if _, ok := m[f.LogicalID]; !ok {
			m[f.LogicalID] = f.Reason
		}
	}
	return m
}

func (s *Stack) wait(ctx context.Context, start time.Time, want types.StackStatus) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	begun := map[string]time.Time{}
	var failures []Event
	for {
		stack, err := s.describe(ctx)
		if err != nil {
			return err
		}
		// The status is read before the events, so that the last ones are seen.
		events, err := s.newEvents(ctx, start, begun)
		if err != nil {
			return err
		}
		for _, ev := range events {
			if strings.HasSuffix(ev.Status, "_FAILED") && !strings.Contains(ev.Reason, "cancelled") && ev.Type != "AWS::CloudFormation::Stack" {
				failures = append(failures, ev)
			}
			if s.Progress != nil {
				s.Progress(ev)
			}
		}
		if status := stack.StackStatus; !strings.HasSuffix(string(status), "_IN_PROGRESS") {
			if status == want {
				return nil
			}
			if len(failures) == 0 && stack.StackStatusReason != nil {
				failures = append(failures, Event{LogicalID: s.Name, Type: "AWS::CloudFormation::Stack", Status: string(status), Reason: *stack.StackStatusReason})
			}
			return &FailedError{Stack: s.Name, Status: string(status), Failures: failures}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("stack %s is still %s: %w", s.Name, stack.StackStatus, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

func (s *Stack) describe(ctx context.Context) (*types.Stack, error) {
	out, err := s.clients.CloudFormation.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &s.id})
	var api smithy.APIError
	if errors.As(err, &api) && strings.Contains(api.ErrorMessage(), "does not exist") {
		return &types.Stack{StackStatus: types.StackStatusDeleteComplete}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("describe stack %s: %w", s.Name, err)
	}
	if len(out.Stacks) != 1 {
		return nil, fmt.Errorf("describe stack %s: %d stacks", s.Name, len(out.Stacks))
	}
	return &out.Stacks[0], nil
}

// newEvents reads the events that were not seen before, of the stack and of the
// nested stacks it names, oldest first.
func (s *Stack) newEvents(ctx context.Context, start time.Time, begun map[string]time.Time) ([]Event, error) {
	var fresh []types.StackEvent
	names := map[string]bool{s.id: true}
	for queue := []string{s.id}; len(queue) > 0; {
		name := queue[0]
		queue = queue[1:]
		pages := cloudformation.NewDescribeStackEventsPaginator(s.clients.CloudFormation, &cloudformation.DescribeStackEventsInput{StackName: &name})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			var api smithy.APIError
			if errors.As(err, &api) && strings.Contains(api.ErrorMessage(), "does not exist") {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("read the events of %s: %w", s.Name, err)
			}
			for _, ev := range page.StackEvents {
				if id := aws.ToString(ev.PhysicalResourceId); aws.ToString(ev.ResourceType) == "AWS::CloudFormation::Stack" && strings.HasPrefix(id, "arn:") && !names[id] {
					names[id] = true
					queue = append(queue, id)
				}
				if id := aws.ToString(ev.EventId); !s.seen[id] {
					s.seen[id] = true
					fresh = append(fresh, ev)
				}
			}
		}
	}
	slices.SortStableFunc(fresh, func(a, b types.StackEvent) int { return aws.ToTime(a.Timestamp).Compare(aws.ToTime(b.Timestamp)) })
	events := make([]Event, 0, len(fresh))
	for _, ev := range fresh {
		key := aws.ToString(ev.StackName) + "/" + aws.ToString(ev.LogicalResourceId)
		e := Event{
			Stack: aws.ToString(ev.StackName), LogicalID: aws.ToString(ev.LogicalResourceId), Type: aws.ToString(ev.ResourceType),
			Status: string(ev.ResourceStatus), Reason: aws.ToString(ev.ResourceStatusReason), Elapsed: max(0, aws.ToTime(ev.Timestamp).Sub(start)),
		}
		if strings.HasSuffix(e.Status, "_IN_PROGRESS") {
			begun[key] = aws.ToTime(ev.Timestamp)
		} else if t, ok := begun[key]; ok {
			e.Took = aws.ToTime(ev.Timestamp).Sub(t)
		}
		events = append(events, e)
	}
	return events, nil
}

func parameterList(m map[string]string) []types.Parameter {
	var list []types.Parameter
	for _, k := range slices.Sorted(maps.Keys(m)) {
		list = append(list, types.Parameter{ParameterKey: aws.String(k), ParameterValue: aws.String(m[k])})
	}
	return list
}
