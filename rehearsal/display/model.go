// Package display shows a rehearsal on a terminal as it goes.
//
// Model is pure: it takes what happens and gives the lines to show at a time
// and for a size. Live paints them.
package display

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/e6data/aws-quickstart/rehearsal"
)

// Header says what is run.
type Header struct{ Version, Region, What string }

// Model is what is known of a run so far.
type Model struct {
	header   Header
	began    time.Time
	ended    time.Time // zero while the run goes on
	steps    []step
	stages   map[string]*stage
	running  []running
	recent   []line
	failures []line
}

type step struct {
	name  string
	state state
	start time.Time
	took  time.Duration
}

type state int

const (
	waiting state = iota
	going
	done
	failed
	skipped
)

// stage counts the resources of one part of the deployment in one step.
type stage struct {
	sure        int // those of which it is sure that they come
	begun, done int
	failed      bool
}

func (s *stage) total() int { return max(s.sure, s.begun, s.done) }

type running struct {
	rehearsal.Event
	key   string
	since time.Time
}

// NewModel returns the model of a run that begins now.
func NewModel(h Header, now time.Time) *Model {
	m := &Model{header: h, began: now}
	for _, name := range rehearsal.StepNames() {
		m.steps = append(m.steps, step{name: name})
	}
	m.expect(nil)
	return m
}

// expect starts the stages anew.
func (m *Model) expect(sure map[string]int) {
	m.stages = map[string]*stage{}
	for _, name := range rehearsal.Stages() {
		m.stages[name] = &stage{sure: sure[name]}
	}
}

// Begin says that a step starts.
func (m *Model) Begin(name string, resources map[string]int, now time.Time) {
	if s := m.step(name); s != nil {
		s.state, s.start = going, now
		switch name {
		case rehearsal.StepCreate, rehearsal.StepUpdate, rehearsal.StepDelete:
			m.expect(resources)
		}
	}
	m.running = nil
}

// End says that a step ended.
func (m *Model) End(s rehearsal.Step) {
	mine := m.step(s.Name)
	if mine == nil {
		return
	}
	m.running = nil
	mine.took = s.Took
	switch {
	case s.Skipped:
		mine.state = skipped
	case s.Err != nil:
		mine.state = failed
		if len(m.failures) == 0 { // else the events have said why
			m.failures = append(m.failures, line{{red, "✗ "}, {plain, oneLine(s.Err.Error())}})
		}
	default:
		mine.state = done
	}
}

// Event takes one event of the stack.
func (m *Model) Event(e rehearsal.Event, now time.Time) {
	m.count(e, m.follow(e, now))
	if e.Failed() {
		m.failures = append(m.failures, line{{red, "✗ " + e.LogicalID}, {dim, " " + e.Type + "  "}, {plain, oneLine(e.Reason)}})
	}
	if e.Notable() {
		l := line{{dim, fmt.Sprintf("%7s  ", seconds(e.Elapsed))}, sign(e), {plain, e.LogicalID + " "}, {dim, e.Type}}
		if e.Took >= 50*time.Millisecond {
			l = append(l, span{plain, " " + seconds(e.Took)})
		}
		m.recent = append(m.recent, l)
	}
}

// follow keeps the list of what runs, and tells whether the event's resource
// was in it.
func (m *Model) follow(e rehearsal.Event, now time.Time) bool {
	key := e.Stack + "/" + e.LogicalID
	at := slices.IndexFunc(m.running, func(r running) bool { return r.key == key })
	switch {
	case at < 0 && e.Running():
		m.running = append(m.running, running{e, key, m.wall(e, now)})
	case at >= 0 && e.Running():
		m.running[at].Event = e
	case at >= 0:
		m.running = slices.Delete(m.running, at, at+1)
	}
	return at >= 0
}

// count counts the event in its stage. A create's rollback is not counted: the
// stages show how far the create came.
func (m *Model) count(e rehearsal.Event, known bool) {
	s := m.stages[rehearsal.StageOf(e.Type)]
	if s == nil || m.undoes(e) {
		return
	}
	if !known { // an end without a start is a resource that was left alone
		s.begun++
	}
	switch {
	case e.Failed():
		s.failed = true
	case !e.Running():
		s.done++
	}
}

// undoes tells whether the event is of a create's rollback.
func (m *Model) undoes(e rehearsal.Event) bool {
	create := m.step(rehearsal.StepCreate)
	return create.state == going && strings.HasPrefix(e.Status, "DELETE_")
}

// Note takes one fact.
func (m *Model) Note(topic, text string) {
	m.recent = append(m.recent, line{{dim, topic + "  "}, {plain, oneLine(text)}})
}

// Finish says that the run is over.
func (m *Model) Finish(now time.Time) { m.ended, m.running = now, nil }

func (m *Model) step(name string) *step {
	for i := range m.steps {
		if m.steps[i].name == name {
			return &m.steps[i]
		}
	}
	return nil
}

// wall is the time of an event of the current step.
func (m *Model) wall(e rehearsal.Event, now time.Time) time.Time {
	for _, s := range m.steps {
		if s.state == going {
			return s.start.Add(e.Elapsed)
		}
	}
	return now
}

// sign is an event's outcome; the verb is that of the step, but for a rollback.
func sign(e rehearsal.Event) span {
	verb := ""
	if strings.Contains(e.Status, "ROLLBACK") {
		verb = "rollback of "
	}
	switch {
	case e.Failed():
		return span{red, "✗ " + verb}
	case e.Running():
		return span{yellow, "● " + verb}
	case strings.HasSuffix(e.Status, "_SKIPPED"):
		return span{dim, "– kept "}
	}
	return span{green, "✓ " + verb}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }

// oneLine takes line breaks and control characters out, which a terminal would
// obey.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == ' ' || r >= 0x80 && r < 0xa0 }), " ")
}
