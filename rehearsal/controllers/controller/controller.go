// Package controller has what the stand-in controllers share: a client, leader
// election, probes, a work queue, and a recorder of events.
package controller

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/tools/record"
)

// The defaults of controller-runtime and of the CSI sidecars.
const (
	leaseDuration = 15 * time.Second
	renewDeadline = 10 * time.Second
	retryPeriod   = 2 * time.Second

	probeTimeout = 5 * time.Second
	requests     = 200 // per second: the cluster is on this machine
)

// Connect reads a kubeconfig file.
func Connect(kubeconfig string) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	config.QPS, config.Burst = requests, requests
	return config, nil
}

// Program is a controller of which one replica acts at a time.
type Program struct {
	Lease  string // name of the Lease that its replicas compete for
	Probes string // port of /healthz and /readyz on 127.0.0.1
	Lead   func(ctx context.Context) error
}

// Run serves the probes and calls Lead while this process holds the Lease. It
// returns when ctx ends, and with an error when the Lease is lost: as the real
// programs it then has to start anew.
func (p Program) Run(ctx context.Context, config *rest.Config) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("kubernetes client: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if err := serveProbes(ctx, p.Probes); err != nil {
		return err
	}
	var failure error
	host, _ := os.Hostname()
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: namespace(config), Name: p.Lease},
			Client:     client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: host + "_" + string(uuid.NewUUID())},
		},
		LeaseDuration: leaseDuration, RenewDeadline: renewDeadline, RetryPeriod: retryPeriod,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) {
				slog.InfoContext(ctx, "became leader", "lease", p.Lease)
				failure = p.Lead(ctx)
				stop()
			},
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return fmt.Errorf("leader election: %w", err)
	}
	elector.Run(ctx)
	if ctx.Err() == nil {
		return errors.New("leader election lost")
	}
	return failure
}

// namespace is that of the service account whose token config has, where the
// real programs keep their Lease.
func namespace(config *rest.Config) string {
	token := config.BearerToken
	if config.BearerTokenFile != "" {
		content, err := os.ReadFile(config.BearerTokenFile)
		if err != nil {
			return metav1.NamespaceSystem
		}
		token = string(content)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return metav1.NamespaceSystem
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return metav1.NamespaceSystem
	}
	var claims struct{ Sub string }
	if json.Unmarshal(payload, &claims) != nil {
		return metav1.NamespaceSystem
	}
	if names := strings.Split(claims.Sub, ":"); len(names) == 4 { // system:serviceaccount:NAMESPACE:NAME
		return names[2]
	}
	return metav1.NamespaceSystem
}

func serveProbes(ctx context.Context, port string) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return fmt.Errorf("probes: %w", err)
	}
	mux := http.NewServeMux()
	well := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }
	mux.HandleFunc("/healthz", well)
	mux.HandleFunc("/readyz", well)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: probeTimeout}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	go func() { _ = server.Serve(listener) }()
	return nil
}

// Recorder writes events of a component until ctx ends.
func Recorder(ctx context.Context, client kubernetes.Interface, component string) record.EventRecorder {
	broadcaster := record.NewBroadcaster(record.WithContext(ctx))
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: client.CoreV1().Events("")})
	return broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: component})
}

// RunAll runs queues until ctx ends.
func RunAll(ctx context.Context, queues ...*Queue) {
	var all sync.WaitGroup
	for _, queue := range queues {
		all.Go(func() { queue.run(ctx) })
	}
	all.Wait()
}
