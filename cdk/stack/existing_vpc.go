package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// Mode is what a template finds and what it makes.
type Mode string

// The modes.
const (
	NewVPC      Mode = contract.ModeNewVPC
	ExistingVPC Mode = contract.ModeExistingVPC
	ExistingEKS Mode = contract.ModeExistingEKS
)

// Modes are all modes.
var Modes = []Mode{NewVPC, ExistingVPC, ExistingEKS}

// NewExistingVPC declares templates/existing-vpc.yaml: a workspace with a new
// EKS cluster in a VPC of the customer's, in given subnets or in new ones around
// what is there.
func NewExistingVPC(scope constructs.Construct, id string, cfg Config) awscdk.Stack {
	s := newStack(scope, id, cfg, "e6data workspace: a new EKS cluster in an existing VPC, and what the e6data query engine needs on it.")
	declare(s, cfg, ExistingVPC)
	return s
}

// addExistingVPCRules refuses answers that contradict each other: given subnets
// are used as they are, and then nothing is made in the VPC.
func addExistingVPCRules(s awscdk.Stack) {
	none := func(parameter string) awscdk.ICfnConditionExpression { return equals(ref(parameter), "") }
	rule(s, "PublicSubnetsNeedPrivateOnes",
		awscdk.Fn_ConditionOr(none("PublicSubnetIds"), not(none("PrivateSubnetIds"))),
		"PublicSubnetIds needs PrivateSubnetIds: the cluster and its nodes are in private subnets. Give both, or leave both empty and subnets are made.")
	rule(s, "GivenSubnetsHaveTheirWayOut",
		awscdk.Fn_ConditionOr(none("PrivateSubnetIds"), equals(ref("NatGateways"), natSingle)),
		"NatGateways=PerZone is for subnets that this stack makes. With PrivateSubnetIds no NAT gateway is made: leave NatGateways at Single.")
}
