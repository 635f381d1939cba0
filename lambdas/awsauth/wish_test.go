package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/awsauth"
	"github.com/e6data/aws-quickstart/internal/contract"
)

func TestWishes(t *testing.T) {
	cases := map[string]struct {
		props contract.AWSAuth
		kind  string
		role  awsauth.Role
	}{
		"an administrator": {
			contract.AWSAuth{PrincipalArn: installer, Grant: contract.GrantAdministrator},
			typeStandard,
			awsauth.Role{ARN: installer, Username: "e6data-ws-installer-us-east-1", Groups: []string{"system:masters"}},
		},
		"an administrator of IAM Identity Center": {
			contract.AWSAuth{PrincipalArn: sso, Grant: contract.GrantAdministrator},
			typeStandard,
			awsauth.Role{ARN: sso, Username: "e6data-AWSReservedSSO_Admin_0123456789abcdef", Groups: []string{"system:masters"}},
		},
		"an administrator with a name": {
			contract.AWSAuth{PrincipalArn: admins, Grant: contract.GrantAdministrator, Username: "boss"},
			typeStandard,
			awsauth.Role{ARN: admins, Username: "boss", Groups: []string{"system:masters"}},
		},
		"a user": {
			contract.AWSAuth{PrincipalArn: control, Grant: contract.GrantUser, Username: "e6data-ws-user"},
			typeStandard,
			awsauth.Role{ARN: control, Username: "e6data-ws-user"},
		},
		"nodes": {
			contract.AWSAuth{PrincipalArn: nodes, Grant: contract.GrantNode},
			typeNode,
			awsauth.Role{ARN: nodes, Username: "system:node:{{EC2PrivateDNSName}}", Groups: []string{"system:bootstrappers", "system:nodes"}},
		},
		"of another partition": {
			contract.AWSAuth{PrincipalArn: "arn:aws-us-gov:iam::111122223333:role/x", Grant: contract.GrantNode},
			typeNode,
			awsauth.Role{ARN: "arn:aws-us-gov:iam::111122223333:role/x", Username: "system:node:{{EC2PrivateDNSName}}", Groups: []string{"system:bootstrappers", "system:nodes"}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			tc.props.ClusterName = "demo"
			w, err := wishOf(tc.props)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.role, w.mapping()); diff != "" || w.entryType() != tc.kind {
				t.Errorf("type %s, mapping (-want +got):\n%s", w.entryType(), diff)
			}
		})
	}
	china, err := wishOf(contract.AWSAuth{ClusterName: "demo", PrincipalArn: "arn:aws-cn:iam::111122223333:role/x", Grant: contract.GrantAdministrator})
	if err != nil || china.policyARN() != "arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy" {
		t.Errorf("the policy is %s, %v", china.policyARN(), err)
	}
}

func TestPropertiesAreRefused(t *testing.T) {
	ok := contract.AWSAuth{ClusterName: "demo", PrincipalArn: control, Grant: contract.GrantUser, Username: "u"}
	cases := map[string]struct {
		change func(*contract.AWSAuth)
		say    []string
	}{
		"a session": {
			func(p *contract.AWSAuth) {
				p.PrincipalArn = "arn:aws:sts::111122223333:assumed-role/admins/jane"
			}, []string{"PrincipalArn: ", "assumed-role/admins/jane is a session that ends", "aws iam get-role --role-name admins --query Role.Arn"},
		},
		"an account's root":          {func(p *contract.AWSAuth) { p.PrincipalArn = account + "root" }, []string{"is not an IAM role or user"}},
		"a group":                    {func(p *contract.AWSAuth) { p.PrincipalArn = account + "group/g" }, []string{"is not an IAM role or user"}},
		"no ARN":                     {func(p *contract.AWSAuth) { p.PrincipalArn = "admins" }, []string{`"admins" is no ARN`}},
		"a role without a name":      {func(p *contract.AWSAuth) { p.PrincipalArn = account + "role/" }, []string{"is not an IAM role or user"}},
		"a short account ID":         {func(p *contract.AWSAuth) { p.PrincipalArn = "arn:aws:iam::123:role/x" }, []string{"no account ID of 12 digits"}},
		"a pattern":                  {func(p *contract.AWSAuth) { p.PrincipalArn = account + "role/*" }, []string{"a wildcard"}},
		"a service-linked role":      {func(p *contract.AWSAuth) { p.PrincipalArn = account + "role/aws-service-role/x/y" }, []string{"service-linked"}},
		"a role of SSO without path": {func(p *contract.AWSAuth) { p.PrincipalArn = account + "role/AWSReservedSSO_Admin_1" }, []string{"without its path", "aws-reserved/sso.amazonaws.com"}},
		"a user without a name":      {func(p *contract.AWSAuth) { p.Username = "" }, []string{"Username is empty"}},
		"a name for nodes":           {func(p *contract.AWSAuth) { p.Grant = contract.GrantNode }, []string{`Username "u": nodes have a name`}},
		"an IAM user as node": {
			func(p *contract.AWSAuth) {
				p.Grant, p.Username, p.PrincipalArn = contract.GrantNode, "", account+"user/u"
			}, []string{"nodes need a role"},
		},
		"a reserved name":         {func(p *contract.AWSAuth) { p.Username = "system:admin" }, []string{"EKS takes none that begins with system:"}},
		"a name with a blank":     {func(p *contract.AWSAuth) { p.Username = " u" }, []string{"begins or ends with a blank"}},
		"a name with a line feed": {func(p *contract.AWSAuth) { p.Username = "u\nv" }, []string{"cannot be printed"}},
		"an administrator that is a user": {
			func(p *contract.AWSAuth) { p.ClusterAdminRoleArn = account + "user/u" }, []string{"ClusterAdminRoleArn: ", "only a role can be assumed"},
		},
		"everything at once": {
			func(p *contract.AWSAuth) { *p = contract.AWSAuth{ClusterAdminRoleArn: "x", Username: "aws:x"} },
			[]string{`ClusterName ""`, `PrincipalArn: "" is no ARN`, `ClusterAdminRoleArn: "x" is no ARN`, `Grant "": want Administrator, User or Node`, `Username "aws:x"`},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p := ok
			tc.change(&p)
			_, err := wishOf(p)
			lacks(t, err, tc.say...)
		})
	}
	if _, err := wishOf(ok); err != nil {
		t.Error(err)
	}
}
