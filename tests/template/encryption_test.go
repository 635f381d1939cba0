package template

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What the customer's key encrypts, and what AWS's keys encrypt without one.
func TestTheCustomersKeyEncryptsTheCustomersData(t *testing.T) {
	tests := map[string]struct {
		answers map[string]string
		key     string // "": AWS's own
	}{
		"a key of the customer's": {map[string]string{"KmsKeyArn": keyARN}, keyARN},
		"no key":                  {nil, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, quickstartFile, tt.answers)
			keyOrAbsent := func(v any) string { s, _ := v.(string); return s }
			rules, _ := at(r.properties("WorkspaceBucket"), "BucketEncryption", "ServerSideEncryptionConfiguration").([]any)
			byDefault, _ := at(rules[0], "ServerSideEncryptionByDefault").(object)
			want := object{"SSEAlgorithm": "AES256"}
			if tt.key != "" {
				want = object{"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": tt.key}
			}
			if diff := cmp.Diff(want, byDefault); diff != "" {
				t.Errorf("workspace bucket (-want +got):\n%s", diff)
			}
			if at(rules[0], "BucketKeyEnabled") != true {
				t.Error("without a bucket key each object is a call to KMS")
			}
			disks, _ := at(r.properties("NodeLaunchTemplate"), "LaunchTemplateData", "BlockDeviceMappings").([]any)
			if got := keyOrAbsent(at(disks[0], "Ebs", "KmsKeyId")); got != tt.key || at(disks[0], "Ebs", "Encrypted") != true {
				t.Errorf("disks of the node group are encrypted with %q", got)
			}
			if got := releaseValues(t, r, "NodePool")["kmsKeyID"]; got != tt.key {
				t.Errorf("disks of Karpenter's nodes are encrypted with %q", got)
			}
			// S3 could not deliver access logs to a bucket with a key of the customer's.
			logRules, _ := at(r.properties("LogBucket"), "BucketEncryption", "ServerSideEncryptionConfiguration").([]any)
			if at(logRules[0], "ServerSideEncryptionByDefault", "SSEAlgorithm") != "AES256" {
				t.Error("the log bucket has a key of the customer's")
			}
		})
	}
}

// A right on the key holds for that key, through one service of this region,
// and a grant for AWS's own resources only. What looks at the key's settings asks
// by itself.
func TestKeyIsUsedThroughServicesOnly(t *testing.T) {
	r := newRun(t, quickstartFile, map[string]string{"KmsKeyArn": keyARN})
	found := 0
	for _, s := range statements(r) {
		if !slices.ContainsFunc(s.Actions, func(a string) bool { return strings.HasPrefix(a, "kms:") }) || s.Effect != "Allow" {
			continue
		}
		if s.where == "OutputsFunctionRole/preflight-key" {
			if want := []string{"kms:DescribeKey", "kms:GetKeyPolicy", "kms:ListGrants"}; !slices.Equal(s.Actions, want) || !slices.Equal(s.Resources, []string{keyARN}) {
				t.Errorf("%s allows %v on %v", s, s.Actions, s.Resources)
			}
			continue
		}
		found++
		via, _ := at(s.Raw, "Condition", "StringLike", "kms:ViaService").(string)
		if !strings.HasSuffix(via, ".us-east-1.*") || !slices.Equal(s.Resources, []string{keyARN}) {
			t.Errorf("%s: through %q, on %v", s, via, s.Resources)
		}
		if slices.Contains(s.Actions, "kms:CreateGrant") && at(s.Raw, "Condition", "Bool", "kms:GrantIsForAWSResource") != "true" {
			t.Errorf("%s lends the key to anybody", s)
		}
	}
	if found < 2 {
		t.Errorf("%d statements about the key", found)
	}
	for _, s := range statements(newRun(t, quickstartFile, nil)) {
		if slices.ContainsFunc(s.Actions, func(a string) bool { return strings.HasPrefix(a, "kms:") }) {
			t.Errorf("%s speaks of a key though there is none", s)
		}
	}
}
