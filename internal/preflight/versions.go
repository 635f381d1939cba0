package preflight

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

var (
	versionNotOffered = &Kind{
		ID:   "kubernetes-version-not-offered",
		What: "EKS does not offer this Kubernetes version in this region",
		Do:   "Choose one of the versions that are offered as KubernetesVersion",
	}
	versionUnsupported = &Kind{
		ID:   "kubernetes-version-unsupported",
		What: "EKS does not support this Kubernetes version any more",
		Do:   "Choose a version in standard support as KubernetesVersion",
	}
	versionExtended = &Kind{
		ID:   "kubernetes-version-in-extended-support",
		What: "the standard support of this Kubernetes version has ended, and ClusterSupportPolicy is STANDARD",
		Do:   "Choose a version in standard support as KubernetesVersion, or ClusterSupportPolicy=EXTENDED, which costs more per hour",
	}
	versionDown = &Kind{
		ID:   "kubernetes-version-down",
		What: "a cluster cannot go back to an older Kubernetes version",
		Do:   "Set KubernetesVersion to {version}, or to the version after it",
	}
	versionJump = &Kind{
		ID:   "kubernetes-version-jump",
		What: "a cluster goes up one Kubernetes version at a time",
		Do:   "Set KubernetesVersion to {version} first, and update again when that is done",
	}
)

// Statuses of versions
// (https://docs.aws.amazon.com/eks/latest/APIReference/API_ClusterVersionInformation.html).
const (
	statusExtended    = "EXTENDED_SUPPORT"
	statusUnsupported = "UNSUPPORTED"
)

// version finds one that EKS names.
func (f Facts) version(name string) (Version, bool) {
	i := slices.IndexFunc(f.Versions, func(v Version) bool { return v.Name == name })
	if i < 0 {
		return Version{}, false
	}
	return f.Versions[i], true
}

// offered are the names of the versions that a new cluster can have.
func (f Facts) offered() []string {
	var names []string
	for _, v := range f.Versions {
		if v.Status != statusUnsupported {
			names = append(names, v.Name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return minor(b) - minor(a) })
	return names
}

// checkVersion looks at the version of a cluster that is made or goes up.
func checkVersion(f Facts) []Problem {
	wanted := f.Answers.KubernetesVersion
	if f.Versions == nil || !f.makesCluster() || f.Update && wanted == f.Before.KubernetesVersion {
		return nil
	}
	on := "KubernetesVersion " + wanted
	v, known := f.version(wanted)
	switch {
	case !known:
		return []Problem{{Kind: versionNotOffered, On: on, Why: "offered in " + f.Place.Region + " are " + strings.Join(f.offered(), ", ")}}
	case v.Status == statusUnsupported:
		return []Problem{{Kind: versionUnsupported, On: on, Why: "supported in " + f.Place.Region + " are " + strings.Join(f.offered(), ", ")}}
	case v.Status == statusExtended && f.Answers.ClusterSupportPolicy == "STANDARD":
		return []Problem{{Kind: versionExtended, On: on, Why: ended(v) + "with STANDARD a cluster does not stay in extended support"}}
	}
	return nil
}

func ended(v Version) string {
	if v.EndOfStandard.IsZero() {
		return ""
	}
	return "it ended on " + v.EndOfStandard.UTC().Format("2006-01-02") + ", and "
}

// checkVersionStep looks at the way of an update from the cluster's version,
// which EKS may have raised by itself, to the one that is asked for
// (https://docs.aws.amazon.com/eks/latest/userguide/update-cluster.html).
func checkVersionStep(f Facts) []Problem {
	from, to := f.Before.KubernetesVersion, f.Answers.KubernetesVersion
	if !f.Update || !f.makesCluster() || from == to {
		return nil
	}
	if f.Cluster != nil && f.Cluster.Found {
		from = f.Cluster.Version
	}
	old, wanted := minor(from), minor(to)
	on := fmt.Sprintf("KubernetesVersion %s, the cluster %s has %s", to, f.Answers.ClusterName, from)
	switch {
	case old < 0 || wanted < 0:
		return nil // not of the form that is known
	case wanted < old:
		return []Problem{{Kind: versionDown, On: on, Fill: []string{"version", from}}}
	case wanted > old+1:
		return []Problem{{Kind: versionJump, On: on, Fill: []string{"version", "1." + strconv.Itoa(old+1)}}}
	}
	return nil
}

// minor is the number behind "1.", or -1.
func minor(version string) int {
	rest, ok := strings.CutPrefix(version, "1.")
	n, err := strconv.Atoi(rest)
	if !ok || err != nil {
		return -1
	}
	return n
}
