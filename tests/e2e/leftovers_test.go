package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6data/aws-quickstart/rehearsal"
)

const trustNobody = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// What somebody plants beside the stack, in the account and on the cluster,
// must be the leftovers, exactly.
func TestTheLeftoverCheckFindsWhatIsPlanted(t *testing.T) {
	t.Parallel()
	d := start(t, "")
	s := d.stack(t)
	if err := s.Create(t.Context(), d.parameters(nil)); err != nil {
		t.Fatal(err)
	}
	outputs := checkOutputs(t, s)
	kept := retained(t, s)
	planted := append(plantInAccount(t, d), plantOnCluster(t, d, outputs["ClusterName"])...)
	if err := s.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	found := map[rehearsal.Item]bool{}
	for _, i := range rehearsal.Without(d.leftovers(t), kept) {
		found[i] = true
	}
	want := map[rehearsal.Item]bool{}
	for _, i := range planted {
		want[i] = true
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("leftovers (-planted +found):\n%s", diff)
	}
}

func plantInAccount(t *testing.T, d *deployment) []rehearsal.Item {
	t.Helper()
	ctx := t.Context()
	vpc, err := d.clients.EC2.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.9.0.0/16")})
	if err != nil {
		t.Fatal(err)
	}
	subnet, err := d.clients.EC2.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: vpc.Vpc.VpcId, CidrBlock: aws.String("10.9.0.0/24")})
	if err != nil {
		t.Fatal(err)
	}
	address, err := d.clients.EC2.AllocateAddress(ctx, &ec2.AllocateAddressInput{})
	if err != nil {
		t.Fatal(err)
	}
	volume, err := d.clients.EC2.CreateVolume(ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String(d.Region + "a"), Size: aws.Int32(1)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.clients.IAM.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("planted"), AssumeRolePolicyDocument: aws.String(trustNobody)}); err != nil {
		t.Fatal(err)
	}
	inline := &iam.PutRolePolicyInput{RoleName: aws.String("planted"), PolicyName: aws.String("inline"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}`)}
	if _, err := d.clients.IAM.PutRolePolicy(ctx, inline); err != nil {
		t.Fatal(err)
	}
	if _, err := d.clients.IAM.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: aws.String("planted")}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.clients.S3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("planted")}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.clients.Logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/aws/lambda/planted")}); err != nil {
		t.Fatal(err)
	}
	items := []rehearsal.Item{
		{Type: "AWS::EC2::VPC", ID: *vpc.Vpc.VpcId},
		{Type: "AWS::EC2::Subnet", ID: *subnet.Subnet.SubnetId},
		{Type: "AWS::EC2::EIP", ID: *address.AllocationId},
		{Type: "AWS::EC2::Volume", ID: *volume.VolumeId},
		{Type: "AWS::IAM::Role", ID: "planted"},
		{Type: "AWS::IAM::Policy", ID: "planted/inline"},
		{Type: "AWS::IAM::InstanceProfile", ID: "planted"},
		{Type: "AWS::S3::Bucket", ID: "planted"},
		{Type: "AWS::Logs::LogGroup", ID: "/aws/lambda/planted"},
	}
	return append(items, madeWithVPC(t, d, *vpc.Vpc.VpcId)...)
}

// madeWithVPC are the things that come with every VPC.
func madeWithVPC(t *testing.T, d *deployment, vpc string) (items []rehearsal.Item) {
	t.Helper()
	groups, err := d.clients.EC2.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups.SecurityGroups {
		if aws.ToString(g.VpcId) == vpc {
			items = append(items, rehearsal.Item{Type: "AWS::EC2::SecurityGroup", ID: *g.GroupId},
				rehearsal.Item{Type: "AWS::EC2::SecurityGroupEgress", ID: *g.GroupId + "/-1 0-0 0.0.0.0/0"})
		}
	}
	tables, err := d.clients.EC2.DescribeRouteTables(t.Context(), &ec2.DescribeRouteTablesInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range tables.RouteTables {
		if aws.ToString(r.VpcId) != vpc {
			continue
		}
		items = append(items, rehearsal.Item{Type: "AWS::EC2::RouteTable", ID: *r.RouteTableId})
		for _, a := range r.Associations {
			items = append(items, rehearsal.Item{Type: "AWS::EC2::SubnetRouteTableAssociation", ID: *r.RouteTableId + "/" + aws.ToString(a.SubnetId)})
		}
		for _, route := range r.Routes {
			items = append(items, rehearsal.Item{Type: "AWS::EC2::Route", ID: *r.RouteTableId + "/" + aws.ToString(route.DestinationCidrBlock)})
		}
	}
	return items
}

func plantOnCluster(t *testing.T, d *deployment, cluster string) []rehearsal.Item {
	t.Helper()
	kube := d.kube(t, cluster)
	meta := metav1.ObjectMeta{Name: "planted"}
	if _, err := kube.CoreV1().ConfigMaps("default").Create(t.Context(), &corev1.ConfigMap{ObjectMeta: meta}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := kube.RbacV1().ClusterRoles().Create(t.Context(), &rbacv1.ClusterRole{ObjectMeta: meta}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := kube.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: meta}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return []rehearsal.Item{
		{Type: "Kubernetes ConfigMap", ID: cluster + "/default/planted"},
		{Type: "Kubernetes ClusterRole", ID: cluster + "/planted"},
		{Type: "Kubernetes Namespace", ID: cluster + "/planted"},
	}
}
