package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/rehearsal"
)

const existingVPC = "templates/existing-vpc.yaml"

// customers are VPCs that are there before the stack.
var customers = map[string]rehearsal.CustomerVPC{
	"bare": {Blocks: []string{"10.40.0.0/20"}},
	"with an internet gateway": {
		Blocks: []string{"10.41.0.0/20"}, InternetGateway: true,
		Subnets: []rehearsal.CustomerSubnet{{Block: "10.41.0.0/24", Zone: "a", Public: true}, {Block: "10.41.1.0/24", Zone: "b"}},
	},
	"with an S3 endpoint on every table": {
		Blocks: []string{"10.42.0.0/18"}, S3Endpoint: true,
		Subnets: []rehearsal.CustomerSubnet{{Block: "10.42.8.0/22", Zone: "a"}},
	},
	"with everything and a NAT gateway": {
		Blocks: []string{"172.20.0.0/20"}, InternetGateway: true, NatGateway: true, S3Endpoint: true,
		Subnets: []rehearsal.CustomerSubnet{{Block: "172.20.0.0/24", Zone: "a", Public: true}, {Block: "172.20.1.0/24", Zone: "a"}, {Block: "172.20.2.0/24", Zone: "b"}},
	},
	"with room in a secondary block only": {
		Blocks: []string{"10.43.0.0/24", "100.64.0.0/19"}, InternetGateway: true,
		Subnets: []rehearsal.CustomerSubnet{{Block: "10.43.0.0/25", Zone: "a", Public: true}, {Block: "10.43.0.128/25", Zone: "b"}},
	},
	"with odd subnets all over": {
		Blocks: []string{"192.168.0.0/19"}, S3Endpoint: true, InternetGateway: true,
		Subnets: []rehearsal.CustomerSubnet{
			{Block: "192.168.0.16/28", Zone: "a", Public: true},
			{Block: "192.168.3.0/25", Zone: "b"},
			{Block: "192.168.9.192/26", Zone: "c"},
			{Block: "192.168.16.0/23", Zone: "d"},
			{Block: "192.168.31.240/28", Zone: "f"},
		},
	},
	"with room for two zones": {
		Blocks: []string{"10.44.0.0/22"}, InternetGateway: true,
		Subnets: []rehearsal.CustomerSubnet{{Block: "10.44.0.0/25", Zone: "a", Public: true}, {Block: "10.44.1.128/25", Zone: "b"}},
	},
}

// customer makes a VPC, before anything is looked at for leftovers.
func (d *deployment) customer(t *testing.T, v rehearsal.CustomerVPC) *rehearsal.MadeVPC {
	t.Helper()
	made, err := d.MakeVPC(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	d.snapshot(t)
	return made
}

// inVPC returns a stack of the published templates/existing-vpc.yaml.
func (d *deployment) inVPC(t *testing.T) *rehearsal.Stack {
	t.Helper()
	return d.clients.NewStack("quickstart", rehearsal.TemplateURL(d.Region, d.bucket, d.version+"/"+existingVPC), logEvents(t))
}

// end deletes the stack and compares what is left with what the template
// retains, and the customer's VPC with what it was.
func (d *deployment) end(t *testing.T, s *rehearsal.Stack, file string, customer *rehearsal.MadeVPC) {
	t.Helper()
	resources, err := s.Resources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kept := committed(t, file).Retained(resources)
	if err := s.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(kept, d.leftovers(t)); diff != "" {
		t.Errorf("left after delete (-retained +left):\n%s", diff)
	}
	if customer == nil {
		return
	}
	if err := errors.Join(customer.CheckBack(t.Context()), customer.Remove(t.Context())); err != nil {
		t.Error(err)
	}
}

// A stack in a customer's VPC makes subnets in its free space, touches nothing
// of what is there, runs pods on them, and leaves nothing.
func TestExistingVPC(t *testing.T) {
	t.Parallel()
	for _, name := range sample(t, slices.Sorted(maps.Keys(customers)), 2) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := start(t, "")
			shape := customers[name]
			customer := d.customer(t, shape)
			s := d.inVPC(t)
			nat := []string{"Single", "PerZone"}[len(name)%2]
			if err := s.Create(t.Context(), d.parameters(map[string]string{"VpcId": customer.ID, "NatGateways": nat})); err != nil {
				t.Fatal(err)
			}
			outputs := checkOutputs(t, s)
			d.checkAccountWasRead(t, s)
			if err := customer.CheckKept(t.Context()); err != nil {
				t.Error(err)
			}
			if outputs["VpcId"] != customer.ID {
				t.Errorf("the workspace is in %s, not in the customer's VPC", outputs["VpcId"])
			}
			d.checkSubnets(t, shape, customer, outputs)
			p := newPool(t, d, outputs)
			p.want(t, 2)
			await(t, "the pods run", p.running)
			if err := s.Update(t.Context(), map[string]string{"NodePoolCpuLimit": "2000"}); err != nil {
				t.Fatal(err)
			}
			if err := customer.CheckKept(t.Context()); err != nil {
				t.Error(err)
			}
			p.rest(t)
			d.end(t, s, existingVPC, customer)
		})
	}
}

// rest takes the pool's pods away and waits until its nodes have ended.
func (p *pool) rest(t *testing.T) {
	t.Helper()
	if err := p.kube.AppsV1().Deployments("default").Delete(t.Context(), "engine", deleteNow); err != nil {
		t.Fatal(err)
	}
	if err := p.objects.Resource(nodePools).Delete(t.Context(), p.name, deleteNow); err != nil {
		t.Fatal(err)
	}
	await(t, "the pool's nodes end", p.gone)
}

// checkSubnets looks where our subnets are: in the VPC's blocks, in as many
// zones as there is room for, beside each other and the customer's, and that
// there is one internet gateway.
func (d *deployment) checkSubnets(t *testing.T, shape rehearsal.CustomerVPC, customer *rehearsal.MadeVPC, outputs map[string]string) {
	t.Helper()
	zones := map[string]bool{}
	var blocks []netip.Prefix
	for _, s := range shape.Subnets {
		blocks = append(blocks, netip.MustParsePrefix(s.Block))
	}
	for _, s := range d.subnets(t, outputs["SubnetIds"]+","+outputs["PublicSubnetIds"]) {
		b := netip.MustParsePrefix(aws.ToString(s.CidrBlock))
		if slices.ContainsFunc(blocks, b.Overlaps) {
			t.Errorf("subnet %s overlaps another", b)
		}
		if !slices.ContainsFunc(shape.Blocks, func(v string) bool { return netip.MustParsePrefix(v).Contains(b.Addr()) }) {
			t.Errorf("subnet %s is outside of the VPC", b)
		}
		blocks, zones[aws.ToString(s.AvailabilityZone)] = append(blocks, b), true
	}
	if len(zones) < 2 || zones["us-east-1c"] || len(blocks) != len(shape.Subnets)+2*len(zones) {
		t.Errorf("%d blocks in zones %v", len(blocks), zones)
	}
	gateways, err := d.clients.EC2.DescribeInternetGateways(t.Context(), &ec2.DescribeInternetGatewaysInput{
		Filters: []ec2types.Filter{{Name: aws.String("attachment.vpc-id"), Values: []string{customer.ID}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(gateways.InternetGateways) != 1 || customer.Gateway != "" && *gateways.InternetGateways[0].InternetGatewayId != customer.Gateway {
		t.Errorf("%d internet gateways at the VPC, the customer's own is %q", len(gateways.InternetGateways), customer.Gateway)
	}
}

func (d *deployment) subnets(t *testing.T, ids string) []ec2types.Subnet {
	t.Helper()
	o, err := d.clients.EC2.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{SubnetIds: strings.Split(ids, ",")})
	if err != nil {
		t.Fatal(err)
	}
	return o.Subnets
}

// refusedUpdate makes an update that must be rolled back, for that reason.
func (d *deployment) refusedUpdate(t *testing.T, s *rehearsal.Stack, change map[string]string, reason string) {
	t.Helper()
	err := s.Update(t.Context(), change)
	var failed *rehearsal.FailedError
	if !errors.As(err, &failed) || failed.Status != "UPDATE_ROLLBACK_COMPLETE" || !strings.Contains(failed.Error(), reason) {
		t.Errorf("the update to %v ended with %v, want a rollback because of %q", change, err, reason)
	}
}

// Whoever deploys needs no right to change what the customer has: it is denied,
// with all that would make a second network.
func TestTheDeployerMayNotTouchTheCustomersThings(t *testing.T) {
	inTurn(t, 3)
	t.Parallel()
	d := start(t, "")
	customer := d.customer(t, customers["with everything and a NAT gateway"])
	document, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{
		map[string]any{"Sid": "Deploy", "Effect": "Allow", "Action": "*", "Resource": "*"},
		map[string]any{
			"Sid": "ButNoNetwork", "Effect": "Deny", "Resource": "*",
			"Action": []string{"ec2:CreateVpc", "ec2:DeleteVpc", "ec2:ModifyVpcAttribute", "ec2:AssociateVpcCidrBlock", "ec2:CreateInternetGateway", "ec2:AttachInternetGateway", "ec2:DetachInternetGateway"},
		},
		map[string]any{
			"Sid": "NorTheCustomers", "Effect": "Deny", "Resource": "*",
			"Action": []string{
				"ec2:CreateTags", "ec2:DeleteTags", "ec2:ModifySubnetAttribute", "ec2:DeleteSubnet", "ec2:CreateRoute", "ec2:ReplaceRoute", "ec2:DeleteRoute",
				"ec2:AssociateRouteTable", "ec2:ReplaceRouteTableAssociation", "ec2:DisassociateRouteTable", "ec2:DeleteRouteTable", "ec2:ModifyVpcEndpoint", "ec2:DeleteVpcEndpoints",
			},
			"Condition": map[string]any{"StringEquals": map[string]any{"aws:ResourceTag/owner": "customer"}},
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	_, clients, err := d.Deployer(t.Context(), []rehearsal.Policy{{Name: "careful", Document: string(document)}})
	if err != nil {
		t.Fatal(err)
	}
	d.snapshot(t) // with the role
	s := d.inVPC(t)
	s.Deployer = clients
	if err := s.Create(t.Context(), d.parameters(map[string]string{"VpcId": customer.ID})); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), map[string]string{"AdditionalAvailabilityZones": "us-east-1c"}); err != nil {
		t.Error(err)
	}
	d.end(t, s, existingVPC, customer)
}

// runsIn runs a pod in a zone, on a node that Karpenter starts there.
func (d *deployment) runsIn(t *testing.T, p *pool, zone string) {
	t.Helper()
	engine := p.engine("engine", 1, map[string]string{workspaceLabel: "analytics", nodePoolLabel: p.name, "topology.kubernetes.io/zone": zone})
	if _, err := p.kube.AppsV1().Deployments("default").Create(t.Context(), engine, createNow); err != nil {
		t.Fatal(err)
	}
	await(t, "a pod runs in "+zone, func(ctx context.Context) error { return p.running(ctx) })
}
