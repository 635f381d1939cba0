package clustercheck

import (
	"fmt"
	"maps"
	"slices"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// workspace tells of names that the workspace needs and somebody else has.
func (j *judge) workspace() {
	if j.blind("secrets") {
		return // whose they are cannot be told
	}
	target := j.want.workspace()
	owner, there := j.seen.Records[target]
	if there && !owner.SameStack(j.want.Stack) {
		j.find(WorkspaceRelease, "the Helm release %s exists and belongs to %s: choose another WorkspaceName or KubernetesNamespace, or uninstall it", target, owner)
	} else if names := j.taken(target); len(names) > 0 {
		j.find(WorkspaceNames, "the workspace needs names that are taken (%s): choose another WorkspaceName or, for a ServiceAccount, another KubernetesNamespace; "+
			"or remove them", listed(names, 3))
	}
	var pools []string
	for _, c := range j.want.pools() {
		m, there := j.seen.Objects[c]
		if !there {
			continue
		}
		if who, mine := j.holder(m); !mine {
			pools = append(pools, fmt.Sprintf("%s of %s", c, who))
		}
	}
	if len(pools) > 0 {
		j.find(PoolTaken, "the workspace's node pool has a name that is taken (%s): choose another WorkspaceName, or remove what an earlier workspace left", listed(pools, 2))
	}
}

// counted are the resources of a quota that a workspace uses up.
var counted = []core.ResourceName{
	"pods", "count/pods", "secrets", "count/secrets", "configmaps", "count/configmaps", "services", "count/services", "count/serviceaccounts",
	"count/roles.rbac.authorization.k8s.io", "count/rolebindings.rbac.authorization.k8s.io", "count/deployments.apps", "count/statefulsets.apps",
	"count/ingresses.networking.k8s.io",
	"cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.ephemeral-storage",
	"limits.cpu", "limits.memory", "limits.ephemeral-storage",
}

// Below this no pod of the query engine is made: an executor takes most of a
// node, and the smallest has 2 vCPUs and 4 GiB.
var (
	smallestCPU    = resource.MustParse("1")
	smallestMemory = resource.MustParse("1Gi")
)

// limits tells what the workspace's namespace forbids.
func (j *judge) limits() {
	name := j.want.Namespace
	own := j.seen.Records[j.want.workspace()].SameStack(j.want.Stack)
	for i := range j.seen.Quotas {
		q := &j.seen.Quotas[i]
		full := usedUp(q)
		if len(full) == 0 {
			continue
		}
		// A scope may leave the workspace's pods alone, and the workspace itself
		// may be what uses the quota.
		if own || len(q.Spec.Scopes) > 0 || q.Spec.ScopeSelector != nil {
			j.find(QuotaTight, "ResourceQuota %s/%s is used up (%s), perhaps for the workspace's pods too", name, q.Name, listed(full, 3))
		} else {
			j.find(QuotaUsedUp, "ResourceQuota %s/%s leaves nothing for the workspace (%s): raise it, or choose another KubernetesNamespace", name, q.Name, listed(full, 3))
		}
	}
	for i := range j.seen.Limits {
		l := &j.seen.Limits[i]
		for _, item := range l.Spec.Limits {
			j.limit(l, item)
		}
	}
	if j.seen.Namespaces[name].Labels[labelEnforce] == restricted {
		j.find(PodSecurity, "namespace %s enforces the Pod Security Standard restricted: pods of the query engine that do not follow it are refused", name)
	}
}

func (j *judge) limit(l *core.LimitRange, item core.LimitRangeItem) {
	if item.Type != core.LimitTypePod && item.Type != core.LimitTypeContainer {
		return
	}
	var most []string
	small := false
	for _, name := range slices.Sorted(maps.Keys(item.Max)) {
		q := item.Max[name]
		switch name {
		case core.ResourceCPU:
			small = small || q.Cmp(smallestCPU) < 0
		case core.ResourceMemory:
			small = small || q.Cmp(smallestMemory) < 0
		default:
			continue
		}
		most = append(most, fmt.Sprintf("%s %s", name, q.String()))
	}
	switch {
	case small:
		j.find(LimitTooSmall, "LimitRange %s/%s lets a %s have at most %s, less than any of the query engine: raise it, or choose another KubernetesNamespace",
			l.Namespace, l.Name, item.Type, listed(most, 2))
	case len(most) > 0:
		j.find(LimitThere, "LimitRange %s/%s lets a %s have at most %s: bigger pods of the query engine are refused", l.Namespace, l.Name, item.Type, listed(most, 2))
	}
}

// usedUp are the counted resources of which a quota has nothing left.
func usedUp(q *core.ResourceQuota) []string {
	hard := q.Status.Hard
	if len(hard) == 0 {
		hard = q.Spec.Hard // nobody has counted yet
	}
	var full []string
	for _, name := range counted {
		most, limited := hard[name]
		used := q.Status.Used[name]
		if limited && used.Cmp(most) >= 0 {
			full = append(full, fmt.Sprintf("%s %s of %s", name, used.String(), most.String()))
		}
	}
	return full
}
