package program

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// Annotations of a ServiceAccount (and, the last, of a pod) that EKS's pod
// identity webhook reads.
// https://github.com/aws/amazon-eks-pod-identity-webhook#eks-walkthrough
const (
	roleAnnotation       = "eks.amazonaws.com/role-arn"
	audienceAnnotation   = "eks.amazonaws.com/audience"
	regionalAnnotation   = "eks.amazonaws.com/sts-regional-endpoints"
	expirationAnnotation = "eks.amazonaws.com/token-expiration"
	skipAnnotation       = "eks.amazonaws.com/skip-containers"
)

const (
	stsAudience      = "sts.amazonaws.com"
	stsTokenSeconds  = 86400
	kubeTokenSeconds = 3607 // what the API server projects for its own audience
	tokenRetry       = time.Second
)

// role is what the webhook gives a container whose ServiceAccount has a role.
type role struct {
	arn, audience string
	regional      bool
	seconds       int64
}

// roleOf tells which role a container gets, if any.
func roleOf(p *corev1.Pod, container string, sa *corev1.ServiceAccount) (role, bool) {
	r := role{arn: sa.Annotations[roleAnnotation], audience: stsAudience, regional: true, seconds: stsTokenSeconds}
	skipped := strings.Split(p.Annotations[skipAnnotation], ",")
	if r.arn == "" || slices.ContainsFunc(skipped, func(s string) bool { return strings.TrimSpace(s) == container }) {
		return role{}, false
	}
	if audience := sa.Annotations[audienceAnnotation]; audience != "" {
		r.audience = audience
	}
	if regional, err := strconv.ParseBool(sa.Annotations[regionalAnnotation]); err == nil {
		r.regional = regional
	}
	for _, annotations := range []map[string]string{sa.Annotations, p.Annotations} { // the pod's decides
		if seconds, err := strconv.ParseInt(annotations[expirationAnnotation], 10, 64); err == nil {
			r.seconds = seconds
		}
	}
	return r, true
}

// inject adds what the webhook adds: each pair only if the container has neither
// of it already.
func (r role) inject(env variables, region, tokenFile string) {
	pairs := []variables{
		{"AWS_DEFAULT_REGION": region, "AWS_REGION": region},
		{"AWS_ROLE_ARN": r.arn, "AWS_WEB_IDENTITY_TOKEN_FILE": tokenFile},
	}
	if r.regional {
		pairs = append(pairs, variables{"AWS_STS_REGIONAL_ENDPOINTS": "regional"})
	}
	for _, pair := range pairs {
		has := false
		for name := range pair {
			_, one := env[name]
			has = has || one
		}
		if !has {
			maps.Copy(env, pair)
		}
	}
}

// token is a projected service account token: a file that is kept fresh.
type token struct {
	file     string
	audience string // empty: the API server's
	seconds  int64
}

// write asks the API server for the token and writes the file; it tells when the
// next one is due, as kubelets reckon: after four fifths of its life.
func (t token) write(ctx context.Context, kube kubernetes.Interface, p *corev1.Pod) (time.Duration, error) {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: &t.seconds,
		BoundObjectRef:    &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: p.Name, UID: p.UID},
	}}
	if t.audience != "" {
		request.Spec.Audiences = []string{t.audience}
	}
	answer, err := kube.CoreV1().ServiceAccounts(p.Namespace).CreateToken(ctx, p.Spec.ServiceAccountName, request, metav1.CreateOptions{})
	if err != nil {
		return 0, fmt.Errorf("failed to fetch token: %w", err)
	}
	if err := os.WriteFile(t.file+".new", []byte(answer.Status.Token), 0o600); err != nil {
		return 0, fmt.Errorf("write the token of pod %s/%s: %w", p.Namespace, p.Name, err)
	}
	if err := os.Rename(t.file+".new", t.file); err != nil {
		return 0, fmt.Errorf("write the token of pod %s/%s: %w", p.Namespace, p.Name, err)
	}
	return time.Until(answer.Status.ExpirationTimestamp.Time) * 4 / 5, nil
}

// keep rewrites the file in time until ctx ends.
func (t token) keep(ctx context.Context, kube kubernetes.Interface, p *corev1.Pod, due time.Duration) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(due):
		}
		var err error
		if due, err = t.write(ctx, kube, p); err != nil {
			due = tokenRetry
		}
	}
}

// writeKubeconfig writes the kubeconfig that stands for what a container finds
// in /var/run/secrets/kubernetes.io/serviceaccount.
func writeKubeconfig(file, server, ca, tokenFile, namespace string) error {
	k := api.NewConfig()
	k.Clusters["cluster"] = &api.Cluster{Server: server, CertificateAuthority: ca}
	k.AuthInfos["serviceaccount"] = &api.AuthInfo{TokenFile: tokenFile}
	k.Contexts["pod"] = &api.Context{Cluster: "cluster", AuthInfo: "serviceaccount", Namespace: namespace}
	k.CurrentContext = "pod"
	if err := clientcmd.WriteToFile(*k, file); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(file), err)
	}
	return nil
}
