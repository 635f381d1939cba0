package rehearsal

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// Call is one AWS API call that a role made.
type Call struct {
	Principal, Action, Resource, Reason string
	Allowed                             bool
}

// Calls are the calls of all roles so far, oldest first.
func (e *Environment) Calls() ([]Call, error) {
	f, err := os.Open(e.file("calls.jsonl"))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var calls []Call
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var c Call
		if err := json.Unmarshal(s.Bytes(), &c); err != nil {
			return nil, fmt.Errorf("read the log of calls: %w", err)
		}
		calls = append(calls, c)
	}
	return calls, s.Err()
}

// roleName is the role of a principal: of a session of it
// (arn:aws:sts::1:assumed-role/ROLE/SESSION), or of the role itself, as which
// Lambda writes a function's logs.
func roleName(principal string) string {
	parts := strings.Split(principal, "/")
	if strings.HasSuffix(parts[0], ":assumed-role") && len(parts) == 3 {
		return parts[1]
	}
	return parts[len(parts)-1]
}

// showCalls tells for each role how many calls were allowed and denied.
func (r *run) showCalls() {
	calls, err := r.env.Calls()
	if err != nil {
		r.say("calls", "%v", err)
		return
	}
	allowed, denied := map[string]int{}, map[string]int{}
	for _, c := range calls {
		role := roleName(c.Principal)
		if c.Allowed {
			allowed[role]++
		} else {
			denied[role]++
			allowed[role] += 0
		}
	}
	for _, p := range slices.Sorted(maps.Keys(allowed)) {
		r.say("calls", "%s: %d allowed, %d denied", p, allowed[p], denied[p])
	}
}
