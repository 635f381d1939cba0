package stack

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// newCustomResource adds a custom resource of one of the contract's types.
func newCustomResource(s awscdk.Stack, id, resourceType string, p Provider, props any) awscdk.CfnResource {
	properties, err := contract.Properties(props)
	if err != nil {
		panic(fmt.Errorf("custom resource %s: %w", id, err))
	}
	properties["ServiceToken"] = p.Token
	properties["ServiceTimeout"] = p.ServiceTimeout
	r := awscdk.NewCfnResource(s, text(id), &awscdk.CfnResourceProps{
		Type: text(resourceType), Properties: &properties,
	})
	dependOn(r, p.Ready...)
	return r
}

// releases are the custom resources that install charts.
type releases struct {
	stack    awscdk.Stack
	provider Provider
	cluster  Cluster
}

func (r releases) add(id string, props contract.HelmRelease, after ...awscdk.CfnResource) awscdk.CfnResource {
	props.ClusterName = *r.cluster.Name
	release := newCustomResource(r.stack, id, contract.TypeHelmRelease, r.provider, props)
	dependOn(release, after...)
	return release
}

// releaseFacts are what the releases need of the rest.
type releaseFacts struct {
	Cluster             Cluster
	Network             Network
	Nodes               awscdk.CfnResource   // the managed node group
	Addons              []awscdk.CfnResource // names and volumes of pods
	KarpenterNodes      KarpenterNodes
	KarpenterNodeAccess awscdk.CfnResource
	Karpenter           KarpenterController
	LoadBalancerRole    awsiam.CfnRole
	// Before are resources that come before the node pool, if they are there.
	Before []string
}

// newReleases adds the Helm releases and returns the workspace's. On delete
// they go in the other order: Karpenter ends the nodes of a node pool that is
// deleted, so it must outlive it, and so must its own nodes and rights.
func newReleases(s awscdk.Stack, p Provider, f releaseFacts) awscdk.CfnResource {
	r := releases{stack: s, provider: p, cluster: f.Cluster}
	pool := r.nodePool(*ref("KarpenterNamespace"), f, r.karpenter(f.Karpenter, f.Nodes), f.KarpenterNodeAccess)
	// It resolves names, and Ingresses need it: its webhook refuses them while it
	// is not ready, and takes their load balancers away when they go.
	balancers := r.add("LoadBalancerController", loadBalancerRelease(f.LoadBalancerRole, f.Cluster, f.Network), append([]awscdk.CfnResource{f.Nodes}, f.Addons...)...)
	return r.workspace(nil, pool, balancers)
}

// karpentersOwn are the resources that Karpenter is told by what to do.
var karpentersOwn = []string{"nodepools.karpenter.sh", "ec2nodeclasses.karpenter.k8s.aws"}

// ofOthers are resources of which a customer's cluster may have objects of
// others. A cluster of the stack's own goes whole.
func (r releases) ofOthers(resources ...string) []string {
	if r.cluster.Given {
		return resources
	}
	return nil
}

// karpenter adds the releases of Karpenter and returns the controller's.
func (r releases) karpenter(k KarpenterController, after ...awscdk.CfnResource) awscdk.CfnResource {
	crds := r.add("KarpenterCrds", contract.HelmRelease{
		Namespace:       *ref("KarpenterNamespace"),
		CreateNamespace: true,
		ReleaseName:     "karpenter-crd",
		Repository:      *charts(karpenterCharts),
		Chart:           "karpenter-crd",
		ChartVersion:    *ref("KarpenterVersion"),
		NeededBy:        r.ofOthers(karpentersOwn...),
		Wait:            true,
	})
	return r.add("Karpenter", contract.HelmRelease{
		Namespace:    *ref("KarpenterNamespace"),
		ReleaseName:  "karpenter",
		Repository:   *charts(karpenterCharts),
		Chart:        "karpenter",
		ChartVersion: *ref("KarpenterVersion"),
		Values:       *karpenterValues(k, r.cluster),
		NeededBy:     r.ofOthers(karpentersOwn...),
		Wait:         true,
	}, append([]awscdk.CfnResource{crds}, after...)...)
}

// nodePool adds the release of the query engine's NodePool and EC2NodeClass,
// which are in no namespace themselves.
func (r releases) nodePool(namespace string, f releaseFacts, after ...awscdk.CfnResource) awscdk.CfnResource {
	return r.add("NodePool", contract.HelmRelease{
		Namespace:       namespace,
		CreateNamespace: r.cluster.Given,
		ReleaseName:     *nodePoolName(),
		Repository:      "builtin:",
		Chart:           "nodepool",
		Values:          *nodePoolValues(f.Cluster, f.Network, f.KarpenterNodes),
		After:           f.Before,
		// A NodeClaim goes when its instance has ended.
		Dependents: []contract.Dependents{{
			Resource: "nodeclaims.karpenter.sh", Selector: *sub("karpenter.sh/nodepool=" + nodePoolNameText),
		}},
	}, after...)
}

// workspace adds the release of e6data's own chart, after what is before it if it
// is there.
func (r releases) workspace(before []string, after ...awscdk.CfnResource) awscdk.CfnResource {
	return r.add("Workspace", contract.HelmRelease{
		Namespace:       *ref("KubernetesNamespace"),
		CreateNamespace: true,
		ReleaseName:     *ref("WorkspaceName"),
		Repository:      *charts(workspaceCharts),
		Chart:           "workspace",
		ChartVersion:    *ref("WorkspaceChartVersion"),
		Values:          *workspaceValues(),
		After:           before,
		Wait:            true,
	}, after...)
}

// charts is the repository of a public chart, or the customer's copy.
func charts(public string) *string {
	return eitherText(hasPublicCharts, text(public), ref("ChartSource"))
}

// Kubernetes names that several places must agree on. NodePool and
// EC2NodeClass have the same one.
func nodePoolName() *string     { return sub(nodePoolNameText) }
func controlPlaneUser() *string { return sub(controlPlaneUserText) }

const (
	nodePoolNameText     = "e6data-${WorkspaceName}"
	controlPlaneUserText = "e6data-${WorkspaceName}-user"
)

// workspaceValues are the values of e6data's workspace chart. Its templates read
// debug_namespaces at the top (those that are public, up to 2.0.12); the Terraform
// gives it below cloud. It stands in both places.
func workspaceValues() *string {
	return document(map[string]any{
		"cloud": map[string]any{
			"type":               "AWS",
			"oidc_value":         "${EngineRole.Arn}",
			"control_plane_user": []string{controlPlaneUserText},
			"debug_namespaces":   raw("DebugNamespaces"),
		},
		"debug_namespaces": raw("DebugNamespaces"),
		"karpenter":        map[string]any{"nodepool": nodePoolNameText, "nodeclass": nodePoolNameText},
	}, map[string]*string{
		"DebugNamespaces": eitherText(hasDebugNamespaces, jsonList(listRef("DebugNamespaces")), text("[]")),
	})
}

// nodePoolValues are the values of charts/nodepool.
func nodePoolValues(c Cluster, n Network, k KarpenterNodes) *string {
	return document(map[string]any{
		"workspaceName":    "${WorkspaceName}",
		"clusterName":      "${Cluster}",
		"nodePool":         map[string]any{"name": nodePoolNameText},
		"nodeClass":        map[string]any{"name": nodePoolNameText},
		"instanceProfile":  "${InstanceProfile}",
		"instanceFamilies": raw("InstanceFamilies"),
		"architectures":    raw("Architectures"),
		"capacityTypes":    raw("CapacityTypes"),
		"amiAlias":         "al2023@${NodeAmiVersion}",
		"zones":            raw("Zones"),
		"cpuLimit":         raw("NodePoolCpuLimit"),
		"diskGiB":          raw("NodeDiskGiB"),
		"kmsKeyID":         "${KmsKeyArn}",
		"subnetIDs":        raw("SubnetIDs"),
		"securityGroupIDs": []string{"${SecurityGroupID}"},
		"nodeTags":         raw("Tags"),
		"proxy":            map[string]any{"https": "${HttpsProxy}", "direct": "${Direct}"},
		// A cluster of the customer's has storage classes of the customer's.
		"storageClass": map[string]any{"create": !c.Given},
	}, c.variables(map[string]*string{
		"InstanceProfile":  k.InstanceProfile,
		"InstanceFamilies": jsonList(listRef("NodeInstanceFamilies")),
		"Architectures":    jsonList(split(",", ref("NodeArchitectures"))),
		"CapacityTypes":    jsonList(split(",", ref("NodeCapacityTypes"))),
		"Tags":             nodeTagsObject(),
		"Direct":           noProxy(c),
		"Zones":            jsonList(n.Zones),
		"SubnetIDs":        jsonList(n.NodeSubnetIDs),
		"SecurityGroupID":  c.SecurityGroupID,
	}))
}
