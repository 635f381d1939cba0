package customresource

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/aws/aws-lambda-go/cfn"
)

const testType = "Custom::Test"

// props is the property struct of the handler under test.
type props struct {
	Name  string   `json:"Name"`
	Count int      `json:"Count,omitempty"`
	On    bool     `json:"On,omitempty"`
	List  []string `json:"List,omitempty"`
	Inner *inner   `json:"Inner,omitempty"`
}

type inner struct {
	Size float64 `json:"Size"`
}

type data struct {
	Name  string `json:"Name"`
	Count int    `json:"Count"`
}

// handler is a Handler made of functions; a nil one succeeds.
type handler struct {
	create, update func(context.Context, Request[props]) (Response[data], error)
	remove         func(context.Context, Request[props]) error
}

func (h handler) Create(ctx context.Context, r Request[props]) (Response[data], error) {
	if h.create == nil {
		return Response[data]{PhysicalID: "test/" + r.Props.Name, Data: data{Name: r.Props.Name, Count: r.Props.Count}}, nil
	}
	return h.create(ctx, r)
}

func (h handler) Update(ctx context.Context, r Request[props]) (Response[data], error) {
	if h.update == nil {
		return Response[data]{}, nil
	}
	return h.update(ctx, r)
}

func (h handler) Delete(ctx context.Context, r Request[props]) error {
	if h.remove == nil {
		return nil
	}
	return h.remove(ctx, r)
}

func (handler) Owns(physicalID string) bool { return strings.HasPrefix(physicalID, "test/") }

// put is one answer as it arrived.
type put struct {
	method      string
	path        string
	contentType []string
	body        []byte
}

// mailbox is an http.RoundTripper that collects answers. It plays the results
// in replies first, then says 200.
type mailbox struct {
	mu      sync.Mutex
	puts    []put
	replies []reply
}

type reply struct {
	status int
	body   string
	err    error
}

func (b *mailbox) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.puts = append(b.puts, put{req.Method, req.URL.EscapedPath(), req.Header["Content-Type"], body})
	r := reply{status: http.StatusOK}
	if len(b.replies) > 0 {
		r, b.replies = b.replies[0], b.replies[1:]
	}
	if r.err != nil {
		return nil, r.err
	}
	rec := httptest.NewRecorder()
	rec.WriteHeader(r.status)
	_, _ = rec.WriteString(r.body)
	return rec.Result(), nil
}

// only returns the one answer there is, read.
func (b *mailbox) only(t interface {
	Helper()
	Fatalf(string, ...any)
},
) cfn.Response {
	t.Helper()
	if len(b.puts) != 1 {
		t.Fatalf("%d answers were put, want 1", len(b.puts))
	}
	var res cfn.Response
	if err := json.Unmarshal(b.puts[0].body, &res); err != nil {
		t.Fatalf("the answer is no JSON: %v", err)
	}
	return res
}

// newMux returns a Mux with h and the mailbox that it answers to.
func newMux(h Handler[props, data], o Options) (*Mux, *mailbox) {
	box := &mailbox{}
	o.HTTPClient = &http.Client{Transport: box}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	m := NewMux(o)
	Register(m, testType, h)
	return m, box
}

// request is an event with ev's fields over the usual ones.
func request(t interface {
	Helper()
	Fatalf(string, ...any)
}, ev map[string]any,
) json.RawMessage {
	t.Helper()
	full := map[string]any{
		"RequestType":        "Create",
		"RequestId":          "5e3f1d4c-0000-4000-8000-000000000001",
		"ResponseURL":        "https://bucket.s3.us-east-1.amazonaws.com/arn%3Aaws%3Acfn%7CTest?X-Amz-Signature=topsecret",
		"ResourceType":       testType,
		"LogicalResourceId":  "Test",
		"StackId":            "arn:aws:cloudformation:us-east-1:111122223333:stack/demo/5e3f1d4c",
		"ResourceProperties": map[string]any{"ServiceToken": "arn:aws:lambda:::f", "ServiceTimeout": "60", "Name": "a"},
	}
	for k, v := range ev {
		if v == nil {
			delete(full, k)
			continue
		}
		full[k] = v
	}
	text, err := json.Marshal(full)
	if err != nil {
		t.Fatalf("marshal the event: %v", err)
	}
	return text
}
