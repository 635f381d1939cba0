package customresource

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// base is embedded in everything.
type base struct {
	Cluster string `json:"Cluster"`
}

// everything has a property of each type that decodes.
type everything struct {
	base

	Text     string         `json:"Text"`
	Flag     bool           `json:"Flag"`
	Int      int            `json:"Int"`
	Small    int8           `json:"Small"`
	Big      int64          `json:"Big"`
	Count    uint16         `json:"Count"`
	Ratio    float64        `json:"Ratio"`
	Wait     time.Duration  `json:"Wait"`
	List     []string       `json:"List"`
	Numbers  []int          `json:"Numbers"`
	Tags     map[string]int `json:"Tags"`
	Deep     []deep         `json:"Deep"`
	Optional *int           `json:"Optional"`
	Empty    string         `json:"Empty,omitempty"`
	Untagged string
	ignored  int //nolint:unused // must not become a property
}

type deep struct {
	Name string `json:"Name"`
	On   bool   `json:"On,omitempty"`
}

// asText is what CloudFormation makes of a properties tree: every scalar is text.
func asText(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for k, item := range v {
			m[k] = asText(item)
		}
		return m
	case []any:
		l := make([]any, len(v))
		for i, item := range v {
			l[i] = asText(item)
		}
		return l
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	default:
		return v
	}
}

func TestDecodeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := everything{
			base:     base{rapid.String().Draw(t, "Cluster")},
			Text:     rapid.String().Draw(t, "Text"),
			Flag:     rapid.Bool().Draw(t, "Flag"),
			Int:      rapid.Int().Draw(t, "Int"),
			Small:    rapid.Int8().Draw(t, "Small"),
			Big:      rapid.Int64().Draw(t, "Big"),
			Count:    rapid.Uint16().Draw(t, "Count"),
			Ratio:    rapid.Float64().Filter(func(f float64) bool { return !math.IsInf(f, 0) }).Draw(t, "Ratio"),
			List:     rapid.SliceOf(rapid.String()).Draw(t, "List"),
			Numbers:  rapid.SliceOf(rapid.Int()).Draw(t, "Numbers"),
			Tags:     rapid.MapOf(rapid.String(), rapid.Int()).Draw(t, "Tags"),
			Untagged: rapid.String().Draw(t, "Untagged"),
			Empty:    rapid.String().Draw(t, "Empty"),
			Deep: rapid.SliceOf(rapid.Custom(func(t *rapid.T) deep {
				return deep{Name: rapid.String().Draw(t, "Name"), On: rapid.Bool().Draw(t, "On")}
			})).Draw(t, "Deep"),
		}
		if rapid.Bool().Draw(t, "optional") {
			want.Optional = new(rapid.Int().Draw(t, "Optional"))
		}
		wait := time.Duration(rapid.Int64().Draw(t, "Wait"))

		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.UseNumber()
		var tree map[string]any
		if err := dec.Decode(&tree); err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "as text") { // else numbers and booleans stay what they are
			tree, _ = asText(tree).(map[string]any)
		}
		tree["Wait"] = wait.String()
		tree["ServiceToken"], tree["ServiceTimeout"] = "arn", "60"
		want.Wait = wait

		text, err = json.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeStrict[everything](text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(everything{})); diff != "" {
			t.Errorf("properties (-want +got):\n%s\n%s", diff, text)
		}
	})
}

func TestDecodeStrictRefuses(t *testing.T) {
	type number struct {
		N int8    `json:"N,omitempty"`
		U uint    `json:"U,omitempty"`
		F float64 `json:"F,omitempty"`
		B bool    `json:"B,omitempty"`
		L []int   `json:"L,omitempty"`
		D []deep  `json:"D,omitempty"`
		S string  `json:"S,omitempty"`
		W time.Duration
	}
	tests := map[string]struct{ in, want string }{
		"range":                   {`{"W":"1s","N":"128"}`, `N: "128" is not a whole number in the range of this property`},
		"fraction":                {`{"W":"1s","N":"1.5"}`, `N: "1.5" is not a whole number`},
		"octal is decimal":        {`{"W":"1s","N":"0x10"}`, `N: "0x10" is not a whole number`},
		"empty number":            {`{"W":"1s","N":""}`, `N: "" is not a whole number`},
		"negative":                {`{"W":"1s","U":"-1"}`, `U: "-1" is not a whole number of 0 or more`},
		"float":                   {`{"W":"1s","F":"1,5"}`, `F: "1,5" is not a number`},
		"bool":                    {`{"W":"1s","B":"True"}`, `B: "True" is not true or false`},
		"raw number for a bool":   {`{"W":"1s","B":1}`, `B: "1" is not true or false`},
		"raw bool for a number":   {`{"W":"1s","N":true}`, `N: "true" is not a whole number`},
		"single value for a list": {`{"W":"1s","L":"1"}`, `L: a single value was given, a list is wanted`},
		"item of a list":          {`{"W":"1s","L":["1","x"]}`, `L[1]: "x" is not a whole number`},
		"list for a single value": {`{"W":"1s","S":["x"]}`, `S: a list was given, a single value is wanted`},
		"object for a text":       {`{"W":"1s","S":{"a":"secret"}}`, `S: an object was given, a single value is wanted`},
		"text for an object":      {`{"W":"1s","D":["x"]}`, `D[0]: a single value was given, an object is wanted`},
		"deep names":              {`{"W":"1s","D":[{"name":"x"}]}`, `D[0].name is not known (did you mean Name?); D[0].Name is missing`},
		"deep value":              {`{"W":"1s","D":[{"Name":"x","On":"y"}]}`, `D[0].On: "y" is not true or false`},
		"duration":                {`{"W":"1"}`, `W: "1" is not a duration such as 90s or 15m`},
		"null is missing":         {`{"W":null}`, `W is missing`},
		"far name":                {`{"W":"1s","Something":"x"}`, `Something is not known (known are N, U, F, B, L, D, S, W)`},
		"no object":               {`["a"]`, `properties: the whole is of the wrong JSON type (array)`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := decodeStrict[number](json.RawMessage(test.in))
			if err == nil {
				t.Fatalf("read as %+v, want an error", got)
			}
			if want := "properties: " + strings.TrimPrefix(test.want, "properties: "); err.Error() != want {
				t.Errorf("error is\n%s, want\n%s", err, want)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Error("the error holds a nested value")
			}
		})
	}
}

func TestDecodeOfNoProperties(t *testing.T) {
	for _, in := range []string{"", "null", "{}", `{"ServiceToken":"x","ServiceTimeout":"3"}`} {
		if _, err := decodeStrict[struct{}](json.RawMessage(in)); err != nil {
			t.Errorf("%q: %v", in, err)
		}
		if _, err := decodeStrict[base](json.RawMessage(in)); err == nil || err.Error() != "properties: Cluster is missing" {
			t.Errorf("%q: %v", in, err)
		}
	}
	if _, err := decodeStrict[struct{}](json.RawMessage(`{"A":"x"}`)); err == nil || err.Error() != "properties: A is not known (none is)" {
		t.Errorf("error is %v", err)
	}
}

func TestDecodeOfEmptyText(t *testing.T) {
	got, err := decodeStrict[props](json.RawMessage(`{"Name":"","List":""}`))
	if diff := cmp.Diff(props{List: []string{}}, got); diff != "" || err != nil {
		t.Errorf("error %v, properties (-want +got):\n%s", err, diff)
	}
	if _, err := decodeStrict[props](json.RawMessage(`{"Name":"","List":" "}`)); err == nil {
		t.Error("a text that is not empty was taken for a list")
	}
}

func TestDecodeLenient(t *testing.T) {
	tests := map[string]struct {
		in   string
		want props
	}{
		"unknown and missing properties": {`{"Count":"3","Old":"x"}`, props{Count: 3}},
		"a name in another case":         {`{"name":"a","COUNT":"x"}`, props{}},
		"one that does not parse":        {`{"Name":"a","Count":"x"}`, props{}},
		"another shape":                  {`{"Name":["a"]}`, props{}},
		"no object":                      {`[]`, props{}},
		"nothing":                        {``, props{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := decodeLenient[props](t.Context(), slog.New(slog.DiscardHandler), json.RawMessage(test.in))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("properties (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryPropertyMisspeltIsNamed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		extra := rapid.StringMatching(`[A-Za-z][A-Za-z0-9]{0,20}`).Filter(func(s string) bool {
			return s != "Name" && s != "Count" && s != "On" && s != "List" && s != "Inner" && !strings.HasPrefix(s, "Service")
		}).Draw(t, "extra")
		_, err := decodeStrict[props](json.RawMessage(fmt.Sprintf(`{"Name":"a",%q:"x"}`, extra)))
		if err == nil || !strings.Contains(err.Error(), extra+" is not known") {
			t.Errorf("error is %v, want it to name %s", err, extra)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"Name":"a","Count":"3","On":"true","List":["x"],"Inner":{"Size":"1.5"}}`))
	f.Add([]byte(`{"Name":1e400,"Inner":[{}],"List":{"a":null}}`))
	f.Add([]byte(`{"Name":{"ServiceToken":[[[]]]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		strict, err := decodeStrict[props](text)
		if err != nil && !cmp.Equal(strict, props{}) {
			t.Errorf("an error came with %+v", strict)
		}
		lenient := decodeLenient[props](context.Background(), slog.New(slog.DiscardHandler), text)
		if err == nil && !cmp.Equal(strict, lenient) {
			t.Errorf("read strictly as %+v, leniently as %+v", strict, lenient)
		}
	})
}
