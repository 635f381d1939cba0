package clustercheck

import (
	"fmt"
	"slices"

	"github.com/e6data/aws-quickstart/internal/karpenter"
)

// firstV1 is the first version of Karpenter with the API that our NodePool and
// EC2NodeClass are written in (https://karpenter.sh/v1.0/upgrading/v1-migration/).
const firstV1 = "1.0.0"

// definitionsResource are the custom resource definitions.
const definitionsResource = "customresourcedefinitions.apiextensions.k8s.io"

// autoModeDefinition is there where EKS Auto Mode is, or was.
const autoModeDefinition = "nodeclasses.eks.amazonaws.com"

// karpenterKinds are what a NodePool and its EC2NodeClass need.
var karpenterKinds = []string{"nodepools.karpenter.sh", "nodeclaims.karpenter.sh", "ec2nodeclasses.karpenter.k8s.aws"}

func (j *judge) autoMode() bool {
	_, there := j.seen.Definitions[autoModeDefinition]
	return there || j.seen.AutoMode
}

// ownKarpenter looks at the Karpenter that the cluster has.
func (j *judge) ownKarpenter() {
	if j.blind("deployments.apps") {
		return
	}
	found := j.of(Karpenter)
	if len(found) == 0 {
		j.noKarpenter()
		return
	}
	if len(found) > 1 {
		j.find(KarpenterSeveral, "%s and %s are both Karpenter controllers and act on the same NodePools: remove one of them", found[0], found[1])
	}
	k := found[0]
	if _, mine := j.holder(k.Marks); mine {
		j.find(KarpenterOwn, "Karpenter %s is this stack's own: KarpenterOnCluster=Existing would remove it, and nobody would manage its nodes; leave it at Install", k)
		return
	}
	if j.karpenterVersion(k) {
		j.karpenterDefinitions(k)
	}
	if k.Ready == 0 {
		j.find(KarpenterNotReady, "Karpenter %s has no ready pod (wanted: %d), so no node would be made: repair it (kubectl -n %s describe deployment %s)",
			k, k.Replicas, k.Namespace, k.Name)
	}
	j.karpenterRole(k)
}

// noKarpenter says what there is in Karpenter's place.
func (j *judge) noKarpenter() {
	need := firstV1
	if v := karpenter.Oldest(minorOf(j.seen.Version)); v != nil {
		need = v.String()
	}
	if j.autoMode() {
		j.find(KarpenterAutoMode, "the cluster has EKS Auto Mode, whose nodes are of the kind NodeClass.eks.amazonaws.com; the query engine needs "+
			"EC2NodeClass.karpenter.k8s.aws, and there is no Karpenter of its own: install Karpenter %s or later beside Auto Mode "+
			"(EKS User Guide, auto-migrate-karpenter), or use a cluster without Auto Mode", need)
		return
	}
	rest := ""
	if _, there := j.seen.Definitions[karpenterKinds[0]]; there {
		rest = " (only its custom resource definitions)"
	}
	j.find(KarpenterMissing, "there is no Karpenter on the cluster%s: choose KarpenterOnCluster=Install, or install Karpenter %s or later first", rest, need)
}

// karpenterVersion judges the version, and says whether it is one with the API
// v1.
func (j *judge) karpenterVersion(k Deployment) bool {
	minor := minorOf(j.seen.Version)
	needed := karpenter.Oldest(minor)
	switch {
	case k.Version == "":
		j.find(KarpenterNoVersion, "the version of Karpenter %s stands neither in its image's tag nor in its label: it must be %s or later", k, firstV1)
	case !atLeast(k.Version, firstV1):
		j.find(KarpenterOld, "Karpenter %s is version %s, whose API has no v1: upgrade it to %s or later (karpenter.sh, v1-migration)",
			k, k.Version, firstV1)
		return false
	case needed != nil && !atLeast(k.Version, needed.String()):
		j.find(KarpenterUnsuited, "Karpenter %s is version %s, but Kubernetes %s needs %s or later: upgrade Karpenter", k, k.Version, minor, needed)
	case newerMinor(k.Version, karpenter.Version):
		j.find(KarpenterNew, "Karpenter %s is version %s; this quickstart was tested with %s", k, k.Version, karpenter.Version)
	}
	return true
}

// karpenterDefinitions asks for the API v1, served and stored.
func (j *judge) karpenterDefinitions(k Deployment) {
	if j.blind(definitionsResource) {
		return
	}
	var wrong []string
	for _, name := range karpenterKinds {
		d, there := j.seen.Definitions[name]
		switch {
		case !there:
			wrong = append(wrong, name+" is missing")
		case !slices.Contains(d.Served, "v1"):
			wrong = append(wrong, fmt.Sprintf("%s serves %s", name, listed(d.Served, 3)))
		case d.Storage != "v1":
			wrong = append(wrong, fmt.Sprintf("%s stores %s", name, d.Storage))
		}
	}
	if len(wrong) > 0 {
		version := k.Version
		if version == "" {
			version = "of its own version"
		}
		j.find(KarpenterNoV1, "Karpenter's custom resource definitions are not those of its API v1 (%s): upgrade the chart karpenter-crd to %s",
			listed(wrong, 3), version)
	}
}

// karpenterRole compares the controller's role with the one that was named.
func (j *judge) karpenterRole(k Deployment) {
	if j.blind("serviceaccounts") {
		return
	}
	named, role := j.want.ControllerRoleName, roleName(k.RoleARN)
	account := k.Namespace + "/" + k.ServiceAccount
	switch {
	case role == "" && named == "":
		j.find(KarpenterRoleUnseen, "service account %s of Karpenter names no IAM role (it may have an EKS Pod Identity association, which does not show on the cluster): "+
			"give the role that it works with the policy of the output KarpenterPassRolePolicy", account)
	case role == "":
		j.find(KarpenterRoleUnseen, "service account %s of Karpenter names no IAM role (it may have an EKS Pod Identity association, which does not show on the cluster): "+
			"make sure that it works with role %s", account, named)
	case named == "":
		j.find(KarpenterPassRole, "Karpenter works with role %s, which must be allowed to pass the nodes' role: "+
			"give it the policy of the output KarpenterPassRolePolicy, or enter its name as KarpenterControllerRoleName", role)
	case named != role:
		j.find(KarpenterRole, "KarpenterControllerRoleName is %s, but service account %s of Karpenter has role %s (%s): enter that name", named, account, role, k.RoleARN)
	}
}
