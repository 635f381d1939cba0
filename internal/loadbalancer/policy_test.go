package loadbalancer

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/policy"
)

// upstream holds the digests of the statements of upstream's policies at
// Version, in order, by the policy's file. Their partition is replaced by a
// placeholder first.
const upstream = "testdata/upstream-" + Version + ".json"

// For a new version: take the folder docs/install of its tag, set Version, and
// run go test -policies FOLDER. The tests then name what has changed.
var policies = flag.String("policies", "", "folder with upstream's iam_policy*.json: write the digests of their statements")

// partitions are the partitions of upstream's files.
var partitions = map[string]string{"iam_policy.json": "aws", "iam_policy_cn.json": "aws-cn", "iam_policy_us-gov.json": "aws-us-gov"}

func TestMain(m *testing.M) {
	flag.Parse()
	if *policies != "" {
		if err := writeDigests(*policies); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func writeDigests(folder string) error {
	digests := map[string][]string{}
	for file, partition := range partitions {
		text, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			return err
		}
		var document struct{ Statement []json.RawMessage }
		anywhere := strings.ReplaceAll(string(text), `"arn:`+partition+`:`, `"arn:${AWS::Partition}:`)
		if err := json.Unmarshal([]byte(anywhere), &document); err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
		for i, s := range document.Statement {
			_, sum, err := policy.Digest(s)
			if err != nil {
				return fmt.Errorf("statement %d of %s: %w", i, file, err)
			}
			digests[file] = append(digests[file], sum)
		}
	}
	out, err := json.MarshalIndent(digests, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(upstream, append(out, '\n'), 0o600)
}

// Each statement of Upstream is one of upstream's in every partition, and none
// is missing: one policy fits all partitions.
func TestStatementsAreUpstreams(t *testing.T) {
	text, err := os.ReadFile(upstream)
	if err != nil {
		t.Fatal(err)
	}
	var published map[string][]string
	if err := json.Unmarshal(text, &published); err != nil {
		t.Fatal(err)
	}
	for file := range partitions {
		left := slices.Clone(published[file])
		for _, s := range Upstream() {
			sum, err := s.Digest()
			if err != nil {
				t.Fatal(err)
			}
			i := slices.Index(left, sum)
			if i < 0 {
				t.Errorf("%s of version %s has no such statement: %v on %v", file, Version, s.Actions, s.Resources)
				continue
			}
			left = slices.Delete(left, i, i+1)
		}
		if len(left) > 0 {
			t.Errorf("%s of version %s has %d statements more: %v", file, Version, len(left), left)
		}
	}
}

func actions(statements []policy.Statement) []string {
	var all []string
	for _, s := range statements {
		all = append(all, s.Actions...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// The role may do what upstream's may, but for what is left out with a reason.
func TestActionsAreUpstreamsLessThoseLeftOut(t *testing.T) {
	want := slices.DeleteFunc(actions(Upstream()), func(a string) bool { _, out := LeftOut[a]; return out })
	if diff := cmp.Diff(want, actions(Statements())); diff != "" {
		t.Errorf("actions (-upstream +ours):\n%s", diff)
	}
	for action, why := range LeftOut {
		if why == "" || !slices.Contains(actions(Upstream()), action) {
			t.Errorf("%s is left out, for %q", action, why)
		}
	}
}

// Whatever changes something concerns this cluster's things alone: by the tag
// with the cluster's name, in the request or on the resource, or by the
// resource's own name.
func TestWritesAreBoundToTheCluster(t *testing.T) {
	sids := map[string]bool{}
	for _, s := range Statements() {
		if s.Sid == "" || sids[s.Sid] {
			t.Errorf("the name %q is empty or there twice", s.Sid)
		}
		sids[s.Sid] = true
		if !slices.ContainsFunc(s.Actions, writes) {
			continue
		}
		tagged := slices.Equal(s.Condition["StringEquals"][requestTag+clusterTag], list(ClusterName)) ||
			slices.Equal(s.Condition["StringEquals"][resourceTag+clusterTag], list(ClusterName))
		named := !slices.ContainsFunc(s.Resources, func(r string) bool { return strings.HasSuffix(r, "*") })
		if s.Actions[0] == "iam:CreateServiceLinkedRole" {
			named = s.Condition["StringEquals"]["iam:AWSServiceName"] != nil
		}
		if !tagged && !named {
			t.Errorf("%s: %v on %v if %v", s.Sid, s.Actions, s.Resources, s.Condition)
		}
		if slices.Contains(s.Resources, "*") {
			t.Errorf("%s is on every resource", s.Sid)
		}
	}
}

// writes tells whether an action is no read.
func writes(action string) bool {
	_, verb, _ := strings.Cut(action, ":")
	return !strings.HasPrefix(verb, "Describe") && !strings.HasPrefix(verb, "Get") && !strings.HasPrefix(verb, "List")
}
