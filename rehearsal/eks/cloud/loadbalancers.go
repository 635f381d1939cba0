package cloud

import (
	"context"
	"fmt"
	"log/slog"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// PlayLoadBalancers gives each Service of type LoadBalancer that is left to the
// cloud provider a host name in its status, as Helm's --wait expects, until ctx
// ends. Nothing answers there, and no load balancer is made in the account.
func PlayLoadBalancers(ctx context.Context, c kubernetes.Interface, region string) error {
	f := informers.NewSharedInformerFactory(c, 0)
	fill := func(o any) {
		if s, ok := o.(*corev1.Service); ok && awaitsBalancer(s) {
			balance(ctx, c, s, region)
		}
	}
	_, err := f.Core().V1().Services().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: fill, UpdateFunc: func(_, o any) { fill(o) },
	})
	if err != nil {
		return fmt.Errorf("watch services: %w", err)
	}
	f.Start(ctx.Done())
	return nil
}

func awaitsBalancer(s *corev1.Service) bool {
	return s.Spec.Type == corev1.ServiceTypeLoadBalancer && len(s.Status.LoadBalancer.Ingress) == 0 &&
		s.DeletionTimestamp == nil && !isControllers(s)
}

// isControllers tells whether the cloud provider leaves a Service to a
// controller: one with a class, and one with an annotation by which the AWS
// Load Balancer Controller knows its own. Without that controller it waits for
// ever, as on EKS.
func isControllers(s *corev1.Service) bool {
	kind := s.Annotations["service.beta.kubernetes.io/aws-load-balancer-type"]
	return s.Spec.LoadBalancerClass != nil || kind == "external" || kind == "nlb-ip"
}

func balance(ctx context.Context, c kubernetes.Interface, s *corev1.Service, region string) {
	s = s.DeepCopy()
	s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{Hostname: loadBalancerName(s.Namespace, s.Name, region)}}
	_, err := c.CoreV1().Services(s.Namespace).UpdateStatus(ctx, s, metav1.UpdateOptions{})
	if err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) { // a conflict brings an update event, and a new try
		slog.WarnContext(ctx, "load balancer is not played", "namespace", s.Namespace, "service", s.Name, "reason", err)
	}
}
