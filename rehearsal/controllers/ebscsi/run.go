// Package ebscsi stands in for the EBS CSI driver's controller and its
// sidecars, the external provisioner and attacher: claims get volumes of the
// embedded EC2, nodes get them attached, and released ones are deleted, with
// the calls and the tags of the real driver (kubernetes-sigs/aws-ebs-csi-driver,
// docs/parameters.md and docs/tagging.md). Snapshots and resizing are not played.
package ebscsi

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"github.com/e6data/aws-quickstart/rehearsal/controllers/controller"
)

const (
	driver     = "ebs.csi.aws.com"
	ownZoneKey = "topology.ebs.csi.aws.com/zone"
	probes     = "9808"

	poll        = 500 * time.Millisecond
	callTimeout = time.Minute
)

func quickly(o *ec2.VolumeAvailableWaiterOptions)  { o.MinDelay, o.MaxDelay = poll, poll }
func quicklyInUse(o *ec2.VolumeInUseWaiterOptions) { o.MinDelay, o.MaxDelay = poll, poll }

// Run is the program of the image aws-ebs-csi-driver, in the controller's pods.
func Run(ctx context.Context, kube *rest.Config, config aws.Config, flags controller.Flags, ports controller.Ports) error {
	program := controller.Program{Lease: "ebs-csi-aws-com", Probes: ports.Host(probes), Lead: func(ctx context.Context) error {
		return lead(ctx, kube, config, owner{flags["k8s-tag-cluster-id"], flags.Pairs("extra-tags")})
	}}
	return program.Run(ctx, kube)
}

type program struct {
	client kubernetes.Interface
	ec2    *ec2.Client
	owner  owner
	events record.EventRecorder
	queues struct{ claims, volumes, attachments *controller.Queue }

	claims, volumes, classes, nodes, csiNodes, attachments cache.Indexer
}

func lead(ctx context.Context, kube *rest.Config, config aws.Config, owner owner) error {
	client, err := kubernetes.NewForConfig(kube)
	if err != nil {
		return fmt.Errorf("kubernetes client: %w", err)
	}
	p := &program{client: client, ec2: ec2.NewFromConfig(config), owner: owner}
	p.events = controller.Recorder(ctx, client, driver+"_ebs-csi-controller")
	p.queues.claims = controller.NewQueue("claim", p.reconcileClaim)
	p.queues.volumes = controller.NewQueue("volume", p.reconcileVolume)
	p.queues.attachments = controller.NewQueue("attachment", p.reconcileAttachment)
	if err := p.watch(ctx); err != nil {
		return err
	}
	controller.RunAll(ctx, p.queues.claims, p.queues.volumes, p.queues.attachments)
	return nil
}

func (p *program) watch(ctx context.Context) error {
	factory := informers.NewSharedInformerFactory(p.client, 0)
	claims := factory.Core().V1().PersistentVolumeClaims().Informer()
	volumes := factory.Core().V1().PersistentVolumes().Informer()
	classes, attachments := factory.Storage().V1().StorageClasses().Informer(), factory.Storage().V1().VolumeAttachments().Informer()
	nodes, csiNodes := factory.Core().V1().Nodes().Informer(), factory.Storage().V1().CSINodes().Informer()
	p.claims, p.volumes, p.classes = claims.GetIndexer(), volumes.GetIndexer(), classes.GetIndexer()
	p.attachments, p.nodes, p.csiNodes = attachments.GetIndexer(), nodes.GetIndexer(), csiNodes.GetIndexer()
	for informer, changed := range map[cache.SharedIndexInformer]func(any){
		claims: p.claimChanged, volumes: p.volumeChanged, attachments: p.attachmentChanged,
		classes: p.allClaims, nodes: p.allClaims, csiNodes: func(any) {},
	} {
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: changed, UpdateFunc: func(_, object any) { changed(object) }, DeleteFunc: func(object any) {
				if gone, is := object.(cache.DeletedFinalStateUnknown); is {
					object = gone.Obj
				}
				changed(object)
			},
		})
		if err != nil {
			return fmt.Errorf("watch: %w", err)
		}
	}
	factory.Start(ctx.Done())
	for _, informer := range []cache.SharedIndexInformer{claims, volumes, classes, attachments, nodes, csiNodes} {
		if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
			return errors.New("caches did not sync before the end")
		}
	}
	return nil
}

func (p *program) claimChanged(object any) {
	if claim, is := object.(*corev1.PersistentVolumeClaim); is && claim.Spec.VolumeName == "" {
		p.queues.claims.Add(claim.Namespace + "/" + claim.Name)
	}
}

func (p *program) allClaims(any) {
	for _, object := range p.claims.List() {
		p.claimChanged(object)
	}
}

func (p *program) volumeChanged(object any) {
	if volume, is := object.(*corev1.PersistentVolume); is {
		p.queues.volumes.Add(volume.Name)
	}
}

func (p *program) attachmentChanged(object any) {
	if attachment, is := object.(*storagev1.VolumeAttachment); is {
		p.queues.attachments.Add(attachment.Name)
		p.queues.volumes.Add(attachmentVolume(attachment))
	}
}

func (p *program) allNodes() []*corev1.Node {
	var nodes []*corev1.Node
	for _, object := range p.nodes.List() {
		if node, is := object.(*corev1.Node); is {
			nodes = append(nodes, node)
		}
	}
	return nodes
}

func lookUp[T any](indexer cache.Indexer, key string) *T {
	object, found, err := indexer.GetByKey(key)
	if err != nil || !found {
		return nil
	}
	typed, _ := object.(*T)
	return typed
}
