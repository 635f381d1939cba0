package awsauth

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
)

// platform is an aws-auth of somebody else, in a form that no printer of YAML
// would give it.
const platform = "# the platform team's\n" + nodes

// These editors never pause, so a slow one may lose many times in a row.
var patient = wait.Backoff{Steps: 10000, Duration: time.Millisecond, Factor: 1, Jitter: 2}

// Two stacks and a third editor at once: no entry is lost, no node is ever
// without its own, and the end is the beginning.
func TestThreeEditors(t *testing.T) {
	client, e := newClient(t)
	have(t, client)
	threeEditors(t, client, 100)
	checkVersions(t, e.history)
	if len(e.objects) != 1 {
		t.Errorf("%d ConfigMaps are there, want aws-auth alone", len(e.objects))
	}
}

// The same on an API server, of which each version of aws-auth is looked at;
// then without the third editor, after whom the whole object is what it was.
func TestThreeEditorsOnACluster(t *testing.T) {
	client := realCluster(t)
	rounds := 10
	if os.Getenv("CAMPAIGN") != "" {
		rounds = 100
	}
	for _, third := range []bool{true, false} {
		t.Run(fmt.Sprintf("third editor %t, %d rounds", third, rounds), func(t *testing.T) {
			before := have(t, client)
			versions := watchVersions(t, client, before)
			if third {
				threeEditors(t, client, rounds)
			} else {
				twoStacks(t, client, rounds, nil)
			}
			all, end := versions()
			t.Logf("%d versions of aws-auth", len(all))
			if len(all) < 2*rounds {
				t.Errorf("only %d versions were seen in %d rounds", len(all), rounds)
			}
			checkVersions(t, all)
			if third {
				before.Data[key] = end.Data[key] // threeEditors has looked at it
			}
			for _, m := range []*core.ConfigMap{before, end} {
				m.ResourceVersion, m.ManagedFields = "", nil
			}
			if diff := cmp.Diff(before, end); diff != "" {
				t.Errorf("aws-auth (-before +after):\n%s", diff)
			}
			maps := client.CoreV1().ConfigMaps(Namespace)
			left, err := maps.List(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range left.Items {
				if strings.HasPrefix(m.Name, "e6data-") {
					t.Errorf("the backup %s is left", m.Name)
				}
			}
			if err := maps.Delete(t.Context(), Name, metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// have makes the platform team's aws-auth.
func have(t *testing.T, client kubernetes.Interface) *core.ConfigMap {
	t.Helper()
	made, err := client.CoreV1().ConfigMaps(Namespace).Create(t.Context(), &core.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: Name, Labels: map[string]string{"team": "platform"}},
		Data:       map[string]string{key: platform, "mapUsers": "- {} # none\r\n"},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// twoStacks lets two stacks add, change and take away entries, so many rounds
// each, and beside them whoever else is given.
func twoStacks(t *testing.T, client kubernetes.Interface, rounds int, beside func()) {
	t.Helper()
	var group sync.WaitGroup
	for _, stack := range []string{"one", "two"} {
		s := newStore(t, client, stack)
		s.tries = patient
		group.Go(func() { oneStack(t, s, stack, rounds, client) })
	}
	if beside != nil {
		group.Go(beside)
	}
	group.Wait()
}

// threeEditors lets somebody add entries beside the two stacks, and take away
// every other of them.
func threeEditors(t *testing.T, client kubernetes.Interface, rounds int) {
	t.Helper()
	entry := func(round int) string {
		return fmt.Sprintf("- {rolearn: \"arn:aws:iam::012345678901:role/third-%d\", username: \"{{SessionName}}\"} # keep\n", round)
	}
	maps := client.CoreV1().ConfigMaps(Namespace)
	edit := func(change func(string) string) {
		err := retry.RetryOnConflict(patient, func() error {
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
	twoStacks(t, client, rounds, func() {
		for round := range rounds {
			edit(func(text string) string { return text + entry(round) })
			if !strings.Contains(mapRoles(t, client), entry(round)) {
				t.Errorf("round %d: the third editor's entry is lost", round)
			}
			if round%2 == 1 {
				edit(func(text string) string { return strings.Replace(text, entry(round), "", 1) })
			}
		}
	})
	want := platform
	for round := 0; round < rounds; round += 2 {
		want += entry(round)
	}
	if diff := cmp.Diff(want, mapRoles(t, client)); diff != "" {
		t.Errorf("in the end (-want +got):\n%s", diff)
	}
}

// oneStack adds an entry, changes it twice in place and takes it away, again and
// again.
func oneStack(t *testing.T, s *Store, stack string, rounds int, client kubernetes.Interface) {
	t.Helper()
	role := Role{ARN: "arn:aws:iam::012345678901:role/e6data-" + stack, Username: stack}
	for round := range rounds {
		role.Groups = []string{fmt.Sprint(stack, round)}
		if _, err := s.Set(t.Context(), role); err != nil {
			t.Errorf("%s, round %d, set: %v", stack, round, err)
		}
		if got := mapRoles(t, client); strings.Count(got, "- "+role.Groups[0]+"\n") != 1 {
			t.Errorf("%s, round %d: the entry is lost:\n%s", stack, round, got)
		}
		if round%3 != 2 && round != rounds-1 {
			continue // the next round changes it in place
		}
		if _, err := s.Remove(t.Context()); err != nil {
			t.Errorf("%s, round %d, remove: %v", stack, round, err)
		}
		if got := mapRoles(t, client); strings.Contains(got, "role/e6data-"+stack) {
			t.Errorf("%s, round %d: the entry is still there:\n%s", stack, round, got)
		}
	}
}

func mapRoles(t *testing.T, client kubernetes.Interface) string {
	t.Helper()
	m, err := client.CoreV1().ConfigMaps(Namespace).Get(t.Context(), Name, metav1.GetOptions{})
	if err != nil {
		t.Error(err)
		return ""
	}
	return m.Data[key]
}
