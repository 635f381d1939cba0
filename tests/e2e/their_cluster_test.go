package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/e6data/aws-quickstart/internal/artifact"
	"github.com/e6data/aws-quickstart/rehearsal"
)

// clusterFactsTemplate is a stack of an existing cluster's facts and its OIDC
// provider, as the template of existing clusters has them.
const clusterFactsTemplate = "cdk/stack/testdata/cluster-facts.json"

// theirCluster is a customer's cluster in private subnets a and b of a VPC with
// a NAT gateway, beside public ones, a small one, and one in a local zone.
type theirCluster struct {
	*deployment
	name, group  string
	vpc          *rehearsal.MadeVPC
	subnets      map[string]string // IDs by name
	main, table  string            // route tables: the VPC's, and the private subnets'
	nat, address string
	reach        *ekstypes.VpcConfigResponse // as it was made
}

func startTheirCluster(t *testing.T, name string) *theirCluster { //nolint:unparam // reads as a sentence
	t.Helper()
	d := start(t, "")
	made, err := d.MakeVPC(t.Context(), rehearsal.CustomerVPC{
		Blocks: []string{"10.90.0.0/16"}, InternetGateway: true, NatGateway: true,
		Subnets: []rehearsal.CustomerSubnet{
			{Block: "10.90.0.0/24", Zone: "a"},
			{Block: "10.90.1.0/24", Zone: "b"},
			{Block: "10.90.128.0/24", Zone: "a", Public: true},
			{Block: "10.90.129.0/24", Zone: "b", Public: true},
			{Block: "10.90.2.0/28", Zone: "a"},
			{Block: "10.90.3.0/24", Zone: "-bos-1a"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := &theirCluster{deployment: d, name: name, vpc: made, subnets: map[string]string{}}
	for i, known := range []string{"a", "b", "public-a", "public-b", "small", "local"} {
		c.subnets[known] = made.Subnets[i]
	}
	role, err := d.clients.IAM.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName:                 aws.String(name + "-control-plane"),
		AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"eks.amazonaws.com"},"Action":"sts:AssumeRole"}]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.clients.EKS.CreateCluster(t.Context(), &eks.CreateClusterInput{
		Name: &name, RoleArn: role.Role.Arn, Version: aws.String("1.36"),
		ResourcesVpcConfig: &ekstypes.VpcConfigRequest{
			SubnetIds: []string{c.subnets["a"], c.subnets["b"]}, EndpointPrivateAccess: aws.Bool(true), EndpointPublicAccess: aws.Bool(true),
		},
		AccessConfig: &ekstypes.CreateAccessConfigRequest{AuthenticationMode: ekstypes.AuthenticationModeApiAndConfigMap},
	}); err != nil {
		t.Fatal(err)
	}
	c.reach = c.active(t).ResourcesVpcConfig
	c.group = aws.ToString(c.reach.ClusterSecurityGroupId)
	c.findTables(t)
	d.snapshot(t)
	return c
}

// active waits until the cluster is.
func (c *theirCluster) active(t *testing.T) *ekstypes.Cluster {
	t.Helper()
	var found *ekstypes.Cluster
	await(t, "cluster "+c.name+" is active", func(ctx context.Context) error {
		out, err := c.clients.EKS.DescribeCluster(ctx, &eks.DescribeClusterInput{Name: &c.name})
		if err == nil && out.Cluster.Status != ekstypes.ClusterStatusActive {
			err = fmt.Errorf("it is %s", out.Cluster.Status)
		}
		if err == nil {
			found = out.Cluster
		}
		return err
	})
	return found
}

func (c *theirCluster) findTables(t *testing.T) {
	t.Helper()
	out, err := c.clients.EC2.DescribeRouteTables(t.Context(), &ec2.DescribeRouteTablesInput{Filters: c.inVPC()})
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range out.RouteTables {
		for _, a := range table.Associations {
			if aws.ToBool(a.Main) {
				c.main = aws.ToString(table.RouteTableId)
			}
			if aws.ToString(a.SubnetId) == c.subnets["a"] {
				c.table = aws.ToString(table.RouteTableId)
				for _, r := range table.Routes {
					if r.NatGatewayId != nil {
						c.nat = *r.NatGatewayId
					}
				}
			}
		}
	}
	gateways, err := c.clients.EC2.DescribeNatGateways(t.Context(), &ec2.DescribeNatGatewaysInput{NatGatewayIds: []string{c.nat}})
	if err != nil {
		t.Fatal(err)
	}
	c.address = aws.ToString(gateways.NatGateways[0].NatGatewayAddresses[0].PublicIp)
}

func (c *theirCluster) inVPC() []ec2types.Filter {
	return []ec2types.Filter{{Name: aws.String("vpc-id"), Values: []string{c.vpc.ID}}}
}

// routes gives a table these routes besides the local one.
func (c *theirCluster) routes(t *testing.T, table string, routes ...ec2.CreateRouteInput) {
	t.Helper()
	out, err := c.clients.EC2.DescribeRouteTables(t.Context(), &ec2.DescribeRouteTablesInput{RouteTableIds: []string{table}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range out.RouteTables[0].Routes {
		if r.Origin != ec2types.RouteOriginCreateRoute || r.DestinationPrefixListId != nil && strings.HasPrefix(aws.ToString(r.GatewayId), "vpce-") {
			continue
		}
		if _, err := c.clients.EC2.DeleteRoute(t.Context(), &ec2.DeleteRouteInput{
			RouteTableId: &table, DestinationCidrBlock: r.DestinationCidrBlock, DestinationIpv6CidrBlock: r.DestinationIpv6CidrBlock,
			DestinationPrefixListId: r.DestinationPrefixListId,
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range routes {
		r.RouteTableId = &table
		if _, err := c.clients.EC2.CreateRoute(t.Context(), &r); err != nil {
			t.Fatal(err)
		}
	}
}

// out is a route for everywhere to a NAT gateway.
func (c *theirCluster) out(nat string) ec2.CreateRouteInput {
	return ec2.CreateRouteInput{DestinationCidrBlock: aws.String("0.0.0.0/0"), NatGatewayId: &nat}
}

// update changes the cluster, and waits until EKS has.
func (c *theirCluster) update(t *testing.T, in eks.UpdateClusterConfigInput) {
	t.Helper()
	in.Name = &c.name
	if _, err := c.clients.EKS.UpdateClusterConfig(t.Context(), &in); err != nil {
		t.Fatal(err)
	}
	c.active(t)
}

// stack is a stack of its own for a workspace on the cluster.
func (c *theirCluster) stack(t *testing.T, name string, change func(resources map[string]any)) *rehearsal.Stack {
	t.Helper()
	if change == nil {
		change = func(map[string]any) {}
	}
	return c.clients.NewStack(name, c.upload(t, name, clusterFactsTemplate, change), logEvents(t))
}

func (c *theirCluster) parameters(workspace string, more map[string]string) map[string]string {
	p := map[string]string{
		"ExistingClusterName": c.name, "WorkspaceName": workspace, "Version": c.version, "FunctionArchitecture": string(artifact.Host()),
	}
	maps.Copy(p, more)
	return p
}

// results are a stack's outputs.
func results(t *testing.T, s *rehearsal.Stack) map[string]string {
	t.Helper()
	list, err := s.Outputs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, o := range list {
		out[o.Key] = o.Value
	}
	return out
}

// ask makes a stack of nothing but facts, read by a function that is there, and
// returns them, or why the stack failed. Nothing of it is left.
func (c *theirCluster) ask(t *testing.T, function string, properties map[string]any) (answers map[string]string, reason string) {
	t.Helper()
	resource := map[string]any{"ServiceToken": function, "ServiceTimeout": 300, "ClusterName": c.name}
	maps.Copy(resource, properties)
	outputs := map[string]any{}
	for _, name := range []string{"FunctionSubnetIds", "NodeSubnetIds", "Zones"} {
		outputs[name] = map[string]any{"Value": map[string]any{"Fn::GetAtt": []string{"ClusterFacts", name}}}
	}
	text, err := json.Marshal(map[string]any{
		"Resources": map[string]any{"ClusterFacts": map[string]any{"Type": "Custom::ClusterFacts", "Properties": resource}},
		"Outputs":   outputs,
	})
	if err != nil {
		t.Fatal(err)
	}
	key := fmt.Sprintf("changed/facts-%d.json", time.Now().UnixNano())
	if err := c.clients.Upload(t.Context(), c.bucket, key, text); err != nil {
		t.Fatal(err)
	}
	s := c.clients.NewStack("facts", rehearsal.TemplateURL(c.Region, c.bucket, key), nil)
	if err := s.Create(t.Context(), nil); err != nil {
		reason = err.Error()
	} else {
		answers = results(t, s)
	}
	remove(t, s)
	return answers, reason
}
