package report

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// chart is the picture of one step: a row for each resource.
type chart struct {
	Step, Title  string
	Height       int
	Bars         []bar
	Ticks        []tick
	AxisY, TextY int
}

// bar is one operation on one resource, in the picture's units.
type bar struct {
	Label, Title, Class     string
	LabelX, TextY, Y        int
	X, Width                float64
	Mark                    bool // failed: shape, not colour alone, says so
	MarkX                   float64
	start, end              float64
	stack, resource, status string
}

type tick struct {
	X    float64
	Text string
}

// The picture's measures.
const (
	chartWidth = 1000
	labelWidth = 290
	rowHeight  = 17
	barHeight  = 11
	axisHeight = 24
	indent     = 14
)

// newChart draws the events of a step. It has no bars if there were none.
func newChart(s Step, rootStack string) chart {
	bars := nestBars(operations(s.Events), rootStack)
	end := s.Seconds
	for _, b := range bars {
		end = max(end, b.end)
	}
	c := chart{Step: s.Name, Title: "Timeline of the " + s.Name, Height: axisHeight + rowHeight*len(bars) + 4, AxisY: axisHeight - 4, TextY: axisHeight - 10}
	scale := float64(chartWidth-labelWidth-20) / max(end, 0.001)
	for i := range bars {
		b := &bars[i]
		b.Y = axisHeight + i*rowHeight
		b.TextY = b.Y + barHeight - 1
		b.X = float1(labelWidth + b.start*scale)
		b.Width = float1(max(2, (b.end-b.start)*scale))
		b.MarkX = float1(b.X + b.Width + 4)
	}
	c.Bars = bars
	for at, gap := 0.0, tickGap(end); at <= end; at += gap {
		c.Ticks = append(c.Ticks, tick{float1(labelWidth + at*scale), duration(at)})
	}
	return c
}

// operations joins the events of each operation on each resource; the stacks'
// own are the whole picture, and left out.
func operations(events []Event) []bar {
	var bars []bar
	for _, e := range events {
		if e.Resource == e.Stack {
			continue
		}
		verb, outcome, _ := strings.Cut(e.Status, "_")
		i := slices.IndexFunc(bars, func(b bar) bool {
			return b.stack == e.Stack && b.resource == e.Resource && strings.HasPrefix(b.status, verb+"_")
		})
		if i < 0 {
			bars = append(bars, bar{stack: e.Stack, resource: e.Resource, Label: e.Resource, start: e.Elapsed, Class: strings.ToLower(verb)})
			i = len(bars) - 1
		}
		b := &bars[i]
		b.status, b.end = e.Status, e.Elapsed
		b.Title = e.Resource + " (" + e.Type + ") " + e.Status + ", " + duration(b.start) + " to " + duration(b.end)
		if e.Reason != "" {
			b.Title += ": " + e.Reason
		}
		if outcome == "FAILED" {
			b.Class, b.Mark = "failed", true
		}
	}
	return bars
}

// nestBars orders the bars by their start, those of a nested stack below the
// resource that is that stack.
func nestBars(bars []bar, root string) []bar {
	byStart := func(a, b bar) int { return cmp.Compare(a.start, b.start) }
	slices.SortStableFunc(bars, byStart)
	var out []bar
	var place func(stack string, depth int)
	placed := map[string]bool{}
	place = func(stack string, depth int) {
		placed[stack] = true
		for _, b := range bars {
			if b.stack != stack {
				continue
			}
			b.LabelX = depth * indent
			out = append(out, b)
			for _, inner := range bars { // CloudFormation names a nested stack PARENT-LOGICALID-RANDOM
				if strings.HasPrefix(inner.stack, stack+"-"+b.resource+"-") && !placed[inner.stack] {
					place(inner.stack, depth+1)
				}
			}
		}
	}
	place(root, 0)
	for _, b := range bars { // a stack whose parent had no event
		if !placed[b.stack] {
			place(b.stack, 1)
		}
	}
	return out
}

// tickGap gives at most ten ticks at round numbers of seconds.
func tickGap(end float64) float64 {
	for _, gap := range []float64{0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600} {
		if end/gap <= 10 {
			return gap
		}
	}
	return max(1, end/10)
}

func float1(f float64) float64 { return math.Round(f*10) / 10 }
