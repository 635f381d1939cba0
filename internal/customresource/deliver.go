package customresource

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Bounds of the delivery. Without a deadline (outside Lambda) deliverTime ends it.
const (
	attemptTime = 5 * time.Second
	deliverTime = time.Minute
	maxReply    = 1024
)

// sender puts answers to their presigned S3 addresses.
type sender struct {
	client *http.Client
	log    *slog.Logger
}

// send puts body to target and tries again, with growing pauses, after
// transport errors and the statuses that pass (408, 429, 5xx), until the time
// of ctx is over. That ctx was cancelled does not stop it: whoever is cancelled
// has to answer all the more. Errors never hold target, which is a credential.
func (s sender) send(ctx context.Context, target string, body []byte) error {
	limit := time.Now().Add(deliverTime)
	if deadline, ok := ctx.Deadline(); ok {
		limit = deadline
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), limit)
	defer cancel()

	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval = 100 * time.Millisecond
	pauses.MaxInterval = 2 * time.Second
	tries := 0
	var last error
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		tries++
		last = s.put(ctx, target, body)
		return struct{}{}, last
	},
		backoff.WithBackOff(pauses),
		backoff.WithMaxElapsedTime(time.Until(limit)),
		backoff.WithNotify(func(err error, pause time.Duration) {
			s.log.WarnContext(ctx, "answer not delivered yet", "error", err, "pause", pause)
		}))
	if err == nil {
		return nil
	}
	if last == nil { // the time was over before the first try
		last = err
	}
	return fmt.Errorf("put the answer to its presigned URL (%d tries): %w", tries, last)
}

// put tries once.
func (s sender) put(ctx context.Context, target string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, target, bytes.NewReader(body))
	if err != nil {
		return backoff.Permanent(withoutURL(err))
	}
	// No Content-Type: the signature of the URL covers an empty one.
	res, err := s.client.Do(req)
	if err != nil {
		return withoutURL(err)
	}
	defer func() { _ = res.Body.Close() }()
	// Read, so that the connection can be used again; S3's text says why.
	text, _ := io.ReadAll(io.LimitReader(res.Body, maxReply))
	switch code := res.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusRequestTimeout, code == http.StatusTooManyRequests, code >= 500:
		return fmt.Errorf("status %s", res.Status)
	default:
		return backoff.Permanent(fmt.Errorf("status %s: %s", res.Status, s3Code(text)))
	}
}

// withoutURL drops the address that net/url and net/http put into their errors.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("%s: %w", e.Op, e.Err)
	}
	return err
}

// s3Code takes the error code out of S3's XML answer, whose other elements may
// repeat parts of the URL.
func s3Code(text []byte) string {
	_, rest, ok := bytes.Cut(text, []byte("<Code>"))
	code, _, closed := bytes.Cut(rest, []byte("</Code>"))
	if !ok || !closed || len(code) > 64 {
		return "no reason given"
	}
	return string(code)
}
