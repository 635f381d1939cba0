package customresource

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDataOf(t *testing.T) {
	type nested struct {
		List []int `json:"List"`
	}
	tests := map[string]struct {
		data any
		want string // the object as sent
		err  string
	}{
		"scalars become text": {
			map[string]any{"I": 7, "F": 1.5, "B": true, "S": "<x>", "Big": int64(math.MaxInt64)},
			`{"B":"true","Big":"9223372036854775807","F":"1.5","I":"7","S":"<x>"}`, "",
		},
		"null fields are left out":   {map[string]any{"N": nil, "P": (*int)(nil), "S": ""}, `{"S":""}`, ""},
		"lists and objects stay":     {map[string]any{"L": []int{1}, "O": nested{}}, `{"L":[1],"O":{"List":null}}`, ""},
		"an empty struct is nothing": {struct{}{}, `{}`, ""},
		"nil is nothing":             {nil, `null`, ""},
		"a list is no Data":          {[]int{1}, `null`, "the handler's Data is a []int, which is no JSON object: this is a bug in the function"},
		"what does not marshal":      {map[string]any{"F": math.NaN()}, `null`, "marshal Data: json: unsupported value: NaN"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := dataOf(test.data)
			message := ""
			if err != nil {
				message = err.Error()
			}
			if diff := cmp.Diff(test.err, message); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			text, err := jsonText(got)
			if err != nil || !json.Valid(text) {
				t.Fatalf("marshal the Data: %v", err)
			}
			if diff := cmp.Diff(test.want, string(text)); diff != "" {
				t.Errorf("data (-want +got):\n%s", diff)
			}
		})
	}
}
