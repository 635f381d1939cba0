package kubelet

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The pods of add-ons, by their label k8s-app or app, on which a node depends.
const (
	cniApp   = "aws-node"     // vpc-cni: without it pods have no network
	proxyApp = "kube-proxy"   // without it aws-node does not reach the API server
	csiApp   = "ebs-csi-node" // aws-ebs-csi-driver: without it volumes are not mounted
)

// noProxy is what the probe of aws-node says while it waits for the API server.
const noProxy = `timeout: failed to connect service ":50051" within 5s`

const noNetwork = "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady " +
	"message:Network plugin returns error: cni plugin not initialized"

// isApp tells whether the pod is one of an add-on's.
func isApp(p *corev1.Pod, app string) bool {
	return p.Namespace == metav1.NamespaceSystem && (p.Labels["k8s-app"] == app || p.Labels["app"] == app)
}

func podReady(p *corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// runs tells whether a Ready pod of that app is on the node.
func (k *Kubelets) runs(app, node string) bool {
	for _, o := range k.pods.GetIndexer().List() {
		if p, ok := o.(*corev1.Pod); ok && p.Spec.NodeName == node && isApp(p, app) && podReady(p) {
			return true
		}
	}
	return false
}

// networkReady tells whether the node can give pods a network. Once it could it
// still can, also without the add-on: the plug-in's configuration stays on its disk.
func (k *Kubelets) networkReady(n *corev1.Node) bool {
	k.mu.Lock()
	ready := k.networks[n.UID]
	k.mu.Unlock()
	if ready || !k.runs(cniApp, n.Name) {
		return ready
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.networks[n.UID] = true
	return true
}

// host gives the pod's node; nil if it is not there, or not yet.
func (k *Kubelets) host(p *corev1.Pod) *corev1.Node {
	o, ok, err := k.nodes.GetIndexer().GetByKey(p.Spec.NodeName)
	if n, isNode := o.(*corev1.Node); err == nil && ok && isNode {
		return n
	}
	return nil
}

// nodeReady gives the node's condition Ready, without a status if it has none.
func nodeReady(n *corev1.Node) corev1.NodeCondition {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c
		}
	}
	return corev1.NodeCondition{}
}
