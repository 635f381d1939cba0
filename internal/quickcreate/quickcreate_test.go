package quickcreate

import (
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/quickcreate/quickcreatetest"
)

func form(t *testing.T, mode string) Form {
	t.Helper()
	text, err := os.ReadFile("../../" + contract.ModeTemplate(mode))
	if err != nil {
		t.Fatal(err)
	}
	f, err := ReadForm(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func launch(answers map[string]string) Launch {
	return Launch{Region: "eu-west-1", Version: "1.2.3", Template: "quickstart.yaml", Answers: answers}
}

func TestALinkFillsInTheForm(t *testing.T) {
	link, err := form(t, contract.ModeNewVPC).Link(launch(map[string]string{
		"WorkspaceName": "alpha", "DataBucketNames": "lake-one, lake-two", "NatGateways": "PerZone", "GlueAccess": "ReadOnly",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(link, "https://console.aws.amazon.com/cloudformation/home?region=eu-west-1#/stacks/create/review?") || strings.ContainsAny(link, "+ ") {
		t.Error(link)
	}
	want := url.Values{
		"templateURL": {"https://s3.eu-west-1.amazonaws.com/e6data-quickstart-eu-west-1/1.2.3/quickstart.yaml"}, "stackName": {"e6data-alpha"},
		"param_WorkspaceName": {"alpha"}, "param_DataBucketNames": {"lake-one, lake-two"}, "param_NatGateways": {"PerZone"}, // GlueAccess is the default
	}
	if diff := cmp.Diff(want, quickcreatetest.FilledIn(t, link)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPartitionsHaveTheirOwnHosts(t *testing.T) {
	for region, want := range map[string][2]string{
		"us-gov-west-1": {"https://console.amazonaws-us-gov.com/", "https://s3.us-gov-west-1.amazonaws.com/mirror/1.2.3/quickstart.yaml"},
		"cn-north-1":    {"https://console.amazonaws.cn/", "https://s3.cn-north-1.amazonaws.com.cn/mirror/1.2.3/quickstart.yaml"},
	} {
		l := launch(nil)
		l.Region, l.Bucket = region, "mirror"
		link, err := form(t, contract.ModeNewVPC).Link(l)
		if err != nil {
			t.Fatal(err)
		}
		got := quickcreatetest.FilledIn(t, link)
		if !strings.HasPrefix(link, want[0]) || got.Get("templateURL") != want[1] || got.Get("param_ArtifactBucket") != "mirror" || got.Get("stackName") != "e6data-workspace" {
			t.Errorf("%s: %s", region, link)
		}
	}
}

// TestAllThatIsWrongIsTold wants each mistake with the template's own sentence.
func TestAllThatIsWrongIsTold(t *testing.T) {
	f := form(t, contract.ModeNewVPC)
	no, yes := Parameter{Name: "Password", Label: "Password", Type: "String", NoEcho: true}, ""
	f.Groups = append(f.Groups, Group{Label: "More", Parameters: []Parameter{no, {Name: "Token", Label: "Token", Type: "String", NoEcho: true, Default: &yes}}})
	l := launch(map[string]string{
		"WorkspaceName": "Alpha", "DataBucketNames": "good-one,*", "GlueAccess": "Everything", "LogRetentionDays": "99999", "NodeDiskGiB": "many",
		"ExternalId": strings.Repeat("x", 5000), "Typo": "1", "Password": "hunter2", "CallbackUrl": "https://x.test/" + strings.Repeat("x", 1000),
	})
	l.Region, l.StackName = "mars-1", "1st"
	_, err := f.Link(l)
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{
		"is not a region", `stack name "1st"`, `WorkspaceName (Workspace name) cannot be "Alpha": 3 to 20 lower-case letters`, `DataBucketNames (Data buckets) cannot be`,
		"All buckets (*) cannot be given", "GlueAccess", "LogRetentionDays", "NodeDiskGiB", "ExternalId", "no parameter Typo", "Password (Password) is a secret", "CallbackUrl",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("not told: %s", want)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Error("the secret is in the message")
	}
	if t.Failed() {
		t.Log(err)
	}
}

func TestRegionsWithoutAConsoleAreSaid(t *testing.T) {
	l := launch(nil)
	l.Region = "us-iso-east-1"
	if _, err := form(t, contract.ModeNewVPC).Link(l); err == nil || !strings.Contains(err.Error(), "no console") {
		t.Error(err)
	}
}

func TestAFormHasEveryParameterOnce(t *testing.T) {
	for _, mode := range contract.Modes() {
		f := form(t, mode)
		seen := map[string]bool{}
		for _, p := range f.Parameters() {
			if seen[p.Name] || p.Description == "" || p.Label == "" || p.Type == "" {
				t.Errorf("%s: %+v", mode, p)
			}
			seen[p.Name] = true
			if p.Default != nil && *p.Default != "" {
				if err := p.Check(*p.Default); err != nil {
					t.Errorf("%s: default: %v", mode, err)
				}
			}
		}
		if len(seen) < 30 || f.Description == "" {
			t.Errorf("%s asks %d questions", mode, len(seen))
		}
	}
	for what, text := range map[string]string{
		"twice":       "{Metadata: {'AWS::CloudFormation::Interface': {ParameterGroups: [{Parameters: [A, A]}]}}, Parameters: {A: {Type: String}}}",
		"unknown":     "{Metadata: {'AWS::CloudFormation::Interface': {ParameterGroups: [{Parameters: [B]}]}}, Parameters: {A: {Type: String}}}",
		"in no group": "{Parameters: {A: {Type: String}}}",
		"no YAML":     "{",
		"bad pattern": "{Metadata: {'AWS::CloudFormation::Interface': {ParameterGroups: [{Parameters: [A]}]}}, Parameters: {A: {Type: String, AllowedPattern: '('}}}",
	} {
		if _, err := ReadForm([]byte(text)); err == nil {
			t.Errorf("a form with a parameter %s is taken", what)
		}
	}
}
