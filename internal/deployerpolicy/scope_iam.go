package deployerpolicy

import (
	"strings"

	"github.com/e6data/aws-quickstart/internal/policy"
)

func (s scopes) identity(u use) (grant, bool) {
	switch {
	case u.action == "iam:CreateServiceLinkedRole":
		linked := s.facts.Types[u.typ].Linked
		return on("MakeServiceLinkedRoles", policy.Condition{"StringEquals": {"iam:AWSServiceName": {linked[0]}}},
			s.iam("role/aws-service-role/"+strings.Join(linked, "/")))
	case u.typ == "AWS::IAM::RolePolicy":
		return s.theirKarpenter()
	case u.action == "iam:PassRole":
		return on("PassOwnRoles", policy.Condition{"StringEquals": {"iam:PassedToService": passedTo(s.facts.Types[u.typ].Passes)}}, s.roles()...)
	case u.kind == "oidc-provider":
		return s.provider(u)
	case u.kind == "role":
		return s.role(u)
	case u.kind == "policy":
		return s.ofStack(u, "ManageOwnPolicies", s.entities("policy", "AWS::IAM::ManagedPolicy", "ManagedPolicyName"))
	case u.kind == "instance-profile":
		return s.ofStack(u, "ManageOwnProfiles", s.entities("instance-profile", "AWS::IAM::InstanceProfile", "InstanceProfileName"))
	}
	return grant{}, false
}

// passedTo are the names by which a service gets a role: EC2 has another in
// China.
func passedTo(service string) []string {
	if service == "ec2.amazonaws.com" {
		return []string{service, service + ".cn"}
	}
	return []string{service}
}

// entities are the ARNs of the stack's own, by the names that it gives or
// CloudFormation does. They all have the role path.
func (s scopes) entities(kind, typ, property string) []string {
	var out []string
	for _, name := range s.names(typ, property, s.StackNamePrefix+anything, s.Settings) {
		out = append(out, s.iam(kind+s.RolePath+name))
	}
	return out
}

func (s scopes) roles() []string { return s.entities("role", "AWS::IAM::Role", "RoleName") }

func (s scopes) ofStack(u use, sid string, resources []string) (grant, bool) {
	if reads(u.action) {
		return on("ReadOwnRoles", nil, resources...)
	}
	return on(sid, viaCloudFormation, resources...)
}

// role: with a boundary given, roles have it from their first moment to their
// last, or nothing can be done to them.
func (s scopes) role(u use) (grant, bool) {
	if reads(u.action) {
		return on("ReadOwnRoles", nil, s.roles()...)
	}
	limits := viaCloudFormation
	bounded := s.facts.takes(u.action, u.kind, "iam:PermissionsBoundary")
	if bounded && s.PermissionsBoundary != "" {
		limits = both(limits, policy.Condition{"StringEquals": {"iam:PermissionsBoundary": {s.PermissionsBoundary}}})
	}
	switch {
	case u.action == "iam:DeleteRolePermissionsBoundary" && s.PermissionsBoundary != "":
		return leftOut, true
	case s.facts.takes(u.action, u.kind, "iam:PolicyARN"):
		return on("AttachKnownPolicies", both(limits, policy.Condition{"ArnLike": {"iam:PolicyARN": s.attached()}}), s.roles()...)
	case bounded:
		return on("ManageOwnRoles", limits, s.roles()...)
	}
	return on("TagOwnRoles", limits, s.roles()...)
}

// attached are the policies that the template attaches to its roles.
func (s scopes) attached() []string {
	out := s.entities("policy", "AWS::IAM::ManagedPolicy", "ManagedPolicyName")
	for _, r := range s.resources {
		list, _ := r.Properties["ManagedPolicyArns"].([]any)
		for _, one := range list {
			if text, ok := at(one, "Fn::Sub").(string); ok {
				out = append(out, placeholders(text, s.Settings))
			}
		}
	}
	return set(out)
}

// provider: the ARN tells an EKS issuer, its mark whose it is. An existing one
// cannot be told from one to be made, so that the mark alone would be a way to
// others' providers for who may call IAM himself: it is given by CloudFormation.
func (s scopes) provider(u use) (grant, bool) {
	issuer := s.iam("oidc-provider/oidc.eks." + s.Region)
	if s.Region != anything {
		issuer += ".*"
	}
	switch {
	case reads(u.action):
		return on("ReadOidcProviders", nil, issuer)
	case u.handler == create:
		return s.limited(u, "MakeMarkedOidcProvider", both(viaCloudFormation, whenMarking), issuer)
	}
	return s.limited(u, "ChangeMarkedOidcProvider", both(viaCloudFormation, whenMarked), issuer)
}

// theirKarpenter: the right to write any role's policy would be the right to
// everything, so that the role must be named.
func (s scopes) theirKarpenter() (grant, bool) {
	if s.KarpenterControllerRole == "" {
		return leftOut, true
	}
	return on("LetTheirKarpenterPassNodeRole", viaCloudFormation, s.iam("role/"+s.KarpenterControllerRole))
}
