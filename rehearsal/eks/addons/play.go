package addons

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/e6data/aws-quickstart/rehearsal/eks/handover"
)

const (
	// Manager is the field manager of what belongs to an add-on, as on EKS.
	Manager = "eks"
	// Bootstrap is that of what is in the cluster from the start.
	Bootstrap = "eks-bootstrap"

	retry = time.Second
)

// Addons keeps the add-ons of a cluster.
type Addons struct {
	cluster     Cluster
	dynamic     dynamic.Interface
	deployments cache.SharedIndexInformer
	daemonSets  cache.SharedIndexInformer
	status      string // file
	wake        chan struct{}

	mu     sync.Mutex
	wanted map[string]Addon // by name
	told   bool             // whether anybody said which there are
	made   map[string]Addon // as their objects are
	last   map[string]Status
}

// New makes the player of a cluster's add-ons; dir has the files.
func New(config *rest.Config, c kubernetes.Interface, cluster Cluster, dir string) (*Addons, error) {
	d, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make a dynamic client: %w", err)
	}
	f := informers.NewSharedInformerFactoryWithOptions(c, 0, informers.WithNamespace(metav1.NamespaceSystem))
	return &Addons{
		cluster: cluster, dynamic: d, status: filepath.Join(dir, StatusFile), wake: make(chan struct{}, 1),
		deployments: f.Apps().V1().Deployments().Informer(), daemonSets: f.Apps().V1().DaemonSets().Informer(),
		wanted: map[string]Addon{}, made: map[string]Addon{},
	}, nil
}

// Bootstrap makes the objects that a cluster has without any add-on. Those that
// exist are left as they are.
func (p *Addons) Bootstrap(ctx context.Context) error {
	for _, a := range selfManaged {
		all, err := a.objects(p.cluster)
		if err != nil {
			return err
		}
		for _, o := range all {
			r, err := p.resource(o)
			if err != nil {
				return err
			}
			err = untilSynced(ctx, func() error {
				_, err := r.Create(ctx, o, metav1.CreateOptions{FieldManager: Bootstrap})
				return err
			})
			if err != nil && !apierrors.IsAlreadyExists(err) {
				return fmt.Errorf("make %s %s: %w", o.GetKind(), o.GetName(), err)
			}
		}
	}
	return nil
}

// untilSynced repeats what an admission plugin that has not synced yet refuses.
func untilSynced(ctx context.Context, do func() error) error {
	for {
		err := do()
		if !apierrors.IsForbidden(err) && !apierrors.IsServerTimeout(err) && !apierrors.IsServiceUnavailable(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(retry / 10):
		}
	}
}

// Start makes, changes and removes the add-ons until ctx ends, as the file tells.
func (p *Addons) Start(ctx context.Context, dir string) error {
	for _, i := range []cache.SharedIndexInformer{p.deployments, p.daemonSets} {
		_, err := i.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: func(any) { p.look() }, UpdateFunc: func(any, any) { p.look() }, DeleteFunc: func(any) { p.look() },
		})
		if err != nil {
			return fmt.Errorf("watch workloads: %w", err)
		}
		go i.Run(ctx.Done())
	}
	err := handover.Watch(ctx, filepath.Join(dir, File), func(ctx context.Context, b []byte) {
		all, err := parse(b)
		if err != nil {
			slog.ErrorContext(ctx, "add-ons stay as they are", "reason", err)
			return
		}
		p.tell(all)
	})
	if err != nil {
		return err
	}
	go p.run(ctx)
	return nil
}

func (p *Addons) look() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *Addons) tell(all []Addon) {
	p.mu.Lock()
	p.told = true
	clear(p.wanted)
	for _, a := range all {
		p.wanted[a.Name] = a
	}
	p.mu.Unlock()
	p.look()
}

func (p *Addons) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		}
		p.mu.Lock()
		wanted, told := maps.Clone(p.wanted), p.told
		p.mu.Unlock()
		if !told {
			continue
		}
		if !p.reconcile(ctx, wanted) {
			time.AfterFunc(retry, p.look)
		}
	}
}

// reconcile makes the add-ons what they should be and tells how they are; false
// says that something is to be tried again.
func (p *Addons) reconcile(ctx context.Context, wanted map[string]Addon) (done bool) {
	done = true
	status := map[string]Status{}
	for _, name := range slices.Concat(names, unplayed(wanted)) {
		a, want := wanted[name]
		if err := p.bring(ctx, name, a, want); err != nil {
			slog.WarnContext(ctx, "add-on is not as it should be", "addon", name, "reason", err)
			status[name], done = Status{Why: err.Error()}, false
			continue
		}
		if want {
			status[name] = p.state(&a)
		}
	}
	if p.last == nil || !maps.Equal(status, p.last) {
		if err := handover.Write(p.status, status); err != nil {
			slog.ErrorContext(ctx, "nobody is told how the add-ons are", "reason", err)
			return false
		}
		p.last = status
	}
	return done
}

// bring makes, changes or removes one add-on if it is not yet as wanted.
func (p *Addons) bring(ctx context.Context, name string, a Addon, want bool) error {
	made, known := p.made[name] // an add-on that is known and has no name is not there
	if known && made == a {
		return nil
	}
	var err error
	if want {
		err = p.apply(ctx, &a)
	} else {
		err = p.remove(ctx, name)
	}
	if err == nil {
		p.made[name] = a
	}
	return err
}

// unplayed are the names of the add-ons that have no objects here.
func unplayed(wanted map[string]Addon) (all []string) {
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if !slices.Contains(names, name) {
			all = append(all, name)
		}
	}
	return all
}

func (p *Addons) apply(ctx context.Context, a *Addon) error {
	all, err := a.objects(p.cluster)
	if err != nil {
		return err
	}
	for _, o := range all {
		r, err := p.resource(o)
		if err != nil {
			return err
		}
		if _, err := r.Apply(ctx, o.GetName(), o, metav1.ApplyOptions{FieldManager: Manager, Force: true}); err != nil {
			return fmt.Errorf("make %s %s: %w", o.GetKind(), o.GetName(), err)
		}
	}
	slog.InfoContext(ctx, "add-on made", "addon", a.Name, "version", a.Version)
	return nil
}

// remove deletes those of the add-on's objects that are an add-on's: what is in
// the cluster from the start stays.
func (p *Addons) remove(ctx context.Context, name string) error {
	a := Addon{Name: name, Version: "v0"}
	all, err := a.objects(p.cluster)
	if err != nil {
		return err
	}
	slices.Reverse(all)
	background := metav1.DeletePropagationBackground
	for _, o := range all {
		r, err := p.resource(o)
		if err != nil {
			return err
		}
		have, err := r.Get(ctx, o.GetName(), metav1.GetOptions{})
		if apierrors.IsNotFound(err) || err == nil && !belongs(have) {
			continue
		}
		if err == nil {
			err = r.Delete(ctx, o.GetName(), metav1.DeleteOptions{PropagationPolicy: &background})
		}
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("delete %s %s: %w", o.GetKind(), o.GetName(), err)
		}
		slog.InfoContext(ctx, "deleted with its add-on", "addon", name, "kind", o.GetKind(), "name", o.GetName())
	}
	return nil
}

func belongs(o *unstructured.Unstructured) bool {
	return slices.ContainsFunc(o.GetManagedFields(), func(f metav1.ManagedFieldsEntry) bool { return f.Manager == Manager })
}

// state says how the add-on's workloads are.
func (p *Addons) state(a *Addon) Status {
	all, err := a.objects(p.cluster)
	if err != nil {
		return Status{Why: err.Error()}
	}
	var why []string
	for _, o := range all {
		key := o.GetNamespace() + "/" + o.GetName()
		switch o.GetKind() {
		case "Deployment":
			have, _, _ := p.deployments.GetIndexer().GetByKey(key)
			d, ok := have.(*appsv1.Deployment)
			why = append(why, lack(ok, "deployment", o.GetName(), func() string { return deployment(d) }))
		case "DaemonSet":
			have, _, _ := p.daemonSets.GetIndexer().GetByKey(key)
			d, ok := have.(*appsv1.DaemonSet)
			why = append(why, lack(ok, "daemon set", o.GetName(), func() string { return daemonSet(d) }))
		}
	}
	why = slices.DeleteFunc(why, func(s string) bool { return s == "" })
	if len(all) == 0 {
		return Status{Ready: true, Why: "it is not played: it has no objects in this cluster"}
	}
	return Status{Ready: len(why) == 0, Why: strings.Join(why, "; ")}
}

func lack(ok bool, kind, name string, why func() string) string {
	s := "is not there yet"
	if ok {
		s = why()
	}
	if s == "" {
		return ""
	}
	return kind + " " + name + " " + s
}

func deployment(d *appsv1.Deployment) string {
	want := int32(1)
	if d.Spec.Replicas != nil {
		want = *d.Spec.Replicas
	}
	switch st := d.Status; {
	case st.ObservedGeneration < d.Generation:
		return "is being changed"
	case st.UpdatedReplicas < want || st.AvailableReplicas < want:
		return fmt.Sprintf("has %d of %d replicas available", min(st.UpdatedReplicas, st.AvailableReplicas), want)
	default:
		return ""
	}
}

func daemonSet(d *appsv1.DaemonSet) string {
	switch st := d.Status; {
	case st.ObservedGeneration < d.Generation:
		return "is being changed"
	case st.UpdatedNumberScheduled < st.DesiredNumberScheduled || st.NumberAvailable < st.DesiredNumberScheduled:
		return fmt.Sprintf("is available on %d of %d nodes", min(st.UpdatedNumberScheduled, st.NumberAvailable), st.DesiredNumberScheduled)
	default:
		return ""
	}
}

// resources are the types of the manifests' objects, by kind.
var resources = map[string]string{
	"ServiceAccount": "serviceaccounts", "ConfigMap": "configmaps", "Service": "services",
	"Deployment": "deployments", "DaemonSet": "daemonsets", "PodDisruptionBudget": "poddisruptionbudgets",
	"ClusterRole": "clusterroles", "ClusterRoleBinding": "clusterrolebindings", "Role": "roles", "RoleBinding": "rolebindings",
	"CSIDriver": "csidrivers", "CustomResourceDefinition": "customresourcedefinitions",
}

func resourceOf(o *unstructured.Unstructured) (schema.GroupVersionResource, error) {
	name, ok := resources[o.GetKind()]
	if !ok {
		return schema.GroupVersionResource{}, fmt.Errorf("no resource is known for the kind %s", o.GetKind())
	}
	return o.GroupVersionKind().GroupVersion().WithResource(name), nil
}

func (p *Addons) resource(o *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	gvr, err := resourceOf(o)
	if err != nil {
		return nil, err
	}
	if ns := o.GetNamespace(); ns != "" {
		return p.dynamic.Resource(gvr).Namespace(ns), nil
	}
	return p.dynamic.Resource(gvr), nil
}
