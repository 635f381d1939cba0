package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/rehearsal"
)

// badAnswers are answers that are refused, each with the part of the template
// that must say what to enter: the parameter's ConstraintDescription, or the
// rule's description.
var badAnswers = []struct{ parameter, value, rule string }{
	{parameter: "WorkspaceName", value: ""},
	{parameter: "WorkspaceName", value: "ab"},
	{parameter: "WorkspaceName", value: "Sales"},
	{parameter: "WorkspaceName", value: "1sales"},
	{parameter: "WorkspaceName", value: "sales-"},
	{parameter: "WorkspaceName", value: "sales_eu"},
	{parameter: "WorkspaceName", value: "a-name-that-is-longer-than-twenty"},
	{parameter: "DataBucketNames", value: ""},
	{parameter: "DataBucketNames", value: "*"},
	{parameter: "DataBucketNames", value: "sales-data,*"},
	{parameter: "DataBucketNames", value: "s3://sales-data"},
	{parameter: "DataBucketNames", value: "arn:aws:s3:::sales-data"},
	{parameter: "DataBucketNames", value: "Sales-Data"},
	{parameter: "DataBucketNames", value: "sales-data/2026"},
	{parameter: "DataBucketNames", value: strings.Repeat("a", 64)},
	{parameter: "GlueAccess", value: "Write"},
	{parameter: "KubernetesNamespace", value: "E6data"},
	{parameter: "KubernetesNamespace", value: "a.b"},
	{parameter: "KubernetesNamespace", value: strings.Repeat("n", 64)},
	{parameter: "KubernetesNamespace", value: "kube-system", rule: "NamespaceIsOurs"},
	{parameter: "KubernetesNamespace", value: "default", rule: "NamespaceIsOurs"},
	{parameter: "DebugNamespaces", value: "kube-system,Kube"},
	{parameter: "VpcCidr", value: "10.0.0.0/8"},
	{parameter: "VpcCidr", value: "10.0.0.0/24"},
	{parameter: "VpcCidr", value: "8.8.0.0/16"},
	{parameter: "VpcCidr", value: "0.0.0.0/0"},
	{parameter: "VpcCidr", value: "10.0.0.0"},
	{parameter: "ExcludedAvailabilityZones", value: "us-east-1"},
	{parameter: "ExcludedAvailabilityZones", value: "e"},
	{parameter: "NatGateways", value: "None"},
	{parameter: "ClusterName", value: "-shared"},
	{parameter: "ClusterName", value: "my cluster"},
	{parameter: "ClusterName", value: strings.Repeat("c", 101)},
	{parameter: "KubernetesVersion", value: "1.30"},
	{parameter: "ClusterSupportPolicy", value: "Extended"},
	{parameter: "ClusterDeletionProtection", value: "true"},
	{parameter: "EndpointPublicAccessCidrs", value: "0.0.0.0/0"},
	{parameter: "EndpointPublicAccessCidrs", value: "44.194.151.209/32,0.0.0.0/0"},
	{parameter: "EndpointPublicAccessCidrs", value: "44.194.151.209"},
	{parameter: "EndpointPublicAccessCidrs", value: "::/0"},
	{parameter: "ClusterLogTypes", value: "api"},
	{parameter: "LogRetentionDays", value: "31"},
	{parameter: "AdminPrincipalArn", value: "Admin"},
	{parameter: "AdminPrincipalArn", value: "arn:aws:iam::111122223333:root"},
	{parameter: "AdminPrincipalArn", value: "arn:aws:sts::111122223333:assumed-role/Admin/me"},
	{parameter: "VpcCniWarmTargets", value: "WARM_IP_TARGET"},
	{parameter: "NodeInstanceFamilies", value: "c7g.large"},
	{parameter: "NodeInstanceFamilies", value: "*"},
	{parameter: "NodePoolCpuLimit", value: "1"},
	{parameter: "NodeDiskGiB", value: "20"},
	{parameter: "NodeDiskGiB", value: "20000"},
	{parameter: "ControlPlanePrincipalArn", value: "*"},
	{parameter: "ControlPlanePrincipalArn", value: "442042515899"},
	{parameter: "ExternalId", value: "x"},
	{parameter: "ExternalId", value: "with space"},
	{parameter: "PermissionsBoundaryArn", value: "Boundary"},
	{parameter: "RolePath", value: "e6data"},
	{parameter: "KmsKeyArn", value: "alias/e6data"},
	{parameter: "WorkspaceChartVersion", value: "latest"},
	{parameter: "KarpenterVersion", value: "1.0.0"},
	{parameter: "ChartSource", value: "https://charts.example.com"},
	{parameter: "ChartSource", value: "s3://charts/"},
	{parameter: "Version", value: "../0.1.0"},
	{parameter: "ArtifactBucket", value: "Artefacts"},
	{parameter: "ConsoleHost", value: "https://console.example.com"},
}

// A bad answer is refused before anything is made, with a sentence that says
// what to enter.
func TestBadAnswersAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	d := start(t, "")
	template := document(t, "quickstart.yaml")
	for i, bad := range badAnswers {
		t.Run(bad.parameter+"="+bad.value, func(t *testing.T) {
			sentence := dig(template, "Parameters", bad.parameter, "ConstraintDescription")
			if bad.rule != "" {
				assertions, _ := digAny(template, "Rules", bad.rule, "Assertions").([]any)
				if len(assertions) == 1 {
					sentence = dig(assertions[0], "AssertDescription")
				}
			}
			if len(strings.Fields(sentence)) < 3 {
				t.Fatalf("%s has no sentence for it: %q", bad.parameter, sentence)
			}
			s := d.clients.NewStack(fmt.Sprintf("bad-%d", i), rehearsal.TemplateURL(d.Region, d.bucket, d.version+"/quickstart.yaml"), nil)
			err := s.Create(t.Context(), d.parameters(map[string]string{bad.parameter: bad.value}))
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), "ValidationError") || !strings.Contains(err.Error(), sentence) {
				t.Errorf("the refusal does not say %q: %v", sentence, err)
			}
			if s.ID() != "" {
				t.Errorf("there is a stack %s", s.ID())
			}
		})
	}
	if left := d.leftovers(t); len(left) > 0 {
		t.Errorf("made: %v", left)
	}
}

// checkers are what may be made before the answers are checked by a function.
var checkers = []string{
	"OutputsFunction", "OutputsFunctionRole", "OutputsFunctionLogGroup", "OutputsFunctionInvokeConfig", "FixedAnswers", "NetworkPlan",
}

// What only a function can tell to be wrong is refused when there is nothing but
// that function.
func TestAnswersThatAFunctionRefuses(t *testing.T) {
	t.Parallel()
	d := start(t, "")
	for name, c := range map[string]struct {
		answers map[string]string
		want    []string
	}{
		"all zones but one are excluded": {
			map[string]string{"ExcludedAvailabilityZones": "us-east-1a,us-east-1b,us-east-1c,us-east-1d,us-east-1e"},
			[]string{"NetworkPlan", "zone"},
		},
		"all zones are excluded by ID": {
			map[string]string{"ExcludedAvailabilityZones": "use1-az1,use1-az2,use1-az3,use1-az4,use1-az5,use1-az6"},
			[]string{"NetworkPlan", "zone"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var made []string
			s := d.clients.NewStack("refused", rehearsal.TemplateURL(d.Region, d.bucket, d.version+"/quickstart.yaml"), func(e rehearsal.Event) {
				if e.LogicalID != "refused" && !slices.Contains(checkers, e.LogicalID) {
					made = append(made, e.LogicalID+" "+e.Status)
				}
			})
			failed := mustFail(t, s, d.parameters(c.answers))
			for _, part := range c.want {
				if !strings.Contains(failed.Error(), part) {
					t.Errorf("the reason does not have %q: %v", part, failed)
				}
			}
			if len(made) > 0 {
				t.Errorf("touched before the refusal: %v", made)
			}
			remove(t, s)
		})
	}
}

// dig reads a text of a template.
func dig(v any, path ...string) string {
	text, _ := digAny(v, path...).(string)
	return text
}

func digAny(v any, path ...string) any {
	for _, p := range path {
		m, _ := v.(map[string]any)
		v = m[p]
	}
	return v
}

// answer is another answer to one parameter.
type answer struct{ parameter, value string }

// updatable are changes of a living stack that must succeed.
func updatable(d *deployment) []answer {
	return []answer{
		{"DataBucketNames", "example-sales-data"},
		{"GlueAccess", "ReadWrite"},
		{"DebugNamespaces", ""},
		{"ExcludedAvailabilityZones", "us-east-1f"},
		{"AdditionalAvailabilityZones", ""},
		{"NatGateways", "PerZone"},
		{"KubernetesVersion", "1.36"},
		{"ClusterSupportPolicy", "EXTENDED"},
		{"ClusterDeletionProtection", "On"},
		{"ClusterDeletionProtection", "Off"},
		{"VpcCniWarmTargets", "WARM_IP_TARGET=5"},
		{"EndpointPublicAccessCidrs", "198.51.100.0/24"},
		{"EndpointPublicAccessCidrs", ""},
		{"ClusterLogTypes", "api,audit,authenticator,controllerManager,scheduler"},
		{"ClusterLogTypes", "None"},
		{"LogRetentionDays", "7"},
		{"AdminPrincipalArn", "arn:aws:iam::" + account + ":role/Admin"},
		{"NodeInstanceFamilies", "c7g,r7g"},
		{"NodeArchitectures", "arm64"},
		{"NodeCapacityTypes", "spot,on-demand"},
		{"NodeAmiVersion", "v20260915"},
		{"NodeTags", "team=data"},
		{"NodeGroupCapacityType", "SPOT"},
		{"ClusterAuthenticationMode", "API"},
		{"NodePoolCpuLimit", "640"},
		{"NodeDiskGiB", "250"},
		{"ControlPlanePrincipalArn", "arn:aws:iam::999988887777:role/control"},
		{"ExternalId", "tenant:42"},
		{"ChartSource", "s3://" + d.bucket + "/other/charts"},
		{"ConsoleHost", "console.example.com"},
	}
}

// forLife are changes that a function refuses.
var forLife = []answer{
	{"WorkspaceName", "ops"},
	{"ClusterName", "shared"},
	{"KubernetesNamespace", "analytics"},
	{"RolePath", "/e6data/"},
	{"KarpenterNamespace", "karpenter"},
	{"LoadBalancerControllerNamespace", "load-balancers"},
	{"KmsKeyArn", "arn:aws:kms:us-east-1:" + account + ":key/0a1b2c3d-0000-4000-8000-000000000000"},
	{"VpcCidr", "10.9.0.0/16"},
}

// notChanged are parameters that this test cannot change, and why.
var notChanged = map[string]string{
	"Version":                       "needs another published version",
	"ArtifactBucket":                "needs a copy of the version's files",
	"FunctionArchitecture":          "this machine runs functions of one architecture",
	"WorkspaceChartVersion":         "TestAFailedUpdateKeepsTheWorkspace changes it",
	"KarpenterVersion":              "there is one answer",
	"LoadBalancerControllerVersion": "there is one answer",
	"PermissionsBoundaryArn":        "needs a managed policy of the customer's that the embedded AWS would judge by",
	"ImageRegistry":                 "the stand-in charts have no images there",
	"HttpsProxy":                    "there is no proxy",
	"NoProxy":                       "there is no proxy",
}

func TestEveryParameterIsChangedOrSaidWhyNot(t *testing.T) {
	t.Parallel()
	changed := map[string]bool{}
	for _, a := range append(updatable(&deployment{}), forLife...) {
		changed[a.parameter] = true
	}
	parameters, _ := document(t, "quickstart.yaml")["Parameters"].(map[string]any)
	for name := range parameters {
		if changed[name] == (notChanged[name] != "") {
			t.Errorf("%s is changed by the test: %v; why not: %q", name, changed[name], notChanged[name])
		}
	}
}

// One stack, one change after another: nothing stateful becomes another, and
// all releases are well after each. A change that is for life is refused with
// a sentence, and nothing but its check was touched.
func TestAnswersChangeOnALivingStack(t *testing.T) {
	t.Parallel()
	d := start(t, "")
	d.copyCharts(t, "other/charts")
	var touched []string
	s := d.clients.NewStack("quickstart", rehearsal.TemplateURL(d.Region, d.bucket, d.version+"/quickstart.yaml"), func(e rehearsal.Event) {
		logEvents(t)(e)
		if e.LogicalID != "quickstart" && !slices.Contains(checkers, e.LogicalID) {
			touched = append(touched, e.LogicalID+" "+e.Status)
		}
	})
	if err := s.Create(t.Context(), d.parameters(map[string]string{"KubernetesVersion": "1.35"})); err != nil {
		t.Fatal(err)
	}
	before := statefulIDs(t, d, s)
	for _, a := range sample(t, forLife, 2) {
		touched = nil
		err := s.Update(t.Context(), map[string]string{a.parameter: a.value})
		var failed *rehearsal.FailedError
		if !errors.As(err, &failed) || failed.Status != "UPDATE_ROLLBACK_COMPLETE" {
			t.Fatalf("%s=%s ended with %v, want UPDATE_ROLLBACK_COMPLETE", a.parameter, a.value, err)
		}
		if reason := failed.Error(); !strings.Contains(reason, a.parameter+" cannot change from") || !strings.Contains(reason, a.value) {
			t.Errorf("%s: the reason does not say what to do: %s", a.parameter, reason)
		}
		if len(touched) > 0 {
			t.Errorf("%s=%s: touched before the refusal: %v", a.parameter, a.value, touched)
		}
	}
	for _, a := range sample(t, updatable(d), 5) {
		if err := s.Update(t.Context(), map[string]string{a.parameter: a.value}); err != nil && !strings.Contains(err.Error(), "No updates are to be performed") {
			t.Fatalf("%s=%s: %v", a.parameter, a.value, err)
		}
		if diff := cmp.Diff(before, statefulIDs(t, d, s)); diff != "" {
			t.Errorf("%s=%s: physical IDs (-before +after):\n%s", a.parameter, a.value, diff)
		}
		releaseNames(t, d) // each must be deployed
	}
	if err := s.Update(t.Context(), map[string]string{"ClusterDeletionProtection": "Off"}); err != nil && !strings.Contains(err.Error(), "No updates are to be performed") {
		t.Fatal(err)
	}
	kept := retained(t, s)
	remove(t, s)
	if diff := cmp.Diff(kept, d.leftovers(t)); diff != "" {
		t.Errorf("left after delete (-retained +left):\n%s", diff)
	}
}

// copyCharts publishes the version's charts in a second place.
func (d *deployment) copyCharts(t *testing.T, prefix string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(os.Getenv("QUICKSTART_DIST"), "charts", "*.tgz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("charts of the version: %v %v", files, err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.clients.Upload(t.Context(), d.bucket, prefix+"/"+filepath.Base(file), body); err != nil {
			t.Fatal(err)
		}
	}
}

// stateful are the types that must never become others.
var stateful = []string{
	"AWS::S3::Bucket", "AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EKS::Cluster", "AWS::IAM::OIDCProvider", "AWS::Logs::LogGroup",
	"AWS::CloudFormation::Stack", "Custom::HelmRelease",
}

// statefulIDs are the physical IDs of those, of the stack and the one that it
// nests.
func statefulIDs(t *testing.T, d *deployment, s *rehearsal.Stack) map[string]string {
	t.Helper()
	ids := map[string]string{}
	collect := func(file, prefix string, physical map[string]string) {
		for id, r := range committed(t, file).Resources {
			if physical[id] != "" && slices.Contains(stateful, r.Type) {
				ids[prefix+id] = physical[id]
			}
		}
	}
	outer, err := s.Resources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	collect("quickstart.yaml", "", outer)
	nested, err := d.clients.FindStack(t.Context(), outer["Network"], nil)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := nested.Resources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	collect("templates/network.yaml", "Network/", inner)
	if len(ids) < 12 {
		t.Fatalf("only %d stateful resources found: %v", len(ids), ids)
	}
	return ids
}
