package release

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/releaseutil"
	"helm.sh/helm/v3/pkg/storage/driver"
)

// Observation is what the release's records say, seen with an intent.
type Observation struct {
	State State
	// Reason is the state as a sentence, for the log and for people.
	Reason string
	// Last is the newest revision, nil if there is none.
	Last *helmrelease.Release
	// Good is the revision to go back to, 0 if there is none.
	Good int
	// history is every revision, oldest first.
	history []*helmrelease.Release
}

// observe reads Helm's records: the truth, whatever an action returned.
func (r *run) observe(want Intent) (Observation, error) {
	history, err := r.cfg.Releases.History(r.target.Name)
	if err != nil && !errors.Is(err, driver.ErrReleaseNotFound) {
		return Observation{}, fmt.Errorf("read the records of release %s: %w", r.target, err)
	}
	releaseutil.SortByRevision(history)
	o := judge(want, history, r.owner, r.spec)
	o.history = history
	return o, nil
}

// judge turns records, oldest first, into a state. It does no I/O. spec is
// needed for Present only.
func judge(want Intent, history []*helmrelease.Release, me Owner, spec *Spec) Observation {
	if len(history) == 0 {
		return Observation{State: Absent, Reason: "there is no such release"}
	}
	last := history[len(history)-1]
	o := Observation{Last: last, Good: lastGood(history, func(*helmrelease.Release) bool { return true })}
	owner := ownerFrom(last.Labels)
	status := last.Info.Status
	if !me.same(owner) {
		if state, reason, done := judgeOthers(want, last, owner, me, spec); done {
			o.State, o.Reason = state, reason
			return o
		}
	} else if want == Gone && last.Labels[labelTakenFrom] != "" {
		if before := lastGood(history, func(r *helmrelease.Release) bool { return !me.same(ownerFrom(r.Labels)) }); before > 0 {
			o.State, o.Good = Borrowed, before
			o.Reason = fmt.Sprintf("revision %d still belongs to the previous owner", before)
			return o
		}
	}
	o.State, o.Reason = judgeStatus(status, o.Good > 0)
	if o.State == "" {
		o.State, o.Reason = compare(last, me, spec)
	}
	return o
}

// judgeOthers decides about a release that is not ours. done is false if it is
// to be judged as ours, because it may be taken over.
func judgeOthers(want Intent, last *helmrelease.Release, owner, me Owner, spec *Spec) (State, string, bool) {
	if want == Gone {
		if me.sameStack(owner) && last.Labels[labelTakenFrom] == me.Resource {
			return Passed, "it now belongs to " + owner.String(), true
		}
		return Foreign, "it belongs to " + owner.String(), true
	}
	if last.Info.Status.IsPending() && !me.sameStack(owner) {
		return Foreign, fmt.Sprintf("it belongs to %s, who is working on it (%s)", owner, last.Info.Status), true
	}
	// Within a stack a release changes hands when its resource gets another
	// logical ID: CloudFormation creates under the new one first.
	if me.sameStack(owner) || spec != nil && spec.Adopt {
		return "", "", false
	}
	return Foreign, fmt.Sprintf("it belongs to %s: chart %s, revision %d, %s since %s", owner, chartOf(last),
		last.Version, last.Info.Status, last.Info.LastDeployed.UTC().Format("2006-01-02 15:04 MST")), true
}

// judgeStatus knows all states that follow from Helm's status alone; it gives
// none for a deployed release.
func judgeStatus(status helmrelease.Status, restorable bool) (State, string) {
	switch status {
	case helmrelease.StatusDeployed:
		return "", ""
	case helmrelease.StatusPendingInstall, helmrelease.StatusPendingUpgrade, helmrelease.StatusPendingRollback:
		return Locked, "its newest revision is " + status.String()
	case helmrelease.StatusUninstalling, helmrelease.StatusUninstalled:
		return Leaving, "its newest revision is " + status.String()
	case helmrelease.StatusFailed, helmrelease.StatusSuperseded, helmrelease.StatusUnknown:
	}
	if restorable {
		return Degraded, "its newest revision is " + status.String() + ", an older one is good"
	}
	return Failed, "its only revisions are " + status.String()
}

// compare says whether a deployed release is as wanted, and if not, the first
// difference. It never shows values: they may hold secrets.
func compare(last *helmrelease.Release, me Owner, spec *Spec) (State, string) {
	if spec == nil {
		return OutOfSync, "it is deployed"
	}
	want := spec.Chart.Helm.Metadata
	switch {
	case !me.same(ownerFrom(last.Labels)):
		return OutOfSync, "it is taken over from " + ownerFrom(last.Labels).String()
	case last.Chart == nil || last.Chart.Metadata == nil:
		return OutOfSync, "its record names no chart"
	case last.Chart.Metadata.Name != want.Name || last.Chart.Metadata.Version != want.Version:
		return OutOfSync, fmt.Sprintf("chart %s, want %s-%s", chartOf(last), want.Name, want.Version)
	case last.Labels[labelDigest] != shortDigest(spec.Chart.Digest):
		return OutOfSync, "the chart's files changed under the same version"
	case !sameValues(last.Config, spec.Values):
		return OutOfSync, "the values changed"
	}
	return InSync, "it is deployed as wanted"
}

// lastGood is the newest revision that was once deployed and is not the newest
// of all, 0 if there is none. Helm marks a revision superseded when a later
// one was deployed; a failed one is never marked so unless it was adopted by a
// later success, which then is found first.
func lastGood(history []*helmrelease.Release, ok func(*helmrelease.Release) bool) int {
	for i := len(history) - 2; i >= 0; i-- {
		switch history[i].Info.Status {
		case helmrelease.StatusDeployed, helmrelease.StatusSuperseded:
			if ok(history[i]) {
				return history[i].Version
			}
		case helmrelease.StatusFailed, helmrelease.StatusUnknown, helmrelease.StatusUninstalled, helmrelease.StatusUninstalling,
			helmrelease.StatusPendingInstall, helmrelease.StatusPendingUpgrade, helmrelease.StatusPendingRollback:
		}
	}
	return 0
}

// sameValues compares after a JSON round trip: storage gives every number back
// as float64, and an empty map may come back as none.
func sameValues(a, b map[string]any) bool {
	x, errX := canonical(a)
	y, errY := canonical(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

func canonical(values map[string]any) ([]byte, error) {
	if len(values) == 0 {
		return []byte("{}"), nil
	}
	text, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}
	var plain any
	if err := json.Unmarshal(text, &plain); err != nil {
		return nil, err
	}
	return json.Marshal(plain)
}

func chartOf(r *helmrelease.Release) string {
	if r.Chart == nil || r.Chart.Metadata == nil {
		return "unknown"
	}
	return strings.Join([]string{r.Chart.Metadata.Name, r.Chart.Metadata.Version}, "-")
}
