package release_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/e6data/aws-quickstart/internal/release"
)

// An update that changes nothing is what most stack updates are.
func BenchmarkNoOpUpdate(b *testing.B) {
	cluster, _ := realCluster(b)
	spec := release.Spec{
		Target: release.Target{Namespace: "bench-noop", Name: "app"}, CreateNamespace: true,
		Chart: newChart(b, "1.0.0", files{"templates/all.yaml": deployment}),
	}
	if _, err := runner(b, cluster).Apply(b.Context(), alice, spec); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		// A new runner each time, as a new function has it: nothing is cached.
		if _, err := runner(b, cluster).Apply(b.Context(), alice, spec); err != nil {
			b.Fatal(err)
		}
	}
	remove(b, runner(b, cluster), spec.Target)
}

// Install, upgrade and uninstall of charts of different sizes: the time for
// each object should not grow with their number.
func BenchmarkObjects(b *testing.B) {
	cluster, _ := realCluster(b)
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("%d objects", n), func(b *testing.B) {
			var text strings.Builder
			for i := range n {
				fmt.Fprintf(&text, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c-%d}\ndata: {answer: {{ .Values.answer | quote }}}\n", i)
			}
			r := runner(b, cluster)
			target := release.Target{Namespace: "default", Name: "objects"}
			apply := func(answer string) {
				b.Helper()
				spec := release.Spec{Target: target, Chart: newChart(b, "1.0.0", files{"templates/all.yaml": text.String()}), Values: map[string]any{"answer": answer}}
				if _, err := r.Apply(b.Context(), alice, spec); err != nil {
					b.Fatal(err)
				}
			}
			var install, upgrade, uninstall time.Duration
			for b.Loop() {
				t0 := time.Now()
				apply("1")
				t1 := time.Now()
				apply("2")
				t2 := time.Now()
				remove(b, r, target)
				install, upgrade, uninstall = install+t1.Sub(t0), upgrade+t2.Sub(t1), uninstall+time.Since(t2)
			}
			for name, d := range map[string]time.Duration{"install": install, "upgrade": upgrade, "uninstall": uninstall} {
				b.ReportMetric(float64(d.Microseconds())/float64(b.N*n), name+"-µs/object")
			}
		})
	}
}

func remove(b *testing.B, r *release.Runner, target release.Target) {
	b.Helper()
	if err := r.Remove(b.Context(), alice, release.Removal{Target: target, Timeout: time.Minute}); err != nil {
		b.Fatal(err)
	}
}
