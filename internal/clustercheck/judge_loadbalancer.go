package clustercheck

import (
	"fmt"
	"slices"

	"github.com/e6data/aws-quickstart/internal/loadbalancer"
)

const (
	// albClass is the chart's IngressClass, albController whom it is for.
	albClass      = "alb"
	albController = "ingress.k8s.aws/alb"
	// oldestBalancer is the first version for Kubernetes 1.22 and later
	// (https://kubernetes-sigs.github.io/aws-load-balancer-controller/v2.4/deploy/installation/).
	oldestBalancer = "2.4.0"

	labelEnforce = "pod-security.kubernetes.io/enforce"
	restricted   = "restricted"
)

// balancerKinds are the definitions in the chart's folder crds.
var balancerKinds = []string{"targetgroupbindings.elbv2.k8s.aws", "ingressclassparams.elbv2.k8s.aws"}

// ownLoadBalancer looks at the controller that the cluster has.
func (j *judge) ownLoadBalancer() {
	if j.blind("deployments.apps") {
		return
	}
	found := j.of(LoadBalancer)
	if len(found) == 0 {
		if old := j.of(OldIngress); len(old) > 0 {
			j.firstVersion(old[0])
			return
		}
		builtIn := ""
		if j.autoMode() {
			builtIn = " (the one built into EKS Auto Mode does not count: it knows other classes and annotations)"
		}
		j.find(BalancerMissing, "there is no AWS Load Balancer Controller on the cluster%s: choose LoadBalancerControllerOnCluster=Install, "+
			"or install version %s or later first", builtIn, oldestBalancer)
		return
	}
	c := found[0]
	if _, mine := j.holder(c.Marks); mine {
		j.find(BalancerOwn, "the AWS Load Balancer Controller %s is this stack's own: LoadBalancerControllerOnCluster=Existing would remove it; leave it at Install", c)
		return
	}
	switch {
	case c.Version == "":
		j.find(BalancerNoVersion, "the version of the AWS Load Balancer Controller %s stands neither in its image's tag nor in its label: it must be %s or later", c, oldestBalancer)
	case !atLeast(c.Version, oldestBalancer):
		j.find(BalancerOld, "the AWS Load Balancer Controller %s is version %s, which does not know the Ingresses of this Kubernetes: upgrade it to %s or later", c, c.Version, oldestBalancer)
	case newerMinor(c.Version, loadbalancer.Version):
		j.find(BalancerNew, "the AWS Load Balancer Controller %s is version %s; this quickstart was tested with %s", c, c.Version, loadbalancer.Version)
	}
	if c.Ready == 0 {
		j.find(BalancerNotReady, "the AWS Load Balancer Controller %s has no ready pod (wanted: %d), so no load balancer would be made and its webhooks refuse Ingresses: "+
			"repair it (kubectl -n %s describe deployment %s)", c, c.Replicas, c.Namespace, c.Name)
	}
	j.balancerObjects()
}

// balancerObjects asks for what the controller acts on.
func (j *judge) balancerObjects() {
	if !j.blind("ingressclasses.networking.k8s.io") && len(j.seen.IngressControllers[albController]) == 0 {
		j.find(BalancerNoClass, "no IngressClass names the controller %s, so nobody would act on the workspace's Ingresses: make an IngressClass %s with it",
			albController, albClass)
	}
	if j.blind(definitionsResource) {
		return
	}
	missing := slices.DeleteFunc(slices.Clone(balancerKinds), func(name string) bool {
		_, there := j.seen.Definitions[name]
		return there
	})
	if len(missing) > 0 {
		j.find(BalancerNoKinds, "the AWS Load Balancer Controller's custom resource definitions %s are missing: "+
			"apply those of its version (folder crds of its chart)", listed(missing, 2))
	}
}

// installLoadBalancer looks for what an installation would meet.
func (j *judge) installLoadBalancer() {
	if j.blind("deployments.apps", "secrets") {
		return // whose it is cannot be told
	}
	standing, foreign := false, false
	for _, c := range j.of(LoadBalancer) {
		who, mine := j.holder(c.Marks)
		if mine {
			standing = true
			continue
		}
		foreign = true
		if stack, is := j.another(c.Marks); is {
			j.find(BalancerOther, "stack %s installed the AWS Load Balancer Controller %s on this cluster, and one serves all workspaces: "+
				"choose LoadBalancerControllerOnCluster=Existing", stack, c)
		} else {
			j.find(BalancerPresent, "the cluster has an AWS Load Balancer Controller, %s of %s: choose LoadBalancerControllerOnCluster=Existing", c, who)
		}
	}
	if old := j.of(OldIngress); len(old) > 0 {
		j.firstVersion(old[0])
	}
	if foreign {
		return // all else follows from it
	}
	if names := j.taken(j.want.loadBalancer()); len(names) > 0 {
		j.find(BalancerNames, "LoadBalancerControllerOnCluster=Install needs names that are taken (%s): remove what an earlier controller left, or choose Existing", listed(names, 3))
	}
	if !standing {
		j.balancerDefinitions()
		j.balancerPods()
	}
}

func (j *judge) firstVersion(d Deployment) {
	j.find(BalancerV1, "Deployment %s is the AWS ALB Ingress Controller, the first version, which fights with later ones over the same Ingresses: "+
		"uninstall it (migrate_v1_v2 in the controller's guide), then choose LoadBalancerControllerOnCluster=Install", d)
}

// balancerDefinitions tells of definitions that the installation would change.
func (j *judge) balancerDefinitions() {
	var there, others []string
	for _, name := range balancerKinds {
		d, found := j.seen.Definitions[name]
		if !found {
			continue
		}
		there = append(there, name)
		if who, mine := j.holder(d.Marks); !mine && d.Marks.Release.Name != "" {
			others = append(others, fmt.Sprintf("%s of %s", name, who))
		}
	}
	switch {
	case len(others) > 0:
		j.find(BalancerKinds, "LoadBalancerControllerOnCluster=Install would change custom resource definitions that somebody else looks after (%s): "+
			"install the controller yourself and choose Existing, or uninstall that release", listed(others, 2))
	case len(there) > 0:
		j.find(BalancerKindsThere, "the custom resource definitions %s of an earlier AWS Load Balancer Controller are brought up to version %s",
			listed(there, 2), j.want.LoadBalancer.Version)
	}
}

// balancerPods asks whether the controller's pods may run: they name no seccomp
// profile and drop no capabilities, which the standard restricted wants
// (https://kubernetes.io/docs/concepts/security/pod-security-standards/).
func (j *judge) balancerPods() {
	name := j.want.LoadBalancer.Namespace
	if j.seen.Namespaces[name].Labels[labelEnforce] == restricted {
		j.find(BalancerPodSecurity, "namespace %s enforces the Pod Security Standard restricted, which refuses the pods of the AWS Load Balancer Controller: "+
			"choose another LoadBalancerControllerNamespace, or the level baseline", name)
	}
}
