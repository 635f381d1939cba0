package intrinsic

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// played are names with fixed values.
type played struct{}

func (played) Ref(name string) (any, error) {
	v, known := map[string]any{"Name": "sales", "List": []any{"a", "b"}, "AWS::NoValue": Absent{}, "Count": 2}[name]
	if !known {
		return nil, errors.New("no name " + name)
	}
	return v, nil
}

func (played) GetAtt(resource, attribute string) (any, error) { return resource + "/" + attribute, nil }

func (played) Condition(name string) (bool, error) { return name == "Yes", nil }

type object = map[string]any

func fn(name string, arg any) object { return object{name: arg} }

func TestValues(t *testing.T) {
	list := func(v ...any) []any { return v }
	ref := func(name string) object { return fn("Ref", name) }
	for name, tt := range map[string]struct {
		v, want any
		err     string
	}{
		"a text":                       {v: "x", want: "x"},
		"an object without a value":    {v: object{"A": ref("AWS::NoValue"), "B": list(ref("AWS::NoValue"), ref("Name"))}, want: object{"B": list("sales")}},
		"a property named Condition":   {v: object{"Condition": "x"}, want: object{"Condition": "x"}},
		"both forms of GetAtt":         {v: list(fn("Fn::GetAtt", "A.B.C"), fn("Fn::GetAtt", list("A", ref("Name")))), want: list("A/B.C", "A/sales")},
		"If":                           {v: list(fn("Fn::If", list("Yes", 1, 2)), fn("Fn::If", list("No", 1, ref("List")))), want: list(1, list("a", "b"))},
		"the other side of If":         {v: fn("Fn::If", list("Yes", 1, ref("Nobody"))), want: 1},
		"Join, Split, Select":          {v: fn("Fn::Join", list("-", list(fn("Fn::Select", list("1", fn("Fn::Split", list("/", "x/y")))), "z"))), want: "y-z"},
		"Base64":                       {v: fn("Fn::Base64", "x"), want: "eA=="},
		"Sub":                          {v: fn("Fn::Sub", list("${Name} ${A.B} ${V} ${!Name}", object{"V": ref("Count")})), want: "sales A/B 2 ${Name}"},
		"an unused variable":           {v: fn("Fn::Sub", list("x", object{"V": "y"})), err: "variable V"},
		"a list in a text":             {v: fn("Fn::Sub", "${List}"), err: "a text is wanted"},
		"an index that is not there":   {v: fn("Fn::Select", list(2, ref("List"))), err: "Fn::Select 2"},
		"an argument too few":          {v: fn("Fn::If", list("Yes", 1)), err: "want 3 arguments"},
		"a name that nobody has":       {v: list(object{"A": ref("Nobody")}), err: "no name Nobody"},
		"a function that nobody knows": {v: fn("Fn::Magic", 1), err: "Fn::Magic is no function"},
	} {
		got, err := Value(tt.v, played{})
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: %v, %v, want %q", name, got, err, tt.err)
			}
			continue
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

func TestTruth(t *testing.T) {
	list := func(v ...any) []any { return v }
	yes, no := fn("Condition", "Yes"), fn("Condition", "No")
	all := fn("Ref", "List")
	for name, tt := range map[string]struct {
		v    any
		want bool
	}{
		"a condition": {yes, true}, "not": {fn("Fn::Not", list(yes)), false}, "and": {fn("Fn::And", list(yes, no)), false}, "all": {fn("Fn::And", list(yes, yes)), true},
		"or": {fn("Fn::Or", list(no, yes)), true}, "none": {fn("Fn::Or", list(no, no)), false}, "equals": {fn("Fn::Equals", list(fn("Ref", "Count"), "2")), true},
		"contains": {fn("Fn::Contains", list(all, "b")), true}, "contains not": {fn("Fn::Contains", list(all, "c")), false},
		"each in": {fn("Fn::EachMemberIn", list(all, list("b", "a", "c"))), true}, "each in not": {fn("Fn::EachMemberIn", list(all, list("b"))), false},
		"each equals": {fn("Fn::EachMemberEquals", list(list("x", "x"), "x")), true}, "each equals not": {fn("Fn::EachMemberEquals", list(all, "a")), false},
	} {
		if got, err := Truth(tt.v, played{}); err != nil || got != tt.want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for _, v := range []any{"x", fn("Fn::Not", list()), fn("Fn::Equals", list(1)), fn("Fn::Equals", list(1, fn("Ref", "Nobody")))} {
		if got, err := Truth(v, played{}); err == nil {
			t.Errorf("%v is %v", v, got)
		}
	}
}
