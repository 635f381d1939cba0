package clustercheck

import (
	"fmt"

	"github.com/Masterminds/semver/v3"

	"github.com/e6data/aws-quickstart/internal/karpenter"
)

// chartDefinitions are what the chart karpenter-crd installs. The last comes
// with other autoscalers too.
var chartDefinitions = []string{
	"nodepools.karpenter.sh", "nodeclaims.karpenter.sh", "nodeoverlays.karpenter.sh", "ec2nodeclasses.karpenter.k8s.aws",
	"capacitybuffers.autoscaling.x-k8s.io",
}

// installKarpenter looks for what an installation of Karpenter would meet.
func (j *judge) installKarpenter() {
	if j.blind("deployments.apps", "secrets") {
		return // whose it is cannot be told
	}
	standing, foreign := false, false
	for _, k := range j.of(Karpenter) {
		who, mine := j.holder(k.Marks)
		if mine {
			standing = true
			continue
		}
		foreign = true
		if stack, is := j.another(k.Marks); is {
			j.find(KarpenterOther, "stack %s installed Karpenter %s on this cluster, and one serves all workspaces: choose KarpenterOnCluster=Existing", stack, k)
		} else {
			j.find(KarpenterPresent, "the cluster has a Karpenter, %s of %s: choose KarpenterOnCluster=Existing", k, who)
		}
	}
	switch {
	case foreign:
		return // all else follows from it
	case j.autoMode():
		j.find(KarpenterDefinitions, "the cluster has EKS Auto Mode, which owns the custom resource definitions nodepools.karpenter.sh and nodeclaims.karpenter.sh "+
			"that KarpenterOnCluster=Install would bring: install Karpenter beside it yourself (EKS User Guide, auto-migrate-karpenter) and choose Existing, "+
			"or use a cluster without Auto Mode")
		return
	}
	j.takenDefinitions()
	if names := j.taken(j.want.karpenter(), j.want.definitions()); len(names) > 0 {
		j.find(KarpenterNames, "KarpenterOnCluster=Install needs names that are taken (%s): remove what an earlier Karpenter left, or choose Existing", listed(names, 3))
	}
	if !standing {
		j.suits()
		j.roomForTwo()
	}
}

// takenDefinitions tells of definitions that are not the release's.
func (j *judge) takenDefinitions() {
	var names []string
	for _, name := range chartDefinitions {
		d, there := j.seen.Definitions[name]
		if !there || d.Marks.Release == j.want.definitions() {
			continue
		}
		if who, mine := j.holder(d.Marks); !mine {
			names = append(names, fmt.Sprintf("%s of %s", name, who))
		}
	}
	if len(names) > 0 {
		j.find(KarpenterDefinitions, "KarpenterOnCluster=Install brings custom resource definitions that are there (%s): "+
			"if nobody uses them, delete them and all their objects (kubectl delete crd); else install Karpenter yourself and choose Existing", listed(names, 3))
	}
}

// suits compares the version to be installed with the cluster's.
func (j *judge) suits() {
	version, err := semver.NewVersion(j.want.Karpenter.Version)
	minor := minorOf(j.seen.Version)
	if err != nil || minor == "" {
		return
	}
	if newest := karpenter.NewestKubernetes(version); newest != "" && olderMinor(newest, minor) {
		j.find(KarpenterUnsuited, "Karpenter %s, which KarpenterOnCluster=Install installs, is for Kubernetes up to %s, and the cluster has %s: "+
			"launch a newer version of this quickstart, or install a newer Karpenter yourself and choose Existing", version, newest, minor)
	}
}

// roomForTwo asks for nodes for the two pods of Karpenter: two hosts that it did
// not make and, if there are such nodes in several zones, in different zones
// (affinity and topologySpreadConstraints of its chart).
func (j *judge) roomForTwo() {
	if j.blind("nodes") || Enough(j.seen.Nodes) {
		return
	}
	zones, usable := map[string]bool{}, 0
	for _, n := range j.seen.Nodes {
		zones[n.Zone] = true
		if n.Usable {
			usable++
		}
	}
	j.find(NodesMissing, "Karpenter runs two pods on different nodes that it did not make itself, in different zones if there are such nodes in several: "+
		"of %s in %s, %d take pods, in %s; add a managed node group with two nodes, without taints",
		count(len(j.seen.Nodes), "node"), count(len(zones), "zone"), usable, count(usableZones(j.seen.Nodes), "zone"))
}

// Enough tells whether the two pods of Karpenter find nodes. A reader of nodes
// may stop as soon as two zones have a usable one.
func Enough(nodes []Node) bool {
	zones, usable := map[string]bool{}, map[string]int{}
	for _, n := range nodes {
		if n.Zone == "" {
			continue // the scheduler passes it by
		}
		zones[n.Zone] = true
		if n.Usable {
			usable[n.Zone]++
		}
	}
	if usableZones(nodes) > 1 {
		return true
	}
	for _, n := range usable {
		return len(zones) == 1 && n > 1
	}
	return false
}

// usableZones is the number of zones with a usable node.
func usableZones(nodes []Node) int {
	zones := map[string]bool{}
	for _, n := range nodes {
		if n.Usable && n.Zone != "" {
			zones[n.Zone] = true
		}
	}
	return len(zones)
}
