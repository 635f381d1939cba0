package release

import "fmt"

// Intent is what a run is after.
type Intent string

// The intents.
const (
	// Present wants the release as the resource's properties say.
	Present Intent = "present"
	// Restored wants the last good revision back, after an upgrade failed.
	Restored Intent = "restored"
	// Gone wants nothing left of what is ours.
	Gone Intent = "gone"
)

// State is what was found in the cluster, seen with an intent.
type State string

// The states.
const (
	// Absent: there is no record of the release.
	Absent State = "absent"
	// InSync: deployed as wanted.
	InSync State = "in sync"
	// OutOfSync: deployed, but not as wanted.
	OutOfSync State = "out of sync"
	// Failed: the newest revision failed and there is none to go back to.
	Failed State = "failed"
	// Degraded: the newest revision failed and there is a good one behind it.
	Degraded State = "degraded"
	// Locked: the newest revision is pending, and whoever worked on it is dead:
	// states are acted upon only by the holder of the lease.
	Locked State = "locked"
	// Leaving: an uninstall began and did not come to its end.
	Leaving State = "leaving"
	// Foreign: the release belongs to somebody else.
	Foreign State = "foreign"
	// Borrowed: we took the release over from somebody else and have changed
	// nothing since; seen only with Gone.
	Borrowed State = "borrowed"
	// Passed: another resource of the same stack took the release over from us;
	// seen only with Gone.
	Passed State = "passed"
)

// Action is one step. No run does the same step twice.
type Action string

// The actions.
const (
	None      Action = "none"
	Install   Action = "install"
	Upgrade   Action = "upgrade"
	Rollback  Action = "rollback"
	HandBack  Action = "hand back"
	Uninstall Action = "uninstall"
	Unlock    Action = "unlock"
	Settle    Action = "settle"
	Refuse    Action = "refuse"
)

// table is the whole design: one row for each state, one column for each
// intent. What is not in it cannot happen and is an error.
var table = map[Intent]map[State]Action{
	Present: {
		Absent:    Install,
		InSync:    None,
		OutOfSync: Upgrade,
		Failed:    Upgrade,
		Degraded:  Upgrade,
		Locked:    Unlock,
		Leaving:   Uninstall,
		Foreign:   Refuse,
	},
	Restored: {
		Absent:    None,
		InSync:    None,
		OutOfSync: None,
		Failed:    None,
		Degraded:  Rollback,
		Locked:    Unlock,
		Leaving:   None,
		Foreign:   None,
	},
	Gone: {
		Absent:    None,
		InSync:    Uninstall,
		OutOfSync: Uninstall,
		Failed:    Uninstall,
		Degraded:  Uninstall,
		Locked:    Uninstall,
		Leaving:   Uninstall,
		Foreign:   None,
		Borrowed:  HandBack,
		Passed:    Settle,
	},
}

// Next is the state machine: the one action that leads from a state towards an
// intent. It does no I/O.
func Next(want Intent, have State) (Action, error) {
	action, ok := table[want][have]
	if !ok {
		return None, fmt.Errorf("no action is known for a release that should be %s and is %q", want, have)
	}
	return action, nil
}
