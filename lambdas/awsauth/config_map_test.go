package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/e6data/aws-quickstart/internal/awsauth"
	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/kube/kubetest"
)

const (
	theirNodes = "# ours, by Jane\n- rolearn: arn:aws:iam::111122223333:role/eks-nodes\n  username: system:node:{{EC2PrivateDNSName}}\n" +
		"  groups: [system:bootstrappers, system:nodes]\n"
	theirAdmins = theirNodes + "- {rolearn: 'arn:aws:iam::111122223333:role/Admins', username: boss, groups: [ops, 'system:masters']}\n"
)

// realCluster starts the embedded EKS, whose binary LOCALKUBE names, or skips
// the test.
func realCluster(t *testing.T) kubernetes.Interface {
	t.Helper()
	binary := os.Getenv("LOCALKUBE")
	if binary == "" {
		t.Skip("LOCALKUBE does not name the embedded EKS (rehearsal/eks); this test needs a real API server")
	}
	cluster, stop, err := kubetest.Start(binary, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	client, err := kubernetes.NewForConfig(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// mapped is a real API server with an aws-auth of this mapRoles, or none.
type mapped struct {
	kubernetes.Interface
}

func (m mapped) begin(t *testing.T, mapRoles *string) {
	t.Helper()
	maps := m.CoreV1().ConfigMaps(awsauth.Namespace)
	err := maps.Delete(t.Context(), awsauth.Name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	if mapRoles == nil {
		return
	}
	data := map[string]string{"mapRoles": *mapRoles, "mapUsers": "- userarn: x # kept\n", "mapAccounts": "[]\n"}
	object := &core.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: awsauth.Name}, Data: data}
	if _, err := maps.Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// data is aws-auth's; nil if there is none.
func (m mapped) data(t *testing.T) map[string]string {
	t.Helper()
	object, err := m.CoreV1().ConfigMaps(awsauth.Namespace).Get(t.Context(), awsauth.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return object.Data
}

// roles are the entries of mapRoles, one a line.
func (m mapped) roles(t *testing.T) []string {
	t.Helper()
	all, err := awsauth.Entries(m.data(t)["mapRoles"])
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range all {
		lines = append(lines, e.String())
	}
	return lines
}

func (m mapped) backups(t *testing.T) int {
	t.Helper()
	all, err := m.CoreV1().ConfigMaps(awsauth.Namespace).List(t.Context(), metav1.ListOptions{LabelSelector: labelStack})
	if err != nil {
		t.Fatal(err)
	}
	return len(all.Items)
}

const (
	nodesLine  = "arn:aws:iam::111122223333:role/eks-nodes as user system:node:{{EC2PrivateDNSName}} with groups system:bootstrappers, system:nodes"
	adminsLine = "arn:aws:iam::111122223333:role/Admins as user boss with groups ops, system:masters"
)

func TestConfigMap(t *testing.T) {
	m := mapped{realCluster(t)}
	cases := map[string]struct {
		before *string // mapRoles; nil: no aws-auth
		props  contract.AWSAuth
		answer string // the username
		say    []string
		roles  []string // after Create
	}{
		"an administrator, path and all": {
			before: new(theirNodes), props: administrator(installer), answer: "e6data-ws-installer-us-east-1",
			roles: []string{nodesLine, "arn:aws:iam::111122223333:role/e6data-ws-installer-us-east-1 as user e6data-ws-installer-us-east-1 with groups system:masters"},
		},
		"an administrator of IAM Identity Center": {
			before: new(theirNodes), props: contract.AWSAuth{PrincipalArn: sso, Grant: contract.GrantAdministrator, Username: "sso-admin"}, answer: "sso-admin",
			roles: []string{nodesLine, "arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_0123456789abcdef as user sso-admin with groups system:masters"},
		},
		"a user": {
			before: new(theirNodes), props: user(control, "e6data-ws-user"), answer: "e6data-ws-user",
			roles: []string{nodesLine, "arn:aws:iam::111122223333:role/ws-CrossAccountRole as user e6data-ws-user with no groups"},
		},
		"nodes": {
			before: new(theirNodes), props: node(nodes), answer: nodeUsername,
			roles: []string{nodesLine, "arn:aws:iam::111122223333:role/ws-NodeRole as user system:node:{{EC2PrivateDNSName}} with groups system:bootstrappers, system:nodes"},
		},
		"no aws-auth at all": {
			props: node(nodes), answer: nodeUsername,
			roles: []string{"arn:aws:iam::111122223333:role/ws-NodeRole as user system:node:{{EC2PrivateDNSName}} with groups system:bootstrappers, system:nodes"},
		},
		"an empty one": {
			before: new(""), props: node(nodes), answer: nodeUsername,
			roles: []string{"arn:aws:iam::111122223333:role/ws-NodeRole as user system:node:{{EC2PrivateDNSName}} with groups system:bootstrappers, system:nodes"},
		},
		"an administrator who is one already, by any name": {
			before: new(theirAdmins), props: administrator(admins), answer: "boss", roles: []string{nodesLine, adminsLine},
		},
		"an administrator who has another name": {
			before: new(theirAdmins), props: contract.AWSAuth{PrincipalArn: admins, Grant: contract.GrantAdministrator, Username: "chief"},
			roles: []string{nodesLine, adminsLine}, say: []string{"let " + admins + " into cluster demo", "line 5", "user boss", "make it"},
		},
		"a map that cannot be read": {
			before: new("- rolearn: [\n"), props: administrator(installer), say: []string{"let " + installer + " into cluster demo", "line 2", "not YAML"},
		},
		"an IAM user": {
			before: new(theirNodes), props: administrator(account + "user/jane"), roles: []string{nodesLine},
			say: []string{"it is an IAM user", "authenticationMode=API_AND_CONFIG_MAP"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			m.begin(t, tc.before)
			before := m.data(t)
			f := newEKS(types.AuthenticationModeConfigMap)
			doors := &fakeDoors{client: m}
			h := newHandler(f, doors)
			answer, err := h.Create(t.Context(), asked(tc.props))
			if (err != nil) != (len(tc.say) > 0) {
				t.Fatal(err)
			}
			lacks(t, err, tc.say...)
			if err != nil {
				if diff := cmp.Diff(before, m.data(t)); diff != "" || answer.PhysicalID != "" || m.backups(t) > 0 {
					t.Errorf("answer %v, %d backups, aws-auth (-before +after):\n%s", answer, m.backups(t), diff)
				}
				return
			}
			want := response{
				PhysicalID: "awsauth/demo/" + tc.props.PrincipalArn + "/ConfigMap",
				Data:       contract.AWSAuthData{Method: contract.MethodConfigMap, Username: tc.answer},
			}
			if diff := cmp.Diff(want, answer); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			after := m.data(t)
			if diff := cmp.Diff(tc.roles, m.roles(t)); diff != "" {
				t.Errorf("roles (-want +got):\n%s", diff)
			}
			if again, err := h.Create(t.Context(), asked(tc.props)); err != nil || !cmp.Equal(again, answer) || !cmp.Equal(m.data(t), after) {
				t.Errorf("again: %v, %v, %v", again, err, m.data(t))
			}
			for range 2 { // CloudFormation may send it twice
				if err := h.Delete(t.Context(), asked(contract.AWSAuth{}, answer.PhysicalID)); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(before, m.data(t)); diff != "" || m.backups(t) > 0 {
					t.Errorf("after the delete: %d backups, aws-auth (-want +got):\n%s", m.backups(t), diff)
				}
			}
			if len(f.calls) > 0 {
				t.Errorf("EKS was asked to change something: %v", f.calls)
			}
		})
	}

	t.Run("another principal, and back", func(t *testing.T) {
		m.begin(t, new(theirNodes))
		h := newHandler(newEKS(types.AuthenticationModeConfigMap), &fakeDoors{client: m})
		old, err := h.Create(t.Context(), asked(user(control, "u")))
		if err != nil {
			t.Fatal(err)
		}
		next, err := h.Update(t.Context(), asked(user(sso, "u"), old.PhysicalID))
		if err != nil || next.PhysicalID == old.PhysicalID || len(m.roles(t)) != 3 {
			t.Fatalf("%v, %v, %v", next, err, m.roles(t))
		}
		if err := h.Delete(t.Context(), asked(user(control, "u"), old.PhysicalID)); err != nil || len(m.roles(t)) != 2 {
			t.Fatalf("%v, %v", err, m.roles(t))
		}
		back, err := h.Update(t.Context(), asked(user(control, "u"), next.PhysicalID))
		if err != nil || back.PhysicalID != old.PhysicalID {
			t.Fatalf("%v, %v", back, err)
		}
		changed, err := h.Update(t.Context(), asked(administrator(control), back.PhysicalID))
		if err != nil || changed.PhysicalID != back.PhysicalID || !strings.Contains(m.data(t)["mapRoles"], "system:masters") {
			t.Errorf("%v, %v, %v", changed, err, m.roles(t))
		}
		for _, id := range []string{next.PhysicalID, back.PhysicalID} {
			if err := h.Delete(t.Context(), asked(contract.AWSAuth{}, id)); err != nil {
				t.Fatal(err)
			}
		}
		if got := m.data(t)["mapRoles"]; got != theirNodes || m.backups(t) > 0 {
			t.Errorf("%d backups, mapRoles is %q", m.backups(t), got)
		}
	})

	t.Run("the mode changes", func(t *testing.T) {
		m.begin(t, new(theirNodes))
		f := newEKS(types.AuthenticationModeConfigMap)
		h := newHandler(f, &fakeDoors{client: m})
		old, err := h.Create(t.Context(), asked(node(nodes)))
		if err != nil {
			t.Fatal(err)
		}
		f.mode = types.AuthenticationModeApiAndConfigMap
		next, err := h.Update(t.Context(), asked(node(nodes), old.PhysicalID))
		if err != nil || next.Data.Method != contract.MethodAccessEntry || len(f.entries) != 1 || len(m.roles(t)) != 2 {
			t.Fatalf("%v, %v, %v", next, err, m.roles(t))
		}
		if err := h.Delete(t.Context(), asked(node(nodes), old.PhysicalID)); err != nil || m.data(t)["mapRoles"] != theirNodes || len(f.entries) != 1 {
			t.Errorf("%v, %v, %v", err, m.roles(t), f.shown())
		}
	})

	t.Run("never known how, and both were begun", func(t *testing.T) {
		m.begin(t, new(theirNodes))
		f := newEKS(types.AuthenticationModeConfigMap)
		h := newHandler(f, &fakeDoors{client: m})
		if _, err := h.Create(t.Context(), asked(node(nodes))); err != nil {
			t.Fatal(err)
		}
		f.mode = types.AuthenticationModeApiAndConfigMap
		if _, err := h.Create(t.Context(), asked(node(nodes))); err != nil {
			t.Fatal(err)
		}
		err := h.Delete(t.Context(), asked(node(nodes), h.Identify(asked(node(nodes)))))
		if err != nil || m.data(t)["mapRoles"] != theirNodes || len(f.entries) != 0 {
			t.Errorf("%v, %v, %v", err, m.roles(t), f.shown())
		}
	})

	t.Run("the customer's administrator role", func(t *testing.T) {
		m.begin(t, new(theirAdmins))
		doors := &fakeDoors{client: m, closed: map[string]error{own: errors.New("cluster demo does not know it")}}
		h := newHandler(newEKS(types.AuthenticationModeConfigMap), doors)
		p := administrator(installer)
		p.ClusterAdminRoleArn = account + "role/Admins"
		answer, err := h.Create(t.Context(), asked(p))
		if diff := cmp.Diff([]string{own, p.ClusterAdminRoleArn}, doors.opened); err != nil || diff != "" {
			t.Fatalf("%v, %v, roles tried (-want +got):\n%s", answer, err, diff)
		}
		// On delete it goes first: the function's own entry is about to go.
		doors.opened, doors.closed = nil, nil
		err = h.Delete(t.Context(), asked(p, answer.PhysicalID))
		if diff := cmp.Diff([]string{p.ClusterAdminRoleArn}, doors.opened); err != nil || diff != "" || m.data(t)["mapRoles"] != theirAdmins {
			t.Errorf("%v, %v, roles tried (-want +got):\n%s", m.roles(t), err, diff)
		}
	})
}
