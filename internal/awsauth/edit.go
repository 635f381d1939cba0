package awsauth

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// SetRole gives the text of mapRoles with an entry for the role in it, and
// whether that changed anything. All other bytes stay: comments, order, quotes,
// unknown keys, line ends. It changes nothing if an entry already gives the
// role this user name and at least these groups.
//
// An entry that maps the role to anything else is a *Refusal with its line, and
// so is a text that cannot be read, or edited without touching anything else;
// the text then comes back as it was. Any other error is the role's own.
//
// The empty text, null, [], "", ” and two backquotes are a map without
// entries; such a placeholder makes room for the list.
func SetRole(mapRoles string, role Role) (out string, changed bool, err error) {
	return setRole(mapRoles, Role{}, role)
}

// RemoveRole gives the text of mapRoles without the role's entry, and whether
// there was one: an entry with this ARN and this user name, whatever its groups
// are now. Of several, the one with just these groups goes, else the first. It
// takes away what SetRole put in, to the byte, save that it does not bring back
// a placeholder. A comment on the entry's own lines, or between them, goes with
// it; those above and below stay. Errors are as of SetRole.
func RemoveRole(mapRoles string, role Role) (out string, changed bool, err error) {
	role, err = role.normal()
	if err != nil {
		return mapRoles, false, err
	}
	d, err := parse(mapRoles)
	if err != nil {
		return mapRoles, false, err
	}
	mine := d.find(role)
	if mine < 0 {
		return mapRoles, false, nil
	}
	return d.edit(mine, mine+1, nil, d.cuts(mine))
}

// setRole is SetRole for a role with an entry known to be ours, if its ARN is
// not empty: that one is edited in place when it does not say what it should.
func setRole(mapRoles string, ours, role Role) (out string, changed bool, err error) {
	role, err = role.normal()
	if err != nil {
		return mapRoles, false, err
	}
	d, err := parse(mapRoles)
	if err != nil {
		return mapRoles, false, err
	}
	mine, present := d.find(ours), false
	for i, it := range d.items {
		switch {
		case i == mine || !it.sameRole(role):
		case it.grants(role):
			present = true
		default:
			return mapRoles, false, d.conflict(it, role)
		}
	}
	if mine >= 0 {
		// More groups than ours are somebody's wish, unless they were ours before.
		if it := d.items[mine]; it.equal(role) || it.grants(role) && ours.equal(role) {
			return mapRoles, false, nil
		}
		return d.edit(mine, mine+1, &role, d.replacements(mine, role))
	}
	if present {
		return mapRoles, false, nil
	}
	return d.insert(role)
}

func (d *document) conflict(it item, role Role) error {
	return refuse(d.text, it.Line,
		"is an entry of somebody else that maps the role "+it.String(),
		fmt.Sprintf("remove it or make it %s, and try again", role))
}

// find gives the index of the entry that RemoveRole takes for this role's, or -1.
func (d *document) find(role Role) int {
	named := func(it item) bool { return role.ARN != "" && it.sameRole(role) && it.Username == role.Username }
	if i := slices.IndexFunc(d.items, func(it item) bool { return named(it) && it.equal(role) }); i >= 0 {
		return i
	}
	return slices.IndexFunc(d.items, named)
}

func (d *document) insert(role Role) (string, bool, error) {
	empty := d
	if d.placeholder != "" {
		var err error
		if empty, err = parse(d.vacated()); err != nil {
			return d.text, false, refuse(d.text, 1, "says in an unusual way that there is no list", adviceBrackets)
		}
	}
	for _, c := range empty.insertions(role) {
		if out, _, err := empty.edit(c.index, c.index, &role, []splice{c.splice}); err == nil {
			return out, true, nil
		}
	}
	_, _, err := empty.edit(len(empty.items), len(empty.items), &role, nil)
	return d.text, false, err
}

// splice is an edit: put in the place of the bytes from (included) to (not).
type splice struct {
	from, to int
	put      string
}

// edit tries edits until one gives the text in which the entries from to to,
// and only these, made room for the role, or for nothing.
func (d *document) edit(from, to int, role *Role, ways []splice) (string, bool, error) {
	for _, s := range ways {
		out := d.text[:s.from] + s.put + d.text[s.to:]
		if d.confirm(out, from, to, role) {
			return out, true, nil
		}
	}
	line := 1
	switch {
	case from < len(d.items):
		line = d.items[from].Line
	case len(d.items) > 0:
		line = d.items[len(d.items)-1].Line
	}
	return d.text, false, refuse(d.text, line, "is part of a list that cannot be edited here without touching more than one entry",
		"make the edit with kubectl -n kube-system edit configmap aws-auth, and try again")
}

// confirm reads an edited text again: entries from to to gave way to the role,
// all else means, to both parsers, what it meant before.
func (d *document) confirm(text string, from, to int, role *Role) bool {
	n, err := parse(text)
	if err != nil || n.placeholder != "" {
		return false
	}
	if d.list != nil && n.list != nil && (d.list.Tag != n.list.Tag || d.list.Anchor != n.list.Anchor) {
		return false
	}
	items := n.items
	if role != nil {
		if from >= len(items) || !items[from].equal(*role) {
			return false
		}
		items = slices.Delete(slices.Clone(items), from, from+1)
	}
	kept := slices.Delete(slices.Clone(d.items), from, to)
	return slices.EqualFunc(kept, items, func(a, b item) bool { return a.raw == b.raw && sameNode(a.node, b.node) })
}

// sameNode compares what the text says, not where it stands. Comments are not
// compared: which node one belongs to is a parser's guess.
func sameNode(a, b *yaml.Node) bool {
	return a.Kind == b.Kind && a.Style == b.Style && a.Tag == b.Tag && a.Value == b.Value && a.Anchor == b.Anchor &&
		slices.EqualFunc(a.Content, b.Content, sameNode)
}
