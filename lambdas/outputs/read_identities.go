package main

import (
	"context"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/e6data/aws-quickstart/internal/awserror"
	"github.com/e6data/aws-quickstart/internal/preflight"
)

// readIdentities looks at roles, users and policies that the answers name.
func (a account) readIdentities(ctx context.Context, l *looks, asked preflight.Topics) {
	answers := l.before.Answers
	if asked.Principals {
		for _, arn := range preflight.PrincipalsAsked(l.before) {
			look(l, arn, func() (bool, error) { return a.iam.principal(ctx, arn) }, func(f *preflight.Facts, there bool) {
				if f.Principals == nil {
					f.Principals = map[string]bool{}
				}
				f.Principals[arn] = there
			})
		}
	}
	if asked.Boundary {
		arn := answers.PermissionsBoundaryArn
		look(l, arn, func() (bool, error) { return a.iam.policy(ctx, arn) }, func(f *preflight.Facts, there bool) { f.Boundary = &there })
	}
	if asked.LinkedRoles {
		for _, service := range preflight.LinkedRolesAsked(l.before) {
			look(l, service, func() (*preflight.Role, error) { return a.iam.role(ctx, preflight.LinkedRole(service)) }, func(f *preflight.Facts, r *preflight.Role) {
				if f.LinkedRoles == nil {
					f.LinkedRoles = map[string]bool{}
				}
				f.LinkedRoles[service] = r.Found
			})
		}
	}
	if !asked.Installer {
		return
	}
	role := func(name string, keep func(*preflight.Facts, *preflight.Role)) {
		if name != "" {
			look(l, name, func() (*preflight.Role, error) { return a.iam.role(ctx, name) }, keep)
		}
	}
	role(answers.InstallerRoleName, func(f *preflight.Facts, r *preflight.Role) { f.InstallerRole = r })
	role(answers.KarpenterControllerRoleName, func(f *preflight.Facts, r *preflight.Role) { f.KarpenterRole = r })
	role(nameIn(answers.ClusterAdminRoleArn), func(f *preflight.Facts, r *preflight.Role) {
		r.Found = r.Found && r.Arn == answers.ClusterAdminRoleArn
		f.AdminRole = r
	})
}

// identityReader is the part of the IAM API that is read.
type identityReader interface {
	GetRole(context.Context, *iam.GetRoleInput, ...func(*iam.Options)) (*iam.GetRoleOutput, error)
	GetUser(context.Context, *iam.GetUserInput, ...func(*iam.Options)) (*iam.GetUserOutput, error)
	GetPolicy(context.Context, *iam.GetPolicyInput, ...func(*iam.Options)) (*iam.GetPolicyOutput, error)
}

type identities struct{ api identityReader }

// nameIn is the last part of an ARN: IAM finds roles and users by it, whatever
// their path is.
func nameIn(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

func (i identities) role(ctx context.Context, name string) (*preflight.Role, error) {
	out, err := i.api.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	if awserror.HasCode(err, "NoSuchEntity") {
		return &preflight.Role{}, nil
	}
	if err != nil {
		return nil, err
	}
	r := &preflight.Role{Found: true, Arn: aws.ToString(out.Role.Arn)}
	for _, t := range out.Role.Tags {
		if aws.ToString(t.Key) == ofStack {
			r.Stack = aws.ToString(t.Value)
		}
	}
	// IAM gives policies as in a URL.
	if r.Trust, err = url.QueryUnescape(aws.ToString(out.Role.AssumeRolePolicyDocument)); err != nil {
		r.Trust = ""
	}
	return r, nil
}

// principal tells whether a role or a user exists with this path.
func (i identities) principal(ctx context.Context, arn string) (bool, error) {
	name := nameIn(arn)
	if strings.Contains(arn, ":role/") {
		r, err := i.role(ctx, name)
		return err == nil && r.Found && r.Arn == arn, err
	}
	out, err := i.api.GetUser(ctx, &iam.GetUserInput{UserName: &name})
	if awserror.HasCode(err, "NoSuchEntity") {
		return false, nil
	}
	return err == nil && aws.ToString(out.User.Arn) == arn, err
}

func (i identities) policy(ctx context.Context, arn string) (bool, error) {
	_, err := i.api.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &arn})
	if awserror.HasCode(err, "NoSuchEntity") {
		return false, nil
	}
	return err == nil, err
}
