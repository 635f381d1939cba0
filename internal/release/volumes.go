package release

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// volumesGo waits until the volumes are gone that claims in a namespace, which is
// gone, had. Their driver deletes them after the claims, as long as it runs.
func (w *run) volumesGo(ctx context.Context, namespace string) error {
	stop := time.Now().Add(budget(ctx, w.timeout))
	for {
		all, err := w.kube.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return fmt.Errorf("look for volumes of namespace %s: %w", namespace, err)
		}
		left := leftBy(namespace, all.Items)
		if len(left) == 0 {
			return nil
		}
		if time.Now().After(stop) || !pause(ctx, 200*time.Millisecond) {
			return fmt.Errorf("namespace %s is gone, but not the volumes of its claims: %s. "+
				"Mend what keeps them, and delete the stack again; whoever deletes them by hand must delete the PersistentVolumes too",
				namespace, w.nameVolumes(ctx, left))
		}
	}
}

// leftBy are the volumes that claims in a namespace had and that are to be
// deleted with them.
func leftBy(namespace string, volumes []core.PersistentVolume) (left []core.PersistentVolume) {
	for i := range volumes {
		v := &volumes[i]
		if v.Spec.ClaimRef != nil && v.Spec.ClaimRef.Namespace == namespace && v.Spec.PersistentVolumeReclaimPolicy == core.PersistentVolumeReclaimDelete {
			left = append(left, *v)
		}
	}
	return left
}

// nameVolumes says of each volume whose it was, and what its driver says of it.
func (w *run) nameVolumes(ctx context.Context, volumes []core.PersistentVolume) string {
	// Events about what is in no namespace are in this one. Without them the
	// names must do.
	events, err := w.kube.CoreV1().Events(metav1.NamespaceDefault).List(context.WithoutCancel(ctx), metav1.ListOptions{
		FieldSelector: "involvedObject.kind=PersistentVolume,type=" + core.EventTypeWarning,
	})
	said := map[string]core.Event{}
	if err == nil {
		for i := range events.Items {
			e := &events.Items[i]
			if last, ok := said[e.InvolvedObject.Name]; !ok || last.LastTimestamp.Before(&e.LastTimestamp) {
				said[e.InvolvedObject.Name] = *e
			}
		}
	}
	named := make([]string, 0, len(volumes))
	for i := range volumes {
		v := &volumes[i]
		text := fmt.Sprintf("%s of claim %s/%s (PersistentVolume %s)", handle(v), v.Spec.ClaimRef.Namespace, v.Spec.ClaimRef.Name, v.Name)
		if why := cmp.Or(said[v.Name].Message, v.Status.Message); why != "" {
			text += ": " + strings.TrimSpace(why)
		}
		named = append(named, text)
	}
	return strings.Join(named, "; ")
}

// handle is the name that a volume's driver knows it by.
func handle(v *core.PersistentVolume) string {
	if v.Spec.CSI == nil {
		return "the volume"
	}
	return "volume " + v.Spec.CSI.VolumeHandle
}
