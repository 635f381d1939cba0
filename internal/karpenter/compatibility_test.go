package karpenter

import (
	"testing"

	"github.com/Masterminds/semver/v3"
)

func TestCompatibility(t *testing.T) {
	if got := NewestKubernetes(semver.MustParse(Version)); got != "1.36" {
		t.Errorf("Karpenter %s is for Kubernetes up to %q; its own code says 1.36 (pkg/providers/version)", Version, got)
	}
	for version, want := range map[string]string{"0.37.5": "", "1.0.4": "", "1.0.5": "1.31", "1.12.9": "1.35", "1.13.0": "1.36", "2.0.0": "1.37"} {
		if got := NewestKubernetes(semver.MustParse(version)); got != want {
			t.Errorf("Karpenter %s is for Kubernetes up to %q, want %q", version, got, want)
		}
	}
	if got := Oldest("1.36"); got == nil || got.String() != "1.13.0" {
		t.Errorf("Kubernetes 1.36 needs Karpenter %v, want 1.13.0", got)
	}
	if got := Oldest("1.30"); got != nil {
		t.Errorf("Kubernetes 1.30 needs Karpenter %v; it is not in the table", got)
	}
	for i, row := range lowest[1:] {
		if before := lowest[i]; !semver.MustParse(before.kubernetes).LessThan(semver.MustParse(row.kubernetes)) ||
			!semver.MustParse(before.karpenter).LessThan(semver.MustParse(row.karpenter)) {
			t.Errorf("the table does not rise from %v to %v", before, row)
		}
	}
}
