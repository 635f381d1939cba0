package tests

import (
	"io"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestLogs(t *testing.T) {
	const (
		running  = "Running ready=true; app ready=true running; side ready=true running"
		crashing = "Running ready=false; app ready=false waiting CrashLoopBackOff last terminated Error 1; side ready=true running"
		pulling  = "Pending ready=false; app ready=false waiting ImagePullBackOff; side ready=true running"
	)
	two, seven := int64(2), int64(7)
	for name, tt := range map[string]struct {
		annotations map[string]string
		state       string
		options     corev1.PodLogOptions
		want        string // the log, or a part of it or of the error
	}{
		"the annotation's text":               {map[string]string{logText: "one\ntwo\nthree"}, running, corev1.PodLogOptions{}, "one\ntwo\nthree\n"},
		"the last lines":                      {map[string]string{logText: "one\ntwo\nthree\n"}, running, corev1.PodLogOptions{TailLines: &two}, "two\nthree\n"},
		"the first bytes":                     {map[string]string{logText: "one\ntwo\nthree"}, running, corev1.PodLogOptions{LimitBytes: &seven}, "one\ntwo"},
		"with timestamps":                     {map[string]string{logText: "one"}, running, corev1.PodLogOptions{Timestamps: true}, "Z one\n"},
		"a running container says something":  {nil, running, corev1.PodLogOptions{}, "container app is played: no process runs\nready\n"},
		"of another container":                {nil, running, corev1.PodLogOptions{Container: "side"}, "container side is played"},
		"of a crash":                          {map[string]string{fault: "CrashLoopBackOff"}, crashing, corev1.PodLogOptions{}, "fatal: Error"},
		"of the run before":                   {map[string]string{fault: "CrashLoopBackOff"}, crashing, corev1.PodLogOptions{Previous: true}, "fatal: Error"},
		"a first run has none before":         {nil, running, corev1.PodLogOptions{Previous: true}, `previous terminated container "app" in pod`},
		"a container that has not started":    {map[string]string{fault: "ImagePullBackOff"}, pulling, corev1.PodLogOptions{}, "is waiting to start: trying and failing to pull image"},
		"the annotation's text after a crash": {map[string]string{fault: "CrashLoopBackOff", logText: "no license"}, crashing, corev1.PodLogOptions{Previous: true}, "no license\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			r.deployment(t, tt.annotations)
			p := r.awaitSummary(t, tt.state)
			if tt.options.Container == "" {
				tt.options.Container = "app"
			}
			var got string
			s, err := r.client.CoreV1().Pods(r.ns).GetLogs(p.Name, &tt.options).Stream(t.Context())
			if err != nil {
				got = err.Error()
			} else {
				defer s.Close()
				b, err := io.ReadAll(s)
				if err != nil {
					t.Fatal(err)
				}
				got = string(b)
			}
			if !strings.Contains(got, tt.want) {
				t.Errorf("log is %q, want %q in it", got, tt.want)
			}
			if strings.HasPrefix(tt.want, "two") && strings.Contains(got, "one") {
				t.Errorf("log is %q, want its last two lines", got)
			}
		})
	}
}
