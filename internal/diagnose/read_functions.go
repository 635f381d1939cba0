package diagnose

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/e6data/aws-quickstart/internal/awserror"
	"github.com/e6data/aws-quickstart/internal/customresource"
	"github.com/e6data/aws-quickstart/internal/stackevents"
)

const deleted = "DELETE_COMPLETE"

// readFunctions reads how each function is: never its environment's values.
func (c *collector) readFunctions(ctx context.Context) {
	for _, r := range c.resources("AWS::Lambda::Function") {
		if r.Status == deleted {
			continue
		}
		out, err := c.functions.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &r.PhysicalID})
		if c.gap("the configuration of function "+r.LogicalID, err) {
			continue
		}
		f := Function{
			LogicalID: r.LogicalID, Name: r.PhysicalID, CodeSha256: deref(out.CodeSha256), Runtime: string(out.Runtime),
			State: string(out.State), StateReason: deref(out.StateReason), LastUpdate: string(out.LastUpdateStatus), LastUpdateReason: deref(out.LastUpdateStatusReason),
			MemoryMiB: deref(out.MemorySize), TimeoutSeconds: deref(out.Timeout),
		}
		for _, a := range out.Architectures {
			f.Architectures = append(f.Architectures, string(a))
		}
		if out.Environment != nil {
			f.Variables = slices.Sorted(maps.Keys(out.Environment.Variables))
		}
		if out.LoggingConfig != nil {
			f.LogGroup = deref(out.LoggingConfig.LogGroup)
		}
		c.facts.Functions = append(c.facts.Functions, f)
	}
}

// readLogs reads the newest lines of the functions' log groups, and of the
// streams that failures name, however old.
func (c *collector) readLogs(ctx context.Context) {
	groups := map[string][]string{} // streams by group
	for _, r := range c.resources("AWS::Logs::LogGroup") {
		switch {
		case strings.HasPrefix(r.PhysicalID, "/aws/eks/"): // the control plane's, which may be gigabytes
		case r.Status == deleted:
			c.absent("the log of "+r.LogicalID, "the log group "+r.PhysicalID+" was deleted with the stack's resources, so a failure's reason in its event is all that is left",
				"To keep the logs of a create that fails, launch with the option to preserve successfully provisioned resources (--disable-rollback)")
		default:
			groups[r.PhysicalID] = nil
		}
	}
	for _, o := range stackevents.Operations(c.facts.Events) {
		for _, e := range o.Causes() {
			place, ok := customresource.FindLogPlace(e.Reason)
			if streams, there := groups[place.Group]; ok && there && place.Stream != "" && !slices.Contains(streams, place.Stream) {
				groups[place.Group] = append(streams, place.Stream)
			}
		}
	}
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		c.readGroup(ctx, group, groups[group])
	}
}

func (c *collector) readGroup(ctx context.Context, group string, named []string) {
	out, err := c.logs.DescribeLogStreams(ctx, &cloudwatchlogs.DescribeLogStreamsInput{
		LogGroupName: &group, OrderBy: types.OrderByLastEventTime, Descending: aws.Bool(true), Limit: aws.Int32(int32(c.Streams)), //nolint:gosec // the command allows 50 at most
	})
	if !c.gap("the log streams of "+group, err) {
		for i, s := range out.LogStreams {
			if name := deref(s.LogStreamName); i < c.Streams && !slices.Contains(named, name) {
				c.readStream(ctx, group, name, c.facts.Asked.Since)
			}
		}
	}
	for _, name := range named {
		c.readStream(ctx, group, name, time.Time{})
	}
}

func (c *collector) readStream(ctx context.Context, group, name string, since time.Time) {
	in := &cloudwatchlogs.GetLogEventsInput{
		LogGroupName: &group, LogStreamName: &name, StartFromHead: aws.Bool(false), Limit: aws.Int32(int32(c.Lines)), //nolint:gosec // the command allows 10,000 at most
	}
	if !since.IsZero() {
		in.StartTime = aws.Int64(since.UnixMilli())
	}
	out, err := c.logs.GetLogEvents(ctx, in)
	if awserror.HasCode(err, "ResourceNotFoundException") {
		c.absent("the log stream "+name+" of "+group, "it is no longer there", "")
		return
	}
	if c.gap("the log lines of "+group, err) || len(out.Events) == 0 {
		return
	}
	l := Log{Group: group, Stream: name, Cut: len(out.Events) >= c.Lines}
	for _, e := range out.Events {
		l.Lines = append(l.Lines, Line{At: time.UnixMilli(deref(e.Timestamp)).UTC(), Text: deref(e.Message)})
	}
	slices.SortStableFunc(l.Lines, func(a, b Line) int { return cmp.Compare(a.At.UnixMilli(), b.At.UnixMilli()) })
	c.facts.Logs = append(c.facts.Logs, l)
}
