package kubelet

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"

	"github.com/e6data/aws-quickstart/rehearsal/eks/program"
)

const workers = 4

// Kubelets plays the kubelets of all nodes.
type Kubelets struct {
	kube     kubernetes.Interface
	version  string // that the nodes report
	machines Machines
	events   *reporters
	programs *program.Runner           // of the pods that are not played
	pods     cache.SharedIndexInformer // those that are bound to a node
	nodes    cache.SharedIndexInformer
	queue    workqueue.TypedRateLimitingInterface[item]

	mu       sync.Mutex
	steps    map[types.UID]time.Time // when a pod's last step was
	told     map[types.UID]string    // what was last told of a pod that is held
	networks map[types.UID]bool      // nodes that can give pods a network
	drivers  map[types.UID]bool      // nodes on which the EBS driver is registered
}

// item is an object to look at.
type item struct {
	informer cache.SharedIndexInformer
	key      string
}

// Machines knows which kubelets there are.
type Machines interface {
	// Alive tells whether the node's kubelet runs and may speak to the API server.
	Alive(n *corev1.Node) bool
}

// Start plays until ctx ends. Version is the Kubernetes version that the nodes
// report; pods with one of the programs run it.
func Start(ctx context.Context, c kubernetes.Interface, version string, machines Machines, programs program.Config) (*Kubelets, error) {
	bound := informers.NewSharedInformerFactoryWithOptions(c, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermNotEqualSelector("spec.nodeName", "").String()
	}))
	all := informers.NewSharedInformerFactory(c, 0)
	k := &Kubelets{
		kube: c, version: version, machines: machines, events: newReporters(ctx, c),
		pods: bound.Core().V1().Pods().Informer(), nodes: all.Core().V1().Nodes().Informer(),
		queue: workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[item]()),
		steps: map[types.UID]time.Time{}, told: map[types.UID]string{},
		networks: map[types.UID]bool{}, drivers: map[types.UID]bool{},
	}
	programs.BackOff = backOff
	k.programs = program.New(ctx, programs, c, k)
	for _, i := range []cache.SharedIndexInformer{k.pods, k.nodes} {
		if err := k.watch(i); err != nil {
			return nil, fmt.Errorf("watch pods and nodes: %w", err)
		}
	}
	bound.Start(ctx.Done())
	all.Start(ctx.Done())
	context.AfterFunc(ctx, k.queue.ShutDown)
	for range workers {
		go k.work(ctx)
	}
	go k.renewLeases(ctx)
	return k, nil
}

// watch puts what changes into the queue.
func (k *Kubelets) watch(i cache.SharedIndexInformer) error {
	put := func(o any) {
		if key, err := cache.MetaNamespaceKeyFunc(o); err == nil {
			k.queue.Add(item{i, key})
		}
	}
	_, err := i.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    put,
		UpdateFunc: func(_, o any) { put(o) },
		DeleteFunc: func(o any) {
			if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = gone.Obj
			}
			if p, ok := o.(*corev1.Pod); ok {
				k.forget(p.UID)
				k.programs.Kill(p.UID)
			}
		},
	})
	return err
}

func (k *Kubelets) work(ctx context.Context) {
	for {
		i, down := k.queue.Get()
		if down {
			return
		}
		after, err := k.look(ctx, i)
		switch {
		case err == nil || apierrors.IsNotFound(err):
			k.queue.Forget(i)
			if after > 0 {
				k.queue.AddAfter(i, after)
			}
		default:
			if !apierrors.IsConflict(err) { // a conflict says only that the cache is behind
				slog.WarnContext(ctx, "kubelet tries again", "object", i.key, "reason", err)
			}
			k.queue.AddRateLimited(i)
		}
		k.queue.Done(i)
	}
}

// look brings one pod or node a step further, and says when to look again.
func (k *Kubelets) look(ctx context.Context, i item) (time.Duration, error) {
	o, ok, err := i.informer.GetIndexer().GetByKey(i.key)
	if err != nil || !ok {
		return 0, err
	}
	switch o := o.(type) {
	case *corev1.Pod:
		return k.pod(ctx, o)
	case *corev1.Node:
		return 0, k.node(ctx, o)
	default:
		return 0, fmt.Errorf("unexpected %T", o)
	}
}

// since is how long ago the pod's last step was; very long, if this process took none.
func (k *Kubelets) since(uid types.UID) time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return time.Since(k.steps[uid])
}

func (k *Kubelets) stepped(uid types.UID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.steps[uid] = time.Now()
}

func (k *Kubelets) forget(uid types.UID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.steps, uid)
	delete(k.told, uid)
}
