package program

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/kubernetes/pkg/api/v1/resource"
	"k8s.io/kubernetes/pkg/fieldpath"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"
)

// Place is where a pod runs, as the downward API tells its containers.
type Place struct {
	PodIP, HostIP string
	Allocatable   corev1.ResourceList // of the node: the limits of a container without any
}

// objects are what a container's environment may refer to.
type objects interface {
	configMap(ctx context.Context, namespace, name string) (map[string]string, error)
	secret(ctx context.Context, namespace, name string) (map[string]string, error)
}

// variables are environment variables by name, in no order.
type variables map[string]string

func (v variables) list() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(v)) {
		out = append(out, name+"="+v[name])
	}
	return out
}

// resolver makes a container's environment as kubelets do, but for the addresses
// of Services, which lead nowhere on this host.
type resolver struct {
	pod   *corev1.Pod
	ct    *corev1.Container
	place Place
	from  objects
}

// environment gives what the container's env and envFrom say, and its arguments
// with references to those variables replaced. Errors have the kubelet's words.
func (r resolver) environment(ctx context.Context) (variables, []string, error) {
	env := variables{}
	for _, from := range r.ct.EnvFrom {
		if err := r.addAll(ctx, env, from); err != nil {
			return nil, nil, err
		}
	}
	mapping := expansion.MappingFuncFor(env)
	for _, e := range r.ct.Env {
		if e.Value != "" || e.ValueFrom == nil {
			env[e.Name] = expansion.Expand(e.Value, mapping)
			continue
		}
		value, ok, err := r.value(ctx, e.ValueFrom)
		if err != nil {
			return nil, nil, err
		}
		if ok {
			env[e.Name] = value
		}
	}
	var args []string
	for _, arg := range r.ct.Args {
		args = append(args, expansion.Expand(arg, mapping))
	}
	return env, args, nil
}

func (r resolver) addAll(ctx context.Context, env variables, from corev1.EnvFromSource) error {
	var (
		data     map[string]string
		err      error
		optional *bool
	)
	switch {
	case from.ConfigMapRef != nil:
		optional = from.ConfigMapRef.Optional
		data, err = r.from.configMap(ctx, r.pod.Namespace, from.ConfigMapRef.Name)
	case from.SecretRef != nil:
		optional = from.SecretRef.Optional
		data, err = r.from.secret(ctx, r.pod.Namespace, from.SecretRef.Name)
	}
	if err != nil && (!isOptional(optional) || !apierrors.IsNotFound(err)) {
		return err
	}
	for name, value := range data {
		env[from.Prefix+name] = value
	}
	return nil
}

// value gives a variable's value, or false for an optional one that is missing.
func (r resolver) value(ctx context.Context, from *corev1.EnvVarSource) (string, bool, error) {
	switch {
	case from.FieldRef != nil:
		value, err := r.field(from.FieldRef.FieldPath)
		return value, err == nil, err
	case from.ResourceFieldRef != nil:
		name := from.ResourceFieldRef.ContainerName
		if name == "" {
			name = r.ct.Name
		}
		value, err := resource.ExtractResourceValueByContainerNameAndNodeAllocatable(from.ResourceFieldRef, r.pod, name, r.place.Allocatable)
		return value, err == nil, err
	case from.ConfigMapKeyRef != nil:
		ref := from.ConfigMapKeyRef
		data, err := r.from.configMap(ctx, r.pod.Namespace, ref.Name)
		return key(data, err, ref.Key, isOptional(ref.Optional), fmt.Sprintf("ConfigMap %s/%s", r.pod.Namespace, ref.Name))
	case from.SecretKeyRef != nil:
		ref := from.SecretKeyRef
		data, err := r.from.secret(ctx, r.pod.Namespace, ref.Name)
		return key(data, err, ref.Key, isOptional(ref.Optional), fmt.Sprintf("Secret %s/%s", r.pod.Namespace, ref.Name))
	default:
		return "", false, nil
	}
}

func isOptional(optional *bool) bool { return optional != nil && *optional }

func key(data map[string]string, err error, name string, optional bool, where string) (string, bool, error) {
	if err != nil {
		if optional && apierrors.IsNotFound(err) {
			return "", false, nil
		}
		return "", false, err
	}
	value, ok := data[name]
	if !ok && !optional {
		return "", false, fmt.Errorf("couldn't find key %s in %s", name, where)
	}
	return value, ok, nil
}

// field is a field of the downward API.
func (r resolver) field(path string) (string, error) {
	switch path {
	case "spec.nodeName":
		return r.pod.Spec.NodeName, nil
	case "spec.serviceAccountName":
		return r.pod.Spec.ServiceAccountName, nil
	case "status.podIP", "status.podIPs":
		return r.place.PodIP, nil
	case "status.hostIP", "status.hostIPs":
		return r.place.HostIP, nil
	}
	value, err := fieldpath.ExtractFieldPathAsString(r.pod, path)
	if err != nil {
		return "", fmt.Errorf("field %s: %w", strings.TrimSpace(path), err)
	}
	return value, nil
}
