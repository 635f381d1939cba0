package main

import (
	"fmt"
	"slices"
	"strings"
)

// entry is an access entry as EKS describes it.
type entry struct {
	kind, username string
	groups         []string
	// policies are the associated access policies, by ARN, with their scopes,
	// such as "cluster" or "namespace a, b".
	policies map[string]string
	tags     map[string]string
}

const scopeCluster = "cluster"

// action is one step from an entry as it is to one as it should be.
type action string

const (
	nothing      action = "leave as it is"
	adopt        action = "adopt"
	create       action = "create"
	remake       action = "delete, to make it anew with another type"
	rename       action = "give another username to"
	associate    action = "associate " + adminPolicy + " with"
	disassociate action = "disassociate " + adminPolicy + " from"
)

// next is the table: what to do about an entry; nil: there is none. The error
// is the refusal to touch somebody else's.
func next(w wish, o owner, e *entry) (action, error) {
	switch {
	case e == nil:
		return create, nil
	case !o.made(e.tags):
		if lacks := w.lacks(e); len(lacks) > 0 {
			return "", w.foreign(e, lacks)
		}
		return adopt, nil
	case e.kind != w.entryType():
		return remake, nil
	case w.username != "" && e.username != w.username:
		return rename, nil
	case w.needsPolicy() && !e.administers(w):
		return associate, nil
	case !w.needsPolicy() && e.policies[w.policyARN()] != "":
		return disassociate, nil
	}
	return nothing, nil
}

// administers tells whether the entry has every right on the whole cluster.
func (e *entry) administers(w wish) bool { return e.policies[w.policyARN()] == scopeCluster }

// lacks lists what somebody else's entry has otherwise than wished. An
// administrator may have groups and policies beside, which give nothing more.
func (w wish) lacks(e *entry) []string {
	var all []string
	lack := func(bad bool, format string, args ...any) {
		if bad {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	lack(e.kind != w.entryType(), "the type %s", w.entryType())
	lack(w.username != "" && e.username != w.username, "the username %s", w.username)
	if w.entryType() == typeNode {
		return all // EKS gives it the rest
	}
	if w.needsPolicy() {
		lack(!e.administers(w), "the policy %s with cluster scope", adminPolicy)
		return all
	}
	lack(len(e.groups) > 0, "no groups")
	lack(len(e.policies) > 0, "no access policies")
	return all
}

// foreign is the refusal of an entry that is not ours and not as it should be.
func (w wish) foreign(e *entry, lacks []string) error {
	return fmt.Errorf("cluster %s has an access entry of %s already that this stack did not make: %s. It is left as it is, but %s needs %s. "+
		"Change it so, or delete it (aws eks delete-access-entry --cluster-name %s --principal-arn %s) if nobody needs it, and try again",
		w.cluster, w.principal.arn, e, w.grant, strings.Join(lacks, ", "), w.cluster, w.principal.arn)
}

// String says what an entry is.
func (e *entry) String() string {
	parts := []string{"type " + e.kind, "username " + e.username}
	if len(e.groups) > 0 {
		parts = append(parts, "groups "+strings.Join(e.groups, ", "))
	}
	arns := make([]string, 0, len(e.policies))
	for arn := range e.policies {
		arns = append(arns, arn)
	}
	slices.Sort(arns)
	for _, arn := range arns {
		parts = append(parts, "policy "+arn[strings.LastIndex(arn, "/")+1:]+" on "+e.policies[arn])
	}
	return strings.Join(parts, ", ")
}
