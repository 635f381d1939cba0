package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// drainLimit is how long a program's output is read after its end, should a child
// of it hold the output open.
const drainLimit = 2 * time.Second

// process is a running program.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{}
	code   int32  // of the exit, once it has exited
	signal int32  // that ended it, or 0
	why    string // it could not be waited for
}

// spawner starts processes. On Linux a process is told to die with the thread
// that started it, so that it ends even if this one is killed: all are started by
// one goroutine that keeps its thread.
type spawner struct{ starts chan func() }

func newSpawner(ctx context.Context) *spawner {
	s := &spawner{starts: make(chan func())}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread lives as long as this process
		for {
			select {
			case start := <-s.starts:
				start()
			case <-ctx.Done():
				select {} // ending here would end the thread, and with it the programs before their time
			}
		}
	}()
	return s
}

// start starts a command with that environment and nothing else, in a directory.
func (s *spawner) start(ctx context.Context, command, env []string, dir string, out io.Writer) (*process, error) {
	p := &process{exited: make(chan struct{})}
	p.cmd = exec.Command(command[0], command[1:]...) //nolint:gosec,noctx // the flag names the program; it is ended in order
	p.cmd.Env, p.cmd.Dir = env, dir
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.WaitDelay = drainLimit
	p.cmd.SysProcAttr = attributes()
	started := make(chan error, 1)
	select {
	case s.starts <- func() { started <- p.cmd.Start() }:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if err := <-started; err != nil {
		return nil, err
	}
	go p.wait()
	return p, nil
}

func (p *process) wait() {
	defer close(p.exited)
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		p.why = fmt.Sprintf("wait for the program: %v", err)
	}
	state := p.cmd.ProcessState
	p.code = int32(min(max(state.ExitCode(), -1), math.MaxUint8)) // a byte, or -1: unknown
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		p.signal = int32(min(max(status.Signal(), 0), math.MaxInt8))
		p.code = 128 + p.signal // as a container's runtime says it
	}
}

// stop asks the program to end and, once killed is closed, ends it by force.
func (p *process) stop(killed <-chan struct{}) {
	p.kill(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-killed:
		p.kill(syscall.SIGKILL)
		<-p.exited
	}
}

// kill sends a signal to the program and its children.
func (p *process) kill(s syscall.Signal) { _ = syscall.Kill(-p.cmd.Process.Pid, s) }
