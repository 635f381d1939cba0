package customresource

import (
	"bytes"
	"encoding/json"
	"sort"
	"strings"
	"unicode/utf8"
)

// cutMark stands where a reason was cut.
const cutMark = " ... [cut]"

// jsonText marshals v without escaping <, > and &: an answer is no web page,
// and the six bytes of an escape count against its limit.
func jsonText(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// jsonSize is the number of bytes that s takes inside a JSON string, without
// the quotes.
func jsonSize(s string) int {
	text, err := jsonText(s)
	if err != nil { // a string always marshals
		return 6 * len(s)
	}
	return len(text) - 2
}

// fitReason returns head followed by tail in at most room bytes of JSON text.
// What is too long is cut at the end of head, on a rune boundary: the beginning
// of an error says what failed. If not even the tail fits, it is cut as well.
// Invalid UTF-8 is replaced.
func fitReason(head, tail string, room int) string {
	head = strings.TrimSpace(strings.ToValidUTF8(head, "\uFFFD"))
	tail = strings.ToValidUTF8(tail, "\uFFFD")
	if len(head) <= room && jsonSize(head)+jsonSize(tail) <= room {
		return head + tail
	}
	end := cutMark + tail
	if jsonSize(end) >= room {
		return cutTo(head+tail, room)
	}
	return cutTo(head, room-jsonSize(end)) + end
}

// cutTo returns the longest beginning of s that takes at most room bytes of JSON
// text. Invalid UTF-8 is replaced.
func cutTo(s string, room int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	room = max(room, 0)
	if len(s) > room { // every byte takes at least one
		s = s[:room]
		for len(s) > 0 && !endsWhole(s) {
			s = s[:len(s)-1]
		}
	}
	ends := runeEnds(s)
	// The smallest number of runes that is too many, minus one.
	n := sort.Search(len(ends), func(i int) bool { return jsonSize(s[:ends[i]]) > room })
	if n == 0 {
		return ""
	}
	return s[:ends[n-1]]
}

// endsWhole tells whether the last rune of s is complete.
func endsWhole(s string) bool {
	r, size := utf8.DecodeLastRuneInString(s)
	return r != utf8.RuneError || size > 1
}

// runeEnds lists the byte offsets at which the runes of s end.
func runeEnds(s string) []int {
	ends := make([]int, 0, len(s))
	for i, r := range s {
		ends = append(ends, i+utf8.RuneLen(r))
	}
	return ends
}
