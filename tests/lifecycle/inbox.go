package lifecycle

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
)

// Signature is the secret part of every ResponseURL: it must turn up in no log.
const Signature = "c0ffee5ec2e7"

// Answer is one answer to CloudFormation, as it arrived.
type Answer struct {
	cfn.Response
	// Size is the body's, in bytes.
	Size int
	// ContentType is the header's value; the presigned URL wants it empty.
	ContentType string
	// At is the time of arrival.
	At time.Time
}

// inbox plays the S3 addresses at which CloudFormation takes answers.
type inbox struct {
	address string

	mu      sync.Mutex
	opened  int
	answers map[string][]Answer
}

func newInbox() *inbox { return &inbox{answers: map[string][]Answer{}} }

// open makes an address for the answers to one event.
func (b *inbox) open() (token, address string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.opened++
	token = fmt.Sprintf("/arn%%3Aaws%%3Acloudformation%%3Aus-east-1/%d", b.opened)
	b.answers[token] = nil
	return token, b.address + token + "?X-Amz-Signature=" + Signature
}

// taken returns the answers to an event.
func (b *inbox) taken(token string) []Answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.answers[token]
}

// ServeHTTP takes an answer as S3 does: a PUT, signed, of JSON.
func (b *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	a := Answer{Size: len(body), ContentType: r.Header.Get("Content-Type"), At: time.Now()}
	token := r.URL.EscapedPath()
	b.mu.Lock()
	defer b.mu.Unlock()
	_, known := b.answers[token]
	switch {
	case err != nil || r.Method != http.MethodPut || !known || r.URL.Query().Get("X-Amz-Signature") != Signature:
		http.Error(w, "<Code>SignatureDoesNotMatch</Code>", http.StatusForbidden)
	case json.Unmarshal(body, &a.Response) != nil:
		http.Error(w, "<Code>MalformedJSON</Code>", http.StatusBadRequest)
	default:
		b.answers[token] = append(b.answers[token], a)
	}
}

// Event reads a recorded event and changes fields of it: "ResourceProperties.X"
// names a property, nil removes the field.
func Event(tb testing.TB, path string, changes map[string]any) map[string]any {
	tb.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		tb.Fatalf("read the event: %v", err)
	}
	event := map[string]any{}
	if err := json.Unmarshal(text, &event); err != nil {
		tb.Fatalf("read the event %s: %v", path, err)
	}
	for name, value := range changes {
		in := event
		if object, rest, nested := strings.Cut(name, "."); nested {
			inner, ok := event[object].(map[string]any)
			if !ok {
				tb.Fatalf("the event %s has no object %s", path, object)
			}
			in, name = inner, rest
		}
		if value == nil {
			delete(in, name)
			continue
		}
		in[name] = value
	}
	return event
}
