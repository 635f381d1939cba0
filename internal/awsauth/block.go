package awsauth

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// insertion is a splice, and the index in the list that the entry gets by it.
type insertion struct {
	splice
	index int
}

// insertions are the ways to add a role, the best first.
func (d *document) insertions(role Role) []insertion {
	if d.list != nil && d.list.Style&yaml.FlowStyle != 0 {
		return d.flowInsertions(role)
	}
	style := d.blockStyle()
	ending := breakStyle(d.text, d.text[:d.end])
	lines := style.lines(role, ending)
	last := insertion{splice{d.end, d.end, lines + ending}, len(d.items)}
	if d.end != d.starts[len(d.starts)-1] && d.end == len(d.text) {
		// The last line has no break, and keeps none.
		last.put = ending + lines
	}
	if len(d.items) == 0 {
		return []insertion{last}
	}
	// A text block that ends the text without a break would get one by an entry
	// below it.
	top, ok := d.dashLine(0)
	if !ok {
		return []insertion{last}
	}
	ending = breakStyle(d.text, d.text[:d.starts[top]])
	first := insertion{splice{d.starts[top], d.starts[top], style.lines(role, ending) + ending}, 0}
	return []insertion{last, first}
}

// cuts are the ways to remove an entry, the best first.
func (d *document) cuts(i int) []splice {
	if d.list.Style&yaml.FlowStyle != 0 {
		return d.flowCuts(i)
	}
	from, to, ok := d.blockSpan(i)
	if !ok {
		return nil
	}
	ending := lastBreak(d.text[from:to])
	ways := []splice{{from, to, ""}}
	if to == len(d.text) && ending == "" {
		ways[0].from -= len(lastBreak(d.text[:from])) // the line above becomes the last, without a break
	}
	// An end marker, or a tag, needs something before or after it; and the notes
	// below must not become part of a text block in the entry above.
	dash, stand := strings.Repeat(" ", d.blockStyle().dash), "# an entry of the e6data quickstart stood here"
	if len(d.items) == 1 {
		stand = "[]"
	}
	return append(ways, splice{from, to, dash + stand + ending})
}

// replacements are the ways to write an entry anew, the best first.
func (d *document) replacements(i int, role Role) []splice {
	if d.list.Style&yaml.FlowStyle != 0 {
		return d.flowReplacements(i, role)
	}
	from, to, ok := d.blockSpan(i)
	if !ok {
		return nil
	}
	ending := lastBreak(d.text[from:to])
	return []splice{{from, to, d.blockStyle().lines(role, breakStyle(d.text, ending)) + ending}}
}

// blockSpan gives the lines of an entry: from its dash to its last line that is
// neither blank nor a comment. What follows may belong to the next entry.
func (d *document) blockSpan(i int) (from, to int, ok bool) {
	first, ok := d.dashLine(i)
	if !ok {
		return 0, 0, false
	}
	next := len(d.starts)
	if i+1 < len(d.items) {
		if next, ok = d.dashLine(i + 1); !ok {
			return 0, 0, false
		}
	}
	for next > first+1 && (d.starts[next-1] >= d.end || isNote(lineAt(d.text, d.starts, next-1))) {
		next--
	}
	to = len(d.text)
	if next < len(d.starts) {
		to = d.starts[next]
	}
	return d.starts[first], to, true
}

// dashLine gives the line, from 0, of an entry's dash. Between the dash and the
// entry's first word are only blanks, comments, an anchor and a tag.
func (d *document) dashLine(i int) (line int, ok bool) {
	for line = d.items[i].node.Line - 1; line >= 0; line-- {
		if dashColumn(lineAt(d.text, d.starts, line)) >= 0 {
			return line, true
		}
	}
	return 0, false
}

// dashColumn gives the number of blanks before the dash that begins a line, or -1.
func dashColumn(line string) int {
	trimmed := strings.TrimLeft(line, " ")
	rest, ok := strings.CutPrefix(trimmed, "-")
	if !ok || rest != "" && rest[0] != ' ' && rest[0] != '\t' && breakAt(rest) == 0 {
		return -1
	}
	return len(line) - len(trimmed)
}

// blockStyle is how a list of entries is indented, in blanks.
type blockStyle struct {
	dash   int // before an entry's dash
	keys   int // from the dash to the keys
	groups int // from the keys to the dashes of the groups
}

// blockStyle takes the style over from the list's last entry, as far as it shows.
func (d *document) blockStyle() blockStyle {
	s := blockStyle{keys: 2, groups: 2}
	if len(d.items) == 0 {
		return s
	}
	last := len(d.items) - 1
	line, ok := d.dashLine(last)
	if !ok {
		return s
	}
	s.dash = dashColumn(lineAt(d.text, d.starts, line))
	n := d.items[last].node
	if n.Kind != yaml.MappingNode || n.Style&yaml.FlowStyle != 0 || n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 {
		return s
	}
	s.keys = n.Column - 1 - s.dash
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if strings.EqualFold(key.Value, "groups") && value.Kind == yaml.SequenceNode && value.Style == 0 && value.Anchor == "" {
			s.groups = value.Column - key.Column
		}
	}
	return s
}

// lines writes an entry, without a break after the last line.
func (s blockStyle) lines(role Role, ending string) string {
	dash := strings.Repeat(" ", s.dash)
	keys := dash + strings.Repeat(" ", s.keys)
	lines := []string{
		dash + "-" + strings.Repeat(" ", s.keys-1) + "rolearn: " + scalar(role.ARN),
		keys + "username: " + scalar(role.Username),
	}
	if len(role.Groups) == 0 {
		return strings.Join(append(lines, keys+"groups: []"), ending)
	}
	lines = append(lines, keys+"groups:")
	for _, g := range role.Groups {
		lines = append(lines, keys+strings.Repeat(" ", s.groups)+"- "+scalar(g))
	}
	return strings.Join(lines, ending)
}

// scalar writes a text as YAML on one line, with quotes if it needs them.
func scalar(s string) string {
	out, err := yaml.Marshal(s)
	if err != nil || strings.Count(string(out), "\n") > 1 {
		return quoted(s)
	}
	return strings.TrimSuffix(string(out), "\n")
}
