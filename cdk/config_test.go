package main

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/cdk/stack"
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
	tests := map[string]struct {
		cli  string
		want stack.Config
	}{
		"from cdk.json": {"", stack.Config{Version: "1.2.3", Regions: []string{"eu-west-1", "us-east-1"}, Mode: stack.NewVPC}},
		"the CDK CLI's context goes first": {
			`{"e6data:publishedRegions": ["us-west-2"], "e6data:mode": "existing-vpc", "other": 1}`,
			stack.Config{Version: "1.2.3", Regions: []string{"us-west-2"}, Mode: stack.ExistingVPC},
		},
		"the CDK CLI's context without ours": {`{"other": 1}`, stack.Config{Version: "1.2.3", Regions: []string{"eu-west-1", "us-east-1"}, Mode: stack.NewVPC}},
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
		"broken CLI context":       {map[string]string{"VERSION": "1.2.3", "cdk.json": goodContext}, "{", []string{"CLI's context"}},
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
