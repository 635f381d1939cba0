package template

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// planOf fills so many of the slots.
func planOf(zones int, nat string) map[string]string {
	slots := func(entry func(int) string) string {
		list := make([]string, contract.NetworkSlots)
		for i := range zones {
			list[i] = entry(i)
		}
		return strings.Join(list, ",")
	}
	return map[string]string{
		"WorkspaceName": "sales", "ClusterName": "e6data-sales", "VpcCidr": "10.200.0.0/16", "NatGateways": nat,
		"AvailabilityZones":  slots(func(i int) string { return "us-east-1" + string(rune('a'+i)) }),
		"PublicSubnetCidrs":  slots(func(i int) string { return fmt.Sprintf("10.200.%d.0/24", i) }),
		"PrivateSubnetCidrs": slots(func(i int) string { return fmt.Sprintf("10.200.%d.0/19", 32*(i+1)) }),
	}
}

func TestNetworkOfEverySize(t *testing.T) {
	for zones := 2; zones <= contract.NetworkSlots; zones++ {
		for _, nat := range []string{"Single", "PerZone"} {
			t.Run(fmt.Sprintf("%d zones, NAT %s", zones, nat), func(t *testing.T) {
				r := newRun(t, networkFile, planOf(zones, nat))
				gateways := 1
				if nat == "PerZone" {
					gateways = zones
				}
				want := map[string]int{
					"AWS::EC2::VPC": 1, "AWS::EC2::InternetGateway": 1, "AWS::EC2::VPCGatewayAttachment": 1, "AWS::EC2::VPCEndpoint": 1,
					"AWS::EC2::Subnet": 2 * zones, "AWS::EC2::SubnetRouteTableAssociation": 2 * zones,
					"AWS::EC2::RouteTable": zones + 1, "AWS::EC2::Route": zones + 1,
					"AWS::EC2::NatGateway": gateways, "AWS::EC2::EIP": gateways,
				}
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
				checkZones(t, r, zones, nat)
			})
		}
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
		"AvailabilityZones": strings.Join(names, ","),
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
	given := newRun(t, quickstartFile, nil).properties("Network")["Parameters"].(object)
	for name := range parameters {
		if _, ok := given[name]; !ok {
			t.Errorf("quickstart.yaml does not give %s", name)
		}
	}
	if len(given) != len(parameters) {
		t.Errorf("quickstart.yaml gives %v", given)
	}
	if values := asList(at(parameters["NatGateways"], "AllowedValues")); !slices.Equal(values,
		asList(at(section(load(t, quickstartFile), "Parameters")["NatGateways"], "AllowedValues"))) {
		t.Errorf("the templates differ in the values of NatGateways: %v", values)
	}
}
