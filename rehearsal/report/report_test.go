package report

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/rehearsal"
	"github.com/e6data/aws-quickstart/tests/golden"
)

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func event(stack, id, resourceType, status string, elapsed float64, reason string) rehearsal.Event {
	return rehearsal.Event{Stack: stack, LogicalID: id, Type: resourceType, Status: status, Elapsed: seconds(elapsed), Reason: reason}
}

const denial = "describe cluster c: AccessDeniedException: User: arn:aws:sts::000000000000:assumed-role/installer/i is not authorized to perform: eks:DescribeCluster on resource: c"

// red is a create that failed and was rolled back. Its texts try to break the page.
func red() (*rehearsal.Result, error) {
	failed := &rehearsal.FailedError{Stack: "q", Status: "ROLLBACK_COMPLETE", Failures: []rehearsal.Event{event("q", "Karpenter", "Custom::HelmRelease", "CREATE_FAILED", 3, denial)}}
	err := fmt.Errorf("create: %w", failed)
	return &rehearsal.Result{
		Version: "0.1.0", Mode: "new-vpc", Template: "quickstart.yaml", Region: "us-east-1", Order: "7", Charts: "stand-in", Stack: "q",
		Began: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Took: seconds(6),
		Steps: []rehearsal.Step{
			{Name: rehearsal.StepStart, Took: seconds(1)},
			{Name: rehearsal.StepCreate, Offset: seconds(1), Took: seconds(5), Err: failed, Events: []rehearsal.Event{
				event("q", "q", "AWS::CloudFormation::Stack", "CREATE_IN_PROGRESS", 0, ""),
				event("q", "Role", "AWS::IAM::Role", "CREATE_IN_PROGRESS", 0.1, ""),
				event("q", "Role", "AWS::IAM::Role", "CREATE_COMPLETE", 0.3, ""),
				event("q", "Network", "AWS::CloudFormation::Stack", "CREATE_IN_PROGRESS", 0.3, ""),
				event("q-Network-1", "q-Network-1", "AWS::CloudFormation::Stack", "CREATE_IN_PROGRESS", 0.3, ""),
				event("q-Network-1", "Vpc", "AWS::EC2::VPC", "CREATE_IN_PROGRESS", 0.4, ""),
				event("q-Network-1", "Vpc", "AWS::EC2::VPC", "CREATE_COMPLETE", 0.9, ""),
				event("q", "Network", "AWS::CloudFormation::Stack", "CREATE_COMPLETE", 1, ""),
				event("q", "Karpenter", "Custom::HelmRelease", "CREATE_IN_PROGRESS", 1, ""),
				event("q", "Karpenter", "Custom::HelmRelease", "CREATE_FAILED", 3, denial),
				event("q", "Role", "AWS::IAM::Role", "DELETE_IN_PROGRESS", 4, ""),
				event("q", "Role", "AWS::IAM::Role", "DELETE_COMPLETE", 4.5, ""),
			}},
		},
		Outputs:  []rehearsal.Output{{Key: "Config", Value: `{"a":"</td><script>alert(1)</script>"}`}},
		Releases: []rehearsal.Release{{Name: "karpenter", Namespace: "kube-system", Status: "failed", Revision: 1}},
		Calls: []rehearsal.Call{
			{Principal: "arn:aws:sts::000000000000:assumed-role/installer/i", Action: "eks:DescribeCluster", Resource: "c", Reason: "no policy"},
			{Principal: "arn:aws:sts::000000000000:assumed-role/installer/i", Action: "eks:DescribeCluster", Resource: "c", Reason: "no policy"},
			{Principal: "arn:aws:sts::000000000000:assumed-role/installer/j", Action: "s3:GetObject", Resource: "b/k", Allowed: true},
		},
		Troubles: []rehearsal.Trouble{{Cluster: "c", Kind: "Pod", Object: "kube-system/karpenter-0", Text: "Pending; <b>"}},
		Parts:    []rehearsal.Part{{Name: "embedded Kubernetes", Version: "v1.36.3"}},
	}, err
}

func TestAReportNamesTheCauseAndWhatToDo(t *testing.T) {
	r := New(red())
	if r.Verdict != Red || len(r.Causes) != 1 || r.Causes[0].Resource != "Karpenter" {
		t.Errorf("verdict %s, causes %v", r.Verdict, r.Causes)
	}
	if text := strings.Join(r.Next, "\n"); !strings.Contains(text, "Grant eks:DescribeCluster to the role") || !strings.Contains(text, "--order-seed 7") || !strings.Contains(text, "--keep") {
		t.Errorf("next: %s", text)
	}
	want := []Role{{Name: "installer", Allowed: 1, Denied: 2, Refused: []Denial{{"eks:DescribeCluster", "c", "no policy"}}}}
	if diff := cmp.Diff(want, r.Roles); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestAMissingFileIsNotTakenForAMissingRight(t *testing.T) {
	failed := &rehearsal.FailedError{Failures: []rehearsal.Event{{Reason: "chart w 9: there is probably no s3://b/charts/w-9.tgz: upload it. S3 answered: is not authorized to perform: s3:ListBucket on b"}}}
	if text := strings.Join(New(&rehearsal.Result{}, failed).Next, "\n"); !strings.Contains(text, "missing file at s3://b/charts/w-9.tgz,") || strings.Contains(text, "Grant") {
		t.Errorf("next: %s", text)
	}
}

func TestVerdicts(t *testing.T) {
	fault := &rehearsal.FaultOutcome{Proof: "seen"}
	for want, test := range map[string]struct {
		result *rehearsal.Result
		err    error
	}{
		Green:     {&rehearsal.Result{}, nil},
		Red:       {&rehearsal.Result{}, errors.New("broken")},
		Caught:    {&rehearsal.Result{Fault: fault}, nil},
		NotCaught: {&rehearsal.Result{Fault: &rehearsal.FaultOutcome{}}, fmt.Errorf("run: %w", &rehearsal.NotCaughtError{})},
	} {
		if got := New(test.result, test.err).Verdict; got != want {
			t.Errorf("verdict %q, want %q", got, want)
		}
	}
}

// What was not looked at is not called proved.
func TestTheTextClaimsNoMoreThanWasDone(t *testing.T) {
	r := New(&rehearsal.Result{Steps: []rehearsal.Step{{Name: rehearsal.StepCreate}, {Name: rehearsal.StepLeftovers, Skipped: true}}}, nil)
	if text := r.Text(); strings.Contains(text, "nothing is left") || !strings.Contains(text, "was not looked at") {
		t.Errorf("without a delete it says:\n%s", text)
	}
}

func TestChartNestsAndMarks(t *testing.T) {
	r := New(red())
	var rows []string
	for _, b := range newChart(r.Steps[1], "q").Bars {
		rows = append(rows, fmt.Sprintf("%s%s %s %.1f-%.1f", strings.Repeat(" ", b.LabelX/indent), b.Label, b.Class, b.start, b.end))
	}
	want := []string{"Role create 0.1-0.3", "Network create 0.3-1.0", " Vpc create 0.4-0.9", "Karpenter failed 1.0-3.0", "Role delete 4.0-4.5"}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("bars (-want +got):\n%s", diff)
	}
}

func TestBarsStayInThePicture(t *testing.T) {
	for _, length := range []float64{0, 0.01, 3, 59, 4000} {
		c := newChart(Step{Name: "create", Seconds: length, Events: []Event{
			{Elapsed: 0, Stack: "q", Resource: "A", Status: "CREATE_IN_PROGRESS"}, {Elapsed: length, Stack: "q", Resource: "A", Status: "CREATE_FAILED"},
		}}, "q")
		if b := c.Bars[0]; b.X < labelWidth || b.MarkX > chartWidth {
			t.Errorf("%v s: bar from %v, its mark at %v", length, b.X, b.MarkX)
		}
		if len(c.Ticks) == 0 || len(c.Ticks) > 11 {
			t.Errorf("%v s: %d ticks", length, len(c.Ticks))
		}
	}
}

func html(t *testing.T, r *Report) string {
	t.Helper()
	page, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

func TestHTML(t *testing.T) {
	got := html(t, New(red()))
	file := filepath.Join("testdata", "red.html")
	golden.Check(t, file, got)
	if strings.Contains(got, "<script>") {
		t.Error("an output's value became a script")
	}
	if loads := regexp.MustCompile(`(?:src|href)="?(?:https?:)?//|url\(|@import`).FindString(got); loads != "" {
		t.Errorf("the page loads something: %q", loads)
	}
	wellFormed(t, got)
}

// wellFormed reads the page as strict as HTML's void elements allow.
func wellFormed(t *testing.T, page string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	ids, links := map[string]int{}, []string{}
	var open []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			open = append(open, e.Name.Local)
			for _, a := range e.Attr {
				if a.Name.Local == "id" {
					ids[a.Value]++
				}
				if a.Name.Local == "href" && strings.HasPrefix(a.Value, "#") {
					links = append(links, a.Value[1:])
				}
			}
		case xml.EndElement:
			if open[len(open)-1] != e.Name.Local {
				t.Fatalf("</%s> closes <%s>", e.Name.Local, open[len(open)-1])
			}
			open = open[:len(open)-1]
		}
	}
	for id, n := range ids {
		if n != 1 {
			t.Errorf("id %s %d times", id, n)
		}
	}
	for _, l := range links {
		if ids[l] == 0 {
			t.Errorf("link to #%s, which is not there", l)
		}
	}
}

func TestJSONIsForPrograms(t *testing.T) {
	text, err := json.Marshal(New(red()))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Verdict string
		Seconds float64
		Left    []string
		Causes  []struct{ Resource string }
		Steps   []struct{ Error string }
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.Verdict != "red" || got.Seconds != 6 || got.Left == nil || got.Causes[0].Resource != "Karpenter" || !strings.Contains(got.Steps[1].Error, "ROLLBACK_COMPLETE") {
		t.Errorf("%s", text)
	}
}

// A real browser shows the page, and has nothing to say about it.
func TestABrowserShowsTheReport(t *testing.T) {
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium on this machine")
	}
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, []byte(html(t, New(red()))), 0o600); err != nil {
		t.Fatal(err)
	}
	dom, messages := browse(t, browser, file)
	if !strings.Contains(dom, "Rehearsal: red") || !strings.Contains(dom, "<svg") || !strings.Contains(dom, "Not proved here") {
		t.Errorf("the browser shows: %s", dom)
	}
	if strings.Contains(messages, "CONSOLE") {
		t.Errorf("the browser's console: %s", messages)
	}
	// The check can fail: the same page with a script that does not work.
	if err := os.WriteFile(file, []byte(strings.Replace(html(t, New(red())), "</main>", "<script>nowhere()</script></main>", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, messages := browse(t, browser, file); !strings.Contains(messages, "CONSOLE") {
		t.Errorf("a console error was not seen: %s", messages)
	}
}

func browse(t *testing.T, browser, file string) (dom, messages string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	profile, err := os.MkdirTemp("", "qb-") //nolint:usetesting // the browser may write to it after its end
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(profile) })
	cmd := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--user-data-dir="+profile, "--enable-logging=stderr", "--v=0", "--dump-dom", "file://"+file)
	var out, errors strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errors
	cmd.Env = append(os.Environ(), "HOME="+profile)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, errors.String())
	}
	return out.String(), errors.String()
}
