package release_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"helm.sh/helm/v3/pkg/chart/loader"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/e6data/aws-quickstart/internal/chart"
	"github.com/e6data/aws-quickstart/internal/kube"
	"github.com/e6data/aws-quickstart/internal/kube/kubetest"
	"github.com/e6data/aws-quickstart/internal/release"
)

// The tests of this file need a real API server: the rehearsal's embedded EKS,
// whose binary LOCALKUBE names. One serves all tests of the package.
var localkube struct {
	once    sync.Once
	cluster *kube.Cluster
	err     error
	stop    func()
}

func TestMain(m *testing.M) {
	code := m.Run()
	if localkube.stop != nil {
		localkube.stop()
	}
	os.Exit(code)
}

// realCluster starts the embedded EKS, or skips the test.
func realCluster(tb testing.TB) (*kube.Cluster, kubernetes.Interface) {
	tb.Helper()
	binary := os.Getenv("LOCALKUBE")
	if binary == "" {
		tb.Skip("LOCALKUBE does not name the embedded EKS (rehearsal/eks); this test needs a real API server")
	}
	localkube.once.Do(func() { localkube.cluster, localkube.stop, localkube.err = kubetest.Start(binary, 2) })
	if localkube.err != nil {
		tb.Fatal(localkube.err)
	}
	client, err := kubernetes.NewForConfig(localkube.cluster.Config())
	if err != nil {
		tb.Fatal(err)
	}
	return localkube.cluster, client
}

// runner works on the real cluster with a short heartbeat.
func runner(tb testing.TB, cluster *kube.Cluster) *release.Runner {
	tb.Helper()
	r, err := release.NewRunner(cluster, release.Timing{Duration: 2 * time.Second, Renew: 500 * time.Millisecond})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// files is a chart's files by name. Chart.yaml may be left out.
type files map[string]string

// It is new at each call: Helm changes charts as it uses them.
func newChart(tb testing.TB, version string, in files) *chart.Chart {
	tb.Helper()
	all := []*loader.BufferedFile{{Name: "Chart.yaml", Data: fmt.Appendf(nil, "apiVersion: v2\nname: app\nversion: %s\nappVersion: '1'\n", version)}}
	digest := version
	for file, text := range in {
		all = append(all, &loader.BufferedFile{Name: file, Data: []byte(text)})
	}
	loaded, err := loader.LoadFiles(all)
	if err != nil {
		tb.Fatal(err)
	}
	return &chart.Chart{Helm: loaded, Digest: digest}
}

func dynamicClient(tb testing.TB, cluster *kube.Cluster) dynamic.Interface {
	tb.Helper()
	client, err := dynamic.NewForConfig(cluster.Config())
	if err != nil {
		tb.Fatal(err)
	}
	return client
}

// waitFor polls until the condition holds.
func waitFor(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	ctx := withDeadline(tb, 30*time.Second)
	for range time.Tick(50 * time.Millisecond) {
		if holds() {
			return
		}
		if ctx.Err() != nil {
			tb.Fatalf("waited in vain for %s", what)
		}
	}
}

func withDeadline(tb testing.TB, d time.Duration) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), d)
	tb.Cleanup(cancel)
	return ctx
}

func contains(tb testing.TB, text string, parts ...string) {
	tb.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			tb.Errorf("%q is missing in:\n%s", p, text)
		}
	}
}
