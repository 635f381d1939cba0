package main

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// principal is an IAM role or user.
type principal struct {
	arn       string // with its path, as access entries need it
	partition string
	kind      string // kindRole or kindUser
	name      string // without its path
	pathless  bool   // it has no path
}

const (
	kindRole = "role"
	kindUser = "user"

	// ssoPrefix begins the names of the roles of IAM Identity Center, which are
	// all under a path (singlesignon/latest/userguide/referencingpermissionsets.html).
	ssoPrefix = "AWSReservedSSO_"
	// servicePath is the path of service-linked roles, which cannot have an
	// access entry (eks/latest/userguide/creating-access-entries.html).
	servicePath = "role/aws-service-role/"
)

// parsePrincipal reads the ARN of an IAM role or user. The error says what to
// enter instead.
func parsePrincipal(text string) (principal, error) {
	parsed, err := arn.Parse(text)
	if err != nil {
		return principal{}, fmt.Errorf("%q is no ARN: enter arn:PARTITION:iam::ACCOUNT:role/NAME", text)
	}
	kind, rest, _ := strings.Cut(parsed.Resource, "/")
	name := rest[strings.LastIndex(rest, "/")+1:]
	p := principal{arn: text, partition: parsed.Partition, kind: kind, name: name, pathless: rest == name}
	return p, p.refusal(parsed, rest)
}

// refusal says why an ARN, whose resource is rest without its kind, is not that
// of a principal that can be let in.
func (p principal) refusal(parsed arn.ARN, rest string) error {
	switch {
	case parsed.Service == "sts" && p.kind == "assumed-role":
		role, _, _ := strings.Cut(rest, "/")
		return fmt.Errorf("%s is a session that ends, and clusters know roles: enter the ARN of its role, "+
			"which aws iam get-role --role-name %s --query Role.Arn prints", p.arn, role)
	case parsed.Service != "iam" || parsed.Region != "" || !p.isRoleOrUser():
		return fmt.Errorf("%s is not an IAM role or user: enter arn:PARTITION:iam::ACCOUNT:role/NAME", p.arn)
	case parsed.Partition == "" || !isAccount(parsed.AccountID):
		return fmt.Errorf("%s has no partition, or no account ID of 12 digits", p.arn)
	case strings.ContainsAny(p.arn, "*? "):
		return fmt.Errorf("%s has a blank or a wildcard in it, and a cluster lets in one role or user at a time", p.arn)
	case strings.HasPrefix(parsed.Resource, servicePath):
		return fmt.Errorf("%s is a service-linked role: EKS lets no such role in by an access entry", p.arn)
	case strings.HasPrefix(p.name, ssoPrefix) && p.pathless:
		return fmt.Errorf("%s is a role of IAM Identity Center without its path: enter the whole ARN, with "+
			"aws-reserved/sso.amazonaws.com in it, which aws iam get-role --role-name %s --query Role.Arn prints", p.arn, p.name)
	}
	return nil
}

func (p principal) isRoleOrUser() bool {
	return (p.kind == kindRole || p.kind == kindUser) && p.name != ""
}

func isAccount(id string) bool { return len(id) == 12 && strings.Trim(id, "0123456789") == "" }

// withoutPath is the ARN as STS, and so aws-auth, knows it.
func (p principal) withoutPath() string {
	head, _, _ := strings.Cut(p.arn, ":"+p.kind+"/")
	return head + ":" + p.kind + "/" + p.name
}

// same tells whether an ARN without a path is this principal's. aws-auth knows
// no case.
func (p principal) same(pathless string) bool { return strings.EqualFold(p.withoutPath(), pathless) }

// roleOf gives the ARN, without its path, of the role behind a session's ARN,
// and any other ARN as it is.
func roleOf(caller string) string {
	parsed, err := arn.Parse(caller)
	if err != nil {
		return caller
	}
	kind, rest, _ := strings.Cut(parsed.Resource, "/")
	if parsed.Service != "sts" || kind != "assumed-role" {
		return caller
	}
	role, _, _ := strings.Cut(rest, "/")
	parsed.Service, parsed.Resource = "iam", kindRole+"/"+role
	return parsed.String()
}
