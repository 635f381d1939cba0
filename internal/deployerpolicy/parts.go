package deployerpolicy

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/e6data/aws-quickstart/internal/policy"
)

// Part is statements for one managed policy that some modes have in common. All
// parts that name a mode are, together, the policies of that mode.
type Part struct {
	Modes      []string
	Statements []policy.Statement
}

// Parts divides the policies of several modes so that no statement is there
// twice. It fails where Generate does.
func Parts(templates fs.FS, modes []string, s Settings) ([]Part, error) {
	type shared struct {
		statement policy.Statement
		modes     []string
	}
	var all []*shared
	known := map[string]*shared{}
	for _, mode := range modes {
		statements, err := statementsOf(templates, mode, s)
		if err != nil {
			return nil, fmt.Errorf("mode %s: %w", mode, err)
		}
		for _, st := range statements {
			text, err := json.Marshal(st)
			if err != nil {
				return nil, fmt.Errorf("statement %s of mode %s: %w", st.Sid, mode, err)
			}
			if known[string(text)] == nil {
				known[string(text)] = &shared{statement: st}
				all = append(all, known[string(text)])
			}
			known[string(text)].modes = append(known[string(text)].modes, mode)
		}
	}
	var groups []string // of modes, those of the most first
	members := map[string][]policy.Statement{}
	for _, one := range all {
		group := strings.Join(one.modes, ",")
		if members[group] == nil {
			groups = append(groups, group)
		}
		members[group] = append(members[group], one.statement)
	}
	slices.SortStableFunc(groups, func(a, b string) int { return strings.Count(b, ",") - strings.Count(a, ",") })
	var out []Part
	for _, group := range groups {
		for _, statements := range split(members[group]) {
			out = append(out, Part{Modes: strings.Split(group, ","), Statements: statements})
		}
	}
	return out, nil
}
