package lifecycle

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// runtimeAPI plays the Lambda Runtime API, version 2018-06-01
// (lambda/latest/dg/runtimes-api.html): next, response, error, init error.
type runtimeAPI struct {
	mux   *http.ServeMux
	queue chan *call

	mu    sync.Mutex
	calls map[string]*call
}

// call is one invocation.
type call struct {
	id       string
	payload  []byte
	deadline time.Time
	done     chan string // gets the error that the function reported, or ""
}

func newRuntimeAPI() *runtimeAPI {
	a := &runtimeAPI{mux: http.NewServeMux(), queue: make(chan *call, 16), calls: map[string]*call{}}
	const base = "/2018-06-01/runtime/"
	a.mux.HandleFunc("GET "+base+"invocation/next", a.next)
	a.mux.HandleFunc("POST "+base+"invocation/{id}/response", func(w http.ResponseWriter, r *http.Request) { a.end(w, r, false) })
	a.mux.HandleFunc("POST "+base+"invocation/{id}/error", func(w http.ResponseWriter, r *http.Request) { a.end(w, r, true) })
	return a
}

// ServeHTTP implements http.Handler.
func (a *runtimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// invoke queues an event.
func (a *runtimeAPI) invoke(tb testing.TB, event any, deadline time.Time) *call {
	tb.Helper()
	payload, err := json.Marshal(event)
	if err != nil {
		tb.Fatalf("marshal the event: %v", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	c := &call{
		id:       fmt.Sprintf("00000000-0000-4000-8000-%012d", len(a.calls)+1),
		payload:  payload,
		deadline: deadline,
		done:     make(chan string, 1),
	}
	a.calls[c.id] = c
	a.queue <- c
	return c
}

// next answers with the next event, as late as it comes.
func (a *runtimeAPI) next(w http.ResponseWriter, r *http.Request) {
	select {
	case c := <-a.queue:
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", c.id)
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(c.deadline.UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:111122223333:function:under-test")
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(c.payload) // a function that went away is noticed by Invoke
	case <-r.Context().Done():
	}
}

// end takes an invocation's result.
func (a *runtimeAPI) end(w http.ResponseWriter, r *http.Request, failed bool) {
	body, err := io.ReadAll(r.Body)
	a.mu.Lock()
	c := a.calls[r.PathValue("id")]
	a.mu.Unlock()
	if c == nil || err != nil {
		http.Error(w, "no such invocation", http.StatusNotFound)
		return
	}
	problem := ""
	if failed {
		problem = strings.TrimSpace(string(body))
	}
	select {
	case c.done <- problem:
		w.WriteHeader(http.StatusAccepted)
	default:
		http.Error(w, "this invocation has ended", http.StatusBadRequest)
	}
}
