package cloud

import "testing"

func TestPrivateDNSName(t *testing.T) {
	for region, want := range map[string]string{
		"us-east-1": "ip-10-0-0-10.ec2.internal",
		"eu-west-1": "ip-10-0-0-10.eu-west-1.compute.internal",
	} {
		if got := privateDNSName("10.0.0.10", region); got != want {
			t.Errorf("in %s: %q, want %q", region, got, want)
		}
	}
}

func TestLoadBalancerName(t *testing.T) {
	for region, want := range map[string]string{
		"eu-west-1":  "k8s-ns-web.elb.eu-west-1.amazonaws.com",
		"cn-north-1": "k8s-ns-web.elb.cn-north-1.amazonaws.com.cn",
	} {
		if got := loadBalancerName("ns", "web", region); got != want {
			t.Errorf("in %s: %q, want %q", region, got, want)
		}
	}
}
