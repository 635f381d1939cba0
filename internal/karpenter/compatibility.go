package karpenter

import "github.com/Masterminds/semver/v3"

// lowest is the oldest version of Karpenter for each minor version of
// Kubernetes (https://karpenter.sh/v1.15/upgrading/compatibility/).
var lowest = []struct{ kubernetes, karpenter string }{
	{"1.31", "1.0.5"},
	{"1.32", "1.2.0"},
	{"1.33", "1.5.0"},
	{"1.34", "1.6.0"},
	{"1.35", "1.9.0"},
	{"1.36", "1.13.0"},
	{"1.37", "1.15.0"},
}

// OldestKubernetes is the oldest minor version of Kubernetes, such as 1.31, that
// is in the table of compatibility.
func OldestKubernetes() string { return lowest[0].kubernetes }

// NewestKubernetes is the newest minor version of Kubernetes that a version of
// Karpenter supports; empty if it supports none in the table.
func NewestKubernetes(version *semver.Version) string {
	newest := ""
	for _, row := range lowest {
		if !version.LessThan(semver.MustParse(row.karpenter)) {
			newest = row.kubernetes
		}
	}
	return newest
}

// Oldest is the oldest version of Karpenter that supports a minor version of
// Kubernetes, such as 1.36. It is nil if that version is not in the table: it is
// too old, or newer than the table.
func Oldest(kubernetes string) *semver.Version {
	for _, row := range lowest {
		if row.kubernetes == kubernetes {
			return semver.MustParse(row.karpenter)
		}
	}
	return nil
}
