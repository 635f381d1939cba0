package diagnose

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/eks"
)

// sent counts what goes out.
type sent int

func (s *sent) Do(*http.Request) (*http.Response, error) { *s++; return nil, http.ErrHandlerTimeout }

func (s *sent) RoundTrip(*http.Request) (*http.Response, error) {
	*s++
	return nil, http.ErrHandlerTimeout
}

func TestNothingButReadsIsSentToAWS(t *testing.T) {
	var out sent
	cfg := readOnly(aws.Config{
		Region: "eu-west-1", HTTPClient: &out, RetryMaxAttempts: 1, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})
	_, err := cloudformation.NewFromConfig(cfg).DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String("x")})
	if err == nil || !strings.Contains(err.Error(), "DeleteStack is not read-only") || out != 0 {
		t.Errorf("%d requests were sent: %v", out, err)
	}
	if _, err := eks.NewFromConfig(cfg).DescribeCluster(t.Context(), &eks.DescribeClusterInput{Name: aws.String("x")}); err == nil || out != 1 {
		t.Errorf("%d requests were sent for a read: %v", out, err)
	}
}

func TestNothingButGetIsSentToKubernetes(t *testing.T) {
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodGet} {
		var out sent
		r, err := http.NewRequestWithContext(t.Context(), method, "https://127.0.0.1/api", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		_, err = getOnly{&out}.RoundTrip(r) //nolint:bodyclose // there is none
		if got, want := out == 1, method == http.MethodGet; got != want {
			t.Errorf("%s was sent: %v (%v)", method, got, err)
		}
	}
}
