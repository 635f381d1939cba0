package awsauth

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	nodes = "- rolearn: arn:aws:iam::012345678901:role/nodes\n  username: system:node:{{EC2PrivateDNSName}}\n  groups: [system:bootstrappers, system:nodes]\n"
	mine  = "- rolearn: arn:aws:iam::012345678901:role/e6data-installer\n  username: e6data-analytics\n  groups:\n    - e6data:readers\n"
)

// karpenter is the mapping of a node role, whose user name many have.
var karpenter = Role{
	ARN:      "arn:aws:iam::012345678901:role/path/karpenter",
	Username: "system:node:{{EC2PrivateDNSName}}",
	Groups:   []string{"system:bootstrappers", "system:nodes"},
}

// did is a result in short.
func did(r Result) string {
	var all []string
	for _, part := range []struct {
		name  string
		roles []Role
	}{{"added", r.Added}, {"changed", r.Changed}, {"removed", r.Removed}, {"kept", r.Kept}, {"adopted", r.Adopted}} {
		for _, role := range part.roles {
			all = append(all, part.name+" "+role.ARN[strings.LastIndex(role.ARN, "/")+1:])
		}
	}
	return strings.Join(all, ", ")
}

func set(t *testing.T, s *Store, want string, roles ...Role) {
	t.Helper()
	got, err := s.Set(t.Context(), roles...)
	if err != nil || did(got) != want {
		t.Fatalf("set: %s, error %v; want %s", did(got), err, want)
	}
}

func remove(t *testing.T, s *Store, want string) {
	t.Helper()
	got, err := s.Remove(t.Context())
	if err != nil || did(got) != want {
		t.Fatalf("remove: %s, error %v; want %s", did(got), err, want)
	}
}

func (e *etcd) want(t *testing.T, text string) {
	t.Helper()
	if diff := cmp.Diff(text, e.get(Name).Data[key]); diff != "" {
		t.Fatalf("mapRoles (-want +got):\n%s", diff)
	}
}

// Every shape, in a ConfigMap with much else: set, set again, removed, and the
// object is what it was.
func TestStoreLeavesEverythingAsItWas(t *testing.T) {
	for file, text := range shapes(t) {
		base := filepath.Base(file)
		if strings.HasPrefix(base, "refused-") || strings.HasPrefix(base, "there-") {
			continue
		}
		t.Run(base, func(t *testing.T) {
			client, e := newClient(t)
			before := &core.ConfigMap{
				ObjectMeta: metav1.ObjectMeta{
					Name: Name, Namespace: Namespace, Labels: map[string]string{"team": "platform"},
					Annotations: map[string]string{"kubectl.kubernetes.io/last-applied-configuration": "{}"}, Finalizers: []string{"example.com/keep"},
				},
				Data:       map[string]string{key: text, "mapUsers": "- userarn: \"x\" # broken: [\n", "mapAccounts": "- \"012345678901\"\r\n", "other": ""},
				BinaryData: map[string][]byte{"blob": {0, 1}},
			}
			if _, err := e.put(before.DeepCopy(), nil); err != nil {
				t.Fatal(err)
			}
			s := newStore(t, client, "one")
			set(t, s, "added e6data-installer, added karpenter", installer, karpenter)
			if diff := cmp.Diff(before.Data, e.get("e6data-aws-auth-one").Data); diff != "" {
				t.Errorf("the backup (-want +got):\n%s", diff)
			}
			set(t, s, "kept e6data-installer, kept karpenter", installer, karpenter)
			if len(e.history) != 2 {
				t.Errorf("%d writes, want one by us", len(e.history)-1)
			}
			remove(t, s, "removed e6data-installer, removed karpenter")
			after := e.get(Name)
			before.UID, before.ResourceVersion = after.UID, after.ResourceVersion
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("(-before +after):\n%s", diff)
			}
			if b := e.get("e6data-aws-auth-one"); b != nil {
				t.Errorf("the backup is still there: %v", b)
			}
			remove(t, s, "")
		})
	}
}

// What Set made is gone after Remove, and nothing that others put beside it.
func TestStoreRemovesWhatItMade(t *testing.T) {
	tests := map[string]struct {
		before *core.ConfigMap
		others func(*core.ConfigMap)
		want   map[string]string // nil: there is no ConfigMap
	}{
		"the ConfigMap":                       {},
		"the key":                             {before: &core.ConfigMap{Data: map[string]string{"mapUsers": "[]"}}, want: map[string]string{"mapUsers": "[]"}},
		"the only key":                        {before: &core.ConfigMap{}, want: map[string]string{}},
		"the key, with others' data":          {others: func(c *core.ConfigMap) { c.Data["mapUsers"] = "[]" }, want: map[string]string{"mapUsers": "[]"}},
		"the key, with a label":               {others: func(c *core.ConfigMap) { c.Labels = map[string]string{"a": "b"} }, want: map[string]string{}},
		"the key, with an annotation":         {others: func(c *core.ConfigMap) { c.Annotations = map[string]string{"a": "b"} }, want: map[string]string{}},
		"the key, with a finalizer":           {others: func(c *core.ConfigMap) { c.Finalizers = []string{"a/b"} }, want: map[string]string{}},
		"the key, with an owner":              {others: func(c *core.ConfigMap) { c.OwnerReferences = []metav1.OwnerReference{{Name: "a"}} }, want: map[string]string{}},
		"the key, with bytes":                 {others: func(c *core.ConfigMap) { c.BinaryData = map[string][]byte{"a": nil} }, want: map[string]string{}},
		"the entry, above a comment":          {others: func(c *core.ConfigMap) { c.Data[key] += "# ours" }, want: map[string]string{key: "# ours"}},
		"the entry, with the nodes' below":    {others: func(c *core.ConfigMap) { c.Data[key] += nodes }, want: map[string]string{key: nodes}},
		"nothing, as somebody emptied it":     {others: func(c *core.ConfigMap) { c.Data[key] = "[]" }, want: map[string]string{key: "[]"}},
		"nothing, as somebody took the entry": {others: func(c *core.ConfigMap) { c.Data[key] = strings.Replace(mine, "analytics", "theirs", 1) }, want: map[string]string{key: strings.Replace(mine, "analytics", "theirs", 1)}},
		"an empty text, which was there":      {before: &core.ConfigMap{Data: map[string]string{key: ""}}, want: map[string]string{key: ""}},
		"an entry that got more groups":       {others: func(c *core.ConfigMap) { c.Data[key] += "    - another\n  userid: X\n" + nodes }, want: map[string]string{key: nodes}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client, e := newClient(t)
			if test.before != nil {
				test.before.Name = Name
				if _, err := e.put(test.before, nil); err != nil {
					t.Fatal(err)
				}
			}
			s := newStore(t, client, "one")
			set(t, s, "added e6data-installer", installer)
			if test.others != nil {
				now := e.get(Name)
				next := now.DeepCopy()
				test.others(next)
				if _, err := e.put(next, now); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := s.Remove(t.Context()); err != nil {
				t.Fatal(err)
			}
			after := e.get(Name)
			if after == nil || test.want == nil {
				if after != nil || test.want != nil {
					t.Fatalf("aws-auth is %v, want %v", after, test.want)
				}
				return
			}
			if len(after.Data)+len(test.want) > 0 && !cmp.Equal(test.want, after.Data) {
				t.Errorf("data (-want +got):\n%s", cmp.Diff(test.want, after.Data))
			}
			if b := e.get("e6data-aws-auth-one"); b != nil {
				t.Errorf("the backup is still there: %v", b)
			}
		})
	}
}

// One write for each change, and the nodes are mapped by each text that was ever
// there.
func TestSetFollowsWhatIsWanted(t *testing.T) {
	client, e := newClient(t)
	e.have(map[string]string{key: nodes})
	s := newStore(t, client, "one")
	other := Role{ARN: "arn:aws:iam::012345678901:role/other", Username: "other"}
	more := Role{ARN: installer.ARN, Username: "renamed", Groups: []string{"a", "b"}}
	fewer := Role{ARN: installer.ARN, Username: "renamed", Groups: []string{"b"}}

	set(t, s, "added e6data-installer", installer)
	set(t, s, "added karpenter, changed e6data-installer", more, karpenter)
	e.edit(func(text string) string { return text + "# a note\n" })
	set(t, s, "changed e6data-installer, kept karpenter", fewer, karpenter)
	set(t, s, "added other, removed e6data-installer, kept karpenter", karpenter, other)
	e.want(t, nodes+"- rolearn: arn:aws:iam::012345678901:role/karpenter\n  username: system:node:{{EC2PrivateDNSName}}\n  groups:\n    - system:bootstrappers\n    - system:nodes\n# a note\n- rolearn: arn:aws:iam::012345678901:role/other\n  username: other\n  groups: []\n")
	if len(e.history) != 6 {
		t.Errorf("%d writes, want 4 by us and 2 by others", len(e.history))
	}
	if got := e.get("e6data-aws-auth-one").Data[key]; got != nodes {
		t.Errorf("the backup is\n%s", got)
	}
	remove(t, s, "removed karpenter, removed other")
	e.want(t, nodes+"# a note\n")
	for i, text := range e.history {
		if text == nil || !strings.Contains(*text, nodes) {
			t.Errorf("write %d left the nodes without their entry", i)
		}
	}
}

func TestAdoption(t *testing.T) {
	theirs := strings.Replace(mine, "e6data:readers", "e6data:readers\n    - system:masters", 1)
	client, e := newClient(t)
	e.have(map[string]string{key: nodes + theirs})
	s := newStore(t, client, "one")
	set(t, s, "adopted e6data-installer", installer)
	set(t, s, "adopted e6data-installer", installer)
	if len(e.history) != 1 || e.get("e6data-aws-auth-one") != nil {
		t.Errorf("%d writes, backup %v: want nothing written for an adopted entry", len(e.history)-1, e.get("e6data-aws-auth-one"))
	}
	// Another role is ours; the adopted one is still theirs.
	set(t, s, "added karpenter, adopted e6data-installer", installer, karpenter)
	remove(t, s, "removed karpenter")
	e.want(t, nodes+theirs)
	// Without theirs, it is ours.
	e.edit(func(string) string { return nodes })
	set(t, s, "added e6data-installer", installer)
	remove(t, s, "removed e6data-installer")
	e.want(t, nodes)
}

// Two stacks, each with an entry, removed in either order.
func TestTwoOwners(t *testing.T) {
	other := Role{ARN: "arn:aws:iam::012345678901:role/other", Username: "other"}
	for _, first := range []string{"one", "two"} {
		for _, text := range []string{nodes, strings.TrimSpace(nodes), "[{\"rolearn\": \"x\"}]", "# none", ""} {
			t.Run(first+" goes first from "+text, func(t *testing.T) {
				client, e := newClient(t)
				e.have(map[string]string{key: text})
				stores := map[string]*Store{"one": newStore(t, client, "one"), "two": newStore(t, client, "two")}
				set(t, stores["one"], "added e6data-installer", installer)
				set(t, stores["two"], "added other", other)
				set(t, stores["one"], "added karpenter, kept e6data-installer", installer, karpenter)
				for _, name := range []string{first, map[string]string{"one": "two", "two": "one"}[first]} {
					if r, err := stores[name].Remove(t.Context()); err != nil || !r.Written() {
						t.Fatalf("remove: %s, error %v", did(r), err)
					}
				}
				e.want(t, text)
			})
		}
	}
}

func TestStoreRefuses(t *testing.T) {
	two := strings.Replace(mine, "e6data-analytics", "somebody", 1)
	tests := map[string]struct {
		text  string
		roles []Role
		want  []string
	}{
		"a text that is no YAML": {text: nodes + "-x", roles: []Role{installer, karpenter}, want: []string{"line 4", "kubectl -n kube-system edit configmap aws-auth"}},
		"two entries of others, both at once": {
			text:  "# top\n" + two + "- {rolearn: \"arn:aws:iam::012345678901:role/karpenter\", username: x}\n",
			roles: []Role{installer, karpenter}, want: []string{"line 2", "user somebody", "line 6", "user x with no groups"},
		},
		"no roles":        {want: []string{"none is given"}},
		"the same twice":  {roles: []Role{karpenter, {ARN: "arn:aws:iam::012345678901:role/Karpenter", Username: "x"}}, want: []string{"it is given twice"}},
		"two wrong roles": {roles: []Role{{ARN: "a", Username: "b"}, {ARN: karpenter.ARN}}, want: []string{`"a" is no ARN`, `the user name "" is empty`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client, e := newClient(t)
			e.have(map[string]string{key: test.text})
			_, err := newStore(t, client, "one").Set(t.Context(), test.roles...)
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error is %v, want it to contain %q", err, want)
				}
			}
			if err != nil && strings.Count(err.Error(), "is left as it is") > 2 {
				t.Errorf("the same thing is said more than once: %v", err)
			}
			e.want(t, test.text)
			if len(e.history) != 1 || e.get("e6data-aws-auth-one") != nil {
				t.Errorf("%d writes, backup %v: want none", len(e.history)-1, e.get("e6data-aws-auth-one"))
			}
		})
	}
}

func TestBackupMustBeOurs(t *testing.T) {
	client, e := newClient(t)
	for _, b := range []Backup{{}, {Name: "aws-auth", Labels: map[string]string{"a": "b"}}, {Name: "x"}} {
		if _, err := NewStore(client, b); !contains(err, "needs a name of its own, and labels") {
			t.Errorf("backup %v: error is %v", b, err)
		}
	}
	e.have(map[string]string{key: nodes})
	_, _ = e.put(&core.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "e6data-aws-auth-one", Labels: map[string]string{"quickstart.e6data.com/stack-uuid": "two"}}}, nil)
	s := newStore(t, client, "one")
	if _, err := s.Set(t.Context(), installer); !contains(err, "it is somebody else's") {
		t.Errorf("error is %v", err)
	}
	if _, err := s.Remove(t.Context()); !contains(err, `its label quickstart.e6data.com/stack-uuid is "two" and not "one"`) {
		t.Errorf("error is %v", err)
	}
	e.want(t, nodes)

	e.objects["e6data-aws-auth-one"].Labels["quickstart.e6data.com/stack-uuid"] = "one"
	if _, err := s.Remove(t.Context()); !contains(err, "repair it, or delete the ConfigMap") {
		t.Errorf("error is %v", err)
	}
}

// An unreadable map stops a removal too: an entry that stays would give the
// next role of that name access.
func TestRemoveRefuses(t *testing.T) {
	client, e := newClient(t)
	e.have(map[string]string{key: nodes})
	s := newStore(t, client, "one")
	set(t, s, "added e6data-installer", installer)
	e.edit(func(text string) string { return text + "broken" })
	var refusal *Refusal
	if _, err := s.Remove(t.Context()); !errors.As(err, &refusal) || refusal.Line != 8 {
		t.Fatalf("error is %v, want a refusal of line 8", err)
	}
	e.edit(func(text string) string { return strings.TrimSuffix(text, "broken") })
	remove(t, s, "removed e6data-installer")
	e.want(t, nodes)
}

// The refusal of a request stays in the chain: the caller explains it.
func TestErrorsOfTheAPIStay(t *testing.T) {
	for _, at := range []string{"create e6data-aws-auth-one", "patch aws-auth", "delete e6data-aws-auth-one", "update e6data-aws-auth-one"} {
		client, e := newClient(t)
		e.have(map[string]string{key: nodes})
		s := newStore(t, client, "one")
		e.fail = map[string]error{at: apierrors.NewForbidden(resource, Name, fmt.Errorf("no"))}
		_, err := s.Set(t.Context(), installer)
		if err == nil {
			_, err = s.Set(t.Context(), karpenter)
		}
		if err == nil {
			_, err = s.Remove(t.Context())
		}
		if !apierrors.IsForbidden(err) || !contains(err, "ConfigMap kube-system/") {
			t.Errorf("%s: error is %v", at, err)
		}
	}
	client, _ := newClient(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the time is over"))
	if _, err := newStore(t, client, "one").Set(ctx, installer); !contains(err, "the time is over") {
		t.Errorf("error is %v", err)
	}
}
