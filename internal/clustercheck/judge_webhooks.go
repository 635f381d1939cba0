package clustercheck

import (
	"slices"

	admission "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// made are the kinds of objects that the stack's charts make, and those that
// the query engine needs.
var made = []struct {
	group, resource string
	clusterWide     bool
}{
	{"", "secrets", false}, // Helm's records: without them there is no release at all
	{"", "pods", false},
	{"", "services", false},
	{"", "serviceaccounts", false},
	{"", "configmaps", false},
	{"apps", "deployments", false},
	{"apps", "statefulsets", false},
	{"networking.k8s.io", "ingresses", false},
	{"policy", "poddisruptionbudgets", false},
	{"rbac.authorization.k8s.io", "roles", false},
	{"rbac.authorization.k8s.io", "rolebindings", false},
	{"coordination.k8s.io", "leases", false},
	{"", "namespaces", true},
	{"rbac.authorization.k8s.io", "clusterroles", true},
	{"rbac.authorization.k8s.io", "clusterrolebindings", true},
	{"apiextensions.k8s.io", "customresourcedefinitions", true},
	{"karpenter.sh", "nodepools", true},
	{"karpenter.k8s.aws", "ec2nodeclasses", true},
}

// webhooks tells, one sentence for each configuration, of webhooks that would
// refuse the stack's objects because nobody answers.
func (j *judge) webhooks() {
	if j.blind("secrets") {
		return // whose they are cannot be told
	}
	blocked := map[string][]string{}
	services := map[string]Webhook{}
	var order []string
	for _, w := range j.seen.DeadWebhooks {
		if _, mine := j.holder(w.Marks); mine {
			continue // an update repairs it
		}
		kinds := j.refused(w)
		if len(kinds) == 0 {
			continue
		}
		if services[w.Configuration].Configuration == "" {
			order, services[w.Configuration] = append(order, w.Configuration), w
		}
		blocked[w.Configuration] = append(blocked[w.Configuration], kinds...)
	}
	for _, name := range order {
		kinds := blocked[name]
		slices.Sort(kinds)
		kinds = slices.Compact(kinds)
		j.find(WebhookDead, "%s refuses every change of %s, since its Service %s has no ready endpoint: repair what is behind it, or delete the configuration",
			name, listed(kinds, 4), services[name].Service)
	}
}

// refused are the kinds of the stack's objects that a webhook is asked about.
func (j *judge) refused(w Webhook) []string {
	// Selectors see the labels of objects that are not known yet, but for this.
	if !selects(w.Objects, map[string]string{"app.kubernetes.io/managed-by": "Helm"}) {
		return nil
	}
	// A webhook is asked about cluster-wide objects whatever namespaces it
	// selects, and about a namespace by that namespace's own labels.
	namespaced := slices.ContainsFunc(j.want.namespaces(), func(name string) bool { return selects(w.Namespaces, j.labelsOf(name)) })
	var kinds []string
	for _, m := range made {
		if !m.clusterWide && !namespaced || m.resource == "namespaces" && !namespaced {
			continue
		}
		if slices.ContainsFunc(w.Rules, func(r admission.RuleWithOperations) bool { return asks(r, m.group, m.resource, m.clusterWide) }) {
			kinds = append(kinds, m.resource)
		}
	}
	return kinds
}

// labelsOf are a namespace's labels, as they are or as they will be.
func (j *judge) labelsOf(namespace string) map[string]string {
	if n, there := j.seen.Namespaces[namespace]; there {
		return n.Labels
	}
	return map[string]string{"kubernetes.io/metadata.name": namespace}
}

// asks tells whether a webhook's rule is for objects of a kind.
func asks(r admission.RuleWithOperations, group, resource string, clusterWide bool) bool {
	operation := slices.ContainsFunc(r.Operations, func(o admission.OperationType) bool {
		return o == admission.OperationAll || o == admission.Create || o == admission.Update
	})
	scope := r.Scope == nil || *r.Scope == admission.AllScopes || (*r.Scope == admission.ClusterScope) == clusterWide
	return operation && scope && has(r.APIGroups, group) && (has(r.Resources, resource) || slices.Contains(r.Resources, "*/*"))
}

func has(names []string, name string) bool {
	return slices.Contains(names, "*") || slices.Contains(names, name)
}

// selects tells whether a selector chooses something with these labels. One that
// cannot be read chooses nothing; the API server would not have taken it.
func selects(s *metav1.LabelSelector, of map[string]string) bool {
	if s == nil {
		return true
	}
	selector, err := metav1.LabelSelectorAsSelector(s)
	return err == nil && selector.Matches(labels.Set(of))
}
