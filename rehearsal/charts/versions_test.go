package charts

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/e6data/aws-quickstart/internal/loadbalancer"
)

// The stand-in has the version that the template installs, and whose IAM policy
// the controller gets.
func TestLoadBalancerControllerHasTheTemplatesVersion(t *testing.T) {
	paths, err := Package(t.TempDir(), Options{Charts: []string{LoadBalancerController}})
	if err != nil {
		t.Fatal(err)
	}
	want := LoadBalancerController + "-" + loadbalancer.Version + ".tgz"
	if !slices.ContainsFunc(paths, func(p string) bool { return filepath.Base(p) == want }) {
		t.Errorf("packaged %v, want %s", paths, want)
	}
}
