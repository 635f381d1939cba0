package clustercheck

import (
	"context"
	"errors"
	"slices"

	admission "k8s.io/api/admissionregistration/v1"
	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	networking "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/e6data/aws-quickstart/internal/release"
)

// namespaces reads those in which the stack makes objects, or its chart does.
func (l *look) namespaces(ctx context.Context) error {
	l.out.Namespaces = map[string]core.Namespace{}
	for _, name := range l.want.everywhere() {
		n, err := l.kube.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if see, err := l.allowed("get", "namespaces", err); !see {
			return err
		}
		l.out.Namespaces[name] = *n
	}
	return nil
}

// limits reads the quotas and limits of the workspace's namespace.
func (l *look) limits(ctx context.Context) error {
	if _, there := l.out.Namespaces[l.want.Namespace]; !there {
		return nil
	}
	quotas, err := l.kube.CoreV1().ResourceQuotas(l.want.Namespace).List(ctx, metav1.ListOptions{Limit: l.pageSize})
	see, err := l.allowed("list", "resourcequotas", err)
	if err != nil {
		return err
	}
	if see {
		l.out.Quotas = quotas.Items
	}
	ranges, err := l.kube.CoreV1().LimitRanges(l.want.Namespace).List(ctx, metav1.ListOptions{Limit: l.pageSize})
	see, err = l.allowed("list", "limitranges", err)
	if see {
		l.out.Limits = ranges.Items
	}
	return err
}

// ingressClasses reads which controllers have an IngressClass.
func (l *look) ingressClasses(ctx context.Context) error {
	l.out.IngressControllers = map[string][]string{}
	err := l.each(ctx, metav1.ListOptions{},
		func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return l.kube.NetworkingV1().IngressClasses().List(ctx, o)
		},
		func(o runtime.Object) error {
			if c, ok := o.(*networking.IngressClass); ok {
				l.out.IngressControllers[c.Spec.Controller] = append(l.out.IngressControllers[c.Spec.Controller], c.Name)
			}
			return nil
		})
	_, err = l.allowed("list", "ingressclasses.networking.k8s.io", err)
	return err
}

// webhooks finds those that must answer and cannot.
func (l *look) webhooks(ctx context.Context) error {
	alive := map[release.Target]bool{}
	for _, kind := range []struct {
		resource string
		page     func(context.Context, metav1.ListOptions) (runtime.Object, error)
	}{
		{mutating.Resource, func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return l.kube.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, o)
		}},
		{validating.Resource, func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return l.kube.AdmissionregistrationV1().ValidatingWebhookConfigurations().List(ctx, o)
		}},
	} {
		var found []Webhook
		err := l.each(ctx, metav1.ListOptions{}, kind.page, func(o runtime.Object) error {
			found = append(found, mustAnswer(o)...)
			return nil
		})
		see, err := l.allowed("list", kind.resource+".admissionregistration.k8s.io", err)
		if err != nil {
			return err
		}
		if !see {
			continue
		}
		for _, w := range found {
			if _, asked := alive[w.Service]; !asked {
				if alive[w.Service], err = l.answers(ctx, w.Service); err != nil {
					return err
				}
			}
			if !alive[w.Service] {
				l.out.DeadWebhooks = append(l.out.DeadWebhooks, w)
			}
		}
	}
	return nil
}

// mustAnswer are the webhooks of a configuration whose Service must answer. What
// is behind a URL cannot be seen from here.
func mustAnswer(o runtime.Object) []Webhook {
	var all []Webhook
	add := func(c metav1.Object, kind string, policy *admission.FailurePolicyType, client admission.WebhookClientConfig, w Webhook) {
		if client.Service == nil || policy != nil && *policy == admission.Ignore {
			return
		}
		w.Configuration, w.Marks = kind+" "+c.GetName(), marksOf(c)
		w.Service = release.Target{Namespace: client.Service.Namespace, Name: client.Service.Name}
		all = append(all, w)
	}
	switch c := o.(type) {
	case *admission.MutatingWebhookConfiguration:
		for i := range c.Webhooks {
			w := &c.Webhooks[i]
			add(c, "MutatingWebhookConfiguration", w.FailurePolicy, w.ClientConfig, Webhook{Rules: w.Rules, Namespaces: w.NamespaceSelector, Objects: w.ObjectSelector})
		}
	case *admission.ValidatingWebhookConfiguration:
		for i := range c.Webhooks {
			w := &c.Webhooks[i]
			add(c, "ValidatingWebhookConfiguration", w.FailurePolicy, w.ClientConfig, Webhook{Rules: w.Rules, Namespaces: w.NamespaceSelector, Objects: w.ObjectSelector})
		}
	}
	return all
}

// answers tells whether a Service has a ready endpoint. It says yes if that
// cannot be seen: of one that leads out of the cluster, and without the right.
func (l *look) answers(ctx context.Context, service release.Target) (bool, error) {
	err := l.each(ctx, metav1.ListOptions{LabelSelector: discovery.LabelServiceName + "=" + service.Name},
		func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return l.kube.DiscoveryV1().EndpointSlices(service.Namespace).List(ctx, o)
		},
		func(o runtime.Object) error {
			if s, ok := o.(*discovery.EndpointSlice); ok && slices.ContainsFunc(s.Endpoints, ready) {
				return errFound
			}
			return nil
		})
	if errors.Is(err, errFound) {
		return true, nil
	}
	if see, err := l.allowed("list", "endpointslices.discovery.k8s.io", err); !see {
		return true, err
	}
	s, err := l.kube.CoreV1().Services(service.Namespace).Get(ctx, service.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if see, err := l.allowed("get", "services", err); !see {
		return true, err
	}
	return s.Spec.Type == core.ServiceTypeExternalName, nil
}

// ready: unknown counts as ready (EndpointConditions).
func ready(e discovery.Endpoint) bool {
	return len(e.Addresses) > 0 && (e.Conditions.Ready == nil || *e.Conditions.Ready)
}
