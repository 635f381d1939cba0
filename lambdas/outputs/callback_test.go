package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// listener takes callbacks; it answers its statuses one after the other, and
// then the last one.
type listener struct {
	statuses []int
	bodies   []string
	types    []string
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	status := l.statuses[min(len(l.bodies), len(l.statuses)-1)]
	l.bodies, l.types = append(l.bodies, string(body)), append(l.types, r.Method+" "+r.Header.Get("Content-Type"))
	w.Header().Set("Location", "https://elsewhere.example.com/")
	w.WriteHeader(status)
}

// calling returns the outputs with a callback to a server, their address there,
// and what they log.
func calling(t *testing.T, l *listener) (workspaceOutputs, string, *bytes.Buffer) {
	t.Helper()
	server := httptest.NewTLSServer(l)
	t.Cleanup(server.Close)
	log := &bytes.Buffer{}
	cfg := aws.Config{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "secret", "session")}
	c := newCallback(sts.NewPresignClient(sts.NewFromConfig(cfg)), slog.New(slog.NewTextHandler(log, nil)))
	c.client.Transport, c.pause = server.Client().Transport, time.Millisecond
	return workspaceOutputs{c}, server.URL + "/hooks/e6data", log
}

func TestCallback(t *testing.T) {
	for name, tt := range map[string]struct {
		statuses []int
		tries    int
		failure  string
	}{
		"taken":                   {statuses: []int{204}, tries: 1},
		"taken at the third time": {statuses: []int{503, 429, 200}, tries: 3},
		"refused":                 {statuses: []int{403}, tries: 1, failure: "answered 403 Forbidden"},
		"somewhere else":          {statuses: []int{307}, tries: 1, failure: "redirects are not followed"},
	} {
		t.Run(name, func(t *testing.T) {
			l := &listener{statuses: tt.statuses}
			w, to, log := calling(t, l)
			r := outputsRequest{
				StackID: "arn:aws:cloudformation:eu-west-1:111122223333:stack/a/b",
				Props:   contract.WorkspaceOutputs{ConsoleHost: "console.example.com", Config: finished(t, nil), CallbackURL: to},
			}
			got, err := w.Create(t.Context(), r)
			if err != nil || got.Data.ConsoleURL == "" {
				t.Fatalf("the workspace is finished, and the answer is %v, %v", got, err)
			}
			if len(l.bodies) != tt.tries {
				t.Fatalf("%d tries, want %d", len(l.bodies), tt.tries)
			}
			switch {
			case tt.failure == "" && got.Data.Callback != callbackPosted:
				t.Errorf("the output is %q", got.Data.Callback)
			case tt.failure != "" && (!strings.Contains(got.Data.Callback, tt.failure) || !strings.Contains(got.Data.Callback, "Paste WorkspaceConfig")):
				t.Errorf("the output is %q, want %q in it", got.Data.Callback, tt.failure)
			}
			for _, secret := range []string{"X-Amz", "s3cret-external-id"} {
				if strings.Contains(got.Data.Callback+log.String(), secret) {
					t.Errorf("%q is told: %s\n%s", secret, got.Data.Callback, log)
				}
			}
			for i, body := range l.bodies {
				if l.types[i] != "POST application/json" {
					t.Errorf("posted as %s", l.types[i])
				}
				checkCallback(t, body, r, strings.TrimSuffix(strings.TrimPrefix(to, "https://"), "/hooks/e6data"))
			}
		})
	}
}

// checkCallback compares what was posted with the request, and looks at the proof.
func checkCallback(t *testing.T, body string, r outputsRequest, host string) {
	t.Helper()
	var got contract.Callback
	d := json.NewDecoder(strings.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if string(got.Workspace) != r.Props.Config || got.StackID != r.StackID {
		t.Errorf("posted %s of stack %s", got.Workspace, got.StackID)
	}
	if diff := cmp.Diff(map[string]string{proofHeader: host}, got.Proof.Headers); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	u, err := url.Parse(got.Proof.URL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if u.Host != "sts.eu-west-1.amazonaws.com" || q.Get("Action") != "GetCallerIdentity" || q.Get("X-Amz-Expires") != "900" ||
		q.Get("X-Amz-SignedHeaders") != "host;"+proofHeader {
		t.Errorf("the proof is %s", u.Redacted())
	}
}

// A host that there is not is no reason to try again.
func TestCallbackToNoHost(t *testing.T) {
	w, _, log := calling(t, &listener{statuses: []int{200}})
	w.callback.client.Transport = &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "hoks.example.com", IsNotFound: true}}
	}}
	props := contract.WorkspaceOutputs{ConsoleHost: "console.example.com", Config: finished(t, nil), CallbackURL: "https://hoks.example.com/a"}
	got, err := w.Create(t.Context(), outputsRequest{Props: props})
	if err != nil || !strings.Contains(got.Data.Callback, "there is no host hoks.example.com") || strings.Contains(log.String(), "not posted yet") {
		t.Errorf("%v, %v\n%s", got, err, log)
	}
}

func TestNobodyAskedForACallback(t *testing.T) {
	l := &listener{statuses: []int{200}}
	w, _, _ := calling(t, l)
	got, err := w.Create(t.Context(), outputsRequest{Props: contract.WorkspaceOutputs{ConsoleHost: "console.example.com", Config: finished(t, nil)}})
	if err != nil || got.Data.Callback != "" || len(l.bodies) > 0 {
		t.Errorf("%v, %v, posted %v", got, err, l.bodies)
	}
}

func TestAddressOfACallback(t *testing.T) {
	for text, ok := range map[string]bool{
		"https://hooks.example.com":              true,
		"https://hooks.example.com:8443/a/b":     true,
		"http://hooks.example.com":               false,
		"https://":                               false,
		"https://me:secret@hooks.example.com":    false,
		"https://hooks.example.com/?token=x":     false,
		"https://hooks.example.com/a?":           false,
		"https://hooks.example.com/#a":           false,
		"hooks.example.com":                      false,
		"https://hooks.example.com\r\nX: secret": false,
	} {
		u, err := parseCallback(text)
		if (err == nil) != ok || ok && u.String() != text {
			t.Errorf("%q: %v, %v", text, u, err)
		}
	}
	r := outputsRequest{Props: contract.WorkspaceOutputs{ConsoleHost: "console.example.com", Config: finished(t, nil), CallbackURL: "http://a"}}
	if _, err := (workspaceOutputs{}).Create(t.Context(), r); err == nil || !strings.Contains(err.Error(), "property CallbackUrl: it is not an https address") {
		t.Errorf("a wrong address: %v", err)
	}
}
