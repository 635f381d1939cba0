// Package controlplane runs etcd and Kubernetes' own control plane processes
// inside this one: each from its options and its Run function, since their
// commands set process-wide things (signal handlers, logging) and can't share.
package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

const (
	etcdStart     = 30 * time.Second
	etcdQuota     = 1 << 30 // bytes
	etcdSlow      = 300 * time.Millisecond
	etcdTick      = 10  // milliseconds
	etcdElection  = 100 // milliseconds; the only member elects itself at once
	clientSocket  = "etcd.sock"
	peerSocket    = "peer.sock"
	socketPathMax = 107 // bytes, the kernel's limit of a unix socket's path
)

// CheckDir tells whether unix sockets can be made in dir.
func CheckDir(dir string) error {
	if n := len(filepath.Join(dir, "egress.sock")); n > socketPathMax {
		return fmt.Errorf("state directory %s: its sockets' paths would have %d bytes, the limit is %d: choose a shorter one", dir, n, socketPathMax)
	}
	return nil
}

// StartEtcd starts a single-member etcd with its data and unix sockets in dir,
// and waits until it serves. Without sync it never calls fsync: fast, and right
// for a cluster that nobody needs after the machine has crashed.
func StartEtcd(ctx context.Context, dir string, sync bool) (*embed.Etcd, error) {
	cfg := embed.NewConfig()
	cfg.Dir = filepath.Join(dir, "etcd")
	cfg.Logger = "zap"
	cfg.LogOutputs = []string{filepath.Join(dir, "etcd.log")}
	cfg.LogLevel = "warn"
	cfg.UnsafeNoFsync = !sync
	cfg.TickMs, cfg.ElectionMs = etcdTick, etcdElection
	cfg.WarningUnaryRequestDuration = etcdSlow
	cfg.QuotaBackendBytes = etcdQuota
	cfg.AutoCompactionMode, cfg.AutoCompactionRetention = "periodic", "10m"
	cfg.ListenClientUrls = []url.URL{socketURL(dir, clientSocket)}
	cfg.ListenPeerUrls = []url.URL{socketURL(dir, peerSocket)}
	// Advertised URLs must be host:port, but nobody dials them: there is one member.
	cfg.AdvertiseClientUrls = []url.URL{{Scheme: "http", Host: "127.0.0.1:2379"}}
	cfg.AdvertisePeerUrls = []url.URL{{Scheme: "http", Host: "127.0.0.1:2380"}}
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	e, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, fmt.Errorf("start etcd in %s: %w", cfg.Dir, err)
	}
	ctx, cancel := context.WithTimeout(ctx, etcdStart)
	defer cancel()
	select {
	case <-e.Server.ReadyNotify():
		return e, nil
	case err := <-e.Err():
		return nil, fmt.Errorf("start etcd in %s: %w", cfg.Dir, err)
	case <-ctx.Done():
		e.Close()
		return nil, errors.Join(fmt.Errorf("etcd in %s does not serve after %s; see etcd.log there", cfg.Dir, etcdStart), context.Cause(ctx))
	}
}

func socketURL(dir, name string) url.URL {
	return url.URL{Scheme: "unix", Path: filepath.Join(dir, name)}
}
