package program

import (
	"context"
	"fmt"
	"maps"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// ports say where a container's ports are on this host. All pods share it, and so
// each gets ports of its own.
type ports map[int]int

// PortsVariable tells a program of this project where its container's ports are:
// CONTAINER=HOST, apart by commas. Other programs read their ports from their
// environment or arguments.
const PortsVariable = "REHEARSAL_PORTS"

// newPorts gives a free port for each that the container declares or is probed at.
func (f *freePorts) newPorts(ctx context.Context, ct *corev1.Container) (ports, error) {
	p := ports{}
	for _, declared := range ct.Ports {
		p[int(declared.ContainerPort)] = 0
	}
	for _, probe := range []*corev1.Probe{ct.StartupProbe, ct.ReadinessProbe, ct.LivenessProbe} {
		if probe != nil && probe.HTTPGet != nil && probe.HTTPGet.Port.Type == intstr.Int {
			p[probe.HTTPGet.Port.IntValue()] = 0
		}
	}
	for container := range p {
		host, err := f.next(ctx)
		if err != nil {
			return nil, err
		}
		p[container] = host
	}
	return p, nil
}

// portName is what a variable or flag is called that holds a port or an address.
var portName = regexp.MustCompile(`(?i)(port|addr|address|endpoint|bind|listen)`)

// value is the value of a variable or flag of that name with a container's port
// replaced. An address without a host becomes one on loopback: a port on this
// host is not the pod's alone.
func (p ports) value(name, value string) string {
	if !portName.MatchString(name) {
		return value
	}
	host, text, isAddress := cutLast(value, ":")
	if !isAddress {
		text = value
	}
	n, err := strconv.Atoi(text)
	to, ok := p[n]
	switch {
	case err != nil || !ok:
		return value
	case !isAddress:
		return strconv.Itoa(to)
	case host == "" || host == "0.0.0.0" || host == "[::]":
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(to))
	default:
		return host + ":" + strconv.Itoa(to)
	}
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+len(sep):], true
}

// apply replaces the container's ports in its variables and its arguments of the
// form --NAME=VALUE.
func (p ports) apply(env variables, args []string) {
	for name, value := range env {
		env[name] = p.value(name, value)
	}
	for i, arg := range args {
		if name, value, ok := strings.Cut(arg, "="); ok && strings.HasPrefix(name, "-") {
			args[i] = name + "=" + p.value(name, value)
		}
	}
	if len(p) > 0 {
		env[PortsVariable] = p.String()
	}
}

// String gives CONTAINER=HOST of each port, apart by commas.
func (p ports) String() string {
	var texts []string
	for _, container := range slices.Sorted(maps.Keys(p)) {
		texts = append(texts, fmt.Sprintf("%d=%d", container, p[container]))
	}
	return strings.Join(texts, ",")
}

// freePorts hands out ports on loopback, none of them twice.
type freePorts struct {
	mu    sync.Mutex
	given map[int]bool
}

func (f *freePorts) next(ctx context.Context) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for range 100 {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return 0, fmt.Errorf("find a free port: %w", err)
		}
		addr, ok := l.Addr().(*net.TCPAddr)
		_ = l.Close()
		if ok && !f.given[addr.Port] {
			if f.given == nil {
				f.given = map[int]bool{}
			}
			f.given[addr.Port] = true
			return addr.Port, nil
		}
	}
	return 0, fmt.Errorf("find a free port: the host gave %d ports again and again", len(f.given))
}
