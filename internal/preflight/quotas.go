package preflight

import (
	"fmt"
	"slices"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// Quota is one of the account's in a region. Codes and defaults:
// https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html and
// https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html.
type Quota struct {
	Service, Code string
	// Name is AWS's.
	Name string
}

// Quotas of the network.
var (
	VPCsPerRegion     = Quota{"vpc", "L-F678F1CE", "VPCs per Region"}
	GatewaysPerRegion = Quota{"vpc", "L-A4707A72", "Internet gateways per Region"}
	NATsPerZone       = Quota{"vpc", "L-FE5A380F", "NAT gateways per Availability Zone"}
	ElasticIPs        = Quota{"ec2", "L-0263D0A3", "EC2-VPC Elastic IPs"}
)

const askForMore = "Ask for more: aws service-quotas request-service-quota-increase --service-code {service} --quota-code {code} " +
	"--desired-value {wanted}. Or "

var (
	quotaVPCs = &Kind{
		ID:   "quota-vpcs",
		What: "the account cannot have another VPC in this region",
		Do:   askForMore + "delete a VPC that nobody needs, or launch templates/existing-vpc.yaml in one of those that are there",
	}
	quotaGateways = &Kind{
		ID:   "quota-internet-gateways",
		What: "the account cannot have another internet gateway in this region",
		Do:   askForMore + "delete one that is attached to no VPC",
	}
	quotaNATs = &Kind{
		ID:   "quota-nat-gateways",
		What: "the account cannot have the NAT gateways that the stack makes in a zone",
		Do:   askForMore + "exclude the zone, or delete a NAT gateway that no route uses",
	}
	quotaAddresses = &Kind{
		ID:   "quota-elastic-ips",
		What: "the account cannot have the Elastic IP addresses that the stack needs for its NAT gateways",
		Do:   askForMore + "release addresses that nothing uses, or choose NatGateways=Single",
	}
)

// beyond is the problem that a quota is too small for what is in use and what
// is needed besides; none when it is not, or when one of them is not known.
func (f Facts) beyond(kind *Kind, q Quota, inUse *int, need int, where string) []Problem {
	limit, known := f.Quotas[q.Code]
	if !known || inUse == nil || need == 0 || *inUse+need <= limit {
		return nil
	}
	return []Problem{{
		Kind: kind, On: "quota " + q.Name + ", " + where,
		Why:  fmt.Sprintf("the quota is %d, %d are in use, and %d more are needed", limit, *inUse, need),
		Fill: []string{"service", q.Service, "code", q.Code, "wanted", fmt.Sprint(*inUse + need)},
	}}
}

// checkNetworkQuotas looks whether the parts of a network that is made fit.
func checkNetworkQuotas(f Facts) []Problem {
	if f.Update || !f.makesNetwork() {
		return nil
	}
	var out []Problem
	region := f.Place.Region
	if f.Mode == contract.ModeNewVPC {
		out = append(out, f.beyond(quotaVPCs, VPCsPerRegion, f.VPCs, 1, region)...)
	}
	if f.Mode == contract.ModeNewVPC || f.VPC != nil && f.VPC.Found && f.VPC.Space != nil && f.VPC.Gateway == "" {
		out = append(out, f.beyond(quotaGateways, GatewaysPerRegion, f.Gateways, 1, region)...)
	}
	zones := f.networkZones()
	if f.Answers.NatGateways != "PerZone" {
		zones = zones[:min(1, len(zones))]
	}
	if f.NATs != nil {
		for _, zone := range slices.Sorted(slices.Values(zones)) {
			n := f.NATs[zone]
			out = append(out, f.beyond(quotaNATs, NATsPerZone, &n, 1, zone)...)
		}
	}
	// With a single gateway one address is enough, whatever the zones are.
	return append(out, f.beyond(quotaAddresses, ElasticIPs, f.Addresses, max(1, len(zones)), region)...)
}
