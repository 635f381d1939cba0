package egress

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
)

const reviewLimit = 8 << 20 // bytes

// webhooks plays admission webhooks behind Services: "allowed" and unchanged,
// under the certificate that the webhook's pods would mount.
type webhooks struct {
	kube     kubernetes.Interface
	services corelisters.ServiceLister
	slices   discoverylisters.EndpointSliceLister
}

func newWebhooks(ctx context.Context, c kubernetes.Interface) *webhooks {
	f := informers.NewSharedInformerFactory(c, 0)
	w := &webhooks{kube: c, services: f.Core().V1().Services().Lister(), slices: f.Discovery().V1().EndpointSlices().Lister()}
	f.Start(ctx.Done())
	f.WaitForCacheSync(ctx.Done())
	return w
}

// certificate gives the certificate of the Service at host (its cluster IP, or
// NAME.NAMESPACE.svc), if pods of it are Ready.
func (w *webhooks) certificate(ctx context.Context, host string) (*tls.Certificate, error) {
	all, err := w.services.List(labels.Everything())
	if err != nil {
		return nil, fmt.Errorf("list services: %w", err)
	}
	i := slices.IndexFunc(all, func(s *corev1.Service) bool { return s.Spec.ClusterIP == host || serverName(s) == host })
	if i < 0 {
		return nil, errors.New("no Service has that address, and pods are played: nothing listens")
	}
	svc := all[i]
	eps, err := w.slices.EndpointSlices(svc.Namespace).List(labels.SelectorFromSet(labels.Set{discoveryv1.LabelServiceName: svc.Name}))
	if err != nil {
		return nil, fmt.Errorf("list endpoint slices: %w", err)
	}
	if !slices.ContainsFunc(eps, hasReady) {
		return nil, fmt.Errorf("no endpoints available for service %s/%s", svc.Namespace, svc.Name)
	}
	secrets, err := w.kube.CoreV1().Secrets(svc.Namespace).List(ctx, metav1.ListOptions{FieldSelector: "type=" + string(corev1.SecretTypeTLS)})
	if err != nil {
		return nil, fmt.Errorf("list secrets: %w", err)
	}
	for i := range secrets.Items {
		data := secrets.Items[i].Data
		c, err := tls.X509KeyPair(data[corev1.TLSCertKey], data[corev1.TLSPrivateKeyKey])
		if err == nil && c.Leaf.VerifyHostname(serverName(svc)) == nil {
			return &c, nil
		}
	}
	return nil, fmt.Errorf("no kubernetes.io/tls Secret in namespace %s holds a certificate for service %s", svc.Namespace, svc.Name)
}

func serverName(s *corev1.Service) string { return s.Name + "." + s.Namespace + ".svc" }

// hasReady tells whether the slice has an endpoint that takes traffic; an
// unknown readiness counts as ready, as Kubernetes says it should.
func hasReady(s *discoveryv1.EndpointSlice) bool {
	return slices.ContainsFunc(s.Endpoints, func(e discoveryv1.Endpoint) bool {
		return e.Conditions.Ready == nil || *e.Conditions.Ready
	})
}

// answer serves one admission request and closes the connection, so that each
// call of the webhook looks for Ready pods anew.
func answer(ctx context.Context, c net.Conn, cert *tls.Certificate) {
	t := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}})
	defer t.Close()
	r, err := http.ReadRequest(bufio.NewReader(t))
	if err != nil {
		slog.WarnContext(ctx, "admission request not read", "reason", err)
		return
	}
	code, body := http.StatusOK, []byte(nil)
	if body, err = allow(ctx, r); err != nil {
		slog.WarnContext(ctx, "admission request refused", "url", r.URL.String(), "reason", err)
		code, body = http.StatusBadRequest, []byte(err.Error())
	}
	fmt.Fprintf(t, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s",
		code, http.StatusText(code), len(body), body)
}

// allow answers an AdmissionReview with "allowed".
func allow(ctx context.Context, r *http.Request) ([]byte, error) {
	var review admissionv1.AdmissionReview
	if err := json.NewDecoder(io.LimitReader(r.Body, reviewLimit)).Decode(&review); err != nil {
		return nil, fmt.Errorf("read the AdmissionReview: %w", err)
	}
	if review.Request == nil {
		return nil, errors.New("the AdmissionReview has no request")
	}
	slog.InfoContext(ctx, "webhook allows", "host", r.Host, "path", r.URL.Path, "operation", review.Request.Operation,
		"kind", review.Request.Kind.Kind, "namespace", review.Request.Namespace, "name", review.Request.Name)
	review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
	review.Request = nil
	return json.Marshal(review)
}
