package preflight

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// mostBytes is the longest message. CloudFormation takes an answer of 4,096
// bytes, with the IDs of stack and request and the place of the log in it
// (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html).
const mostBytes = 3000

// Error is all problems as one message, or nil when there are none. It begins
// with their number. When they do not fit, the last ones are told in short: no
// problem is left out.
func (r Report) Error() error {
	if len(r.Problems) == 0 {
		return nil
	}
	return message(render(r.Problems, mostBytes))
}

// message is an error that is a text of several sentences.
type message string

func (m message) Error() string { return string(m) }

func render(problems []Problem, most int) string {
	head := plural(len(problems), "problem") + ": "
	for whole := len(problems); whole >= 0; whole-- {
		if text := head + numbered(problems, whole); len(text) <= most {
			return text
		}
	}
	ids := make([]string, 0, len(problems))
	for _, p := range problems {
		ids = append(ids, p.Kind.ID)
	}
	text := head + strings.Join(ids, ", ")
	if len(text) > most {
		text = text[:most]
		for !utf8.ValidString(text) {
			text = text[:len(text)-1]
		}
	}
	return text
}

// numbered says the first problems whole and the others in short.
func numbered(problems []Problem, whole int) string {
	parts := make([]string, 0, len(problems))
	for i, p := range problems {
		text := p.Short()
		if i < whole {
			text = p.String()
		}
		parts = append(parts, fmt.Sprintf("%d) %s", i+1, text))
	}
	return strings.Join(parts, ". ")
}

// String says the problem: what (on what): why. What to do [its ID].
func (p Problem) String() string {
	text := p.what()
	if p.Why != "" {
		text += ": " + p.Why
	}
	return text + ". " + p.Do() + " [" + p.Kind.ID + "]"
}

// Short says the problem without why and what to do.
func (p Problem) Short() string {
	return p.what() + " [" + p.Kind.ID + "]"
}

// what is wrong, and on what.
func (p Problem) what() string {
	if p.On == "" {
		return p.Kind.What
	}
	return p.Kind.What + " (" + p.On + ")"
}

// Do is what to do about the problem.
func (p Problem) Do() string {
	pairs := make([]string, 0, len(p.Fill))
	for i := 0; i+1 < len(p.Fill); i += 2 {
		pairs = append(pairs, "{"+p.Fill[i]+"}", p.Fill[i+1])
	}
	return strings.NewReplacer(pairs...).Replace(p.Kind.Do)
}

func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
