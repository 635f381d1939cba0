package charts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/release"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	startLimit   = 60 * time.Second // 2.5 s on an idle machine
	stopLimit    = 20 * time.Second
	releaseLimit = 60 * time.Second // 2 to 6 s on an idle machine
)

// cluster is an embedded Kubernetes of one test.
type cluster struct {
	dir    string
	client kubernetes.Interface
	stop   func() error
}

// startCluster starts the binary that LOCALKUBE names.
func startCluster(t *testing.T) *cluster {
	t.Helper()
	binary := os.Getenv("LOCALKUBE")
	if binary == "" {
		t.Skip("LOCALKUBE is not set: it names the embedded Kubernetes' binary (make test builds it)")
	}
	dir, err := os.MkdirTemp("", "k-") //nolint:usetesting // t.TempDir() is too long for unix sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })

	cmd := exec.Command(binary, "-dir", dir, "-stop-on-stdin-eof", "-nodes", "2")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	c := &cluster{dir: dir}
	c.stop = func() error {
		_ = stdin.Close()
		select {
		case err := <-ended:
			ended <- nil
			return err
		case <-time.After(stopLimit):
			return errors.Join(fmt.Errorf("still running %s after the end of its input", stopLimit), cmd.Process.Kill())
		}
	}
	t.Cleanup(func() {
		if err := c.stop(); err != nil {
			t.Errorf("embedded Kubernetes: %v\n%s", err, &output)
		}
	})

	err = wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, startLimit, true, func(context.Context) (bool, error) {
		select {
		case err := <-ended:
			ended <- nil
			return false, fmt.Errorf("it ended early: %w\n%s", err, &output)
		default:
		}
		_, err := os.Stat(filepath.Join(dir, "ready"))
		return err == nil, nil
	})
	if err != nil {
		t.Fatalf("embedded Kubernetes is not ready: %v", err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", c.kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	if c.client, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *cluster) kubeconfig() string { return filepath.Join(c.dir, "kubeconfig") }

// helm is Helm, pointed at the release's namespace.
func (c *cluster) helm(t *testing.T, chart string) *action.Configuration {
	t.Helper()
	namespace, file := values[chart].namespace, c.kubeconfig()
	flags := genericclioptions.NewConfigFlags(false)
	flags.KubeConfig, flags.Namespace = &file, &namespace
	var helm action.Configuration
	if err := helm.Init(flags, namespace, "secret", func(string, ...any) {}); err != nil {
		t.Fatal(err)
	}
	return &helm
}

// install installs an archive as its release, and waits until it is ready.
func (c *cluster) install(t *testing.T, chart, archive, over string, limit time.Duration) error {
	t.Helper()
	loaded, err := loader.Load(archive)
	if err != nil {
		t.Fatal(err)
	}
	install := action.NewInstall(c.helm(t, chart))
	install.ReleaseName, install.Namespace, install.CreateNamespace = values[chart].release, values[chart].namespace, true
	install.Wait, install.WaitForJobs, install.Timeout = true, true, limit
	_, err = install.RunWithContext(t.Context(), loaded, valuesOf(t, chart, over))
	return err
}

// upgrade upgrades a release to an archive, and waits until it is ready.
func (c *cluster) upgrade(t *testing.T, chart, archive, over string) *release.Release {
	t.Helper()
	loaded, err := loader.Load(archive)
	if err != nil {
		t.Fatal(err)
	}
	upgrade := action.NewUpgrade(c.helm(t, chart))
	upgrade.Namespace, upgrade.Wait, upgrade.Timeout = values[chart].namespace, true, releaseLimit
	rel, err := upgrade.RunWithContext(t.Context(), values[chart].release, loaded, valuesOf(t, chart, over))
	if err != nil {
		t.Fatalf("upgrade %s: %v", chart, err)
	}
	return rel
}

func (c *cluster) uninstall(t *testing.T, chart string) {
	t.Helper()
	uninstall := action.NewUninstall(c.helm(t, chart))
	uninstall.Wait, uninstall.Timeout = true, releaseLimit
	if _, err := uninstall.Run(values[chart].release); err != nil {
		t.Errorf("uninstall %s: %v", chart, err)
	}
}

// left tells what was made in the cluster and is still there when it is
// stopped, as "Kind namespace/name".
func (c *cluster) left(t *testing.T) []string {
	t.Helper()
	if err := c.stop(); err != nil {
		t.Fatalf("stop the embedded Kubernetes: %v", err)
	}
	text, err := os.ReadFile(filepath.Join(c.dir, "left.json"))
	if err != nil {
		t.Fatal(err)
	}
	var objects []struct{ Kind, Namespace, Name string }
	if err := json.Unmarshal(text, &objects); err != nil {
		t.Fatal(err)
	}
	left := []string{}
	for _, o := range objects {
		left = append(left, o.Kind+" "+o.Namespace+"/"+o.Name)
	}
	slices.Sort(left)
	return left
}

// ready gives the ready replicas of a Deployment.
func (c *cluster) ready(t *testing.T, namespace, name string) int32 {
	t.Helper()
	d, err := c.client.AppsV1().Deployments(namespace).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return d.Status.ReadyReplicas
}

// anyNode takes the node selector away: the nodes here carry no workspace label.
const anyNode = `nodeSelector: {e6data-workspace-name: null}`

// listKarpenterObjects reads every type of Karpenter's once. The API server
// opens a type's storage at its first use; if that is the deletion of its
// definition, the deletion may rest until the next resync, minutes later, and
// Helm's own uninstall does not know what to do about that.
func (c *cluster) listKarpenterObjects(t *testing.T) {
	t.Helper()
	lists, err := c.client.Discovery().ServerPreferredResources()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lists {
		if !strings.Contains(l.GroupVersion, "karpenter") && !strings.HasPrefix(l.GroupVersion, "autoscaling.x-k8s.io/") {
			continue
		}
		for _, r := range l.APIResources {
			for c.client.Discovery().RESTClient().Get().AbsPath("/apis", l.GroupVersion, r.Name).Do(t.Context()).Error() != nil {
				time.Sleep(50 * time.Millisecond) // refused while the storage opens; the test's own limit ends this
			}
		}
	}
}

func TestChartsOnACluster(t *testing.T) {
	t.Parallel() // nearly all of it is waiting
	c := startCluster(t)
	archives := map[string]string{}
	for file, path := range packaged(t, Options{KarpenterCharts: karpenterCharts(t)}) {
		archives[file[:strings.LastIndex(file, "-")]] = path
	}

	// In the product's order; the second release is installed with a webhook of
	// the first on every Service.
	for _, r := range []struct{ chart, over string }{
		{KarpenterCRD, `{}`},
		{LoadBalancerController, `{enableServiceMutatorWebhook: true, ` + anyNode + `}`},
		{Karpenter, `{}`},
		{Workspace, `{rehearsal: {hook: {enabled: true}, deployment: {enabled: true}}}`},
	} {
		if err := c.install(t, r.chart, archives[r.chart], r.over, releaseLimit); err != nil {
			t.Fatalf("install %s: %v", r.chart, err)
		}
	}
	for name, want := range map[[2]string]int32{
		{"kube-system", "karpenter"}:                    2,
		{"kube-system", "aws-load-balancer-controller"}: 2,
		{"e6data", "acme"}:                              1,
	} {
		if got := c.ready(t, name[0], name[1]); got != want {
			t.Errorf("%s has %d ready pods, want %d", name, got, want)
		}
	}

	certificate := func() []byte {
		secret, err := c.client.CoreV1().Secrets("kube-system").Get(t.Context(), "aws-load-balancer-tls", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return secret.Data[corev1.TLSCertKey]
	}
	before := certificate()
	c.upgrade(t, LoadBalancerController, archives[LoadBalancerController], `{replicaCount: 1, `+anyNode+`}`)
	if !bytes.Equal(before, certificate()) {
		t.Error("an upgrade changed the webhook's certificate")
	}
	newer := only(t, Options{Charts: []string{Workspace}, Versions: map[string]string{Workspace: "2.1.13"}})
	rel := c.upgrade(t, Workspace, newer, `{rehearsal: {hook: {enabled: true}, deployment: {enabled: true, replicas: 3}}}`)
	if got := c.ready(t, "e6data", "acme"); got != 3 || rel.Chart.Metadata.Version != "2.1.13" {
		t.Errorf("after the upgrade %d pods of version %s are ready, want 3 of 2.1.13", got, rel.Chart.Metadata.Version)
	}

	c.listKarpenterObjects(t)
	for _, chart := range []string{Workspace, Karpenter, LoadBalancerController, KarpenterCRD} {
		c.uninstall(t, chart)
	}
	// Helm never removes a namespace, nor what a crds folder brought.
	want := []string{
		"CustomResourceDefinition /ingressclassparams.elbv2.k8s.aws",
		"CustomResourceDefinition /targetgroupbindings.elbv2.k8s.aws",
		"Namespace /e6data",
	}
	if diff := cmp.Diff(want, c.left(t)); diff != "" {
		t.Errorf("left on the cluster (-want +got):\n%s", diff)
	}
}

func TestFaultyWorkspaceIsNeverInstalled(t *testing.T) {
	t.Parallel() // nearly all of it is waiting
	c := startCluster(t)
	for name, part := range map[string]struct {
		name, fault string
		deployed    bool
	}{
		"pods never ready":      {"deployment", "NeverReady", true},
		"pods crash":            {"deployment", "CrashLoopBackOff", true},
		"image cannot be found": {"deployment", "ImagePullBackOff", true},
		"hook fails":            {"hook", "CrashLoopBackOff", false},
	} {
		t.Run(name, func(t *testing.T) {
			archive := only(t, Options{Charts: []string{Workspace}, Values: map[string]map[string]any{Workspace: {"rehearsal": map[string]any{
				part.name: map[string]any{"enabled": true, "podAnnotations": map[string]any{"rehearsal.e6data.com/fault": part.fault}},
			}}}})
			if err := c.install(t, Workspace, archive, `{}`, 3*time.Second); err == nil {
				t.Error("the release is installed")
			}
			if part.deployed {
				if got := c.ready(t, "e6data", "acme"); got != 0 {
					t.Errorf("%d pods are ready, want none", got)
				}
			} else if _, err := c.client.CoreV1().ServiceAccounts("e6data").Get(t.Context(), "acme", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
				t.Errorf("the release went on after its hook had failed: %v", err)
			}
			c.uninstall(t, Workspace)
		})
	}
}

func TestServicesAreRefusedWhileTheServiceMutatorIsDown(t *testing.T) {
	t.Parallel() // nearly all of it is waiting
	c := startCluster(t)
	archive := only(t, Options{Charts: []string{LoadBalancerController}})
	for _, tt := range []struct {
		mutator string
		refused bool
	}{{"true", true}, {"false", false}} {
		over := `{replicaCount: 0, enableServiceMutatorWebhook: ` + tt.mutator + `, ` + anyNode + `}`
		if err := c.install(t, LoadBalancerController, archive, over, releaseLimit); err != nil {
			t.Fatal(err)
		}
		service := &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{GenerateName: "any-"},
			Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
		}
		_, err := c.client.CoreV1().Services("default").Create(t.Context(), service, metav1.CreateOptions{})
		if refused := err != nil && strings.Contains(err.Error(), "mservice.elbv2.k8s.aws"); refused != tt.refused {
			t.Errorf("service mutator %s: a Service is refused: %t, want %t (%v)", tt.mutator, refused, tt.refused, err)
		}
		c.uninstall(t, LoadBalancerController)
	}
}
