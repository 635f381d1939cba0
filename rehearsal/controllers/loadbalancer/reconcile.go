package loadbalancer

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
)

// The reasons of the real controller's events.
const (
	reconciled        = "SuccessfullyReconciled"
	failedBuild       = "FailedBuildModel"
	failedDeploy      = "FailedDeployModel"
	failedFinalizer   = "FailedAddFinalizer"
	failedStatus      = "FailedUpdateStatus"
	failedNetworking  = "FailedNetworkReconcile"
	failedReconcile   = "FailedReconcile"
	failedCleanup     = "FailedCleanup"
	backendNotFound   = "BackendNotFound"
	successfulMessage = "Successfully reconciled"
)

// told writes an event about a failure on every object, and gives the failure back.
func told(to record.EventRecorder, reason, text string, err error, objects ...runtime.Object) error {
	if err == nil {
		return nil
	}
	for _, object := range objects {
		to.Eventf(object, corev1.EventTypeWarning, reason, "%s due to %v", text, err)
	}
	return err
}

func split(key string) types.NamespacedName {
	namespace, name, found := strings.Cut(key, "/")
	if !found {
		return types.NamespacedName{Name: key}
	}
	return types.NamespacedName{Namespace: namespace, Name: name}
}

// --- Ingresses

// group finds the members of a group, and those that have left it and still carry its finalizer.
func (p *program) group(name types.NamespacedName) (members []*Member, left []*networkingv1.Ingress, err error) {
	for _, object := range p.ingresses.List() {
		cached, is := object.(*networkingv1.Ingress)
		if !is {
			continue
		}
		ingress := cached.DeepCopy()
		carries := carriesFinalizer(ingress, name)
		class, mine, err := p.classOf(ingress)
		switch {
		case err != nil && carries && ingress.DeletionTimestamp == nil:
			return nil, nil, fmt.Errorf("Ingress: %s: Ingress has invalid IngressClass configuration: %w", nameOf(ingress), err) //nolint:staticcheck // the real one's text
		case err == nil && mine && ingress.DeletionTimestamp == nil && groupOf(ingress, class) == name:
			members = append(members, &Member{Ingress: ingress, Class: *class})
		case carries:
			left = append(left, ingress)
		}
	}
	sortMembers(members)
	return members, left, nil
}

// carriesFinalizer tells whether an Ingress has a group's finalizer. The groups of a single Ingress have all the
// same one: it counts on that very Ingress only.
func carriesFinalizer(ingress *networkingv1.Ingress, group types.NamespacedName) bool {
	return slices.Contains(ingress.Finalizers, groupFinalizer(group)) && (group.Namespace == "" || nameOf(ingress) == group)
}

func (p *program) reconcileGroup(ctx context.Context, key string) error {
	name := split(strings.TrimPrefix(key, "/")) // a group without namespace is "/NAME"
	members, left, err := p.group(name)
	if err != nil || len(members)+len(left) == 0 {
		return err
	}
	objects, err := p.holdMembers(ctx, name, members)
	if err != nil {
		return told(p.events.ingress, failedFinalizer, "Failed add finalizer", err, objects...)
	}
	stack, f, err := p.buildGroup(ctx, name, members, left)
	if err != nil {
		return told(p.events.ingress, failedBuild, "Failed build model", err, objects...)
	}
	host, err := p.deploy(ctx, stack, f)
	if err != nil {
		return told(p.events.ingress, failedDeploy, "Failed deploy model", err, objects...)
	}
	slog.InfoContext(ctx, "successfully deployed model", "ingressGroup", stack.ID())
	if err := p.releaseGroup(ctx, stack, members, left); err != nil {
		return err
	}
	for _, member := range members {
		if err := p.showIngress(ctx, member.Ingress, strings.ToLower(host), stack.Listeners); err != nil {
			return told(p.events.ingress, failedStatus, "Failed update status", err, objects...)
		}
	}
	if err := p.letGo(ctx, name, left); err != nil {
		return err
	}
	for _, object := range objects {
		p.events.ingress.Event(object, corev1.EventTypeNormal, reconciled, successfulMessage)
	}
	return nil
}

// holdMembers puts a group's finalizer on its members. It returns those that it got to, for their events.
func (p *program) holdMembers(ctx context.Context, name types.NamespacedName, members []*Member) ([]runtime.Object, error) {
	objects := make([]runtime.Object, 0, len(members))
	for _, member := range members {
		objects = append(objects, member.Ingress)
		if err := p.finalizeIngress(ctx, member.Ingress, groupFinalizer(name), true); err != nil {
			return objects, err
		}
	}
	return objects, nil
}

// letGo takes a group's finalizer off those that have left it.
func (p *program) letGo(ctx context.Context, name types.NamespacedName, left []*networkingv1.Ingress) error {
	for _, ingress := range left {
		if err := p.finalizeIngress(ctx, ingress, groupFinalizer(name), false); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) buildGroup(
	ctx context.Context, name types.NamespacedName, members []*Member, left []*networkingv1.Ingress,
) (*Stack, found, error) {
	for _, ingress := range left {
		if strings.Contains(ingress.Annotations[ingressPrefix+"load-balancer-attributes"], protectionFlag+"=true") {
			return nil, found{}, fmt.Errorf("deletion_protection is enabled, cannot delete the ingress: %s", ingress.Name)
		}
	}
	stack, err := PlanIngresses(p.cluster, name, members, p.service)
	if err != nil {
		return nil, found{}, err
	}
	var names []string
	for _, member := range members {
		names = append(names, "ingress/"+nameOf(member.Ingress).String())
	}
	f, err := p.resolve(ctx, stack, names)
	return stack, f, err
}

func (p *program) releaseGroup(ctx context.Context, stack *Stack, members []*Member, left []*networkingv1.Ingress) error {
	var names []string
	for _, ingress := range left {
		names = append(names, "ingress/"+nameOf(ingress).String())
	}
	if stack.Balancer == nil || !stack.Balancer.BackendGroup {
		for _, member := range members {
			names = append(names, "ingress/"+nameOf(member.Ingress).String())
		}
	}
	return p.backend.release(ctx, names)
}

func (p *program) finalizeIngress(ctx context.Context, ingress *networkingv1.Ingress, finalizer string, wanted bool) error {
	return setFinalizer(ingress, finalizer, wanted, func(patch []byte) error {
		changed, err := p.client.NetworkingV1().Ingresses(ingress.Namespace).Patch(ctx, ingress.Name, types.MergePatchType,
			patch, metav1.PatchOptions{})
		if err == nil {
			changed.DeepCopyInto(ingress)
		}
		return err
	})
}

func (p *program) showIngress(ctx context.Context, ingress *networkingv1.Ingress, host string, listeners []*Listener) error {
	shown := networkingv1.IngressLoadBalancerIngress{Hostname: host}
	for _, listener := range listeners {
		shown.Ports = append(shown.Ports, networkingv1.IngressPortStatus{Port: listener.Port, Protocol: corev1.ProtocolTCP})
	}
	want := []networkingv1.IngressLoadBalancerIngress{shown}
	if reflect.DeepEqual(ingress.Status.LoadBalancer.Ingress, want) {
		return nil
	}
	return p.showStatus(want, func(patch []byte) error {
		_, err := p.client.NetworkingV1().Ingresses(ingress.Namespace).Patch(ctx, ingress.Name, types.MergePatchType,
			patch, metav1.PatchOptions{}, "status")
		return err
	})
}

func (p *program) showStatus(ingress any, send func(patch []byte) error) error {
	return mergePatch(map[string]any{"status": map[string]any{"loadBalancer": map[string]any{"ingress": ingress}}}, send)
}

// --- Services

func (p *program) reconcileService(ctx context.Context, key string) error {
	cached := p.service(split(key))
	if cached == nil { // it may have gone before it had the finalizer
		return p.backend.release(ctx, []string{"service/" + key})
	}
	service := cached.DeepCopy()
	stack, f, err := p.buildService(ctx, service)
	if err != nil {
		return told(p.events.service, failedBuild, "Failed build model", err, service)
	}
	if stack.Balancer == nil {
		return p.cleanUpService(ctx, service, stack)
	}
	if err := p.finalizeService(ctx, service, true); err != nil {
		return told(p.events.service, failedFinalizer, "Failed add finalizer", err, service)
	}
	host, err := p.deploy(ctx, stack, f)
	if err != nil {
		return told(p.events.service, failedDeploy, "Failed deploy model", err, service)
	}
	slog.InfoContext(ctx, "successfully deployed model", "service", key)
	if !stack.Balancer.BackendGroup {
		if err := p.backend.release(ctx, []string{"service/" + key}); err != nil {
			return err
		}
	}
	if err := p.showService(ctx, service, strings.ToLower(host)); err != nil {
		return told(p.events.service, failedStatus, "Failed update status", err, service)
	}
	p.events.service.Event(service, corev1.EventTypeNormal, reconciled, successfulMessage)
	return nil
}

func (p *program) buildService(ctx context.Context, service *corev1.Service) (*Stack, found, error) {
	var scheme elb.LoadBalancerSchemeEnum
	if IsOurs(service) {
		own := &Stack{Kind: OfService, Name: nameOf(service)}
		existing, err := p.account.balancers(ctx, own.tags(p.cluster.Name))
		if err != nil {
			return nil, found{}, err
		}
		if len(existing) > 0 {
			scheme = existing[0].resource.Scheme
		}
	}
	stack, err := PlanService(p.cluster, service, scheme)
	if err != nil {
		return nil, found{}, err
	}
	f, err := p.resolve(ctx, stack, []string{"service/" + nameOf(service).String()})
	return stack, f, err
}

func (p *program) cleanUpService(ctx context.Context, service *corev1.Service, stack *Stack) error {
	if !slices.Contains(service.Finalizers, serviceFinalizer) {
		return nil
	}
	if _, err := p.deploy(ctx, stack, found{}); err != nil {
		return told(p.events.service, failedDeploy, "Failed deploy model", err, service)
	}
	if err := p.backend.release(ctx, []string{"service/" + nameOf(service).String()}); err != nil {
		return err
	}
	if len(service.Status.LoadBalancer.Ingress) > 0 {
		if err := p.patchService(ctx, service, nil); err != nil && !apierrors.IsNotFound(err) {
			return told(p.events.service, "FailedCleanupStatus", "Failed update status", err, service)
		}
	}
	return p.finalizeService(ctx, service, false)
}

func (p *program) finalizeService(ctx context.Context, service *corev1.Service, wanted bool) error {
	return setFinalizer(service, serviceFinalizer, wanted, func(patch []byte) error {
		_, err := p.client.CoreV1().Services(service.Namespace).Patch(ctx, service.Name, types.MergePatchType, patch,
			metav1.PatchOptions{})
		return err
	})
}

func (p *program) showService(ctx context.Context, service *corev1.Service, host string) error {
	shown := corev1.LoadBalancerIngress{Hostname: host}
	for _, port := range service.Spec.Ports {
		shown.Ports = append(shown.Ports, corev1.PortStatus{Port: port.Port, Protocol: port.Protocol})
	}
	want := []corev1.LoadBalancerIngress{shown}
	if reflect.DeepEqual(service.Status.LoadBalancer.Ingress, want) {
		return nil
	}
	return p.patchService(ctx, service, want)
}

func (p *program) patchService(ctx context.Context, service *corev1.Service, want any) error {
	return p.showStatus(want, func(patch []byte) error {
		changed, err := p.client.CoreV1().Services(service.Namespace).Patch(ctx, service.Name, types.MergePatchType, patch,
			metav1.PatchOptions{}, "status")
		if err == nil {
			changed.DeepCopyInto(service)
		}
		return err
	})
}

// --- TargetGroupBindings

func (p *program) reconcileBinding(ctx context.Context, key string) error {
	object := lookUp[unstructured.Unstructured](p.bound, key)
	if object == nil {
		return nil
	}
	binding, err := bindingFrom(object.DeepCopy())
	if err != nil {
		return err
	}
	if binding.DeletionTimestamp != nil {
		return p.cleanUpBinding(ctx, binding, object)
	}
	if err := p.finalizeBinding(ctx, binding, true); err != nil {
		return told(p.events.binding, failedFinalizer, "Failed add finalizer", err, object)
	}
	endpoints, err := p.endpoints(binding)
	if err != nil {
		p.events.binding.Event(object, corev1.EventTypeWarning, backendNotFound, err.Error())
		endpoints = nil
	}
	// The real one registers the targets even if the way to them is not open, and says so.
	closed := p.networking.reconcile(ctx, binding, endpoints)
	if closed != nil {
		p.events.binding.Event(object, corev1.EventTypeWarning, failedNetworking, closed.Error())
	}
	err = p.account.registerTargets(ctx, binding.Spec.TargetGroupARN, elb.TargetTypeEnum(binding.Spec.TargetType), endpoints)
	if err != nil {
		return told(p.events.binding, failedReconcile, "Failed reconcile", err, object)
	}
	if closed != nil {
		return closed
	}
	if aws.ToInt64(binding.Status.ObservedGeneration) == binding.Generation {
		return nil
	}
	err = mergePatch(map[string]any{"status": map[string]any{"observedGeneration": binding.Generation}}, func(patch []byte) error {
		_, err := p.bindings.client.Namespace(binding.Namespace).Patch(ctx, binding.Name, types.MergePatchType, patch,
			metav1.PatchOptions{}, "status")
		return err
	})
	if err != nil {
		return told(p.events.binding, failedStatus, "Failed update status", err, object)
	}
	p.events.binding.Event(object, corev1.EventTypeNormal, reconciled, successfulMessage)
	return nil
}

func (p *program) cleanUpBinding(ctx context.Context, binding *Binding, object runtime.Object) error {
	if !slices.Contains(binding.Finalizers, bindingFinalizer) {
		return nil
	}
	err := p.account.clearTargets(ctx, binding.Spec.TargetGroupARN)
	if err == nil {
		err = p.networking.reconcile(ctx, binding, nil)
	}
	if err != nil {
		return told(p.events.binding, failedCleanup, "Failed cleanup", err, object)
	}
	return p.finalizeBinding(ctx, binding, false)
}

func (p *program) finalizeBinding(ctx context.Context, binding *Binding, wanted bool) error {
	return setFinalizer(binding, bindingFinalizer, wanted, func(patch []byte) error {
		_, err := p.bindings.client.Namespace(binding.Namespace).Patch(ctx, binding.Name, types.MergePatchType, patch,
			metav1.PatchOptions{})
		return err
	})
}

func (p *program) endpoints(binding *Binding) ([]endpoint, error) {
	name := types.NamespacedName{Namespace: binding.Namespace, Name: binding.Spec.ServiceRef.Name}
	service := p.service(name)
	if service == nil {
		return nil, fmt.Errorf("backend not found: services %q not found", name.Name)
	}
	port, err := lookUpPort(service, binding.Spec.ServiceRef.Port)
	if err != nil {
		return nil, err
	}
	if binding.Spec.TargetType == string(elb.TargetTypeEnumIp) {
		return podEndpoints(port.Name, p.slicesOf(name), func(namespace, name string) *corev1.Pod {
			return lookUp[corev1.Pod](p.pods, namespace+"/"+name)
		}), nil
	}
	var nodes []*corev1.Node
	for _, object := range p.nodes.List() {
		if node, is := object.(*corev1.Node); is {
			nodes = append(nodes, node)
		}
	}
	return nodeEndpoints(port.NodePort, nodes), nil
}
