package cloud

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestAwaitsBalancer(t *testing.T) {
	class := "service.k8s.aws/nlb"
	kind := func(value string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Annotations: map[string]string{"service.beta.kubernetes.io/aws-load-balancer-type": value}}
	}
	balancer := corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer}
	for name, test := range map[string]struct {
		service corev1.Service
		want    bool
	}{
		"the cloud provider's":        {corev1.Service{Spec: balancer}, true},
		"its own network one":         {corev1.Service{ObjectMeta: kind("nlb"), Spec: balancer}, true},
		"a controller's, by class":    {corev1.Service{Spec: corev1.ServiceSpec{Type: balancer.Type, LoadBalancerClass: &class}}, false},
		"a controller's, annotated":   {corev1.Service{ObjectMeta: kind("external"), Spec: balancer}, false},
		"a controller's, the old way": {corev1.Service{ObjectMeta: kind("nlb-ip"), Spec: balancer}, false},
		"no load balancer":            {corev1.Service{}, false},
	} {
		if got := awaitsBalancer(&test.service); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
