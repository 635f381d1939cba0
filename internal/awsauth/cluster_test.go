package awsauth

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// realCluster starts the embedded EKS, whose binary LOCALKUBE names, or skips
// the test: the stand-in's resource versions are only what we think an API
// server does.
func realCluster(tb testing.TB) kubernetes.Interface {
	tb.Helper()
	binary := os.Getenv("LOCALKUBE")
	if binary == "" {
		tb.Skip("LOCALKUBE does not name the embedded EKS (rehearsal/eks); this test needs a real API server")
	}
	dir, err := os.MkdirTemp("", "k-") //nolint:usetesting // t.TempDir() is too long for unix sockets
	if err != nil {
		tb.Fatal(err)
	}
	var log bytes.Buffer
	command := exec.Command(binary, "-dir", dir, "-nodes", "0", "-stop-on-stdin-eof")
	command.Stdout, command.Stderr = &log, &log
	input, err := command.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := command.Start(); err != nil {
		tb.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = command.Wait() }()
	tb.Cleanup(func() {
		_ = input.Close()
		<-ended
		_ = os.RemoveAll(dir)
	})
	for range time.Tick(50 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, "ready")); err == nil {
			break
		}
		select {
		case <-ended:
			tb.Fatalf("%s ended before it was ready\n%s", binary, log.String())
		default:
		}
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", filepath.Join(dir, "kubeconfig"))
	if err != nil {
		tb.Fatal(err)
	}
	cfg.QPS = -1
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return client
}

func TestRealCluster(t *testing.T) {
	client := realCluster(t)
	maps := client.CoreV1().ConfigMaps(Namespace)
	fetch := func(t *testing.T, name string) *core.ConfigMap {
		t.Helper()
		m, err := maps.Get(t.Context(), name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		m.ResourceVersion, m.ManagedFields = "", nil
		return m
	}

	t.Run("made, and gone again", func(t *testing.T) {
		s := newStore(t, client, "one")
		set(t, s, "added e6data-installer", installer)
		if got := fetch(t, Name); got == nil || got.Data[key] != mine {
			t.Errorf("aws-auth is %v", got)
		}
		remove(t, s, "removed e6data-installer")
		if a, b := fetch(t, Name), fetch(t, "e6data-aws-auth-one"); a != nil || b != nil {
			t.Errorf("left are %v, %v", a, b)
		}
	})

	t.Run("every shape", func(t *testing.T) {
		for file, text := range shapes(t) {
			base := filepath.Base(file)
			if strings.HasPrefix(base, "refused-") || strings.HasPrefix(base, "there-") {
				continue
			}
			_, err := maps.Create(t.Context(), &core.ConfigMap{
				ObjectMeta: metav1.ObjectMeta{Name: Name, Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"c": "d"}},
				Data:       map[string]string{key: text, "mapUsers": "- \r\n"}, BinaryData: map[string][]byte{"e": {0}},
			}, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			before := fetch(t, Name)
			s := newStore(t, client, "one")
			set(t, s, "added e6data-installer", installer)
			set(t, s, "kept e6data-installer", installer)
			remove(t, s, "removed e6data-installer")
			if diff := cmp.Diff(before, fetch(t, Name)); diff != "" {
				t.Errorf("%s (-before +after):\n%s", base, diff)
			}
			if err := maps.Delete(t.Context(), Name, metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	})

	t.Run("an old resource version is refused", func(t *testing.T) {
		s := newStore(t, client, "one")
		old, err := maps.Create(t.Context(), &core.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: Name}, Data: map[string]string{"mapUsers": "[]"}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		text := nodes
		if err := s.write(t.Context(), old, &text); err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{
			"a second write":       s.write(t.Context(), old, new("")),
			"to take the key away": s.write(t.Context(), old, nil),
			"to delete the map":    s.takeBack(t.Context(), &memory{made: madeConfigMap}, &core.ConfigMap{ObjectMeta: metav1.ObjectMeta{UID: old.UID, ResourceVersion: old.ResourceVersion}, Data: map[string]string{key: ""}}, ""),
			"to make it":           s.write(t.Context(), nil, new("")),
		} {
			if !contended(err) {
				t.Errorf("%s: error is %v, want a conflict", what, err)
			}
		}
		if got := fetch(t, Name); got.Data[key] != nodes {
			t.Errorf("mapRoles is %q", got.Data[key])
		}
		set(t, s, "added e6data-installer", installer)
		remove(t, s, "removed e6data-installer")
		if err := maps.Delete(t.Context(), Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	})
}
