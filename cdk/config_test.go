package main

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/cdk/stack"
	"github.com/e6data/aws-quickstart/internal/artifact"
)

const goodContext = `{"app": "go run ./cdk", "context": {"e6data:publishedRegions": ["us-east-1", "eu-west-1", "us-east-1"]}}`

func reader(files map[string]string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		text, ok := files[name]
		if !ok {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		return []byte(text), nil
	}
}

func TestReadConfig(t *testing.T) {
	published := func(regions ...string) settings {
		return settings{
			Config: stack.Config{Version: "1.2.3", Regions: regions}, Mode: stack.NewVPC,
			Engineer: stack.Engineer{Answers: map[string]string{}, Architecture: artifact.ARM64},
		}
	}
	fromFile := published("eu-west-1", "us-east-1")
	west := published("us-west-2")
	west.Mode = stack.ExistingVPC
	answered := published("eu-west-1", "us-east-1")
	answered.Mode = stack.ExistingEKS
	answered.Engineer = stack.Engineer{StackName: "e6data-lab", Architecture: artifact.X8664, Answers: map[string]string{
		"WorkspaceName": "lab", "DataBucketNames": "sales,events", "NodePoolCpuLimit": "500", "FunctionArchitecture": "x86_64", "DebugNamespaces": "",
	}}
	tests := map[string]struct {
		cli  string
		want settings
	}{
		"from cdk.json":                      {"", fromFile},
		"the CDK CLI's context goes first":   {`{"e6data:publishedRegions": ["us-west-2"], "e6data:mode": "existing-vpc", "other": 1}`, west},
		"the CDK CLI's context without ours": {`{"other": 1}`, fromFile},
		"answers to parameters": {`{"e6data:mode": "existing-eks", "e6data:stackName": "e6data-lab", "e6data:WorkspaceName": "lab",
			"e6data:DataBucketNames": ["sales", "events"], "e6data:NodePoolCpuLimit": 500, "e6data:FunctionArchitecture": "x86_64", "e6data:DebugNamespaces": ""}`, answered},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := readConfig(reader(map[string]string{"VERSION": "1.2.3\n", "cdk.json": goodContext}), tt.cli)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("config (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadConfigReportsEveryProblem(t *testing.T) {
	tests := map[string]struct {
		files map[string]string
		cli   string
		want  []string
	}{
		"nothing there": {nil, "", []string{"VERSION", "cdk.json", "root of the repository"}},
		"bad version and bad regions": {
			map[string]string{"VERSION": "latest", "cdk.json": `{"context": {"e6data:publishedRegions": ["us-east-1", "moon", "*"]}}`},
			"",
			[]string{`"latest"`, `"moon"`, `"*"`},
		},
		"no regions":               {map[string]string{"VERSION": "1.2.3", "cdk.json": `{"context": {"e6data:publishedRegions": []}}`}, "", []string{"empty"}},
		"regions missing":          {map[string]string{"VERSION": "1.2.3", "cdk.json": `{}`}, "", []string{"e6data:publishedRegions is missing"}},
		"regions of another type":  {map[string]string{"VERSION": "1.2.3", "cdk.json": `{"context": {"e6data:publishedRegions": "x"}}`}, "", []string{"list of regions"}},
		"broken file":              {map[string]string{"VERSION": "1.2.3", "cdk.json": `{`}, "", []string{"read cdk.json"}},
		"a mode that is not there": {map[string]string{"VERSION": "1.2.3", "cdk.json": goodContext}, `{"e6data:mode": "none"}`, []string{`e6data:mode is "none"`, `"existing-vpc"`}},
		"many at once": {
			map[string]string{"VERSION": "latest", "cdk.json": `{"context": {"e6data:publishedRegions": ["moon"], "e6data:stackName": "1 2"}}`},
			`{"e6data:WorkspaceName": "Sales!", "e6data:NodePoolCpuLimit": 0, "e6data:Workspace": "a", "e6data:Version": "1.0.0", "e6data:DataBucketNames": ["ok-bucket", "*"],
				"e6data:GlueAccess": "All", "e6data:NoProxy": {"a": 1}}`,
			[]string{
				`"latest"`, `"moon"`, "e6data:stackName", "WorkspaceName (Workspace name) cannot be \"Sales!\"", "NodePoolCpuLimit", "Workspace is no parameter of mode new-vpc",
				"Version is for published versions", `DataBucketNames (Data buckets) cannot be "ok-bucket,*"`, `One of "ReadOnly", "ReadWrite"`, "e6data:NoProxy: {",
			},
		},
		"answers of another mode": {
			map[string]string{"VERSION": "1.2.3", "cdk.json": goodContext},
			`{"e6data:mode": "existing-eks", "e6data:VpcCidr": "10.0.0.0/16"}`,
			[]string{"VpcCidr is no parameter of mode existing-eks"},
		},
		"broken CLI context": {map[string]string{"VERSION": "1.2.3", "cdk.json": goodContext}, "{", []string{"CLI's context"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := readConfig(reader(tt.files), tt.cli)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("the error does not name %s: %v", w, err)
				}
			}
		})
	}
}
