package diagnose

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/e6data/aws-quickstart/internal/customresource"
	"github.com/e6data/aws-quickstart/internal/stackevents"
)

// Verdict is what the facts come to.
type Verdict struct {
	// Headline says in one line how the stack is.
	Headline string
	// Healthy tells that nothing is wrong with it now, as far as it was seen.
	Healthy bool
	// First is the event of what failed first in the newest operation that
	// failed, nil if none did; Others failed by themselves as well.
	First     *stackevents.Event
	Others    []stackevents.Event
	Operation *stackevents.Operation
	// Past tells that a later operation ended well.
	Past bool
	// Log is where the function told of First, empty if no function did;
	// LogLine is its line there, empty if the log could not be read.
	Log     customresource.LogPlace
	LogLine string
	// Troubles are what is wrong on the cluster, one a line.
	Troubles []string
	// Stayed are resources that a delete left.
	Stayed []Resource
}

// Judge finds what failed first, and what is wrong now. It does no I/O.
func Judge(f *Facts) Verdict {
	v := Verdict{Troubles: troubles(f)}
	operations := stackevents.Operations(f.Events)
	for i := range slices.Backward(operations) {
		if o := &operations[i]; o.Failed() {
			v.Operation, v.Past = o, i < len(operations)-1
			break
		}
	}
	if v.Operation != nil {
		if causes := v.Operation.Causes(); len(causes) > 0 {
			v.First, v.Others = &causes[0], causes[1:]
			v.Log, _ = customresource.FindLogPlace(v.First.Reason)
			v.LogLine = logLine(f.Logs, v.First, v.Log)
		}
	}
	for _, s := range f.Stacks {
		for _, r := range s.Resources {
			if r.Status == "DELETE_SKIPPED" || r.Status == "DELETE_FAILED" {
				v.Stayed = append(v.Stayed, r)
			}
		}
	}
	v.conclude(f)
	return v
}

func (v *Verdict) conclude(f *Facts) {
	if len(f.Stacks) == 0 {
		v.Headline = fmt.Sprintf("stack %s in %s could not be described", f.Asked.Stack, f.Asked.Region)
		return
	}
	root := &f.Stacks[0]
	v.Headline = fmt.Sprintf("stack %s in %s is %s", root.Name, f.Asked.Region, root.Status)
	well := slices.Contains([]string{"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}, root.Status)
	v.Healthy = well && len(v.Troubles) == 0 && (v.Operation == nil || v.Past)
	switch {
	case v.Healthy && len(f.Gaps) > 0:
		v.Headline += ": healthy, as far as it could be seen"
	case v.Healthy:
		v.Headline += ": healthy"
	case well && len(v.Troubles) > 0:
		v.Headline += ", but on the cluster not all is well"
	case strings.HasSuffix(root.Status, "_IN_PROGRESS"):
		v.Headline += ": it is still at work"
	}
}

// lateLines is how much later than its event a line may be: clocks differ.
const lateLines = time.Minute

// logLine is the line with which a function told why it failed: the newest error
// about the resource in the stream that the reason names, else the newest error
// about it in any.
func logLine(logs []Log, first *stackevents.Event, place customresource.LogPlace) string {
	var elsewhere string
	for _, l := range logs {
		for _, line := range slices.Backward(l.Lines) {
			text, ok := errorAbout(line.Text, first.LogicalID)
			switch {
			case !ok || line.At.After(first.At.Add(lateLines)):
			case l.Stream == place.Stream && l.Group == place.Group:
				return text
			case elsewhere == "":
				elsewhere = text
			}
		}
	}
	return elsewhere
}

// errorAbout reads a function's log line: it is JSON (customresource.Mux).
func errorAbout(line, logicalID string) (text string, ok bool) {
	var entry struct {
		Level     string `json:"level"`
		Message   string `json:"msg"`
		Alternate string `json:"message"`
		LogicalID string `json:"logicalId"`
		Error     string `json:"error"`
	}
	if json.Unmarshal([]byte(line), &entry) != nil || entry.Level != "ERROR" || entry.LogicalID != logicalID {
		return "", false
	}
	text = entry.Message + entry.Alternate
	if entry.Error != "" {
		text += ": " + entry.Error
	}
	return text, true
}

// troubles are what is wrong with the cluster now, the causes before the effects.
func troubles(f *Facts) (all []string) {
	add := func(format string, values ...any) { all = append(all, fmt.Sprintf(format, values...)) }
	if c := f.Cluster; c != nil {
		if c.Status != "ACTIVE" && c.Status != "UPDATING" {
			add("cluster %s is %s", c.Name, c.Status)
		}
		for _, i := range c.Health {
			add("cluster %s: %s: %s", c.Name, i.Code, i.Message)
		}
		for _, a := range c.Addons {
			for _, i := range a.Health {
				add("add-on %s: %s: %s", a.Name, i.Code, i.Message)
			}
		}
	}
	for _, function := range f.Functions {
		if function.State != "" && function.State != "Active" && function.State != "Inactive" {
			add("function %s is %s: %s", function.LogicalID, function.State, function.StateReason)
		}
	}
	if f.Kubernetes != nil {
		all = append(all, f.Kubernetes.troubles()...)
	}
	return all
}

func (k *Kubernetes) troubles() (all []string) {
	for _, r := range newest(k.Releases) {
		if r.Status != "deployed" {
			all = append(all, fmt.Sprintf("release %s/%s is %s in revision %d: %s", r.Namespace, r.Name, r.Status, r.Revision, r.Description))
		}
	}
	for _, n := range k.Nodes {
		if n.Trouble != "" {
			all = append(all, "node "+n.Name+": "+n.Trouble)
		}
	}
	for _, c := range k.NodeClaims {
		if c.Trouble != "" {
			all = append(all, "NodeClaim "+c.Name+": "+c.Trouble)
		}
	}
	for _, p := range k.Pods {
		if p.Trouble != "" {
			all = append(all, "pod "+p.Namespace+"/"+p.Name+" "+p.Trouble)
		}
	}
	return all
}

// newest keeps the newest revision of each release.
func newest(all []Release) (out []Release) {
	for _, r := range all {
		i := slices.IndexFunc(out, func(o Release) bool { return o.Namespace == r.Namespace && o.Name == r.Name })
		switch {
		case i < 0:
			out = append(out, r)
		case out[i].Revision < r.Revision:
			out[i] = r
		}
	}
	return out
}
