package rehearsal

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A customer's first picture is compared with none.
func TestChangesSinceNoPicture(t *testing.T) {
	want := []Change{{Thing: "role app", Is: "{}"}}
	if diff := cmp.Diff(want, Picture{"role app": "{}"}.Since(nil, Allowance{})); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}
