// Package report turns the record of a rehearsal into texts for people: a
// summary, a page in HTML that needs nothing else, and JSON for programs.
package report

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/e6data/aws-quickstart/rehearsal"
)

// Report is what there is to say of a run. Its JSON is what --json writes.
type Report struct {
	// Verdict is Green, Red, Caught or NotCaught.
	Verdict  string    `json:"verdict"`
	Version  string    `json:"version"`
	Mode     string    `json:"mode,omitempty"`
	Template string    `json:"template"`
	Region   string    `json:"region"`
	Order    string    `json:"order,omitempty"`
	Charts   string    `json:"charts"`
	Deployer string    `json:"deployer,omitempty"`
	Stack    string    `json:"stack"`
	Began    time.Time `json:"began"`
	Seconds  float64   `json:"seconds"`

	Error  string   `json:"error,omitempty"`
	Causes []Cause  `json:"causes,omitempty"`
	Next   []string `json:"next,omitempty"`
	Fault  *Fault   `json:"fault,omitempty"`

	Steps     []Step    `json:"steps"`
	Outputs   []Output  `json:"outputs"`
	Releases  []Release `json:"releases"`
	Roles     []Role    `json:"calls"`
	Kept      []string  `json:"kept"`
	Left      []string  `json:"left"`
	Unlooked  []string  `json:"notLookedFor,omitempty"`
	Troubles  []Trouble `json:"troubles,omitempty"`
	Parts     []Part    `json:"parts"`
	NotProved []string  `json:"notProved"`
	StateDir  string    `json:"stateFolder,omitempty"`
}

// The verdicts.
const (
	Green     = "green"
	Red       = "red"
	Caught    = "fault caught"
	NotCaught = "fault NOT caught"
)

// Cause is one resource that failed by itself.
type Cause struct {
	Resource string `json:"resource"`
	Type     string `json:"type"`
	Status   string `json:"status"`
	Reason   string `json:"reason"`
}

// Fault is the planted one.
type Fault struct {
	Kind    string `json:"kind"`
	Planted string `json:"planted"`
	Check   string `json:"check"`
	Proof   string `json:"caughtBy,omitempty"`
}

// Step is one part of the run.
type Step struct {
	Name    string  `json:"name"`
	Offset  float64 `json:"offset"`
	Seconds float64 `json:"seconds"`
	Skipped bool    `json:"skipped,omitempty"`
	Error   string  `json:"error,omitempty"`
	Events  []Event `json:"events,omitempty"`
}

// Event is one stack event; Elapsed counts from the step's start.
type Event struct {
	Elapsed  float64 `json:"elapsed"`
	Stack    string  `json:"stack"`
	Resource string  `json:"resource"`
	Type     string  `json:"type"`
	Status   string  `json:"status"`
	Reason   string  `json:"reason,omitempty"`
}

// Output is one output of the stack.
type Output struct {
	Key         string `json:"key"`
	Value       string `json:"value"`
	Description string `json:"description,omitempty"`
}

// Release is one Helm release before the delete.
type Release struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	Revision  int    `json:"revision"`
	Status    string `json:"status"`
}

// Role is what one role asked AWS for.
type Role struct {
	Name    string   `json:"role"`
	Allowed int      `json:"allowed"`
	Denied  int      `json:"denied"`
	Refused []Denial `json:"refused,omitempty"`
}

// Denial is one call that was not allowed.
type Denial struct {
	Action   string `json:"action"`
	Resource string `json:"resource"`
	Reason   string `json:"reason"`
}

// Trouble is what a cluster showed when a release failed.
type Trouble struct {
	Cluster string `json:"cluster"`
	Kind    string `json:"kind"`
	Object  string `json:"object"`
	Text    string `json:"text"`
}

// Part is a part of the rehearsal.
type Part struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// New makes the report of a run that ended with err.
func New(r *rehearsal.Result, err error) *Report {
	p := &Report{
		Verdict: verdict(r, err), Version: r.Version, Mode: r.Mode, Template: r.Template, Region: r.Region, Order: r.Order, Charts: r.Charts,
		Deployer: r.Deployer, Stack: r.Stack, Began: r.Began, Seconds: r.Took.Seconds(), Unlooked: r.Unlooked, NotProved: rehearsal.NotProved(),
		StateDir: r.StateDir, Outputs: []Output{}, Releases: []Release{}, Roles: []Role{}, Kept: names(r.Kept), Left: names(r.Left), Parts: []Part{},
	}
	if err != nil {
		p.Error = err.Error()
		p.Causes = causes(err)
		p.Next = next(r, err)
	}
	if f := r.Fault; f != nil {
		p.Fault = &Fault{f.Kind, f.Planted, f.Check, f.Proof}
	}
	for _, s := range r.Steps {
		p.Steps = append(p.Steps, newStep(s))
	}
	for _, o := range r.Outputs {
		p.Outputs = append(p.Outputs, Output(o))
	}
	for _, l := range r.Releases {
		p.Releases = append(p.Releases, Release{l.Name, l.Namespace, l.Revision, l.Status})
	}
	for _, c := range rehearsal.CallsByRole(r.Calls) {
		role := Role{Name: c.Role, Allowed: c.Allowed, Denied: c.Denied}
		for _, d := range c.Refused {
			role.Refused = append(role.Refused, Denial{d.Action, d.Resource, d.Reason})
		}
		p.Roles = append(p.Roles, role)
	}
	for _, t := range r.Troubles {
		p.Troubles = append(p.Troubles, Trouble(t))
	}
	for _, part := range r.Parts {
		p.Parts = append(p.Parts, Part(part))
	}
	return p
}

func verdict(r *rehearsal.Result, err error) string {
	switch {
	case errors.As(err, new(*rehearsal.NotCaughtError)):
		return NotCaught
	case err != nil:
		return Red
	case r.Fault != nil:
		return Caught
	}
	return Green
}

func newStep(s rehearsal.Step) Step {
	step := Step{Name: s.Name, Offset: s.Offset.Seconds(), Seconds: s.Took.Seconds(), Skipped: s.Skipped}
	if s.Err != nil {
		step.Error = s.Err.Error()
	}
	for _, e := range s.Events {
		step.Events = append(step.Events, Event{e.Elapsed.Seconds(), e.Stack, e.LogicalID, e.Type, e.Status, e.Reason})
	}
	return step
}

func causes(err error) (all []Cause) {
	if failed, ok := errors.AsType[*rehearsal.FailedError](err); ok {
		for _, e := range failed.Failures {
			all = append(all, Cause{e.LogicalID, e.Type, e.Status, e.Reason})
		}
	}
	return all
}

func names(items []rehearsal.Item) []string {
	texts := []string{}
	for _, i := range items {
		texts = append(texts, i.String())
	}
	return texts
}

// Text is the end of a run in a few lines.
func (r *Report) Text() string {
	var b strings.Builder
	for _, role := range r.Roles {
		fmt.Fprintf(&b, "%-12s  %s: %d allowed, %d denied\n", "calls", role.Name, role.Allowed, role.Denied)
		for _, d := range role.Refused {
			fmt.Fprintf(&b, "%-12s  denied: %s on %s\n", "", d.Action, d.Resource)
		}
	}
	var steps []string
	for _, s := range r.Steps {
		if !s.Skipped {
			steps = append(steps, s.Name+" "+duration(s.Seconds))
		}
	}
	fmt.Fprintf(&b, "%-12s  %s: %s in all\n", word(r.Verdict), strings.Join(steps, ", "), duration(r.Seconds))
	if f := r.Fault; f != nil && f.Proof != "" {
		fmt.Fprintf(&b, "%-12s  %s (%s), by %s: %s\n", "caught", f.Kind, f.Planted, f.Check, f.Proof)
	}
	for _, n := range r.Next {
		fmt.Fprintf(&b, "%-12s  %s\n", "next", n)
	}
	if r.StateDir != "" {
		fmt.Fprintf(&b, "%-12s  %s\n", "state folder", r.StateDir)
	}
	if r.Verdict == Green {
		fmt.Fprintf(&b, "proved        the template goes through CloudFormation's API; the functions' real binaries work with the rights of their own roles\n")
		fmt.Fprintf(&b, "              and no others; Helm installs into a real Kubernetes API%s\n", r.leftProof())
		fmt.Fprintf(&b, "not proved    %s\n", strings.Join(r.NotProved, ";\n              "))
	}
	return b.String()
}

// leftProof says that nothing is left, if that was looked at.
func (r *Report) leftProof() string {
	if r.LookedForLeftovers() {
		return "; nothing is left behind"
	}
	return " (what a delete leaves was not looked at)"
}

// LookedForLeftovers tells whether the run came as far as the leftover check.
func (r *Report) LookedForLeftovers() bool {
	return slices.ContainsFunc(r.Steps, func(s Step) bool { return s.Name == rehearsal.StepLeftovers && !s.Skipped })
}

// word is the verdict as a topic; a caught fault is what was wished for.
func word(verdict string) string {
	return cmp.Or(map[string]string{Caught: Green, NotCaught: Red}[verdict], verdict)
}

func duration(seconds float64) string {
	return rehearsal.Round(time.Duration(seconds * float64(time.Second))).String()
}
