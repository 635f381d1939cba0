package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"

	"github.com/e6data/aws-quickstart/rehearsal/eks/addons"
	"github.com/e6data/aws-quickstart/rehearsal/eks/cloud"
	"github.com/e6data/aws-quickstart/rehearsal/eks/controlplane"
	"github.com/e6data/aws-quickstart/rehearsal/eks/egress"
	"github.com/e6data/aws-quickstart/rehearsal/eks/iam"
	"github.com/e6data/aws-quickstart/rehearsal/eks/kubelet"
	"github.com/e6data/aws-quickstart/rehearsal/eks/leftover"
	"github.com/e6data/aws-quickstart/rehearsal/eks/options"
	"github.com/e6data/aws-quickstart/rehearsal/eks/pki"
	"github.com/e6data/aws-quickstart/rehearsal/eks/program"
)

const endLimit = 2 * time.Second

// errTold is why a cluster ends when it is told to stop.
var errTold = errors.New("told to stop")

// cluster is a cluster that is being played.
type cluster struct {
	options.Options
	version string // of Kubernetes, as components report it
	path    string // where programs find others, as PATH
	server  string // URL of the API server
	ca      *pki.Authority
	etcd    *embed.Etcd
	egress  *egress.Egress
	iam     *iam.Webhook // nil without an embedded AWS
	config  *rest.Config // the administrator's
	client  kubernetes.Interface
	report  *leftover.Report
	step    func(what string)
}

// run plays a cluster until ctx ends (then it gives no error) or a part of it
// fails. Programs find others in path. It reports its steps to out.
func run(ctx context.Context, o options.Options, path string, out io.Writer) error {
	began := time.Now()
	c := &cluster{
		Options: o, path: path,
		step: func(what string) { fmt.Fprintf(out, "%7.3fs %s\n", time.Since(began).Seconds(), what) },
	}
	debug.SetGCPercent(o.GCPercent)
	if err := c.prepare(ctx); err != nil {
		return err
	}
	defer klog.Flush()

	// The parts live longer than ctx: what is left is looked up before they stop.
	parts, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(errTold)
	starting, started := context.WithCancelCause(parts)
	told := context.AfterFunc(ctx, func() { started(errTold) })
	err := c.start(starting, parts, stop)
	told()
	if c.etcd != nil {
		defer c.etcd.Server.HardStop() // a graceful stop would wait for our own watches
	}
	if err != nil && ctx.Err() != nil { // told to stop before it was ready
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "server     %s\nkubeconfig %s\nlog        %s\n", c.server, c.file("kubeconfig"), c.file("localkube.log"))
	select {
	case <-parts.Done():
		return context.Cause(parts)
	case <-ctx.Done():
		return c.end(parts)
	}
}

// end writes down what is left in the cluster.
func (c *cluster) end(parts context.Context) error {
	c.step("stopping")
	_ = os.Remove(c.file("ready")) // it says no more than that nobody should connect
	ctx, cancel := context.WithTimeout(parts, endLimit)
	defer cancel()
	left, err := c.report.End(ctx, c.file("left.json"))
	if err != nil {
		return err
	}
	c.step(fmt.Sprintf("%d objects are left: see %s", len(left), c.file("left.json")))
	return nil
}

func (c *cluster) file(name string) string { return filepath.Join(c.Dir, name) }

// prepare makes the state directory and what the parts read from it.
func (c *cluster) prepare(ctx context.Context) (err error) {
	if c.version, err = controlplane.SetVersion(); err != nil {
		return err
	}
	if err := c.directory(); err != nil {
		return err
	}
	if err := logTo(c.file("localkube.log"), c.Verbosity); err != nil {
		return err
	}
	if c.Port == 0 {
		if c.Port, err = freePort(ctx); err != nil {
			return err
		}
	}
	c.server = fmt.Sprintf("https://127.0.0.1:%d", c.Port)
	if err := c.credentials(); err != nil {
		return err
	}
	c.step("certificates and kubeconfigs written")
	return nil
}

// directory makes the state directory, and removes from it what an earlier run
// told about its end.
func (c *cluster) directory() (err error) {
	if c.Dir == "" {
		if c.Dir, err = os.MkdirTemp("", "localkube-"); err != nil {
			return fmt.Errorf("make a state directory: %w", err)
		}
	}
	if c.Dir, err = filepath.Abs(c.Dir); err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	if err := controlplane.CheckDir(c.Dir); err != nil {
		return err
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return fmt.Errorf("make the state directory: %w", err)
	}
	for _, earlier := range []string{"ready", "left.json"} {
		if err := os.Remove(c.file(earlier)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove what an earlier run wrote: %w", err)
		}
	}
	return nil
}

// credentials makes the certificates, and clients with the administrator's.
func (c *cluster) credentials() (err error) {
	if c.ca, err = pki.Write(c.Dir, c.ServiceCIDR); err != nil {
		return err
	}
	if err := controlplane.WriteKubeconfigs(c.Dir, c.server); err != nil {
		return err
	}
	if c.config, err = clientcmd.BuildConfigFromFlags("", c.file("kubeconfig")); err != nil {
		return fmt.Errorf("read the kubeconfig back: %w", err)
	}
	c.config.QPS = -1 // no limit
	if c.client, err = kubernetes.NewForConfig(c.config); err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	return nil
}

// start starts everything, each part in parts, and waits until pods can run. It
// gives up when starting ends; a part that fails calls fail.
func (c *cluster) start(starting, parts context.Context, fail context.CancelCauseFunc) (err error) {
	if c.etcd, err = controlplane.StartEtcd(starting, c.Dir, c.Sync); err != nil {
		return err
	}
	c.step("etcd ready")
	api, err := c.apiServer(parts)
	if err != nil {
		return err
	}
	part := func(name string, run func() error) { // it must not end before parts does
		go func() { fail(cmp.Or(run(), fmt.Errorf("%s ended without an error", name))) }()
	}
	part("kube-apiserver", func() error { return api.Run(parts) })
	if err := controlplane.WaitAPIServer(starting, c.client); err != nil {
		return err
	}
	c.step("kube-apiserver ready")
	if c.iam != nil {
		if err := c.iam.Ready(parts); err != nil {
			return err
		}
	}
	part("kube-controller-manager", func() error { return controlplane.RunControllerManager(parts, c.Dir) })
	part("kube-scheduler", func() error { return controlplane.RunScheduler(parts, c.Dir) })
	if err := c.play(starting, parts); err != nil {
		return err
	}
	await := c.Nodes.Count
	if !c.SelfManaged { // nodes are not Ready before the add-ons vpc-cni and kube-proxy are made
		await = 0
	}
	if err := controlplane.WaitCluster(starting, c.client, await); err != nil {
		return err
	}
	if c.report, err = leftover.Begin(starting, c.config, c.file("baseline.json")); err != nil {
		return err
	}
	c.step(fmt.Sprintf("cluster ready: %d nodes, default service account", c.Nodes.Count))
	return writeFile(c.file("ready"), []byte(c.server+"\n"))
}

// apiServer starts what the API server connects to, and says how to run it.
func (c *cluster) apiServer(parts context.Context) (s controlplane.APIServer, err error) {
	s = controlplane.APIServer{Dir: c.Dir, Port: c.Port, ServiceCIDR: c.ServiceCIDR, Issuer: c.Issuer, Egress: c.file("egress.yaml")}
	if c.egress, err = egress.Start(parts, s.Egress, c.file("egress.sock")); err != nil {
		return s, err
	}
	if c.AWS.Endpoint == "" {
		return s, nil
	}
	aws, err := iam.NewEndpoint(c.AWS.Endpoint, c.AWS.CAFile, c.AWS.Region)
	if err != nil {
		return s, err
	}
	if c.iam, err = iam.Start(parts, c.file("kubeconfig"), c.config, c.AWS.Cluster, c.file("creator"), aws); err != nil {
		return s, err
	}
	s.Webhook = c.file("authn-webhook.kubeconfig")
	return s, controlplane.WriteWebhookConfig(s.Webhook, c.iam.URL)
}

// play starts what plays nodes, pods and load balancers.
func (c *cluster) play(starting, parts context.Context) error {
	var access cloud.Access // nil: there is no AWS to ask
	if c.iam != nil {
		access = c.iam
	}
	machines := cloud.NewMachines(c.config, c.client, access, c.Nodes)
	if c.iam != nil {
		c.iam.Instances(machines.Name)
	}
	k, err := kubelet.Start(parts, c.client, c.version, machines, program.Config{
		Programs: c.Programs, Dir: c.Dir, Server: c.server, Path: c.path,
		AWS: program.AWS{Endpoint: c.AWS.Endpoint, CAFile: c.AWS.CAFile, Region: c.AWS.Region},
	})
	if err != nil {
		return err
	}
	c.egress.Use(parts, c.client, k.Listen(parts, c.ca))
	if c.LoadBalancers {
		if err := cloud.PlayLoadBalancers(parts, c.client, c.Nodes.Region); err != nil {
			return err
		}
	}
	if err := c.addons(starting, parts); err != nil {
		return err
	}
	return machines.Start(parts, c.Dir)
}

// addons starts what plays add-ons. Those that are in the cluster from the start
// are made once: who deletes one wants it gone.
func (c *cluster) addons(starting, parts context.Context) error {
	of := addons.Cluster{Name: c.AWS.Cluster, Region: c.AWS.Region, ServiceCIDR: c.ServiceCIDR}
	a, err := addons.New(c.config, c.client, of, c.Dir)
	if err != nil {
		return err
	}
	_, err = os.Stat(c.file("baseline.json"))
	if c.SelfManaged && errors.Is(err, os.ErrNotExist) {
		if err := a.Bootstrap(starting); err != nil {
			return fmt.Errorf("make the self-managed add-ons: %w", err)
		}
	}
	return a.Start(parts, c.Dir)
}

func freePort(ctx context.Context) (int, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	a, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("find a free port: %s is no TCP address", l.Addr())
	}
	return a.Port, nil
}

// writeFile replaces a file at once, so that who waits for it reads all of it.
func writeFile(name string, b []byte) error {
	if err := os.WriteFile(name+".new", b, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
