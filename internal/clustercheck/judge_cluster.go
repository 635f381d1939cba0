package clustercheck

import (
	"maps"
	"slices"

	core "k8s.io/api/core/v1"

	"github.com/e6data/aws-quickstart/internal/karpenter"
)

// access tells what could not be seen, and why.
func (j *judge) access() {
	if len(j.seen.Lacks) > 0 {
		rights := make([]string, 0, len(j.seen.Lacks))
		for _, r := range j.seen.Lacks {
			rights = append(rights, r.String())
		}
		j.find(RightsMissing, "the installer's role may not %s on the cluster: give its access entry the policy AmazonEKSClusterAdminPolicy "+
			"with cluster scope, or its entry in aws-auth the group system:masters", listed(rights, 5))
	}
	for _, resource := range slices.Sorted(maps.Keys(j.seen.Unreadable)) {
		j.find(Unreadable, "the API server cannot give the %s (%.200s): repair what is behind them, such as a conversion webhook without pods",
			resource, j.seen.Unreadable[resource])
	}
}

// kubernetes tells whether the cluster's version is one that Karpenter knows,
// and of aggregated APIs that are down.
func (j *judge) kubernetes() {
	minor := minorOf(j.seen.Version)
	switch {
	case minor == "":
		j.find(KubernetesNew, "the cluster's Kubernetes version %q cannot be read, so nothing is known of what suits it", j.seen.Version)
	case olderMinor(minor, karpenter.OldestKubernetes()):
		j.find(KubernetesOld, "Kubernetes %s is older than %s, the oldest that this quickstart supports: upgrade the cluster", minor, karpenter.OldestKubernetes())
	case karpenter.Oldest(minor) == nil:
		j.find(KubernetesNew, "Kubernetes %s is newer than any that this quickstart was made for", minor)
	}
	for _, api := range j.seen.BrokenAPIs {
		j.find(APIBroken, "the API %s does not answer (%s): no namespace can be deleted until it does, or until its APIService is deleted", api.Name, api.Reason)
	}
}

// missingNamespaces tells of namespaces that are to be visited and are not there.
// Without the right to see namespaces nobody knows.
func (j *judge) missingNamespaces() {
	var missing []string
	for _, name := range j.want.visited() {
		if _, there := j.seen.Namespaces[name]; !there && !j.seen.Unseen["namespaces"] {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		j.find(DebugMissing, "DebugNamespaces names what is not on the cluster (%s): take it out, or make it", listed(missing, 5))
	}
}

// endingNamespaces tells of namespaces that take no new objects.
func (j *judge) endingNamespaces() {
	for _, name := range j.want.everywhere() {
		n, there := j.seen.Namespaces[name]
		if !there || n.DeletionTimestamp == nil && n.Status.Phase != core.NamespaceTerminating {
			continue
		}
		reason := "Kubernetes gives no reason yet"
		for _, c := range n.Status.Conditions {
			if c.Status == core.ConditionTrue && c.Message != "" {
				reason = c.Message
			}
		}
		j.find(NamespaceEnding, "namespace %s is being deleted and takes nothing new (%.200s): wait until it is gone, or choose another", name, reason)
	}
}
