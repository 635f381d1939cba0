package template

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// planOf fills so many of the slots, for a new VPC, with zones of the cluster.
func planOf(zones int, nat string) map[string]string {
	slots := func(entry func(int) string) string {
		list := make([]string, contract.NetworkSlots)
		for i := range zones {
			list[i] = entry(i)
		}
		return strings.Join(list, ",")
	}
	return map[string]string{
		"WorkspaceName": "sales", "ClusterName": "e6data-sales", "VpcCidr": "10.200.0.0/16", "VpcId": "", "InternetGatewayId": "", "NatGateways": nat,
		"AvailabilityZones":        slots(func(i int) string { return "us-east-1" + string(rune('a'+i)) }),
		"ClusterAvailabilityZones": slots(func(i int) string { return "us-east-1" + string(rune('a'+i)) }),
		"PublicSubnetCidrs":        slots(func(i int) string { return fmt.Sprintf("10.200.%d.0/24", i) }),
		"PrivateSubnetCidrs":       slots(func(i int) string { return fmt.Sprintf("10.200.%d.0/19", 32*(i+1)) }),
	}
}

func TestNetworkOfEverySize(t *testing.T) {
	for zones := 2; zones <= contract.NetworkSlots; zones++ {
		for _, nat := range []string{"Single", "PerZone"} {
			t.Run(fmt.Sprintf("%d zones, NAT %s", zones, nat), func(t *testing.T) {
				r := newRun(t, networkFile, planOf(zones, nat))
				want := networkOf(zones, nat)
				want["AWS::EC2::VPC"], want["AWS::EC2::InternetGateway"], want["AWS::EC2::VPCGatewayAttachment"] = 1, 1, 1
				checkResources(t, r, want)
				checkZones(t, r, zones, nat)
			})
		}
	}
}

// networkOf counts what any VPC gets.
func networkOf(zones int, nat string) map[string]int {
	gateways := 1
	if nat == "PerZone" {
		gateways = zones
	}
	return map[string]int{
		"AWS::EC2::VPCEndpoint": 1,
		"AWS::EC2::Subnet":      2 * zones, "AWS::EC2::SubnetRouteTableAssociation": 2 * zones,
		"AWS::EC2::RouteTable": zones + 1, "AWS::EC2::Route": zones + 1,
		"AWS::EC2::NatGateway": gateways, "AWS::EC2::EIP": gateways,
	}
}

func checkResources(t *testing.T, r *stackRun, want map[string]int) {
	t.Helper()
	got := map[string]int{}
	for id, resource := range section(r.template, "Resources") {
		if r.active(resource) {
			got[at(resource, "Type").(string)]++
			r.properties(id) // no reference to what is not there
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
}

// In an existing VPC nothing is made but what hangs on our own subnets and
// tables, and an internet gateway only if there is none.
func TestNetworkInAnExistingVPC(t *testing.T) {
	const vpc = "vpc-0123456789abcdef0"
	for _, gateway := range []string{"", "igw-0123456789abcdef0"} {
		for zones := 2; zones <= contract.NetworkSlots; zones++ {
			t.Run(fmt.Sprintf("%d zones, gateway %q", zones, gateway), func(t *testing.T) {
				plan := planOf(zones, "Single")
				plan["VpcId"], plan["VpcCidr"], plan["InternetGatewayId"] = vpc, "", gateway
				r := newRun(t, networkFile, plan)
				want, leads := networkOf(zones, "Single"), gateway
				if gateway == "" {
					want["AWS::EC2::InternetGateway"], want["AWS::EC2::VPCGatewayAttachment"] = 1, 1
					leads = "internetgateway"
				}
				checkResources(t, r, want)
				if got := r.properties("PublicDefaultRoute")["GatewayId"]; got != leads {
					t.Errorf("the public route leads to %v, want %s", got, leads)
				}
				for id, resource := range section(r.template, "Resources") {
					if p := r.active(resource); p && r.properties(id)["VpcId"] != nil && r.properties(id)["VpcId"] != vpc {
						t.Errorf("%s is in %v", id, r.properties(id)["VpcId"])
					}
				}
				if got := r.output("VpcId"); got != vpc {
					t.Errorf("output VpcId is %q", got)
				}
			})
		}
	}
}

// The cluster's subnets stay what they are, whatever is added in whichever slot.
func TestAdditionalZonesAreForNodesOnly(t *testing.T) {
	plan := planOf(6, "PerZone")
	zones := strings.Split(plan["AvailabilityZones"], ",")
	zones[3] = ""
	plan["AvailabilityZones"], plan["ClusterAvailabilityZones"] = strings.Join(zones, ","), strings.Join(zones[:3], ",")+",,,"
	r := newRun(t, networkFile, plan)
	got := map[string]string{}
	for name := range section(r.template, "Outputs") {
		got[name] = r.output(name)
	}
	want := map[string]string{
		"VpcId": "vpc", "PublicSubnetIds": "publicsubnet1,publicsubnet2,publicsubnet3,publicsubnet5,publicsubnet6",
		"PrivateSubnetIds":  "privatesubnet1,privatesubnet2,privatesubnet3",
		"NodeSubnetIds":     "privatesubnet1,privatesubnet2,privatesubnet3,privatesubnet5,privatesubnet6",
		"AvailabilityZones": "us-east-1a,us-east-1b,us-east-1c,us-east-1e,us-east-1f", "ClusterAvailabilityZones": "us-east-1a,us-east-1b,us-east-1c",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
}

// Each reader of the network gets subnets of the right kind, made or given.
func TestWhoUsesWhichSubnets(t *testing.T) {
	tests := map[string]struct {
		file           string
		answers        map[string]string
		cluster, nodes []any
		zones          []any
		vpc            string
		nested         bool
	}{
		"new VPC": {
			quickstartFile, nil,
			[]any{"subnet-0a", "subnet-0b"},
			[]any{"subnet-0a", "subnet-0b", "subnet-0c"},
			[]any{"us-east-1a", "us-east-1b", "us-east-1c"},
			"network-outputs-vpcid", true,
		},
		"existing VPC": {
			existingFile, nil,
			[]any{"subnet-0a", "subnet-0b"},
			[]any{"subnet-0a", "subnet-0b", "subnet-0c"},
			[]any{"us-east-1a", "us-east-1b", "us-east-1c"},
			"network-outputs-vpcid", true,
		},
		"given subnets": {
			existingFile,
			map[string]string{"PrivateSubnetIds": "subnet-1a,subnet-1b"},
			[]any{"subnet-1a", "subnet-1b"},
			[]any{"subnet-1a", "subnet-1b", "subnet-1c"},
			[]any{"us-west-2a", "us-west-2b"},
			"networkplan-vpcid", false,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, tt.file, tt.answers)
			values := releaseValues(t, r, "NodePool")
			want := []any{tt.cluster, tt.cluster, tt.cluster, tt.nodes, tt.zones, tt.vpc, tt.nested}
			got := []any{
				at(r.properties("Cluster"), "ResourcesVpcConfig", "SubnetIds"), r.properties("NodeGroup")["Subnets"],
				at(r.properties("HelmInstaller"), "VpcConfig", "SubnetIds"), values["subnetIDs"], values["zones"], r.output("VpcId"),
				r.active(section(r.template, "Resources")["Network"]),
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("cluster, node group, function, NodePool's subnets and zones, VPC, nested stack (-want +got):\n%s", diff)
			}
		})
	}
}

// Each mode's plan may read what it needs, and no more.
func TestAPlanReadsNoMoreThanItsMode(t *testing.T) {
	tests := map[string]struct {
		file    string
		answers map[string]string
		want    []string
	}{
		"new VPC":      {quickstartFile, nil, []string{"cloudformation:DescribeStacks", "ec2:DescribeAvailabilityZones"}},
		"existing VPC": {existingFile, nil, []string{"cloudformation:DescribeStacks", "ec2:DescribeAvailabilityZones", "ec2:DescribeInternetGateways", "ec2:DescribeSubnets", "ec2:DescribeVpcs"}},
		"given":        {existingFile, map[string]string{"PrivateSubnetIds": "subnet-1a"}, []string{"cloudformation:DescribeStacks", "ec2:DescribeRouteTables", "ec2:DescribeSecurityGroupRules", "ec2:DescribeSubnets", "ec2:DescribeVpcEndpoints"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, tt.file, tt.answers)
			var got []string
			for _, s := range statements(r) {
				if s.where == "OutputsFunctionRole/network-plan" {
					got = append(got, s.Actions...)
					if slices.Contains(s.Actions, "cloudformation:DescribeStacks") && !slices.Equal(s.Resources, []string{r.pseudo["AWS::StackId"]}) {
						t.Errorf("%s reads %v", s, s.Resources)
					}
				}
			}
			if diff := cmp.Diff(tt.want, sorted(got)); diff != "" {
				t.Errorf("actions (-want +got):\n%s", diff)
			}
		})
	}
}

// checkZones follows each zone from its plan to its way out.
func checkZones(t *testing.T, r *stackRun, zones int, nat string) {
	t.Helper()
	var public, private, names []string
	tables := []any{"publicroutetable"}
	for n := 1; n <= zones; n++ {
		public = append(public, fmt.Sprintf("publicsubnet%d", n))
		private = append(private, fmt.Sprintf("privatesubnet%d", n))
		names = append(names, "us-east-1"+string(rune('a'+n-1)))
		tables = append(tables, fmt.Sprintf("privateroutetable%d", n))
		gateway := "natgateway1"
		if nat == "PerZone" {
			gateway = fmt.Sprintf("natgateway%d", n)
		}
		route := r.properties(fmt.Sprintf("PrivateDefaultRoute%d", n))
		if route["NatGatewayId"] != gateway || route["RouteTableId"] != fmt.Sprintf("privateroutetable%d", n) {
			t.Errorf("zone %d leaves by %v from %v", n, route["NatGatewayId"], route["RouteTableId"])
		}
		subnet := r.properties(fmt.Sprintf("PrivateSubnet%d", n))
		if subnet["AvailabilityZone"] != names[n-1] || subnet["CidrBlock"] != fmt.Sprintf("10.200.%d.0/19", 32*n) {
			t.Errorf("private subnet %d: %v", n, subnet)
		}
		if table := r.properties(fmt.Sprintf("PrivateRouteTableAssociation%d", n))["RouteTableId"]; table != fmt.Sprintf("privateroutetable%d", n) {
			t.Errorf("private subnet %d has table %v", n, table)
		}
	}
	want := map[string]string{
		"VpcId": "vpc", "PublicSubnetIds": strings.Join(public, ","), "PrivateSubnetIds": strings.Join(private, ","),
		"NodeSubnetIds": strings.Join(private, ","), "AvailabilityZones": strings.Join(names, ","), "ClusterAvailabilityZones": strings.Join(names, ","),
	}
	got := map[string]string{}
	for name := range section(r.template, "Outputs") {
		got[name] = r.output(name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(any(tables), r.properties("S3Endpoint")["RouteTableIds"]); diff != "" {
		t.Errorf("route tables of the S3 endpoint (-want +got):\n%s", diff)
	}
}

func TestSubnetTags(t *testing.T) {
	r := newRun(t, networkFile, planOf(6, "Single"))
	for _, id := range resourcesOfType(r.template, "AWS::EC2::Subnet") {
		p := r.properties(id)
		if p["MapPublicIpOnLaunch"] != false {
			t.Errorf("%s gives public addresses", id)
		}
		got := map[string]string{}
		for _, tag := range p["Tags"].([]any) {
			got[at(tag, "Key").(string)] = fmt.Sprint(at(tag, "Value"))
		}
		kind, number := strings.ToLower(strings.Split(id, "Subnet")[0]), strings.Split(id, "Subnet")[1]
		want := map[string]string{"Name": "e6data-sales-" + kind + "-" + number, "kubernetes.io/cluster/e6data-sales": "shared"}
		if kind == "public" {
			want["kubernetes.io/role/elb"] = "1"
		} else {
			want["kubernetes.io/role/internal-elb"] = "1"
			want["karpenter.sh/discovery"] = "e6data-sales"
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("tags of %s (-want +got):\n%s", id, diff)
		}
	}
}

// The plan is not known while a change set is made, so nothing may be asked of
// it but that it is text.
func TestNetworkParametersArePlainText(t *testing.T) {
	parameters := section(load(t, networkFile), "Parameters")
	for name, p := range parameters {
		if at(p, "Type") != "String" || at(p, "AllowedPattern") != nil {
			t.Errorf("%s: %v", name, p)
		}
	}
	for _, file := range []string{quickstartFile, existingFile} {
		given := newRun(t, file, nil).properties("Network")["Parameters"].(object)
		for name := range parameters {
			if _, ok := given[name]; !ok {
				t.Errorf("%s does not give %s", file, name)
			}
		}
		if len(given) != len(parameters) {
			t.Errorf("%s gives %v", file, given)
		}
	}
	if values := asList(at(parameters["NatGateways"], "AllowedValues")); !slices.Equal(values,
		asList(at(section(load(t, quickstartFile), "Parameters")["NatGateways"], "AllowedValues"))) {
		t.Errorf("the templates differ in the values of NatGateways: %v", values)
	}
}
