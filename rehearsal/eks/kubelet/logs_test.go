package kubelet

import (
	"net/url"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

func TestParseLogQuery(t *testing.T) {
	for name, tt := range map[string]struct {
		query string
		want  logQuery
		err   string
	}{
		"nothing asked":      {"", logQuery{tail: -1, limit: -1}, ""},
		"everything asked":   {"previous=true&follow=true&timestamps=true&tailLines=0&limitBytes=9", logQuery{true, true, true, 0, 9}, ""},
		"no boolean":         {"previous=perhaps", logQuery{}, "neither true nor false"},
		"a negative number":  {"tailLines=-1", logQuery{}, "not a number from 0"},
		"a number of a sort": {"limitBytes=1k", logQuery{}, "not a number from 0"},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := url.ParseQuery(tt.query)
			if err != nil {
				t.Fatal(err)
			}
			got, err := parseLogQuery(v)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %q in it", err, tt.err)
				}
				return
			}
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

func TestCut(t *testing.T) {
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		q    logQuery
		want string
	}{
		"everything":      {logQuery{tail: -1, limit: -1}, "a\nb\n"},
		"more than all":   {logQuery{tail: 9, limit: 99}, "a\nb\n"},
		"the last line":   {logQuery{tail: 1, limit: -1}, "b\n"},
		"nothing":         {logQuery{tail: 0, limit: -1}, ""},
		"the first bytes": {logQuery{tail: -1, limit: 3}, "a\nb"},
		"with times":      {logQuery{tail: 1, limit: -1, timestamps: true}, "2026-01-01T00:00:00.001Z b\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tt.q.cut([]string{"a", "b"}, from); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPlayedLogs(t *testing.T) {
	all := logQuery{tail: -1, limit: -1}
	before := logQuery{previous: true, tail: -1, limit: -1}
	for name, tt := range map[string]struct {
		fault     string
		container string
		steps     int
		q         logQuery
		want      string
	}{
		"of a pod that has not started": {"", "app", 0, all, `error: container "app" in pod "p" is waiting to start - no logs yet`},
		"of a running container":        {"", "app", 1, all, "container app is played: no process runs\nready\n"},
		"of an init container":          {"", "init", 1, all, "container init is played: no process runs\ndone\n"},
		"of a crash":                    {"CrashLoopBackOff", "app", 1, before, "exit code 1"},
		"of a run that never was":       {"", "app", 1, before, `error: previous terminated container "app" in pod "p" not found`},
		"of a wrong annotation":         {"Sulk", "app", 1, all, "is waiting to start: CreateContainerConfigError"},
	} {
		t.Run(name, func(t *testing.T) {
			p := pod(corev1.RestartPolicyAlways, map[string]string{FaultAnnotation: tt.fault})
			play(p, tt.steps)
			got, err := played(p, tt.container, tt.q)
			if err != nil {
				got = "error: " + err.Error()
			}
			if !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q in it", got, tt.want)
			}
		})
	}
}
