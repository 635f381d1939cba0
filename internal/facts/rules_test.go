package facts

import (
	"fmt"
	"strings"
	"testing"

	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func TestClusterSecurityGroup(t *testing.T) {
	const (
		in    = "the cluster security group sg-0c does not let itself in on TCP port 443, and the functions have that group"
		out   = "the cluster security group sg-0c does not let itself out on TCP port 443"
		world = "the cluster security group sg-0c does not let anything out to AWS's APIs on TCP port 443"
	)
	other := func(r ec2types.SecurityGroupRule, from, to int32) ec2types.SecurityGroupRule {
		r.FromPort, r.ToPort = &from, &to
		return r
	}
	tests := map[string]struct {
		rules  []ec2types.SecurityGroupRule
		change func(*shape)
		errs   []string
	}{
		"as EKS makes it": {rules: usual().network.Rules},
		"closed":          {errs: []string{in, out, world}},
		"for HTTPS alone": {rules: []ec2types.SecurityGroupRule{
			rule("sg-0c", ingress, "tcp", "sg-0c"), rule("sg-0c", egress, "tcp", "sg-0c"), rule("sg-0c", egress, "6", "0.0.0.0/0"),
		}},
		"for other ports": {
			rules: []ec2types.SecurityGroupRule{
				other(rule("sg-0c", ingress, "tcp", "sg-0c"), 10250, 10250), other(rule("sg-0c", egress, "tcp", "0.0.0.0/0"), 80, 442), rule("sg-0c", egress, "udp", "0.0.0.0/0"),
			},
			errs: []string{in, out, world},
		},
		"for a range of ports": {rules: []ec2types.SecurityGroupRule{
			other(rule("sg-0c", ingress, "tcp", "sg-0c"), 0, 65535), other(rule("sg-0c", egress, "tcp", "0.0.0.0/0"), -1, -1),
		}},
		"by blocks": {rules: []ec2types.SecurityGroupRule{rule("sg-0c", ingress, "tcp", "10.0.0.0/16"), rule("sg-0c", egress, "tcp", "10.0.0.0/8")}},
		"by blocks of each subnet": {rules: []ec2types.SecurityGroupRule{
			rule("sg-0c", ingress, "tcp", "10.0.0.0/24"), rule("sg-0c", ingress, "tcp", "10.0.1.0/24"), rule("sg-0c", egress, "tcp", "0.0.0.0/0"),
		}},
		"by the block of one subnet": {
			rules: []ec2types.SecurityGroupRule{rule("sg-0c", ingress, "tcp", "10.0.0.0/24"), rule("sg-0c", egress, "tcp", "0.0.0.0/0")}, errs: []string{in},
		},
		"by a part of a block": {
			rules: []ec2types.SecurityGroupRule{rule("sg-0c", ingress, "tcp", "10.0.0.0/25"), rule("sg-0c", ingress, "tcp", "10.0.1.0/24"), rule("sg-0c", egress, "tcp", "0.0.0.0/0")},
			errs:  []string{in},
		},
		"by a prefix list": {rules: []ec2types.SecurityGroupRule{rule("sg-0c", ingress, "tcp", "pl-office"), rule("sg-0c", egress, "tcp", "pl-all")}},
		"to another group": {
			rules: []ec2types.SecurityGroupRule{rule("sg-0c", ingress, "tcp", "sg-0d"), rule("sg-0c", egress, "tcp", "sg-0d")}, errs: []string{in, out},
		},
		"of another group": {
			rules: []ec2types.SecurityGroupRule{rule("sg-0d", ingress, "-1", "sg-0c"), rule("sg-0d", egress, "-1", "0.0.0.0/0")}, errs: []string{in, out, world},
		},
		"to itself alone": {
			rules: []ec2types.SecurityGroupRule{rule("sg-0c", ingress, "-1", "sg-0c"), rule("sg-0c", egress, "-1", "sg-0c")}, errs: []string{world},
		},
		"to itself alone, with a proxy": {
			rules:  []ec2types.SecurityGroupRule{rule("sg-0c", ingress, "-1", "sg-0c"), rule("sg-0c", egress, "-1", "sg-0c")},
			change: func(s *shape) { s.choice.Proxy = true },
		},
		"to the world alone, with a public endpoint alone": {
			rules: []ec2types.SecurityGroupRule{rule("sg-0c", egress, "tcp", "0.0.0.0/0")}, change: func(s *shape) { s.publicOnly("0.0.0.0/0") },
		},
		"beside subnets that cannot be used": {
			change: func(s *shape) { s.routes(local) }, errs: []string{"None of the cluster's own can be used", in, out, world},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := usual()
			s.network.Rules = test.rules
			if test.change != nil {
				test.change(s)
			}
			_, err := Read(s.cluster, s.network, s.choice)
			text := fmt.Sprint(err)
			checkParts(t, "error", text, test.errs)
			if got := strings.Count(text, "the cluster security group"); got != strings.Count(strings.Join(test.errs, " "), "the cluster security group") {
				t.Errorf("error is %s", text)
			}
		})
	}
	t.Run("says the command", func(t *testing.T) {
		s := usual()
		s.network.Rules = s.network.Rules[1:]
		_, err := Read(s.cluster, s.network, s.choice)
		checkParts(t, "error", fmt.Sprint(err), []string{
			"aws ec2 authorize-security-group-ingress --region us-east-1 --group-id sg-0c --ip-permissions 'IpProtocol=tcp,FromPort=443,ToPort=443,UserIdGroupPairs=[{GroupId=sg-0c}]'",
		})
	})
}
