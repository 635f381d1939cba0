package kubelet

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// kind is a kind of object that a pod refers to, in the words of the kubelet.
type kind struct{ lower, camel, key string }

var (
	secrets         = kind{"secret", "Secret", "secret"}
	configMaps      = kind{"configmap", "ConfigMap", "config"}
	serviceAccounts = kind{"serviceaccounts", "ServiceAccount", ""}
)

// reference is what a volume or the environment of a container needs.
type reference struct {
	kind      kind
	name      string
	key       string // empty: only the object
	volume    string // of the pod; empty: the environment
	container string // whose environment
}

// missing says, as kubelets do, that the object or its key is not there.
func (r reference) missing(namespace string, object bool) string {
	why := fmt.Sprintf("%s %q not found", r.kind.lower, r.name)
	switch {
	case r.volume != "" && r.kind == serviceAccounts:
		why = "failed to fetch token: " + why
	case r.volume != "" && object:
		why = fmt.Sprintf("references non-existent %s key: %s", r.kind.key, r.key)
	case object:
		why = fmt.Sprintf("couldn't find key %s in %s %s/%s", r.key, r.kind.camel, namespace, r.name)
	}
	if r.volume != "" {
		return fmt.Sprintf("MountVolume.SetUp failed for volume %q : %s", r.volume, why)
	}
	return why
}

// volumeReferences are what the pod's volumes need to be set up, without what is
// optional.
func volumeReferences(p *corev1.Pod) (all []reference) {
	for i := range p.Spec.Volumes {
		v := &p.Spec.Volumes[i]
		add := func(k kind, name string, optional *bool, items []corev1.KeyToPath) {
			if optional != nil && *optional {
				return
			}
			all = append(all, reference{kind: k, name: name, volume: v.Name})
			for _, item := range items {
				all = append(all, reference{kind: k, name: name, key: item.Key, volume: v.Name})
			}
		}
		if s := v.Secret; s != nil {
			add(secrets, s.SecretName, s.Optional, s.Items)
		}
		if c := v.ConfigMap; c != nil {
			add(configMaps, c.Name, c.Optional, c.Items)
		}
		if v.Projected == nil {
			continue
		}
		for _, s := range v.Projected.Sources {
			if s.Secret != nil {
				add(secrets, s.Secret.Name, s.Secret.Optional, s.Secret.Items)
			}
			if s.ConfigMap != nil {
				add(configMaps, s.ConfigMap.Name, s.ConfigMap.Optional, s.ConfigMap.Items)
			}
			if s.ServiceAccountToken != nil {
				add(serviceAccounts, p.Spec.ServiceAccountName, nil, nil)
			}
		}
	}
	return all
}

// environmentReferences are what the environment of the pod's containers needs,
// the init containers' first, without what is optional.
func environmentReferences(p *corev1.Pod) (all []reference) {
	for _, containers := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		for i := range containers {
			all = append(all, containerReferences(&containers[i])...)
		}
	}
	return all
}

func containerReferences(ct *corev1.Container) (all []reference) {
	add := func(k kind, name, key string, optional *bool) {
		if optional == nil || !*optional {
			all = append(all, reference{kind: k, name: name, key: key, container: ct.Name})
		}
	}
	for _, from := range ct.EnvFrom {
		if s := from.SecretRef; s != nil {
			add(secrets, s.Name, "", s.Optional)
		}
		if c := from.ConfigMapRef; c != nil {
			add(configMaps, c.Name, "", c.Optional)
		}
	}
	for _, e := range ct.Env {
		if e.ValueFrom == nil {
			continue
		}
		if s := e.ValueFrom.SecretKeyRef; s != nil {
			add(secrets, s.Name, s.Key, s.Optional)
		}
		if c := e.ValueFrom.ConfigMapKeyRef; c != nil {
			add(configMaps, c.Name, c.Key, c.Optional)
		}
	}
	return all
}
