package kubelet

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/e6data/aws-quickstart/rehearsal/eks/pki"
)

const (
	headerLimit = 10 * time.Second
	followPoll  = time.Second
)

// Server answers what the API server asks a node's kubelet: logs. It speaks TLS
// with a certificate for the node's name and lets in only clients of the
// cluster's authority.
type Server struct {
	kubelets *Kubelets
	listener *handed
}

// Listen makes a server of the kubelets that answers connections until ctx ends.
func (k *Kubelets) Listen(ctx context.Context, ca *pki.Authority) *Server {
	s := &Server{kubelets: k, listener: newHanded(ctx)}
	certs := &nodeCertificates{ca: ca, hasNode: s.HasNode, made: map[string]*tls.Certificate{}}
	config := &tls.Config{
		GetCertificate: certs.get,
		ClientAuth:     tls.RequireAndVerifyClientCert,
		ClientCAs:      ca.Pool(),
		MinVersion:     tls.VersionTLS12,
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", s.logs)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "localkube plays no "+r.URL.Path+": containers do not run; only their logs are played", http.StatusNotImplemented)
	})
	h := &http.Server{Handler: mux, ReadHeaderTimeout: headerLimit, BaseContext: func(net.Listener) context.Context { return ctx }}
	go func() { _ = h.Serve(tls.NewListener(s.listener, config)) }()
	context.AfterFunc(ctx, func() { _ = h.Close() })
	return s
}

// HasNode tells whether host is the name of a node.
func (s *Server) HasNode(host string) bool {
	_, ok, err := s.kubelets.nodes.GetIndexer().GetByKey(host)
	return ok && err == nil
}

// Serve takes the connection over and closes it.
func (s *Server) Serve(c net.Conn) { s.listener.hand(c) }

// logs answers GET /containerLogs/NAMESPACE/POD/CONTAINER as kubelets do.
func (s *Server) logs(w http.ResponseWriter, r *http.Request) {
	q, err := parseLogQuery(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p := s.pod(r)
	if p == nil {
		http.Error(w, fmt.Sprintf("pod %q does not exist on node %s", r.PathValue("pod"), r.TLS.ServerName), http.StatusNotFound)
		return
	}
	text, offset, runs, err := s.kubelets.programLog(p, r.PathValue("container"), q, 0)
	if !runs {
		text, err = played(p, r.PathValue("container"), q)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if _, err := io.WriteString(w, text); err != nil || !q.follow { //nolint:gosec // G705: it is sent as text/plain
		return
	}
	_ = http.NewResponseController(w).Flush()
	for s.runs(r) { // the log ends with its container; one that is played writes nothing more
		select {
		case <-r.Context().Done():
			return
		case <-time.After(followPoll):
		}
		if q.tail, q.limit = -1, -1; runs {
			text, offset, _, _ = s.kubelets.programLog(p, r.PathValue("container"), q, offset)
			_, _ = io.WriteString(w, text) //nolint:gosec // G705: it is sent as text/plain
			_ = http.NewResponseController(w).Flush()
		}
	}
}

// pod finds the request's pod, if the request's node has it.
func (s *Server) pod(r *http.Request) *corev1.Pod {
	o, ok, err := s.kubelets.pods.GetIndexer().GetByKey(r.PathValue("namespace") + "/" + r.PathValue("pod"))
	p, isPod := o.(*corev1.Pod)
	if err != nil || !ok || !isPod || p.Spec.NodeName != r.TLS.ServerName {
		return nil
	}
	return p
}

func (s *Server) runs(r *http.Request) bool {
	p := s.pod(r)
	return p != nil && named(p.Status.ContainerStatuses, r.PathValue("container")).State.Running != nil
}

// nodeCertificates makes a certificate for each node that is asked for.
type nodeCertificates struct {
	ca      *pki.Authority
	hasNode func(string) bool

	mu   sync.Mutex
	made map[string]*tls.Certificate
}

func (n *nodeCertificates) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if c := n.made[hello.ServerName]; c != nil {
		return c, nil
	}
	if !n.hasNode(hello.ServerName) {
		return nil, fmt.Errorf("no node is called %q", hello.ServerName)
	}
	c, err := n.ca.Sign(pki.Subject{CommonName: "system:node:" + hello.ServerName, DNSNames: []string{hello.ServerName}})
	if err == nil {
		n.made[hello.ServerName] = c
	}
	return c, err
}
