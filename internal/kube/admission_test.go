package kube

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

func TestAdmitted(t *testing.T) {
	for name, test := range map[string]struct {
		answers  []int // one for each request, the last one for all that follow
		patience time.Duration
		want     string // part of the error; empty: none
		requests int
	}{
		"known at once":                     {[]int{200}, time.Minute, "", 1},
		"known after two refusals":          {[]int{401, 401, 200}, time.Minute, "", 3},
		"never known":                       {[]int{401}, time.Millisecond, "cluster demo does not know this function's role", 1},
		"another failure is not waited for": {[]int{403}, time.Minute, "lets this function's role", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requests := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/version" {
					t.Errorf("request of %s", r.URL.Path)
				}
				code := test.answers[min(requests, len(test.answers)-1)]
				requests++
				w.WriteHeader(code)
			}))
			defer server.Close()
			err := NewCluster("demo", &rest.Config{Host: server.URL, QPS: -1}).Admitted(t.Context(), test.patience)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
			if requests != test.requests {
				t.Errorf("%d requests, want %d", requests, test.requests)
			}
		})
	}
}
