// Package awsauth maps IAM roles in the ConfigMap kube-system/aws-auth, which
// says on clusters of the authentication modes CONFIG_MAP and
// API_AND_CONFIG_MAP who may enter. Everybody edits that ConfigMap, and nodes
// join by it, so an edit here is a splice of text: every byte that is not ours
// survives, and a text that cannot be read is refused, never replaced.
//
// SetRole, ReplaceRole and RemoveRole are pure, text in and text out. Store
// does one careful write with them and remembers what it added.
//
// What an entry means is what sigs.k8s.io/aws-iam-authenticator makes of it
// (pkg/mapper/configmap, pkg/config): names of keys in any case, YAML read as
// Kubernetes reads it, ARNs compared without regard to case and without a path.
package awsauth

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// Role is the mapping of an IAM role to a Kubernetes user.
type Role struct {
	// ARN is the role's: arn:PARTITION:iam::ACCOUNT:role/[PATH/]NAME. It is
	// written without the path, which aws-auth never matches.
	ARN string `json:"arn"`
	// Username is the Kubernetes user's name. It may have the authenticator's
	// templates, such as {{SessionName}} and {{EC2PrivateDNSName}}.
	Username string `json:"username"`
	// Groups are the user's Kubernetes groups; there may be none.
	Groups []string `json:"groups"`
}

func (r Role) String() string {
	user, groups := "no user name", "no groups"
	if r.Username != "" {
		user = "user " + r.Username
	}
	if len(r.Groups) > 0 {
		groups = "groups " + strings.Join(r.Groups, ", ")
	}
	return fmt.Sprintf("%s as %s with %s", r.ARN, user, groups)
}

// IAM's own rules for names and paths:
// docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html.
var (
	roleName  = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	accountID = regexp.MustCompile(`^[0-9]{12}$`)
)

// StripPath gives a role's ARN without the role's path, as aws-auth needs it:
// arn:aws:iam::111122223333:role/team/dev/admin becomes
// arn:aws:iam::111122223333:role/admin, and so do the roles of IAM Identity
// Center under aws-reserved/sso.amazonaws.com. STS names a role's sessions
// without its path, so an entry with one never matches
// (docs.aws.amazon.com/eks/latest/userguide/troubleshooting_iam.html). Any
// partition will do. An ARN that is not an IAM role's is an error: a user, an
// account's root, a session, a pattern.
func StripPath(roleARN string) (string, error) {
	parsed, err := arn.Parse(roleARN)
	if err != nil {
		return "", fmt.Errorf("%q is no ARN: enter arn:PARTITION:iam::ACCOUNT:role/NAME", roleARN)
	}
	kind, rest, _ := strings.Cut(parsed.Resource, "/")
	name := rest[strings.LastIndex(rest, "/")+1:]
	switch {
	case parsed.Service == "sts" && kind == "assumed-role":
		role, _, _ := strings.Cut(rest, "/")
		return "", fmt.Errorf("%s is a session, not a role: enter arn:%s:iam::%s:role/%s", roleARN, parsed.Partition, parsed.AccountID, role)
	case parsed.Service != "iam" || kind != "role" || parsed.Region != "":
		return "", fmt.Errorf("%s is not an IAM role: enter arn:PARTITION:iam::ACCOUNT:role/NAME", roleARN)
	case parsed.Partition == "" || !accountID.MatchString(parsed.AccountID):
		return "", fmt.Errorf("%s has no partition, or no account ID of 12 digits", roleARN)
	case !roleName.MatchString(name):
		return "", fmt.Errorf("%s: %q is no name of a role: 1 to 64 letters, digits and any of _+=,.@-", roleARN, name)
	}
	parsed.Resource = "role/" + name
	return parsed.String(), nil
}

// normal checks a role and gives it without its path and with sorted-out groups.
func (r Role) normal() (Role, error) {
	stripped, err := StripPath(r.ARN)
	if err != nil {
		return r, fmt.Errorf("map a role in aws-auth: %w", err)
	}
	if err := checkText(r.Username); err != nil {
		return r, fmt.Errorf("map role %s in aws-auth: the user name %q %w", stripped, r.Username, err)
	}
	groups := make([]string, 0, len(r.Groups))
	for _, g := range r.Groups {
		if err := checkText(g); err != nil {
			return r, fmt.Errorf("map role %s in aws-auth: the group %q %w", stripped, g, err)
		}
		if !slices.Contains(groups, g) {
			groups = append(groups, g)
		}
	}
	return Role{ARN: stripped, Username: r.Username, Groups: groups}, nil
}

// checkText completes the sentence "the user name x ...".
func checkText(s string) error {
	switch {
	case s == "":
		return errors.New("is empty")
	case strings.TrimSpace(s) != s:
		return errors.New("begins or ends with a blank")
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		return errors.New("has characters that cannot be printed")
	}
	return nil
}

// sameRole tells whether the authenticator takes both ARNs for one role.
func (r Role) sameRole(other Role) bool { return strings.EqualFold(r.ARN, other.ARN) }

// grants tells whether r gives at least what the other mapping gives.
func (r Role) grants(other Role) bool {
	return r.sameRole(other) && r.Username == other.Username && subset(other.Groups, r.Groups)
}

// equal tells whether two mappings mean the same.
func (r Role) equal(other Role) bool { return r.grants(other) && other.grants(r) }

func subset(some, all []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}
