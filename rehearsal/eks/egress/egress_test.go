package egress

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/client-go/kubernetes/fake"
)

// nobody is a cluster without nodes.
type nobody struct{}

func (nobody) HasNode(host string) bool { return host == "node" }
func (nobody) Serve(c net.Conn)         { fmt.Fprint(c, "kubelet"); _ = c.Close() }

// connect asks the egress for a connection, as the API server does.
func connect(t *testing.T, socket, to string) (*http.Response, *bufio.Reader) {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", to, to)
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, &http.Request{Method: http.MethodConnect})
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp, r
}

func TestOnlyWhatIsPlayedIsConnected(t *testing.T) {
	dir, err := os.MkdirTemp("", "eg-") //nolint:usetesting // t.TempDir() is too long for unix sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket, config := filepath.Join(dir, "s"), filepath.Join(dir, "egress.yaml")
	e, err := Start(t.Context(), config, socket)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(config); err != nil || !strings.Contains(string(b), socket) {
		t.Errorf("configuration %s, %v does not name the socket", b, err)
	}
	if resp, _ := connect(t, socket, "node:10250"); !strings.Contains(resp.Status, "the cluster is still starting") {
		t.Errorf("before the cluster is up: %s", resp.Status)
	}
	e.Use(t.Context(), fake.NewClientset(), nobody{})
	for _, to := range []string{"10.244.0.1:8080", "node:10251", "stranger:10250", "127.0.0.1:22", "192.0.2.1:443"} {
		if resp, _ := connect(t, socket, to); resp.StatusCode != http.StatusBadGateway || !strings.Contains(resp.Status, "no Service has that address") {
			t.Errorf("%s: %s", to, resp.Status)
		}
	}
	resp, r := connect(t, socket, "node:10250")
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("a node's kubelet: %s", resp.Status)
	}
	if got, err := r.ReadString('t'); got != "kubelet" {
		t.Errorf("a node's kubelet says %q, %v", got, err)
	}
}

func TestHasReady(t *testing.T) {
	yes, no := true, false
	for name, tt := range map[string]struct {
		ready []*bool
		want  bool
	}{
		"no endpoint": {nil, false}, "none Ready": {[]*bool{&no, &no}, false},
		"one Ready": {[]*bool{&no, &yes}, true}, "unknown counts as Ready": {[]*bool{nil}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := &discoveryv1.EndpointSlice{}
			for _, r := range tt.ready {
				s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Conditions: discoveryv1.EndpointConditions{Ready: r}})
			}
			if got := hasReady(s); got != tt.want {
				t.Errorf("hasReady is %v", got)
			}
		})
	}
}
