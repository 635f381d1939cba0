package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/e6data/aws-quickstart/internal/awsauth"
	"github.com/e6data/aws-quickstart/internal/contract"
)

// Types of access entries, and what EKS and Kubernetes call the grants
// (eks/latest/userguide/creating-access-entries.html, auth-configmap.html).
const (
	typeStandard = "STANDARD"
	typeNode     = "EC2_LINUX"

	groupMasters = "system:masters"
	nodeUsername = "system:node:{{EC2PrivateDNSName}}"
	adminPolicy  = "AmazonEKSClusterAdminPolicy"

	usernamePrefix = "e6data-"
)

// reserved are beginnings that EKS takes of no username.
var reserved = []string{"system:", "eks:", "aws:", "amazon:", "iam:"}

// wish is who shall be let into which cluster, and as what.
type wish struct {
	cluster   string
	principal principal
	grant     string
	// username is the Kubernetes user's; empty: an administrator's may be any,
	// and a node's is its own.
	username string
	// admin is a role that may be used to edit aws-auth; empty: none.
	admin       string
	modeChanges bool
}

// wishOf checks the properties, and gives all problems at once.
func wishOf(p contract.AWSAuth) (wish, error) {
	var problems []error
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	w := wish{cluster: p.ClusterName, grant: p.Grant, username: p.Username, admin: p.ClusterAdminRoleArn, modeChanges: p.AllowAuthModeChange}
	refuse(p.ClusterName == "" || strings.ContainsAny(p.ClusterName, "/ "), "ClusterName %q: want an EKS cluster's name", p.ClusterName)
	var err error
	w.principal, err = parsePrincipal(p.PrincipalArn)
	refuse(err != nil, "PrincipalArn: %w", err)
	if p.ClusterAdminRoleArn != "" {
		role, err := parsePrincipal(p.ClusterAdminRoleArn)
		refuse(err != nil, "ClusterAdminRoleArn: %w", err)
		refuse(err == nil && role.kind != kindRole, "ClusterAdminRoleArn: %s is a user, and only a role can be assumed", p.ClusterAdminRoleArn)
	}
	switch p.Grant {
	case contract.GrantAdministrator:
	case contract.GrantUser:
		refuse(p.Username == "", "Username is empty: a user without rights of its own needs a name that RBAC can give rights to")
	case contract.GrantNode:
		refuse(p.Username != "", "Username %q: nodes have a name of their own, so none can be given", p.Username)
		refuse(err == nil && w.principal.kind != kindRole, "PrincipalArn: %s is a user, and nodes need a role", p.PrincipalArn)
	default:
		refuse(true, "Grant %q: want %s, %s or %s", p.Grant, contract.GrantAdministrator, contract.GrantUser, contract.GrantNode)
	}
	refuse(slices.ContainsFunc(reserved, func(r string) bool { return strings.HasPrefix(p.Username, r) }),
		"Username %q: EKS takes none that begins with %s", p.Username, strings.Join(reserved, ", "))
	refuse(strings.TrimSpace(p.Username) != p.Username || strings.ContainsFunc(p.Username, func(r rune) bool { return !unicode.IsPrint(r) }),
		"Username %q: it begins or ends with a blank, or has characters that cannot be printed", p.Username)
	return w, errors.Join(problems...)
}

func (w wish) id(method string) identity {
	return identity{cluster: w.cluster, principal: w.principal.arn, method: method}
}

// entryType is the type of an access entry for the grant.
func (w wish) entryType() string {
	if w.grant == contract.GrantNode {
		return typeNode
	}
	return typeStandard
}

// policyARN is the access policy that makes administrators.
func (w wish) policyARN() string {
	return "arn:" + w.principal.partition + ":eks::aws:cluster-access-policy/" + adminPolicy
}

func (w wish) needsPolicy() bool { return w.grant == contract.GrantAdministrator }

// mapping is the entry in aws-auth for the grant.
func (w wish) mapping() awsauth.Role {
	role := awsauth.Role{ARN: w.principal.arn, Username: w.username}
	switch w.grant {
	case contract.GrantAdministrator:
		role.Groups = []string{groupMasters}
		if role.Username == "" {
			role.Username = derivedUsername(w.principal.name)
		}
	case contract.GrantNode:
		role.Username, role.Groups = nodeUsername, []string{"system:bootstrappers", "system:nodes"}
	}
	return role
}

// derivedUsername names an administrator whose name nobody chose.
func derivedUsername(role string) string {
	if strings.HasPrefix(role, usernamePrefix) {
		return role
	}
	return usernamePrefix + role
}
