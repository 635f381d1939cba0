package tests

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	startLimit = 30 * time.Second // 2.5 s on an idle machine
	stopLimit  = 10 * time.Second // 0.1 s on an idle machine
	waitLimit  = 20 * time.Second
	poll       = 50 * time.Millisecond
	noBinary   = "LOCALKUBE is not set: it names the built localkube binary (make builds it)"
)

// shared is one cluster for the tests that need not be alone in it.
var shared *localkube

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == programArgument {
		os.Exit(beProgram(os.Args[2:]))
	}
	code, err := runShared(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "shared cluster:", err)
		code = 1
	}
	os.Exit(code)
}

// runShared runs the tests beside the shared cluster. Without a binary there is
// none, and they skip themselves.
func runShared(m *testing.M) (int, error) {
	binary := os.Getenv("LOCALKUBE")
	if binary == "" {
		return m.Run(), nil
	}
	dir, err := os.MkdirTemp("", "lk-")
	if err != nil {
		return 0, err
	}
	if shared, err = start(context.Background(), binary, dir); err != nil {
		return 0, err
	}
	code := m.Run()
	return code, errors.Join(shared.stop(), os.RemoveAll(dir))
}

// localkube is a running cluster.
type localkube struct {
	dir    string
	config *rest.Config
	client kubernetes.Interface

	cmd   *exec.Cmd
	stdin io.Closer
	out   *bytes.Buffer
	ended chan error
}

// start starts the binary with its state in dir and waits until it is ready. It has
// two nodes unless the args say otherwise.
func start(ctx context.Context, binary, dir string, args ...string) (*localkube, error) {
	l := &localkube{dir: dir, out: &bytes.Buffer{}, ended: make(chan error, 1)}
	l.cmd = exec.Command(binary, append([]string{"-dir", dir, "-stop-on-stdin-eof", "-nodes", "2"}, args...)...)
	l.cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=111122223333", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true")
	l.cmd.Stdout, l.cmd.Stderr = l.out, l.out
	var err error
	if l.stdin, err = l.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := l.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { l.ended <- l.cmd.Wait() }()
	err = wait.PollUntilContextTimeout(ctx, poll, startLimit, true, func(context.Context) (bool, error) {
		select {
		case err := <-l.ended:
			l.ended <- err
			return false, fmt.Errorf("localkube ended early: %w\n%s", err, l.out)
		default:
		}
		_, err := os.Stat(filepath.Join(dir, "ready"))
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		return nil, fmt.Errorf("not ready: %w", errors.Join(err, l.stop()))
	}
	if l.config, err = clientcmd.BuildConfigFromFlags("", filepath.Join(dir, "kubeconfig")); err != nil {
		return nil, err
	}
	l.config.QPS = -1
	l.client, err = kubernetes.NewForConfig(l.config)
	return l, err
}

// stop ends the cluster's standard input and waits until it has stopped.
func (l *localkube) stop() error {
	_ = l.stdin.Close()
	select {
	case err := <-l.ended:
		l.ended <- err
		if err != nil {
			return fmt.Errorf("localkube: %w\n%s", err, l.out)
		}
		return nil
	case <-time.After(stopLimit):
		return errors.Join(fmt.Errorf("localkube runs %s after the end of its standard input", stopLimit), l.cmd.Process.Kill())
	}
}

// left gives what a stopped cluster's left.json says, as KIND NAMESPACE/NAME.
func (l *localkube) left(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(l.dir, "left.json"))
	if err != nil {
		t.Fatal(err)
	}
	var objects []struct{ APIVersion, Kind, Namespace, Name string }
	if err := json.Unmarshal(b, &objects); err != nil {
		t.Fatalf("left.json: %v\n%s", err, b)
	}
	found := []string{}
	for _, o := range objects {
		found = append(found, strings.Join([]string{o.APIVersion, o.Kind, o.Namespace + "/" + o.Name}, " "))
	}
	return found
}

// own starts a cluster that the test has for itself.
func own(t *testing.T, args ...string) *localkube {
	t.Helper()
	binary := os.Getenv("LOCALKUBE")
	if binary == "" {
		t.Skip(noBinary)
	}
	dir, err := os.MkdirTemp("", "lk-") //nolint:usetesting // t.TempDir() is too long for unix sockets
	if err != nil {
		t.Fatal(err)
	}
	l, err := start(t.Context(), binary, dir, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(l.stop(), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	return l
}

// eventually waits until check gives no error, and fails the test with its last one.
func eventually(t *testing.T, what string, check func(context.Context) error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), poll, waitLimit, true, func(ctx context.Context) (bool, error) {
		last = check(ctx)
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("%s: not within %s: %v", what, waitLimit, last)
	}
}
