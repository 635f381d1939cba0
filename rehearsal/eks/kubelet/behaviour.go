// Package kubelet plays the kubelet of every node: it keeps nodes Ready, makes
// pods run, fail or complete as their annotations ask, and serves their logs. No
// container runs and no image is pulled.
package kubelet

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Annotations of a pod (for a Deployment or Job: of its pod template) that say how
// the pod's first container is played.
const (
	// FaultAnnotation holds a Fault. Taking it away heals the pod.
	FaultAnnotation = "rehearsal.e6data.com/fault"
	// ReadyAfterAnnotation holds a Go duration (5s): so long the pod runs before it
	// is Ready, or before it completes if it runs to completion.
	ReadyAfterAnnotation = "rehearsal.e6data.com/ready-after"
	// LogAnnotation holds the text of the log of each of the pod's containers.
	LogAnnotation = "rehearsal.e6data.com/log"
)

// Fault is what goes wrong with a pod.
type Fault string

// The faults.
const (
	// None: the pod becomes Ready or completes.
	None Fault = ""
	// NeverReady: the container runs and its readiness probe fails.
	NeverReady Fault = "NeverReady"
	// CrashLoopBackOff: the container exits with code 1 again and again.
	CrashLoopBackOff Fault = "CrashLoopBackOff"
	// OOMKilled: the container is killed again and again, for its memory.
	OOMKilled Fault = "OOMKilled"
	// ImagePullBackOff: the image cannot be pulled.
	ImagePullBackOff Fault = "ImagePullBackOff"
)

var faults = []Fault{NeverReady, CrashLoopBackOff, OOMKilled, ImagePullBackOff}

// behaviour is what a pod's annotations ask for.
type behaviour struct {
	fault      Fault
	readyAfter time.Duration
}

// behaviourOf reads the annotations; one with another value than allowed is an error.
func behaviourOf(p *corev1.Pod) (behaviour, error) {
	b := behaviour{fault: Fault(p.Annotations[FaultAnnotation])}
	if b.fault != None && !slices.Contains(faults, b.fault) {
		return b, fmt.Errorf("annotation %s: %q is not one of %v", FaultAnnotation, b.fault, faults)
	}
	if s, ok := p.Annotations[ReadyAfterAnnotation]; ok {
		d, err := time.ParseDuration(s)
		if err != nil || d < 0 {
			return b, fmt.Errorf("annotation %s: %q is not a duration such as 5s", ReadyAfterAnnotation, s)
		}
		b.readyAfter = d
	}
	return b, nil
}
