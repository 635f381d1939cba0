package awsauth

import (
	"errors"
	"fmt"
	"slices"
)

// Result is what one Set or Remove of a Store did.
type Result struct {
	// Added, Changed and Removed are entries that this call put in, edited in
	// place and took out. Kept are entries of this owner that were as they
	// should be.
	Added, Changed, Removed, Kept []Role
	// Adopted are roles that an entry of somebody else maps as it should be, or
	// with more groups: it is left alone, now and by Remove.
	Adopted []Role
}

// Written tells whether aws-auth was written at all.
func (r Result) Written() bool { return len(r.Added)+len(r.Changed)+len(r.Removed) > 0 }

// ours are the roles whose entries are this owner's after the call.
func (r Result) ours() []Role { return slices.Concat(r.Kept, r.Changed, r.Added) }

// planSet edits a text so that it maps the wanted roles, and those of our
// roles that are not wanted any more are gone. All refusals come together, with
// lines of the text as it is.
func planSet(text string, ours, wanted []Role) (string, Result, error) { //nolint:gocyclo // its steps share what they found
	d, err := parse(text)
	if err != nil {
		return text, Result{}, err
	}
	before := make([]Role, len(wanted)) // our entry for each, if it is there
	var problems []error
	for n, role := range wanted {
		if i := indexOf(ours, role); i >= 0 && d.find(ours[i]) >= 0 {
			before[n] = ours[i]
		}
		_, _, err := setRole(text, before[n], role)
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return text, Result{}, err
	}
	unwanted := slices.DeleteFunc(slices.Clone(ours), func(o Role) bool { return indexOf(wanted, o) >= 0 })
	out, result, err := planRemove(text, unwanted)
	if err != nil {
		return text, Result{}, err
	}
	for n, role := range wanted {
		var changed bool
		if out, changed, err = setRole(out, before[n], role); err != nil {
			return text, Result{}, err
		}
		list := &result.Adopted
		switch known := before[n].ARN != ""; {
		case changed && known:
			list = &result.Changed
		case changed:
			list = &result.Added
		case known:
			list = &result.Kept
		}
		*list = append(*list, role)
	}
	return out, result, nil
}

// planRemove takes roles of ours out of a text.
func planRemove(text string, ours []Role) (string, Result, error) {
	out, result := text, Result{}
	for _, role := range ours {
		next, changed, err := RemoveRole(out, role)
		if err != nil {
			return text, Result{}, err
		}
		if changed {
			result.Removed = append(result.Removed, role)
		}
		out = next
	}
	return out, result, nil
}

// indexOf finds the mapping of the same role.
func indexOf(roles []Role, role Role) int {
	return slices.IndexFunc(roles, role.sameRole)
}

// normalize checks roles, all of them, and gives them as aws-auth needs them.
func normalize(roles []Role) ([]Role, error) {
	if len(roles) == 0 {
		return nil, errors.New("map roles in aws-auth: none is given; Remove takes all away")
	}
	var problems []error
	var all []Role
	for _, r := range roles {
		n, err := r.normal()
		if err == nil && indexOf(all, n) >= 0 {
			err = fmt.Errorf("map role %s in aws-auth: it is given twice, and aws-auth knows a role by its name without the path", n.ARN)
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		all = append(all, n)
	}
	return all, errors.Join(problems...)
}
