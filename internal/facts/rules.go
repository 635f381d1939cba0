package facts

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Directions of a rule.
const (
	ingress = false
	egress  = true
)

// https is the port of the Kubernetes API and of AWS's.
const https = 443

// checkRules says what the rules of the cluster security group keep from a
// function that has it as its own: functions in these subnets must reach the
// Kubernetes API, whose network interfaces lie in the cluster's subnets with
// the same group, and AWS. EKS makes the group open to itself and to the world
// outside; customers close it
// (eks/latest/userguide/sec-group-reqs.html).
func (v *view) checkRules(subnets []string) error {
	if v.group == "" {
		return nil // said already
	}
	if len(subnets) == 0 {
		subnets = v.own
	}
	itself := fmt.Sprintf("UserIdGroupPairs=[{GroupId=%s}]", v.group)
	var problems []error
	if v.private && !v.lets(v.group, ingress, v.group, v.blocks(subnets)) {
		problems = append(problems, v.closedTo("itself in", itself, "ingress"))
	}
	if v.private && !v.lets(v.group, egress, v.group, v.blocks(v.own)) {
		problems = append(problems, v.closedTo("itself out", itself, "egress"))
	}
	if !v.proxy && !v.letsOut() {
		problems = append(problems, v.closedTo("anything out to AWS's APIs", "IpRanges=[{CidrIp="+everywhere+"}]", "egress"))
	}
	return errors.Join(problems...)
}

func (v *view) closedTo(whom, peer, direction string) error {
	return fmt.Errorf("the cluster security group %s does not let %s on TCP port %d, and the functions have that group: "+
		"aws ec2 authorize-security-group-%s --region %s --group-id %s --ip-permissions 'IpProtocol=tcp,FromPort=%d,ToPort=%d,%s'",
		v.group, whom, https, direction, v.region, v.group, https, https, peer)
}

// letsOut tells whether the cluster security group lets a function reach AWS's
// APIs: somewhere beyond the cluster's own group, since what lies there, a
// firewall or an endpoint of the VPC, cannot be judged from here.
func (v *view) letsOut() bool {
	for _, r := range v.rules {
		if aws.ToString(r.GroupId) != v.group || !aws.ToBool(r.IsEgress) || !covers(r) {
			continue
		}
		peer := r.ReferencedGroupInfo
		if peer == nil || aws.ToString(peer.GroupId) != v.group {
			return true
		}
	}
	return false
}

// lets tells whether a rule of a group admits HTTPS from, or to, another group
// or all of the blocks. A prefix list is taken for admitting: what is in it is
// not looked at.
func (v *view) lets(group string, direction bool, peer string, blocks []netip.Prefix) bool { //nolint:gocyclo // one branch for each kind of peer
	open := make([]bool, len(blocks))
	for _, r := range v.rules {
		if aws.ToString(r.GroupId) != group || aws.ToBool(r.IsEgress) != direction || !covers(r) {
			continue
		}
		if r.ReferencedGroupInfo != nil && aws.ToString(r.ReferencedGroupInfo.GroupId) == peer || aws.ToString(r.PrefixListId) != "" {
			return true
		}
		cidr, err := netip.ParsePrefix(aws.ToString(r.CidrIpv4))
		if err != nil {
			continue
		}
		for i, b := range blocks {
			open[i] = open[i] || cidr.Bits() <= b.Bits() && cidr.Contains(b.Addr())
		}
	}
	for _, is := range open {
		if !is {
			return false
		}
	}
	return len(open) > 0
}

// covers tells whether a rule is for TCP port 443.
func covers(r ec2types.SecurityGroupRule) bool {
	switch strings.ToLower(aws.ToString(r.IpProtocol)) {
	case "-1":
		return true
	case "tcp", "6":
		from, to := aws.ToInt32(r.FromPort), aws.ToInt32(r.ToPort)
		return from == -1 || from <= https && https <= to
	}
	return false
}

// blocks are the IPv4 blocks of subnets, as far as they are known.
func (v *view) blocks(subnets []string) []netip.Prefix {
	var blocks []netip.Prefix
	for _, id := range subnets {
		if b, ok := v.block(id); ok {
			blocks = append(blocks, b)
		}
	}
	return blocks
}
