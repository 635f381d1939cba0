package endpoints

import (
	"slices"
	"testing"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// A look at an account asks for no endpoint that is not in the table which
// customers are given, and customers are given no service twice.
func TestOneTable(t *testing.T) {
	var given []string
	for _, e := range Of(contract.ModeExistingVPC) {
		if slices.Contains(given, e.Service) || e.For == "" {
			t.Errorf("%s is there twice, or for nothing", e.Service)
		}
		given = append(given, e.Service)
	}
	few, all := Needed(false), Needed(true)
	if !slices.Equal(all[:len(few)], few) || len(all) == len(few) || len(given) == len(all) {
		t.Errorf("needed are %q, with controllers %q, given are %q", few, all, given)
	}
	for _, service := range all {
		if !slices.Contains(given, service) {
			t.Errorf("%s is asked for, but not given", service)
		}
	}
	if slices.Contains(all, "glue") || !slices.Contains(given, "glue") {
		t.Error("a stack comes up without glue, and the query engine calls it")
	}
	if found := Of(contract.ModeNewVPC); found != nil {
		t.Errorf("a VPC of the stack's own needs %v", found)
	}
}
