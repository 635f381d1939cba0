package customresource

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestInvoke(t *testing.T) {
	errBroken := errors.New("broken <pipe> & more")
	type want struct {
		Status     cfn.StatusType
		PhysicalID string
		Reason     string // a part of it
		Data       map[string]any
	}
	const marker = "never-created/5e3f1d4c-0000-4000-8000-000000000001"
	tests := map[string]struct {
		handler handler
		event   map[string]any
		want    want
	}{
		"create answers the ID and Data as text": {
			event: map[string]any{"ResourceProperties": map[string]any{"ServiceToken": "x", "Name": "a", "Count": "3"}},
			want:  want{Status: cfn.StatusSuccess, PhysicalID: "test/a", Data: map[string]any{"Name": "a", "Count": "3"}},
		},
		"failed create without an ID answers the marker": {
			handler: handler{create: func(context.Context, Request[props]) (Response[data], error) { return Response[data]{}, errBroken }},
			want:    want{Status: cfn.StatusFailed, PhysicalID: marker, Reason: "broken <pipe> & more"},
		},
		"failed create keeps the ID of what is half made": {
			handler: handler{create: func(context.Context, Request[props]) (Response[data], error) {
				return Response[data]{PhysicalID: "test/half", Data: data{Name: "no"}}, errBroken
			}},
			want: want{Status: cfn.StatusFailed, PhysicalID: "test/half", Reason: "broken"},
		},
		"create without an ID is a bug that is told": {
			handler: handler{create: func(context.Context, Request[props]) (Response[data], error) { return Response[data]{}, nil }},
			want:    want{Status: cfn.StatusFailed, PhysicalID: marker, Reason: "named no physical ID"},
		},
		"update without an ID keeps the old one": {
			event: map[string]any{"RequestType": "Update", "PhysicalResourceId": "test/old", "OldResourceProperties": map[string]any{"Name": "o"}},
			want:  want{Status: cfn.StatusSuccess, PhysicalID: "test/old", Data: map[string]any{"Name": "", "Count": "0"}},
		},
		"update gets the old properties, read leniently": {
			handler: handler{update: func(_ context.Context, r Request[props]) (Response[data], error) {
				return Response[data]{PhysicalID: r.PhysicalID + "+" + r.OldProps.Name}, nil
			}},
			event: map[string]any{
				"RequestType": "Update", "PhysicalResourceId": "test/old",
				"OldResourceProperties": map[string]any{"Name": "o", "GoneSince": "v0"},
			},
			want: want{Status: cfn.StatusSuccess, PhysicalID: "test/old+o", Data: map[string]any{"Name": "", "Count": "0"}},
		},
		"failed update keeps the old ID": {
			handler: handler{update: func(context.Context, Request[props]) (Response[data], error) { return Response[data]{}, errBroken }},
			event:   map[string]any{"RequestType": "Update", "PhysicalResourceId": "test/old"},
			want:    want{Status: cfn.StatusFailed, PhysicalID: "test/old", Reason: "broken"},
		},
		"update of what was never made makes it": {
			event: map[string]any{"RequestType": "Update", "PhysicalResourceId": marker},
			want:  want{Status: cfn.StatusSuccess, PhysicalID: "test/a", Data: map[string]any{"Name": "a", "Count": "0"}},
		},
		"delete of an owned ID is handled": {
			handler: handler{remove: func(context.Context, Request[props]) error { return errBroken }},
			event:   map[string]any{"RequestType": "Delete", "PhysicalResourceId": "test/a"},
			want:    want{Status: cfn.StatusFailed, PhysicalID: "test/a", Reason: "broken"},
		},
		"delete of the marker is not": {
			handler: handler{remove: func(context.Context, Request[props]) error { return errBroken }},
			event:   map[string]any{"RequestType": "Delete", "PhysicalResourceId": marker},
			want:    want{Status: cfn.StatusSuccess, PhysicalID: marker},
		},
		"delete of a request ID is not": {
			handler: handler{remove: func(context.Context, Request[props]) error { return errBroken }},
			event:   map[string]any{"RequestType": "Delete", "PhysicalResourceId": "5e3f1d4c-0000-4000-8000-000000000009"},
			want:    want{Status: cfn.StatusSuccess, PhysicalID: "5e3f1d4c-0000-4000-8000-000000000009"},
		},
		"delete without any ID succeeds": {
			event: map[string]any{"RequestType": "Delete"},
			want:  want{Status: cfn.StatusSuccess, PhysicalID: marker},
		},
		"unreadable delete works from the ID": {
			handler: handler{remove: func(_ context.Context, r Request[props]) error {
				if diff := cmp.Diff(props{}, r.Props); diff != "" {
					return errors.New("properties: " + diff)
				}
				return nil
			}},
			event: map[string]any{
				"RequestType": "Delete", "PhysicalResourceId": "test/a",
				"ResourceProperties": map[string]any{"Name": "a", "Count": "many"},
			},
			want: want{Status: cfn.StatusSuccess, PhysicalID: "test/a"},
		},
		"misspelt property is named": {
			event: map[string]any{"ResourceProperties": map[string]any{"Name": "a", "Cuont": "3"}},
			want:  want{Status: cfn.StatusFailed, PhysicalID: marker, Reason: "Cuont is not known (did you mean Count?)"},
		},
		"all problems come at once": {
			event: map[string]any{"ResourceProperties": map[string]any{"name": "a", "Count": "x", "On": "yes", "Inner": map[string]any{}}},
			want: want{
				Status: cfn.StatusFailed, PhysicalID: marker,
				Reason: `properties: name is not known (did you mean Name?); Name is missing; Inner.Size is missing; ` +
					`Count: "x" is not a whole number; On: "yes" is not true or false`,
			},
		},
		"panic becomes a failure": {
			handler: handler{create: func(context.Context, Request[props]) (Response[data], error) { panic("out of cheese") }},
			want:    want{Status: cfn.StatusFailed, PhysicalID: marker, Reason: "Create of Test stopped on a bug in the function: out of cheese"},
		},
		"unknown type is refused with the known ones": {
			event: map[string]any{"ResourceType": "Custom::Tset"},
			want:  want{Status: cfn.StatusFailed, PhysicalID: marker, Reason: `"Custom::Tset"; it handles Custom::Test`},
		},
		"delete of an unknown type succeeds": {
			event: map[string]any{"ResourceType": "Custom::Tset", "RequestType": "Delete", "PhysicalResourceId": "x"},
			want:  want{Status: cfn.StatusSuccess, PhysicalID: "x"},
		},
		"unknown request type is refused": {
			event: map[string]any{"RequestType": "Read"},
			want:  want{Status: cfn.StatusFailed, PhysicalID: marker, Reason: `"Read" is not one of`},
		},
		"Data over the limit is refused with its size": {
			handler: handler{create: func(context.Context, Request[props]) (Response[data], error) {
				return Response[data]{PhysicalID: "test/big", Data: data{Name: strings.Repeat("x", 5000)}}, nil
			}},
			want: want{Status: cfn.StatusFailed, PhysicalID: "test/big", Reason: "CloudFormation accepts 4096"},
		},
		"physical ID over the limit is refused": {
			handler: handler{create: func(context.Context, Request[props]) (Response[data], error) {
				return Response[data]{PhysicalID: "test/" + strings.Repeat("x", 1020)}, nil
			}},
			want: want{Status: cfn.StatusFailed, PhysicalID: marker, Reason: "takes 1025 bytes and CloudFormation accepts 1024"},
		},
		"error without text has a reason": {
			handler: handler{create: func(context.Context, Request[props]) (Response[data], error) { return Response[data]{}, errors.New("") }},
			want:    want{Status: cfn.StatusFailed, PhysicalID: marker, Reason: "without saying why"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m, box := newMux(test.handler, Options{})
			if err := m.Invoke(t.Context(), request(t, test.event)); err != nil {
				t.Fatalf("Invoke: %v", err)
			}
			res := box.only(t)
			if !strings.Contains(res.Reason, test.want.Reason) {
				t.Errorf("reason is %q, want it to contain %q", res.Reason, test.want.Reason)
			}
			got := want{res.Status, res.PhysicalResourceID, test.want.Reason, res.Data}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if res.Status == cfn.StatusFailed && res.Reason == "" {
				t.Error("a failure needs a reason")
			}
			p := box.puts[0]
			if p.method != http.MethodPut || p.contentType != nil || p.path != "/arn%3Aaws%3Acfn%7CTest" {
				t.Errorf("sent as %s %s with Content-Type %v", p.method, p.path, p.contentType)
			}
		})
	}
}
