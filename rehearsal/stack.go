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

	// NamedRoles acknowledges that the template names IAM roles itself.
	NamedRoles bool
	// Deployer's clients create, update and delete the stack; nil: those that
	// made it, which always read its state.
	Deployer *Clients

	clients *Clients
	id      string
	seen    map[string]bool
}

// NewStack returns a stack that does not exist yet.
func (c *Clients) NewStack(name, templateURL string, progress func(Event)) *Stack {
	return &Stack{Name: name, TemplateURL: templateURL, Progress: progress, clients: c, seen: map[string]bool{}}
}

// FindStack returns a stack that exists, whoever made it.
func (c *Clients) FindStack(ctx context.Context, name string, progress func(Event)) (*Stack, error) {
	s := c.NewStack(name, "", progress)
	s.id = name // DescribeStacks takes either
	found, err := s.describe(ctx)
	if err != nil {
		return nil, err
	}
	if found.StackId == nil {
		return nil, fmt.Errorf("there is no stack %s", name)
	}
	s.id = aws.ToString(found.StackId)
	return s, nil
}

// ID is the stack's ARN, empty before Create.
func (s *Stack) ID() string { return s.id }

func (s *Stack) deployer() *cloudformation.Client {
	if s.Deployer != nil {
		return s.Deployer.CloudFormation
	}
	return s.clients.CloudFormation
}

// Create creates the stack as a quick-create link does and waits for its end.
// The error of a failed create has the reason of each failed resource.
func (s *Stack) Create(ctx context.Context, parameters map[string]string) error {
	start := time.Now()
	out, err := s.deployer().CreateStack(ctx, &cloudformation.CreateStackInput{
		StackName: &s.Name, TemplateURL: &s.TemplateURL, Parameters: parameterList(parameters),
		Capabilities: s.capabilities(),
	})
	if err != nil {
		return fmt.Errorf("create stack %s: %w", s.Name, err)
	}
	s.id = aws.ToString(out.StackId)
	return s.wait(ctx, start, types.StackStatusCreateComplete)
}

func (s *Stack) capabilities() []types.Capability {
	if s.NamedRoles {
		return []types.Capability{types.CapabilityCapabilityNamedIam}
	}
	return []types.Capability{types.CapabilityCapabilityIam}
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
	_, err = s.deployer().UpdateStack(ctx, &cloudformation.UpdateStackInput{
		StackName: &s.id, TemplateURL: &s.TemplateURL, Parameters: list,
		Capabilities: s.capabilities(),
	})
	if err != nil {
		return fmt.Errorf("update stack %s: %w", s.Name, err)
	}
	return s.wait(ctx, start, types.StackStatusUpdateComplete)
}

// Delete deletes the stack and waits until it is gone.
func (s *Stack) Delete(ctx context.Context) error {
	start := time.Now()
	if _, err := s.deployer().DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &s.id}); err != nil {
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

// wait follows the stack until it rests. Each event is told as it comes.
func (s *Stack) wait(ctx context.Context, start time.Time, want types.StackStatus) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	begun := map[string]time.Time{}
	var failures []Event
	for {
		// The status is read before the events, so that the last ones are seen.
		stack, err := s.describe(ctx)
		if err != nil {
			return err
		}
		events, err := s.newEvents(ctx, start, begun)
		if err != nil {
			return err
		}
		for _, e := range events {
			if e.failedByItself() {
				failures = append(failures, e)
			}
			if s.Progress != nil {
				s.Progress(e)
			}
		}
		if !strings.HasSuffix(string(stack.StackStatus), "_IN_PROGRESS") {
			return s.ended(stack, want, failures)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("stack %s is still %s: %w", s.Name, stack.StackStatus, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// ended tells whether a resting stack rests as it should.
func (s *Stack) ended(stack *types.Stack, want types.StackStatus, failures []Event) error {
	if stack.StackStatus == want {
		return nil
	}
	if len(failures) == 0 {
		failures = []Event{{LogicalID: s.Name, Type: stackType, Status: string(stack.StackStatus), Reason: aws.ToString(stack.StackStatusReason)}}
	}
	return &FailedError{Stack: s.Name, Status: string(stack.StackStatus), Failures: failures}
}

func (s *Stack) describe(ctx context.Context) (*types.Stack, error) {
	out, err := s.clients.CloudFormation.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &s.id})
	if isNoStack(err) {
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

// isNoStack tells CloudFormation's answer for a stack that is not there, which
// has no error code of its own.
func isNoStack(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && strings.Contains(api.ErrorMessage(), "does not exist")
}

func parameterList(m map[string]string) []types.Parameter {
	var list []types.Parameter
	for _, k := range slices.Sorted(maps.Keys(m)) {
		list = append(list, types.Parameter{ParameterKey: aws.String(k), ParameterValue: aws.String(m[k])})
	}
	return list
}
