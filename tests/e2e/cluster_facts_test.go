package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/rehearsal"
)

// asMade brings the network of the cluster back to what it was.
func (c *theirCluster) asMade(t *testing.T) {
	t.Helper()
	c.routes(t, c.table, c.out(c.nat))
	c.routes(t, c.main)
	endpoints, err := c.clients.EC2.DescribeVpcEndpoints(t.Context(), &ec2.DescribeVpcEndpointsInput{Filters: c.inVPC()})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range endpoints.VpcEndpoints {
		if _, err := c.clients.EC2.DeleteVpcEndpoints(t.Context(), &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{*e.VpcEndpointId}}); err != nil {
			t.Fatal(err)
		}
	}
	now := c.active(t).ResourcesVpcConfig
	if diff := cmp.Diff(c.reach.SubnetIds, now.SubnetIds); diff != "" {
		c.update(t, eks.UpdateClusterConfigInput{ResourcesVpcConfig: &ekstypes.VpcConfigRequest{SubnetIds: c.reach.SubnetIds}})
	}
	if !now.EndpointPrivateAccess {
		c.update(t, eks.UpdateClusterConfigInput{ResourcesVpcConfig: &ekstypes.VpcConfigRequest{EndpointPrivateAccess: aws.Bool(true), PublicAccessCidrs: []string{"0.0.0.0/0"}}})
	}
	c.authorize(t, itself(c.group), false)
	c.authorize(t, everything, true)
}

var everything = ec2types.IpPermission{IpProtocol: aws.String("-1"), IpRanges: []ec2types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}}

func itself(group string) ec2types.IpPermission {
	return ec2types.IpPermission{IpProtocol: aws.String("-1"), UserIdGroupPairs: []ec2types.UserIdGroupPair{{GroupId: &group}}}
}

// authorize adds a rule to the cluster security group, if it is not there.
func (c *theirCluster) authorize(t *testing.T, rule ec2types.IpPermission, out bool) {
	t.Helper()
	var err error
	if out {
		_, err = c.clients.EC2.AuthorizeSecurityGroupEgress(t.Context(), &ec2.AuthorizeSecurityGroupEgressInput{GroupId: &c.group, IpPermissions: []ec2types.IpPermission{rule}})
	} else {
		_, err = c.clients.EC2.AuthorizeSecurityGroupIngress(t.Context(), &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &c.group, IpPermissions: []ec2types.IpPermission{rule}})
	}
	if err != nil && !strings.Contains(err.Error(), "InvalidPermission.Duplicate") {
		t.Fatal(err)
	}
}

func (c *theirCluster) revoke(t *testing.T, rule ec2types.IpPermission, out bool) {
	t.Helper()
	var err error
	if out {
		_, err = c.clients.EC2.RevokeSecurityGroupEgress(t.Context(), &ec2.RevokeSecurityGroupEgressInput{GroupId: &c.group, IpPermissions: []ec2types.IpPermission{rule}})
	} else {
		_, err = c.clients.EC2.RevokeSecurityGroupIngress(t.Context(), &ec2.RevokeSecurityGroupIngressInput{GroupId: &c.group, IpPermissions: []ec2types.IpPermission{rule}})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// associate gives a subnet a table of its own, "" takes that away.
func (c *theirCluster) associate(t *testing.T, subnet, table string) {
	t.Helper()
	out, err := c.clients.EC2.DescribeRouteTables(t.Context(), &ec2.DescribeRouteTablesInput{
		Filters: []ec2types.Filter{{Name: aws.String("association.subnet-id"), Values: []string{subnet}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range out.RouteTables {
		for _, a := range found.Associations {
			if aws.ToString(a.SubnetId) == subnet {
				if _, err := c.clients.EC2.DisassociateRouteTable(t.Context(), &ec2.DisassociateRouteTableInput{AssociationId: a.RouteTableAssociationId}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if table == "" {
		return
	}
	if _, err := c.clients.EC2.AssociateRouteTable(t.Context(), &ec2.AssociateRouteTableInput{RouteTableId: &table, SubnetId: &subnet}); err != nil {
		t.Fatal(err)
	}
}

// endpoints makes the VPC's endpoints of services; s3 is a gateway's.
func (c *theirCluster) endpoints(t *testing.T, group string, services ...string) {
	t.Helper()
	for _, service := range services {
		in := &ec2.CreateVpcEndpointInput{
			VpcId: &c.vpc.ID, ServiceName: aws.String("com.amazonaws." + c.Region + "." + service), VpcEndpointType: ec2types.VpcEndpointTypeInterface,
			SubnetIds: []string{c.subnets["a"]}, SecurityGroupIds: []string{group},
		}
		if service == "s3" {
			in.VpcEndpointType, in.SubnetIds, in.SecurityGroupIds, in.RouteTableIds = ec2types.VpcEndpointTypeGateway, nil, nil, []string{c.table}
		}
		if _, err := c.clients.EC2.CreateVpcEndpoint(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
}

// goneNat is a NAT gateway that was deleted while a route led to it.
func (c *theirCluster) goneNat(t *testing.T) {
	t.Helper()
	made, err := c.clients.EC2.CreateNatGateway(t.Context(), &ec2.CreateNatGatewayInput{SubnetId: aws.String(c.subnets["public-b"]), ConnectivityType: ec2types.ConnectivityTypePrivate})
	if err != nil {
		t.Fatal(err)
	}
	c.routes(t, c.table, c.out(*made.NatGateway.NatGatewayId))
	if _, err := c.clients.EC2.DeleteNatGateway(t.Context(), &ec2.DeleteNatGatewayInput{NatGatewayId: made.NatGateway.NatGatewayId}); err != nil {
		t.Fatal(err)
	}
}

// The function, as it is deployed and with the rights it has, finds the subnets
// of a customer's cluster in every shape of its network, or says why not.
func TestClusterFactsOfManyNetworks(t *testing.T) {
	inTurn(t, 3)
	t.Parallel()
	c := startTheirCluster(t, "theirs")
	s := c.stack(t, "workspace", nil)
	if err := s.Create(t.Context(), c.parameters("alpha", nil)); err != nil {
		t.Fatal(err)
	}
	out := results(t, s)
	a, b := c.subnets["a"], c.subnets["b"]
	if b < a {
		a, b = b, a
	}
	cluster := c.active(t)
	issuer := strings.TrimPrefix(aws.ToString(cluster.Identity.Oidc.Issuer), "https://")
	want := map[string]string{
		"ClusterArn": aws.ToString(cluster.Arn), "ClusterName": "theirs", "EndpointHost": strings.TrimPrefix(aws.ToString(cluster.Endpoint), "https://"),
		"SecurityGroupId": c.group, "VpcId": c.vpc.ID, "IssuerWithoutScheme": issuer, "OidcProviderArn": "arn:aws:iam::000000000000:oidc-provider/" + issuer,
		"FunctionSubnets": a + "," + b, "NodeSubnets": a + "," + b, "Zones": c.Region + "a," + c.Region + "b", "FunctionArn": out["FunctionArn"],
	}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}

	both, first := c.subnets["a"]+" "+c.subnets["b"], c.subnets["a"]
	to := func(destination string, route ec2.CreateRouteInput) ec2.CreateRouteInput {
		route.DestinationCidrBlock = &destination
		return route
	}
	for _, shape := range []struct {
		name   string
		change func(*testing.T)
		undo   func(*testing.T)
		ask    map[string]any
		// nodes are the subnets wanted, in any order; or reasons are parts of why
		// there are none.
		nodes   string
		reasons []string
	}{
		{name: "as it was made", nodes: both},
		{
			name: "private by the main route table",
			change: func(t *testing.T) {
				t.Helper()
				c.associate(t, c.subnets["b"], "")
				c.routes(t, c.main, c.out(c.nat))
				c.routes(t, c.table)
			},
			undo: func(t *testing.T) { t.Helper(); c.associate(t, c.subnets["b"], c.table) }, nodes: c.subnets["b"],
		},
		{
			name: "public by the main route table",
			change: func(t *testing.T) {
				t.Helper()
				c.associate(t, c.subnets["b"], "")
				c.routes(t, c.main, to("0.0.0.0/0", ec2.CreateRouteInput{GatewayId: &c.vpc.Gateway}))
			},
			undo: func(t *testing.T) { t.Helper(); c.associate(t, c.subnets["b"], c.table) }, nodes: first,
		},
		{
			name: "public subnets only",
			change: func(t *testing.T) {
				t.Helper()
				c.update(t, eks.UpdateClusterConfigInput{ResourcesVpcConfig: &ekstypes.VpcConfigRequest{SubnetIds: []string{c.subnets["public-a"], c.subnets["public-b"]}}})
			},
			reasons: []string{"give subnets for functions and nodes as PrivateSubnetIds: private ones of " + c.vpc.ID + " with a way out (such as ", a, "it is public: route table ", " to the internet gateway " + c.vpc.Gateway},
		},
		{
			name: "public subnets only, and private ones given",
			change: func(t *testing.T) {
				t.Helper()
				c.update(t, eks.UpdateClusterConfigInput{ResourcesVpcConfig: &ekstypes.VpcConfigRequest{SubnetIds: []string{c.subnets["public-a"], c.subnets["public-b"]}}})
			},
			ask: map[string]any{"PrivateSubnetIds": []string{c.subnets["b"]}}, nodes: c.subnets["b"],
		},
		{
			name: "public by IPv6",
			change: func(t *testing.T) {
				t.Helper()
				c.routes(t, c.table, c.out(c.nat), ec2.CreateRouteInput{DestinationIpv6CidrBlock: aws.String("::/0"), GatewayId: &c.vpc.Gateway})
			},
			reasons: []string{"it is public: route table " + c.table + " sends ::/0 to the internet gateway"},
		},
		{
			name: "public by a prefix list",
			change: func(t *testing.T) {
				t.Helper()
				c.routes(t, c.table, c.out(c.nat), ec2.CreateRouteInput{DestinationPrefixListId: aws.String("pl-0123456789abcdef0"), GatewayId: &c.vpc.Gateway})
			},
			reasons: []string{"sends pl-0123456789abcdef0 to the internet gateway"},
		},
		{
			name: "a transit gateway", change: func(t *testing.T) {
				t.Helper()
				c.routes(t, c.table, to("0.0.0.0/0", ec2.CreateRouteInput{TransitGatewayId: aws.String("tgw-0123456789abcdef0")}))
			}, nodes: both,
		},
		{
			name: "a peering connection", change: func(t *testing.T) {
				t.Helper()
				c.routes(t, c.table, to("10.4.0.0/16", ec2.CreateRouteInput{VpcPeeringConnectionId: aws.String("pcx-0123456789abcdef0")}))
			}, nodes: both,
		},
		{
			name: "a virtual private gateway", change: func(t *testing.T) {
				t.Helper()
				c.routes(t, c.table, to("0.0.0.0/0", ec2.CreateRouteInput{GatewayId: aws.String("vgw-0123456789abcdef0")}))
			}, nodes: both,
		},
		{
			name: "a firewall's endpoint", change: func(t *testing.T) {
				t.Helper()
				c.routes(t, c.table, to("0.0.0.0/0", ec2.CreateRouteInput{VpcEndpointId: aws.String("vpce-0123456789abcdef0")}))
			}, nodes: both,
		},
		{name: "a NAT gateway that is gone", change: c.goneNat, reasons: []string{"which is gone (a blackhole), and without a way out the VPC needs endpoints it does not have: ec2, ecr.api, ecr.dkr, eks, s3, sts"}},
		{name: "nothing out", change: func(t *testing.T) { t.Helper(); c.routes(t, c.table) }, reasons: []string{"route table " + c.table + " leads nowhere out of the VPC"}},
		{name: "nothing out, and a proxy", change: func(t *testing.T) { t.Helper(); c.routes(t, c.table) }, ask: map[string]any{"HttpsProxy": "http://proxy.example.com:3128"}, nodes: both},
		{
			name: "interface endpoints only", change: func(t *testing.T) {
				t.Helper()
				c.routes(t, c.table)
				c.endpoints(t, c.group, "ec2", "ecr.api", "ecr.dkr", "eks", "s3", "sts")
			}, nodes: both,
		},
		{
			name: "interface endpoints but one", change: func(t *testing.T) {
				t.Helper()
				c.routes(t, c.table)
				c.endpoints(t, c.group, "ec2", "ecr.api", "ecr.dkr", "eks", "s3")
			}, reasons: []string{"endpoints it does not have: sts"},
		},
		{name: "a subnet in a local zone", ask: map[string]any{"PrivateSubnetIds": []string{c.subnets["local"]}}, reasons: []string{"it is in the local-zone us-east-1-bos-1a"}},
		{
			name: "subnets from nowhere and of no kind", ask: map[string]any{"PrivateSubnetIds": []string{"subnet-0123456789abcdef0", c.subnets["public-a"]}},
			reasons: []string{"subnet-0123456789abcdef0 of PrivateSubnetIds cannot be used (it does not exist in this region", c.subnets["public-a"] + " of PrivateSubnetIds cannot be used (it is public"},
		},
		{name: "a subnet of another VPC", ask: map[string]any{"PrivateSubnetIds": []string{c.elsewhere(t)}}, reasons: []string{"and the cluster in " + c.vpc.ID}},
		{name: "a full subnet", change: c.fill, undo: c.empty, ask: map[string]any{"PrivateSubnetIds": []string{c.subnets["small"]}}, reasons: []string{"no address of it is free"}},
		{
			name:   "a security group that does not let itself in",
			change: func(t *testing.T) { t.Helper(); c.revoke(t, itself(c.group), false) },
			reasons: []string{
				"does not let itself in on TCP port 443", "aws ec2 authorize-security-group-ingress --region us-east-1 --group-id " + c.group +
					" --ip-permissions 'IpProtocol=tcp,FromPort=443,ToPort=443,UserIdGroupPairs=[{GroupId=" + c.group + "}]'",
			},
		},
		{
			name: "a security group after that command",
			change: func(t *testing.T) {
				t.Helper()
				c.revoke(t, itself(c.group), false)
				rule := itself(c.group)
				rule.IpProtocol, rule.FromPort, rule.ToPort = aws.String("tcp"), aws.Int32(443), aws.Int32(443)
				c.authorize(t, rule, false)
			},
			nodes: both,
		},
		{
			name: "a security group that lets nothing out", change: func(t *testing.T) { t.Helper(); c.revoke(t, everything, true) },
			reasons: []string{"does not let itself out on TCP port 443", "does not let anything out to AWS's APIs on TCP port 443"},
		},
		{
			name: "a public endpoint alone, closed to the NAT gateway", change: func(t *testing.T) { t.Helper(); c.publicTo(t, "203.0.113.0/24") },
			reasons: []string{"the Kubernetes API has a public endpoint only, which does not let in " + c.address, "aws eks update-cluster-config --name theirs"},
		},
		{name: "a public endpoint alone, open to the NAT gateway", change: func(t *testing.T) { t.Helper(); c.publicTo(t, c.address+"/32") }, nodes: both},
		{
			name: "a cluster that EKS is updating", change: func(t *testing.T) {
				t.Helper()
				if _, err := c.clients.EKS.UpdateClusterConfig(t.Context(), &eks.UpdateClusterConfigInput{Name: &c.name, AccessConfig: &ekstypes.UpdateAccessConfigRequest{AuthenticationMode: ekstypes.AuthenticationModeApi}}); err != nil {
					t.Fatal(err)
				}
			}, nodes: both,
		},
	} {
		t.Run(shape.name, func(t *testing.T) {
			c.asMade(t)
			if shape.change != nil {
				shape.change(t)
			}
			if shape.undo != nil {
				defer shape.undo(t)
			}
			answers, reason := c.ask(t, out["FunctionArn"], shape.ask)
			for _, part := range shape.reasons {
				if !strings.Contains(reason, part) {
					t.Errorf("the reason is\n%s\nwant it to contain\n%s", reason, part)
				}
			}
			if len(shape.reasons) > 0 {
				return
			}
			got := strings.Split(answers["NodeSubnetIds"], ",")
			wanted := strings.Fields(shape.nodes)
			if reason != "" || len(got) != len(wanted) || answers["FunctionSubnetIds"] != answers["NodeSubnetIds"] {
				t.Fatalf("%v, %s", answers, reason)
			}
			for _, id := range wanted {
				if !strings.Contains(answers["NodeSubnetIds"], id) {
					t.Errorf("%s is not among %s", id, answers["NodeSubnetIds"])
				}
			}
		})
	}
	c.asMade(t)
	remove(t, s)
	checkNoDenials(t, c.deployment)
}

// publicTo opens the cluster's public endpoint to a block and closes the private
// one.
func (c *theirCluster) publicTo(t *testing.T, block string) {
	t.Helper()
	c.update(t, eks.UpdateClusterConfigInput{ResourcesVpcConfig: &ekstypes.VpcConfigRequest{
		EndpointPrivateAccess: aws.Bool(false), EndpointPublicAccess: aws.Bool(true), PublicAccessCidrs: []string{block},
	}})
}

// elsewhere is a subnet of another VPC.
func (c *theirCluster) elsewhere(t *testing.T) string {
	t.Helper()
	made, err := c.MakeVPC(t.Context(), rehearsal.CustomerVPC{Blocks: []string{"10.91.0.0/16"}, Subnets: []rehearsal.CustomerSubnet{{Block: "10.91.0.0/24", Zone: "a"}}})
	if err != nil {
		t.Fatal(err)
	}
	return made.Subnets[0]
}

// fill takes all addresses of the small subnet.
func (c *theirCluster) fill(t *testing.T) {
	t.Helper()
	small := c.subnets["small"]
	for {
		out, err := c.clients.EC2.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{SubnetIds: []string{small}})
		if err != nil {
			t.Fatal(err)
		}
		if aws.ToInt32(out.Subnets[0].AvailableIpAddressCount) == 0 {
			return
		}
		if _, err := c.clients.EC2.CreateNetworkInterface(t.Context(), &ec2.CreateNetworkInterfaceInput{SubnetId: &small, Description: aws.String("full")}); err != nil {
			t.Fatal(err)
		}
	}
}

func (c *theirCluster) empty(t *testing.T) {
	t.Helper()
	out, err := c.clients.EC2.DescribeNetworkInterfaces(t.Context(), &ec2.DescribeNetworkInterfacesInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range out.NetworkInterfaces {
		if aws.ToString(i.Description) != "full" {
			continue
		}
		if _, err := c.clients.EC2.DeleteNetworkInterface(t.Context(), &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: i.NetworkInterfaceId}); err != nil {
			t.Fatal(err)
		}
	}
}

// checkNoDenials fails if any role was denied anything.
func checkNoDenials(t *testing.T, d *deployment) {
	t.Helper()
	calls, err := d.Calls()
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, call := range calls {
		if call.Allowed {
			asked++
			continue
		}
		t.Errorf("%s was denied %s on %s: %s", call.Principal, call.Action, call.Resource, call.Reason)
	}
	if asked == 0 {
		t.Error("no role asked for anything")
	}
}

// Each right of the function is needed: without one that is asked for in a
// create, the create fails with AWS's denial, and leaves nothing.
func TestClusterFactsNeedTheirRights(t *testing.T) {
	inTurn(t, 2)
	t.Parallel()
	c := startTheirCluster(t, "theirs")
	for _, action := range sample(t, []string{
		"eks:DescribeCluster", "ec2:DescribeSubnets", "ec2:DescribeRouteTables", "ec2:DescribeVpcEndpoints", "ec2:DescribeAvailabilityZones", "ec2:DescribeSecurityGroupRules",
		"iam:GetOpenIDConnectProvider", "iam:CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider",
	}, 2) {
		t.Run(action, func(t *testing.T) {
			s := c.stack(t, "refused", func(resources map[string]any) { revoke(t, resources, grant{"OutputsFunctionRole", action}) })
			failed := mustFail(t, s, c.parameters("alpha", nil))
			_, verb, _ := strings.Cut(action, ":")
			if reason := failed.Error(); !strings.Contains(reason, verb) || !strings.Contains(reason, "is not authorized to perform") {
				t.Errorf("the reason is not AWS's denial of %s: %s", action, reason)
			}
			remove(t, s)
			if left := c.leftovers(t); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
	t.Run("no such cluster", func(t *testing.T) {
		s := c.stack(t, "misspelt", nil)
		failed := mustFail(t, s, c.parameters("alpha", map[string]string{"ExistingClusterName": "thiers"}))
		if reason := failed.Error(); !strings.Contains(reason, fmt.Sprintf("EKS has no cluster of that name in %s: aws eks list-clusters --region %[1]s", c.Region)) {
			t.Errorf("the reason is %s", reason)
		}
		remove(t, s)
	})
}

// An update that fails is rolled back also when the subnets it goes back to
// could not be chosen any more.
func TestClusterFactsGoBack(t *testing.T) {
	inTurn(t, 0)
	t.Parallel()
	c := startTheirCluster(t, "theirs")
	s := c.stack(t, "workspace", nil)
	given := map[string]string{"PrivateSubnetIds": c.subnets["small"]}
	if err := s.Create(t.Context(), c.parameters("alpha", given)); err != nil {
		t.Fatal(err)
	}
	before := results(t, s)
	c.fill(t)
	c.refusedUpdate(t, s, map[string]string{"PrivateSubnetIds": c.subnets["public-a"]}, c.subnets["public-a"]+" of PrivateSubnetIds cannot be used (it is public")
	if diff := cmp.Diff(before, results(t, s)); diff != "" {
		t.Errorf("after the rollback (-before +after):\n%s", diff)
	}
	if err := s.Update(t.Context(), map[string]string{"PrivateSubnetIds": c.subnets["b"] + " , " + c.subnets["a"]}); err != nil {
		t.Fatal(err)
	}
	if got := results(t, s)["NodeSubnets"]; got != c.subnets["b"]+","+c.subnets["a"] {
		t.Errorf("after the update the subnets are %s", got)
	}
	remove(t, s)
	c.empty(t)
	if left := c.leftovers(t); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	checkNoDenials(t, c.deployment)
}
