package awsauth

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
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

// Two stacks and a third editor at once: no entry is lost, no node is ever
// without its own, and the end is the beginning.
func TestThreeEditors(t *testing.T) {
	client, e := newClient(t)
	threeEditors(t, client, 100)
	for i, text := range e.history {
		if text == nil || !strings.Contains(*text, nodes) {
			t.Fatalf("write %d left the nodes without their entry", i)
		}
	}
	if len(e.objects) != 1 {
		t.Errorf("%d ConfigMaps are there, want aws-auth alone", len(e.objects))
	}
}

// threeEditors makes aws-auth and lets three change it, so many rounds each.
func threeEditors(t *testing.T, client kubernetes.Interface, rounds int) {
	t.Helper()
	before := "# the platform team's\n" + nodes
	maps := client.CoreV1().ConfigMaps(Namespace)
	_, err := maps.Create(t.Context(), &core.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: Name}, Data: map[string]string{key: before, "mapUsers": "[]"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	now := func() string {
		m, err := maps.Get(t.Context(), Name, metav1.GetOptions{})
		if err != nil {
			t.Error(err)
			return ""
		}
		return m.Data[key]
	}
	// These three never pause, so a slow one may lose many times in a row.
	tries := wait.Backoff{Steps: 10000, Duration: time.Millisecond, Factor: 1, Jitter: 2}
	var group sync.WaitGroup
	for _, stack := range []string{"one", "two"} {
		s := newStore(t, client, stack)
		s.tries = tries
		group.Go(func() { oneStack(t, s, stack, rounds, now) })
	}
	entry := func(round int) string {
		return fmt.Sprintf("- {rolearn: \"arn:aws:iam::012345678901:role/third-%d\", username: \"{{SessionName}}\"} # keep\n", round)
	}
	third := func(change func(string) string) {
		err := retry.RetryOnConflict(tries, func() error {
			m, err := maps.Get(t.Context(), Name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			m.Data[key] = change(m.Data[key])
			_, err = maps.Update(t.Context(), m, metav1.UpdateOptions{})
			return err
		})
		if err != nil {
			t.Errorf("the third editor: %v", err)
		}
	}
	group.Go(func() {
		for round := range rounds {
			third(func(text string) string { return text + entry(round) })
			if !strings.Contains(now(), entry(round)) {
				t.Errorf("round %d: the third editor's entry is lost", round)
			}
			if round%2 == 1 {
				third(func(text string) string { return strings.Replace(text, entry(round), "", 1) })
			}
		}
	})
	group.Wait()
	want := before
	for round := 0; round < rounds; round += 2 {
		want += entry(round)
	}
	if diff := cmp.Diff(want, now()); diff != "" {
		t.Errorf("in the end (-want +got):\n%s", diff)
	}
}

// oneStack adds an entry, changes it twice in place and takes it away, again and
// again.
func oneStack(t *testing.T, s *Store, stack string, rounds int, now func() string) {
	t.Helper()
	role := Role{ARN: "arn:aws:iam::012345678901:role/e6data-" + stack, Username: stack}
	for round := range rounds {
		role.Groups = []string{fmt.Sprint(stack, round)}
		if _, err := s.Set(t.Context(), role); err != nil {
			t.Errorf("%s, round %d, set: %v", stack, round, err)
		}
		if got := now(); strings.Count(got, "- "+role.Groups[0]+"\n") != 1 {
			t.Errorf("%s, round %d: the entry is lost:\n%s", stack, round, got)
		}
		if round%3 != 2 && round != rounds-1 {
			continue // the next round changes it in place
		}
		if _, err := s.Remove(t.Context()); err != nil {
			t.Errorf("%s, round %d, remove: %v", stack, round, err)
		}
		if got := now(); strings.Contains(got, "role/e6data-"+stack) {
			t.Errorf("%s, round %d: the entry is still there:\n%s", stack, round, got)
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
