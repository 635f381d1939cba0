package lifecycle_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/e6data/aws-quickstart/internal/kube/kubetest"
	"github.com/e6data/aws-quickstart/tests/lifecycle"
)

const helloTemplate = `apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: hello}}
  template:
    metadata: {labels: {app: hello}}
    spec: {containers: [{name: main, image: "example.test/hello:1"}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data: {greeting: {{ .Values.greeting | quote }}}
`

// helloChart is the archive of chart hello 1.0.0.
func helloChart(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	archive := tar.NewWriter(zip)
	for name, text := range map[string]string{
		"hello/Chart.yaml":         "apiVersion: v2\nname: hello\nversion: 1.0.0\nappVersion: '7'\n",
		"hello/templates/all.yaml": helloTemplate,
	} {
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(archive, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// amazon plays the EKS, STS and S3 calls of helminstaller.
type amazon struct {
	chart    []byte
	endpoint string // of the cluster; empty: there is no cluster
	ca       []byte
}

func (a *amazon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodGet && r.URL.Path == "/clusters/demo" && a.endpoint != "":
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"cluster": map[string]any{
			"name": "demo", "status": "ACTIVE", "endpoint": a.endpoint,
			"certificateAuthority": map[string]any{"data": base64.StdEncoding.EncodeToString(a.ca)},
		}})
	case strings.HasPrefix(r.URL.Path, "/clusters/"):
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Amzn-Errortype", "ResourceNotFoundException")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"message":"No cluster found for name: demo."}`)
	case r.URL.Path == "/charts/stable/hello-1.0.0.tgz":
		_, _ = w.Write(a.chart)
	case r.Method == http.MethodPost && r.FormValue("Action") == "GetCallerIdentity":
		w.Header().Set("Content-Type", "text/xml")
		_, _ = io.WriteString(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>`+
			`<Arn>arn:aws:sts::111122223333:assumed-role/installer/under-test</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>`)
	default:
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>`)
	}
}

// eksDoor stands before an API server as EKS does: it lets in who shows a token
// that was signed for this cluster, and forwards with next.
type eksDoor struct {
	next http.Handler // nil: nobody is let in
	// knows has the access keys of those who are let in; nil: everybody is.
	knows []string
	seen  atomic.Int32
}

func (d *eksDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.seen.Add(1)
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer k8s-aws-v1."))
	signed, parseErr := url.Parse(string(text))
	if err != nil || parseErr != nil || signed.Host != "sts.us-east-1.amazonaws.com" ||
		!strings.Contains(signed.Query().Get("X-Amz-SignedHeaders"), "x-k8s-aws-id") || d.next == nil || !d.lets(signed) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}`)
		return
	}
	r.Header.Del("Authorization")
	d.next.ServeHTTP(w, r)
}

func (d *eksDoor) lets(signed *url.URL) bool {
	key, _, _ := strings.Cut(signed.Query().Get("X-Amz-Credential"), "/")
	return d.knows == nil || slices.Contains(d.knows, key)
}

// startInstaller runs helminstaller before a cluster that door guards.
func startInstaller(t *testing.T, path string, door *eksDoor) *lifecycle.Function {
	t.Helper()
	aws := &amazon{chart: helloChart(t)}
	if door != nil {
		api := httptest.NewTLSServer(door)
		t.Cleanup(api.Close)
		aws.endpoint = api.URL
		aws.ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: api.Certificate().Raw})
	}
	server := httptest.NewServer(aws)
	t.Cleanup(server.Close)
	return lifecycle.Start(t, lifecycle.Options{Binary: path, Env: []string{"AWS_ENDPOINT_URL=" + server.URL, "AWS_MAX_ATTEMPTS=1"}})
}

func helmEvent(t *testing.T, changes map[string]any) map[string]any {
	t.Helper()
	return lifecycle.Event(t, "testdata/helminstaller/create.json", changes)
}

// expect runs one event and checks the answer's status and parts of its reason.
func expect(t *testing.T, f *lifecycle.Function, event map[string]any, status cfn.StatusType, say ...string) lifecycle.Answer {
	t.Helper()
	result := f.Invoke(t, event, 2*time.Minute)
	answer := only(t, event, result)
	t.Logf("%s took %s: %s %s", event["RequestType"], result.Took.Round(time.Millisecond), answer.Status, answer.Reason)
	if answer.Status != status {
		t.Fatalf("status %s, want %s: %s", answer.Status, status, answer.Reason)
	}
	for _, part := range say {
		if !strings.Contains(answer.Reason, part) {
			t.Errorf("the reason lacks %q: %s", part, answer.Reason)
		}
	}
	return answer
}

func TestHelmInstallerWithoutACluster(t *testing.T) {
	f := startInstaller(t, binary(t, "helminstaller"), nil)
	create := expect(t, f, helmEvent(t, nil), cfn.StatusFailed, `no cluster "demo"`)
	expect(t, f, helmEvent(t, map[string]any{"RequestType": "Delete", "PhysicalResourceId": create.PhysicalResourceID}), cfn.StatusSuccess)
	expect(t, f, helmEvent(t, map[string]any{"RequestType": "Delete", "PhysicalResourceId": "helmrelease/demo/hello/hello"}), cfn.StatusSuccess)
	expect(t, f, helmEvent(t, map[string]any{"ResourceProperties.ReleasName": "hello"}), cfn.StatusFailed, "ReleasName")
	expect(t, f, helmEvent(t, map[string]any{"ResourceProperties.Values": "{]"}), cfn.StatusFailed, "values: not JSON at line 1, column 2")
	expect(t, f, helmEvent(t, map[string]any{"ResourceProperties.ChartVersion": "2.0.0"}), cfn.StatusFailed, "there is no s3://charts/stable/hello-2.0.0.tgz")
}

func TestHelmInstallerWithoutAccess(t *testing.T) {
	door := &eksDoor{}
	f := startInstaller(t, binary(t, "helminstaller"), door)
	create := expect(t, f, helmEvent(t, nil), cfn.StatusFailed,
		"cluster demo does not know this function's role arn:aws:iam::111122223333:role/installer", "access entry")
	before := door.seen.Load()
	// Nothing was made, so the rollback has nothing to do and needs no access.
	expect(t, f, helmEvent(t, map[string]any{"RequestType": "Delete", "PhysicalResourceId": create.PhysicalResourceID}), cfn.StatusSuccess)
	if door.seen.Load() != before {
		t.Error("the Delete of what was never made asks the cluster")
	}
	if before == 0 {
		t.Error("the cluster was never asked")
	}
}

func TestHelmInstallerOnACluster(t *testing.T) {
	door, client := clusterDoor(t, 2)
	f := startInstaller(t, binary(t, "helminstaller"), door)

	created := expect(t, f, helmEvent(t, nil), cfn.StatusSuccess)
	if created.PhysicalResourceID != "helmrelease/demo/hello/hello" || created.Data["Revision"] != "1" || created.Data["AppVersion"] != "7" {
		t.Errorf("got %s, %v", created.PhysicalResourceID, created.Data)
	}
	update := map[string]any{"RequestType": "Update", "PhysicalResourceId": created.PhysicalResourceID}
	if same := expect(t, f, helmEvent(t, update), cfn.StatusSuccess); same.Data["Revision"] != "1" {
		t.Errorf("an update that changes nothing made revision %v", same.Data["Revision"])
	}
	update["ResourceProperties.Values"] = `{"replicas":1,"greeting":"goodbye"}`
	if other := expect(t, f, helmEvent(t, update), cfn.StatusSuccess); other.Data["Revision"] != "2" {
		t.Errorf("an update of the values made revision %v", other.Data["Revision"])
	}
	now, err := client.CoreV1().ConfigMaps("hello").Get(t.Context(), "hello", metav1.GetOptions{})
	if err != nil || now.Data["greeting"] != "goodbye" {
		t.Errorf("the cluster has %v, %v", now.Data, err)
	}
	// The properties are unreadable, as those of an older version may be.
	expect(t, f, helmEvent(t, map[string]any{
		"RequestType": "Delete", "PhysicalResourceId": created.PhysicalResourceID, "ResourceProperties.TimeoutSeconds": "long",
	}), cfn.StatusSuccess)
	if _, err := client.CoreV1().Namespaces().Get(t.Context(), "hello", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the namespace is left: %v", err)
	}
	if log := f.Log(); strings.Contains(log, "k8s-aws-v1") || strings.Contains(log, "goodbye") || strings.Contains(log, lifecycle.Signature) {
		t.Error("the log holds a token, a value or the answer's address")
	}
}

// clusterDoor starts the embedded EKS that LOCALKUBE names, with so many nodes,
// and stands before it.
func clusterDoor(t *testing.T, nodes int) (*eksDoor, kubernetes.Interface) {
	t.Helper()
	program := os.Getenv("LOCALKUBE")
	if program == "" {
		t.Skip("LOCALKUBE does not name the embedded EKS (rehearsal/eks); this test needs a real API server")
	}
	cluster, stop, err := kubetest.Start(program, nodes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	cfg := cluster.Config()
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &eksDoor{next: forward(t, cfg)}, client
}

// forward passes requests on as the cluster's administrator.
func forward(t *testing.T, cfg *rest.Config) http.Handler {
	t.Helper()
	target, err := url.Parse(cfg.Host)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := tls.X509KeyPair(cfg.CertData, cfg.KeyData)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cfg.CAData)
	return &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		FlushInterval: -1, // watches
		Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2: true,
		},
	}
}

// BenchmarkHelmInstallerStart is the time from the start of the process to its
// first question for work: what a cold start adds to an invocation.
func BenchmarkHelmInstallerStart(b *testing.B) {
	path := os.Getenv("QUICKSTART_FUNCTIONS") + "/helminstaller/bootstrap"
	if os.Getenv("QUICKSTART_FUNCTIONS") == "" {
		path = lifecycle.Build(b, "helminstaller")
	}
	asked := make(chan struct{}, 1)
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	b.Cleanup(api.Close)
	for b.Loop() {
		command := exec.CommandContext(b.Context(), path)
		command.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api.URL, "http://"), "AWS_REGION=us-east-1"}
		if err := command.Start(); err != nil {
			b.Fatal(err)
		}
		<-asked
		b.StopTimer()
		_ = command.Process.Kill()
		_ = command.Wait()
		b.StartTimer()
	}
}
