package iam

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	authnv1 "k8s.io/api/authentication/v1"
	iamconfig "sigs.k8s.io/aws-iam-authenticator/pkg/config"
	"sigs.k8s.io/aws-iam-authenticator/pkg/errutil"
	"sigs.k8s.io/aws-iam-authenticator/pkg/token"
)

type verifierFunc func(string) (*token.Identity, error)

func (f verifierFunc) Verify(tok string) (*token.Identity, error) { return f(tok) }

type mapperFunc func() (*iamconfig.IdentityMapping, error)

func (f mapperFunc) Map(context.Context, *token.Identity) (*iamconfig.IdentityMapping, error) {
	return f()
}

func TestReview(t *testing.T) {
	jane := &token.Identity{ARN: session, CanonicalARN: role, AccountID: "111122223333", UserID: "AROA", SessionName: "jane@x", AccessKeyID: "AKIA"}
	known := func(tok string) (*token.Identity, error) {
		if tok != "good" {
			return nil, errors.New("bad signature")
		}
		return jane, nil
	}
	mapped := func() (*iamconfig.IdentityMapping, error) {
		return &iamconfig.IdentityMapping{Username: "{{AccountID}}:{{SessionName}}:{{SessionNameRaw}}", Groups: []string{"g:{{AccessKeyID}}"}}, nil
	}
	for name, tt := range map[string]struct {
		token  string
		mapper mapperFunc
		code   int
		want   authnv1.TokenReviewStatus
	}{
		"a caller with access": {"good", mapped, http.StatusOK, authnv1.TokenReviewStatus{Authenticated: true, User: authnv1.UserInfo{
			Username: "111122223333:jane-x:jane@x", Groups: []string{"g:AKIA"}, UID: "aws-iam-authenticator:111122223333:AROA",
			Extra: map[string]authnv1.ExtraValue{
				"arn": {session}, "canonicalArn": {role}, "sessionName": {"jane@x"}, "accessKeyId": {"AKIA"}, "principalId": {"AROA"},
			},
		}}},
		"a bad token": {"forged", mapped, http.StatusOK, authnv1.TokenReviewStatus{Error: "token refused"}},
		"a caller without access": {
			"good", func() (*iamconfig.IdentityMapping, error) { return nil, errutil.ErrNotMapped },
			http.StatusOK,
			authnv1.TokenReviewStatus{Error: "not mapped"},
		},
		"a node's user name needs an instance": {
			"good", func() (*iamconfig.IdentityMapping, error) {
				return &iamconfig.IdentityMapping{Username: "system:node:{{EC2PrivateDNSName}}"}, nil
			},
			http.StatusOK,
			authnv1.TokenReviewStatus{Error: "not mapped"},
		},
		"an EKS API that is down is no refusal": {
			"good", func() (*iamconfig.IdentityMapping, error) { return nil, errors.New("down") },
			http.StatusInternalServerError,
			authnv1.TokenReviewStatus{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			body, err := json.Marshal(authnv1.TokenReview{Spec: authnv1.TokenReviewSpec{Token: tt.token}})
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/authenticate", strings.NewReader(string(body)))
			(&reviewer{verifierFunc(known), tt.mapper, new(instanceNames).name}).ServeHTTP(w, r)
			if w.Code != tt.code {
				t.Fatalf("status %d %s, want %d", w.Code, w.Body, tt.code)
			}
			if tt.code != http.StatusOK {
				return
			}
			var got authnv1.TokenReview
			if err := json.NewDecoder(w.Body).Decode(&got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.Status); diff != "" {
				t.Errorf("review (-want +got):\n%s", diff)
			}
			if got.Spec.Token != "" {
				t.Error("the answer repeats the token")
			}
		})
	}
}

func TestReviewOfNonsense(t *testing.T) {
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/authenticate", strings.NewReader("{"))
	(&reviewer{}).ServeHTTP(w, r)
	if w.Code != http.StatusBadRequest {
		t.Errorf("status %d, want 400", w.Code)
	}
}
