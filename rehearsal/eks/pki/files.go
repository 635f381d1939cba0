package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
)

// clients are the identities that get a certificate of their own. Their names
// and organizations are those that Kubernetes' built-in RBAC bindings know.
var clients = map[string]Subject{
	"admin":              {CommonName: "localkube-admin", Organizations: []string{"system:masters"}},
	"controller-manager": {CommonName: "system:kube-controller-manager"},
	"scheduler":          {CommonName: "system:kube-scheduler"},
	"front-proxy-client": {CommonName: "front-proxy-client"},
	"kubelet-client":     {CommonName: "kube-apiserver-kubelet-client", Organizations: []string{"system:masters"}},
}

// Write makes the cluster's authority and certificates in dir (ca, apiserver,
// admin, controller-manager, scheduler, front-proxy-client, kubelet-client as
// .crt and .key) and the service account key (sa.key, sa.pub). The first address
// of serviceCIDR is the API server's own. What an earlier run left in dir is kept,
// so that a state directory keeps its identity over restarts.
func Write(dir string, serviceCIDR netip.Prefix) (*Authority, error) {
	_, err := os.Stat(filepath.Join(dir, "sa.pub")) // written last: all of it or none
	if err == nil {
		return loadAuthority(dir)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("look for earlier certificates: %w", err)
	}
	ca, err := newAuthority("localkube-ca")
	if err != nil {
		return nil, err
	}
	if err := writeCertificate(dir, "ca", &tls.Certificate{Certificate: [][]byte{ca.cert.Raw}, PrivateKey: ca.key}); err != nil {
		return nil, err
	}
	server := Subject{
		CommonName: "kube-apiserver",
		DNSNames:   []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
		IPs:        []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback, serviceCIDR.Masked().Addr().Next().AsSlice()},
	}
	if err := ca.issue(dir, "apiserver", server); err != nil {
		return nil, err
	}
	for name, s := range clients {
		if err := ca.issue(dir, name, s); err != nil {
			return nil, err
		}
	}
	return ca, writeServiceAccountKey(dir)
}

func (a *Authority) issue(dir, name string, s Subject) error {
	c, err := a.Sign(s)
	if err != nil {
		return err
	}
	return writeCertificate(dir, name, c)
}

func writeServiceAccountKey(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make the service account key: %w", err)
	}
	if err := writeKey(dir, "sa.key", key); err != nil {
		return err
	}
	pub, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("encode the service account key: %w", err)
	}
	return writePEM(dir, "sa.pub", "PUBLIC KEY", pub)
}
