package awsauth

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Somebody else writes between our reading and our writing.
func TestOthersAreFaster(t *testing.T) {
	note := func(e *etcd) { e.edit(func(text string) string { return "# note\n" + text }) }
	tests := map[string]struct {
		before map[string]string // nil: no aws-auth
		others func(e *etcd)
		want   string // of mapRoles, while we are in it
		left   string // and afterwards
	}{
		"an edit":               {map[string]string{key: nodes}, note, "# note\n" + nodes + mine, "# note\n" + nodes},
		"our own entry":         {map[string]string{key: nodes}, func(e *etcd) { e.edit(func(text string) string { return mine + text }) }, mine + nodes, mine + nodes},
		"another key":           {map[string]string{"mapUsers": ""}, func(e *etcd) { e.have(map[string]string{"mapUsers": "[]"}) }, mine, ""},
		"it came":               {nil, func(e *etcd) { e.have(map[string]string{key: nodes}) }, nodes + mine, nodes},
		"it went":               {map[string]string{key: nodes}, func(e *etcd) { delete(e.objects, Name) }, mine, ""},
		"it went and came back": {map[string]string{key: nodes}, func(e *etcd) { delete(e.objects, Name); e.have(map[string]string{key: "[]"}) }, flowMine, "[]"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client, e := newClient(t)
			if test.before != nil {
				e.have(test.before)
			}
			s := newStore(t, client, "one")
			once := sync.OnceFunc(func() { test.others(e) })
			e.before = func(_, name string) {
				if name == Name {
					once()
				}
			}
			if _, err := s.Set(t.Context(), installer); err != nil {
				t.Fatal(err)
			}
			e.want(t, test.want)
			if _, err := s.Remove(t.Context()); err != nil {
				t.Fatal(err)
			}
			left := ""
			if now := e.get(Name); now != nil {
				left = now.Data[key]
			}
			if left != test.left {
				t.Errorf("left is\n%s\nwant\n%s", left, test.left)
			}
			if b := e.get("e6data-aws-auth-one"); b != nil {
				t.Errorf("the backup is still there: %v", b)
			}
		})
	}
}

const flowMine = `[{"rolearn": "arn:aws:iam::012345678901:role/e6data-installer", "username": "e6data-analytics", "groups": ["e6data:readers"]}]`

// An editor that never stops is named as the reason, after an end of tries.
func TestOthersAreAlwaysFaster(t *testing.T) {
	client, e := newClient(t)
	e.have(map[string]string{key: nodes})
	e.before = func(_, name string) {
		if name == Name {
			e.edit(func(text string) string { return text + "# again\n" })
		}
	}
	_, err := newStore(t, client, "one").Set(t.Context(), installer)
	if !apierrors.IsConflict(err) || !contains(err, "changed by somebody else at each of 25 tries") {
		t.Fatalf("error is %v", err)
	}
	if strings.Contains(e.get(Name).Data[key], "e6data") {
		t.Error("it was written over somebody's edit")
	}
}

// A call that dies at any of its writes, before or after it, is made good by the
// next one.
func TestInterruptedCalls(t *testing.T) {
	for _, after := range []bool{false, true} {
		for _, at := range []string{"create e6data-aws-auth-one", "update e6data-aws-auth-one", "patch aws-auth", "delete e6data-aws-auth-one"} {
			t.Run(fmt.Sprintf("%s, done %t", at, after), func(t *testing.T) {
				client, e := newClient(t)
				e.have(map[string]string{key: nodes})
				s := newStore(t, client, "one")
				died := errors.New("died")
				arm := func() { e.fail, e.failAfter = map[string]error{at: died}, after }
				heal := func() { e.fail = nil }
				step := func(call func() (Result, error)) {
					t.Helper()
					arm()
					_, err := call()
					heal()
					if err != nil && !errors.Is(err, died) {
						t.Fatal(err)
					}
					e.edit(func(text string) string { return text + "# note\n" }) // somebody else, meanwhile
					if _, err := call(); err != nil {
						t.Fatal(err)
					}
				}
				step(func() (Result, error) { return s.Set(t.Context(), installer) })
				step(func() (Result, error) { return s.Set(t.Context(), karpenter) })
				if n := strings.Count(e.get(Name).Data[key], "role/karpenter"); n != 1 || strings.Contains(e.get(Name).Data[key], "e6data") {
					t.Fatalf("after two sets:\n%s", e.get(Name).Data[key])
				}
				step(func() (Result, error) { return s.Remove(t.Context()) })
				e.want(t, nodes+"# note\n# note\n# note\n")
				if b := e.get("e6data-aws-auth-one"); b != nil {
					t.Errorf("the backup is still there: %v", b)
				}
			})
		}
	}
}

// A try that claimed an entry in the backup and was then refused leaves no
// claim, or Remove would take somebody else's entry.
func TestRefusedAfterAClaim(t *testing.T) {
	theirs := strings.Replace(mine, "e6data:readers", "theirs", 1)
	client, e := newClient(t)
	e.have(map[string]string{key: nodes})
	s := newStore(t, client, "one")
	once := sync.OnceFunc(func() { e.edit(func(text string) string { return text + theirs }) })
	e.before = func(_, name string) {
		if name == Name {
			once()
		}
	}
	if _, err := s.Set(t.Context(), installer); !contains(err, "line 4") || !contains(err, "somebody else") {
		t.Fatalf("error is %v", err)
	}
	if b := e.get("e6data-aws-auth-one"); b != nil {
		t.Errorf("the backup is still there: %v", b)
	}
	remove(t, s, "")
	e.want(t, nodes+theirs)
}
