package display

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/e6data/aws-quickstart/rehearsal"
	"github.com/e6data/aws-quickstart/tests/golden"
)

var start0 = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(seconds float64) time.Time { return start0.Add(time.Duration(seconds * float64(time.Second))) }

func event(stack, id, resourceType, status string, elapsed, took float64, reason string) rehearsal.Event {
	return rehearsal.Event{
		Stack: stack, LogicalID: id, Type: resourceType, Status: status, Reason: reason,
		Elapsed: time.Duration(elapsed * float64(time.Second)), Took: time.Duration(took * float64(time.Second)),
	}
}

// creating is a create in its middle: the network is there, a release runs.
func creating() *Model {
	m := NewModel(Header{Version: "0.1.0", Region: "us-east-1", What: "new-vpc"}, start0)
	m.Begin(rehearsal.StepStart, nil, at(0))
	m.Note("published", "version 0.1.0 to s3://e6data-quickstart-us-east-1")
	m.End(rehearsal.Step{Name: rehearsal.StepStart, Took: 3400 * time.Millisecond})
	m.Begin(rehearsal.StepCreate, map[string]int{"network": 3, "identity": 2, "cluster": 2, "functions": 1, "install": 2, "storage": 1}, at(3.4))
	for _, e := range []rehearsal.Event{
		event("quickstart", "quickstart", "AWS::CloudFormation::Stack", "CREATE_IN_PROGRESS", 0, 0, ""),
		event("quickstart", "InstallerRole", "AWS::IAM::Role", "CREATE_IN_PROGRESS", 0.1, 0, ""),
		event("quickstart", "InstallerRole", "AWS::IAM::Role", "CREATE_COMPLETE", 0.2, 0.1, ""),
		event("quickstart", "Network", "AWS::CloudFormation::Stack", "CREATE_IN_PROGRESS", 0.2, 0, ""),
		event("quickstart-Network-1", "Vpc", "AWS::EC2::VPC", "CREATE_IN_PROGRESS", 0.3, 0, ""),
		event("quickstart-Network-1", "Vpc", "AWS::EC2::VPC", "CREATE_COMPLETE", 0.4, 0.1, ""),
		event("quickstart-Network-1", "Subnet1", "AWS::EC2::Subnet", "CREATE_IN_PROGRESS", 0.4, 0, ""),
		event("quickstart-Network-1", "Subnet1", "AWS::EC2::Subnet", "CREATE_COMPLETE", 0.5, 0.1, ""),
		event("quickstart", "Network", "AWS::CloudFormation::Stack", "CREATE_COMPLETE", 0.5, 0.3, ""),
		event("quickstart", "Cluster", "AWS::EKS::Cluster", "CREATE_IN_PROGRESS", 0.6, 0, ""),
		event("quickstart", "Cluster", "AWS::EKS::Cluster", "CREATE_COMPLETE", 3.6, 3, ""),
		event("quickstart", "Function", "AWS::Lambda::Function", "CREATE_IN_PROGRESS", 3.6, 0, ""),
		event("quickstart", "Karpenter", "Custom::HelmRelease", "CREATE_IN_PROGRESS", 4, 0, ""),
	} {
		m.Event(e, at(8))
	}
	return m
}

// refused is the same create after its release failed, in its rollback.
func refused() *Model {
	m := creating()
	reason := "describe cluster e6data-analytics: AccessDeniedException: User: arn:aws:sts::000000000000:assumed-role/quickstart-InstallerRole-1/quickstart-Function-2 " +
		"is not authorized to perform: eks:DescribeCluster on resource: arn:aws:eks:us-east-1:000000000000:cluster/e6data-analytics because no identity-based policy allows the eks:DescribeCluster action"
	m.Event(event("quickstart", "Karpenter", "Custom::HelmRelease", "CREATE_FAILED", 5, 1, reason), at(8.5))
	m.Event(event("quickstart", "quickstart", "AWS::CloudFormation::Stack", "ROLLBACK_IN_PROGRESS", 5, 0, "The following resource(s) failed to create: [Karpenter]."), at(8.5))
	m.Event(event("quickstart", "Cluster", "AWS::EKS::Cluster", "DELETE_IN_PROGRESS", 5.1, 0, ""), at(8.5))
	return m
}

func TestView(t *testing.T) {
	finished := refused()
	finished.End(rehearsal.Step{Name: rehearsal.StepCreate, Took: 6 * time.Second, Err: errors.New("stack quickstart ended as ROLLBACK_COMPLETE")})
	finished.Finish(at(9.4))
	for name, test := range map[string]struct {
		model         *Model
		width, height int
		color         bool
	}{
		"create-80x24":   {creating(), 80, 24, false},
		"create-colored": {creating(), 80, 24, true},
		"failed-80x24":   {refused(), 80, 24, false},
		"failed-60x16":   {refused(), 60, 16, false},
		"finished":       {finished, 80, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := test.model.View(test.width, test.height, at(9), test.color) + "\n"
			file := filepath.Join("testdata", name+".txt")
			golden.Check(t, file, got)
		})
	}
}

// The picture in the manual is one that the code paints.
func TestTheManualShowsAView(t *testing.T) {
	manual, err := os.ReadFile("../../docs/rehearsal.md")
	if err != nil {
		t.Fatal(err)
	}
	if view := refused().View(80, 24, at(9), false); !strings.Contains(string(manual), view) {
		t.Errorf("docs/rehearsal.md does not show:\n%s", view)
	}
}

var escape = regexp.MustCompile("\x1b\\[[0-9]*m")

// A view that is wider or higher than the terminal would scroll it.
func TestViewFitsEverySize(t *testing.T) {
	for _, m := range []*Model{NewModel(Header{}, start0), creating(), refused()} {
		for width := 20; width <= 130; width += 10 {
			for height := 1; height <= 40; height++ {
				lines := strings.Split(escape.ReplaceAllString(m.View(width, height, at(9), true), ""), "\n")
				if len(lines) > height {
					t.Fatalf("%dx%d: %d lines", width, height, len(lines))
				}
				for _, l := range lines {
					if utf8.RuneCountInString(l) > width {
						t.Fatalf("%dx%d: line of %d characters: %q", width, height, utf8.RuneCountInString(l), l)
					}
				}
			}
		}
	}
}

func TestAFailureStaysVisible(t *testing.T) {
	m := refused()
	for i := range 50 {
		id := "Later" + string(rune('A'+i%26))
		m.Event(event("quickstart", id, "AWS::IAM::Role", "DELETE_COMPLETE", 6, 0, ""), at(9))
	}
	if v := m.View(80, 16, at(9), false); !strings.Contains(v, "✗ Karpenter") || !strings.Contains(v, "is not authorized to perform") {
		t.Errorf("the failure is not in the view any more:\n%s", v)
	}
}

func TestATerminalIsNotGivenControlCharacters(t *testing.T) {
	m := creating()
	m.Note("topic", "a\x1b[2Jb\rc\nd\x9b1me")
	m.Event(event("quickstart", "Karpenter", "Custom::HelmRelease", "CREATE_FAILED", 5, 1, "\x1b]0;title\x07"), at(9))
	for _, r := range m.View(80, 40, at(9), false) {
		if r != '\n' && (r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0) {
			t.Fatalf("control character %#x in the view", r)
		}
	}
}

// The terminal comes back as it was, with the last picture on it.
func TestLiveGivesTheTerminalBack(t *testing.T) {
	var out strings.Builder
	l := start(&out, func() (int, int) { return 80, 24 }, Header{Version: "0.1.0"}, false)
	l.Begin(rehearsal.StepStart, nil)
	l.Note("published", "version 0.1.0")
	l.Block("outputs")
	l.Stop()
	l.Stop()
	text := out.String()
	first, last := strings.Index(text, enter), strings.LastIndex(text, leave)
	if first != 0 || last < 0 || strings.Count(text, leave) != 1 {
		t.Fatalf("the second screen is not entered first and left once: %q", text)
	}
	if after := text[last+len(leave):]; strings.Contains(after, "\x1b") || !strings.Contains(after, "published") || !strings.HasSuffix(after, "outputs\n") {
		t.Errorf("after it: %q", after)
	}
}

func TestWhatSuitsALiveDisplay(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if Suits(file, func(string) string { return "xterm" }) {
		t.Error("a file suits")
	}
}
