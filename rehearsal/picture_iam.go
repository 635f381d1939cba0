package rehearsal

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// addIAM adds the account's roles with their trust and policies, its own managed
// policies, instance profiles and OIDC providers.
func (p Picture) addIAM(ctx context.Context, c *Clients) error {
	roles, err := listRoles(ctx, c)
	if err != nil {
		return fmt.Errorf("list the roles: %w", err)
	}
	for _, role := range roles {
		if err := p.addRole(ctx, c.IAM, role); err != nil {
			return fmt.Errorf("look at role %s: %w", role, err)
		}
	}
	policies, err := listManagedPolicies(ctx, c)
	if err != nil {
		return fmt.Errorf("list the managed policies: %w", err)
	}
	for _, arn := range policies {
		if err := p.addManagedPolicy(ctx, c.IAM, arn); err != nil {
			return fmt.Errorf("look at policy %s: %w", arn, err)
		}
	}
	profiles, err := listInstanceProfiles(ctx, c)
	if err != nil {
		return fmt.Errorf("list the instance profiles: %w", err)
	}
	for _, name := range profiles {
		o, err := c.IAM.GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: &name})
		if err != nil {
			return fmt.Errorf("look at instance profile %s: %w", name, err)
		}
		profile := o.InstanceProfile
		in := map[string]any{"Path": profile.Path, "Tags": sortedTags(profile.Tags), "Roles": names(profile.Roles, func(r iamtypes.Role) string { return aws.ToString(r.Arn) })}
		if err := p.add("instance profile", name, in); err != nil {
			return err
		}
	}
	return p.addProviders(ctx, c)
}

func (p Picture) addRole(ctx context.Context, api *iam.Client, name string) error {
	o, err := api.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	if err != nil {
		return err
	}
	r := o.Role
	trust, err := document(r.AssumeRolePolicyDocument)
	if err != nil {
		return err
	}
	in := map[string]any{
		"Arn": r.Arn, "RoleId": r.RoleId, "Trust": trust, "Description": r.Description, "Boundary": r.PermissionsBoundary,
		"MaxSessionDuration": r.MaxSessionDuration, "Tags": sortedTags(r.Tags),
	}
	if err := p.add("role", name, in); err != nil {
		return err
	}
	inline := iam.NewListRolePoliciesPaginator(api, &iam.ListRolePoliciesInput{RoleName: &name})
	var policies []string
	if err := pages(ctx, inline.HasMorePages, inline.NextPage, func(o *iam.ListRolePoliciesOutput) { policies = append(policies, o.PolicyNames...) }); err != nil {
		return err
	}
	for _, policy := range policies {
		o, err := api.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &name, PolicyName: &policy})
		if err != nil {
			return err
		}
		text, err := document(o.PolicyDocument)
		if err != nil {
			return err
		}
		if err := p.add("role policy", name+"/"+policy, text); err != nil {
			return err
		}
	}
	attached := iam.NewListAttachedRolePoliciesPaginator(api, &iam.ListAttachedRolePoliciesInput{RoleName: &name})
	return pages(ctx, attached.HasMorePages, attached.NextPage, func(o *iam.ListAttachedRolePoliciesOutput) {
		for _, a := range o.AttachedPolicies {
			p["attached policy "+name+"/"+aws.ToString(a.PolicyArn)] = "true"
		}
	})
}

func (p Picture) addManagedPolicy(ctx context.Context, api *iam.Client, arn string) error {
	o, err := api.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &arn})
	if err != nil {
		return err
	}
	v, err := api.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: &arn, VersionId: o.Policy.DefaultVersionId})
	if err != nil {
		return err
	}
	text, err := document(v.PolicyVersion.Document)
	if err != nil {
		return err
	}
	return p.add("managed policy", arn, map[string]any{"Version": o.Policy.DefaultVersionId, "Document": text, "Tags": sortedTags(o.Policy.Tags)})
}

func (p Picture) addProviders(ctx context.Context, c *Clients) error {
	providers, err := listOIDCProviders(ctx, c)
	if err != nil {
		return fmt.Errorf("list the OIDC providers: %w", err)
	}
	for _, arn := range providers {
		o, err := c.IAM.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: &arn})
		if err != nil {
			return fmt.Errorf("look at OIDC provider %s: %w", arn, err)
		}
		slices.Sort(o.ClientIDList)
		slices.Sort(o.ThumbprintList)
		in := map[string]any{"Url": o.Url, "Audiences": o.ClientIDList, "Thumbprints": o.ThumbprintList, "Created": o.CreateDate, "Tags": sortedTags(o.Tags)}
		if err := p.add("OIDC provider", arn, in); err != nil {
			return err
		}
	}
	return nil
}

// document is a policy document, which IAM gives URL-encoded.
func document(encoded *string) (v any, err error) {
	text, err := url.QueryUnescape(aws.ToString(encoded))
	if err != nil {
		return nil, err
	}
	return v, json.Unmarshal([]byte(text), &v)
}

func sortedTags(tags []iamtypes.Tag) []iamtypes.Tag {
	return slices.SortedFunc(slices.Values(tags), func(a, b iamtypes.Tag) int { return strings.Compare(aws.ToString(a.Key), aws.ToString(b.Key)) })
}
