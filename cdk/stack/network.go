package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// NetworkTemplateKey is where the network's template lies under a version.
const NetworkTemplateKey = "templates/network.yaml"

// Network is what others need of the VPC. Each of its values waits for the
// whole nested stack: subnets, routes, NAT gateways and the S3 endpoint.
type Network struct {
	VpcID *string
	// PrivateSubnetIDs are the cluster's and its node group's, for ever.
	PrivateSubnetIDs *[]*string
	// NodeSubnetIDs are all private subnets and Zones all their zones: what
	// Karpenter may use. Both can grow.
	NodeSubnetIDs *[]*string
	Zones         *[]*string
	// NodeSubnets and PublicSubnets are comma-joined.
	NodeSubnets   *string
	PublicSubnets *string
}

// newNetwork adds the plan of zones and blocks, and the network made after it:
// a new VPC, or what is missing in an existing one.
func newNetwork(s awscdk.Stack, cfg Config, p Provider, m Mode) Network {
	properties := contract.NetworkPlan{
		ExcludedAvailabilityZones:   plain(listRef("ExcludedAvailabilityZones")),
		AdditionalAvailabilityZones: plain(listRef("AdditionalAvailabilityZones")),
	}
	if m == ExistingVPC {
		properties.VpcID = *ref("VpcId")
		properties.PrivateSubnetIDs = plain(split(",", ref("PrivateSubnetIds")))
		properties.PublicSubnetIDs = plain(split(",", ref("PublicSubnetIds")))
		properties.HTTPSProxy, properties.ChartSource, properties.ImageRegistry = *ref("HttpsProxy"), *ref("ChartSource"), *ref("ImageRegistry")
	} else {
		properties.VpcCidr = *ref("VpcCidr")
	}
	plan := newCustomResource(s, "NetworkPlan", contract.TypeNetworkPlan, p, properties)
	answer := func(name string) *string {
		return awscdk.Token_AsString(plan.GetAtt(text(name), awscdk.ResolutionTypeHint_STRING), nil)
	}
	parameters := map[string]*string{
		"WorkspaceName":            ref("WorkspaceName"),
		"ClusterName":              clusterName(),
		"NatGateways":              ref("NatGateways"),
		"AvailabilityZones":        answer("AvailabilityZones"),
		"ClusterAvailabilityZones": answer("ClusterAvailabilityZones"),
		"PublicSubnetCidrs":        answer("PublicSubnetCidrs"),
		"PrivateSubnetCidrs":       answer("PrivateSubnetCidrs"),
	}
	if m == ExistingVPC {
		parameters["VpcCidr"] = text("")
		parameters["VpcId"] = ref("VpcId")
		parameters["InternetGatewayId"] = answer("InternetGatewayId")
	} else {
		parameters["VpcCidr"] = ref("VpcCidr")
		parameters["VpcId"] = text("")
		parameters["InternetGatewayId"] = text("")
	}
	nested := awscdk.NewCfnStack(s, text("Network"), &awscdk.CfnStackProps{
		TemplateUrl: cfg.nestedTemplate(s, NetworkTemplateKey),
		Parameters:  parameters,
		Tags:        appTags(),
	})
	result := func(name, given string) *string {
		made := awscdk.Token_AsString(nested.GetAtt(text("Outputs."+name), awscdk.ResolutionTypeHint_STRING), nil)
		if m != ExistingVPC {
			return made
		}
		// Given subnets are read from the plan, and so after it has checked them.
		return eitherText(makesSubnets, made, answer(given))
	}
	if m == ExistingVPC {
		nested.CfnOptions().SetCondition(s.Node().FindChild(text(makesSubnets)).(awscdk.CfnCondition))
	}
	nodeSubnets := result("NodeSubnetIds", "NodeSubnetIds")
	return Network{
		VpcID:            result("VpcId", "VpcId"),
		PrivateSubnetIDs: split(",", result("PrivateSubnetIds", "PrivateSubnetIds")),
		NodeSubnetIDs:    split(",", nodeSubnets),
		Zones:            split(",", result("AvailabilityZones", "Zones")),
		NodeSubnets:      nodeSubnets,
		PublicSubnets:    result("PublicSubnetIds", "PublicSubnetIds"),
	}
}

// templateURL is where a template of this version lies, by its file.
func templateURL(file string) *string {
	return subWith("https://s3.${AWS::Region}.${AWS::URLSuffix}/${Bucket}/${Version}/"+file, map[string]*string{"Bucket": artifactBucket()})
}
