package kubelet

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// logQuery is what a reader of a log asks for, as in PodLogOptions.
type logQuery struct {
	previous   bool
	follow     bool
	timestamps bool
	tail       int // lines; -1: all
	limit      int // bytes; -1: all
}

func parseLogQuery(v url.Values) (logQuery, error) {
	q := logQuery{tail: -1, limit: -1}
	for name, to := range map[string]*bool{"previous": &q.previous, "follow": &q.follow, "timestamps": &q.timestamps} {
		if s := v.Get(name); s != "" {
			b, err := strconv.ParseBool(s)
			if err != nil {
				return q, fmt.Errorf("parameter %s: %q is neither true nor false", name, s)
			}
			*to = b
		}
	}
	for name, to := range map[string]*int{"tailLines": &q.tail, "limitBytes": &q.limit} {
		if s := v.Get(name); s != "" {
			n, err := strconv.Atoi(s)
			if err != nil || n < 0 {
				return q, fmt.Errorf("parameter %s: %q is not a number from 0", name, s)
			}
			*to = n
		}
	}
	return q, nil
}

// played gives the log of a container, or the reason why it has none, in the
// kubelet's words.
func played(p *corev1.Pod, container string, q logQuery) (string, error) {
	st := named(slices.Concat(p.Status.ContainerStatuses, p.Status.InitContainerStatuses), container)
	last := st.LastTerminationState.Terminated
	switch {
	case q.previous && last == nil:
		return "", notStarted(p, container, q)
	case q.previous, st.State.Waiting != nil && last != nil:
		return q.cut(lines(p, container, last), last.StartedAt.Time), nil
	case st.State.Running != nil:
		return q.cut(lines(p, container, nil), st.State.Running.StartedAt.Time), nil
	case st.State.Terminated != nil:
		return q.cut(lines(p, container, st.State.Terminated), st.State.Terminated.StartedAt.Time), nil
	default:
		return "", notStarted(p, container, q)
	}
}

// notStarted says, in the kubelet's words, why a container has no log.
func notStarted(p *corev1.Pod, container string, q logQuery) error {
	st := named(slices.Concat(p.Status.ContainerStatuses, p.Status.InitContainerStatuses), container)
	switch {
	case q.previous:
		return fmt.Errorf("previous terminated container %q in pod %q not found", container, p.Name)
	case st.State.Waiting != nil && slices.Contains([]string{reasonErrPull, reasonPullBackOff}, st.State.Waiting.Reason):
		return fmt.Errorf("container %q in pod %q is waiting to start: trying and failing to pull image", container, p.Name)
	case st.State.Waiting != nil:
		return fmt.Errorf("container %q in pod %q is waiting to start: %s", container, p.Name, st.State.Waiting.Reason)
	default:
		return fmt.Errorf("container %q in pod %q is waiting to start - no logs yet", container, p.Name)
	}
}

// lines are those of the pod's annotation, else what a program in that state
// might have written.
func lines(p *corev1.Pod, container string, end *corev1.ContainerStateTerminated) []string {
	if text, ok := p.Annotations[LogAnnotation]; ok {
		return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	}
	out := []string{fmt.Sprintf("container %s is played: no process runs", container)}
	switch {
	case end == nil:
		return append(out, "ready")
	case end.ExitCode == 0:
		return append(out, "done")
	default:
		return append(out, fmt.Sprintf("fatal: %s: the pod's annotation %s asks for it, exit code %d", end.Reason, FaultAnnotation, end.ExitCode))
	}
}

// cut gives the lines as the reader wants them, each a millisecond after the other.
func (q logQuery) cut(lines []string, from time.Time) string {
	first := 0
	if q.tail >= 0 && q.tail < len(lines) {
		first = len(lines) - q.tail
	}
	var b strings.Builder
	for i := first; i < len(lines); i++ {
		if q.timestamps {
			b.WriteString(from.Add(time.Duration(i)*time.Millisecond).UTC().Format(time.RFC3339Nano) + " ")
		}
		b.WriteString(lines[i] + "\n")
	}
	if text := b.String(); q.limit < 0 || q.limit >= len(text) {
		return text
	}
	return b.String()[:q.limit]
}
