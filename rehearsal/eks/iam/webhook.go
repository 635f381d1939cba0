package iam

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	authnv1 "k8s.io/api/authentication/v1"
	"k8s.io/client-go/rest"
	iamconfig "sigs.k8s.io/aws-iam-authenticator/pkg/config"
	"sigs.k8s.io/aws-iam-authenticator/pkg/errutil"
	"sigs.k8s.io/aws-iam-authenticator/pkg/mapper"
	"sigs.k8s.io/aws-iam-authenticator/pkg/mapper/configmap"
	"sigs.k8s.io/aws-iam-authenticator/pkg/token"
)

const (
	headerLimit = 10 * time.Second
	mapLimit    = 10 * time.Second
)

// identityMapper gives the Kubernetes user of an AWS identity, or errutil.ErrNotMapped.
type identityMapper interface {
	Map(ctx context.Context, id *token.Identity) (*iamconfig.IdentityMapping, error)
}

// Webhook is the running token webhook.
type Webhook struct {
	// URL is where the API server sends its TokenReviews.
	URL string

	access  *access
	awsAuth mapper.Mapper
	names   *instanceNames
}

// Instances lets the webhook name the nodes of instances: find gives the private
// DNS name of a running instance.
func (w *Webhook) Instances(find func(instance string) (name string, ok bool)) {
	w.names.find.Store(&find)
}

// instanceNames are the private DNS names of instances, of none until somebody tells.
type instanceNames struct {
	find atomic.Pointer[func(string) (string, bool)]
}

func (n *instanceNames) name(instance string) (string, bool) {
	if find := n.find.Load(); find != nil {
		return (*find)(instance)
	}
	return "", false
}

// Start listens on loopback, for tokens signed for the cluster of that name.
// Kubeconfig is the administrator's; the API server need not be up yet. Creator
// is the file with the ARN of the principal that made the cluster.
func Start(ctx context.Context, kubeconfig string, kube *rest.Config, cluster, creator string, aws *Endpoint) (*Webhook, error) {
	if err := aws.redirectSTS(); err != nil {
		return nil, err
	}
	awsAuth, err := configmap.NewConfigMapMapper(iamconfig.Config{Kubeconfig: kubeconfig})
	if err != nil {
		return nil, fmt.Errorf("make the aws-auth mapper: %w", err)
	}
	a, err := newAccess(ctx, kube, cluster, creator, aws, awsAuth)
	if err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for token reviews: %w", err)
	}
	names := &instanceNames{}
	s := &http.Server{
		Handler:           &reviewer{token.NewVerifier(cluster, partition(aws.region), aws.region), a, names.name},
		ReadHeaderTimeout: headerLimit,
	}
	go func() { _ = s.Serve(l) }()
	context.AfterFunc(ctx, func() { _ = s.Close() })
	return &Webhook{URL: "http://" + l.Addr().String() + "/authenticate", access: a, awsAuth: awsAuth, names: names}, nil
}

// Ready makes the roles of the access policies and begins to watch aws-auth. The
// API server must be up: the watch sleeps five seconds after a failure.
func (w *Webhook) Ready(ctx context.Context) error {
	if err := w.access.policies.install(ctx); err != nil {
		return err
	}
	if err := w.awsAuth.Start(ctx.Done()); err != nil {
		return fmt.Errorf("watch aws-auth: %w", err)
	}
	return nil
}

// reviewer is the HTTP side: TokenReview in, TokenReview out.
type reviewer struct {
	verifier token.Verifier
	mapper   identityMapper
	name     func(instance string) (string, bool)
}

// ServeHTTP implements http.Handler.
func (h *reviewer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var review authnv1.TokenReview
	if err := json.NewDecoder(io.LimitReader(r.Body, answerLimit)).Decode(&review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), mapLimit)
	defer cancel()
	status, err := h.review(ctx, review.Spec.Token)
	if err != nil { // an error, unlike a refusal, is not cached by the API server
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	review.Status, review.Spec = status, authnv1.TokenReviewSpec{}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(review)
}

func (h *reviewer) review(ctx context.Context, tok string) (authnv1.TokenReviewStatus, error) {
	id, err := h.verifier.Verify(tok)
	if err != nil {
		slog.WarnContext(ctx, "token refused", "reason", err)
		return authnv1.TokenReviewStatus{Error: "token refused"}, nil
	}
	m, err := h.mapper.Map(ctx, id)
	if errors.Is(err, errutil.ErrNotMapped) {
		slog.WarnContext(ctx, "identity has no access to this cluster", "arn", id.CanonicalARN)
		return authnv1.TokenReviewStatus{Error: "not mapped"}, nil
	}
	if err != nil {
		slog.ErrorContext(ctx, "identity cannot be mapped", "arn", id.CanonicalARN, "reason", err)
		return authnv1.TokenReviewStatus{}, fmt.Errorf("map %s: %w", id.CanonicalARN, err)
	}
	u, err := user(id, m, h.name)
	if err != nil {
		slog.WarnContext(ctx, "identity has no user name", "arn", id.CanonicalARN, "reason", err)
		return authnv1.TokenReviewStatus{Error: "not mapped"}, nil
	}
	slog.InfoContext(ctx, "identity mapped", "arn", id.ARN, "user", u.Username, "groups", u.Groups)
	return authnv1.TokenReviewStatus{Authenticated: true, User: u}, nil
}

// user fills the placeholders of a mapping in, as aws-iam-authenticator does. Name
// gives the private DNS name of an instance.
func user(id *token.Identity, m *iamconfig.IdentityMapping, name func(instance string) (string, bool)) (authnv1.UserInfo, error) {
	placeholders := []string{
		"{{AccountID}}", id.AccountID,
		"{{SessionName}}", strings.ReplaceAll(id.SessionName, "@", "-"),
		"{{SessionNameRaw}}", id.SessionName,
		"{{AccessKeyID}}", id.AccessKeyID,
	}
	if strings.Contains(m.Username+strings.Join(m.Groups, ""), nodeName) {
		node, ok := name(id.SessionName)
		if !ok {
			return authnv1.UserInfo{}, fmt.Errorf("%s stands for the name of an instance, and %q is no running instance", nodeName, id.SessionName)
		}
		placeholders = append(placeholders, nodeName, node)
	}
	render := strings.NewReplacer(placeholders...).Replace
	u := authnv1.UserInfo{
		Username: render(m.Username),
		UID:      "aws-iam-authenticator:" + id.AccountID + ":" + id.UserID,
		Extra: map[string]authnv1.ExtraValue{
			"arn": {id.ARN}, "canonicalArn": {id.CanonicalARN}, "sessionName": {id.SessionName},
			"accessKeyId": {id.AccessKeyID}, "principalId": {id.UserID},
		},
	}
	for _, g := range m.Groups {
		u.Groups = append(u.Groups, render(g))
	}
	return u, nil
}
