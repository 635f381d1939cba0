package customresource

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestFitReason(t *testing.T) {
	tests := map[string]struct {
		head, tail string
		room       int
		want       string
	}{
		"there is room":                {"a <b> & c", " (log)", 15, "a <b> & c (log)"},
		"one byte too much":            {"a <b> & " + strings.Repeat("c", 20), " (log)", 5 + len(cutMark) + 6, "a <b>" + cutMark + " (log)"},
		"quotes count twice":           {`""""""""""""`, "", 8 + len(cutMark), `""""` + cutMark},
		"runes stay whole":             {"ééééééééé", "", 5 + len(cutMark), "éé" + cutMark},
		"only the tail fits":           {strings.Repeat("a", 50), " (log)", len(cutMark) + 6, strings.Repeat("a", len(cutMark)+6)},
		"nothing fits":                 {"a", "b", 0, ""},
		"invalid UTF-8 is replaced":    {"a\xffb", "\xfe", 20, "a\uFFFDb\uFFFD"},
		"space around the head is cut": {" a\n", "(log)", 20, "a(log)"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := fitReason(test.head, test.tail, test.room); got != test.want {
				t.Errorf("reason is %q, want %q", got, test.want)
			}
		})
	}
}

func TestCutToKeepsAllThatFits(t *testing.T) {
	text := rapid.StringOf(rapid.SampledFrom([]rune("ab<\"\n\u0000é€😀\u2028")))
	rapid.Check(t, func(t *rapid.T) {
		s, room := text.Draw(t, "text"), rapid.IntRange(-1, 60).Draw(t, "room")
		got := cutTo(s, room)
		rest, isHead := strings.CutPrefix(s, got)
		if !isHead || !utf8.ValidString(got) || jsonSize(got) > max(room, 0) {
			t.Fatalf("%q in %d bytes became %q", s, room, got)
		}
		if _, size := utf8.DecodeRuneInString(rest); size > 0 && jsonSize(got+rest[:size]) <= room {
			t.Errorf("%q in %d bytes became %q, though another rune fits", s, room, got)
		}
	})
}
