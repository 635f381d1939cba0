package program

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/probe"
	httpprobe "k8s.io/kubernetes/pkg/probe/http"
)

// A program is asked this often until it is ready for the first time: a rehearsal
// does not wait for periods that are meant for a cluster's life.
const eager = 500 * time.Millisecond

// asker asks a program what a probe asks its container. Only httpGet probes can be
// asked of a process; the others say nothing.
type asker struct {
	ct    *corev1.Container
	ports ports
	http  httpprobe.Prober
}

// asks tells whether a probe is one that is asked.
func asks(p *corev1.Probe) bool { return p != nil && p.HTTPGet != nil }

// ask asks once; what failed is in the words of the kubelet's prober.
func (a asker) ask(p *corev1.Probe) (ok bool, why string) {
	req, err := httpprobe.NewRequestForHTTPGetAction(p.HTTPGet, a.ct, "127.0.0.1", "probe")
	if err != nil {
		return false, err.Error()
	}
	port, err := strconv.Atoi(req.URL.Port())
	if err != nil {
		return false, err.Error()
	}
	if to, has := a.ports[port]; has {
		port = to
	}
	req.URL.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) // whatever host it names: the program is here
	result, output, err := a.http.Probe(req, seconds(p.TimeoutSeconds, 1))
	if err != nil {
		return false, err.Error()
	}
	return result == probe.Success || result == probe.Warning, output
}

// watch asks a probe until ctx ends. Decided gets each change of mind: that the
// probe is content after successThreshold answers, or that it is not after
// failureThreshold. Failed gets each failure once the initial delay is over.
func (a asker) watch(ctx context.Context, p *corev1.Probe, hasty bool, decided func(ok bool), failed func(why string)) {
	began := time.Now()
	delay := seconds(p.InitialDelaySeconds, 0)
	wait := delay
	if hasty {
		wait = 0
	}
	m := mind{probe: p}
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		ok, why := a.ask(p)
		if ctx.Err() != nil {
			return
		}
		counts := ok || time.Since(began) >= delay
		if counts && !ok {
			failed(why)
		}
		if counts && m.changes(ok) {
			decided(ok)
		}
		wait = m.pause(hasty)
	}
}

// mind is what a probe's answers amount to.
type mind struct {
	probe     *corev1.Probe
	good, bad int32 // answers in a row
	decided   bool
	content   bool
}

// changes counts an answer; it tells whether the mind changes with it.
func (m *mind) changes(ok bool) bool {
	if ok {
		m.good, m.bad = m.good+1, 0
	} else {
		m.good, m.bad = 0, m.bad+1
	}
	enough := ok && m.good >= max(m.probe.SuccessThreshold, 1) || !ok && m.bad >= max(m.probe.FailureThreshold, 1)
	if !enough || m.decided && m.content == ok {
		return false
	}
	m.decided, m.content = true, ok
	return true
}

// pause is how long to wait until the next question; one in haste is asked eagerly
// until the probe is content.
func (m *mind) pause(hasty bool) time.Duration {
	period := seconds(m.probe.PeriodSeconds, 10)
	if hasty && !m.content {
		return min(eager, period)
	}
	return period
}

func seconds(n, unset int32) time.Duration {
	if n == 0 {
		n = unset
	}
	return time.Duration(n) * time.Second
}

// unhealthy is the event of a probe that failed.
func unhealthy(probe, why string) (reason, message string) {
	return "Unhealthy", fmt.Sprintf("%s probe failed: %s", probe, why)
}
