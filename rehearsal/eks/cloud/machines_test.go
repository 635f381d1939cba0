package cloud

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/e6data/aws-quickstart/rehearsal/eks/iam"
)

// roles are those that may join; a nil error map entry says so.
type roles map[string]error

func (r roles) Node(_ context.Context, role, _, name string) (string, []string, error) {
	if err, known := r[role]; err != nil || !known {
		return "", nil, fmt.Errorf("%w: %s", cmpOr(err, iam.ErrNoNode), role)
	}
	return "system:node:" + name, []string{"system:nodes"}, nil
}

func cmpOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

func instance(id, role string) Instance {
	return Instance{
		ID: id, Name: "node-" + id, PrivateIP: "10.0.0.1", Zone: "z", Type: "t", Arch: "arm64",
		CPU: 4, MemoryMiB: 1024, MaxPods: 10, RoleARN: role,
	}
}

// scenario is a cluster without a watch: its test says when to look.
type scenario struct {
	*Machines
	kube  *fake.Clientset
	users []string
}

func newScenario(r roles) *scenario {
	s := &scenario{kube: fake.NewClientset()}
	s.Machines = NewMachines(nil, s.kube, r, NodeGroup{})
	s.as = func(user string, _ []string) (kubernetes.Interface, error) {
		s.users = append(s.users, user)
		return s.kube, nil
	}
	return s
}

func (s *scenario) look(t *testing.T) {
	t.Helper()
	for _, step := range []func(context.Context) error{
		func(ctx context.Context) error { _, err := s.clean(ctx); return err },
		func(ctx context.Context) error { _, err := s.register(ctx); return err },
		func(ctx context.Context) error { _, err := s.review(ctx); return err },
	} {
		if err := step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *scenario) nodes(t *testing.T) (names []string) {
	t.Helper()
	l, err := s.kube.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range l.Items {
		names = append(names, l.Items[i].Name)
	}
	slices.Sort(names)
	return names
}

func TestAnInstanceJoinsOnceItsRoleMay(t *testing.T) {
	r := roles{"good": nil}
	s := newScenario(r)
	s.tell([]Instance{instance("i-1", "good"), instance("i-2", "late")})
	s.look(t)
	if diff := cmp.Diff([]string{"node-i-1"}, s.nodes(t)); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	r["late"] = nil
	s.look(t)
	if diff := cmp.Diff([]string{"node-i-1", "node-i-2"}, s.nodes(t)); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"system:node:node-i-1", "system:node:node-i-2"}, s.users); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
}

func TestTheNodeOfAnInstanceThatIsGoneGoes(t *testing.T) {
	s := newScenario(roles{"good": nil})
	own := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "own"}} // of no instance
	if _, err := s.kube.CoreV1().Nodes().Create(t.Context(), own, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.tell([]Instance{instance("i-1", "good")})
	s.look(t)
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "p"}, Spec: corev1.PodSpec{NodeName: "node-i-1"}}
	if _, err := s.kube.CoreV1().Pods("ns").Create(t.Context(), p, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	n, err := s.kube.CoreV1().Nodes().Get(t.Context(), "node-i-1", metav1.GetOptions{})
	if err != nil || !s.Alive(n) {
		t.Fatalf("alive: %v, %v", s.Alive(n), err)
	}
	s.tell([]Instance{})
	if s.Alive(n) || !s.Alive(own) {
		t.Errorf("alive: %v of a gone instance, %v of a node of none", s.Alive(n), s.Alive(own))
	}
	s.look(t)
	if diff := cmp.Diff([]string{"own"}, s.nodes(t)); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	if _, err := s.kube.CoreV1().Pods("ns").Get(t.Context(), "p", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the pod of a gone node: %v", err)
	}
}

func TestANodeThatIsDeletedDoesNotComeBack(t *testing.T) {
	s := newScenario(roles{"good": nil})
	s.tell([]Instance{instance("i-1", "good")})
	s.look(t)
	if err := s.kube.CoreV1().Nodes().Delete(t.Context(), "node-i-1", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.look(t)
	if got := s.nodes(t); len(got) != 0 {
		t.Errorf("nodes %v: a kubelet registers only when it starts", got)
	}
}

func TestANameIsFreeWhenItsNodeIsGone(t *testing.T) {
	s := newScenario(roles{"good": nil})
	s.tell([]Instance{instance("i-1", "good")})
	s.look(t)
	again := instance("i-2", "good")
	again.Name = "node-i-1"
	s.tell([]Instance{again})
	s.look(t)
	n, err := s.kube.CoreV1().Nodes().Get(t.Context(), "node-i-1", metav1.GetOptions{})
	if err != nil || n.Spec.ProviderID != "aws:///z/i-2" {
		t.Errorf("the node is of %s, %v", n.Spec.ProviderID, err)
	}
}

func TestARoleThatLosesItsAccess(t *testing.T) {
	r := roles{"good": nil}
	s := newScenario(r)
	s.tell([]Instance{instance("i-1", "good")})
	s.look(t)
	n := &corev1.Node{Spec: corev1.NodeSpec{ProviderID: "aws:///z/i-1"}}
	for _, tt := range []struct {
		err   error
		alive bool
	}{{errors.New("no connection"), true}, {iam.ErrNoNode, false}, {errors.New("no connection"), false}, {nil, true}} {
		r["good"] = tt.err
		s.look(t)
		if s.Alive(n) != tt.alive {
			t.Errorf("after %v it is alive: %v", tt.err, s.Alive(n))
		}
	}
}
