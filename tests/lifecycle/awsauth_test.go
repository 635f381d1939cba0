package lifecycle_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/google/go-cmp/cmp"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"

	"github.com/e6data/aws-quickstart/tests/lifecycle"
)

const (
	nodeRole = "arn:aws:iam::111122223333:role/team/demo-KarpenterNodeRole"
	// theirs is what the platform team keeps in aws-auth.
	theirs = "# kept by the platform team\n- rolearn: \"arn:aws:iam::012345678901:role/nodes\"   # ours\n" +
		"  username: system:node:{{EC2PrivateDNSName}}\n  groups: [ 'system:bootstrappers', 'system:nodes' ]\n"
	theirNodes = "arn:aws:iam::012345678901:role/nodes"
)

func authEvent(t *testing.T, changes map[string]any) map[string]any {
	t.Helper()
	return lifecycle.Event(t, "testdata/awsauth/create.json", changes)
}

// with is an event's change and more of them.
func with(change map[string]any, more map[string]any) map[string]any {
	all := maps.Clone(change)
	maps.Copy(all, more)
	return all
}

// theirMap is the platform team's aws-auth on a cluster.
type theirMap struct{ kubernetes.Interface }

// make makes it until the test ends.
func (m theirMap) make(t *testing.T) {
	t.Helper()
	_, err := m.CoreV1().ConfigMaps("kube-system").Create(t.Context(), &core.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "aws-auth", Labels: map[string]string{"team": "platform"}},
		Data:       map[string]string{"mapRoles": theirs, "mapUsers": "# none\r\n"},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.CoreV1().ConfigMaps("kube-system").Delete(context.WithoutCancel(t.Context()), "aws-auth", metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
}

func (m theirMap) get(t *testing.T) *core.ConfigMap {
	t.Helper()
	found, err := m.CoreV1().ConfigMaps("kube-system").Get(t.Context(), "aws-auth", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// want compares the whole map, and looks for backups that are left.
func (m theirMap) want(t *testing.T, mapRoles string) {
	t.Helper()
	found := m.get(t)
	if diff := cmp.Diff(map[string]string{"mapRoles": mapRoles, "mapUsers": "# none\r\n"}, found.Data); diff != "" || len(found.Labels) != 1 {
		t.Errorf("aws-auth, labels %v (-want +got):\n%s", found.Labels, diff)
	}
	list, err := m.CoreV1().ConfigMaps("kube-system").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list.Items {
		if strings.HasPrefix(c.Name, "e6data-") {
			t.Errorf("the backup %s is left", c.Name)
		}
	}
}

// edit changes mapRoles as somebody else.
func (m theirMap) edit(t *testing.T, change func(string) string) {
	t.Helper()
	maps := m.CoreV1().ConfigMaps("kube-system")
	patient := retry.DefaultBackoff
	patient.Steps = 1000
	if err := retry.RetryOnConflict(patient, func() error {
		found, err := maps.Get(t.Context(), "aws-auth", metav1.GetOptions{})
		if err != nil {
			return err
		}
		found.Data["mapRoles"] = change(found.Data["mapRoles"])
		_, err = maps.Update(t.Context(), found, metav1.UpdateOptions{})
		return err
	}); err != nil {
		t.Error(err)
	}
}

// The real function, in each way that it lets somebody in.
func TestAWSAuth(t *testing.T) {
	path := binary(t, "awsauth")
	t.Run("by access entries", func(t *testing.T) { authByAccessEntry(t, path) })
	door, client := clusterDoor(t, 0)
	m := theirMap{client}
	t.Run("by aws-auth", func(t *testing.T) { authByConfigMap(t, path, door, m) })
	t.Run("two at once", func(t *testing.T) { twoAuthAtOnce(t, path, door, m) })
	t.Run("in the trap", func(t *testing.T) { authInTheTrap(t, path, door, m) })
}

func authByConfigMap(t *testing.T, path string, door *eksDoor, m theirMap) {
	t.Helper()
	m.make(t)
	f := newAccessEKS(t, "CONFIG_MAP", door).start(t, path)

	created := expect(t, f, authEvent(t, nil), cfn.StatusSuccess)
	if want := "awsauth/demo/" + nodeRole + "/ConfigMap"; created.PhysicalResourceID != want {
		t.Errorf("the physical ID is %s, want %s", created.PhysicalResourceID, want)
	}
	if diff := cmp.Diff(map[string]any{"Method": "ConfigMap", "Username": "system:node:{{EC2PrivateDNSName}}"}, created.Data); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
	mapped := m.get(t)
	if text, ok := strings.CutPrefix(mapped.Data["mapRoles"], theirs); !ok || !strings.Contains(text, "role/demo-KarpenterNodeRole") || strings.Contains(text, "/team/") {
		t.Errorf("aws-auth is\n%s", mapped.Data["mapRoles"])
	}
	update := map[string]any{"RequestType": "Update", "PhysicalResourceId": created.PhysicalResourceID}
	expect(t, f, authEvent(t, update), cfn.StatusSuccess)
	if now := m.get(t); now.ResourceVersion != mapped.ResourceVersion {
		t.Errorf("an update that changes nothing wrote aws-auth:\n%s", now.Data["mapRoles"])
	}

	// Another principal is another entry, and CloudFormation has the old deleted.
	other := "arn:aws:iam::111122223333:role/demo-OtherNodeRole"
	next := expect(t, f, authEvent(t, with(update, map[string]any{"ResourceProperties.PrincipalArn": other})), cfn.StatusSuccess)
	expect(t, f, authEvent(t, with(update, map[string]any{"RequestType": "Delete"})), cfn.StatusSuccess)
	if text := m.get(t).Data["mapRoles"]; !strings.Contains(text, other) || strings.Contains(text, "demo-KarpenterNodeRole") {
		t.Errorf("aws-auth is\n%s", text)
	}
	// What another stack's, or somebody's, entry says is not overwritten.
	failed := expect(t, f, authEvent(t, map[string]any{"ResourceProperties.PrincipalArn": theirNodes, "ResourceProperties.Grant": "Administrator"}),
		cfn.StatusFailed, theirNodes, "line 2")
	expect(t, f, authEvent(t, map[string]any{"RequestType": "Delete", "PhysicalResourceId": failed.PhysicalResourceID}), cfn.StatusSuccess)

	// The properties are unreadable, as those of an older version may be.
	expect(t, f, authEvent(t, map[string]any{
		"RequestType": "Delete", "PhysicalResourceId": next.PhysicalResourceID, "ResourceProperties.AllowAuthModeChange": "perhaps",
	}), cfn.StatusSuccess)
	m.want(t, theirs)
	if log := f.Log(); strings.Contains(log, "k8s-aws-v1") || strings.Contains(log, "role/nodes\"   #") || strings.Contains(log, lifecycle.Signature) {
		t.Error("the log holds a token, the map or the answer's address")
	}
}

func authByAccessEntry(t *testing.T, path string) {
	t.Helper()
	e := newAccessEKS(t, "API", nil)
	foreign := "arn:aws:iam::111122223333:role/foreign"
	e.entries[foreign] = map[string]any{"principalArn": foreign, "type": "STANDARD", "username": "somebody", "kubernetesGroups": []any{"readers"}}
	const theirEntry = "arn:aws:iam::111122223333:role/foreign STANDARD somebody"
	f := e.start(t, path)
	want := func(changes []string, entries ...string) {
		t.Helper()
		shown, changed := e.shown()
		if diff := cmp.Diff(slices.Sorted(slices.Values(append(entries, theirEntry))), shown); diff != "" {
			t.Errorf("entries (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(changes, changed); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
	}

	node := expect(t, f, authEvent(t, nil), cfn.StatusSuccess)
	if node.PhysicalResourceID != "awsauth/demo/"+nodeRole+"/AccessEntry" || node.Data["Method"] != "AccessEntry" {
		t.Errorf("got %s, %v", node.PhysicalResourceID, node.Data)
	}
	nodeEntry := nodeRole + " EC2_LINUX system:node:{{EC2PrivateDNSName}}"
	want([]string{"POST access-entries"}, nodeEntry)
	if tags := fmt.Sprint(e.entries[nodeRole]["tags"]); !strings.Contains(tags, "0f3a7a40-c7a1-11f0-8de9-0242ac120002") {
		t.Errorf("the entry is not marked as this stack's: %s", tags)
	}
	expect(t, f, authEvent(t, map[string]any{"RequestType": "Update", "PhysicalResourceId": node.PhysicalResourceID}), cfn.StatusSuccess)
	want(nil, nodeEntry)

	installer := map[string]any{
		"LogicalResourceId": "InstallerAccess", "ResourceProperties.PrincipalArn": "arn:aws:iam::111122223333:role/installer", "ResourceProperties.Grant": "Administrator",
	}
	admin := expect(t, f, authEvent(t, installer), cfn.StatusSuccess)
	adminEntry := "arn:aws:iam::111122223333:role/installer STANDARD arn:aws:sts::111122223333:assumed-role/x/{{SessionName}} AmazonEKSClusterAdminPolicy"
	want([]string{"POST access-entries", "POST access-entries/arn:aws:iam::111122223333:role/installer/access-policies"}, adminEntry, nodeEntry)

	// Somebody else's entry is left, also when the stack goes.
	other := map[string]any{"ResourceProperties.PrincipalArn": foreign}
	failed := expect(t, f, authEvent(t, other), cfn.StatusFailed, "that this stack did not make", "username somebody", "aws eks delete-access-entry")
	expect(t, f, authEvent(t, with(other, map[string]any{"RequestType": "Delete", "PhysicalResourceId": failed.PhysicalResourceID})), cfn.StatusSuccess)
	expect(t, f, authEvent(t, with(other, map[string]any{"RequestType": "Delete", "PhysicalResourceId": "awsauth/demo/" + foreign + "/AccessEntry"})), cfn.StatusSuccess)
	want(nil, adminEntry, nodeEntry)

	expect(t, f, authEvent(t, map[string]any{"ResourceProperties.Grnat": "Node", "ResourceProperties.Grant": "Root"}), cfn.StatusFailed, "Grnat is not known (did you mean Grant?)")
	expect(t, f, authEvent(t, map[string]any{"ResourceProperties.Grant": "Root", "ResourceProperties.ClusterName": "a b"}), cfn.StatusFailed, `Grant "Root"`, `ClusterName "a b"`)

	expect(t, f, authEvent(t, with(installer, map[string]any{"RequestType": "Delete", "PhysicalResourceId": admin.PhysicalResourceID})), cfn.StatusSuccess)
	want([]string{"DELETE access-entries/arn:aws:iam::111122223333:role/installer"}, nodeEntry)
	e.mu.Lock()
	e.gone = true
	e.mu.Unlock()
	expect(t, f, authEvent(t, nil), cfn.StatusFailed, `EKS has no cluster "demo" in us-east-1`)
	expect(t, f, authEvent(t, map[string]any{"RequestType": "Delete", "PhysicalResourceId": node.PhysicalResourceID}), cfn.StatusSuccess)
	want(nil, nodeEntry)
	t.Run("garbage fails the invocation and not the process", func(t *testing.T) {
		if res := f.Invoke(t, nil, 30*time.Second); len(res.Answers) != 0 || !strings.Contains(res.Error, "not a CloudFormation custom-resource event") {
			t.Errorf("answers %v, error %q", res.Answers, res.Error)
		}
		expect(t, f, authEvent(t, map[string]any{"RequestType": "Delete", "PhysicalResourceId": node.PhysicalResourceID}), cfn.StatusSuccess)
	})
}

// authInTheTrap: a cluster of the mode CONFIG_MAP does not know the function's role: the answer
// says what to do, and two answers to it get the principal in.
func authInTheTrap(t *testing.T, path string, door *eksDoor, m theirMap) {
	t.Helper()
	door.knows = []string{adminKey}
	m.make(t)

	t.Run("nobody lets it in", func(t *testing.T) {
		e := newAccessEKS(t, "CONFIG_MAP", door)
		f := e.start(t, path)
		failed := expect(t, f, authEvent(t, map[string]any{"ResourceProperties.ClusterAdminRoleArn": "arn:aws:iam::111122223333:role/nobody"}), cfn.StatusFailed,
			"does not let this function's role arn:aws:iam::111122223333:role/installer edit it", "eksctl create iamidentitymapping --cluster demo --region us-east-1",
			"kubectl -n kube-system get configmap aws-auth -o json | jq", "ClusterAdminRoleArn arn:aws:iam::111122223333:role/nobody did not help", "AllowAuthModeChange")
		asked := door.seen.Load()
		expect(t, f, authEvent(t, map[string]any{"RequestType": "Delete", "PhysicalResourceId": failed.PhysicalResourceID}), cfn.StatusSuccess)
		if door.seen.Load() != asked {
			t.Error("the Delete of what was never made asks the cluster")
		}
		if _, changes := e.shown(); len(changes) > 0 {
			t.Errorf("changed: %v", changes)
		}
		m.want(t, theirs)
	})
	t.Run("an administrator's role lets it in", func(t *testing.T) {
		f := newAccessEKS(t, "CONFIG_MAP", door).start(t, path)
		admin := map[string]any{"ResourceProperties.ClusterAdminRoleArn": adminRole}
		created := expect(t, f, authEvent(t, admin), cfn.StatusSuccess)
		if text := m.get(t).Data["mapRoles"]; !strings.Contains(text, "role/demo-KarpenterNodeRole") {
			t.Errorf("aws-auth is\n%s", text)
		}
		expect(t, f, authEvent(t, with(admin, map[string]any{"RequestType": "Delete", "PhysicalResourceId": created.PhysicalResourceID})), cfn.StatusSuccess)
		m.want(t, theirs)
		if log := f.Log(); strings.Contains(log, "admins-secret") || strings.Contains(log, "admins-token") {
			t.Error("the log holds the administrator's credentials")
		}
	})
	t.Run("a change of the mode lets it in", func(t *testing.T) {
		e := newAccessEKS(t, "CONFIG_MAP", door)
		created := expect(t, e.start(t, path), authEvent(t, map[string]any{"ResourceProperties.AllowAuthModeChange": "true"}), cfn.StatusSuccess)
		entries, changes := e.shown()
		if created.Data["Method"] != "AccessEntry" || len(entries) != 1 || !slices.Equal(changes, []string{"POST update-config", "POST access-entries"}) || e.mode != "API_AND_CONFIG_MAP" {
			t.Errorf("got %v, entries %v, changes %v, mode %s", created.Data, entries, changes, e.mode)
		}
		m.want(t, theirs)
	})
}

// twoAuthAtOnce runs two functions of two stacks, and somebody else who edits
// whenever one of them begins: no entry is lost, the nodes' is there at every
// look, and nothing but the other's edits is left.
func twoAuthAtOnce(t *testing.T, path string, door *eksDoor, m theirMap) {
	t.Helper()
	m.make(t)
	rounds := 10
	if os.Getenv("CAMPAIGN") != "" {
		rounds = 100
	}
	begun := make(chan struct{}, 4*rounds)
	var stacks, third sync.WaitGroup
	for _, stack := range []string{"one", "two"} {
		f := newAccessEKS(t, "CONFIG_MAP", door).start(t, path)
		role := "arn:aws:iam::111122223333:role/" + stack
		stacks.Go(func() {
			event := map[string]any{"StackId": "arn:aws:cloudformation:us-east-1:111122223333:stack/" + stack + "/" + stack, "ResourceProperties.PrincipalArn": role}
			for range rounds {
				begun <- struct{}{}
				created := f.Invoke(t, authEvent(t, event), 2*time.Minute)
				if len(created.Answers) != 1 || created.Answers[0].Status != cfn.StatusSuccess || !strings.Contains(m.get(t).Data["mapRoles"], role) {
					t.Errorf("%s is lost: %v", stack, created)
					return
				}
				begun <- struct{}{}
				gone := f.Invoke(t, authEvent(t, with(event, map[string]any{"RequestType": "Delete", "PhysicalResourceId": created.Answers[0].PhysicalResourceID})), 2*time.Minute)
				if len(gone.Answers) != 1 || gone.Answers[0].Status != cfn.StatusSuccess || strings.Contains(m.get(t).Data["mapRoles"], role) {
					t.Errorf("%s is still there: %v", stack, gone)
					return
				}
			}
		})
	}
	const note = "# a note\n"
	edits := 0
	third.Go(func() {
		for range begun {
			edits++
			m.edit(t, func(text string) string { return note + text })
			if text := m.get(t).Data["mapRoles"]; strings.Count(text, note) != edits || !strings.Contains(text, theirs) {
				t.Errorf("after %d notes aws-auth is\n%s", edits, text)
			}
		}
	})
	stacks.Wait()
	close(begun)
	third.Wait()
	if edits != 4*rounds {
		t.Errorf("%d edits of somebody else in %d rounds", edits, rounds)
	}
	m.want(t, strings.Repeat(note, edits)+theirs)
}
