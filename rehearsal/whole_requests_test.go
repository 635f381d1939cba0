package rehearsal

import (
	"io"
	"net/http"
	"strings"
	"testing"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// late reads a request's body after the SDK has closed it.
type late struct {
	t      *testing.T
	closed *http.Request
}

func (l late) Do(r *http.Request) (*http.Response, error) {
	if err := l.closed.Body.Close(); err != nil {
		l.t.Error(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || string(body) != "Action=DeleteRoute" {
		l.t.Errorf("the body is %q, %v", body, err)
	}
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

func TestABodyIsSentThoughTheSDKClosedIt(t *testing.T) {
	t.Parallel()
	made, ok := smithyhttp.NewStackRequest().(*smithyhttp.Request)
	if !ok {
		t.Fatal("the SDK makes other requests")
	}
	made.URL.Host = "ec2.us-east-1.amazonaws.com"
	made, err := made.SetStream(strings.NewReader("Action=DeleteRoute"))
	if err != nil {
		t.Fatal(err)
	}
	r := made.Build(t.Context())
	res, err := wholeRequests{late{t, r}}.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
}
