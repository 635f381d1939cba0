package template

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// statement is one statement of a policy, lists made of single values.
type statement struct {
	where     string
	Sid       string
	Effect    string
	Actions   []string
	Resources []string
	Raw       object
}

func (s statement) String() string { return s.where + "/" + s.Sid }

// statements are all statements of the roles' inline and managed policies and
// of the buckets' and queues' policies, evaluated.
func statements(r *stackRun) []statement {
	r.t.Helper()
	var out []statement
	for _, id := range r.activeOfType("AWS::IAM::Role") {
		policies, _ := r.properties(id)["Policies"].([]any)
		for _, p := range policies {
			out = append(out, statementsOf(id+"/"+fmt.Sprint(at(p, "PolicyName")), at(p, "PolicyDocument"))...)
		}
	}
	for _, kind := range []string{"AWS::IAM::ManagedPolicy", "AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"} {
		for _, id := range r.activeOfType(kind) {
			out = append(out, statementsOf(id, plain(r.t, document(r.t, r.properties(id)["PolicyDocument"])))...)
		}
	}
	return out
}

func statementsOf(where string, document any) []statement {
	var out []statement
	list, _ := at(document, "Statement").([]any)
	for _, s := range list {
		sid, _ := at(s, "Sid").(string)
		effect, _ := at(s, "Effect").(string)
		out = append(out, statement{where, sid, effect, asList(at(s, "Action")), asList(at(s, "Resource")), s.(object)})
	}
	return out
}

func asList(v any) []string {
	switch x := v.(type) {
	case string:
		return []string{x}
	case []any:
		var out []string
		for _, e := range x {
			out = append(out, fmt.Sprint(e))
		}
		return out
	}
	return nil
}

// withoutResource are the actions, besides the Describe calls of EC2 and Elastic
// Load Balancing, for which AWS has no resource to name
// (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
// and its neighbours). CreateNetworkInterface and its kin have, but Lambda asks
// for them without; zonal shift's is limited by a condition key.
var withoutResource = []string{
	"acm:ListCertificates", "arc-zonal-shift:GetManagedResource", "cloudwatch:GetMetricStatistics",
	"ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:UnassignPrivateIpAddresses",
	"eks:DescribeClusterVersions", "iam:ListInstanceProfiles", "iam:ListRoles", "logs:DescribeLogGroups", "pricing:GetProducts",
	"servicequotas:GetServiceQuota",
}

func TestPoliciesGiveNoMoreThanTheyName(t *testing.T) {
	withEveryAnswer(t, func(t *testing.T, r *stackRun) {
		t.Helper()
		all := statements(r)
		if len(all) < 10 {
			t.Fatalf("only %d statements found", len(all))
		}
		for _, s := range all {
			if s.Effect != "Allow" {
				continue
			}
			if len(s.Actions) == 0 || len(s.Resources) == 0 || s.Sid == "" {
				t.Errorf("%s: actions %v on %v", s, s.Actions, s.Resources)
			}
			for _, a := range s.Actions {
				if strings.Contains(a, "*") {
					t.Errorf("%s allows %s", s, a)
				}
				described := strings.HasPrefix(a, "ec2:Describe") || strings.HasPrefix(a, "elasticloadbalancing:Describe")
				if slices.Contains(s.Resources, "*") && !slices.Contains(withoutResource, a) && !described {
					t.Errorf("%s allows %s on every resource", s, a)
				}
			}
		}
	})
}

// Lambda makes network interfaces with the function's role; the function's code
// must not.
func TestNetworkInterfacesAreForLambdaOnly(t *testing.T) {
	byEffect := map[string]statement{}
	for _, s := range statements(newRun(t, quickstartFile, nil)) {
		if s.where == "HelmInstallerRole/network-interfaces" {
			byEffect[s.Effect] = s
		}
	}
	allowed, denied := byEffect["Allow"], byEffect["Deny"]
	if len(allowed.Actions) == 0 {
		t.Fatal("Lambda may not make network interfaces")
	}
	if diff := cmp.Diff(allowed.Actions, denied.Actions); diff != "" {
		t.Errorf("actions (-allowed +denied to code):\n%s", diff)
	}
	want := object{"ArnLike": object{"lambda:SourceFunctionArn": "arn:aws:lambda:us-east-1:111122223333:function:*"}}
	if diff := cmp.Diff(any(want), denied.Raw["Condition"]); diff != "" {
		t.Errorf("whom it is denied to (-want +got):\n%s", diff)
	}
}

func TestEveryRoleHasTheCustomersPathAndBoundary(t *testing.T) {
	const boundary = "arn:aws:iam::111122223333:policy/edge"
	r := newRun(t, quickstartFile, map[string]string{"RolePath": "/e6data/", "PermissionsBoundaryArn": boundary})
	plain := newRun(t, quickstartFile, nil)
	for _, id := range r.activeOfType("AWS::IAM::Role") {
		if p := r.properties(id); p["Path"] != "/e6data/" || p["PermissionsBoundary"] != boundary {
			t.Errorf("%s has path %v and boundary %v", id, p["Path"], p["PermissionsBoundary"])
		}
		if b, given := plain.properties(id)["PermissionsBoundary"]; given {
			t.Errorf("%s has boundary %v though none was given", id, b)
		}
	}
}

// The engine may read exactly the data buckets, however many there are.
func TestEngineReadsExactlyTheDataBuckets(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z0-9][a-z0-9.-]{1,20}[a-z0-9]`), 1, 12, rapid.ID[string]).Draw(rt, "names")
		r := newRun(t, quickstartFile, map[string]string{"DataBucketNames": strings.Join(names, ",")})
		want := map[string][]string{"ListDataBuckets": nil, "ReadData": nil}
		for _, n := range names {
			want["ListDataBuckets"] = append(want["ListDataBuckets"], "arn:*:s3:::"+n)
			want["ReadData"] = append(want["ReadData"], "arn:*:s3:::"+n+"/*")
		}
		got := map[string][]string{}
		for _, s := range statements(r) {
			if s.where == "EngineRole/data-buckets" {
				got[s.Sid] = s.Resources
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("resources (-want +got):\n%s", diff)
		}
	})
}

func TestGlueIsReadOnlyUnlessAskedFor(t *testing.T) {
	for access, writes := range map[string]bool{"ReadOnly": false, "ReadWrite": true} {
		var actions []string
		for _, s := range statements(newRun(t, quickstartFile, map[string]string{"GlueAccess": access})) {
			if strings.HasPrefix(s.where, "EngineRole/glue") {
				actions = append(actions, s.Actions...)
			}
		}
		reads := slices.Contains(actions, "glue:GetTable")
		written := slices.ContainsFunc(actions, func(a string) bool { return !strings.HasPrefix(a, "glue:Get") })
		if !reads || written != writes {
			t.Errorf("GlueAccess=%s allows %v", access, actions)
		}
	}
}

func TestInstallerReadsChartsOnlyWhereTheyAre(t *testing.T) {
	tests := map[string]struct {
		source string
		want   []string
	}{
		"public":                 {"Public", nil},
		"a registry":             {"oci://registry.example.com/charts", nil},
		"a bucket with a prefix": {"s3://charts/mirror/e6", []string{"arn:aws:s3:::charts/mirror/e6/*"}},
		"a bucket":               {"s3://charts", []string{"arn:aws:s3:::charts/*"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, s := range statements(newRun(t, quickstartFile, map[string]string{"ChartSource": tt.source})) {
				if strings.HasPrefix(s.where, "HelmInstallerRole/") && slices.Contains(s.Actions, "s3:GetObject") {
					got = append(got, s.Resources...)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("resources (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCrossAccountRoleNeedsTheExternalID(t *testing.T) {
	tests := map[string]struct {
		answers                map[string]string
		partition              string
		principal, externalID  string
		systemTablesOfEngineIn string
	}{
		"defaults": {
			nil, "aws", "arn:aws:iam::442042515899:root", "6f0c2a10-0b7e-11f0-9d5c-0affd0f3a1b7",
			"arn:aws:iam::442042515899:role/e6-system-tables-*",
		},
		"another partition": {
			nil, "aws-us-gov", "arn:aws-us-gov:iam::442042515899:root", "6f0c2a10-0b7e-11f0-9d5c-0affd0f3a1b7",
			"arn:aws-us-gov:iam::442042515899:role/e6-system-tables-*",
		},
		"both given": {
			map[string]string{"ControlPlanePrincipalArn": "arn:aws:iam::999988887777:role/control", "ExternalId": "tenant:42"},
			"aws", "arn:aws:iam::999988887777:role/control", "tenant:42", "arn:aws:iam::999988887777:role/e6-system-tables-*",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, quickstartFile, tt.answers)
			r.pseudo["AWS::Partition"] = tt.partition
			trust := statementsOf("trust", r.properties("CrossAccountRole")["AssumeRolePolicyDocument"])
			var got []object
			for _, s := range trust {
				got = append(got, s.Raw)
			}
			want := []object{
				{
					"Sid": "AssumeWithExternalId", "Effect": "Allow", "Principal": object{"AWS": tt.principal}, "Action": "sts:AssumeRole",
					"Condition": object{"StringEquals": object{"sts:ExternalId": tt.externalID}},
				},
				{
					"Sid": "TagSession", "Effect": "Allow", "Principal": object{"AWS": tt.principal}, "Action": "sts:TagSession",
					"Condition": object{"StringEqualsIfExists": object{"sts:ExternalId": tt.externalID}},
				},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("trust (-want +got):\n%s", diff)
			}
			if got := r.output("ExternalId"); got != tt.externalID {
				t.Errorf("output ExternalId is %q", got)
			}
			i := slices.IndexFunc(statements(r), func(s statement) bool { return s.where == "EngineRole/system-tables" })
			if got := statements(r)[i].Resources; !slices.Equal(got, []string{tt.systemTablesOfEngineIn}) {
				t.Errorf("the engine may assume %v", got)
			}
		})
	}
}
