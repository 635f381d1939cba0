package controlplane

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"

	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/client-go/rest"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"
)

// APIServer says how to run the API server.
type APIServer struct {
	Dir         string       // with the certificates of package pki and etcd's socket
	Port        int          // on 127.0.0.1
	ServiceCIDR netip.Prefix // addresses of Services
	Issuer      string       // of service account tokens, a URL
	Egress      string       // file with the EgressSelectorConfiguration
	Webhook     string       // kubeconfig of the token webhook; empty: none
}

// Run runs the API server until ctx ends or it fails.
func (s APIServer) Run(ctx context.Context) error {
	o := options.NewServerRunOptions()
	if err := parse("kube-apiserver", o.Flags(), s.args()); err != nil {
		return err
	}
	if err := o.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return fmt.Errorf("set the API server's feature gates: %w", err)
	}
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	completed, err := o.Complete(ctx)
	if err != nil {
		return fmt.Errorf("complete the API server's options: %w", err)
	}
	if errs := completed.Validate(); len(errs) > 0 {
		return fmt.Errorf("validate the API server's options: %w", utilerrors.NewAggregate(errs))
	}
	if err := app.Run(ctx, completed); err != nil {
		return fmt.Errorf("run the API server: %w", err)
	}
	return nil
}

func (s APIServer) args() []string {
	file := func(name string) string { return filepath.Join(s.Dir, name) }
	args := []string{
		"--etcd-servers=unix://" + file(clientSocket),
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", s.Port),
		"--advertise-address=127.0.0.1",
		"--endpoint-reconciler-type=none", // a loopback address is no valid endpoint
		"--tls-cert-file=" + file("apiserver.crt"),
		"--tls-private-key-file=" + file("apiserver.key"),
		"--client-ca-file=" + file("ca.crt"),
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--service-cluster-ip-range=" + s.ServiceCIDR.String(),
		"--service-account-issuer=" + s.Issuer,
		"--service-account-signing-key-file=" + file("sa.key"),
		"--service-account-key-file=" + file("sa.pub"),
		"--requestheader-client-ca-file=" + file("ca.crt"),
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + file("front-proxy-client.crt"),
		"--proxy-client-key-file=" + file("front-proxy-client.key"),
		"--kubelet-certificate-authority=" + file("ca.crt"),
		"--kubelet-client-certificate=" + file("kubelet-client.crt"),
		"--kubelet-client-key=" + file("kubelet-client.key"),
		"--egress-selector-config-file=" + s.Egress,
		"--allow-privileged=true",
		"--anonymous-auth=true",
		"--shutdown-delay-duration=0s",
		"--profiling=false",
	}
	if s.Webhook != "" {
		args = append(args,
			"--authentication-token-webhook-config-file="+s.Webhook,
			"--authentication-token-webhook-version=v1",
			"--authentication-token-webhook-cache-ttl=5s")
	}
	return args
}
