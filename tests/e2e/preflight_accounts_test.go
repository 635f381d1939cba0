package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/e6data/aws-quickstart/rehearsal"
)

const (
	// amd64 nodes begin with two vCPUs, the managed node group has four: one more
	// than a new account may run.
	amd64Family  = "m7i"
	trustNothing = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ec2.amazonaws.com"}}]}`
)

func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(made T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
}

// useUpQuotas has as much of everything as a new account may have.
func useUpQuotas(t *testing.T, d *deployment) map[string]string {
	t.Helper()
	const quota = 5
	api := d.clients.EC2
	m := must[*rehearsal.MadeVPC](t)(d.MakeVPC(t.Context(), rehearsal.CustomerVPC{
		Blocks: []string{"10.30.0.0/20"}, InternetGateway: true, Subnets: []rehearsal.CustomerSubnet{{Block: "10.30.0.0/24", Zone: "a", Public: true}},
	}))
	for range quota {
		must[*ec2.CreateVpcOutput](t)(api.CreateVpc(t.Context(), &ec2.CreateVpcInput{CidrBlock: aws.String("10.31.0.0/24")}))
		must[*ec2.CreateInternetGatewayOutput](t)(api.CreateInternetGateway(t.Context(), &ec2.CreateInternetGatewayInput{}))
		address := must[*ec2.AllocateAddressOutput](t)(api.AllocateAddress(t.Context(), &ec2.AllocateAddressInput{Domain: ec2types.DomainTypeVpc}))
		must[*ec2.CreateNatGatewayOutput](t)(api.CreateNatGateway(t.Context(), &ec2.CreateNatGatewayInput{SubnetId: &m.Subnets[0], AllocationId: address.AllocationId}))
	}
	d.logGroupOf(t, "e6data-analytics")
	return map[string]string{
		"NodeInstanceFamilies": amd64Family, "NodeArchitectures": "amd64", "NodeCapacityTypes": "on-demand",
		"ControlPlanePrincipalArn": nobody("role"), "WorkspaceChartVersion": "9.9.9",
	}
}

// logGroupOf makes the log group that EKS makes for a cluster.
func (d *deployment) logGroupOf(t *testing.T, cluster string) {
	t.Helper()
	must[*cloudwatchlogs.CreateLogGroupOutput](t)(d.clients.Logs.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{
		LogGroupName: aws.String("/aws/eks/" + cluster + "/cluster"),
	}))
}

func nameNobody(*testing.T, *deployment) map[string]string {
	return map[string]string{
		"ExcludedAvailabilityZones":   "us-east-1a,us-east-1b,us-east-1c,us-east-1d,us-east-1e,us-east-1z",
		"AdditionalAvailabilityZones": "us-east-1y", "NodeCapacityTypes": "on-demand",
		"KmsKeyArn":         "arn:aws:kms:us-east-1:" + account + ":key/" + keyID,
		"AdminPrincipalArn": nobody("user"), "ControlPlanePrincipalArn": nobody("role"),
		"ChartSource": "s3://a-bucket-of-nobody/charts",
	}
}

// spotWithAKeyThatIsOff has a key with the policy that a key begins with.
func spotWithAKeyThatIsOff(t *testing.T, d *deployment) map[string]string {
	t.Helper()
	key := d.key(t, map[string]string{})
	must[[]byte](t)(d.post(t.Context(), d.AWSConfig(), "kms", "TrentService.DisableKey", `{"KeyId":"`+key+`"}`))
	return map[string]string{
		"NodeInstanceFamilies": amd64Family, "NodeArchitectures": "amd64", "NodeCapacityTypes": "spot", "NodeGroupCapacityType": "SPOT", "KmsKeyArn": key,
	}
}

// wrongKinds has a key that makes message codes.
func wrongKinds(t *testing.T, d *deployment) map[string]string {
	t.Helper()
	d.logGroupOf(t, "e6data-analytics")
	return map[string]string{
		"NodeInstanceFamilies": "x9g", "NodeArchitectures": "arm64",
		"KmsKeyArn": d.key(t, map[string]string{"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC", "Policy": keyPolicy(t)}),
	}
}

// key makes a KMS key and returns its ARN.
func (d *deployment) key(t *testing.T, properties map[string]string) string {
	t.Helper()
	body := must[[]byte](t)(json.Marshal(properties))
	text := must[[]byte](t)(d.post(t.Context(), d.AWSConfig(), "kms", "TrentService.CreateKey", string(body)))
	var made struct{ KeyMetadata struct{ Arn string } }
	if err := json.Unmarshal(text, &made); err != nil || made.KeyMetadata.Arn == "" {
		t.Fatalf("%v\n%s", err, text)
	}
	return made.KeyMetadata.Arn
}

func noRoom(t *testing.T, d *deployment) map[string]string {
	t.Helper()
	m := must[*rehearsal.MadeVPC](t)(d.MakeVPC(t.Context(), fullVPC))
	d.attribute(t, &ec2.ModifyVpcAttributeInput{VpcId: &m.ID, EnableDnsHostnames: &ec2types.AttributeBooleanValue{Value: aws.Bool(false)}})
	return map[string]string{"VpcId": m.ID, "WorkspaceChartVersion": "9.9.9"}
}

func (d *deployment) attribute(t *testing.T, in *ec2.ModifyVpcAttributeInput) {
	t.Helper()
	must[*ec2.ModifyVpcAttributeOutput](t)(d.clients.EC2.ModifyVpcAttribute(t.Context(), in))
}

// unfitSubnets has one subnet for each way not to suit: by its place, its size,
// its routes.
func unfitSubnets(t *testing.T, d *deployment) map[string]string {
	t.Helper()
	api := d.clients.EC2
	m := must[*rehearsal.MadeVPC](t)(d.MakeVPC(t.Context(), rehearsal.CustomerVPC{
		Blocks: []string{"10.32.0.0/20"}, InternetGateway: true, NatGateway: true,
		Subnets: []rehearsal.CustomerSubnet{
			{Block: "10.32.0.0/24", Zone: "a", Public: true}, // given as private
			{Block: "10.32.1.0/24", Zone: "c"},               // no cluster in this zone
			{Block: "10.32.2.0/28", Zone: "a"},               // small
			{Block: "10.32.3.0/28", Zone: "a", Public: true}, // full
			{Block: "10.32.4.0/24", Zone: "a"},               // leads nowhere
		},
	}))
	other := must[*rehearsal.MadeVPC](t)(d.MakeVPC(t.Context(), rehearsal.CustomerVPC{Blocks: []string{"10.33.0.0/20"}, Subnets: []rehearsal.CustomerSubnet{{Block: "10.33.0.0/24", Zone: "a"}}}))
	for range 6 {
		must[*ec2.CreateNetworkInterfaceOutput](t)(api.CreateNetworkInterface(t.Context(), &ec2.CreateNetworkInterfaceInput{SubnetId: &m.Subnets[3]}))
	}
	nowhere := must[*ec2.CreateRouteTableOutput](t)(api.CreateRouteTable(t.Context(), &ec2.CreateRouteTableInput{VpcId: &m.ID})).RouteTable.RouteTableId
	tables := must[*ec2.DescribeRouteTablesOutput](t)(api.DescribeRouteTables(t.Context(), &ec2.DescribeRouteTablesInput{
		Filters: []ec2types.Filter{{Name: aws.String("association.subnet-id"), Values: []string{m.Subnets[4]}}},
	}))
	for _, a := range tables.RouteTables[0].Associations {
		if aws.ToString(a.SubnetId) == m.Subnets[4] {
			must[*ec2.ReplaceRouteTableAssociationOutput](t)(api.ReplaceRouteTableAssociation(t.Context(), &ec2.ReplaceRouteTableAssociationInput{
				AssociationId: a.RouteTableAssociationId, RouteTableId: nowhere,
			}))
		}
	}
	nats := must[*ec2.DescribeNatGatewaysOutput](t)(api.DescribeNatGateways(t.Context(), &ec2.DescribeNatGatewaysInput{}))
	must[*ec2.DeleteNatGatewayOutput](t)(api.DeleteNatGateway(t.Context(), &ec2.DeleteNatGatewayInput{NatGatewayId: nats.NatGateways[0].NatGatewayId}))
	off := &ec2types.AttributeBooleanValue{Value: aws.Bool(false)}
	d.attribute(t, &ec2.ModifyVpcAttributeInput{VpcId: &m.ID, EnableDnsHostnames: off})
	d.attribute(t, &ec2.ModifyVpcAttributeInput{VpcId: &m.ID, EnableDnsSupport: off})
	return map[string]string{
		"VpcId": m.ID, "ExcludedAvailabilityZones": "us-east-1c",
		"PrivateSubnetIds": strings.Join([]string{m.Subnets[0], m.Subnets[1], m.Subnets[2], m.Subnets[4], other.Subnets[0], "subnet-0123456789abcdef0"}, ","),
		"PublicSubnetIds":  strings.Join([]string{m.Subnets[3], m.Subnets[4]}, ","),
	}
}

func (d *deployment) roleFor(t *testing.T, name, trust string) string {
	t.Helper()
	return aws.ToString(must[*iam.CreateRoleOutput](t)(d.clients.IAM.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: &name, AssumeRolePolicyDocument: &trust,
	})).Role.Arn)
}

func noClusterNoRoles(t *testing.T, d *deployment) map[string]string {
	t.Helper()
	d.roleFor(t, lastOf(installerRole), trustNothing)
	return map[string]string{
		"ExistingClusterName": "nobodys", "ClusterAdminRoleArn": nobody("role"), "KarpenterControllerRoleName": "nobody",
		"AdminPrincipalArn": nobody("role"),
	}
}

// theirs makes a cluster without nodes, open to an address of nobody's only.
func (d *deployment) theirs(t *testing.T, name string) {
	t.Helper()
	m := must[*rehearsal.MadeVPC](t)(d.MakeVPC(t.Context(), rehearsal.CustomerVPC{
		Blocks: []string{"10.34.0.0/20"}, InternetGateway: true, NatGateway: true,
		Subnets: []rehearsal.CustomerSubnet{
			{Block: "10.34.0.0/24", Zone: "a", Public: true}, {Block: "10.34.1.0/24", Zone: "a"}, {Block: "10.34.2.0/24", Zone: "b"},
		},
	}))
	role := d.roleFor(t, name+"-control-plane", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"eks.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)
	must[*eks.CreateClusterOutput](t)(d.clients.EKS.CreateCluster(t.Context(), &eks.CreateClusterInput{
		Name: &name, RoleArn: &role,
		ResourcesVpcConfig: &ekstypes.VpcConfigRequest{
			SubnetIds: m.Subnets[1:3], EndpointPrivateAccess: aws.Bool(false), EndpointPublicAccess: aws.Bool(true), PublicAccessCidrs: []string{"203.0.113.0/24"},
		},
		AccessConfig: &ekstypes.CreateAccessConfigRequest{AuthenticationMode: ekstypes.AuthenticationModeApi},
	}))
	(&theirCluster{deployment: d, name: name}).active(t)
}

func clusterOutOfReach(t *testing.T, d *deployment) map[string]string {
	t.Helper()
	d.theirs(t, "theirs")
	return map[string]string{
		"ExistingClusterName": "theirs", "ClusterAdminRoleArn": d.roleFor(t, "admins", trustNothing), "PrivateSubnetIds": "subnet-0123456789abcdef0",
		"NodeInstanceFamilies": "c7g", "NodeArchitectures": "arm64",
	}
}

func clusterOfTheName(t *testing.T, d *deployment) map[string]string {
	t.Helper()
	d.theirs(t, "theirs")
	return map[string]string{"ClusterName": "theirs", "AdminPrincipalArn": nobody("role")}
}
