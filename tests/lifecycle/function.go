// Package lifecycle runs the real function binaries, one process each, against
// a stand-in of the Lambda Runtime API and of CloudFormation's answer address:
// events go in as AWS sends them, answers are what CloudFormation would read.
//
//	f := lifecycle.Start(t, lifecycle.Options{Binary: lifecycle.Build(t, "outputs")})
//	res := f.Invoke(t, lifecycle.Event(t, "testdata/outputs/plan-create.json", nil), time.Minute)
//
// AWS itself is played by whatever the test puts into Options.Env, for example
// AWS_ENDPOINT_URL_EC2.
package lifecycle

import (
	"bytes"
	"context"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// LogGroup is the CloudWatch log group that a started function believes in.
const LogGroup = "/aws/lambda/under-test"

// Options say what to run.
type Options struct {
	// Binary is the path of a function's executable, as Build returns it.
	Binary string
	// Env are further variables, KEY=VALUE. The process gets nothing of the
	// test's own environment.
	Env []string
}

// Function is a running function.
type Function struct {
	api    *runtimeAPI
	inbox  *inbox
	log    *buffer
	exited chan struct{}
}

// Start runs a function until tb ends.
func Start(tb testing.TB, o Options) *Function {
	tb.Helper()
	watch(tb, o.Binary)
	f := &Function{api: newRuntimeAPI(), inbox: newInbox(), log: &buffer{}, exited: make(chan struct{})}

	answers := httptest.NewTLSServer(f.inbox)
	tb.Cleanup(answers.Close)
	f.inbox.address = answers.URL
	ca := filepath.Join(tb.TempDir(), "ca.pem")
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: answers.Certificate().Raw})
	if err := os.WriteFile(ca, cert, 0o600); err != nil {
		tb.Fatalf("write the answer address's certificate: %v", err)
	}

	api := httptest.NewServer(f.api)
	ctx, stop := context.WithCancel(context.WithoutCancel(tb.Context()))
	cmd := exec.CommandContext(ctx, o.Binary) //nolint:gosec // the function that the test names
	cmd.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api.URL, "http://"),
		"AWS_LAMBDA_FUNCTION_NAME=under-test",
		"AWS_LAMBDA_LOG_GROUP_NAME=" + LogGroup,
		"AWS_LAMBDA_LOG_STREAM_NAME=2026/11/22/[$LATEST]0",
		"AWS_LAMBDA_LOG_FORMAT=JSON",
		"AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE",
		"AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
		"AWS_EC2_METADATA_DISABLED=true",
		"SSL_CERT_FILE=" + ca,
		"HOME=" + tb.TempDir(),
	}, o.Env...)
	cmd.Stdout, cmd.Stderr = f.log, f.log
	if err := cmd.Start(); err != nil {
		stop()
		api.Close()
		tb.Fatalf("start %s: %v", o.Binary, err)
	}
	go func() {
		_ = cmd.Wait() // it is killed, or Invoke tells that it went
		close(f.exited)
	}()
	tb.Cleanup(func() {
		stop()
		<-f.exited
		api.CloseClientConnections()
		api.Close()
		if tb.Failed() {
			tb.Logf("the function's log:\n%s", f.log)
		}
	})
	return f
}

// Result is what came of one invocation.
type Result struct {
	// Answers are the bodies put to the event's ResponseURL, in order.
	Answers []Answer
	// Error is what the function told Lambda; empty when the invocation
	// succeeded.
	Error string
	// Took is the time from the event to the end of the invocation.
	Took time.Duration
}

// Invoke gives an event to the function, with a time-out as Lambda has one, and
// waits for the end of the invocation. The event's ResponseURL is replaced. As
// on Lambda, a function that is still at work at its time-out is lost: tb fails.
func (f *Function) Invoke(tb testing.TB, event map[string]any, timeout time.Duration) Result {
	tb.Helper()
	token, address := f.inbox.open()
	if event != nil {
		event["ResponseURL"] = address
	}
	begin := time.Now()
	call := f.api.invoke(tb, event, begin.Add(timeout))
	select {
	case problem := <-call.done:
		return Result{Answers: f.inbox.taken(token), Error: problem, Took: time.Since(begin)}
	case <-f.exited:
		tb.Fatal("the function's process ended")
	case <-time.After(timeout):
		tb.Fatalf("the function did not end its invocation within %s; answers so far: %v", timeout, f.inbox.taken(token))
	}
	return Result{}
}

// Log is what the function wrote so far.
func (f *Function) Log() string { return f.log.String() }

// buffer is a bytes.Buffer that can be read while it is written.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
