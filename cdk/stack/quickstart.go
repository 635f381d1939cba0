// Package stack declares the CloudFormation templates: one file for each
// construct, and this one as their table of contents. Everything is a direct
// child of its stack, so a resource's ID here is its logical ID there.
package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
)

// Config is what the templates take from outside.
type Config struct {
	// Version of the quickstart, such as 0.1.0: the default of the parameter
	// Version, and the folder of the artefacts in their bucket.
	Version string
	// Regions in which the artefacts are published, at least one.
	Regions []string
	// Engineer is the flavour for the CDK's command. The other (nil), for
	// releases, can be launched from a link, in an account that never saw the CDK.
	Engineer *Engineer
}

// NewQuickstart declares quickstart.yaml: a workspace with a new VPC and a new
// EKS cluster.
func NewQuickstart(scope constructs.Construct, id string, cfg Config) awscdk.Stack {
	s := newStack(scope, id, cfg, "e6data workspace: a new VPC, a new EKS cluster, and what the e6data query engine needs on them.")
	declare(s, cfg, NewVPC)
	return s
}

// declare fills a template that makes an EKS cluster. Where the modes differ,
// the constructs say so.
func declare(s awscdk.Stack, cfg Config, m Mode) {
	addParameters(s, cfg.asked(questions(cfg, m)))
	addRules(s, cfg, m)
	addConditions(s, cfg, m)

	outputs := newOutputsProvider(s, cfg, m)
	newFixedAnswers(s, outputs, m)
	newPreflight(s, cfg, outputs, m)
	network := newNetwork(s, cfg, outputs, m)
	cluster := newCluster(s, network)
	nodes := newNodes(s, cluster, network, newNetworkAddons(s, cluster))
	addons := newNodeAddons(s, cluster, nodes)
	karpenterNodes := newKarpenterNodes(s)
	karpenter := newKarpenterController(s, cluster)
	loadBalancers := newLoadBalancerRole(s, cluster, network)

	bucket := newBuckets(s)
	engine := newEngineRole(s, cluster, bucket)
	crossAccount := newCrossAccountRole(s, cluster, bucket)
	nodeAccess := newAccess(s, cluster, crossAccount, karpenterNodes)

	helm := newHelmProvider(s, cfg, cluster, network)
	helm.Ready = append(helm.Ready, newInstallerAccess(s, cluster, helm))
	workspace := newReleases(s, helm, releaseFacts{
		Cluster: cluster, Network: network, Nodes: nodes, Addons: addons,
		KarpenterNodes: karpenterNodes, KarpenterNodeAccess: nodeAccess, Karpenter: karpenter,
		LoadBalancerRole: loadBalancers,
	})
	newOutputs(s, outputs, m, workspaceFacts{
		Cluster: cluster, Network: network, Bucket: bucket, Karpenter: karpenterNodes, Engine: engine, CrossAccount: crossAccount,
	}, workspace)
	checkFirst(s, "NetworkPlan", plannedFor)
}

// newStack is an empty template.
func newStack(scope constructs.Construct, id string, cfg Config, description string) awscdk.Stack {
	props := &awscdk.StackProps{Description: text(description), AnalyticsReporting: new(false)}
	if cfg.Engineer != nil {
		props.Synthesizer = awscdk.NewDefaultStackSynthesizer(nil)
		if cfg.Engineer.StackName != "" {
			props.StackName = text(cfg.Engineer.StackName)
		}
	} else {
		props.Synthesizer = awscdk.NewBootstraplessSynthesizer(nil)
	}
	return awscdk.NewStack(scope, text(id), props)
}
