package awsauth

import (
	"strings"
	"unicode/utf8"
)

// breakAt gives the length of the line break at the beginning of s, 0 if there
// is none. YAML 1.1 has more breaks than most, and its parsers count lines by
// all of them.
func breakAt(s string) int {
	switch {
	case strings.HasPrefix(s, "\r\n"):
		return 2
	case strings.HasPrefix(s, "\n"), strings.HasPrefix(s, "\r"):
		return 1
	case strings.HasPrefix(s, "\u0085"):
		return 2
	case strings.HasPrefix(s, "\u2028"), strings.HasPrefix(s, "\u2029"):
		return 3
	}
	return 0
}

const byteOrderMark = "\ufeff"

// lineStarts gives the offset of each line. Text that ends with a break has an
// empty last line, and a byte order mark is before the first, as for the
// parsers.
func lineStarts(text string) []int {
	first := 0
	if strings.HasPrefix(text, byteOrderMark) {
		first = len(byteOrderMark)
	}
	starts := []int{first}
	for i := first; i < len(text); {
		if n := breakAt(text[i:]); n > 0 {
			i += n
			starts = append(starts, i)
			continue
		}
		i++
	}
	return starts
}

// lineAt gives a line, from 0, with its break.
func lineAt(text string, starts []int, line int) string {
	if line+1 < len(starts) {
		return text[starts[line]:starts[line+1]]
	}
	return text[starts[line]:]
}

// lastBreak gives the line break at the end of s, or nothing.
func lastBreak(s string) string {
	for _, b := range []string{"\r\n", "\n", "\r", "\u0085", "\u2028", "\u2029"} {
		if strings.HasSuffix(s, b) {
			return b
		}
	}
	return ""
}

// breakStyle gives the line break to write after before: that of the line
// above, else the text's first, else a line feed.
func breakStyle(text, before string) string {
	b := lastBreak(before)
	if b == "" {
		for i := range len(text) {
			if n := breakAt(text[i:]); n > 0 {
				b = text[i : i+n]
				break
			}
		}
	}
	if b != "\r\n" && b != "\r" {
		return "\n"
	}
	return b
}

// isNote tells whether a line has nothing but blanks or a comment.
func isNote(line string) bool {
	line = strings.Trim(line, " \t\r\n\u0085\u2028\u2029")
	return line == "" || line[0] == '#'
}

// offset gives the place of a line and a column, both from 1, the column in
// characters. ok is false if the text has no such place.
func offset(text string, starts []int, line, column int) (at int, ok bool) {
	if line < 1 || line > len(starts) {
		return 0, false
	}
	at = starts[line-1]
	for range column - 1 {
		if at >= len(text) {
			return 0, false
		}
		_, n := utf8.DecodeRuneInString(text[at:])
		at += n
	}
	return at, true
}
