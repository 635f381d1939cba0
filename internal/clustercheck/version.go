package clustercheck

import (
	"strings"

	"github.com/Masterminds/semver/v3"
)

// labelVersion is where charts write the version of what they install.
const labelVersion = "app.kubernetes.io/version"

// versionOf is the version of a controller: that of its image's tag or, if the
// image is named by its digest only or the tag is no version, of its label. It
// is empty if neither says it.
func versionOf(image, label string) string {
	for _, text := range []string{tagOf(image), label} {
		if v, err := semver.NewVersion(text); err == nil {
			return v.String()
		}
	}
	return ""
}

// tagOf is the tag of HOST[:PORT]/PATH[:TAG][@DIGEST].
func tagOf(image string) string {
	name, _, _ := strings.Cut(image, "@")
	last := name[strings.LastIndex(name, "/")+1:]
	_, tag, _ := strings.Cut(last, ":")
	return tag
}

// pathOf is the repository of an image without its host: of
// public.ecr.aws/karpenter/controller:1.14.0 it is karpenter/controller.
func pathOf(image string) string {
	name, _, _ := strings.Cut(image, "@")
	if slash := strings.LastIndex(name, "/"); strings.Contains(name[slash+1:], ":") {
		name = name[:strings.LastIndex(name, ":")]
	}
	host, path, found := strings.Cut(name, "/")
	if found && strings.ContainsAny(host, ".:") {
		return path
	}
	return name
}

// atLeast tells whether a version that is known is not older than another. An
// unknown version is.
func atLeast(version, other string) bool {
	v, err := semver.NewVersion(version)
	return err != nil || !v.LessThan(semver.MustParse(other))
}

// newerMinor tells whether a version that is known is of a later minor version
// than another.
func newerMinor(version, other string) bool {
	v, err := semver.NewVersion(version)
	o := semver.MustParse(other)
	return err == nil && (v.Major() > o.Major() || v.Major() == o.Major() && v.Minor() > o.Minor())
}

// minorOf is major and minor of a version, such as 1.36 of v1.36.3-eks-0a1b2c3;
// empty if it cannot be read.
func minorOf(version string) string {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) < 2 {
		return ""
	}
	// "36+" is what a server between two releases says.
	text := parts[0] + "." + strings.TrimSuffix(parts[1], "+")
	if _, err := semver.NewVersion(text); err != nil {
		return ""
	}
	return text
}

// olderMinor tells whether a minor version such as 1.30 is before another.
func olderMinor(minor, other string) bool {
	return semver.MustParse(minor).LessThan(semver.MustParse(other))
}
