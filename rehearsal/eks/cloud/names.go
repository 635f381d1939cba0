package cloud

import (
	"fmt"
	"strings"
)

// privateDNSName gives the name that EC2 gives to an address: in us-east-1 it
// ends otherwise than everywhere else
// (docs.aws.amazon.com/vpc/latest/userguide/vpc-dns.html).
func privateDNSName(address, region string) string {
	host := "ip-" + strings.ReplaceAll(address, ".", "-")
	if region == "us-east-1" {
		return host + ".ec2.internal"
	}
	return host + "." + region + ".compute.internal"
}

// loadBalancerName gives a host name as a Network Load Balancer's.
func loadBalancerName(namespace, service, region string) string {
	suffix := "amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		suffix += ".cn"
	}
	return fmt.Sprintf("k8s-%s-%s.elb.%s.%s", namespace, service, region, suffix)
}
