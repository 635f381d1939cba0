package chart

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestValues(t *testing.T) {
	cases := map[string]struct {
		text string
		want map[string]any
		say  string
	}{
		"nothing":                 {text: "", want: map[string]any{}},
		"blank":                   {text: " \n", want: map[string]any{}},
		"types stay":              {text: `{"a":2,"b":2.5,"c":true,"d":"2","e":[1],"f":{"g":null}}`, want: map[string]any{"a": int64(2), "b": 2.5, "c": true, "d": "2", "e": []any{int64(1)}, "f": map[string]any{"g": nil}}},
		"a large whole number":    {text: `{"n":100000000000}`, want: map[string]any{"n": int64(100000000000)}},
		"a list":                  {text: `[1]`, say: "got a list"},
		"a text":                  {text: `"x"`, say: "got a text"},
		"null":                    {text: `null`, say: "got null"},
		"an error with its place": {text: "{\n  \"a\": 1,\n  \"secret\": s3cret}", say: "line 3, column 13"},
		"cut off":                 {text: `{"a":`, say: "ends too early"},
		"two objects":             {text: `{} {}`, say: "more text after the JSON object"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Values(tc.text)
			if tc.say != "" {
				if err == nil || !strings.Contains(err.Error(), tc.say) || strings.Contains(err.Error(), "s3cret") {
					t.Errorf("got %v, want an error with %q and no value", err, tc.say)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("values differ (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzValues(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":[1,2.5,"x",null,{"b":true}]}`, `[]`, `{"a":1e400}`, "{\n\"a\":\x00}", `{"a":9223372036854775808}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		values, err := Values(text)
		if err != nil {
			return
		}
		if _, err := json.Marshal(values); err != nil {
			t.Errorf("%q gives values that cannot be stored: %v", text, err)
		}
	})
}
