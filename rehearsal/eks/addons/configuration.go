package addons

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// roleAnnotation is what EKS's webhook reads from a service account.
const roleAnnotation = "eks.amazonaws.com/role-arn"

// accounts are the service accounts that get the add-on's role.
var accounts = map[string]string{
	"vpc-cni": "aws-node", "aws-ebs-csi-driver": "ebs-csi-controller-sa", "coredns": "coredns", "kube-proxy": "kube-proxy",
}

// sections name the part of an add-on's configuration that concerns a workload;
// without one it is the whole.
var sections = map[string]string{"ebs-csi-controller": "controller", "ebs-csi-node": "node"}

// settings are those of the configuration values that are played; EKS checks them
// all against the add-on's schema.
type settings struct {
	ReplicaCount   *int64            `json:"replicaCount"`
	NodeSelector   map[string]any    `json:"nodeSelector"`
	Tolerations    []any             `json:"tolerations"`
	Affinity       map[string]any    `json:"affinity"`
	Resources      map[string]any    `json:"resources"`
	PodLabels      map[string]string `json:"podLabels"`
	PodAnnotations map[string]string `json:"podAnnotations"`
	Env            map[string]string `json:"env"`
	// ExtraVolumeTags are the EBS CSI driver's.
	ExtraVolumeTags map[string]string `json:"extraVolumeTags"`
}

// configure puts the role and the configuration values into the objects.
func (a *Addon) configure(all []*unstructured.Unstructured) error {
	var whole map[string]any
	if err := yaml.Unmarshal([]byte(a.ConfigurationValues), &whole); err != nil {
		return fmt.Errorf("read the configuration values of add-on %s: %w", a.Name, err)
	}
	for _, o := range all {
		var err error
		switch o.GetKind() {
		case "ServiceAccount":
			if a.ServiceAccountRoleARN != "" && o.GetName() == accounts[a.Name] {
				o.SetAnnotations(map[string]string{roleAnnotation: a.ServiceAccountRoleARN})
			}
		case "Deployment", "DaemonSet":
			err = configureWorkload(o, whole)
		}
		if err != nil {
			return fmt.Errorf("configure %s of add-on %s: %w", o.GetName(), a.Name, err)
		}
	}
	return nil
}

func configureWorkload(o *unstructured.Unstructured, whole map[string]any) error {
	var part any = whole
	if section := sections[o.GetName()]; section != "" {
		part = whole[section]
	}
	b, err := yaml.Marshal(part)
	if err != nil {
		return err
	}
	var s settings
	if err := yaml.Unmarshal(b, &s); err != nil {
		return err
	}
	if s.ReplicaCount != nil && o.GetKind() == "Deployment" {
		if err := unstructured.SetNestedField(o.Object, *s.ReplicaCount, "spec", "replicas"); err != nil {
			return err
		}
	}
	template, _, err := unstructured.NestedMap(o.Object, "spec", "template")
	if err != nil {
		return err
	}
	if err := s.apply(template); err != nil {
		return err
	}
	return unstructured.SetNestedMap(o.Object, template, "spec", "template")
}

// apply changes a pod template.
func (s *settings) apply(template map[string]any) error {
	if err := addStrings(template, "labels", s.PodLabels); err != nil {
		return err
	}
	if err := addStrings(template, "annotations", s.PodAnnotations); err != nil {
		return err
	}
	spec, _ := template["spec"].(map[string]any)
	if s.NodeSelector != nil {
		spec["nodeSelector"] = s.NodeSelector
	}
	if s.Tolerations != nil {
		spec["tolerations"] = s.Tolerations
	}
	if s.Affinity != nil {
		spec["affinity"] = s.Affinity
	}
	containers, _ := spec["containers"].([]any)
	if len(containers) == 0 {
		return nil
	}
	first, _ := containers[0].(map[string]any)
	if s.Resources != nil {
		first["resources"] = s.Resources
	}
	first["env"] = s.environment(first["env"])
	if first["env"] == nil {
		delete(first, "env")
	}
	if len(s.ExtraVolumeTags) > 0 {
		arguments, _ := first["args"].([]any)
		first["args"] = append(arguments, "--extra-tags="+joined(s.ExtraVolumeTags))
	}
	return nil
}

// joined writes tags as the driver's flag takes them.
func joined(tags map[string]string) string {
	pairs := make([]string, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		pairs = append(pairs, key+"="+tags[key])
	}
	return strings.Join(pairs, ",")
}

// addStrings adds labels or annotations to a pod template.
func addStrings(template map[string]any, field string, add map[string]string) error {
	if len(add) == 0 {
		return nil
	}
	have, _, err := unstructured.NestedStringMap(template, "metadata", field)
	if err != nil {
		return err
	}
	if have == nil {
		have = map[string]string{}
	}
	maps.Copy(have, add)
	return unstructured.SetNestedStringMap(template, have, "metadata", field)
}

// environment gives the variables with those of the settings instead of their
// namesakes.
func (s *settings) environment(have any) any {
	if len(s.Env) == 0 {
		return have
	}
	all, _ := have.([]any)
	all = slices.DeleteFunc(all, func(v any) bool {
		variable, _ := v.(map[string]any)
		name, _ := variable["name"].(string)
		_, replaced := s.Env[name]
		return replaced
	})
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		all = append(all, map[string]any{"name": name, "value": s.Env[name]})
	}
	return all
}
