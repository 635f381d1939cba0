package stackevents

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/go-cmp/cmp"
)

const (
	root   = "arn:aws:cloudformation:us-east-1:111122223333:stack/demo/1"
	nested = "arn:aws:cloudformation:us-east-1:111122223333:stack/demo-Network/2"
)

// played is a CloudFormation API with the events of stacks by ID, newest first as
// CloudFormation gives them, two on a page.
type played map[string][]types.StackEvent

func (p played) DescribeStackEvents(_ context.Context, in *cloudformation.DescribeStackEventsInput, _ ...func(*cloudformation.Options)) (*cloudformation.DescribeStackEventsOutput, error) {
	id := aws.ToString(in.StackName)
	if id == "demo" {
		id = root
	}
	events, there := p[id]
	if !there {
		return nil, errors.New("there is no such stack")
	}
	from := 0
	if in.NextToken != nil {
		if _, err := fmt.Sscan(*in.NextToken, &from); err != nil {
			return nil, err
		}
	}
	out := &cloudformation.DescribeStackEventsOutput{StackEvents: events[from:min(from+2, len(events))]}
	if from+2 < len(events) {
		out.NextToken = aws.String(fmt.Sprint(from + 2))
	}
	return out, nil
}

// events makes those of a stack out of lines "SECOND LOGICAL-ID STATUS REASON",
// oldest first; the logical ID "-" is the stack itself, "Network" the nested one.
func events(stack string, lines ...string) (newestFirst []types.StackEvent) {
	for i, line := range lines {
		parts := strings.SplitN(line, " ", 4)
		var second int
		if _, err := fmt.Sscan(parts[0], &second); err != nil {
			panic(err)
		}
		e := types.StackEvent{
			StackId: &stack, EventId: aws.String(fmt.Sprint(stack, i)), Timestamp: aws.Time(time.Unix(int64(second), 0)),
			LogicalResourceId: &parts[1], ResourceStatus: types.ResourceStatus(parts[2]), ResourceType: aws.String("AWS::S3::Bucket"), PhysicalResourceId: aws.String("bucket"),
		}
		if len(parts) == 4 {
			e.ResourceStatusReason = &parts[3]
		}
		switch parts[1] {
		case "-":
			e.ResourceType, e.PhysicalResourceId = aws.String(StackType), &stack
		case "Network":
			e.ResourceType, e.PhysicalResourceId = aws.String(StackType), aws.String(nested)
		}
		newestFirst = append([]types.StackEvent{e}, newestFirst...)
	}
	return newestFirst
}

// told are the operations and their causes, one a line.
func told(all []Operation) (lines []string) {
	for i := range all {
		line := fmt.Sprintf("%s %s failed=%t", all[i].Kind, all[i].Status, all[i].Failed())
		for _, c := range all[i].Causes() {
			line += " " + c.LogicalID
		}
		lines = append(lines, line)
	}
	return lines
}

func TestOperations(t *testing.T) {
	api := played{
		root: events(root,
			"0 - REVIEW_IN_PROGRESS",
			"1 - CREATE_IN_PROGRESS", "2 Network CREATE_IN_PROGRESS", "9 Network CREATE_COMPLETE", "10 - CREATE_COMPLETE",
			"20 - UPDATE_IN_PROGRESS", "21 Network UPDATE_IN_PROGRESS",
			"24 Network UPDATE_FAILED Embedded stack was not successfully updated", "24 Bucket UPDATE_FAILED Resource update cancelled",
			"25 - UPDATE_ROLLBACK_IN_PROGRESS", "29 - UPDATE_ROLLBACK_COMPLETE",
			"40 - UPDATE_IN_PROGRESS", "41 - UPDATE_COMPLETE",
			"50 - DELETE_IN_PROGRESS", "51 Network DELETE_FAILED it could not begin", "52 - DELETE_FAILED"),
		nested: events(nested, "3 - CREATE_IN_PROGRESS", "8 - CREATE_COMPLETE", "22 - UPDATE_IN_PROGRESS", "23 Subnet UPDATE_FAILED no room", "24 - UPDATE_FAILED"),
	}
	for _, asked := range []string{"demo", root} {
		all, err := Read(t.Context(), api, asked)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{
			"CREATE CREATE_COMPLETE failed=false",
			"UPDATE UPDATE_ROLLBACK_COMPLETE failed=true Subnet",
			"UPDATE UPDATE_COMPLETE failed=false",
			// None failed by itself: the nested stack says all there is.
			"DELETE DELETE_FAILED failed=true Network -",
		}
		if diff := cmp.Diff(want, told(Operations(all))); diff != "" {
			t.Errorf("operations of %s (-want +got):\n%s", asked, diff)
		}
	}
}

// A nested stack that cannot be read takes nothing of the others away.
func TestReadGoesOn(t *testing.T) {
	api := played{root: events(root, "1 - CREATE_IN_PROGRESS", "2 Network CREATE_IN_PROGRESS", "3 Network CREATE_FAILED denied", "4 - ROLLBACK_COMPLETE")}
	all, err := Read(t.Context(), api, "demo")
	if err == nil || !strings.Contains(err.Error(), nested) {
		t.Errorf("error is %v, want the nested stack's", err)
	}
	if diff := cmp.Diff([]string{"CREATE ROLLBACK_COMPLETE failed=true Network"}, told(Operations(all))); diff != "" {
		t.Errorf("operations (-want +got):\n%s", diff)
	}
}
