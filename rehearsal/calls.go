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

// RoleCalls counts what one role asked for.
type RoleCalls struct {
	Role            string
	Allowed, Denied int
	// Refused are the denied calls, each once, in the order of the first.
	Refused []Call
}

// CallsByRole sums calls up, by the role's name.
func CallsByRole(calls []Call) []RoleCalls {
	byRole := map[string]*RoleCalls{}
	for _, c := range calls {
		name := roleName(c.Principal)
		r := byRole[name]
		if r == nil {
			r = &RoleCalls{Role: name}
			byRole[name] = r
		}
		if c.Allowed {
			r.Allowed++
			continue
		}
		r.Denied++
		same := func(d Call) bool { return d.Action == c.Action && d.Resource == c.Resource }
		if !slices.ContainsFunc(r.Refused, same) {
			r.Refused = append(r.Refused, c)
		}
	}
	all := make([]RoleCalls, 0, len(byRole))
	for _, name := range slices.Sorted(maps.Keys(byRole)) {
		all = append(all, *byRole[name])
	}
	return all
}
