package loadbalancer

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func subnet(id, zone string, free int32, tags ...string) ec2types.Subnet {
	s := ec2types.Subnet{SubnetId: &id, AvailabilityZone: &zone, AvailableIpAddressCount: &free}
	for _, tag := range tags {
		s.Tags = append(s.Tags, ec2types.Tag{Key: aws.String(tag), Value: aws.String("shared")})
	}
	return s
}

func TestChooseSubnets(t *testing.T) {
	mine, others := clusterTagStart+"demo", clusterTagStart+"other"
	chosen, err := chooseSubnets([]ec2types.Subnet{
		subnet("subnet-4", "a", 100), subnet("subnet-3", "a", 100, others), subnet("subnet-9", "a", 100, mine, others),
		subnet("subnet-2", "b", 100), subnet("subnet-1", "b", 7), subnet("subnet-8", "b", 100),
	}, "demo")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"subnet-2", "subnet-9"}, subnetIDs(chosen)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, err = chooseSubnets([]ec2types.Subnet{subnet("subnet-1", "a", 100, others), subnet("subnet-2", "b", 1)}, "demo")
	if want := "Evaluated 2 subnets: 1 are tagged for other clusters, and 1 have insufficient"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}

func TestCheckSubnets(t *testing.T) {
	one := []ec2types.Subnet{subnet("subnet-1", "a", 9)}
	if err := checkSubnets(one, elb.LoadBalancerTypeEnumNetwork); err != nil {
		t.Errorf("a network load balancer in one zone: %v", err)
	}
	if err := checkSubnets(one, elb.LoadBalancerTypeEnumApplication); err == nil {
		t.Error("an application load balancer in one zone is not refused")
	}
	if err := checkSubnets(append(one, subnet("subnet-2", "a", 9)), elb.LoadBalancerTypeEnumNetwork); err == nil {
		t.Error("two subnets in one zone are not refused")
	}
}

func TestIsPublic(t *testing.T) {
	gateway := []ec2types.Route{{GatewayId: aws.String("local")}, {GatewayId: aws.String("igw-1")}}
	tables := []ec2types.RouteTable{
		{Routes: gateway, Associations: []ec2types.RouteTableAssociation{{SubnetId: aws.String("subnet-1")}}},
		{Associations: []ec2types.RouteTableAssociation{{Main: aws.Bool(true)}}},
	}
	if !isPublic("subnet-1", tables) || isPublic("subnet-2", tables) {
		t.Error("want subnet-1 public by its table, subnet-2 private by the main one")
	}
}

func TestChangesLeaveOthersRulesAlone(t *testing.T) {
	ours := permission{protocol: "tcp", from: 8080, to: 8080, group: "sg-1", description: sharedRule}
	old, theirs := ours, permission{protocol: "tcp", from: 443, to: 443, group: "sg-9", description: "mine"}
	old.from = 80
	undescribed := ours
	undescribed.description = ""
	shared := func(p permission) bool { return p.description == sharedRule }

	missing, extra := changes([]permission{ours}, []permission{old, theirs}, shared)
	if diff := cmp.Diff([][]permission{{ours}, {old}}, [][]permission{missing, extra}, cmp.AllowUnexported(permission{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if missing, _ := changes([]permission{ours}, []permission{undescribed}, shared); len(missing) > 0 {
		t.Errorf("EC2 would refuse a second rule that lets the same in: %v", missing)
	}
}

func TestRulesAreAsWideAsNeeded(t *testing.T) {
	port := func(n int32) *intstr.IntOrString { p := intstr.FromInt32(n); return &p }
	peer := []NetworkingPeer{{SecurityGroup: &SecurityGroupPeer{GroupID: "sg-1"}}}
	rules, err := permissionsFor(Networking{Ingress: []NetworkingRule{
		{From: peer, Ports: []NetworkingPort{{Protocol: "TCP", Port: port(8080)}, {Protocol: "TCP", Port: port(9000)}, {Protocol: "UDP", Port: port(53)}}},
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []permission{
		{protocol: "tcp", from: 8080, to: 9000, group: "sg-1", description: sharedRule},
		{protocol: "udp", from: 53, to: 53, group: "sg-1", description: sharedRule},
	}
	if diff := cmp.Diff(want, widest(rules), cmp.AllowUnexported(permission{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	name := intstr.FromString("http")
	ranges, err := portRanges(&name, []endpoint{{port: 8080, pod: &corev1.Pod{}}, {port: 8081, pod: &corev1.Pod{}}, {port: 8080, pod: &corev1.Pod{}}})
	if diff := cmp.Diff([][2]int32{{8080, 8080}, {8081, 8081}}, ranges); diff != "" || err != nil {
		t.Errorf("named port: %v (-want +got):\n%s", err, diff)
	}
}
