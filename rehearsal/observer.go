package rehearsal

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Observer is told what happens in a run, as it happens, from one goroutine.
type Observer interface {
	// Begin says that a step starts; resources are, by stage, what the step
	// has to do for sure.
	Begin(step string, resources map[string]int)
	// Event is one event of the stack, or of a nested one, in the current step.
	Event(e Event)
	// End says that the current step ended, or was left out.
	End(s Step)
	// Note is one fact, under a topic of a word or two.
	Note(topic, text string)
	// Block is a text of several lines.
	Block(text string)
}

// Plain tells a run line by line.
type Plain struct{ Output io.Writer }

// Begin says the step's name.
func (p Plain) Begin(step string, _ map[string]int) { p.Note(step, "...") }

// End says how long the step took, or why it failed.
func (p Plain) End(s Step) {
	switch {
	case s.Skipped:
		p.Note(s.Name, "left out")
	case s.Err != nil:
		p.Note(s.Name, "FAILED after "+Round(s.Took).String())
	default:
		p.Note(s.Name, "done in "+Round(s.Took).String())
	}
}

// Note prints a line.
func (p Plain) Note(topic, text string) { fmt.Fprintf(p.Output, "%-12s  %s\n", topic, text) }

// Block prints the text.
func (p Plain) Block(text string) { fmt.Fprintln(p.Output, text) }

// Event prints one line for an event that somebody waits for: an end, a
// failure, or the start of something slow.
func (p Plain) Event(e Event) {
	if !e.Notable() {
		return
	}
	took := ""
	if e.Took > 0 {
		took = "(" + Round(e.Took).String() + ")"
	}
	line := fmt.Sprintf("%8s  %-9s %-20s %s %s %s", Round(e.Elapsed), StageOf(e.Type), e.Status, e.LogicalID, e.Type, took)
	fmt.Fprintln(p.Output, strings.TrimRight(line, " "))
	if e.Failed() {
		fmt.Fprintf(p.Output, "%10s%s\n", "", e.Reason)
	}
}

// observer is the run's, with the lines that a Plain one prints if there is none.
func (o RunOptions) observer() Observer {
	switch {
	case o.Observer != nil:
		return o.Observer
	case o.Output != nil:
		return Plain{o.Output}
	}
	return Plain{io.Discard}
}

// Round shortens a duration for people.
func Round(d time.Duration) time.Duration {
	if d < 10*time.Second {
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}
