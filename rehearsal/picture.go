package rehearsal

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Picture is what things look like at one moment: by kind and ID, as in "role
// policy app/read" or "NodePool.karpenter.sh default", what is in each, as JSON.
type Picture map[string]string

// add puts a thing into the picture.
func (p Picture) add(kind, id string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("%s %s: %w", kind, id, err)
	}
	p[kind+" "+id] = string(text)
	return nil
}

// Change is a thing that is other than it was. Was and Is are JSON; empty: it
// was not there, or is gone.
type Change struct{ Thing, Was, Is string }

// Since are the changes since an earlier picture, without the allowed ones, in
// the order of the things.
func (p Picture) Since(earlier Picture, allowed Allowance) []Change {
	all := Picture{}
	maps.Copy(all, earlier)
	maps.Copy(all, p)
	var changes []Change
	for _, thing := range slices.Sorted(maps.Keys(all)) {
		c := Change{thing, earlier[thing], p[thing]}
		if c.Was != c.Is && !allowed.allows(c) {
			changes = append(changes, c)
		}
	}
	return changes
}

// Allowance is what may be other than before. The zero value allows nothing.
type Allowance struct {
	// New are things that may be there and were not, as a Picture names them;
	// "*" stands for any text.
	New []string
	// AWSAuth are the ARNs, "*" for any text, whose entries may stand in
	// aws-auth beside all that was there, which must stay byte by byte.
	AWSAuth []string
	// Mode is the authentication mode to which the cluster may have gone; empty:
	// it keeps its mode.
	Mode string
}

// And allows what either allows. The other's mode counts, if it has one.
func (a Allowance) And(other Allowance) Allowance {
	both := Allowance{New: slices.Concat(a.New, other.New), AWSAuth: slices.Concat(a.AWSAuth, other.AWSAuth), Mode: a.Mode}
	if other.Mode != "" {
		both.Mode = other.Mode
	}
	return both
}

func (a Allowance) allows(c Change) bool {
	switch {
	case strings.HasPrefix(c.Thing, awsAuthThing):
		return a.allowsAWSAuth(c)
	case strings.HasPrefix(c.Thing, modeThing):
		return a.Mode != "" && c.Is == `"`+a.Mode+`"`
	}
	return c.Was == "" && slices.ContainsFunc(a.New, func(pattern string) bool { return matches(pattern, c.Thing) })
}

// matches tells whether a text is of a pattern in which "*" stands for any text.
func matches(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	for i, part := range parts {
		parts[i] = regexp.QuoteMeta(part)
	}
	return regexp.MustCompile("(?s)^" + strings.Join(parts, ".*") + "$").MatchString(text)
}

// ChangedError says what of a customer's is other than it was.
type ChangedError struct {
	What    string
	Changes []Change
}

func (e *ChangedError) Error() string {
	var b strings.Builder
	b.WriteString(e.What + ":")
	for _, c := range e.Changes {
		b.WriteString("\n  " + c.String())
	}
	return b.String()
}

// changed is an error about the changes, nil if there are none.
func changed(what string, changes []Change) error {
	if len(changes) == 0 {
		return nil
	}
	return &ChangedError{what, changes}
}

// onlyNew tells whether nothing was changed but things added.
func onlyNew(changes []Change) bool {
	return !slices.ContainsFunc(changes, func(c Change) bool { return c.Was != "" })
}
