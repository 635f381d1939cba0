package template

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ofCrossAccountRole are the statements of the cross-account role.
func ofCrossAccountRole(r *stackRun) []statement {
	return slices.DeleteFunc(statements(r), func(s statement) bool { return !strings.HasPrefix(s.where, "CrossAccountRole/") })
}

// The cross-account role has no access to data stores: of the services it may
// use only S3 holds data, and of S3's buckets it names the workspace's alone.
func TestTheCrossAccountRoleReachesNoDataStore(t *testing.T) {
	for name, answers := range answerSets {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, quickstartFile, answers)
			all := ofCrossAccountRole(r)
			services := map[string]bool{}
			for _, s := range all {
				if s.Effect != "Allow" || s.Raw["NotAction"] != nil || s.Raw["NotResource"] != nil {
					t.Errorf("%s: what it allows cannot be told from its actions and resources", s)
				}
				for _, a := range s.Actions {
					service, _, _ := strings.Cut(a, ":")
					services[service] = true
					for _, on := range s.Resources {
						if service == "s3" && on != "arn:aws:made:::WorkspaceBucket" && on != "arn:aws:made:::WorkspaceBucket/*" && on != "workspacebucket" {
							t.Errorf("%s allows %s on %s", s, a, on)
						}
					}
				}
			}
			var got []string
			for s := range services {
				got = append(got, s)
			}
			want := []string{"acm", "cloudwatch", "ec2", "eks", "elasticloadbalancing", "s3", "servicequotas", "wafv2"}
			if answers["KmsKeyArn"] != "" {
				want = append(want, "kms") // of the workspace bucket's objects: TestKeyIsUsedThroughServicesOnly
			}
			if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" {
				t.Errorf("services (-want +got):\n%s", diff)
			}
		})
	}
}

// What it may change belongs to the workspace, by the bucket's name, by the tag
// app=e6data or by the name e6data-; and only in its own region and account.
func TestTheCrossAccountRoleChangesOnlyWhatIsTheWorkspaces(t *testing.T) {
	const elb, waf = "arn:aws:elasticloadbalancing:us-east-1:111122223333:", "arn:aws:wafv2:us-east-1:111122223333:regional/"
	for _, s := range ofCrossAccountRole(newRun(t, quickstartFile, nil)) {
		tagged := at(s.Raw, "Condition", "StringEquals", "aws:RequestTag/app") == "e6data" || at(s.Raw, "Condition", "StringEquals", "aws:ResourceTag/app") == "e6data"
		for _, a := range s.Actions {
			service, operation, _ := strings.Cut(a, ":")
			reads := strings.HasPrefix(operation, "Get") || strings.HasPrefix(operation, "Describe") || strings.HasPrefix(operation, "List")
			if reads || service == "s3" {
				continue
			}
			for _, on := range s.Resources {
				named := strings.HasPrefix(on, elb+"loadbalancer/app/e6data-")
				// AWS's rule groups can be used, not changed.
				managed := a == "wafv2:UpdateWebACL" && on == waf+"managedruleset/*/*"
				if !tagged && !named && !managed || !strings.HasPrefix(on, elb) && !strings.HasPrefix(on, waf) {
					t.Errorf("%s allows %s on %s with condition %v", s, a, on, s.Raw["Condition"])
				}
			}
		}
	}
}

// The customer's key opens to it what is encrypted for the workspace bucket.
func TestTheCrossAccountRoleUsesTheKeyForItsBucketOnly(t *testing.T) {
	r := newRun(t, quickstartFile, map[string]string{"KmsKeyArn": keyARN})
	i := slices.IndexFunc(ofCrossAccountRole(r), func(s statement) bool { return slices.Contains(s.Actions, "kms:Decrypt") })
	if i < 0 {
		t.Fatal("no statement about the key")
	}
	got := asList(at(ofCrossAccountRole(r)[i].Raw, "Condition", "StringLike", "kms:EncryptionContext:aws:s3:arn"))
	if want := []string{"arn:aws:made:::WorkspaceBucket", "arn:aws:made:::WorkspaceBucket/*"}; !slices.Equal(want, got) {
		t.Errorf("for %v, want %v", got, want)
	}
}

// What has no resource is limited to the region.
func TestTheCrossAccountRoleLooksAtItsRegionOnly(t *testing.T) {
	seen := 0
	for _, s := range ofCrossAccountRole(newRun(t, quickstartFile, nil)) {
		if !slices.Contains(s.Resources, "*") {
			continue
		}
		seen++
		if at(s.Raw, "Condition", "StringEquals", "aws:RequestedRegion") != "us-east-1" {
			t.Errorf("%s: %v has condition %v", s, s.Actions, s.Raw["Condition"])
		}
	}
	if seen == 0 {
		t.Error("no statement on every resource was found: this test looks at none")
	}
}
