package kube

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"golang.org/x/oauth2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

type fakeEKS func(name string) (*types.Cluster, error)

func (f fakeEKS) DescribeCluster(_ context.Context, in *eks.DescribeClusterInput, _ ...func(*eks.Options)) (*eks.DescribeClusterOutput, error) {
	c, err := f(aws.ToString(in.Name))
	return &eks.DescribeClusterOutput{Cluster: c}, err
}

type fakeSTS struct {
	arn string
	err error
}

func (f fakeSTS) GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error) {
	return &sts.GetCallerIdentityOutput{Arn: aws.String(f.arn)}, f.err
}

func signedBy(region string) aws.Config {
	return aws.Config{Region: region, Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", "session")}
}

func active(endpoint string, ca []byte) *types.Cluster {
	return &types.Cluster{
		Status: types.ClusterStatusActive, Endpoint: aws.String(endpoint),
		CertificateAuthority: &types.Certificate{Data: aws.String(base64.StdEncoding.EncodeToString(ca))},
	}
}

func TestConnectRefuses(t *testing.T) {
	with := func(status types.ClusterStatus) *types.Cluster {
		c := active("https://x", nil)
		c.Status = status
		return c
	}
	cases := map[string]struct {
		cluster *types.Cluster
		err     error
		gone    bool
		say     []string // none: it connects
	}{
		"an active cluster":                         {cluster: with(types.ClusterStatusActive)},
		"an updating cluster":                       {cluster: with(types.ClusterStatusUpdating)},
		"a cluster being made":                      {cluster: with(types.ClusterStatusCreating), say: []string{"cluster demo is CREATING, not ACTIVE"}},
		"a failed cluster":                          {cluster: with(types.ClusterStatusFailed), say: []string{"is FAILED"}},
		"a cluster being deleted":                   {cluster: with(types.ClusterStatusDeleting), gone: true, say: []string{"EKS is deleting cluster"}},
		"no such cluster":                           {err: &types.ResourceNotFoundException{}, gone: true, say: []string{`no cluster "demo" in eu-west-1`}},
		"a missing right keeps its action and role": {err: &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "User: R is not authorized to perform: eks:DescribeCluster"}, say: []string{"AccessDeniedException", "R is not authorized to perform: eks:DescribeCluster"}},
		"a cluster without endpoint":                {cluster: &types.Cluster{Status: types.ClusterStatusActive}, say: []string{"no endpoint"}},
		"an unknown status":                         {cluster: with("DREAMING"), say: []string{"DREAMING"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := &Connector{eks: fakeEKS(func(string) (*types.Cluster, error) { return tc.cluster, tc.err }), region: "eu-west-1", token: newSigner(signedBy("eu-west-1")).token}
			_, err := c.Connect(t.Context(), "demo")
			if (err != nil) != (len(tc.say) > 0) || errors.Is(err, ErrNoCluster) != tc.gone {
				t.Fatalf("got %v, gone %v", err, errors.Is(err, ErrNoCluster))
			}
			for _, part := range tc.say {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error lacks %q: %v", part, err)
				}
			}
		})
	}
}

func TestToken(t *testing.T) {
	cases := map[string]struct{ region, host string }{
		"commercial": {"us-east-1", "sts.us-east-1.amazonaws.com"},
		"China":      {"cn-north-1", "sts.cn-north-1.amazonaws.com.cn"},
		"GovCloud":   {"us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			cfg := signedBy(tc.region)
			cfg.BaseEndpoint = aws.String("https://elsewhere.test") // as AWS_ENDPOINT_URL sets it
			token, err := newSigner(cfg).token(t.Context(), "demo")
			if err != nil {
				t.Fatal(err)
			}
			text, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token.AccessToken, "k8s-aws-v1."))
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(string(text))
			if err != nil {
				t.Fatal(err)
			}
			q := u.Query()
			if u.Scheme != "https" || u.Host != tc.host || q.Get("Action") != "GetCallerIdentity" || q.Get("X-Amz-Expires") != "60" {
				t.Errorf("the token is for %s", u)
			}
			if signed := q.Get("X-Amz-SignedHeaders"); !strings.Contains(signed, "x-k8s-aws-id") {
				t.Errorf("signed headers are %s: a token for one cluster would work on another", signed)
			}
			if left := time.Until(token.Expiry); left < 5*time.Minute || left > 14*time.Minute {
				t.Errorf("the token is used for %s, EKS takes it for 15 minutes", left)
			}
		})
	}
}

// A run may be longer than a token lives, and a token may be refused early.
func TestTokenIsRenewed(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	refuse := "token-1"
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		seen = append(seen, token)
		w.Header().Set("Content-Type", "application/json")
		if token == refuse {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(`{"gitVersion":"v1.36.3"}`))
	}))
	defer server.Close()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	made := 0
	c := &Connector{
		eks: fakeEKS(func(string) (*types.Cluster, error) { return active(server.URL, ca), nil }),
		token: func(context.Context, string) (*oauth2.Token, error) {
			made++
			expiry := time.Now().Add(time.Hour)
			if made == 2 {
				expiry = time.Now().Add(-time.Second)
			}
			return &oauth2.Token{AccessToken: "token-" + string(rune('0'+made)), TokenType: "Bearer", Expiry: expiry}, nil
		},
	}
	cluster, err := c.Connect(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		_, _ = client.Discovery().ServerVersion()
	}
	// The first token is refused, and forgotten when it is refused again; the
	// second is too old by the next request.
	if got := strings.Join(seen, " "); got != "token-1 token-1 token-2 token-3 token-3" {
		t.Errorf("tokens used: %s", got)
	}
}

func TestExplain(t *testing.T) {
	closed := httptest.NewTLSServer(http.NotFoundHandler())
	closed.Close()
	stranger := httptest.NewTLSServer(http.NotFoundHandler())
	defer stranger.Close()
	ask := func(t *testing.T, host string) error {
		t.Helper()
		c, err := (&Connector{
			eks:   fakeEKS(func(string) (*types.Cluster, error) { return active(host, nil), nil }),
			token: newSigner(signedBy("us-east-1")).token,
		}).Connect(t.Context(), "demo")
		if err != nil {
			t.Fatal(err)
		}
		client, err := kubernetes.NewForConfig(c.Config())
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.CoreV1().Namespaces().Get(t.Context(), "x", metav1.GetOptions{})
		return err
	}
	const session = "arn:aws-us-gov:sts::111122223333:assumed-role/installer/lambda"
	cases := map[string]struct {
		err func(t *testing.T) error
		sts fakeSTS
		say []string
	}{
		"a role that the cluster does not know": {
			err: func(*testing.T) error { return apierrors.NewUnauthorized("no") }, sts: fakeSTS{arn: session},
			say: []string{"cluster demo does not know this function's role arn:aws-us-gov:iam::111122223333:role/installer", "create-access-entry"},
		},
		"a role without a name": {
			err: func(*testing.T) error { return apierrors.NewUnauthorized("no") }, sts: fakeSTS{err: errors.New("no route")},
			say: []string{"cluster demo does not know this function's role (whose name"},
		},
		"a right that is missing": {
			err: func(*testing.T) error {
				return apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "x", errors.New("RBAC"))
			},
			sts: fakeSTS{arn: session}, say: []string{"role/installer", "AmazonEKSClusterAdminPolicy", "secrets"},
		},
		"nobody listens":              {err: func(t *testing.T) error { t.Helper(); return ask(t, closed.URL) }, say: []string{"cannot be reached", "security group"}},
		"a name without address":      {err: func(t *testing.T) error { t.Helper(); return ask(t, "https://no-such-host.invalid") }, say: []string{"cannot be resolved"}},
		"somebody else's certificate": {err: func(t *testing.T) error { t.Helper(); return ask(t, stranger.URL) }, say: []string{"certificate"}},
		"anything else":               {err: func(*testing.T) error { return context.DeadlineExceeded }, say: []string{"context deadline exceeded"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := NewCluster("demo", &rest.Config{Host: "https://demo.test"})
			c.sts = tc.sts
			original := tc.err(t)
			got := c.Explain(t.Context(), original)
			if !errors.Is(got, original) {
				t.Errorf("the original error is lost: %v", got)
			}
			for _, part := range tc.say {
				if !strings.Contains(got.Error(), part) {
					t.Errorf("it lacks %q: %v", part, got)
				}
			}
		})
	}
	if (&Cluster{}).Explain(t.Context(), nil) != nil {
		t.Error("no error is explained")
	}
}
