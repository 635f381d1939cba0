// Package kubetest gives tests a real API server: the rehearsal's embedded EKS
// (rehearsal/eks), which make builds and whose binary LOCALKUBE names.
package kubetest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/e6data/aws-quickstart/internal/kube"
)

// Start runs the binary with a number of nodes, in the zones a, b, c in turn,
// and returns when the cluster can be used, with the rights of its
// administrator. The caller calls stop, which also removes the cluster's
// directory; the cluster ends with this process anyway.
func Start(binary string, nodes int) (cluster *kube.Cluster, stop func(), err error) {
	// etcd's socket paths end at 107 bytes, so no long temporary directory.
	dir, err := os.MkdirTemp("", "lk-")
	if err != nil {
		return nil, nil, err
	}
	var log bytes.Buffer
	command := exec.CommandContext(context.Background(), binary, "-dir", dir, "-nodes", strconv.Itoa(nodes), "-stop-on-stdin-eof") //nolint:gosec // the test's own binary
	command.Stdout, command.Stderr = &log, &log
	input, err := command.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := command.Start(); err != nil {
		return nil, nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	stop = func() {
		_ = input.Close()
		<-ended //nolint:errcheck // it was told to end
		_ = os.RemoveAll(dir)
	}
	for range time.Tick(50 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, "ready")); err == nil {
			break
		}
		select {
		case err := <-ended:
			return nil, nil, fmt.Errorf("%s ended before it was ready: %w\n%s", binary, err, log.String())
		default:
		}
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", filepath.Join(dir, "kubeconfig"))
	if err != nil {
		stop()
		return nil, nil, err
	}
	cfg.QPS = -1
	return kube.NewCluster("local", cfg), stop, nil
}
