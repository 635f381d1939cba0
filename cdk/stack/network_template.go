package stack

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// everywhere is the destination of a default route.
const everywhere = "0.0.0.0/0"

// alwaysUsed is the number of zones that every network has: EKS asks for two.
const alwaysUsed = 2

// NewNetworkTemplate declares templates/network.yaml: a VPC with public and
// private subnets in two to six zones. It is a template of its own because
// only a nested stack's conditions can see the answer of a custom resource: to
// it the plan comes as parameters.
func NewNetworkTemplate(scope constructs.Construct, id string) awscdk.Stack {
	s := newStack(scope, id, false, "e6data workspace: its VPC. Part of quickstart.yaml, not to be launched by itself.")
	addNetworkParameters(s)
	addNetworkConditions(s)
	vpc, attachment := addVpc(s)
	zones := addZones(s, vpc, attachment)
	addS3Endpoint(s, vpc, zones)
	addNetworkOutputs(s, vpc, zones)
	return s
}

// addNetworkParameters declares plain texts only. While a change set is made
// the plan is not known yet, so lists, patterns and AWS types would refuse it.
func addNetworkParameters(s awscdk.Stack) {
	slots := fmt.Sprintf(", comma-separated, always %d places; an empty place is not used.", contract.NetworkSlots)
	for _, p := range []parameter{
		{Name: "WorkspaceName", Description: "Name of the workspace, for tags."},
		{Name: "ClusterName", Description: "Name of the EKS cluster, for tags."},
		{Name: "VpcCidr", Description: "IPv4 block of the VPC."},
		{Name: "AvailabilityZones", Description: "Names of the zones" + slots},
		{Name: "PublicSubnetCidrs", Description: "IPv4 blocks of the public subnets" + slots},
		{Name: "PrivateSubnetCidrs", Description: "IPv4 blocks of the private subnets" + slots},
		{Name: "NatGateways", Description: "Single: one NAT gateway for all zones. PerZone: one in each.", Values: []string{"Single", "PerZone"}},
	} {
		addParameter(s, p)
	}
}

func addNetworkConditions(s awscdk.Stack) {
	perZone := condition(s, natCondition(alwaysUsed), equals(ref("NatGateways"), "PerZone"))
	for n := alwaysUsed + 1; n <= contract.NetworkSlots; n++ {
		used := condition(s, zoneCondition(n), not(equals(slot(n, "AvailabilityZones"), "")))
		condition(s, natCondition(n), awscdk.Fn_ConditionAnd(perZone, used))
	}
}

func zoneCondition(n int) string { return fmt.Sprintf("HasZone%d", n) }
func natCondition(n int) string  { return fmt.Sprintf("HasNatGateway%d", n) }

// slot is the n-th (from 1) entry of a parameter of the plan.
func slot(n int, parameter string) *string { return pick(n-1, ",", ref(parameter)) }

func addVpc(s awscdk.Stack) (awsec2.CfnVPC, awscdk.CfnResource) {
	vpc := awsec2.NewCfnVPC(s, text("Vpc"), &awsec2.CfnVPCProps{
		CidrBlock:          ref("VpcCidr"),
		EnableDnsSupport:   true,
		EnableDnsHostnames: true, // EKS and private endpoints need both
		Tags:               networkTags("vpc"),
	})
	gateway := awsec2.NewCfnInternetGateway(s, text("InternetGateway"), &awsec2.CfnInternetGatewayProps{
		Tags: networkTags("internet-gateway"),
	})
	attachment := awsec2.NewCfnVPCGatewayAttachment(s, text("InternetGatewayAttachment"), &awsec2.CfnVPCGatewayAttachmentProps{
		VpcId:             vpc.Ref(),
		InternetGatewayId: gateway.Ref(),
	})
	return vpc, attachment
}

// zone is what one slot of the plan becomes.
type zone struct {
	number        int
	publicSubnet  awscdk.CfnResource
	privateSubnet awscdk.CfnResource
	privateTable  awscdk.CfnResource
}

// inUse gives value when the slot is used, and nothing otherwise.
func (z zone) inUse(value *string) *string {
	if z.number <= alwaysUsed {
		return value
	}
	return eitherText(zoneCondition(z.number), value, noValue())
}

// zoneBuilder holds what all zones share.
type zoneBuilder struct {
	stack        awscdk.Stack
	vpc          awsec2.CfnVPC
	attachment   awscdk.CfnResource
	publicTable  awsec2.CfnRouteTable
	publicRoute  awsec2.CfnRoute
	firstGateway awsec2.CfnNatGateway
}

func addZones(s awscdk.Stack, vpc awsec2.CfnVPC, attachment awscdk.CfnResource) []zone {
	b := &zoneBuilder{stack: s, vpc: vpc, attachment: attachment}
	b.publicTable = awsec2.NewCfnRouteTable(s, text("PublicRouteTable"), &awsec2.CfnRouteTableProps{
		VpcId: vpc.Ref(), Tags: networkTags("public"),
	})
	b.publicRoute = awsec2.NewCfnRoute(s, text("PublicDefaultRoute"), &awsec2.CfnRouteProps{
		RouteTableId:         b.publicTable.Ref(),
		DestinationCidrBlock: text(everywhere),
		GatewayId:            ref("InternetGateway"),
	})
	dependOn(b.publicRoute, attachment)
	zones := make([]zone, 0, contract.NetworkSlots)
	for n := 1; n <= contract.NetworkSlots; n++ {
		zones = append(zones, b.add(n))
	}
	return zones
}

func (b *zoneBuilder) add(n int) zone {
	z := zone{number: n}
	public := b.addSubnet(n, "Public", "public", "kubernetes.io/role/elb")
	b.associate(n, "Public", public, b.publicTable.Ref())
	private := b.addSubnet(n, "Private", "private", "kubernetes.io/role/internal-elb")

	nat := b.addNatGateway(n, public)
	gateway := nat.Ref()
	if n == 1 {
		b.firstGateway = nat
	} else {
		gateway = eitherText(natCondition(n), nat.Ref(), b.firstGateway.Ref())
	}
	table := awsec2.NewCfnRouteTable(b.stack, b.id("Private", n, "RouteTable"), &awsec2.CfnRouteTableProps{
		VpcId: b.vpc.Ref(), Tags: networkTags(fmt.Sprintf("private-%d", n)),
	})
	b.onlyInZone(n, table)
	route := awsec2.NewCfnRoute(b.stack, b.id("Private", n, "DefaultRoute"), &awsec2.CfnRouteProps{
		RouteTableId:         table.Ref(),
		DestinationCidrBlock: text(everywhere),
		NatGatewayId:         gateway,
	})
	b.onlyInZone(n, route)
	b.associate(n, "Private", private, table.Ref())
	z.publicSubnet, z.privateSubnet, z.privateTable = public, private, table
	return z
}

func (b *zoneBuilder) addSubnet(n int, kind, name, roleTag string) awsec2.CfnSubnet {
	tags := []*awscdk.CfnTag{
		tag("Name", sub(fmt.Sprintf("e6data-${WorkspaceName}-%s-%d", name, n))),
		tag(roleTag, text("1")),
		{Key: sub("kubernetes.io/cluster/${ClusterName}"), Value: text("shared")},
	}
	if kind == "Private" {
		tags = append(tags, tag("karpenter.sh/discovery", ref("ClusterName")))
	}
	subnet := awsec2.NewCfnSubnet(b.stack, b.id(kind, n, "Subnet"), &awsec2.CfnSubnetProps{
		VpcId:               b.vpc.Ref(),
		AvailabilityZone:    slot(n, "AvailabilityZones"),
		CidrBlock:           slot(n, kind+"SubnetCidrs"),
		MapPublicIpOnLaunch: false,
		Tags:                &tags,
	})
	b.onlyInZone(n, subnet)
	return subnet
}

func (b *zoneBuilder) associate(n int, kind string, subnet awsec2.CfnSubnet, table *string) {
	a := awsec2.NewCfnSubnetRouteTableAssociation(b.stack, b.id(kind, n, "RouteTableAssociation"),
		&awsec2.CfnSubnetRouteTableAssociationProps{SubnetId: subnet.Ref(), RouteTableId: table})
	b.onlyInZone(n, a)
}

// addNatGateway adds the zone's gateway. Zone 1 has one in any case; the
// others only when there is one for each zone.
func (b *zoneBuilder) addNatGateway(n int, subnet awsec2.CfnSubnet) awsec2.CfnNatGateway {
	address := awsec2.NewCfnEIP(b.stack, text(fmt.Sprintf("NatAddress%d", n)), &awsec2.CfnEIPProps{
		Domain: text("vpc"), Tags: networkTags(fmt.Sprintf("nat-%d", n)),
	})
	// An address can be taken and given back only while the gateway is attached.
	dependOn(address, b.attachment)
	nat := awsec2.NewCfnNatGateway(b.stack, text(fmt.Sprintf("NatGateway%d", n)), &awsec2.CfnNatGatewayProps{
		AllocationId: address.AttrAllocationId(),
		SubnetId:     subnet.Ref(),
		Tags:         networkTags(fmt.Sprintf("nat-%d", n)),
	})
	dependOn(nat, b.publicRoute)
	if n > 1 {
		c := b.stack.Node().FindChild(text(natCondition(n))).(awscdk.CfnCondition)
		address.CfnOptions().SetCondition(c)
		nat.CfnOptions().SetCondition(c)
	}
	return nat
}

// onlyInZone makes a resource of an optional zone depend on its use.
func (b *zoneBuilder) onlyInZone(n int, r awscdk.CfnResource) {
	if n > alwaysUsed {
		r.CfnOptions().SetCondition(b.stack.Node().FindChild(text(zoneCondition(n))).(awscdk.CfnCondition))
	}
}

func (b *zoneBuilder) id(kind string, n int, what string) *string {
	return text(fmt.Sprintf("%s%s%d", kind, what, n))
}

// addS3Endpoint keeps traffic to S3 off the NAT gateways. The functions'
// answers to CloudFormation go to S3 too.
func addS3Endpoint(s awscdk.Stack, vpc awsec2.CfnVPC, zones []zone) {
	tables := []any{ref("PublicRouteTable")}
	for _, z := range zones {
		tables = append(tables, z.inUse(z.privateTable.Ref()))
	}
	awsec2.NewCfnVPCEndpoint(s, text("S3Endpoint"), &awsec2.CfnVPCEndpointProps{
		VpcId:           vpc.Ref(),
		VpcEndpointType: text("Gateway"),
		ServiceName:     sub("com.amazonaws.${AWS::Region}.s3"),
		RouteTableIds:   &tables,
	})
}

func addNetworkOutputs(s awscdk.Stack, vpc awsec2.CfnVPC, zones []zone) {
	var public, private, names []*string
	for _, z := range zones {
		public = append(public, z.inUse(z.publicSubnet.Ref()))
		private = append(private, z.inUse(z.privateSubnet.Ref()))
		names = append(names, z.inUse(slot(z.number, "AvailabilityZones")))
	}
	output(s, "VpcId", "The VPC.", vpc.Ref())
	output(s, "PublicSubnetIds", "Public subnets, comma-separated.", join(",", public...))
	output(s, "PrivateSubnetIds", "Private subnets, comma-separated.", join(",", private...))
	output(s, "AvailabilityZones", "Zones in use, comma-separated.", join(",", names...))
}

func networkTags(name string) *[]*awscdk.CfnTag {
	return &[]*awscdk.CfnTag{tag("Name", sub("e6data-${WorkspaceName}-"+name))}
}
