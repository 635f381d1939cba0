// Package loadbalancer stands in for the AWS Load Balancer Controller: for
// Ingresses of its class and Services of type LoadBalancer it makes the calls
// of AWS that the real one makes, with the same names and tags, so that the
// policy of its role decides as it would on AWS. Written after version 3.5.0
// (kubernetes-sigs/aws-load-balancer-controller, docs/guide and docs/deploy);
// what it does not play it refuses in an event.
package loadbalancer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"github.com/e6data/aws-quickstart/rehearsal/controllers/controller"
)

const probes = "61779"

// Run is the program of the image aws-load-balancer-controller.
func Run(ctx context.Context, kube *rest.Config, config aws.Config, flags controller.Flags, ports controller.Ports) error {
	cluster := Cluster{Name: flags["cluster-name"], DefaultTags: flags.Pairs("default-tags")}
	if cluster.Name == "" {
		return errors.New("--cluster-name must be specified")
	}
	vpc := flags["aws-vpc-id"]
	if vpc == "" {
		return errors.New("failed to get VPC ID: failed to fetch VPC ID from instance metadata: pods cannot reach it " +
			"where the hop limit is 1; specify --aws-vpc-id")
	}
	program := controller.Program{
		Lease: "aws-load-balancer-controller-leader", Probes: ports.Host(probes),
		Lead: func(ctx context.Context) error {
			return lead(ctx, kube, config, cluster, vpc, flags.Text("ingress-class", "alb"))
		},
	}
	return program.Run(ctx, kube)
}

// program is what the reconcilers share.
type program struct {
	client  kubernetes.Interface
	cluster Cluster
	class   string
	deployer
	networking *networking

	events struct{ ingress, service, binding record.EventRecorder }
	queues struct{ groups, services, bindings *controller.Queue }

	factory   informers.SharedInformerFactory
	ingresses cache.Indexer
	services  cache.Indexer
	classes   cache.Indexer
	settings  cache.Indexer
	bound     cache.Indexer
	slices    cache.Indexer
	pods      cache.Indexer
	nodes     cache.Indexer
}

func lead(ctx context.Context, kube *rest.Config, config aws.Config, cluster Cluster, vpc, class string) error {
	client, err := kubernetes.NewForConfig(kube)
	if err != nil {
		return fmt.Errorf("kubernetes client: %w", err)
	}
	objects, err := dynamic.NewForConfig(kube)
	if err != nil {
		return fmt.Errorf("kubernetes client: %w", err)
	}
	account := &account{
		ec2: ec2.NewFromConfig(config), elb: elasticloadbalancingv2.NewFromConfig(config), vpc: vpc, cluster: cluster.Name,
	}
	p := &program{client: client, cluster: cluster, class: class}
	p.backend = &backendGroup{account: account, tags: cluster.DefaultTags, holders: p.holders, needs: map[string]bool{}}
	p.account, p.bindings = account, &bindingStore{client: objects.Resource(bindings)}
	p.networking = &networking{
		account: account, nodes: p.node, wanting: p.wanting, byOwner: map[types.NamespacedName]map[string][]permission{},
	}
	account.collect = p.networking.collect
	p.events.ingress = controller.Recorder(ctx, client, "ingress")
	p.events.service = controller.Recorder(ctx, client, "service")
	p.events.binding = controller.Recorder(ctx, client, "targetGroupBinding")
	p.queues.groups = controller.NewQueue("ingress", p.reconcileGroup)
	p.queues.services = controller.NewQueue("service", p.reconcileService)
	p.queues.bindings = controller.NewQueue("targetGroupBinding", p.reconcileBinding)
	if err := p.watch(ctx, objects); err != nil {
		return err
	}
	controller.RunAll(ctx, p.queues.groups, p.queues.services, p.queues.bindings)
	return nil
}

func (p *program) watch(ctx context.Context, objects dynamic.Interface) error {
	p.factory = informers.NewSharedInformerFactory(p.client, 0)
	own := dynamicinformer.NewDynamicSharedInformerFactory(objects, 0)
	settings, bound := own.ForResource(classSettings).Informer(), own.ForResource(bindings).Informer()
	ingresses := p.factory.Networking().V1().Ingresses().Informer()
	classes := p.factory.Networking().V1().IngressClasses().Informer()
	services := p.factory.Core().V1().Services().Informer()
	endpoints := p.factory.Discovery().V1().EndpointSlices().Informer()
	pods, nodes := p.factory.Core().V1().Pods().Informer(), p.factory.Core().V1().Nodes().Informer()
	p.ingresses, p.classes, p.services = ingresses.GetIndexer(), classes.GetIndexer(), services.GetIndexer()
	p.slices, p.pods, p.nodes = endpoints.GetIndexer(), pods.GetIndexer(), nodes.GetIndexer()
	p.settings, p.bound = settings.GetIndexer(), bound.GetIndexer()
	for informer, changed := range map[cache.SharedIndexInformer]func(any){
		ingresses: p.ingressChanged, services: p.serviceChanged, bound: p.bindingChanged, endpoints: p.endpointsChanged,
		classes: p.allIngresses, settings: p.allIngresses, nodes: p.allBindings, pods: func(any) {},
	} {
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: changed, DeleteFunc: func(object any) {
				if gone, is := object.(cache.DeletedFinalStateUnknown); is {
					object = gone.Obj
				}
				changed(object)
			},
			UpdateFunc: func(_, object any) { changed(object) },
		})
		if err != nil {
			return fmt.Errorf("watch: %w", err)
		}
	}
	p.factory.Start(ctx.Done())
	own.Start(ctx.Done())
	for _, informer := range []cache.SharedIndexInformer{
		ingresses, classes, services, endpoints, pods, nodes, settings, bound,
	} {
		if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
			return errors.New("caches did not sync before the end")
		}
	}
	return nil
}

// --- what changed, and who has to look at it

func (p *program) ingressChanged(object any) {
	ingress, ok := object.(*networkingv1.Ingress)
	if !ok {
		return
	}
	groups := groupsOfFinalizers(ingress)
	if group, _ := p.groupOf(ingress); group != nil {
		groups = append(groups, *group)
	}
	for _, group := range groups {
		p.queues.groups.Add(group.String())
	}
}

func (p *program) allIngresses(any) {
	for _, object := range p.ingresses.List() {
		p.ingressChanged(object)
	}
}

func (p *program) serviceChanged(object any) {
	service, ok := object.(*corev1.Service)
	if !ok {
		return
	}
	if IsOurs(service) || slices.Contains(service.Finalizers, serviceFinalizer) {
		p.queues.services.Add(nameOf(service).String())
	}
	for _, object := range p.ingresses.List() {
		if ingress, is := object.(*networkingv1.Ingress); is && ingress.Namespace == service.Namespace {
			p.ingressChanged(ingress)
		}
	}
}

func (p *program) bindingChanged(object any) {
	if binding, ok := object.(*unstructured.Unstructured); ok {
		p.queues.bindings.Add(nameOf(binding).String())
	}
}

func (p *program) endpointsChanged(object any) {
	slice, ok := object.(*discoveryv1.EndpointSlice)
	if !ok {
		return
	}
	for _, binding := range p.allBound() {
		if binding.Namespace == slice.Namespace && binding.Spec.ServiceRef.Name == slice.Labels[discoveryv1.LabelServiceName] {
			p.queues.bindings.Add(nameOf(binding).String())
		}
	}
}

func (p *program) allBindings(any) {
	for _, binding := range p.allBound() {
		if binding.Spec.TargetType == "instance" {
			p.queues.bindings.Add(nameOf(binding).String())
		}
	}
}

// --- look-ups in the caches

func (p *program) allBound() []*Binding {
	var all []*Binding
	for _, object := range p.bound.List() {
		if binding, err := bindingFrom(object); err == nil {
			all = append(all, binding)
		}
	}
	return all
}

// wanting lists the bindings that want rules in the nodes' security groups.
func (p *program) wanting() []types.NamespacedName {
	var names []types.NamespacedName
	for _, binding := range p.allBound() {
		if binding.Spec.Networking != nil {
			names = append(names, nameOf(binding))
		}
	}
	return names
}

// holders lists what carries a finalizer of the controller.
func (p *program) holders() []string {
	var all []string
	for _, object := range p.ingresses.List() {
		if ingress, is := object.(*networkingv1.Ingress); is && len(groupsOfFinalizers(ingress)) > 0 {
			all = append(all, "ingress/"+nameOf(ingress).String())
		}
	}
	for _, object := range p.services.List() {
		if service, is := object.(*corev1.Service); is && slices.Contains(service.Finalizers, serviceFinalizer) {
			all = append(all, "service/"+nameOf(service).String())
		}
	}
	return all
}

func lookUp[T any](indexer cache.Indexer, key string) *T {
	object, found, err := indexer.GetByKey(key)
	if err != nil || !found {
		return nil
	}
	typed, _ := object.(*T)
	return typed
}

func (p *program) node(name string) *corev1.Node { return lookUp[corev1.Node](p.nodes, name) }

func (p *program) service(name types.NamespacedName) *corev1.Service {
	return lookUp[corev1.Service](p.services, name.String())
}

func (p *program) slicesOf(service types.NamespacedName) []*discoveryv1.EndpointSlice {
	var found []*discoveryv1.EndpointSlice
	wanted := labels.SelectorFromSet(labels.Set{discoveryv1.LabelServiceName: service.Name})
	for _, object := range p.slices.List() {
		slice, is := object.(*discoveryv1.EndpointSlice)
		if is && slice.Namespace == service.Namespace && wanted.Matches(labels.Set(slice.Labels)) {
			found = append(found, slice)
		}
	}
	return found
}

// groupOf names the group that an Ingress is in, nil if it is not the
// controller's or is being deleted. An error says that its class is not good.
func (p *program) groupOf(ingress *networkingv1.Ingress) (*types.NamespacedName, error) {
	class, mine, err := p.classOf(ingress)
	if err != nil || !mine || ingress.DeletionTimestamp != nil {
		return nil, err
	}
	group := groupOf(ingress, class)
	return &group, nil
}

func (p *program) classOf(ingress *networkingv1.Ingress) (params *ClassParams, mine bool, err error) {
	params = new(ClassParams)
	if name, found := ingress.Annotations[classAnnotation]; found {
		return params, name == p.class, nil
	}
	if ingress.Spec.IngressClassName == nil {
		return params, false, nil
	}
	class := lookUp[networkingv1.IngressClass](p.classes, *ingress.Spec.IngressClassName)
	if class == nil {
		return params, false, fmt.Errorf("invalid ingress class: ingressclasses.networking.k8s.io %q not found",
			*ingress.Spec.IngressClassName)
	}
	if class.Spec.Controller != albController {
		return params, false, nil
	}
	reference := class.Spec.Parameters
	if reference == nil || reference.Kind != "IngressClassParams" {
		return params, true, nil
	}
	object := lookUp[unstructured.Unstructured](p.settings, reference.Name)
	if object == nil {
		return params, true, fmt.Errorf("invalid ingress class: ingressclassparams.elbv2.k8s.aws %q not found", reference.Name)
	}
	if err := readParams(object, params); err != nil {
		return params, true, err
	}
	return params, true, nil
}

func readParams(object *unstructured.Unstructured, params *ClassParams) error {
	content, err := json.Marshal(object.Object)
	if err == nil {
		err = json.Unmarshal(content, params)
	}
	if err != nil {
		return fmt.Errorf("read IngressClassParams %s: %w", object.GetName(), err)
	}
	return nil
}
