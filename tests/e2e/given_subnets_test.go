package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/rehearsal"
)

// With subnets given nothing is made in the VPC but what EKS and the functions
// need; a further subnet goes to Karpenter and not to the cluster.
func TestGivenSubnets(t *testing.T) {
	inTurn(t, 0)
	t.Parallel()
	d := start(t, "")
	customer := d.customer(t, rehearsal.CustomerVPC{
		Blocks: []string{"10.50.0.0/20"}, InternetGateway: true, NatGateway: true,
		Subnets: []rehearsal.CustomerSubnet{
			{Block: "10.50.0.0/24", Zone: "a", Public: true}, {Block: "10.50.4.0/23", Zone: "a"}, {Block: "10.50.6.0/23", Zone: "b"}, {Block: "10.50.8.0/24", Zone: "d"},
		},
	})
	s := d.inVPC(t)
	given := strings.Join(customer.Subnets[1:3], ", ")
	if err := s.Create(t.Context(), d.parameters(map[string]string{
		"VpcId": customer.ID, "PrivateSubnetIds": given, "PublicSubnetIds": customer.Subnets[0],
	})); err != nil {
		t.Fatal(err)
	}
	outputs := checkOutputs(t, s)
	d.checkAccountWasRead(t, s)
	if want := strings.Join(customer.Subnets[1:3], ","); outputs["SubnetIds"] != want || outputs["PublicSubnetIds"] != customer.Subnets[0] || outputs["VpcId"] != customer.ID {
		t.Errorf("outputs have subnets %s and %s in %s", outputs["SubnetIds"], outputs["PublicSubnetIds"], outputs["VpcId"])
	}
	if err := customer.CheckKept(t.Context()); err != nil {
		t.Error(err)
	}
	for _, i := range d.leftovers(t) {
		if slices.Contains([]string{
			"AWS::EC2::Subnet", "AWS::EC2::RouteTable", "AWS::EC2::Route", "AWS::EC2::NatGateway", "AWS::EC2::EIP", "AWS::EC2::InternetGateway",
			"AWS::EC2::VPCEndpoint", "AWS::EC2::SubnetRouteTableAssociation", "AWS::EC2::VPC",
		}, i.Type) {
			t.Errorf("made: %s", i)
		}
	}
	before := d.cluster(t, outputs["ClusterName"])
	if err := s.Update(t.Context(), map[string]string{"PrivateSubnetIds": given + "," + customer.Subnets[3]}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, d.cluster(t, outputs["ClusterName"])); diff != "" {
		t.Errorf("the cluster's subnets changed (-before +after):\n%s", diff)
	}
	p := newPool(t, d, outputs)
	d.runsIn(t, p, "us-east-1d")
	d.refusedUpdate(t, s, map[string]string{"PrivateSubnetIds": strings.Join(customer.Subnets[2:4], ",")}, "is the cluster's and cannot be left out of PrivateSubnetIds")
	d.refusedUpdate(t, s, map[string]string{"PrivateSubnetIds": given + ",subnet-00000000000000000"}, "subnet-00000000000000000")
	p.rest(t)
	d.end(t, s, existingVPC, customer)
}

// Subnets that nothing leads out of do where the VPC has all endpoints, and
// charts and images come from the customer's own places. When those are closed
// later, a further subnet is refused, and the rollback keeps the ones it has.
func TestGivenSubnetsBehindEndpoints(t *testing.T) {
	inTurn(t, 2)
	t.Parallel()
	d := start(t, "")
	shape := closedVPC
	shape.Subnets = append(slices.Clone(shape.Subnets), rehearsal.CustomerSubnet{Block: "10.62.8.0/24", Zone: "d"})
	customer := d.customer(t, shape)
	s := d.inVPC(t)
	given := strings.Join(customer.Subnets[:2], ",")
	if err := s.Create(t.Context(), d.parameters(map[string]string{
		"VpcId": customer.ID, "PrivateSubnetIds": given, "ImageRegistry": "registry.example.com",
	})); err != nil {
		t.Fatal(err)
	}
	if outputs := checkOutputs(t, s); outputs["SubnetIds"] != given {
		t.Errorf("the workspace is in %s, want %s", outputs["SubnetIds"], given)
	}
	open := d.closeEndpoints(t, customer)
	d.refusedUpdate(t, s, map[string]string{"PrivateSubnetIds": given + "," + customer.Subnets[2]},
		" lets "+customer.Subnets[2]+" in on port 443)")
	open()
	if err := s.Update(t.Context(), map[string]string{"PrivateSubnetIds": given + "," + customer.Subnets[2]}); err != nil {
		t.Error(err)
	}
	d.end(t, s, existingVPC, customer)
}

// closeEndpoints lets nobody reach the interface endpoints of a VPC until open
// is called.
func (d *deployment) closeEndpoints(t *testing.T, customer *rehearsal.MadeVPC) (open func()) {
	t.Helper()
	found, err := d.clients.EC2.DescribeVpcEndpoints(t.Context(), &ec2.DescribeVpcEndpointsInput{
		Filters: []ec2types.Filter{{Name: aws.String("vpc-id"), Values: []string{customer.ID}}, {Name: aws.String("vpc-endpoint-type"), Values: []string{"Interface"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found.VpcEndpoints) == 0 || len(found.VpcEndpoints[0].Groups) != 1 {
		t.Fatalf("the interface endpoints of %s are %v, want some with one security group", customer.ID, found.VpcEndpoints)
	}
	id := found.VpcEndpoints[0].Groups[0].GroupId
	groups, err := d.clients.EC2.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{GroupIds: []string{*id}})
	if err != nil {
		t.Fatal(err)
	}
	rules := groups.SecurityGroups[0].IpPermissions
	if _, err := d.clients.EC2.RevokeSecurityGroupIngress(t.Context(), &ec2.RevokeSecurityGroupIngressInput{GroupId: id, IpPermissions: rules}); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := d.clients.EC2.AuthorizeSecurityGroupIngress(t.Context(), &ec2.AuthorizeSecurityGroupIngressInput{GroupId: id, IpPermissions: rules}); err != nil {
			t.Fatal(err)
		}
	}
}

// cluster is the subnets of the cluster and of its node groups.
func (d *deployment) cluster(t *testing.T, name string) (subnets []string) {
	t.Helper()
	c, err := d.clients.EKS.DescribeCluster(t.Context(), &eks.DescribeClusterInput{Name: &name})
	if err != nil {
		t.Fatal(err)
	}
	subnets = append(subnets, c.Cluster.ResourcesVpcConfig.SubnetIds...)
	groups, err := d.clients.EKS.ListNodegroups(t.Context(), &eks.ListNodegroupsInput{ClusterName: &name})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups.Nodegroups {
		o, err := d.clients.EKS.DescribeNodegroup(t.Context(), &eks.DescribeNodegroupInput{ClusterName: &name, NodegroupName: &g})
		if err != nil {
			t.Fatal(err)
		}
		subnets = append(append(subnets, g), o.Nodegroup.Subnets...)
	}
	return subnets
}
