package awsauth

import (
	"bytes"
	"encoding/json"
	"strings"
)

// flowInsertions puts an entry before the others of a list in brackets: there
// the place is known for certain.
func (d *document) flowInsertions(role Role) []insertion {
	open, ok := offset(d.text, d.starts, d.list.Line, d.list.Column)
	if !ok || !strings.HasPrefix(d.text[open:], "[") {
		return nil
	}
	if len(d.items) == 0 {
		return []insertion{{splice{open + 1, open + 1, flowEntry(role)}, 0}}
	}
	first, ok := offset(d.text, d.starts, d.items[0].node.Line, d.items[0].node.Column)
	if !ok {
		return nil
	}
	separator := ", "
	if line := d.items[0].node.Line; line > d.list.Line {
		// An entry a line, as a JSON printer has them.
		before := d.text[:d.starts[line-1]]
		if indent := d.text[len(before):first]; strings.Trim(indent, " \t") == "" {
			separator = "," + breakStyle(d.text, before) + indent
		}
	}
	return []insertion{{splice{first, first, flowEntry(role) + separator}, 0}}
}

// flowCuts are ways to cut an entry and one comma. A node does not say where it
// ends, so each closing bracket is tried: the text is read again after each
// edit, and only the right one leaves the other entries as they were.
func (d *document) flowCuts(i int) []splice {
	var ways []splice
	from, next, ends := d.flowEnds(i)
	for _, end := range ends {
		rest := d.text[end:]
		blanks := len(rest) - len(strings.TrimLeft(rest, " \t\r\n"))
		if comma := end + blanks; strings.HasPrefix(d.text[comma:], ",") {
			if i+1 < len(d.items) && next > comma && strings.Trim(d.text[comma+1:next], " \t\r\n") == "" {
				ways = append(ways, splice{from, next, ""})
			}
			ways = append(ways, splice{from, comma + 1, ""})
			continue
		}
		if before := strings.TrimRight(d.text[:from], " \t\r\n"); strings.HasSuffix(before, ",") {
			ways = append(ways, splice{len(before) - 1, end, ""})
		}
		ways = append(ways, splice{from, end, ""})
	}
	return ways
}

func (d *document) flowReplacements(i int, role Role) []splice {
	var ways []splice
	from, _, ends := d.flowEnds(i)
	for _, end := range ends {
		ways = append(ways, splice{from, end, flowEntry(role)})
	}
	return ways
}

// flowEnds gives where an entry begins, where the next one does (or the
// document ends), and the places in between where it may end.
func (d *document) flowEnds(i int) (from, next int, ends []int) {
	from, ok := offset(d.text, d.starts, d.items[i].node.Line, d.items[i].node.Column)
	if !ok || !strings.HasPrefix(d.text[from:], "{") {
		return 0, 0, nil
	}
	next = d.end
	if i+1 < len(d.items) {
		if next, ok = offset(d.text, d.starts, d.items[i+1].node.Line, d.items[i+1].node.Column); !ok {
			return 0, 0, nil
		}
	}
	const tries = 32 // an entry of ours has one bracket, and two for each template
	for at := from; at < next && len(ends) < tries; at++ {
		if d.text[at] == '}' {
			ends = append(ends, at+1)
		}
	}
	return from, next, ends
}

// flowEntry writes an entry in brackets, as JSON, which is YAML.
func flowEntry(role Role) string {
	groups := make([]string, len(role.Groups))
	for i, g := range role.Groups {
		groups[i] = quoted(g)
	}
	return `{"rolearn": ` + quoted(role.ARN) + `, "username": ` + quoted(role.Username) + `, "groups": [` + strings.Join(groups, ", ") + `]}`
}

func quoted(s string) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return `""` // never: a string can be encoded
	}
	return strings.TrimSuffix(out.String(), "\n")
}
