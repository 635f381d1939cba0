package release

import "testing"

var (
	intents = []Intent{Present, Restored, Gone}
	states  = []State{Absent, InSync, OutOfSync, Failed, Degraded, Locked, Leaving, Foreign, Borrowed, Passed}
)

func TestNext(t *testing.T) {
	impossible := Action("")
	want := map[Intent][]Action{
		//         Absent   InSync     OutOfSync  Failed     Degraded   Locked     Leaving    Foreign  Borrowed    Passed
		Present:  {Install, None, Upgrade, Upgrade, Upgrade, Unlock, Uninstall, Refuse, impossible, impossible},
		Restored: {None, None, None, None, Rollback, Unlock, None, None, impossible, impossible},
		Gone:     {None, Uninstall, Uninstall, Uninstall, Uninstall, Uninstall, Uninstall, None, HandBack, Settle},
	}
	for _, intent := range intents {
		for i, state := range states {
			got, err := Next(intent, state)
			if want[intent][i] == impossible {
				if err == nil {
					t.Errorf("%s, %s: got %s, want an error", intent, state, got)
				}
				continue
			}
			if err != nil || got != want[intent][i] {
				t.Errorf("%s, %s: got %s, %v, want %s", intent, state, got, err, want[intent][i])
			}
		}
	}
	if _, err := Next("something", Absent); err == nil {
		t.Error("an unknown intent has an action")
	}
}
