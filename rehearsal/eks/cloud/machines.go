package cloud

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/e6data/aws-quickstart/rehearsal/eks/handover"
	"github.com/e6data/aws-quickstart/rehearsal/eks/iam"
)

const (
	joinRetry     = 2 * time.Second        // of a kubelet that may not join
	registerRetry = 100 * time.Millisecond // after any other fault, such as an admission plugin that has not synced yet
	accessPoll    = 10 * time.Second       // as often as kubelets renew their leases
)

// Access says as which user a kubelet speaks; iam.ErrNoNode says that it may not.
type Access interface {
	Node(ctx context.Context, roleARN, instance, name string) (user string, groups []string, err error)
}

// Machines makes nodes of instances: one for each that may join, by its role.
// The node of an instance that is gone is deleted, and its pods with it, as AWS's
// cloud controller and the pod garbage collector do.
type Machines struct {
	kube   kubernetes.Interface
	as     func(user string, groups []string) (kubernetes.Interface, error)
	access Access // nil: everybody may join
	wake   chan struct{}

	mu      sync.RWMutex
	running map[string]Instance // by ID
	told    bool                // whether anybody said which instances run
	joined  map[string]bool     // IDs: a kubelet registers its node once, when it starts
	lost    map[string]bool     // IDs of those that may no longer speak to the API server
	refused map[string]string   // ID: why it may not join, as it was last logged
}

// NewMachines begins with the instances that the group stands for.
func NewMachines(config *rest.Config, c kubernetes.Interface, access Access, g NodeGroup) *Machines {
	m := &Machines{
		kube: c, access: access, wake: make(chan struct{}, 1), told: g.Count > 0,
		running: map[string]Instance{}, joined: map[string]bool{}, lost: map[string]bool{}, refused: map[string]string{},
	}
	m.as = func(user string, groups []string) (kubernetes.Interface, error) {
		kubelet := rest.CopyConfig(config)
		kubelet.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: groups}
		return kubernetes.NewForConfig(kubelet)
	}
	for _, i := range g.Instances() {
		m.running[i.ID] = i
	}
	return m
}

// Start makes and deletes nodes until ctx ends, as the file in dir tells.
func (m *Machines) Start(ctx context.Context, dir string) error {
	group := m.list()
	err := handover.Watch(ctx, path.Join(dir, InstancesFile), func(ctx context.Context, b []byte) {
		all, err := ParseInstances(b)
		if err != nil {
			slog.ErrorContext(ctx, "some instances cannot become nodes", "reason", err)
		}
		if all != nil {
			m.tell(append(all, group...))
		}
	})
	if err != nil {
		return err
	}
	go m.run(ctx)
	return nil
}

// Alive tells whether the node's kubelet still speaks to the API server: its
// instance runs, and its role has not lost its access. Nodes that are not made of
// instances always do.
func (m *Machines) Alive(n *corev1.Node) bool {
	id, ok := instanceID(n)
	m.mu.RLock()
	defer m.mu.RUnlock()
	if !ok || !m.told {
		return true
	}
	_, runs := m.running[id]
	return runs && !m.lost[id]
}

// Name gives the private DNS name of a running instance.
func (m *Machines) Name(id string) (string, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	i, ok := m.running[id]
	return i.Name, ok
}

// tell replaces the instances.
func (m *Machines) tell(all []Instance) {
	m.mu.Lock()
	m.told = true
	clear(m.running)
	for _, i := range all {
		m.running[i.ID] = i
	}
	for id := range m.joined {
		if _, runs := m.running[id]; !runs { // its kubelet would start anew
			delete(m.joined, id)
			delete(m.lost, id)
		}
	}
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

func (m *Machines) list() []Instance {
	m.mu.RLock()
	defer m.mu.RUnlock()
	all := make([]Instance, 0, len(m.running))
	for _, i := range m.running {
		all = append(all, i)
	}
	slices.SortFunc(all, func(a, b Instance) int { return strings.Compare(a.ID, b.ID) })
	return all
}

func (m *Machines) run(ctx context.Context) {
	for {
		next := accessPoll
		for _, step := range []func(context.Context) (time.Duration, error){m.clean, m.register, m.review} {
			after, err := step(ctx)
			if err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "nodes do not fit their instances yet", "reason", err)
				after = registerRetry
			}
			if after > 0 {
				next = min(next, after)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-m.wake:
		case <-time.After(next):
		}
	}
}

// clean deletes the nodes whose instances are gone, and then what ran there.
func (m *Machines) clean(ctx context.Context) (time.Duration, error) {
	m.mu.RLock()
	told := m.told
	m.mu.RUnlock()
	if !told {
		return 0, nil
	}
	nodes, err := m.kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return 0, fmt.Errorf("list nodes: %w", err)
	}
	var errs []error
	for i := range nodes.Items {
		n := &nodes.Items[i]
		id, ok := instanceID(n)
		if _, runs := m.Name(id); ok && !runs {
			errs = append(errs, m.remove(ctx, n))
		}
	}
	return 0, errors.Join(errs...)
}

func (m *Machines) remove(ctx context.Context, n *corev1.Node) error {
	if n.DeletionTimestamp == nil {
		slog.InfoContext(ctx, "deleting node: its instance is gone", "node", n.Name, "instance", n.Spec.ProviderID)
		err := m.kube.CoreV1().Nodes().Delete(ctx, n.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &n.UID}})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("delete node %s: %w", n.Name, err)
		}
	}
	pods, err := m.kube.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("spec.nodeName", n.Name).String()})
	if err != nil {
		return fmt.Errorf("list the pods of node %s: %w", n.Name, err)
	}
	var errs []error
	now := int64(0)
	for i := range pods.Items {
		p := &pods.Items[i]
		err := m.kube.CoreV1().Pods(p.Namespace).Delete(ctx, p.Name, metav1.DeleteOptions{
			GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &p.UID},
		})
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			errs = append(errs, fmt.Errorf("delete pod %s/%s of a node that is gone: %w", p.Namespace, p.Name, err))
		}
	}
	return errors.Join(errs...)
}

// register makes the nodes of instances that have none yet and may join.
func (m *Machines) register(ctx context.Context) (time.Duration, error) {
	var errs []error
	var again time.Duration
	for _, i := range m.list() {
		m.mu.RLock()
		joined := m.joined[i.ID]
		m.mu.RUnlock()
		if joined {
			continue
		}
		err := m.join(ctx, &i)
		if apierrors.IsInternalError(err) || apierrors.IsTimeout(err) || apierrors.IsServiceUnavailable(err) {
			errs = append(errs, err)
			continue
		}
		if err != nil {
			again = joinRetry
		}
		m.note(ctx, i.ID, err)
	}
	return again, errors.Join(errs...)
}

// join registers the instance's node as its kubelet does, with its own user: the
// API server judges what that may.
func (m *Machines) join(ctx context.Context, i *Instance) error {
	user, groups := "system:node:"+i.Name, []string{"system:nodes"}
	if m.access != nil && i.RoleARN != "" {
		var err error
		if user, groups, err = m.access.Node(ctx, i.RoleARN, i.ID, i.Name); err != nil {
			return err
		}
	}
	kubelet, err := m.as(user, groups)
	if err != nil {
		return fmt.Errorf("make a client for the kubelet of %s: %w", i.ID, err)
	}
	_, err = kubelet.CoreV1().Nodes().Create(ctx, i.node(), metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	n, err := m.kube.CoreV1().Nodes().Get(ctx, i.Name, metav1.GetOptions{})
	if err == nil && n.Spec.ProviderID != i.providerID() {
		err = fmt.Errorf("node %s is still that of %s", i.Name, n.Spec.ProviderID)
	}
	return err
}

// note remembers whether the instance has joined, and logs each new reason why not.
func (m *Machines) note(ctx context.Context, id string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case err == nil:
		m.joined[id] = true
		delete(m.refused, id)
		slog.InfoContext(ctx, "instance joined the cluster", "instance", id, "node", m.running[id].Name)
	case m.refused[id] != err.Error():
		m.refused[id] = err.Error()
		slog.WarnContext(ctx, "instance may not join the cluster", "instance", id, "reason", err)
	}
}

// review finds out which roles have lost their access, or have it again. What
// nobody knows stays as it was.
func (m *Machines) review(ctx context.Context) (time.Duration, error) {
	if m.access == nil {
		return 0, nil
	}
	type answer struct{ refused, known bool }
	byRole := map[string]answer{}
	for _, i := range m.list() {
		m.mu.RLock()
		joined := m.joined[i.ID]
		m.mu.RUnlock()
		if !joined || i.RoleARN == "" {
			continue
		}
		a, asked := byRole[i.RoleARN]
		if !asked {
			_, _, err := m.access.Node(ctx, i.RoleARN, i.ID, i.Name)
			a = answer{refused: errors.Is(err, iam.ErrNoNode), known: err == nil || errors.Is(err, iam.ErrNoNode)}
			byRole[i.RoleARN] = a
		}
		m.mu.Lock()
		if a.known && a.refused != m.lost[i.ID] {
			m.lost[i.ID] = a.refused
			slog.WarnContext(ctx, "the access of a node changed", "node", i.Name, "role", i.RoleARN, "unauthorized", a.refused)
		}
		m.mu.Unlock()
	}
	return 0, nil
}

// instanceID gives the EC2 instance that the node is made of.
func instanceID(n *corev1.Node) (string, bool) {
	if !strings.HasPrefix(n.Spec.ProviderID, "aws:///") {
		return "", false
	}
	return path.Base(n.Spec.ProviderID), true
}
