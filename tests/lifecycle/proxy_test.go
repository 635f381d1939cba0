package lifecycle_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"

	"github.com/e6data/aws-quickstart/tests/lifecycle"
)

// proxy is a customer's: it lets nobody out but to one server, whatever host is
// asked for.
type proxy struct {
	server string // host and port
	mu     sync.Mutex
	asked  []string
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.Method+" "+r.Host)
	p.mu.Unlock()
	if r.Method != http.MethodConnect {
		http.Error(w, "only CONNECT", http.StatusMethodNotAllowed)
		return
	}
	there, err := new(net.Dialer).DialContext(r.Context(), "tcp", p.server)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	here, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() {
		defer there.Close()
		_, _ = io.Copy(there, buffered)
	}()
	_, _ = io.Copy(here, there)
	_ = here.Close()
}

func (p *proxy) hosts() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

// With the variables that the template sets, the installer reaches AWS and chart
// repositories through the proxy and no other way, and CloudFormation's answer
// address too, unless NO_PROXY names it.
func TestHelmInstallerBehindAProxy(t *testing.T) {
	api := &amazon{chart: helloChart(t)}
	// Its certificate is that of example.com, where buckets have host names.
	aws := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if bucket, _, ok := strings.Cut(r.Host, ".example.com"); ok {
			r.URL.Path = "/" + bucket + r.URL.Path
		}
		api.ServeHTTP(w, r)
	}))
	t.Cleanup(aws.Close)
	way := &proxy{server: strings.TrimPrefix(aws.URL, "https://")}
	server := httptest.NewServer(way)
	t.Cleanup(server.Close)
	f := lifecycle.Start(t, lifecycle.Options{Binary: binary(t, "helminstaller"), Env: []string{
		"AWS_ENDPOINT_URL=https://example.com", "AWS_MAX_ATTEMPTS=1",
		"HTTPS_PROXY=" + server.URL, "NO_PROXY=localhost,127.0.0.1,169.254.0.0/16,.svc,.cluster.local",
	}})
	// The chart came from S3, and EKS was asked: both through the proxy.
	expect(t, f, helmEvent(t, nil), cfn.StatusFailed, `no cluster "demo"`)
	expect(t, f, helmEvent(t, map[string]any{"ResourceProperties.ChartVersion": "2.0.0"}), cfn.StatusFailed, "there is no s3://charts/stable/hello-2.0.0.tgz")
	expect(t, f, helmEvent(t, map[string]any{"ResourceProperties.Repository": "https://helm.example.com/stable"}), cfn.StatusFailed, "https://helm.example.com/stable")
	expect(t, f, helmEvent(t, map[string]any{"ResourceProperties.Repository": "oci://registry.example.com/stable"}), cfn.StatusFailed, "registry.example.com/stable")
	asked := way.hosts()
	for _, host := range []string{"example.com:443", "charts.example.com:443", "helm.example.com:443", "registry.example.com:443"} {
		if !slices.Contains(asked, "CONNECT "+host) {
			t.Errorf("%s was not asked for through the proxy: %v", host, asked)
		}
	}
	for _, host := range asked {
		if strings.Contains(host, "127.0.0.1") {
			t.Errorf("the proxy was asked for %s, which NO_PROXY names", host)
		}
	}
}
