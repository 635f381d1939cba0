package rehearsal

import (
	"context"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6data/aws-quickstart/internal/release"
)

// Trouble is something on a cluster that may explain why a release failed: a
// pod that is not ready, or a warning.
type Trouble struct{ Cluster, Kind, Object, Text string }

// Troubles lists the pods that are not ready and the warnings of every running
// cluster, at most a few of each. It is asked when something has failed, so
// what cannot be read is left out.
func (e *Environment) Troubles(ctx context.Context) []Trouble {
	clusters, err := listClusters(ctx, e.Clients())
	if err != nil {
		return nil
	}
	var all []Trouble
	for _, cluster := range clusters {
		kube, err := e.kube(cluster)
		if err != nil {
			continue
		}
		if pods, err := kube.CoreV1().Pods("").List(ctx, metav1.ListOptions{}); err == nil {
			all = append(all, podTroubles(cluster, pods.Items)...)
		}
		if events, err := kube.CoreV1().Events("").List(ctx, metav1.ListOptions{FieldSelector: "type=" + corev1.EventTypeWarning}); err == nil {
			all = append(all, warningTroubles(cluster, events.Items)...)
		}
	}
	return all
}

// mostTroubles keeps a report readable: many pods fail for one cause.
const mostTroubles = 20

func podTroubles(cluster string, pods []corev1.Pod) (all []Trouble) {
	for i := range pods {
		if what, _, _, ok := release.PodTrouble(&pods[i]); ok && len(all) < mostTroubles {
			all = append(all, Trouble{cluster, "Pod", pods[i].Namespace + "/" + pods[i].Name, what})
		}
	}
	return all
}

func warningTroubles(cluster string, events []corev1.Event) (all []Trouble) {
	for i := range events {
		o := events[i].InvolvedObject
		t := Trouble{cluster, "Event", strings.TrimPrefix(o.Kind+" "+o.Namespace+"/"+o.Name, " "), events[i].Reason + ": " + events[i].Message}
		if !slices.Contains(all, t) && len(all) < mostTroubles {
			all = append(all, t)
		}
	}
	return all
}
