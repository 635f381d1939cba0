package awsauth

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

func manyRoles(n int) (block, flow string) {
	var b, f strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "# team %d\n- rolearn: arn:aws:iam::012345678901:role/team-%d\n  username: team-%d:{{SessionName}}\n  groups:\n    - team-%d\n    - viewers\n", i, i, i, i)
		fmt.Fprintf(&f, ", {\"rolearn\": \"arn:aws:iam::012345678901:role/team-%d\", \"username\": \"team-%d:{{SessionName}}\", \"groups\": [\"team-%d\"]}", i, i, i)
	}
	return b.String(), "[" + strings.TrimPrefix(f.String(), ", ") + "]"
}

// The time for each role should not grow with their number. Reading the text
// once, with both parsers, is what no edit can do without; an edit reads twice.
func BenchmarkEdit(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		block, flow := manyRoles(n)
		for style, text := range map[string]string{"block": block, "flow": flow} {
			b.Run(fmt.Sprintf("%s %d roles", style, n), func(b *testing.B) {
				var read, set, remove time.Duration
				for b.Loop() {
					t0 := time.Now()
					if err := yaml.Unmarshal([]byte(text), new(yaml.Node)); err != nil {
						b.Fatal(err)
					}
					if _, err := utilyaml.ToJSON([]byte(text)); err != nil {
						b.Fatal(err)
					}
					t1 := time.Now()
					with, _, err := SetRole(text, installer)
					if err != nil {
						b.Fatal(err)
					}
					t2 := time.Now()
					without, _, err := RemoveRole(with, installer)
					if err != nil || without != text {
						b.Fatalf("not the text before: %v", err)
					}
					read, set, remove = read+t1.Sub(t0), set+t2.Sub(t1), remove+time.Since(t2)
				}
				for name, d := range map[string]time.Duration{"read": read, "set": set, "remove": remove} {
					b.ReportMetric(float64(d.Microseconds())/float64(b.N*n), name+"-µs/role")
				}
			})
		}
	}
}

// Two roles set in a map of 1,000, and taken away, on a real API server.
func BenchmarkStore(b *testing.B) {
	client := realCluster(b)
	text, _ := manyRoles(1000)
	_, err := client.CoreV1().ConfigMaps(Namespace).Create(b.Context(), &core.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: Name}, Data: map[string]string{key: text},
	}, metav1.CreateOptions{})
	if err != nil {
		b.Fatal(err)
	}
	s := newStore(b, client, "one")
	for b.Loop() {
		if _, err := s.Set(b.Context(), installer, karpenter); err != nil {
			b.Fatal(err)
		}
		if _, err := s.Remove(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
