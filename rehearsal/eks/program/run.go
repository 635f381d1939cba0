package program

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	configRetry = time.Second
	// steady is how long a program must have run until its back-off begins anew.
	steady = 2 * time.Minute
	// lastWords is how much of its log a container tells in its status.
	lastWords = 1024
)

// run is a program's life in one pod.
type run struct {
	runner    *Runner
	pod       *corev1.Pod
	ct        *corev1.Container
	command   []string
	place     Place
	dir, logs string
	ports     ports
	identity  *role // as the webhook found it when the pod came

	alive, killed   context.Context
	terminate, kill context.CancelFunc
	ended           chan struct{} // closed when nothing runs any more

	mu    sync.Mutex
	state State
}

func (n *run) get() State {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.state
}

func (n *run) set(change func(s *State)) {
	n.mu.Lock()
	change(&n.state)
	n.mu.Unlock()
	n.runner.kubelet.Changed(n.pod)
}

func (n *run) event(kind, reason, message string) {
	n.runner.kubelet.Event(n.pod, n.ct.Name, kind, reason, message)
}

// end asks the program to end, and ends it by force after that time.
func (n *run) end(grace time.Duration) {
	if grace <= 0 {
		n.kill()
	} else if n.alive.Err() == nil {
		time.AfterFunc(grace, n.kill)
	}
	n.terminate()
}

// live starts the program again and again, as its pod's restart policy says,
// until the pod ends.
func (n *run) live() {
	defer func() {
		n.terminate()
		n.kill()
		_ = os.RemoveAll(n.dir)
		close(n.ended)
		n.runner.kubelet.Changed(n.pod)
	}()
	restarts := int32(0) // since it was steady
	for n.alive.Err() == nil {
		began := time.Now()
		exit, err := n.once(n.alive)
		if n.alive.Err() != nil {
			return
		}
		if err != nil { // it did not start
			n.misconfigured(err)
			continue
		}
		if time.Since(began) >= steady {
			restarts = 0
		}
		if n.finish(exit) {
			<-n.alive.Done()
			return
		}
		restarts++
		n.backOff(exit, restarts)
	}
}

// misconfigured tells why the container cannot start, and waits a little.
func (n *run) misconfigured(err error) {
	waiting := &corev1.ContainerStateWaiting{Reason: "CreateContainerConfigError", Message: err.Error()}
	if before := n.get().Current.Waiting; before == nil || before.Message != waiting.Message {
		n.set(func(s *State) { s.Current, s.Ready = corev1.ContainerState{Waiting: waiting}, false })
		n.event(corev1.EventTypeWarning, "Failed", "Error: "+err.Error())
	}
	n.sleep(configRetry)
}

func (n *run) sleep(d time.Duration) {
	select {
	case <-n.alive.Done():
	case <-time.After(d):
	}
}

// finish tells the end of the program; it tells whether that was for good.
func (n *run) finish(exit *corev1.ContainerStateTerminated) bool {
	phase := corev1.PodRunning
	switch policy := n.pod.Spec.RestartPolicy; {
	case policy == corev1.RestartPolicyNever && exit.ExitCode != 0:
		phase = corev1.PodFailed
	case policy != corev1.RestartPolicyAlways && exit.ExitCode == 0:
		phase = corev1.PodSucceeded
	}
	over := phase != corev1.PodRunning
	n.set(func(s *State) {
		s.Current = corev1.ContainerState{Terminated: exit}
		s.Ready, s.Started, s.Phase = false, false, phase
	})
	return over
}

// backOff waits until the program starts again: at once the first time.
func (n *run) backOff(exit *corev1.ContainerStateTerminated, restarts int32) {
	if restarts > 1 {
		wait := n.runner.BackOff(restarts - 1)
		where := fmt.Sprintf("%s_%s(%s)", n.pod.Name, n.pod.Namespace, n.pod.UID)
		n.set(func(s *State) {
			s.Current = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{
				Reason:  "CrashLoopBackOff",
				Message: fmt.Sprintf("back-off %s restarting failed container=%s pod=%s", wait, n.ct.Name, where),
			}}
			s.Last = corev1.ContainerState{Terminated: exit}
		})
		n.event(corev1.EventTypeWarning, "BackOff", fmt.Sprintf("Back-off restarting failed container %s in pod %s", n.ct.Name, where))
		n.sleep(wait)
	}
	n.mu.Lock()
	n.state.Last = corev1.ContainerState{Terminated: exit}
	n.state.Restarts++
	n.mu.Unlock()
}

// once runs the program until it ends and tells how. An error says that it could
// not start.
func (n *run) once(ctx context.Context) (*corev1.ContainerStateTerminated, error) {
	ctx, stop := context.WithCancel(ctx) // of this start
	defer stop()
	env, args, err := n.prepare(ctx)
	if err != nil {
		return nil, err
	}
	number := int(n.get().Restarts)
	log, err := newLog(n.logFile(number))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	id := fmt.Sprintf("process://%s/%d", n.pod.UID, number)
	command := append(append([]string{}, n.command...), args...)
	p, err := n.runner.spawner.start(ctx, command, env.list(), n.dir, log)
	if err != nil {
		return &corev1.ContainerStateTerminated{
			ExitCode: 128, Reason: "StartError", Message: err.Error(), StartedAt: now(), FinishedAt: now(), ContainerID: id,
		}, nil
	}
	began := now()
	n.event(corev1.EventTypeNormal, "Pulled", fmt.Sprintf("Container image %q already present on machine", n.ct.Image))
	n.event(corev1.EventTypeNormal, "Created", "Container created")
	n.event(corev1.EventTypeNormal, "Started", "Container started")
	n.set(func(s *State) {
		s.Current = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: began}}
		s.Phase, s.Started, s.Ready = corev1.PodRunning, !asks(n.ct.StartupProbe), !asks(n.ct.ReadinessProbe) && !asks(n.ct.StartupProbe)
	})
	sick := make(chan struct{})
	go n.probe(ctx, sick)
	n.attend(p, sick)
	stop() // no probe speaks of it any more
	return n.exit(p, began, id), nil
}

// attend waits until the program has ended; it ends it if the pod does, or if it
// is sick.
func (n *run) attend(p *process, sick <-chan struct{}) {
	select {
	case <-p.exited:
	case <-n.alive.Done():
		p.stop(n.killed.Done())
	case <-sick:
		grace := time.Duration(corev1.DefaultTerminationGracePeriodSeconds) * time.Second
		if s := n.pod.Spec.TerminationGracePeriodSeconds; s != nil {
			grace = time.Duration(*s) * time.Second
		}
		killed, cancel := context.WithTimeout(n.killed, grace)
		defer cancel()
		p.stop(killed.Done())
	}
}

// probe asks the container's probes until ctx ends; it closes sick if the program
// must be started again.
func (n *run) probe(ctx context.Context, sick chan<- struct{}) {
	var once sync.Once
	restart := func(probe string) {
		once.Do(func() {
			n.event(corev1.EventTypeNormal, "Killing", fmt.Sprintf("Container %s failed %s probe, will be restarted", n.ct.Name, probe))
			close(sick)
		})
	}
	a := asker{ct: n.ct, ports: n.ports, http: n.runner.http}
	failed := func(probe string) func(string) {
		return func(why string) {
			reason, message := unhealthy(probe, why)
			n.event(corev1.EventTypeWarning, reason, message)
		}
	}
	if asks(n.ct.StartupProbe) {
		started, cancel := context.WithCancel(ctx)
		a.watch(started, n.ct.StartupProbe, true, func(ok bool) {
			if !ok {
				restart("startup")
			}
			cancel()
		}, failed("Startup"))
		cancel()
		select {
		case <-ctx.Done():
			return
		default:
		}
		n.set(func(s *State) { s.Started, s.Ready = true, !asks(n.ct.ReadinessProbe) })
	}
	if asks(n.ct.LivenessProbe) {
		go a.watch(ctx, n.ct.LivenessProbe, false, func(ok bool) {
			if !ok {
				restart("liveness")
			}
		}, failed("Liveness"))
	}
	if asks(n.ct.ReadinessProbe) {
		a.watch(ctx, n.ct.ReadinessProbe, true, func(ok bool) {
			if ctx.Err() == nil {
				n.set(func(s *State) { s.Ready = ok })
			}
		}, failed("Readiness"))
	}
}

// exit tells how a program ended; one that failed with its last words.
func (n *run) exit(p *process, began metav1.Time, id string) *corev1.ContainerStateTerminated {
	t := &corev1.ContainerStateTerminated{
		ExitCode: p.code, Signal: p.signal, Reason: "Completed", StartedAt: began, FinishedAt: now(), ContainerID: id,
	}
	if p.code != 0 {
		t.Reason, t.Message = "Error", cmp.Or(p.why, n.words())
	}
	return t
}

// words are the end of the program's log. The kubelet tells them only with
// terminationMessagePolicy FallbackToLogsOnError; here they always help.
func (n *run) words() string {
	lines, _, err := readLog(n.logFile(int(n.get().Restarts)), 0)
	if err != nil {
		return ""
	}
	var texts []string
	for _, l := range lines {
		texts = append(texts, l.Text)
	}
	text := strings.Join(texts, "\n")
	return text[max(0, len(text)-lastWords):]
}

func (n *run) logFile(number int) string { return filepath.Join(n.logs, fmt.Sprintf("%d.log", number)) }

// prepare makes what the program is given: its environment, its arguments and the
// files that stand for a container's volumes.
func (n *run) prepare(ctx context.Context) (variables, []string, error) {
	home, tmp := filepath.Join(n.dir, "home"), filepath.Join(n.dir, "tmp")
	for _, dir := range []string{home, tmp, n.logs} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, nil, fmt.Errorf("make a folder for the pod: %w", err)
		}
	}
	r := resolver{pod: n.pod, ct: n.ct, place: n.place, from: kubeObjects{n.runner.kube}}
	env, args, err := r.environment(ctx)
	if err != nil {
		return nil, nil, err
	}
	if n.ports == nil {
		if n.ports, err = n.runner.free.newPorts(ctx, n.ct); err != nil {
			return nil, nil, err
		}
	}
	n.ports.apply(env, args)
	if err := n.identify(ctx, env); err != nil {
		return nil, nil, err
	}
	for name, value := range map[string]string{"PATH": n.runner.Path, "HOME": home, "TMPDIR": tmp} {
		if _, has := env[name]; !has {
			env[name] = value
		}
	}
	n.runner.AWS.direct(env)
	return env, args, nil
}

// nowhere is a proxy that refuses every connection.
const nowhere = "http://127.0.0.1:1"

// direct gives a program the embedded AWS in place of the real one, whatever its
// container says: nothing may leave this host. The certificate file is all that it
// trusts; what it asks of another host goes nowhere (loopback is never proxied).
func (a AWS) direct(env variables) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY"} {
		delete(env, strings.ToLower(name))
		env[name] = nowhere
	}
	delete(env, "no_proxy")
	env["NO_PROXY"] = "127.0.0.1"
	env["AWS_EC2_METADATA_DISABLED"] = "true"
	if a.Endpoint == "" {
		return
	}
	// The Go SDK exchanges a role's token before it has read the general endpoint.
	env["AWS_ENDPOINT_URL"], env["AWS_ENDPOINT_URL_STS"] = a.Endpoint, a.Endpoint
	if a.CAFile != "" {
		env["AWS_CA_BUNDLE"], env["SSL_CERT_FILE"] = a.CAFile, a.CAFile
	}
}

// identify gives the program its service account and, if that has one, its role.
func (n *run) identify(ctx context.Context, env variables) error {
	if n.pod.Spec.ServiceAccountName == "" {
		return errors.New("the pod has no service account")
	}
	tokens := []token{}
	if mount := n.pod.Spec.AutomountServiceAccountToken; mount == nil || *mount {
		t := token{file: filepath.Join(n.dir, "token"), seconds: kubeTokenSeconds}
		tokens = append(tokens, t)
		config := filepath.Join(n.dir, "kubeconfig")
		if err := writeKubeconfig(config, n.runner.Server, filepath.Join(n.runner.Dir, "ca.crt"), t.file, n.pod.Namespace); err != nil {
			return err
		}
		env["KUBECONFIG"] = config
		// A container finds its namespace beside its token; leader election looks there.
		if _, has := env["LEADER_ELECTION_NAMESPACE"]; !has {
			env["LEADER_ELECTION_NAMESPACE"] = n.pod.Namespace
		}
	}
	if n.identity == nil {
		sa, err := n.runner.kube.CoreV1().ServiceAccounts(n.pod.Namespace).Get(ctx, n.pod.Spec.ServiceAccountName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		found, _ := roleOf(n.pod, n.ct.Name, sa)
		n.identity = &found
	}
	if n.identity.arn != "" {
		t := token{file: filepath.Join(n.dir, "aws-token"), audience: n.identity.audience, seconds: n.identity.seconds}
		tokens = append(tokens, t)
		n.identity.inject(env, n.runner.AWS.Region, t.file)
	}
	for _, t := range tokens {
		due, err := t.write(ctx, n.runner.kube, n.pod)
		if err != nil {
			return err
		}
		go t.keep(ctx, n.runner.kube, n.pod, due)
	}
	return nil
}
