// Package egress is where every connection of the API server into the cluster
// ends: to Services, pods and nodes. Nothing in this cluster listens anywhere, so
// nothing may be dialled; the cluster's addresses could be somebody else's.
// Kubelets are served by the package that plays them, and an admission webhook
// whose pods are Ready is answered here. Everything else is refused.
package egress

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/kubernetes"
)

const (
	kubeletPort  = "10250"
	connectLimit = 10 * time.Second
	answerLimit  = time.Minute
)

const config = `apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
- name: cluster
  connection: {proxyProtocol: HTTPConnect, transport: {uds: {udsName: %q}}}
`

// Kubelets serves connections to the nodes' kubelets.
type Kubelets interface {
	// HasNode tells whether host is the name of a node.
	HasNode(host string) bool
	// Serve takes the connection over and closes it.
	Serve(c net.Conn)
}

// Egress is the running proxy.
type Egress struct {
	mu       sync.RWMutex
	webhooks *webhooks
	kubelets Kubelets
}

// Start listens on the unix socket until ctx ends, and writes into configFile
// the EgressSelectorConfiguration that sends the API server there.
func Start(ctx context.Context, configFile, socket string) (*Egress, error) {
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove an earlier egress socket: %w", err)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("listen for egress: %w", err)
	}
	if err := os.WriteFile(configFile, fmt.Appendf(nil, config, socket), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("write the egress configuration: %w", err), l.Close())
	}
	e := &Egress{}
	context.AfterFunc(ctx, func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go e.handle(ctx, c)
		}
	}()
	return e, nil
}

// Use gives the egress its view of the cluster, once there is an API server.
// Until then everything is refused.
func (e *Egress) Use(ctx context.Context, c kubernetes.Interface, k Kubelets) {
	w := newWebhooks(ctx, c)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.webhooks, e.kubelets = w, k
}

func (e *Egress) handle(ctx context.Context, c net.Conn) {
	_ = c.SetDeadline(time.Now().Add(connectLimit))
	req, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil || req.Method != http.MethodConnect {
		_ = c.Close()
		return
	}
	serve, err := e.route(ctx, req.RequestURI)
	if err != nil {
		slog.WarnContext(ctx, "connection of the API server refused", "to", req.RequestURI, "reason", err)
		fmt.Fprintf(c, "HTTP/1.1 502 %s\r\n\r\n", strings.ReplaceAll(err.Error(), "\n", " "))
		_ = c.Close()
		return
	}
	if _, err := fmt.Fprint(c, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		_ = c.Close()
		return
	}
	serve(c)
}

// route finds who takes over connections to addr, host:port.
func (e *Egress) route(ctx context.Context, addr string) (func(net.Conn), error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.webhooks == nil {
		return nil, errors.New("the cluster is still starting")
	}
	if port == kubeletPort && e.kubelets.HasNode(host) {
		return func(c net.Conn) {
			_ = c.SetDeadline(time.Time{}) // logs may be followed for long
			e.kubelets.Serve(c)
		}, nil
	}
	cert, err := e.webhooks.certificate(ctx, host)
	if err != nil {
		return nil, err
	}
	return func(c net.Conn) {
		_ = c.SetDeadline(time.Now().Add(answerLimit))
		answer(ctx, c, cert)
	}, nil
}
