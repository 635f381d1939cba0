package rehearsal

import (
	"bytes"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// wholeRequests sends requests with bodies of their own. The SDK closes a
// request's body as soon as it is answered; if net/http is not done with it, it
// takes that for a failed write, closes the connection under the answer, and the
// SDK asks again for what was done
// (https://github.com/aws/aws-sdk-go-v2/issues/2737). On loopback, on a machine
// under load, that is one request in some thousands.
type wholeRequests struct{ client aws.HTTPClient }

func (w wholeRequests) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return w.client.Do(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("read the body of a request to %s: %w", r.URL.Host, err)
	}
	own := r.WithContext(r.Context())
	own.Body = io.NopCloser(bytes.NewReader(body))
	return w.client.Do(own)
}
