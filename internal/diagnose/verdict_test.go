package diagnose

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/stackevents"
)

const stackID = "arn:aws:cloudformation:eu-west-1:111122223333:stack/demo/0a1b2c3d-0000-1111-2222-333344445555"

// story is events of a stack, a second apart: LOGICAL STATUS REASON.
func story(lines ...string) (all []stackevents.Event) {
	at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for i, l := range lines {
		part := strings.SplitN(l, " ", 3)
		e := stackevents.Event{At: at.Add(time.Duration(i) * time.Second), Stack: "demo", StackID: stackID, LogicalID: part[0], Status: part[1], Type: "Custom::HelmRelease", PhysicalID: part[0]}
		if len(part) > 2 {
			e.Reason = part[2]
		}
		if part[0] == "demo" {
			e.Type, e.PhysicalID = stackevents.StackType, stackID
		}
		all = append(all, e)
	}
	return all
}

const place = " (full log: CloudWatch log group demo-HelmInstallerLogGroup-1, stream 2026/11/26/[$LATEST]0a, request r-1)"

func TestVerdict(t *testing.T) {
	created := []string{"demo CREATE_IN_PROGRESS", "Karpenter CREATE_COMPLETE", "demo CREATE_COMPLETE"}
	brokenUpdate := []string{
		"demo UPDATE_IN_PROGRESS", "Workspace UPDATE_FAILED pods crash" + place, "NodePool UPDATE_FAILED Resource update cancelled",
		"demo UPDATE_ROLLBACK_IN_PROGRESS", "demo UPDATE_ROLLBACK_COMPLETE",
	}
	for name, c := range map[string]struct {
		status  string
		events  []string
		kube    *Kubernetes
		healthy bool
		first   string
		past    bool
	}{
		"created":                            {"CREATE_COMPLETE", created, nil, true, "", false},
		"an update failed":                   {"UPDATE_ROLLBACK_COMPLETE", slices.Concat(created, brokenUpdate), nil, false, "Workspace", false},
		"an update failed, the next went on": {"UPDATE_COMPLETE", slices.Concat(created, brokenUpdate, []string{"demo UPDATE_IN_PROGRESS", "demo UPDATE_COMPLETE"}), nil, true, "Workspace", true},
		"a create failed and was deleted": {
			"DELETE_COMPLETE", []string{
				"demo REVIEW_IN_PROGRESS", "demo CREATE_IN_PROGRESS", "Vpc CREATE_FAILED Resource creation cancelled", "Cluster CREATE_FAILED denied", "Karpenter CREATE_FAILED later",
				"demo ROLLBACK_IN_PROGRESS", "demo ROLLBACK_COMPLETE", "demo DELETE_IN_PROGRESS", "demo DELETE_COMPLETE",
			}, nil, false, "Cluster", true,
		},
		"a release failed behind the stack's back": {"CREATE_COMPLETE", created, &Kubernetes{Releases: []Release{{Name: "a", Revision: 1, Status: "superseded"}, {Name: "a", Revision: 2, Status: "failed"}}}, false, "", false},
		"an old revision failed":                   {"CREATE_COMPLETE", created, &Kubernetes{Releases: []Release{{Name: "a", Revision: 1, Status: "failed"}, {Name: "a", Revision: 2, Status: "deployed"}}}, true, "", false},
		"a pod crashes":                            {"CREATE_COMPLETE", created, &Kubernetes{Pods: []Pod{{Name: "p", Trouble: "is in CrashLoopBackOff"}}}, false, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			v := Judge(&Facts{Asked: Asked{Region: "eu-west-1"}, Stacks: []Stack{{Name: "demo", ID: stackID, Status: c.status}}, Events: story(c.events...), Kubernetes: c.kube})
			first := ""
			if v.First != nil {
				first = v.First.LogicalID
			}
			if v.Healthy != c.healthy || first != c.first || v.Past != c.past {
				t.Errorf("healthy %v, first %q, past %v: %s", v.Healthy, first, v.Past, v.Headline)
			}
		})
	}
}

// The line is the function's own about the resource, before the event, in the
// stream that the reason names.
func TestTheLineOfTheLog(t *testing.T) {
	events := story("demo CREATE_IN_PROGRESS", "Workspace CREATE_FAILED pods crash"+place, "demo ROLLBACK_COMPLETE")
	line := func(after time.Duration, level, id, text string) Line {
		b, _ := json.Marshal(map[string]string{"level": level, "msg": "request failed", "logicalId": id, "error": text})
		return Line{events[1].At.Add(after), string(b)}
	}
	const group, stream = "demo-HelmInstallerLogGroup-1", "2026/11/26/[$LATEST]0a"
	f := &Facts{Stacks: []Stack{{Name: "demo"}}, Events: events, Logs: []Log{
		{Group: group, Stream: "another", Lines: []Line{line(-time.Second, "ERROR", "Workspace", "of another stream")}},
		{Group: group, Stream: stream, Lines: []Line{
			line(-3*time.Second, "ERROR", "Workspace", "older"), line(-2*time.Second, "ERROR", "Workspace", "the cause"), line(-time.Second, "ERROR", "Karpenter", "of another"),
			line(-time.Second, "INFO", "Workspace", "no error"),
			{events[1].At, "START RequestId"},
			line(time.Hour, "ERROR", "Workspace", "of a later try"),
		}},
	}}
	v := Judge(f)
	if v.LogLine != "request failed: the cause" || v.Log.Group != group || v.Log.Stream != stream || v.Log.Request != "r-1" {
		t.Errorf("line %q in %+v", v.LogLine, v.Log)
	}
	f.Logs = f.Logs[:1]
	if v := Judge(f); v.LogLine != "request failed: of another stream" {
		t.Errorf("without the stream, the line is %q", v.LogLine)
	}
}

func TestTheSummaryComesFirstAndIsReproducible(t *testing.T) {
	f := filled(func() string { return "text" })
	var one, two bytes.Buffer
	for _, b := range []*bytes.Buffer{&one, &two} {
		files, err := Files(f, true)
		if err != nil || files[0].Name != SummaryName {
			t.Fatalf("first is %v, %v", files[0].Name, err)
		}
		if err := Write(b, "folder", files); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("the same facts give other bytes")
	}
}

// What is unread is in the summary, however much.
func TestEveryGapIsInTheSummary(t *testing.T) {
	f := &Facts{}
	for part := range strings.SplitSeq("a b c d e f g h i j k l m n o p q r s t", " ") {
		f.Gaps = append(f.Gaps, Gap{Part: "part-" + part, Action: "do:" + part, Why: "denied"})
	}
	v := Judge(f)
	text := Summary(f, &v)
	for _, g := range f.Gaps {
		if !strings.Contains(text, g.Part+": needs "+g.Action) {
			t.Errorf("the summary lacks %s", g.Part)
		}
	}
}

func TestPolicyIsOfThePartitionAndTheStack(t *testing.T) {
	text, err := Policy("e6data-analytics-of-the-whole-company", "cn-north-1")
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Statement []struct {
			Action, Resource []string
		}
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	actions := map[string]bool{}
	for _, s := range document.Statement {
		for _, a := range s.Action {
			actions[a] = true
			if _, operation, _ := strings.Cut(a, ":"); !reads(operation) {
				t.Errorf("%s does not only read", a)
			}
		}
		for _, r := range s.Resource {
			if r != "*" && !strings.HasPrefix(r, "arn:aws-cn:") {
				t.Errorf("%s is of another partition", r)
			}
		}
		if slices.Contains(s.Resource, "*") {
			if diff := cmp.Diff([]string{"cloudformation:ListStacks"}, s.Action); diff != "" {
				t.Errorf("on everything (-want +got):\n%s", diff)
			}
		}
	}
	if len(actions) != 14 {
		t.Errorf("%d actions: %v", len(actions), slices.Sorted(maps.Keys(actions)))
	}
	if _, err := Policy("x", "nowhere"); err == nil {
		t.Error("a region that is none has a policy")
	}
}
