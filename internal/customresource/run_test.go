package customresource

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
)

// identified is a handler that knows the ID beforehand.
type identified struct{ handler }

func (identified) Identify(r Request[props]) string { return "test/" + r.Props.Name }

func TestLimits(t *testing.T) {
	now := time.Unix(1000, 0)
	tests := map[string]struct{ left, reserve, handler, answer time.Duration }{
		"plenty of time":        {15 * time.Minute, 9 * time.Second, 891 * time.Second, 894 * time.Second},
		"little time is halved": {3 * time.Second, 9 * time.Second, 1500 * time.Millisecond, 2 * time.Second},
		"time is over":          {-time.Second, 9 * time.Second, -time.Second, -time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			at := limitsAt(now, now.Add(test.left), test.reserve)
			if h, a := at.handler.Sub(now), at.answer.Sub(now); h != test.handler || a != test.answer {
				t.Errorf("handler has %s and is answered for after %s, want %s and %s", h, a, test.handler, test.answer)
			}
		})
	}
}

func TestSomebodyAlwaysAnswers(t *testing.T) {
	errWait := errors.New("wait for the release")
	waits := func(ctx context.Context, _ Request[props]) (Response[data], error) {
		<-ctx.Done()
		return Response[data]{PhysicalID: "test/half"}, errors.Join(errWait, context.Cause(ctx))
	}
	sleeps := func(context.Context, Request[props]) (Response[data], error) {
		time.Sleep(time.Hour)
		return Response[data]{PhysicalID: "test/late"}, nil
	}
	panics := func(context.Context, Request[props]) (Response[data], error) { panic("out of cheese") }
	exits := func(context.Context, Request[props]) (Response[data], error) {
		runtime.Goexit()
		return Response[data]{}, nil
	}
	const marker = "never-created/5e3f1d4c-0000-4000-8000-000000000001"
	tests := map[string]struct {
		handler Handler[props, data]
		after   time.Duration
		id      string
		reason  string
	}{
		"a handler that heeds its context": {
			handler{create: waits},
			50 * time.Second, "test/half",
			"Create of Test used up the function's time (50s): wait for the release",
		},
		"a handler that does not": {
			handler{create: sleeps},
			53333 * time.Millisecond, marker,
			"Create of Test used up the function's time (53.3s): it was given up; look in the log for what it waited for",
		},
		"one that does not, with a known ID": {
			identified{handler{create: sleeps}}, 53333 * time.Millisecond, "test/a", "it was given up",
		},
		"a panic":                 {handler{create: panics}, 0, marker, "out of cheese"},
		"a panic with a known ID": {identified{handler{create: panics}}, 0, "test/a", "out of cheese"},
		"an end of the goroutine": {handler{create: exits}, 0, marker, "ended its goroutine"},
		"a handler that is nil":   {nil, 0, marker, "nil pointer"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				m, box := newMux(test.handler, Options{Reserve: 10 * time.Second})
				begin := time.Now()
				if err := m.Invoke(ctx, request(t, nil)); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(begin).Round(time.Millisecond); took != test.after {
					t.Errorf("answered after %s, want %s", took, test.after)
				}
				res := box.only(t)
				if res.Status != cfn.StatusFailed || res.PhysicalResourceID != test.id || !strings.Contains(res.Reason, test.reason) {
					t.Errorf("answered %s %s: %s", res.Status, res.PhysicalResourceID, res.Reason)
				}
				time.Sleep(time.Hour) // in the bubble's time: whoever still works ends
			})
		})
	}
}

func TestStrayHandlerIsWaitedFor(t *testing.T) {
	tests := map[string]struct {
		stays  time.Duration // of the first handler
		status cfn.StatusType
		reason string
	}{
		"until it ends":              {70 * time.Second, cfn.StatusSuccess, ""},
		"for as long as there is":    {10 * time.Minute, cfn.StatusFailed, "an earlier request that ran over its time is still at work"},
		"not at all if it has ended": {55 * time.Second, cfn.StatusSuccess, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				working := 0
				m, box := newMux(handler{
					create: func(context.Context, Request[props]) (Response[data], error) {
						working++
						time.Sleep(test.stays)
						working--
						return Response[data]{}, nil
					},
					remove: func(context.Context, Request[props]) error {
						if working > 0 {
							t.Error("two handlers are at work at once")
						}
						return nil
					},
				}, Options{Reserve: 10 * time.Second})
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if err := m.Invoke(ctx, request(t, nil)); err != nil {
					t.Fatal(err)
				}
				if res := box.only(t); res.Status != cfn.StatusFailed {
					t.Fatalf("the first was answered %s", res.Status)
				}
				time.Sleep(2 * time.Second)
				box.puts = nil
				ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if err := m.Invoke(ctx, request(t, map[string]any{"RequestType": "Delete", "PhysicalResourceId": "test/a"})); err != nil {
					t.Fatal(err)
				}
				if res := box.only(t); res.Status != test.status || !strings.Contains(res.Reason, test.reason) {
					t.Errorf("the second was answered %s: %s", res.Status, res.Reason)
				}
				time.Sleep(time.Hour)
			})
		})
	}
}

func TestCancelledRequestIsAnswered(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m, box := newMux(handler{create: func(ctx context.Context, _ Request[props]) (Response[data], error) {
		return Response[data]{}, ctx.Err()
	}}, Options{})
	if err := m.Invoke(ctx, request(t, nil)); err != nil {
		t.Fatal(err)
	}
	if res := box.only(t); res.Status != cfn.StatusFailed {
		t.Errorf("answered %s", res.Status)
	}
}

func TestUndeliveredAnswerFailsTheInvocation(t *testing.T) {
	m, box := newMux(handler{}, Options{})
	box.replies = []reply{{status: 403, body: "topsecret"}}
	err := m.Invoke(t.Context(), request(t, nil))
	if err == nil || !strings.Contains(err.Error(), "answer SUCCESS to the Create of Test in arn:aws:cloudformation") || strings.Contains(err.Error(), "topsecret") {
		t.Errorf("error is %v", err)
	}
}

func TestLogHasNoSecrets(t *testing.T) {
	var log bytes.Buffer
	m, box := newMux(handler{create: func(context.Context, Request[props]) (Response[data], error) { panic("boom") }},
		Options{Logger: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	box.replies = []reply{{err: errors.New("reset")}, {status: 500, body: "topsecret"}}
	event := request(t, map[string]any{"ResourceProperties": map[string]any{"Name": "hushhush"}})
	if err := m.Invoke(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"handling request", "handler panicked", "run_test.go", "answer not delivered yet", "request failed", "answered", "cloudFormationRequestId"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, &log)
		}
	}
	for _, secret := range []string{"topsecret", "X-Amz", "s3.us-east-1", "hushhush"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log says %q:\n%s", secret, &log)
		}
	}
}

func TestNoCustomResourceEvent(t *testing.T) {
	tests := map[string]struct{ event, err string }{
		"nothing":      {``, "no JSON, at byte 0"},
		"another type": {`"warm up topsecret"`, "the whole is of the wrong JSON type (string)"},
		"a schedule":   {`{"source":"aws.events"}`, "no RequestId; no StackId; no LogicalResourceId; no ResponseURL"},
		"a number":     {`{"RequestId":7}`, "RequestId is of the wrong JSON type (number)"},
		"no address":   {`{"RequestId":"a","StackId":"b","LogicalResourceId":"c","ResponseURL":"topsecret"}`, "its ResponseURL is no web address"},
		"long IDs": {
			`{"RequestId":"a","StackId":"b","LogicalResourceId":"` + strings.Repeat("c", 4000) + `","ResponseURL":"https://x"}`,
			"its IDs take 4002 bytes, at most 3072 can be answered",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m, box := newMux(handler{}, Options{})
			err := m.Invoke(t.Context(), []byte(test.event))
			if want := "not a CloudFormation custom-resource event: " + test.err; err == nil || err.Error() != want {
				t.Errorf("error is %v, want %s", err, want)
			}
			if len(box.puts) > 0 {
				t.Error("an answer was put")
			}
		})
	}
}
