package pki

import (
	"crypto/tls"
	"crypto/x509"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	ca, err := Write(dir, netip.MustParsePrefix("172.20.0.0/16"))
	if err != nil {
		t.Fatal(err)
	}
	for name, use := range map[string]x509.ExtKeyUsage{
		"apiserver": x509.ExtKeyUsageServerAuth, "admin": x509.ExtKeyUsageClientAuth, "controller-manager": x509.ExtKeyUsageClientAuth,
		"scheduler": x509.ExtKeyUsageClientAuth, "front-proxy-client": x509.ExtKeyUsageClientAuth, "kubelet-client": x509.ExtKeyUsageClientAuth,
	} {
		pair, err := tls.LoadX509KeyPair(filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: ca.Pool(), KeyUsages: []x509.ExtKeyUsage{use}}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if name != "apiserver" {
			continue
		}
		for _, host := range []string{"127.0.0.1", "172.20.0.1", "kubernetes.default.svc"} {
			if err := pair.Leaf.VerifyHostname(host); err != nil {
				t.Errorf("the API server's certificate is not for %s: %v", host, err)
			}
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s can be read by others: %v %v", f.Name(), info.Mode(), err)
		}
	}
}

func TestWriteKeepsTheIdentityOfAnEarlierRun(t *testing.T) {
	dir, cidr := t.TempDir(), netip.MustParsePrefix("10.100.0.0/16")
	if _, err := Write(dir, cidr); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(dir, "admin.crt"))
	if err != nil {
		t.Fatal(err)
	}
	ca, err := Write(dir, cidr)
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(filepath.Join(dir, "admin.crt"))
	if err != nil {
		t.Fatal(err)
	}
	if string(before) != string(after) {
		t.Error("the administrator's certificate is another one")
	}
	c, err := ca.Sign(Subject{CommonName: "node", DNSNames: []string{"node"}})
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: ca.Pool(), DNSName: "node"}); err != nil {
		t.Errorf("the loaded authority cannot sign: %v", err)
	}
}
