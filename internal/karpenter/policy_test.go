package karpenter

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/e6data/aws-quickstart/internal/policy"
)

// upstream holds the digests of the statements of upstream's template at
// Version, in canonical form, by policy and Sid.
const upstream = "testdata/upstream-" + Version + ".json"

// For a new version: take its cloudformation.yaml from the guide, set Version,
// and run go test -template FILE. The tests then name what has changed.
var template = flag.String("template", "", "upstream's cloudformation.yaml: write the digests of its statements")

func TestMain(m *testing.M) {
	flag.Parse()
	if *template != "" {
		if err := writeDigests(*template); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func writeDigests(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var t struct {
		Resources map[string]struct {
			Type       string         `yaml:"Type"`
			Properties map[string]any `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(text, &t); err != nil {
		return err
	}
	digests := map[string]map[string]string{}
	for name, r := range t.Resources {
		if r.Type != "AWS::IAM::ManagedPolicy" {
			continue
		}
		var document struct{ Statement []json.RawMessage }
		body, _ := r.Properties["PolicyDocument"].(string)
		if err := json.Unmarshal([]byte(body), &document); err != nil {
			return fmt.Errorf("policy %s: %w", name, err)
		}
		digests[name] = map[string]string{}
		for _, s := range document.Statement {
			sid, sum, err := policy.Digest(s)
			if err != nil {
				return fmt.Errorf("policy %s: %w", name, err)
			}
			digests[name][sid] = sum
		}
	}
	out, err := json.MarshalIndent(digests, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(upstream, append(out, '\n'), 0o600)
}

// Each statement says what upstream's says, and none is missing or more.
func TestStatementsAreUpstreams(t *testing.T) {
	text, err := os.ReadFile(upstream)
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]map[string]string
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	got := map[string]map[string]string{}
	for _, p := range Policies() {
		got[p.Name] = map[string]string{}
		for _, s := range p.Statements {
			if got[p.Name][s.Sid], err = s.Digest(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, statements := range want {
		for sid, sum := range statements {
			if got[name][sid] != sum {
				t.Errorf("%s of %s differs from upstream's in version %s", sid, name, Version)
			}
			delete(got[name], sid)
		}
		if len(got[name]) > 0 {
			t.Errorf("%s has statements that upstream's has not: %v", name, got[name])
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("upstream has no such policies: %v", got)
	}
}

func TestWithoutTakesStatementsAwayAndKeepsTheOriginal(t *testing.T) {
	p := Policies()[1]
	if got := p.Without(InstanceProfileWrites...); len(got.Statements) != 1 || got.Statements[0].Sid != "AllowPassingInstanceRole" {
		t.Errorf("left are %v", got.Statements)
	}
	if len(p.Statements) != 4 {
		t.Errorf("the original has %d statements", len(p.Statements))
	}
}
