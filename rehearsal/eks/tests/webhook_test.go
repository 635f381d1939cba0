package tests

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// A chart's admission webhook must block as on a real cluster while its pods are
// not Ready, and let everything pass once they are.
func TestAWebhookAnswersWhenItsPodsAreReady(t *testing.T) {
	t.Parallel()
	l := own(t)
	r := room{l, "default"}
	ctx, create := t.Context(), metav1.CreateOptions{}
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	crt, key := selfSigned(t, "app.default.svc")
	must(l.client.CoreV1().Secrets("default").Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "tls"}, Type: corev1.SecretTypeTLS,
		Data: map[string][]byte{corev1.TLSCertKey: crt, corev1.TLSPrivateKeyKey: key},
	}, create))
	must(l.client.CoreV1().Services("default").Create(ctx, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "app"}, Spec: corev1.ServiceSpec{
		Selector: map[string]string{"app": "app"}, Ports: []corev1.ServicePort{{Port: 443}},
	}}, create))
	r.deployment(t, map[string]string{fault: "NeverReady"})
	p := r.awaitSummary(t, "Running ready=false; app ready=false running; side ready=true running")
	fail, none := admissionv1.Fail, admissionv1.SideEffectClassNone
	must(l.client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Create(ctx, &admissionv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "app"},
		Webhooks: []admissionv1.ValidatingWebhook{{
			Name: "app.e6data.com", FailurePolicy: &fail, SideEffects: &none, AdmissionReviewVersions: []string{"v1"},
			ClientConfig: admissionv1.WebhookClientConfig{CABundle: crt, Service: &admissionv1.ServiceReference{Namespace: "default", Name: "app"}},
			Rules: []admissionv1.RuleWithOperations{{
				Operations: []admissionv1.OperationType{admissionv1.Create},
				Rule:       admissionv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"secrets"}},
			}},
		}},
	}, create))
	try := func(ctx context.Context) error {
		_, err := l.client.CoreV1().Secrets("default").Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{GenerateName: "try-"}}, create)
		return err
	}
	eventually(t, "the webhook to block", func(ctx context.Context) error {
		if err := try(ctx); err == nil || !strings.Contains(err.Error(), "no endpoints available for service") {
			return fmt.Errorf("creating a secret gives %w", err)
		}
		return nil
	})
	must(l.client.CoreV1().Pods("default").Patch(ctx, p.Name, types.MergePatchType,
		[]byte(`{"metadata":{"annotations":{"`+fault+`":null}}}`), metav1.PatchOptions{}))
	eventually(t, "the webhook to allow", try)
}

// selfSigned gives a certificate for a server of that name, and its key, in PEM.
func selfSigned(t *testing.T, name string) (crt, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{name},
		IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})
}
