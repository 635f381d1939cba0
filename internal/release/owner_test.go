package release

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"
	"pgregory.net/rapid"
)

func TestOwnerOf(t *testing.T) {
	const id = "arn:aws-cn:cloudformation:cn-north-1:111122223333:stack/my-stack/5f6e7d8c-0000"
	cases := map[string]struct {
		stack, logical string
		want           Owner
	}{
		"a stack's ID":             {id, "Karpenter", Owner{Stack: "5f6e7d8c-0000", StackName: "my-stack", Resource: "Karpenter"}},
		"an unreadable stack ID":   {"???", "Karpenter", Owner{Stack: labelValue("???"), Resource: "Karpenter"}},
		"a logical ID too long":    {id, strings.Repeat("L", 64), Owner{Stack: "5f6e7d8c-0000", StackName: "my-stack", Resource: labelValue(strings.Repeat("L", 64))}},
		"Helm's word for no label": {id, "null", Owner{Stack: "5f6e7d8c-0000", StackName: "my-stack", Resource: labelValue("null")}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := OwnerOf(tc.stack, tc.logical); got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
	if strings.HasPrefix(labelValue("null"), "null") {
		t.Error("null would make Helm drop the label")
	}
}

func TestLabelsAreValid(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		a, b := rapid.String().Draw(r, "a"), rapid.String().Draw(r, "b")
		if problems := validation.IsValidLabelValue(labelValue(a)); len(problems) > 0 {
			r.Fatalf("%q becomes the label %q: %v", a, labelValue(a), problems)
		}
		if a != b && labelValue(a) == labelValue(b) {
			r.Fatalf("%q and %q become one label", a, b)
		}
	})
}
