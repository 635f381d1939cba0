// Package rehearsal runs the quickstart with no AWS account: an embedded AWS
// (rehearsal/aws) with IAM enforced, and for each EKS cluster an embedded
// Kubernetes control plane (rehearsal/eks). Everything listens on loopback.
//
// An Environment is one such AWS. Its clients carry a fixed loopback endpoint
// and made-up credentials: no profile, credentials file, instance metadata or
// environment variable of the caller is read, so a rehearsal cannot reach a
// real account.
package rehearsal

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Config says where the built parts are and how the environment behaves.
type Config struct {
	// Python is the interpreter of the virtual environment that has MiniStack
	// (rehearsal/aws/requirements.txt).
	Python string
	// Localkube is the built embedded Kubernetes (rehearsal/eks).
	Localkube string
	// Launcher is the path of rehearsal/aws/launch.py.
	Launcher string
	// Karpenter is the built controller of Karpenter (rehearsal/karpenter),
	// Controllers the built stand-ins for the load balancer controller and the
	// EBS CSI driver (rehearsal/controllers). The cluster's nodes run them for
	// pods that have their images.
	Karpenter, Controllers string
	// Region is the AWS region played; empty means us-east-1.
	Region string
	// Order is the order in which independent resources are made: empty (the
	// engine's), "custom-first", or a number that seeds a shuffle.
	Order string
	// StateDir holds everything the environment writes; empty means a new
	// temporary directory. Unix sockets lie in it, so its path must be short.
	StateDir string
	// Port is the port to listen on; 0 means any free one.
	Port int
	// NewAccount leaves the account with the quotas that AWS gives to a new one;
	// otherwise it has asked for more.
	NewAccount bool
	// Keep leaves the state directory when the environment stops.
	Keep bool
}

// maxStateDir leaves room for CLUSTER-xxxxxxxx/egress.sock within the 107
// bytes that a Unix socket's path may have (unix(7)).
const maxStateDir = 60

// startTimeout is generous: a start takes under a second on an idle machine.
const startTimeout = 60 * time.Second

// Environment is a running embedded AWS.
type Environment struct {
	Config
	// Endpoint is the URL of every AWS service, https on 127.0.0.1.
	Endpoint string

	roots   []byte // PEM of the certificate that Endpoint presents
	cmd     *exec.Cmd
	stdin   io.Closer
	exited  chan struct{}
	exitErr error
	stop    sync.Once
	stopErr error
}

// Start starts an embedded AWS and returns when it answers. Stop must be
// called; if this process dies before that, the children end by themselves,
// since their standard input ends.
//
// The error names the missing part, or quotes the last lines of the embedded
// AWS's log.
func Start(ctx context.Context, c Config) (*Environment, error) {
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	for what, file := range map[string]string{"Python interpreter": c.Python, "embedded Kubernetes": c.Localkube, "launcher": c.Launcher} {
		if _, err := os.Stat(file); err != nil {
			return nil, fmt.Errorf("the rehearsal's %s is missing (%q): run it through make, which builds what it needs", what, file)
		}
	}
	if c.StateDir == "" {
		dir, err := os.MkdirTemp("", "qs-")
		if err != nil {
			return nil, fmt.Errorf("make the state directory: %w", err)
		}
		c.StateDir = dir
	}
	// It is removed in the end, so it must hold nothing of anybody else's.
	if files, err := os.ReadDir(c.StateDir); err == nil && len(files) > 0 {
		return nil, fmt.Errorf("state folder %q is not empty: give one that is, or that is not there", c.StateDir)
	}
	e := &Environment{Config: c, exited: make(chan struct{})}
	if err := e.start(ctx); err != nil {
		return nil, errors.Join(err, e.Stop())
	}
	return e, nil
}

func (e *Environment) start(ctx context.Context) error {
	if len(e.StateDir) > maxStateDir {
		return fmt.Errorf("state directory %q is longer than %d characters: Unix sockets in it could not be opened; set TMPDIR to a shorter path", e.StateDir, maxStateDir)
	}
	if err := os.MkdirAll(e.file("tmp"), 0o700); err != nil {
		return err
	}
	if err := enoughSpace(e.StateDir); err != nil {
		return err
	}
	cert, err := writeCertificate(e.StateDir)
	if err != nil {
		return fmt.Errorf("make the certificate: %w", err)
	}
	e.roots = cert
	port, err := freePort(ctx, e.Port)
	if err != nil {
		return err
	}
	e.Endpoint = "https://127.0.0.1:" + strconv.Itoa(port)
	log, err := os.Create(e.file("aws.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	// Not CommandContext: on cancellation Stop asks the launcher to end first,
	// so that its own children end too.
	e.cmd = exec.Command(e.Python, e.Launcher) //nolint:gosec,noctx // the interpreter and script that this project's Makefile installs
	e.cmd.Env = e.environ(port)
	e.cmd.Dir = e.StateDir
	e.cmd.Stdout, e.cmd.Stderr = log, log
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C reaches us alone; we stop it in order
	if e.stdin, err = e.cmd.StdinPipe(); err != nil {
		return err
	}
	if err := e.cmd.Start(); err != nil {
		e.cmd = nil
		return fmt.Errorf("start the embedded AWS: %w", err)
	}
	go func() { e.exitErr = e.cmd.Wait(); close(e.exited) }()
	if err := e.waitHealthy(ctx); err != nil || e.NewAccount {
		return err
	}
	return e.raiseQuotas(ctx)
}

// environ is all that the embedded AWS, its functions and its clusters see.
func (e *Environment) environ(port int) []string {
	cert, key := e.file("tls.crt"), e.file("tls.key")
	return []string{
		"PATH=" + os.Getenv("PATH"), //nolint:forbidigo // functions of the rehearsal's tests may be scripts
		"HOME=" + e.StateDir, "TMPDIR=" + e.file("tmp"),
		"GATEWAY_PORT=" + strconv.Itoa(port), "BIND_HOST=127.0.0.1", "MINISTACK_HOST=127.0.0.1", "MINISTACK_REGION=" + e.Region,
		"AUTH=true", "USE_SSL=1", "MINISTACK_SSL_CERT=" + cert, "MINISTACK_SSL_KEY=" + key,
		"SSL_CERT_FILE=" + cert, "AWS_CA_BUNDLE=" + cert,
		"AWS_ENDPOINT_URL=" + e.Endpoint, "AWS_REGION=" + e.Region, "AWS_DEFAULT_REGION=" + e.Region,
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true",
		"REHEARSAL_STATE=" + e.StateDir, "REHEARSAL_LOCALKUBE=" + e.Localkube,
		"REHEARSAL_KARPENTER=" + e.Karpenter, "REHEARSAL_CONTROLLERS=" + e.Controllers,
		"REHEARSAL_ORDER=" + e.Order, "REHEARSAL_STOP_ON_EOF=1",
		// CoreDNS's disruption budget lets nobody drain the last nodes: EKS
		// gives up after five minutes, this after five seconds.
		"REHEARSAL_DRAIN_SECONDS=5",
		"PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1",
	}
}

func (e *Environment) waitHealthy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	client := e.httpClient()
	defer client.CloseIdleConnections()
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		select {
		case <-e.exited:
			return struct{}{}, backoff.Permanent(fmt.Errorf("the embedded AWS ended: %w\n%s", e.exitErr, e.LogTail(15)))
		default:
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.Endpoint+"/_ministack/health", http.NoBody)
		if err != nil {
			return struct{}{}, backoff.Permanent(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			return struct{}{}, err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return struct{}{}, fmt.Errorf("health: %s", resp.Status)
		}
		return struct{}{}, nil
	}, backoff.WithBackOff(backoff.NewConstantBackOff(30*time.Millisecond)))
	if err != nil {
		return fmt.Errorf("start the embedded AWS at %s: %w", e.Endpoint, err)
	}
	return nil
}

// Stop ends the embedded AWS with all its functions and clusters, and removes
// the state directory unless Keep is set. It may be called more than once.
func (e *Environment) Stop() error {
	e.stop.Do(func() {
		if e.cmd != nil {
			e.stopErr = e.stopProcess()
		}
		if !e.Keep {
			e.stopErr = errors.Join(e.stopErr, os.RemoveAll(e.StateDir))
		}
	})
	return e.stopErr
}

func (e *Environment) stopProcess() error {
	defer e.stdin.Close()
	_ = e.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-e.exited:
	case <-time.After(20 * time.Second):
		// The whole group: nothing may outlive a rehearsal.
		_ = syscall.Kill(-e.cmd.Process.Pid, syscall.SIGKILL)
		<-e.exited
		return errors.New("the embedded AWS did not stop within 20s and was killed")
	}
	_ = syscall.Kill(-e.cmd.Process.Pid, syscall.SIGKILL)
	return nil
}

// Exited is closed when the embedded AWS has ended.
func (e *Environment) Exited() <-chan struct{} { return e.exited }

// LogTail returns the last n lines of the embedded AWS's log.
func (e *Environment) LogTail(n int) string {
	text, err := os.ReadFile(e.file("aws.log"))
	if err != nil {
		return err.Error()
	}
	var lines []string
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		lines = append(lines, s.Text())
	}
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

func (e *Environment) file(name string) string { return filepath.Join(e.StateDir, name) }

// freePort returns the wanted port if nothing listens on it, and any free one
// for 0.
func freePort(ctx context.Context, wanted int) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:"+strconv.Itoa(wanted))
	if err != nil && wanted != 0 {
		return 0, fmt.Errorf("port %d cannot be used: %w; choose another, or none for any free one", wanted, errors.Unwrap(err))
	}
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// neededSpace is what one environment may write: a cluster's store and logs,
// and the unpacked functions.
const neededSpace = 512 << 20

func enoughSpace(dir string) error {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return fmt.Errorf("ask for the disk space of %s: %w", dir, err)
	}
	if free := int64(fs.Bavail) * int64(fs.Bsize); free < neededSpace { //nolint:gosec,unconvert // the fields' types differ between systems
		return fmt.Errorf("disk space: %d MiB are free at %s, a rehearsal needs %d", free>>20, dir, neededSpace>>20)
	}
	return nil
}

// Attach returns the environment whose state folder this is and that answers
// at the endpoint; another process runs it, so Stop must not be called.
func Attach(stateDir, endpoint, region string) (*Environment, error) {
	if err := RequireLoopback("the environment's endpoint", endpoint); err != nil {
		return nil, err
	}
	roots, err := os.ReadFile(filepath.Join(stateDir, "tls.crt"))
	if err != nil {
		return nil, fmt.Errorf("read the environment's certificate: %w", err)
	}
	return &Environment{Config: Config{StateDir: stateDir, Region: region}, Endpoint: endpoint, roots: roots}, nil
}

// RequireLoopback refuses an endpoint that is not on this machine. What names
// the place where it was set.
func RequireLoopback(what, endpoint string) error {
	u, err := url.Parse(endpoint)
	if err == nil && (u.Hostname() == "127.0.0.1" || u.Hostname() == "localhost" || u.Hostname() == "::1") {
		return nil
	}
	return fmt.Errorf("%s is %q, which is not on this machine: a rehearsal reaches nothing else", what, endpoint)
}
