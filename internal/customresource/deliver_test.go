package customresource

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSendTriesAgain(t *testing.T) {
	broken := errors.New("connection reset by peer")
	tests := map[string]struct {
		replies []reply
		tries   int
		err     string
	}{
		"once is enough":                       {tries: 1},
		"created is success too":               {replies: []reply{{status: 201}}, tries: 1},
		"server errors and resets pass":        {replies: []reply{{status: 503}, {err: broken}, {status: 500}, {status: 429}, {status: 408}}, tries: 6},
		"a refused signature does not":         {replies: []reply{{status: 403, body: "<Error><Code>SignatureDoesNotMatch</Code><X>topsecret</X></Error>"}}, tries: 1, err: "put the answer to its presigned URL (1 tries): status 403 Forbidden: SignatureDoesNotMatch"},
		"nor does a refusal without a reason":  {replies: []reply{{status: 400, body: "topsecret"}}, tries: 1, err: "put the answer to its presigned URL (1 tries): status 400 Bad Request: no reason given"},
		"a code too long to be one":            {replies: []reply{{status: 404, body: "<Code>" + strings.Repeat("topsecret", 20) + "</Code>"}}, tries: 1, err: "put the answer to its presigned URL (1 tries): status 404 Not Found: no reason given"},
		"a redirect without an address is not": {replies: []reply{{status: 304}}, tries: 1, err: "put the answer to its presigned URL (1 tries): status 304 Not Modified: no reason given"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				box := &mailbox{replies: test.replies}
				s := sender{client: &http.Client{Transport: box}, log: slog.New(slog.DiscardHandler)}
				err := s.send(t.Context(), "https://bucket/answer?X-Amz-Signature=topsecret", []byte(`{}`))
				got := ""
				if err != nil {
					got = err.Error()
				}
				if diff := cmp.Diff(test.err, got); diff != "" {
					t.Errorf("error (-want +got):\n%s", diff)
				}
				if len(box.puts) != test.tries {
					t.Errorf("%d tries, want %d", len(box.puts), test.tries)
				}
				for _, p := range box.puts {
					if string(p.body) != "{}" {
						t.Errorf("a try sent %q", p.body)
					}
				}
			})
		})
	}
}

// never is a transport that answers no request before its context ends.
type never struct{}

func (never) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestSendEndsWithTheFunctionsTime(t *testing.T) {
	tests := map[string]struct {
		client  http.RoundTripper
		timeout time.Duration // 0: none
		within  time.Duration
	}{
		"a server that never answers":             {never{}, 12 * time.Second, 12 * time.Second},
		"a server that always fails":              {&mailbox{replies: repeated(reply{status: 500}, 1000)}, 12 * time.Second, 12 * time.Second},
		"no deadline, a server that always fails": {&mailbox{replies: repeated(reply{status: 500}, 1000)}, 0, deliverTime},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if test.timeout > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.timeout)
					defer cancel()
				}
				s := sender{client: &http.Client{Transport: test.client}, log: slog.New(slog.DiscardHandler)}
				begin := time.Now()
				err := s.send(ctx, "https://bucket/answer?X-Amz-Signature=topsecret", nil)
				if err == nil || strings.Contains(err.Error(), "topsecret") || strings.Contains(err.Error(), "bucket") {
					t.Errorf("error is %v", err)
				}
				if took := time.Since(begin); took > test.within || took < test.within-6*time.Second {
					t.Errorf("gave up after %s, want nearly %s", took, test.within)
				}
			})
		})
	}
}

func repeated(r reply, n int) []reply {
	all := make([]reply, n)
	for i := range all {
		all[i] = r
	}
	return all
}

// TestSendOverTheWire sends to a real server that breaks the first tries in
// other ways each, over TLS, with the client that functions use.
func TestSendOverTheWire(t *testing.T) {
	var tries atomic.Int32
	var got atomic.Value
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch tries.Add(1) {
		case 1: // reset
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = conn.Close()
			}
		case 2:
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write(bytes.Repeat([]byte("x"), 1<<20))
		default:
			body, err := io.ReadAll(r.Body)
			if err != nil || r.Method != http.MethodPut || r.ContentLength != int64(len(body)) || len(r.TransferEncoding) > 0 {
				w.WriteHeader(http.StatusBadRequest)
			}
			if _, typed := r.Header["Content-Type"]; typed {
				w.WriteHeader(http.StatusForbidden)
			}
			got.Store(r.URL.EscapedPath() + " " + string(body))
		}
	}))
	defer server.Close()
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)

	client := newClient()
	defer client.CloseIdleConnections()
	s := sender{client: client, log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if err := s.send(ctx, server.URL, nil); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Fatalf("a server with an unknown certificate was answered: %v", err)
	}

	client.Transport = server.Client().Transport
	if err := s.send(t.Context(), server.URL+"/arn%3Aaws%7Cx?y=z", []byte(`{"a":1}`)); err != nil {
		t.Fatal(err)
	}
	if want := `/arn%3Aaws%7Cx {"a":1}`; got.Load() != want {
		t.Errorf("the server got %v, want %s", got.Load(), want)
	}
}
