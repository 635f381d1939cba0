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
