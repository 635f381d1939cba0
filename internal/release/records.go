package release

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	clientcore "k8s.io/client-go/kubernetes/typed/core/v1"
)

// Record is what one revision of a release tells without its values, manifest
// and notes, in which there may be secrets.
type Record struct {
	Target
	Revision                                             int
	Status, Chart, ChartVersion, AppVersion, Description string
	Deployed                                             time.Time
	// Owner is the resource of a stack that it belongs to, as a person reads it.
	Owner string
}

// Records reads the records of all releases of a namespace, oldest revision
// first. Of all Secrets it reads those of Helm only (label owner=helm).
func Records(ctx context.Context, kube kubernetes.Interface, namespace string) ([]Record, error) {
	secrets := driver.NewSecrets(listing{kube.CoreV1().Secrets(namespace), func(client clientcore.SecretInterface, o metav1.ListOptions) (*core.SecretList, error) {
		return client.List(ctx, o)
	}})
	all, err := secrets.List(func(*helmrelease.Release) bool { return true })
	if err != nil {
		return nil, fmt.Errorf("read Helm's records in namespace %s: %w", namespace, err)
	}
	out := make([]Record, 0, len(all))
	for _, r := range all {
		rec := Record{Target: Target{Namespace: r.Namespace, Name: r.Name}, Revision: r.Version, Owner: ownerFrom(r.Labels).String()}
		if r.Info != nil {
			rec.Status, rec.Description, rec.Deployed = r.Info.Status.String(), r.Info.Description, r.Info.LastDeployed.Time
		}
		if r.Chart != nil && r.Chart.Metadata != nil {
			rec.Chart, rec.ChartVersion, rec.AppVersion = r.Chart.Metadata.Name, r.Chart.Metadata.Version, r.Chart.Metadata.AppVersion
		}
		out = append(out, rec)
	}
	slices.SortFunc(out, func(a, b Record) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Revision, b.Revision)) })
	return out, nil
}

// listing is a client of Secrets that lists under its own context: Helm's driver
// takes none.
type listing struct {
	clientcore.SecretInterface
	list func(clientcore.SecretInterface, metav1.ListOptions) (*core.SecretList, error)
}

// List lists, under the context of whoever made the client.
func (l listing) List(_ context.Context, o metav1.ListOptions) (*core.SecretList, error) {
	return l.list(l.SecretInterface, o)
}

// PodTrouble says what keeps a pod from being ready; ok is false if nothing
// does. Container is the one whose log tells more, empty if none does; previous
// tells that it is the log of its run before.
func PodTrouble(p *core.Pod) (what, container string, previous, ok bool) {
	t, ok := podTrouble(p)
	return t.what, t.container, t.previous, ok
}
