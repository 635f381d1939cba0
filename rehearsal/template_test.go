package rehearsal

import (
	"maps"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/stackevents"
)

func TestRetained(t *testing.T) {
	template, err := ParseTemplate([]byte(`
Resources:
  Data:       {Type: AWS::S3::Bucket, DeletionPolicy: RetainExceptOnCreate}
  DataPolicy: {Type: AWS::S3::BucketPolicy, DeletionPolicy: Retain, Properties: {Bucket: {Ref: Data}}}
  Scratch:    {Type: AWS::S3::Bucket, DeletionPolicy: Delete}
  Role:       {Type: AWS::IAM::Role}
  Unmade:     {Type: AWS::S3::Bucket, DeletionPolicy: Retain, Condition: Never}
`))
	if err != nil {
		t.Fatal(err)
	}
	got := template.Retained(map[string]string{"Data": "data-1", "DataPolicy": "whatever", "Scratch": "scratch-1", "Role": "role-1"})
	want := []Item{{"AWS::S3::Bucket", "data-1"}, {"AWS::S3::BucketPolicy", "data-1"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("retained (-want +got):\n%s", diff)
	}
}

func TestSinceIsWhatCameInOrder(t *testing.T) {
	before := Inventory{{"A", "1"}: true, {"B", "1"}: true}
	now := Inventory{{"B", "1"}: true, {"C", "2"}: true, {"A", "2"}: true}
	if diff := cmp.Diff([]Item{{"A", "2"}, {"C", "2"}}, now.Since(before)); diff != "" {
		t.Errorf("since (-want +got):\n%s", diff)
	}
}

func TestRoleName(t *testing.T) {
	for principal, want := range map[string]string{
		"arn:aws:sts::111122223333:assumed-role/installer/session":  "installer",
		"arn:aws-cn:iam::111122223333:role/path/to/installer":       "installer",
		"arn:aws:iam::111122223333:role/installer":                  "installer",
		"arn:aws-us-gov:sts::111122223333:assumed-role/other/i-123": "other",
	} {
		if got := roleName(principal); got != want {
			t.Errorf("roleName(%q) = %q, want %q", principal, got, want)
		}
	}
}

func TestEventsTellHowLongAResourceTook(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	begun := map[string]time.Time{}
	event := func(seconds int, status types.ResourceStatus) Event {
		return newEvent(&stackevents.Event{
			Stack: "s", LogicalID: "Vpc", Type: "AWS::EC2::VPC", Status: string(status), At: start.Add(time.Duration(seconds) * time.Second),
		}, start, begun)
	}
	if e := event(2, types.ResourceStatusCreateInProgress); e.Took != 0 || e.Elapsed != 2*time.Second {
		t.Errorf("at its start: elapsed %s, took %s", e.Elapsed, e.Took)
	}
	if e := event(5, types.ResourceStatusCreateComplete); e.Took != 3*time.Second || e.Elapsed != 5*time.Second {
		t.Errorf("at its end: elapsed %s, took %s", e.Elapsed, e.Took)
	}
}

func TestOnlyCausesCountAsFailures(t *testing.T) {
	for name, test := range map[string]struct {
		event Event
		want  bool
	}{
		"a resource that failed":       {Event{Type: "AWS::EC2::VPC", Status: "CREATE_FAILED", Reason: "VpcLimitExceeded"}, true},
		"a resource that was stopped":  {Event{Type: "AWS::EC2::VPC", Status: "CREATE_FAILED", Reason: "Resource creation cancelled"}, false},
		"the stack reports a resource": {Event{Type: "AWS::CloudFormation::Stack", Status: "CREATE_FAILED", Reason: "The following resource(s) failed"}, false},
		"a resource that was made":     {Event{Type: "AWS::EC2::VPC", Status: "CREATE_COMPLETE"}, false},
	} {
		if got := test.event.failedByItself(); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestDefaultsAreAnswersToo(t *testing.T) {
	template, err := ParseTemplate([]byte(`{"Parameters": {"A": {"Type": "String"}, "B": {"Default": "b"}, "C": {"Default": 7}, "D": {"Default": "d"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	given := map[string]string{"A": "a", "D": ""}
	want := map[string]string{"A": "a", "B": "b", "C": "7", "D": ""}
	if got := template.Answered(given); !maps.Equal(got, want) || len(given) != 2 {
		t.Errorf("answers %v, want %v", got, want)
	}
	if got := template.Answered(nil); !maps.Equal(got, map[string]string{"B": "b", "C": "7", "D": "d"}) {
		t.Errorf("without a given one: %v", got)
	}
}
