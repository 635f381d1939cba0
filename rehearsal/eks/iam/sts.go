package iam

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

const answerLimit = 1 << 20 // bytes

// redirectSTS makes this process's default transport (the verifier's) reach the
// embedded AWS for every STS host, and refuse every other https address. The
// request goes out as it was signed: a GET with the presigned query, the Host of
// real STS and the x-k8s-aws-id header, so that its signature is checked.
func (e *Endpoint) redirectSTS() error {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return errors.New("redirect STS: the default transport has been replaced")
	}
	t.RegisterProtocol("https", stsTransport{&http.Transport{DialContext: e.dial, DialTLSContext: e.dial}})
	return nil
}

// stsTransport lets through requests to STS, and gives their answers as JSON.
type stsTransport struct{ to http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t stsTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !isSTS(r.URL.Hostname()) {
		return nil, fmt.Errorf("localkube connects to no host but STS, not to %s", r.URL.Host)
	}
	resp, err := t.to.RoundTrip(r)
	if err != nil || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil {
		return nil, fmt.Errorf("read the answer of STS: %w", err)
	}
	if b, err = identityJSON(b); err != nil {
		return nil, err
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	return resp, nil
}

// isSTS tells whether host is STS, global or regional, in any partition.
func isSTS(host string) bool {
	host = strings.TrimSuffix(host, ".cn")
	return host == "sts.amazonaws.com" || strings.HasPrefix(host, "sts.") && strings.HasSuffix(host, ".amazonaws.com")
}

// identityJSON gives a GetCallerIdentity answer as the JSON that the verifier
// asks for and real STS gives; the embedded STS knows XML only.
func identityJSON(answer []byte) ([]byte, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(answer), []byte("<")) {
		return answer, nil
	}
	var x struct {
		Result struct {
			Account string
			Arn     string
			UserID  string `xml:"UserId"`
		} `xml:"GetCallerIdentityResult"`
	}
	if err := xml.Unmarshal(answer, &x); err != nil {
		return nil, fmt.Errorf("read the answer of STS: %w", err)
	}
	if x.Result.Arn == "" {
		return nil, errors.New("read the answer of STS: it names no caller")
	}
	return json.Marshal(map[string]any{"GetCallerIdentityResponse": map[string]any{"GetCallerIdentityResult": map[string]string{
		"Account": x.Result.Account, "Arn": x.Result.Arn, "UserId": x.Result.UserID,
	}}})
}
