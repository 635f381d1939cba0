package launchpage

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func content(t *testing.T) Content {
	t.Helper()
	text, err := Write(os.DirFS("../.."), "1.2.3", []string{"cn-north-1", "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	var c Content
	if err := json.Unmarshal(text[bytes.IndexByte(text, '{'):], &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRegionsOfOtherPartitionsHaveTheirOwnAddresses(t *testing.T) {
	want := []Region{
		{"cn-north-1", "aws-cn", "console.amazonaws.cn", "https://s3.cn-north-1.amazonaws.com.cn/e6data-quickstart-cn-north-1/1.2.3/"},
		{"us-east-1", "aws", "console.aws.amazon.com", "https://s3.us-east-1.amazonaws.com/e6data-quickstart-us-east-1/1.2.3/"},
	}
	if diff := cmp.Diff(want, content(t).Regions); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := Write(os.DirFS("../.."), "1.2.3", []string{"us-iso-east-1"}); err == nil {
		t.Error("a region without a console was taken")
	}
}

// A month of a t4g.medium pair, a cluster and a NAT gateway, as AWS's calculator
// says it for us-east-1.
func TestCosts(t *testing.T) {
	want := map[string]float64{"new-vpc": 161.76, "existing-vpc": 161.76, "existing-eks": 0}
	for _, m := range content(t).Modes {
		sum := 0.0
		for _, c := range m.Costs {
			sum += c.USD
		}
		if diff := sum - want[m.Name]; diff > 0.01 || diff < -0.01 {
			t.Errorf("mode %s costs %.2f a month, want %.2f", m.Name, sum, want[m.Name])
		}
	}
}

// changed is the project's templates with a text of quickstart.yaml replaced.
func changed(t *testing.T, from, to string) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	for _, name := range []string{"quickstart.yaml", "templates/existing-vpc.yaml", "templates/existing-eks.yaml"} {
		text, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), from) && name == "quickstart.yaml" {
			t.Fatalf("%q is not in the template", from)
		}
		files[name] = &fstest.MapFile{Data: bytes.ReplaceAll(text, []byte(from), []byte(to))}
	}
	return files
}

// What the page has no words or no price for is an error, not left out.
func TestNothingIsLeftOut(t *testing.T) {
	for name, c := range map[string]struct{ from, to, want string }{
		"a type":          {"Type: AWS::SQS::Queue\n", "Type: AWS::SNS::Topic\n", "no words for resources of type AWS::SNS::Topic"},
		"an instance":     {"- t4g.medium\n", "- m7g.metal\n", "no price of the node group's 2 nodes of [m7g.metal]"},
		"a disk":          {"VolumeSize: 20", "VolumeSize: ''", "no price"},
		"a statement":     {"Action:", "NotAction:", "has no actions"},
		"a parameter":     {"  WorkspaceName:\n    Type: String", "  Other: {Type: String}\n  WorkspaceName:\n    Type: String", "its form asks for"},
		"no YAML at all":  {"Resources:", "Resources: [", "read"},
		"a JSON document": {`- '{"Statement":[{"Action":"sts:`, `- '{"Statement":[{"Action"sts:`, ""}, // trust, not a policy
	} {
		_, err := Write(changed(t, c.from, c.to), "1.2.3", []string{"us-east-1"})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Write(fstest.MapFS{}, "1.2.3", nil); err == nil {
		t.Error("no templates were taken")
	}
}
