package preflight

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/e6data/aws-quickstart/tests/golden"
)

const page = "../../docs/preflight.md"

var leftOpen = regexp.MustCompile(`\{(\w+)\}`)

// TestPageIsFresh holds docs/preflight.md to the kinds.
func TestPageIsFresh(t *testing.T) {
	var text strings.Builder
	text.WriteString(`# What is checked before anything is made

Written by ` + "`go test ./internal/preflight -run TestPageIsFresh -update`" + `; a test keeps it fresh.

A launch begins with one function, which looks at the account for some seconds. If something would make the launch fail,
the stack fails at once, with **all** of it in one message: the reason of the resource ` + "`Preflight`" + ` in the stack's events.
Nothing but the function has been made by then, and it goes with the stack. Repair what the message names, delete the stack, launch again.

Each problem is told as *what is wrong (on what): why. What to do* ` + "`[its name below]`" + `. When many do not fit, the last ones
are told without why and what to do: look them up here. The log of the function has all.

An update is checked for what it changes: a Kubernetes version, an IAM role or user, the permissions boundary, charts, instance families. A rollback
and a delete are never refused here.

The function only reads. What it cannot read, because a permissions boundary or a policy of your organization denies it, stops nothing and
is a note in its log.

## What stops a launch

The most important first, as in the message.

| name | what is wrong | what to do |
|---|---|---|
`)
	row := func(k *Kind) {
		do := leftOpen.ReplaceAllStringFunc(k.Do, func(s string) string { return "*" + strings.Trim(s, "{}") + "*" })
		fmt.Fprintf(&text, "| `%s` | %s | %s. |\n", k.ID, capital(k.What), do)
	}
	for _, k := range Kinds {
		if !k.Note {
			row(k)
		}
	}
	text.WriteString(`
## What is only noted

These stand in the function's log (` + "`aws logs tail`" + ` its log group, the stack's resource ` + "`OutputsFunctionLogGroup`" + `) and stop nothing.

| name | what it says | what to do |
|---|---|---|
`)
	for _, k := range Kinds {
		if k.Note {
			row(k)
		}
	}
	golden.Check(t, page, text.String())
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

var kindID = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Kinds are clauses and sentences that fit together in a message.
func TestKindsAreWellWritten(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Kinds {
		if !kindID.MatchString(k.ID) || seen[k.ID] {
			t.Errorf("%q is no name, or another kind's", k.ID)
		}
		seen[k.ID] = true
		if k.What == "" || k.Do == "" || strings.HasSuffix(k.What, ".") || strings.HasSuffix(k.Do, ".") || strings.Contains(k.What, "{") || strings.Contains(k.What+k.Do, "|") {
			t.Errorf("%s: %q, %q", k.ID, k.What, k.Do)
		}
		if first := k.Do[:1]; first != strings.ToUpper(first) {
			t.Errorf("%s: what to do is no sentence: %q", k.ID, k.Do)
		}
	}
}
