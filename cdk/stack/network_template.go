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

// NewNetworkTemplate declares templates/network.yaml: public and private
// subnets in two to six zones, in a VPC made for them or in an existing one, of
// which nothing but its internet gateway is touched. It is a template of its own because
// only a nested stack's conditions can see the answer of a custom resource: to
// it the plan comes as parameters.
func NewNetworkTemplate(scope constructs.Construct, id string) awscdk.Stack {
	s := newStack(scope, id, Config{}, "e6data workspace: its VPC, or its subnets in an existing one. Part of the other templates, not to be launched by itself.")
	addNetworkParameters(s)
	addNetworkConditions(s)
	b := &zoneBuilder{stack: s}
	b.addVpc()
	zones := b.addZones()
	b.addS3Endpoint(zones)
	b.addOutputs(zones)
	return s
}

// addNetworkParameters declares plain texts only. While a change set is made
// the plan is not known yet, so lists, patterns and AWS types would refuse it.
func addNetworkParameters(s awscdk.Stack) {
	slots := fmt.Sprintf(", comma-separated, always %d places; an empty place is not used.", contract.NetworkSlots)
	for _, p := range []parameter{
		{Name: "WorkspaceName", Description: "Name of the workspace, for tags."},
		{Name: "ClusterName", Description: "Name of the EKS cluster, for tags."},
		{Name: "VpcCidr", Description: "IPv4 block of a new VPC. Empty with an existing one."},
		{Name: "VpcId", Description: "ID of an existing VPC. Empty: one is made."},
		{Name: "InternetGatewayId", Description: "ID of the internet gateway of the existing VPC. Empty: one is made."},
		{Name: "AvailabilityZones", Description: "Names of the zones" + slots},
		{Name: "ClusterAvailabilityZones", Description: "Names of those zones that the cluster uses, in the same places. The others are for Karpenter's nodes only."},
		{Name: "PublicSubnetCidrs", Description: "IPv4 blocks of the public subnets" + slots},
		{Name: "PrivateSubnetCidrs", Description: "IPv4 blocks of the private subnets" + slots},
		{Name: "NatGateways", Description: "Single: one NAT gateway for all zones. PerZone: one in each.", Values: []string{natSingle, natPerZone}},
	} {
		addParameter(s, p)
	}
}

// Conditions of the network on what an existing VPC has.
const (
	makesVpc     = "MakesVpc"
	makesGateway = "MakesInternetGateway"
)

func addNetworkConditions(s awscdk.Stack) {
	condition(s, makesVpc, equals(ref("VpcId"), ""))
	condition(s, makesGateway, equals(ref("InternetGatewayId"), ""))
	perZone := condition(s, natCondition(alwaysUsed), equals(ref("NatGateways"), natPerZone))
	for n := alwaysUsed + 1; n <= contract.NetworkSlots; n++ {
		used := condition(s, zoneCondition(n), not(equals(slot(n, "AvailabilityZones"), "")))
		condition(s, clusterCondition(n), awscdk.Fn_ConditionAnd(used, not(equals(slot(n, "ClusterAvailabilityZones"), ""))))
		condition(s, natCondition(n), awscdk.Fn_ConditionAnd(perZone, used))
	}
}

func zoneCondition(n int) string { return fmt.Sprintf("HasZone%d", n) }
func natCondition(n int) string  { return fmt.Sprintf("HasNatGateway%d", n) }

// clusterCondition tells whether the zone of a slot is one of the cluster's.
func clusterCondition(n int) string { return fmt.Sprintf("HasClusterZone%d", n) }

// slot is the n-th (from 1) entry of a parameter of the plan.
func slot(n int, parameter string) *string { return pick(n-1, ",", ref(parameter)) }

// addVpc adds VPC and internet gateway where there are none.
func (b *zoneBuilder) addVpc() {
	s := b.stack
	vpc := awsec2.NewCfnVPC(s, text("Vpc"), &awsec2.CfnVPCProps{
		CidrBlock:          ref("VpcCidr"),
		EnableDnsSupport:   true,
		EnableDnsHostnames: true, // EKS and private endpoints need both
		Tags:               networkTags("vpc"),
	})
	gateway := awsec2.NewCfnInternetGateway(s, text("InternetGateway"), &awsec2.CfnInternetGatewayProps{
		Tags: networkTags("internet-gateway"),
	})
	b.vpcID = eitherText(makesVpc, vpc.Ref(), ref("VpcId"))
	attachment := awsec2.NewCfnVPCGatewayAttachment(s, text("InternetGatewayAttachment"), &awsec2.CfnVPCGatewayAttachmentProps{
		VpcId:             b.vpcID,
		InternetGatewayId: gateway.Ref(),
	})
	b.only(makesVpc, vpc)
	b.only(makesGateway, gateway)
	b.only(makesGateway, attachment)
	// Whoever uses the gateway must wait until it is attached. A DependsOn would
	// name what is not there when the VPC has a gateway.
	attached := pickOf(0, gateway.Ref(), attachment.Ref())
	b.gatewayID = eitherText(makesGateway, attached, ref("InternetGatewayId"))
}

// only makes a resource depend on a condition.
func (b *zoneBuilder) only(name string, r awscdk.CfnResource) {
	r.CfnOptions().SetCondition(b.stack.Node().FindChild(text(name)).(awscdk.CfnCondition))
}

// zone is what one slot of the plan becomes.
type zone struct {
	number        int
	publicSubnet  awscdk.CfnResource
	privateSubnet awscdk.CfnResource
	privateTable  awscdk.CfnResource
}

// inUse gives value when the slot is used, and nothing otherwise.
func (z zone) inUse(value *string) *string { return z.onlyIf(zoneCondition, value) }

// inCluster gives value when the slot's zone is one of the cluster's.
func (z zone) inCluster(value *string) *string { return z.onlyIf(clusterCondition, value) }

func (z zone) onlyIf(condition func(int) string, value *string) *string {
	if z.number <= alwaysUsed {
		return value
	}
	return eitherText(condition(z.number), value, noValue())
}

// zoneBuilder holds what all zones share.
type zoneBuilder struct {
	stack        awscdk.Stack
	vpcID        *string
	gatewayID    *string
	publicTable  awsec2.CfnRouteTable
	publicRoute  awsec2.CfnRoute
	firstGateway awsec2.CfnNatGateway
}

func (b *zoneBuilder) addZones() []zone {
	b.publicTable = awsec2.NewCfnRouteTable(b.stack, text("PublicRouteTable"), &awsec2.CfnRouteTableProps{
		VpcId: b.vpcID, Tags: networkTags("public"),
	})
	b.publicRoute = awsec2.NewCfnRoute(b.stack, text("PublicDefaultRoute"), &awsec2.CfnRouteProps{
		RouteTableId:         b.publicTable.Ref(),
		DestinationCidrBlock: text(everywhere),
		GatewayId:            b.gatewayID,
	})
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
		VpcId: b.vpcID, Tags: networkTags(fmt.Sprintf("private-%d", n)),
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
		VpcId:               b.vpcID,
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
	// An address can be taken and given back only while the gateway is attached,
	// for which the route waits.
	dependOn(address, b.publicRoute)
	nat := awsec2.NewCfnNatGateway(b.stack, text(fmt.Sprintf("NatGateway%d", n)), &awsec2.CfnNatGatewayProps{
		AllocationId: address.AttrAllocationId(),
		SubnetId:     subnet.Ref(),
		Tags:         networkTags(fmt.Sprintf("nat-%d", n)),
	})
	dependOn(nat, b.publicRoute)
	if n > 1 {
		b.only(natCondition(n), address)
		b.only(natCondition(n), nat)
	}
	return nat
}

// onlyInZone makes a resource of an optional zone depend on its use.
func (b *zoneBuilder) onlyInZone(n int, r awscdk.CfnResource) {
	if n > alwaysUsed {
		b.only(zoneCondition(n), r)
	}
}

func (b *zoneBuilder) id(kind string, n int, what string) *string {
	return text(fmt.Sprintf("%s%s%d", kind, what, n))
}

// addS3Endpoint keeps traffic to S3 off the NAT gateways. The functions'
// answers to CloudFormation go to S3 too. It is on our route tables only: a
// table has one route to S3, and the VPC's others may have theirs.
func (b *zoneBuilder) addS3Endpoint(zones []zone) {
	tables := []any{ref("PublicRouteTable")}
	for _, z := range zones {
		tables = append(tables, z.inUse(z.privateTable.Ref()))
	}
	awsec2.NewCfnVPCEndpoint(b.stack, text("S3Endpoint"), &awsec2.CfnVPCEndpointProps{
		VpcId:           b.vpcID,
		VpcEndpointType: text("Gateway"),
		ServiceName:     sub("com.amazonaws.${AWS::Region}.s3"),
		RouteTableIds:   &tables,
	})
}

func (b *zoneBuilder) addOutputs(zones []zone) {
	var public, cluster, private, names, clusterNames []*string
	for _, z := range zones {
		public = append(public, z.inUse(z.publicSubnet.Ref()))
		cluster = append(cluster, z.inCluster(z.privateSubnet.Ref()))
		private = append(private, z.inUse(z.privateSubnet.Ref()))
		names = append(names, z.inUse(slot(z.number, "AvailabilityZones")))
		clusterNames = append(clusterNames, z.inCluster(slot(z.number, "ClusterAvailabilityZones")))
	}
	s := b.stack
	output(s, "VpcId", "The VPC.", b.vpcID)
	output(s, "PublicSubnetIds", "Public subnets, comma-separated.", join(",", public...))
	output(s, "PrivateSubnetIds", "Private subnets of the cluster, comma-separated. They never change.", join(",", cluster...))
	output(s, "NodeSubnetIds", "All private subnets, comma-separated.", join(",", private...))
	output(s, "AvailabilityZones", "Zones in use, comma-separated.", join(",", names...))
	output(s, "ClusterAvailabilityZones", "Zones of the cluster, comma-separated. They never change.", join(",", clusterNames...))
}

func networkTags(name string) *[]*awscdk.CfnTag {
	return &[]*awscdk.CfnTag{tag("Name", sub("e6data-${WorkspaceName}-"+name))}
}
