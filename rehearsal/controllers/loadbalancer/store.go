package loadbalancer

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
)

const (
	bindingPoll    = 200 * time.Millisecond
	bindingTimeout = 60 * time.Second
)

// bindingStore keeps the TargetGroupBindings of stacks.
type bindingStore struct {
	client dynamic.NamespaceableResourceInterface
}

// sync makes and changes a stack's bindings, and deletes all others that it has. It waits until those are gone:
// their targets are deregistered before the target group goes.
func (s *bindingStore) sync(ctx context.Context, stack *Stack, want []*Binding) error {
	list, err := s.client.List(ctx, metav1.ListOptions{LabelSelector: labels.SelectorFromSet(stack.labels()).String()})
	if err != nil {
		return err
	}
	have := map[types.NamespacedName]*Binding{}
	for i := range list.Items {
		binding, err := bindingFrom(&list.Items[i])
		if err != nil {
			return err
		}
		have[nameOf(binding)] = binding
	}
	for _, binding := range want {
		if err := s.put(ctx, binding, have[nameOf(binding)]); err != nil {
			return err
		}
		delete(have, nameOf(binding))
	}
	for name := range have {
		if err := s.remove(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func (s *bindingStore) put(ctx context.Context, want, have *Binding) error {
	if have == nil {
		content, err := want.unstructured()
		if err != nil {
			return err
		}
		_, err = s.client.Namespace(want.Namespace).Create(ctx, content, metav1.CreateOptions{})
		return err
	}
	if reflect.DeepEqual(want.Spec, have.Spec) {
		return nil
	}
	return mergePatch(map[string]any{"spec": want.Spec}, func(patch []byte) error {
		_, err := s.client.Namespace(want.Namespace).Patch(ctx, want.Name, types.MergePatchType, patch, metav1.PatchOptions{})
		return err
	})
}

func (s *bindingStore) remove(ctx context.Context, name types.NamespacedName) error {
	client := s.client.Namespace(name.Namespace)
	if err := client.Delete(ctx, name.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	err := wait.PollUntilContextTimeout(ctx, bindingPoll, bindingTimeout, true, func(ctx context.Context) (bool, error) {
		_, err := client.Get(ctx, name.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return true, nil
		}
		return false, err
	})
	if err != nil {
		return fmt.Errorf("failed to wait targetGroupBinding deletion: %w", err)
	}
	return nil
}

func mergePatch(content any, send func(patch []byte) error) error {
	patch, err := json.Marshal(content)
	if err != nil {
		return fmt.Errorf("write patch: %w", err)
	}
	return send(patch)
}

// setFinalizer adds or removes a finalizer of an object, if it has it otherwise.
func setFinalizer(object metav1.Object, finalizer string, wanted bool, send func(patch []byte) error) error {
	have := object.GetFinalizers()
	if slices.Contains(have, finalizer) == wanted {
		return nil
	}
	finalizers := slices.DeleteFunc(slices.Clone(have), func(one string) bool { return one == finalizer })
	if wanted {
		finalizers = append(finalizers, finalizer)
	}
	metadata := map[string]any{"finalizers": finalizers}
	if version := object.GetResourceVersion(); version != "" { // somebody else's finalizer must not get lost
		metadata["resourceVersion"] = version
	}
	err := mergePatch(map[string]any{"metadata": metadata}, send)
	if apierrors.IsNotFound(err) && !wanted {
		return nil
	}
	return err
}
