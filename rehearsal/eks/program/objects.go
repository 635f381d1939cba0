package program

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// kubeObjects asks the cluster.
type kubeObjects struct{ kube kubernetes.Interface }

func (k kubeObjects) configMap(ctx context.Context, namespace, name string) (map[string]string, error) {
	o, err := k.kube.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return o.Data, nil
}

func (k kubeObjects) secret(ctx context.Context, namespace, name string) (map[string]string, error) {
	o, err := k.kube.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	data := map[string]string{}
	for key, value := range o.Data {
		data[key] = string(value)
	}
	return data, nil
}
