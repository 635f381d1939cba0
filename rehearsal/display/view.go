package display

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/e6data/aws-quickstart/rehearsal"
)

// style is how a piece of text looks: a parameter of the terminal's SGR
// sequence (ECMA-48, 8.3.117).
type style string

const (
	plain  style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
)

type span struct {
	style style
	text  string
}

type line []span

// render gives the line's text, cut to the width.
func (l line) render(width int, color bool) string {
	var b strings.Builder
	for _, s := range l {
		text := []rune(s.text)
		if len(text) == 0 {
			continue
		}
		if width <= 0 {
			break
		}
		if len(text) > width {
			text = append(text[:width-1], '…')
		}
		width -= len(text)
		if color && s.style != plain {
			fmt.Fprintf(&b, "\x1b[%sm%s\x1b[0m", s.style, string(text))
		} else {
			b.WriteString(string(text))
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// wrap breaks the line's text after its first spans into further lines.
func (l line) wrap(width, most int) []line {
	head, text := l[:len(l)-1], []rune(l[len(l)-1].text)
	used := 0
	for _, s := range head {
		used += len([]rune(s.text))
	}
	first := max(0, width-used)
	if len(text) <= first {
		return []line{l}
	}
	lines := []line{append(slices.Clone(head), span{plain, string(text[:first])})}
	rest := text[first:]
	const indent = "    "
	for len(rest) > 0 && len(lines) < most {
		n := min(len(rest), max(10, width-len(indent)))
		if len(lines) == most-1 {
			n = len(rest) // render cuts it with an ellipsis
		}
		lines = append(lines, line{{plain, indent + string(rest[:n])}})
		rest = rest[n:]
	}
	return lines
}

// What the lines below the stages may take.
const (
	mostRunning  = 4
	mostRecent   = 6
	linesAReason = 4 // of the terminal, for one failure
)

// View gives the lines to show. Height 0 means as many as there are.
func (m *Model) View(width, height int, now time.Time, color bool) string {
	width = max(width, 20)
	top := slices.Concat([]line{m.title(now), m.stepLine(now), nil}, m.stageLines(width))
	var failures []line
	most := linesAReason
	if height == 0 {
		most = math.MaxInt
	}
	for _, f := range m.failures {
		failures = append(failures, f.wrap(width, most)...)
	}
	slow := m.runningLines(now)
	recent := m.recent[max(0, len(m.recent)-mostRecent):]
	if height > 0 { // what is older gives way first, failures last
		room := max(0, height-len(top))
		failures, room = keep(failures, room)
		slow, room = keep(slow, room)
		if n := max(0, room-1); len(recent) > n {
			recent = recent[len(recent)-n:]
		}
	}
	lines := top
	for _, part := range [][]line{failures, slow, recent} {
		if len(part) > 0 {
			lines = append(append(lines, nil), part...)
		}
	}
	if height > 0 && len(lines) > height {
		lines = lines[:height]
	}
	texts := make([]string, len(lines))
	for i, l := range lines {
		texts[i] = l.render(width, color)
	}
	return strings.Join(texts, "\n")
}

// keep takes the first lines that fit, with the empty line before them.
func keep(lines []line, room int) ([]line, int) {
	if len(lines) == 0 {
		return nil, room
	}
	n := min(len(lines), max(0, room-1))
	return lines[:n], room - n - 1
}

func (m *Model) title(now time.Time) line {
	if !m.ended.IsZero() {
		now = m.ended
	}
	took := now.Sub(m.began)
	return line{
		{bold, fmt.Sprintf("%02d:%02d  ", int(took.Minutes()), int(took.Seconds())%60)},
		{plain, "e6data quickstart " + m.header.Version + "  "},
		{dim, m.header.What + "  " + m.header.Region},
	}
}

func (m *Model) stepLine(now time.Time) line {
	var l line
	for _, s := range m.steps {
		switch s.state {
		case waiting:
			l = append(l, span{dim, "○ " + s.name})
		case going:
			l = append(l, span{yellow, "● " + s.name}, span{plain, " " + seconds(now.Sub(s.start))})
		case done:
			l = append(l, span{green, "✓ "}, span{plain, s.name}, span{dim, " " + seconds(s.took)})
		case failed:
			l = append(l, span{red, "✗ " + s.name}, span{dim, " " + seconds(s.took)})
		case skipped:
			l = append(l, span{dim, "– " + s.name})
		}
		l = append(l, span{plain, "  "})
	}
	return l
}

func (m *Model) stageLines(width int) (lines []line) {
	bar := min(30, max(4, width-24))
	for _, name := range rehearsal.Stages() {
		s := m.stages[name]
		filled, look, number := 0, green, plain
		if t := s.total(); t > 0 {
			filled = bar * s.done / t
		}
		switch {
		case s.failed:
			look, number = red, red
		case s.done < s.total():
			look = yellow
		}
		count := "–"
		if s.total() > 0 {
			count = fmt.Sprintf("%d/%d", s.done, s.total())
		}
		lines = append(lines, line{{plain, fmt.Sprintf("%-10s ", name)}, {look, strings.Repeat("█", filled)}, {dim, strings.Repeat("░", bar-filled)}, {number, fmt.Sprintf(" %7s", count)}})
	}
	return lines
}

// runningLines are the resources that run now, the slowest first. The stacks
// themselves always do: they are left out.
func (m *Model) runningLines(now time.Time) (lines []line) {
	slowest := slices.Clone(m.running)
	slowest = slices.DeleteFunc(slowest, func(r running) bool { return rehearsal.StageOf(r.Type) == "stack" })
	slices.SortStableFunc(slowest, func(a, b running) int { return a.since.Compare(b.since) })
	for _, r := range slowest[:min(len(slowest), mostRunning)] {
		lines = append(lines, line{{yellow, "● "}, {plain, r.LogicalID + " "}, {dim, r.Type + "  "}, {bold, seconds(max(0, now.Sub(r.since)))}})
	}
	return lines
}
