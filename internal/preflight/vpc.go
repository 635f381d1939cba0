package preflight

import (
	"slices"
	"strings"

	"github.com/e6data/aws-quickstart/internal/contract"
)

var (
	vpcMissing = &Kind{
		ID:   "vpc-missing",
		What: "there is no VPC of this ID in this region",
		Do:   "Choose one of this region's VPCs as VpcId, or launch in the region of the VPC",
	}
	vpcNotAvailable = &Kind{
		ID:   "vpc-not-available",
		What: "the VPC is not available",
		Do:   "Wait until it is, and launch again",
	}
	vpcDNSSupport = &Kind{
		ID:   "vpc-dns-support-off",
		What: "DNS resolution is off in the VPC",
		Do:   `Switch it on: aws ec2 modify-vpc-attribute --vpc-id {vpc} --enable-dns-support Value=true`,
	}
	vpcDNSHostnames = &Kind{
		ID:   "vpc-dns-hostnames-off",
		What: "DNS hostnames are off in the VPC",
		Do:   `Switch them on: aws ec2 modify-vpc-attribute --vpc-id {vpc} --enable-dns-hostnames Value=true`,
	}
	vpcNoRoom = &Kind{
		ID:   "vpc-without-room",
		What: "the VPC has no room for subnets in 2 zones",
		Do:   "Associate another CIDR block with the VPC, or give subnets of your own in PrivateSubnetIds",
	}
	vpcNameServers = &Kind{
		ID:   "vpc-name-servers",
		What: "the VPC's DHCP options name other name servers than Amazon's",
		Do: "Make sure that they resolve AWS's names, and those of the VPC's private hosted zones, such as the cluster's endpoint: " +
			"nodes cannot join otherwise",
		Note: true,
	}
)

// amazonDNS stands for the VPC's own resolver in DHCP options.
const amazonDNS = "AmazonProvidedDNS"

// checkVPC looks at the customer's VPC. EKS needs both DNS attributes
// (https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html).
func checkVPC(f Facts) []Problem {
	v, id := f.VPC, f.Answers.VpcID
	if f.Mode != contract.ModeExistingVPC || f.Update || v == nil {
		return nil
	}
	on := "VpcId " + id
	if !v.Found {
		return []Problem{{Kind: vpcMissing, On: on, Why: "EC2 knows none in " + f.Place.Region}}
	}
	var out []Problem
	if v.State != "available" {
		out = append(out, Problem{Kind: vpcNotAvailable, On: on, Why: "it is " + v.State})
	}
	if off(v.DNSSupport) {
		out = append(out, Problem{
			Kind: vpcDNSSupport, On: on, Fill: []string{"vpc", id},
			Why: "nodes find neither the cluster nor AWS without it (enableDnsSupport is false)",
		})
	}
	if off(v.DNSHostnames) {
		out = append(out, Problem{
			Kind: vpcDNSHostnames, On: on, Fill: []string{"vpc", id},
			Why: "nodes cannot join the cluster without them (enableDnsHostnames is false)",
		})
	}
	if len(v.NameServers) > 0 && !slices.Contains(v.NameServers, amazonDNS) {
		out = append(out, Problem{Kind: vpcNameServers, On: on, Why: "they name " + strings.Join(v.NameServers, ", ")})
	}
	return out
}

func off(attribute *bool) bool { return attribute != nil && !*attribute }
