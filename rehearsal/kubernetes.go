package rehearsal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/smithy-go"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

func isCode(err error, code string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == code
}

// objectsLeft are the Kubernetes objects that clusters still had when they were
// deleted and had not when they started. A cluster's end hides what a release
// forgot; an existing cluster of a customer would keep it.
func (e *Environment) objectsLeft() ([]Item, error) {
	logs, err := filepath.Glob(e.file("clusters/*.log"))
	if err != nil {
		return nil, err
	}
	var items []Item
	for _, log := range logs {
		// Each cluster that ended has a log; without a list of what it had left
		// it was killed or crashed, and nobody knows.
		file := strings.TrimSuffix(log, ".log") + ".left.json"
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("what cluster %s had left is not known: %w", strings.TrimSuffix(filepath.Base(log), ".log"), err)
		}
		var objects []struct{ Kind, Namespace, Name string }
		if err := json.Unmarshal(text, &objects); err != nil {
			return nil, fmt.Errorf("read %s: %w", filepath.Base(file), err)
		}
		cluster := strings.TrimSuffix(filepath.Base(file), ".left.json")
		for _, o := range objects {
			items = append(items, Item{"Kubernetes " + o.Kind, strings.Join(slices.DeleteFunc([]string{cluster, o.Namespace, o.Name}, func(s string) bool { return s == "" }), "/")})
		}
	}
	return items, nil
}

// Kubeconfig is the path of a running cluster's kubeconfig with all rights,
// independent of the cluster's access entries.
func (e *Environment) Kubeconfig(cluster string) (string, error) {
	files, err := filepath.Glob(e.file(cluster[:min(20, len(cluster))] + "-*/kubeconfig"))
	if err != nil {
		return "", err
	}
	if len(files) != 1 {
		return "", fmt.Errorf("cluster %s: found %d running clusters of that name", cluster, len(files))
	}
	return files[0], nil
}

// AdminConfig is the configuration of a Kubernetes client with all rights on a
// running cluster, independent of its access entries.
func (e *Environment) AdminConfig(cluster string) (*rest.Config, error) {
	file, err := e.Kubeconfig(cluster)
	if err != nil {
		return nil, err
	}
	c, err := clientcmd.BuildConfigFromFlags("", file)
	if err != nil {
		return nil, fmt.Errorf("cluster %s: %w", cluster, err)
	}
	c.QPS, c.Burst = -1, -1
	return c, nil
}

// kube is a client with all rights on a running cluster.
func (e *Environment) kube(cluster string) (*kubernetes.Clientset, error) {
	c, err := e.AdminConfig(cluster)
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(c)
}

// Release is one Helm release as its storage on the cluster shows it.
type Release struct {
	Name, Namespace, Status string
	Revision                int
}

// Releases lists the newest revision of every Helm release on a cluster, from
// the labels of Helm's own Secrets.
func (e *Environment) Releases(ctx context.Context, cluster string) ([]Release, error) {
	kube, err := e.kube(cluster)
	if err != nil {
		return nil, err
	}
	secrets, err := kube.CoreV1().Secrets("").List(ctx, metav1.ListOptions{LabelSelector: "owner=helm"})
	if err != nil {
		return nil, fmt.Errorf("list the releases of %s: %w", cluster, err)
	}
	newest := map[string]Release{}
	for _, s := range secrets.Items {
		revision, err := strconv.Atoi(s.Labels["version"])
		if err != nil {
			return nil, fmt.Errorf("release secret %s/%s: revision %q", s.Namespace, s.Name, s.Labels["version"])
		}
		key := s.Namespace + "/" + s.Labels["name"]
		if revision > newest[key].Revision {
			newest[key] = Release{Name: s.Labels["name"], Namespace: s.Namespace, Status: s.Labels["status"], Revision: revision}
		}
	}
	var all []Release
	for _, r := range newest {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b Release) int { return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name) })
	return all, nil
}
