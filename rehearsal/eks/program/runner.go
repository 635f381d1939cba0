package program

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	httpprobe "k8s.io/kubernetes/pkg/probe/http"
)

// Config says what is run, and what the programs are told of their surroundings.
type Config struct {
	Programs List
	Dir      string // of the cluster; has ca.crt
	Server   string // the API server's URL
	AWS      AWS
	Path     string // where programs find others, as PATH
	// BackOff is how long a container waits before its next start after that many
	// restarts.
	BackOff func(restarts int32) time.Duration
}

// AWS is the embedded AWS, whose endpoint a program gets in place of the real one.
type AWS struct {
	Endpoint, CAFile, Region string
}

// Kubelet is told what happens to programs.
type Kubelet interface {
	// Changed says that State gives something new for the pod.
	Changed(p *corev1.Pod)
	// Event is an event of a pod's container.
	Event(p *corev1.Pod, container, kind, reason, message string)
}

// State is what a program makes of its container.
type State struct {
	Container string
	Current   corev1.ContainerState
	Last      corev1.ContainerState
	Ready     bool
	Started   bool
	Restarts  int32
	Phase     corev1.PodPhase // Running, Pending before the first start, or how it ended for good
}

// Runner runs the programs of all pods of a cluster.
type Runner struct {
	Config
	kube    kubernetes.Interface
	kubelet Kubelet
	spawner *spawner
	free    freePorts
	http    httpprobe.Prober
	ctx     context.Context // the cluster's: programs live as long as it does

	mu   sync.Mutex
	runs map[types.UID]*run
}

// New makes a runner whose programs end, at the latest, with ctx.
func New(ctx context.Context, c Config, kube kubernetes.Interface, k Kubelet) *Runner {
	return &Runner{
		Config: c, kube: kube, kubelet: k, spawner: newSpawner(ctx), http: httpprobe.New(false), ctx: ctx,
		runs: map[types.UID]*run{},
	}
}

// Has tells whether a program stands for a container of the pod.
func (r *Runner) Has(p *corev1.Pod) bool {
	_, _, ok := r.Programs.find(p)
	return ok
}

// State gives the state of the pod's program, which it starts if it was not yet.
func (r *Runner) State(p *corev1.Pod, place Place) State {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, ok := r.runs[p.UID]
	if !ok {
		now = r.newRun(p, place)
		r.runs[p.UID] = now
		go now.live()
	}
	return now.get()
}

// End asks the pod's program to end, by force after its grace. It tells whether
// there is none any more; if there is, the kubelet is told when it has ended.
func (r *Runner) End(p *corev1.Pod) bool {
	now := r.of(p.UID)
	if now == nil {
		return true
	}
	grace := corev1.DefaultTerminationGracePeriodSeconds
	for _, seconds := range []*int64{p.Spec.TerminationGracePeriodSeconds, p.DeletionGracePeriodSeconds} {
		if seconds != nil {
			grace = int(*seconds)
		}
	}
	now.end(time.Duration(grace) * time.Second)
	select {
	case <-now.ended:
		return true
	default:
		return false
	}
}

// Kill ends the pod's program at once and forgets it: the pod is gone.
func (r *Runner) Kill(uid types.UID) {
	now := r.of(uid)
	if now == nil {
		return
	}
	now.end(0)
	r.mu.Lock()
	delete(r.runs, uid)
	r.mu.Unlock()
}

// Log gives the lines that the pod's program, or the one before it, has written
// from an offset on, and the offset of the next. It gives no program's log: false.
func (r *Runner) Log(p *corev1.Pod, container string, previous bool, offset int64) (lines []Line, next int64, ok bool, err error) {
	now := r.of(p.UID)
	if now == nil || now.ct.Name != container {
		return nil, 0, false, nil
	}
	n := int(now.get().Restarts) // its log may not be there yet
	if previous {
		n--
	}
	if n < 0 {
		return nil, offset, true, os.ErrNotExist
	}
	lines, next, err = readLog(now.logFile(n), offset)
	return lines, next, true, err
}

func (r *Runner) of(uid types.UID) *run {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.runs[uid]
}

// newRun prepares a pod's program. It starts anew if the cluster was started
// again in between, as a container does after its node's restart.
func (r *Runner) newRun(p *corev1.Pod, place Place) *run {
	ct, program, _ := r.Programs.find(p)
	n := &run{
		runner: r, pod: p.DeepCopy(), ct: ct.DeepCopy(), command: program.Command, place: place, ended: make(chan struct{}),
		dir:   filepath.Join(r.Dir, "pods", string(p.UID)),
		logs:  filepath.Join(r.Dir, "logs", fmt.Sprintf("%s_%s_%s", p.Namespace, p.Name, p.UID), ct.Name),
		state: State{Container: ct.Name, Phase: corev1.PodPending},
	}
	n.state.Current.Waiting = &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}
	for _, before := range p.Status.ContainerStatuses {
		if before.Name == ct.Name && before.ContainerID != "" {
			n.state.Restarts = before.RestartCount + 1
		}
	}
	n.alive, n.terminate = context.WithCancel(r.ctx)
	n.killed, n.kill = context.WithCancel(r.ctx)
	return n
}

func now() metav1.Time { return metav1.Now().Rfc3339Copy() } // as the API server keeps it
