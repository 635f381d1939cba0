package diagnose

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/e6data/aws-quickstart/internal/awserror"
	"github.com/e6data/aws-quickstart/internal/stackevents"
)

// readStacks reads the stack, those nested in it, their resources and events.
func (c *collector) readStacks(ctx context.Context) {
	id := c.identify(ctx)
	events, err := stackevents.Read(ctx, c.stacks, id)
	c.gap("the stack's events", err)
	c.facts.Events = events
	ids := []string{id}
	for i := range events {
		if s := events[i].StackID; !slices.Contains(ids, s) && s != "" && events[i].Stack != id {
			ids = append(ids, s)
		}
	}
	for _, id := range ids {
		if s := c.readStack(ctx, id); s != nil {
			s.complete(events)
			c.facts.Stacks = append(c.facts.Stacks, *s)
		}
	}
}

// complete adds the resources that only the events tell of: deleted ones, as
// after a rollback, and all if they may not be listed.
func (s *Stack) complete(events []stackevents.Event) {
	last := map[string]int{}
	for i := range events {
		if e := &events[i]; e.StackID == s.ID && e.PhysicalID != s.ID && e.PhysicalID != "" {
			last[e.LogicalID] = i
		}
	}
	for _, r := range s.Resources {
		delete(last, r.LogicalID)
	}
	for _, id := range slices.Sorted(maps.Keys(last)) {
		e := &events[last[id]]
		s.Resources = append(s.Resources, Resource{Stack: s.Name, LogicalID: id, Type: e.Type, PhysicalID: e.PhysicalID, Status: e.Status, Reason: e.Reason})
	}
}

// identify gives the ID of the newest stack of a name, also of one that was
// deleted, which the other calls take by its ID only.
func (c *collector) identify(ctx context.Context) string {
	if strings.HasPrefix(c.Stack, "arn:") {
		return c.Stack
	}
	out, err := c.stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &c.Stack})
	switch {
	case err == nil && len(out.Stacks) == 1:
		return deref(out.Stacks[0].StackId)
	case err == nil || !strings.Contains(awserror.Text(err), "does not exist"):
		return c.Stack
	}
	return c.newestDeleted(ctx)
}

// newestDeleted is the ID of the stack of this name that was deleted last; the
// name itself if there is none.
func (c *collector) newestDeleted(ctx context.Context) string {
	pages := cloudformation.NewListStacksPaginator(c.stacks, &cloudformation.ListStacksInput{StackStatusFilter: []types.StackStatus{types.StackStatusDeleteComplete}})
	var newest *types.StackSummary
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if c.gap("deleted stacks of this name", err) {
			return c.Stack
		}
		for i := range page.StackSummaries {
			s := &page.StackSummaries[i]
			if deref(s.StackName) == c.Stack && (newest == nil || aws.ToTime(s.DeletionTime).After(aws.ToTime(newest.DeletionTime))) {
				newest = s
			}
		}
	}
	if newest == nil {
		return c.Stack
	}
	return deref(newest.StackId)
}

func (c *collector) readStack(ctx context.Context, id string) *Stack {
	out, err := c.stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &id})
	if c.gap("the description of stack "+id, err) || len(out.Stacks) == 0 {
		return nil
	}
	s := &out.Stacks[0]
	made := &Stack{
		Name: deref(s.StackName), ID: deref(s.StackId), Status: string(s.StackStatus), Reason: deref(s.StackStatusReason),
		Description: deref(s.Description), Created: deref(s.CreationTime),
	}
	for _, p := range s.Parameters {
		// CloudFormation answers those with NoEcho with asterisks.
		made.Parameters = append(made.Parameters, Pair{deref(p.ParameterKey), deref(p.ParameterValue)})
	}
	for _, o := range s.Outputs {
		made.Outputs = append(made.Outputs, Pair{deref(o.OutputKey), deref(o.OutputValue)})
	}
	for _, t := range s.Tags {
		made.Tags = append(made.Tags, Pair{deref(t.Key), deref(t.Value)})
	}
	pages := cloudformation.NewListStackResourcesPaginator(c.stacks, &cloudformation.ListStackResourcesInput{StackName: s.StackId})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if c.gap("the resources of stack "+made.Name, err) {
			break
		}
		for _, r := range page.StackResourceSummaries {
			made.Resources = append(made.Resources, Resource{
				Stack: made.Name, LogicalID: deref(r.LogicalResourceId), Type: deref(r.ResourceType), PhysicalID: deref(r.PhysicalResourceId),
				Status: string(r.ResourceStatus), Reason: deref(r.ResourceStatusReason),
			})
		}
	}
	return made
}
