package template

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Nothing stays in the buckets for ever but what is in use: results that can be
// computed again go after a day, old versions after a month, logs after three.
func TestBucketsForgetWhatIsOld(t *testing.T) {
	r := newRun(t, quickstartFile, nil)
	want := map[string]any{
		"WorkspaceBucket": []any{
			object{
				"Id": "expire-cached-query-results", "Status": "Enabled", "Prefix": "cached-query-results/",
				"ExpirationInDays": 1, "NoncurrentVersionExpiration": object{"NoncurrentDays": 1},
				"AbortIncompleteMultipartUpload": object{"DaysAfterInitiation": 1},
			},
			object{
				"Id": "tidy-up", "Status": "Enabled", "ExpiredObjectDeleteMarker": true,
				"NoncurrentVersionExpiration":    object{"NoncurrentDays": 30},
				"AbortIncompleteMultipartUpload": object{"DaysAfterInitiation": 7},
			},
		},
		"LogBucket": []any{
			object{
				"Id": "expire-access-logs", "Status": "Enabled",
				"ExpirationInDays": 90, "NoncurrentVersionExpiration": object{"NoncurrentDays": 1},
				"AbortIncompleteMultipartUpload": object{"DaysAfterInitiation": 1},
			},
		},
	}
	got := map[string]any{}
	for _, id := range r.activeOfType("AWS::S3::Bucket") {
		got[id] = at(r.properties(id), "LifecycleConfiguration", "Rules")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lifecycle (-want +got):\n%s", diff)
	}
}

// S3 may deliver logs of the workspace bucket only, for this account only, and
// nobody else may write to the log bucket by its policy.
func TestOnlyAccessLogsReachTheLogBucket(t *testing.T) {
	for _, partition := range []string{"aws", "aws-cn", "aws-us-gov"} {
		r := newRun(t, quickstartFile, nil)
		r.pseudo["AWS::Partition"] = partition
		var got []object
		for _, s := range statements(r) {
			if s.where == "LogBucketPolicy" && s.Effect == "Allow" {
				got = append(got, s.Raw)
			}
		}
		want := []object{{
			"Sid": "AllowAccessLogs", "Effect": "Allow", "Action": "s3:PutObject",
			"Principal": object{"Service": "logging.s3.amazonaws.com"},
			"Resource":  "arn:" + partition + ":made:::LogBucket/workspace-bucket/*",
			"Condition": object{
				"ArnLike":      object{"aws:SourceArn": "arn:" + partition + ":made:::WorkspaceBucket"},
				"StringEquals": object{"aws:SourceAccount": "111122223333"},
			},
		}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: who may write logs (-want +got):\n%s", partition, diff)
		}
	}
	r := newRun(t, quickstartFile, nil)
	if p := at(r.properties("WorkspaceBucket"), "LoggingConfiguration", "LogFilePrefix"); p != "workspace-bucket/" {
		t.Errorf("the workspace bucket logs to %v", p)
	}
}
