package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/cenkalti/backoff/v5"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// proofHeader is signed with the proof and names the host that it is for, so
// that whoever gets a proof cannot show it anywhere else as its own.
const proofHeader = "x-e6data-callback-host"

// What the stack's output says of a callback.
const (
	callbackPosted = "Posted."
	callbackFailed = "The workspace is finished, but its description could not be posted to CallbackUrl: %v. Paste WorkspaceConfig into the e6data console."
)

// callbackTime is the time for all tries; attemptTime for one of them.
const (
	callbackTime = 30 * time.Second
	attemptTime  = 10 * time.Second
)

// presigner is the part of the STS presign client that makes a proof.
type presigner interface {
	PresignGetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.PresignOptions)) (*v4.PresignedHTTPRequest, error)
}

// callback posts the description of a finished workspace to the address that
// the parameter CallbackUrl names.
type callback struct {
	identity presigner
	client   *http.Client
	log      *slog.Logger
	pause    time.Duration // after the first failed try
}

// newCallback returns a callback that follows no redirect: it would give the
// proof to somebody else.
func newCallback(identity presigner, log *slog.Logger) callback {
	return callback{
		identity: identity, log: log, pause: time.Second,
		client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

// parseCallback reads a callback's address: https, without user, query and
// fragment, which could hold a secret.
func parseCallback(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return nil, errors.New("it is not an https address without user, query and fragment, such as https://hooks.example.com/workspaces")
	}
	return u, nil
}

// post sends the description and a proof of the account. It tries again after
// transport errors and the statuses that pass (408, 429, 5xx). No error has the
// proof in it.
func (c callback) post(ctx context.Context, to *url.URL, stackID, config string) error {
	body, err := c.body(ctx, to, stackID, config)
	if err != nil {
		return err
	}
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval = c.pause
	_, err = backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, c.try(ctx, to, body) },
		backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(callbackTime),
		backoff.WithNotify(func(err error, pause time.Duration) {
			c.log.WarnContext(ctx, "the callback is not posted yet", "host", to.Host, "error", err, "pause", pause)
		}))
	return err
}

// body is what is posted. The proof is a presigned GetCallerIdentity of this
// function's role: whoever sends it to STS within 15 minutes, with its header,
// gets the account and the role of who signed it.
func (c callback) body(ctx context.Context, to *url.URL, stackID, config string) ([]byte, error) {
	proof, err := c.identity.PresignGetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}, func(o *sts.PresignOptions) {
		o.ClientOptions = append(o.ClientOptions, func(o *sts.Options) {
			o.APIOptions = append(o.APIOptions,
				smithyhttp.SetHeaderValue(proofHeader, to.Host), smithyhttp.SetHeaderValue("X-Amz-Expires", "900"))
		})
	})
	if err != nil {
		return nil, fmt.Errorf("sign the proof of the account: %w", err)
	}
	return json.Marshal(contract.Callback{
		Workspace: json.RawMessage(config), StackID: stackID,
		Proof: contract.CallbackProof{URL: proof.URL, Headers: map[string]string{proofHeader: to.Host}},
	})
}

func (c callback) try(ctx context.Context, to *url.URL, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(body))
	if err != nil {
		return backoff.Permanent(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.client.Do(req)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	if unknown, ok := errors.AsType[*net.DNSError](err); ok && unknown.IsNotFound {
		return backoff.Permanent(fmt.Errorf("there is no host %s: correct the address", to.Hostname()))
	}
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<10)) // so that the connection can be used again
	switch code := res.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusRequestTimeout, code == http.StatusTooManyRequests, code >= 500:
		return fmt.Errorf("%s answered %s", to.Host, res.Status)
	case code >= 300 && code < 400:
		return backoff.Permanent(fmt.Errorf("%s answered %s, and redirects are not followed: enter the address that it leads to", to.Host, res.Status))
	default:
		return backoff.Permanent(fmt.Errorf("%s answered %s", to.Host, res.Status))
	}
}
