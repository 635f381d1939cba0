package rehearsal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/e6data/aws-quickstart/internal/artifact"
)

// Named are the environments of one user that stay, each under a name. Each is
// run by a process of its own, its keeper.
//
// In Dir an environment NAME has: NAME/, its state folder; NAME.lock, locked
// by the keeper as long as it lives, so that nobody can take a dead one's
// process ID for it; NAME.log, what the keeper said.
type Named struct{ Dir string }

// Record is what a keeper writes down of its environment when it is up.
type Record struct {
	Name     string    `json:"name"`
	PID      int       `json:"pid"`
	Since    time.Time `json:"since"`
	Endpoint string    `json:"endpoint"`
	Region   string    `json:"region"`
	Version  string    `json:"version"`
	// Bucket has the published version.
	Bucket string `json:"bucket"`
}

const recordFile = "environment.json"

// keepFile in a state folder says that it is wanted after the end.
const keepFile = "keep"

var nameShape = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,19}$`)

// ErrRunning says that an environment of this name runs already.
var ErrRunning = errors.New("runs already")

// ErrNotThere says that there is no environment of this name.
var ErrNotThere = errors.New("is not there")

func (n Named) check(name string) error {
	if !nameShape.MatchString(name) {
		return fmt.Errorf("name %q: want lower-case letters, digits and hyphens, at most 20", name)
	}
	if dir := n.stateDir(name); len(dir) > maxStateDir {
		return fmt.Errorf("state folder %q is longer than %d characters: Unix sockets in it could not be opened; set XDG_STATE_HOME to a shorter path", dir, maxStateDir)
	}
	return nil
}

func (n Named) stateDir(name string) string { return filepath.Join(n.Dir, name) }

func (n Named) lockFile(name string) string { return filepath.Join(n.Dir, name+".lock") }

// LogFile is what the keeper of the environment said.
func (n Named) LogFile(name string) string { return filepath.Join(n.Dir, name+".log") }

// Claim takes the name: it locks it and removes what an environment that died
// has left. The lock is held as long as the file is open in any process.
func (n Named) Claim(name string) (lock *os.File, err error) {
	if err := n.check(name); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(n.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the environments: %w", err)
	}
	lock, err = n.lock(name)
	if errors.Is(err, ErrRunning) {
		return nil, fmt.Errorf("environment %q %w: quickstart rehearse status shows it, down stops it", name, err)
	}
	if err != nil {
		return nil, err
	}
	if err := os.RemoveAll(n.stateDir(name)); err != nil {
		return nil, errors.Join(fmt.Errorf("remove what environment %q left: %w", name, err), lock.Close())
	}
	return lock, nil
}

// lock locks the name, or answers ErrRunning.
func (n Named) lock(name string) (*os.File, error) {
	f, err := os.OpenFile(n.lockFile(name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrRunning
		}
		return nil, fmt.Errorf("lock environment %q: %w", name, err)
	}
	return f, nil
}

// running tells whether the environment's keeper lives.
func (n Named) running(name string) (bool, error) {
	if _, err := os.Stat(n.lockFile(name)); errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	f, err := n.lock(name)
	if errors.Is(err, ErrRunning) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return false, f.Close()
}

// vanishCheck is how often a keeper looks whether its state folder is there.
const vanishCheck = time.Second

// Keep runs a claimed environment with the version published in it, calls
// ready once, and returns when ctx ends, the embedded AWS ends, or the state
// folder vanishes. Nothing is left then, unless the folder is to be kept.
func (n Named) Keep(ctx context.Context, name string, c Config, a Artifacts, ready func(*Record)) (err error) {
	c.StateDir, c.Keep = n.stateDir(name), true // removed below
	env, err := Start(ctx, c)
	if err != nil {
		return errors.Join(err, os.RemoveAll(c.StateDir))
	}
	defer func() {
		err = errors.Join(err, env.Stop())
		if _, kept := os.Stat(env.file(keepFile)); kept != nil {
			err = errors.Join(err, os.RemoveAll(c.StateDir))
		}
	}()
	r := &Record{Name: name, PID: os.Getpid(), Since: time.Now(), Endpoint: env.Endpoint, Region: env.Region, Version: a.Version, Bucket: artifact.Bucket(env.Region)}
	if err := env.Clients().Publish(ctx, env.Region, r.Bucket, a); err != nil {
		return err
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(env.file(recordFile), append(text, '\n'), 0o600); err != nil {
		return err
	}
	ready(r)
	return env.wait(ctx)
}

// wait returns when there is no reason to go on.
func (e *Environment) wait(ctx context.Context) error {
	tick := time.NewTicker(vanishCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-e.Exited():
			return fmt.Errorf("the embedded AWS ended by itself: %w\n%s", e.exitErr, e.LogTail(15))
		case <-tick.C:
			if _, err := os.Stat(e.file(recordFile)); errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("the state folder %s vanished", e.StateDir)
			}
		}
	}
}

// Open returns the record of a running environment and the environment itself.
func (n Named) Open(name string) (*Record, *Environment, error) {
	if err := n.check(name); err != nil {
		return nil, nil, err
	}
	if alive, err := n.running(name); err != nil || !alive {
		return nil, nil, errors.Join(err, fmt.Errorf("environment %q %w: quickstart rehearse up --name %s starts it", name, ErrNotThere, name))
	}
	r, err := n.record(name)
	if err != nil {
		return nil, nil, err
	}
	e, err := Attach(n.stateDir(name), r.Endpoint, r.Region)
	return r, e, err
}

func (n Named) record(name string) (*Record, error) {
	text, err := os.ReadFile(filepath.Join(n.stateDir(name), recordFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("environment %q is not up yet", name)
	}
	if err != nil {
		return nil, err
	}
	var r Record
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("read the record of environment %q: %w", name, err)
	}
	return &r, nil
}

// Listed is an environment with the state of its keeper.
type Listed struct {
	Name string
	// Running is false for one whose keeper died and whose folder is still there.
	Running bool
}

// List names the environments that run, and those that died and left a folder.
func (n Named) List() ([]Listed, error) {
	locks, err := filepath.Glob(filepath.Join(n.Dir, "*.lock"))
	if err != nil {
		return nil, err
	}
	var all []Listed
	for _, l := range locks {
		name := strings.TrimSuffix(filepath.Base(l), ".lock")
		alive, err := n.running(name)
		if err != nil {
			return nil, err
		}
		if _, err := os.Stat(n.stateDir(name)); err == nil || alive {
			all = append(all, Listed{name, alive})
		}
	}
	slices.SortFunc(all, func(a, b Listed) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// downTimeout is longer than a keeper may take to stop its children.
const downTimeout = 30 * time.Second

// Down ends an environment and removes its folder, or, to keep it, gives it
// another name, which it returns. Of one that died it removes the folder; the
// answer says whether it was alive.
func (n Named) Down(ctx context.Context, name string, keep bool) (kept string, alive bool, err error) {
	if err := n.check(name); err != nil {
		return "", false, err
	}
	if alive, err = n.running(name); err != nil {
		return "", false, err
	}
	_, folder := os.Stat(n.stateDir(name))
	if !alive && folder != nil {
		return "", false, fmt.Errorf("environment %q %w", name, ErrNotThere)
	}
	if alive {
		if err := n.end(ctx, name, keep); err != nil {
			return "", true, err
		}
	}
	lock, err := n.lock(name)
	if err != nil {
		return "", alive, err
	}
	defer lock.Close()
	if keep {
		kept = n.stateDir(name) + "." + time.Now().Format("20060102-150405")
		return kept, alive, os.Rename(n.stateDir(name), kept)
	}
	return "", alive, errors.Join(os.RemoveAll(n.stateDir(name)), os.RemoveAll(n.LogFile(name)))
}

// end asks the keeper to stop and waits until it has.
func (n Named) end(ctx context.Context, name string, keep bool) error {
	r, err := n.record(name)
	if err != nil {
		return err
	}
	if keep {
		if err := os.WriteFile(filepath.Join(n.stateDir(name), keepFile), nil, 0o600); err != nil {
			return err
		}
	}
	if err := syscall.Kill(r.PID, syscall.SIGTERM); err != nil {
		return fmt.Errorf("end the keeper of environment %q, process %d: %w", name, r.PID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, downTimeout)
	defer cancel()
	for {
		if alive, err := n.running(name); err != nil || !alive {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("environment %q, process %d, does not end: %w", name, r.PID, context.Cause(ctx))
		case <-time.After(50 * time.Millisecond): // a lock has nothing to wait on without blocking for ever
		}
	}
}
