package karpenter

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
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
			sid, sum, err := sumOf(s)
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

func digest(t *testing.T, s Statement) string {
	t.Helper()
	text, err := json.Marshal(s.element())
	if err != nil {
		t.Fatal(err)
	}
	_, sum, err := sumOf(text)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// sumOf is the Sid and digest of a statement. Single values count as lists of
// one, and the order of keys does not count: two ways to write the same
// statement have one digest.
func sumOf(statement []byte) (sid, sum string, err error) {
	var e struct {
		Sid, Effect             string
		Action, Resource        oneOrMore
		Condition               map[string]map[string]oneOrMore `json:",omitempty"`
		Principal, NotPrincipal any                             `json:",omitempty"`
		NotAction, NotResource  any                             `json:",omitempty"`
	}
	if err := json.Unmarshal(statement, &e); err != nil {
		return "", "", fmt.Errorf("read the statement: %w", err)
	}
	text, err := json.Marshal(e)
	if err != nil {
		return "", "", err
	}
	hash := sha256.Sum256(text)
	return e.Sid, hex.EncodeToString(hash[:]), nil
}

type oneOrMore []string

// UnmarshalJSON reads a text, or a list of texts.
func (o *oneOrMore) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*o = oneOrMore{one}
		return nil
	}
	var more []string
	if err := json.Unmarshal(b, &more); err != nil {
		return err
	}
	*o = more
	return nil
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
			got[p.Name][s.Sid] = digest(t, s)
		}
	}
	for policy, statements := range want {
		for sid, sum := range statements {
			if got[policy][sid] != sum {
				t.Errorf("%s of %s differs from upstream's in version %s", sid, policy, Version)
			}
			delete(got[policy], sid)
		}
		if len(got[policy]) > 0 {
			t.Errorf("%s has statements that upstream's has not: %v", policy, got[policy])
		}
		delete(got, policy)
	}
	if len(got) > 0 {
		t.Errorf("upstream has no such policies: %v", got)
	}
}

// The digest sees a change of any part.
func TestDigestsSeeEveryPart(t *testing.T) {
	s := Policies()[0].Statements[4]
	before := digest(t, s)
	changed := []Statement{s, s, s, s}
	changed[0].Actions = append(slices.Clone(s.Actions), "ec2:DeleteTags")
	changed[1].Resources = list("*")
	changed[2].Condition = nil
	changed[3].Sid = "Other"
	for i, c := range changed {
		if digest(t, c) == before {
			t.Errorf("change %d is not seen", i)
		}
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
