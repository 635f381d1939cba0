// Package stack declares the CloudFormation templates: one file for each
// construct, and this one as their table of contents. Everything is a direct
// child of its stack, so a resource's ID here is its logical ID there.
package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// Config is what the templates take from outside.
type Config struct {
	// Version of the quickstart, such as 0.1.0: the default of the parameter
	// Version, and the folder of the artefacts in their bucket.
	Version string
	// Regions in which the artefacts are published, at least one.
	Regions []string
}

// NetworkTemplateKey is where the network's template lies under a version.
const NetworkTemplateKey = "templates/network.yaml"

// NewQuickstart declares quickstart.yaml: a workspace with a new VPC and a new
// EKS cluster.
func NewQuickstart(scope constructs.Construct, id string, cfg Config) awscdk.Stack {
	s := newStack(scope, id, "e6data workspace: a new VPC, a new EKS cluster, and what the e6data query engine needs on them.")
	addParameters(s, questions(cfg))
	addRules(s, cfg)
	addConditions(s)

	outputs := newOutputsProvider(s)
	network := newNetwork(s, outputs)
	cluster := newCluster(s, network)
	newNodes(s, cluster, network)
	karpenter := newKarpenterNodes(s)

	bucket := newBuckets(s)
	engine := newEngineRole(s, cluster, bucket)
	crossAccount := newCrossAccountRole(s, cluster, bucket)
	nodeAccess := newAccess(s, cluster, crossAccount, karpenter)

	helm := newHelmProvider(s, cluster, network)
	helm.Ready = append(helm.Ready, newInstallerAccess(s, cluster, helm))
	workspace := newReleases(s, helm, cluster, network, karpenter, nodeAccess)
	newOutputs(s, outputs, workspaceFacts{
		Cluster: cluster, Network: network, Bucket: bucket, Karpenter: karpenter, Engine: engine, CrossAccount: crossAccount,
	}, workspace)
	return s
}

// newStack is an empty template of the flavour "release": it can be launched
// from a link, in an account that never saw the CDK.
func newStack(scope constructs.Construct, id, description string) awscdk.Stack {
	return awscdk.NewStack(scope, text(id), &awscdk.StackProps{
		Description:        text(description),
		Synthesizer:        awscdk.NewBootstraplessSynthesizer(nil),
		AnalyticsReporting: new(false),
	})
}

// Network is what others need of the VPC. Each of its values waits for the
// whole nested stack: subnets, routes, NAT gateways and the S3 endpoint.
type Network struct {
	VpcID            *string
	PrivateSubnets   *string // comma-joined
	PrivateSubnetIDs *[]*string
	Zones            *[]*string
}

// newNetwork adds the plan of zones and blocks, and the VPC made after it.
func newNetwork(s awscdk.Stack, p Provider) Network {
	plan := newCustomResource(s, "NetworkPlan", contract.TypeNetworkPlan, p, contract.NetworkPlan{
		VpcCidr:                   *ref("VpcCidr"),
		ExcludedAvailabilityZones: plain(listRef("ExcludedAvailabilityZones")),
	})
	answer := func(name string) *string {
		return awscdk.Token_AsString(plan.GetAtt(text(name), awscdk.ResolutionTypeHint_STRING), nil)
	}
	nested := awscdk.NewCfnStack(s, text("Network"), &awscdk.CfnStackProps{
		TemplateUrl: subWith("https://s3.${AWS::Region}.${AWS::URLSuffix}/${Bucket}/${Version}/"+NetworkTemplateKey,
			map[string]*string{"Bucket": artifactBucket()}),
		Parameters: map[string]*string{
			"WorkspaceName":      ref("WorkspaceName"),
			"ClusterName":        clusterName(),
			"VpcCidr":            ref("VpcCidr"),
			"NatGateways":        ref("NatGateways"),
			"AvailabilityZones":  answer("AvailabilityZones"),
			"PublicSubnetCidrs":  answer("PublicSubnetCidrs"),
			"PrivateSubnetCidrs": answer("PrivateSubnetCidrs"),
		},
		Tags: appTags(),
	})
	result := func(name string) *string {
		return awscdk.Token_AsString(nested.GetAtt(text("Outputs."+name), awscdk.ResolutionTypeHint_STRING), nil)
	}
	return Network{
		VpcID:            result("VpcId"),
		PrivateSubnets:   result("PrivateSubnetIds"),
		PrivateSubnetIDs: split(",", result("PrivateSubnetIds")),
		Zones:            split(",", result("AvailabilityZones")),
	}
}
