package release

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	helmrelease "helm.sh/helm/v3/pkg/release"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	// diagnoseTime is how long the look into a failure may take.
	diagnoseTime = 12 * time.Second
	// reportLimit is the longest report, in bytes: CloudFormation's answer has
	// room for 4,096 bytes, most of which others need.
	reportLimit = 1500
	lineLimit   = 300
)

// trouble is what is the matter with one object.
type trouble struct {
	// rank orders troubles: the lower, the closer to the cause.
	rank int
	what string
	// pod, namespace and container lead to the log.
	namespace, pod, container string
	// previous: the last words are in the log of the container that ended.
	previous bool
	event    string
	log      string
	// alike is how many more pods have the same trouble.
	alike int
}

func (t trouble) String() string {
	text := t.what
	if t.alike > 0 {
		text += fmt.Sprintf(" (and %d more like it)", t.alike)
	}
	if t.event != "" {
		text += "; last warning: " + t.event
	}
	if t.log != "" {
		text += fmt.Sprintf("; last log line: %q", t.log)
	}
	return text
}

// diagnose looks at the objects of a revision and says what keeps them from
// being ready: the worst first. It is empty if nothing is wrong with them.
// It works on after the run's context ended, for a short time of its own.
func (w *run) diagnose(ctx context.Context, revision *helmrelease.Release) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), diagnoseTime)
	defer cancel()
	d := newDoctor(w.kube)
	var found []trouble
	for _, doc := range append(documents(revision.Manifest), hookDocuments(revision)...) {
		object, err := parse(doc)
		if err != nil || object == nil {
			continue
		}
		if object.GetNamespace() == "" {
			object.SetNamespace(w.target.Namespace)
		}
		found = append(found, d.examine(ctx, object)...)
	}
	if len(found) == 0 {
		return ""
	}
	slices.SortStableFunc(found, func(a, b trouble) int { return cmp.Compare(a.rank, b.rank) })
	if found[0].pod != "" {
		found[0].log = d.lastWords(ctx, found[0])
	}
	return report(found)
}

// report joins troubles: the first in full, more as long as there is room.
func report(found []trouble) string {
	var b strings.Builder
	b.WriteString(cut(found[0].String(), reportLimit))
	for i, t := range found[1:] {
		line := "\nAlso: " + cut(t.String(), lineLimit)
		rest := fmt.Sprintf("\nand %d more", len(found)-1-i)
		if b.Len()+len(line)+len(rest) > reportLimit {
			b.WriteString(rest)
			break
		}
		b.WriteString(line)
	}
	return b.String()
}

func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit-3], "") + "..."
}

// lastWords is the last line of a container's log, empty if there is none.
func (d *doctor) lastWords(ctx context.Context, t trouble) string {
	for _, previous := range []bool{t.previous, !t.previous} {
		stream, err := d.kube.CoreV1().Pods(t.namespace).GetLogs(t.pod, &core.PodLogOptions{
			Container: t.container, Previous: previous, TailLines: new(int64(5)), LimitBytes: new(int64(16 << 10)),
		}).Stream(ctx)
		if err != nil {
			continue
		}
		text, err := io.ReadAll(io.LimitReader(stream, 16<<10))
		_ = stream.Close()
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		if line := strings.TrimSpace(lines[len(lines)-1]); err == nil && line != "" {
			return cut(line, lineLimit)
		}
	}
	return ""
}

// lastWarning is the newest Warning event about an object.
func (d *doctor) lastWarning(ctx context.Context, namespace, kind, name string) string {
	events, ok := d.events[namespace]
	if !ok {
		if list, err := d.kube.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{FieldSelector: "type=Warning", Limit: 1000}); err == nil {
			events = list.Items
		}
		d.events[namespace] = events
	}
	var newest *core.Event
	for i := range events {
		e := &events[i]
		if e.Type == core.EventTypeWarning && e.InvolvedObject.Kind == kind && e.InvolvedObject.Name == name &&
			(newest == nil || eventTime(e).After(eventTime(newest))) {
			newest = e
		}
	}
	if newest == nil {
		return ""
	}
	return cut(newest.Reason+": "+strings.Join(strings.Fields(newest.Message), " "), lineLimit)
}

func eventTime(e *core.Event) time.Time {
	switch {
	case e.Series != nil:
		return e.Series.LastObservedTime.Time
	case !e.LastTimestamp.IsZero():
		return e.LastTimestamp.Time
	}
	return e.EventTime.Time
}

// kindOf is an object's kind and name for people.
func kindOf(o *unstructured.Unstructured) string { return o.GetKind() + " " + o.GetName() }
