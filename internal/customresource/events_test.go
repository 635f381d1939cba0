package customresource

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/google/go-cmp/cmp"
)

// events reads testdata/events by name.
func events(tb testing.TB) map[string][]byte {
	tb.Helper()
	paths, err := filepath.Glob("testdata/events/*.json")
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no events: %v", err)
	}
	all := map[string][]byte{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(path), ".json")] = text
	}
	return all
}

func TestEvents(t *testing.T) {
	full := props{Name: "a", Count: 3, On: true, List: []string{"x", "y"}, Inner: &inner{Size: 1.5}}
	renamed := full
	renamed.Name = "b"
	want := map[string]struct {
		call string
		req  Request[props]
		id   string
	}{
		"create":                     {"Create", Request[props]{Type: Create, Props: full}, "test/made"},
		"update":                     {"Update", Request[props]{Type: Update, PhysicalID: "test/a", Props: renamed, OldProps: full}, "test/a"},
		"delete":                     {"Delete", Request[props]{Type: Delete, PhysicalID: "test/a", Props: full}, "test/a"},
		"delete-after-failed-create": {"", Request[props]{}, "never-created/7a8d3c5e-1b2f-4c6d-9e0a-1f2e3d4c5b6a"},
		"delete-of-a-request-id":     {"", Request[props]{}, "7a8d3c5e-1b2f-4c6d-9e0a-1f2e3d4c5b6a"},
	}
	for name, event := range events(t) {
		t.Run(name, func(t *testing.T) {
			w, known := want[name]
			if !known {
				t.Fatal("no expectation for this event")
			}
			if w.call != "" {
				w.req.RequestID = "7a8d3c5e-1b2f-4c6d-9e0a-1f2e3d4c5b6a"
				w.req.StackID = "arn:aws:cloudformation:us-east-1:111122223333:stack/demo/0f3a7a40-c7a1-11f0-8de9-0242ac120002"
				w.req.LogicalID, w.req.ResourceType = "Test", testType
			}
			var call string
			var req Request[props]
			note := func(method string, r Request[props]) {
				if call != "" {
					t.Errorf("%s after %s", method, call)
				}
				call, req = method, r
			}
			m, box := newMux(handler{
				create: func(_ context.Context, r Request[props]) (Response[data], error) {
					note("Create", r)
					return Response[data]{PhysicalID: "test/made"}, nil
				},
				update: func(_ context.Context, r Request[props]) (Response[data], error) {
					note("Update", r)
					return Response[data]{}, nil
				},
				remove: func(_ context.Context, r Request[props]) error { note("Delete", r); return nil },
			}, Options{})
			if err := m.Invoke(t.Context(), event); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(w.req, req); diff != "" || call != w.call {
				t.Errorf("%s was called, want %s; request (-want +got):\n%s", call, w.call, diff)
			}
			if res := box.only(t); res.Status != cfn.StatusSuccess || res.PhysicalResourceID != w.id {
				t.Errorf("answered %s %s: %s", res.Status, res.PhysicalResourceID, res.Reason)
			}
			if path := box.puts[0].path; !strings.HasSuffix(path, "%7CTest%7C7a8d3c5e-1b2f-4c6d-9e0a-1f2e3d4c5b6a") {
				t.Errorf("the answer went to %s", path)
			}
		})
	}
}

// TestSameEventTwice sends an event again, as Lambda may: the answer is the same.
func TestSameEventTwice(t *testing.T) {
	for name, event := range events(t) {
		t.Run(name, func(t *testing.T) {
			m, box := newMux(handler{update: func(context.Context, Request[props]) (Response[data], error) {
				return Response[data]{}, errors.New("no")
			}}, Options{})
			for range 2 {
				if err := m.Invoke(t.Context(), event); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(box.puts[0].body), string(box.puts[1].body)); diff != "" {
				t.Errorf("answers (-first +second):\n%s", diff)
			}
		})
	}
}
