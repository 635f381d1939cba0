package customresource

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"pgregory.net/rapid"
)

// free is a handler whose Data is anything.
type free struct {
	id    string
	data  any
	err   error
	panic any
	owns  bool
}

func (f free) Create(context.Context, Request[props]) (Response[any], error) {
	if f.panic != nil {
		panic(f.panic)
	}
	return Response[any]{PhysicalID: f.id, Data: f.data}, f.err
}

func (f free) Update(ctx context.Context, r Request[props]) (Response[any], error) {
	return f.Create(ctx, r)
}

func (f free) Delete(ctx context.Context, r Request[props]) error {
	_, err := f.Create(ctx, r)
	return err
}

func (f free) Owns(string) bool { return f.owns }

// drawValue draws what a properties object may hold.
func drawValue(t *rapid.T, depth int) any {
	switch kind := rapid.IntRange(0, 6).Draw(t, "kind"); {
	case kind == 0 && depth > 0:
		return rapid.MapOfN(rapid.String(), rapid.Custom(func(t *rapid.T) any { return drawValue(t, depth-1) }), 0, 3).Draw(t, "object")
	case kind == 1 && depth > 0:
		return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) any { return drawValue(t, depth-1) }), 0, 3).Draw(t, "list")
	case kind == 2:
		return rapid.Int().Draw(t, "int")
	case kind == 3:
		return nil
	case kind == 4:
		return rapid.SampledFrom([]string{"true", "3", "", "x"}).Draw(t, "word")
	default:
		return rapid.String().Draw(t, "text")
	}
}

func drawHandler(t *rapid.T) free {
	h := free{owns: rapid.Bool().Draw(t, "owns")}
	long := rapid.SampledFrom([]int{0, 1, 100, 1024, 5000}).Draw(t, "repeat")
	if rapid.Bool().Draw(t, "has ID") {
		h.id = "test/" + rapid.StringN(0, 20, -1).Draw(t, "id")
		if rapid.IntRange(0, 9).Draw(t, "long ID") == 0 {
			h.id += strings.Repeat("x", long)
		}
	}
	if rapid.Bool().Draw(t, "fails") {
		h.err = errors.New(strings.Repeat(rapid.String().Draw(t, "error"), long))
	}
	if rapid.IntRange(0, 9).Draw(t, "panics") == 0 {
		h.panic = rapid.String().Draw(t, "panic")
	}
	h.data = drawValue(t, 2)
	if m, ok := h.data.(map[string]any); ok && rapid.Bool().Draw(t, "big data") {
		m["big"] = strings.Repeat("é", long)
	}
	return h
}

// TestEveryRequestGetsOneGoodAnswer is the protocol: whatever the properties
// and whatever the handler does, there is one answer that CloudFormation takes.
func TestEveryRequestGetsOneGoodAnswer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := drawHandler(t)
		m, box := newMux(handler{}, Options{LogGroup: "/aws/lambda/f", LogStream: "stream"})
		Register(m, testType, h)
		kind := rapid.SampledFrom([]RequestType{Create, Update, Delete}).Draw(t, "request")
		properties := map[string]any{"Name": "a"}
		if rapid.Bool().Draw(t, "odd properties") {
			properties = map[string]any{"Name": drawValue(t, 2), rapid.String().Draw(t, "name"): drawValue(t, 2)}
		}
		ev := map[string]any{
			"RequestType": kind, "RequestId": rapid.StringN(1, 60, -1).Draw(t, "request ID"), "ResourceProperties": properties,
			"LogicalResourceId": rapid.StringN(1, 255, 255).Draw(t, "logical ID"), "ResourceType": rapid.SampledFrom([]string{testType, "Custom::X"}).Draw(t, "type"),
		}
		if kind != Create {
			ev["PhysicalResourceId"] = rapid.SampledFrom([]string{"test/a", "never-created/x", "5e3f1d4c", strings.Repeat("y", 1024)}).Draw(t, "old ID")
		}
		event := request(t, ev)
		if err := m.Invoke(context.Background(), event); err != nil {
			t.Fatal(err)
		}
		res := box.only(t)
		checkAnswer(t, event, res, box.puts[0].body)

		sent, known := json.Valid(event), ev["ResourceType"] == testType
		if !sent {
			t.Fatal("the event is no JSON")
		}
		if known && kind != Delete && h.err != nil && res.Status != cfn.StatusFailed {
			t.Error("the handler's failure was answered SUCCESS")
		}
		if kind == Delete && (!known || !h.owns) && res.Status != cfn.StatusSuccess {
			t.Errorf("a Delete of what is not ours was answered FAILED: %s", res.Reason)
		}
		if old, ok := ev["PhysicalResourceId"]; ok && kind == Delete && res.PhysicalResourceID != old {
			t.Errorf("a Delete of %s was answered for %s", old, res.PhysicalResourceID)
		}
	})
}

// checkAnswer checks what every answer owes.
func checkAnswer(t interface {
	Helper()
	Errorf(string, ...any)
	Fatalf(string, ...any)
}, event []byte, res cfn.Response, body []byte,
) {
	t.Helper()
	if len(body) > maxBody || !utf8.Valid(body) {
		t.Errorf("the answer has %d bytes, valid UTF-8: %t", len(body), utf8.Valid(body))
	}
	var ev struct{ RequestID, StackID, LogicalResourceID string }
	if err := json.Unmarshal(event, &ev); err != nil {
		t.Fatalf("the event: %v", err)
	}
	if res.RequestID != ev.RequestID || res.StackID != ev.StackID || res.LogicalResourceID != ev.LogicalResourceID {
		t.Errorf("the answer is to %s %s %s, want %s %s %s", res.RequestID, res.StackID, res.LogicalResourceID, ev.RequestID, ev.StackID, ev.LogicalResourceID)
	}
	if res.PhysicalResourceID == "" {
		t.Errorf("the physical ID is empty")
	}
	switch res.Status {
	case cfn.StatusSuccess:
		if res.Reason != "" {
			t.Errorf("success with the reason %q", res.Reason)
		}
	case cfn.StatusFailed:
		if strings.TrimSpace(res.Reason) == "" || res.Data != nil {
			t.Errorf("failure with the reason %q and data %v", res.Reason, res.Data)
		}
	default:
		t.Errorf("status %q", res.Status)
	}
}

func TestReasonEndsWithTheLogsPlace(t *testing.T) {
	h := free{err: errors.New("first things first: " + strings.Repeat("long \"quoted\"\n<text> é ", 1000))}
	m, box := newMux(handler{}, Options{LogGroup: "/aws/lambda/f", LogStream: "2026/11/22/[$LATEST]a"})
	Register(m, testType, h)
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "req-1"})
	if err := m.Invoke(ctx, request(t, nil)); err != nil {
		t.Fatal(err)
	}
	reason := box.only(t).Reason
	end := " ... [cut] (full log: CloudWatch log group /aws/lambda/f, stream 2026/11/22/[$LATEST]a, request req-1)"
	if !strings.HasPrefix(reason, "first things first: long") || !strings.HasSuffix(reason, end) {
		t.Errorf("reason is %q", reason)
	}
	if size := len(box.puts[0].body); size > maxBody || size < maxBody-8 {
		t.Errorf("the answer has %d bytes, want nearly %d", size, maxBody)
	}
}

func FuzzInvoke(f *testing.F) {
	for _, event := range events(f) {
		f.Add(event)
	}
	f.Add([]byte(`{"RequestType":"Create","RequestId":"a","StackId":"b","LogicalResourceId":"c","ResponseURL":"https://x/y","ResourceType":"Custom::Test","ResourceProperties":{"Name":"a"}}`))
	f.Add([]byte(`{"RequestType":"Update","RequestId":"a","StackId":"b","LogicalResourceId":"c","ResponseURL":"http://[::1]:1/%zz","ResourceType":"Custom::Test","PhysicalResourceId":"test/a"}`))
	f.Add([]byte(`{"RequestType":"Delete","RequestId":"\u0000","StackId":"b","LogicalResourceId":"c","ResponseURL":"https://x","ResourceProperties":7}`))
	f.Fuzz(func(t *testing.T, event []byte) {
		m, box := newMux(handler{}, Options{})
		if err := m.Invoke(context.Background(), event); err != nil {
			if len(box.puts) > 0 {
				t.Errorf("answered, and failed with %v", err)
			}
			return
		}
		checkAnswer(t, event, box.only(t), box.puts[0].body)
	})
}

func FuzzReason(f *testing.F) {
	f.Add("an error", " (full log: here)", 4000)
	f.Add("\xff\xfe\x00\"\\<é€😀", "\xf0\x9f", 9)
	f.Add("x", "", 0)
	f.Fuzz(func(t *testing.T, head, tail string, room int) {
		got := fitReason(head, tail, room)
		if size := jsonSize(got); size > max(room, 0) {
			t.Errorf("%q takes %d bytes of %d", got, size, room)
		}
		if !utf8.ValidString(got) {
			t.Errorf("%q is no UTF-8", got)
		}
		if whole := strings.TrimSpace(strings.ToValidUTF8(head, "\uFFFD")) + strings.ToValidUTF8(tail, "\uFFFD"); jsonSize(whole) <= room && got != whole {
			t.Errorf("%q was cut to %q though there is room", whole, got)
		}
	})
}
