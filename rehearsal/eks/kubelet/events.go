package kubelet

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"
)

// event is what a kubelet tells about a container.
type event struct {
	kind      string // Normal or Warning
	reason    string
	message   string
	container string // empty: it is the pod's
}

func (s scene) normal(reason, message string) event {
	return event{corev1.EventTypeNormal, reason, message, s.first().Name}
}

func (s scene) warning(reason, message string) event {
	return event{corev1.EventTypeWarning, reason, message, s.first().Name}
}

// startEvents tell that the pod's containers have started.
func (s scene) startEvents() (events []event) {
	for i := range s.pod.Spec.Containers {
		ct := &s.pod.Spec.Containers[i]
		for _, e := range []event{
			{reason: "Pulled", message: fmt.Sprintf("Container image %q already present on machine", ct.Image)},
			{reason: "Created", message: "Container created"},
			{reason: "Started", message: "Container started"},
		} {
			e.kind, e.container = corev1.EventTypeNormal, ct.Name
			events = append(events, e)
		}
	}
	return events
}

// reporters record events, for each node under its name.
type reporters struct {
	broadcaster record.EventBroadcaster

	mu     sync.Mutex
	byNode map[string]record.EventRecorder
}

func newReporters(ctx context.Context, c kubernetes.Interface) *reporters {
	b := record.NewBroadcaster(record.WithContext(ctx))
	b.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: c.CoreV1().Events("")})
	return &reporters{broadcaster: b, byNode: map[string]record.EventRecorder{}}
}

func (r *reporters) report(p *corev1.Pod, events []event) {
	r.mu.Lock()
	rec, ok := r.byNode[p.Spec.NodeName]
	if !ok {
		rec = r.broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "kubelet", Host: p.Spec.NodeName})
		r.byNode[p.Spec.NodeName] = rec
	}
	r.mu.Unlock()
	for _, e := range events {
		of := &corev1.ObjectReference{APIVersion: "v1", Kind: "Pod", Namespace: p.Namespace, Name: p.Name, UID: p.UID, ResourceVersion: p.ResourceVersion}
		if e.container != "" {
			of.FieldPath = "spec.containers{" + e.container + "}"
		}
		rec.Event(of, e.kind, e.reason, e.message)
	}
}
