package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// providerAPI is the part of the IAM API that OIDC providers need.
type providerAPI interface {
	GetOpenIDConnectProvider(context.Context, *iam.GetOpenIDConnectProviderInput, ...func(*iam.Options)) (*iam.GetOpenIDConnectProviderOutput, error)
	CreateOpenIDConnectProvider(context.Context, *iam.CreateOpenIDConnectProviderInput, ...func(*iam.Options)) (*iam.CreateOpenIDConnectProviderOutput, error)
	DeleteOpenIDConnectProvider(context.Context, *iam.DeleteOpenIDConnectProviderInput, ...func(*iam.Options)) (*iam.DeleteOpenIDConnectProviderOutput, error)
	TagOpenIDConnectProvider(context.Context, *iam.TagOpenIDConnectProviderInput, ...func(*iam.Options)) (*iam.TagOpenIDConnectProviderOutput, error)
	UntagOpenIDConnectProvider(context.Context, *iam.UntagOpenIDConnectProviderInput, ...func(*iam.Options)) (*iam.UntagOpenIDConnectProviderOutput, error)
	ListRoles(context.Context, *iam.ListRolesInput, ...func(*iam.Options)) (*iam.ListRolesOutput, error)
}

// providers are the account's OIDC providers.
type providers struct{ iam providerAPI }

// observe reads a provider; nil: there is none.
func (a providers) observe(ctx context.Context, arn string) (*provider, error) {
	out, err := a.iam.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: &arn})
	if gone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the OIDC provider %s: %w", arn, err)
	}
	p := readProvider(out)
	return &p, nil
}

// make makes a provider with its marks, or nothing. A list of thumbprints is
// not given: IAM finds the thumbprint by itself, and for certificates of public
// authorities, such as those of EKS's issuers, does not use it
// (IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html).
func (a providers) make(ctx context.Context, w wish) error {
	_, err := a.iam.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{
		Url: &w.issuer, ClientIDList: []string{audience}, Tags: marks(w.stack, w.workspace),
	})
	if _, full := errors.AsType[*types.LimitExceededException](err); full {
		return fmt.Errorf("make the OIDC provider of %s: the account has as many as it may have: delete those of clusters that are gone "+
			"(aws iam list-open-id-connect-providers), or ask Service Quotas for more: %w", w.issuer, err)
	}
	if err != nil {
		return fmt.Errorf("make the OIDC provider of %s: %w", w.issuer, err)
	}
	return nil
}

func (a providers) tag(ctx context.Context, arn string, tags ...types.Tag) error {
	_, err := a.iam.TagOpenIDConnectProvider(ctx, &iam.TagOpenIDConnectProviderInput{OpenIDConnectProviderArn: &arn, Tags: tags})
	if _, full := errors.AsType[*types.LimitExceededException](err); full {
		return fmt.Errorf("tag the OIDC provider %s: each workspace that uses it has a tag on it, and IAM allows no more: "+
			"take off tags of your own: %w", arn, err)
	}
	if err != nil {
		return fmt.Errorf("tag the OIDC provider %s: %w", arn, err)
	}
	return nil
}

func (a providers) untag(ctx context.Context, arn string, keys ...string) error {
	_, err := a.iam.UntagOpenIDConnectProvider(ctx, &iam.UntagOpenIDConnectProviderInput{OpenIDConnectProviderArn: &arn, TagKeys: keys})
	if err != nil {
		return fmt.Errorf("untag the OIDC provider %s: %w", arn, err)
	}
	return nil
}

// remove deletes a provider. It tries once: by a second try there could be a new
// provider, of another stack.
func (a providers) remove(ctx context.Context, arn string) error {
	_, err := a.iam.DeleteOpenIDConnectProvider(ctx, &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: &arn},
		func(o *iam.Options) { o.RetryMaxAttempts = 1 })
	if err != nil && !gone(err) {
		return fmt.Errorf("delete the OIDC provider %s: %w", arn, err)
	}
	return nil
}

// trusting names the roles that a provider's tokens can assume, at most a few.
func (a providers) trusting(ctx context.Context, arn string) ([]string, error) {
	const most = 5
	names := []string{}
	pages := iam.NewListRolesPaginator(a.iam, &iam.ListRolesInput{MaxItems: aws.Int32(1000)})
	for pages.HasMorePages() && len(names) < most {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("look for roles that trust the OIDC provider %s: %w", arn, err)
		}
		for _, role := range page.Roles {
			policy, err := url.QueryUnescape(aws.ToString(role.AssumeRolePolicyDocument))
			if err == nil && strings.Contains(policy, `"`+arn+`"`) {
				names = append(names, aws.ToString(role.RoleName))
			}
		}
	}
	return names[:min(len(names), most)], nil
}

// gone tells whether the provider is not there.
func gone(err error) bool {
	_, none := errors.AsType[*types.NoSuchEntityException](err)
	return none
}

// passes tells whether an error may be none at the next look: somebody else
// changed the provider meanwhile, or IAM was busy.
func passes(err error) bool {
	_, exists := errors.AsType[*types.EntityAlreadyExistsException](err)
	_, concurrent := errors.AsType[*types.ConcurrentModificationException](err)
	// IAM asks the issuer, which of a new cluster may not answer yet.
	_, unreached := errors.AsType[*types.OpenIdIdpCommunicationErrorException](err)
	return gone(err) || exists || concurrent || unreached ||
		retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary
}

// doubts tell an error for good from one that another look may clear up.
type doubts struct{ denials int } // in a row

// mostDenials is how often in a row a write to a provider may be denied.
const mostDenials = 3

// settle tells whether err is for good. A denial of a write to a provider that
// was seen need not be: the policy of the function knows providers by their
// tags, and IAM asks it before it finds that the provider is gone, or another.
func (d *doubts) settle(seen *provider, err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || api.ErrorCode() != "AccessDenied" || seen == nil {
		d.denials = 0
		return err != nil && !passes(err)
	}
	d.denials++
	return d.denials > mostDenials
}

// leavingMark says that a stack leaves from now on.
func leavingMark(stack string) types.Tag {
	return mark(contract.LeavingTag+stack, time.Now().UTC().Format(time.RFC3339))
}
