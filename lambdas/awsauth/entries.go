package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/smithy-go"
)

// entryAPI is the part of the EKS API that access entries need.
type entryAPI interface {
	CreateAccessEntry(context.Context, *eks.CreateAccessEntryInput, ...func(*eks.Options)) (*eks.CreateAccessEntryOutput, error)
	DescribeAccessEntry(context.Context, *eks.DescribeAccessEntryInput, ...func(*eks.Options)) (*eks.DescribeAccessEntryOutput, error)
	UpdateAccessEntry(context.Context, *eks.UpdateAccessEntryInput, ...func(*eks.Options)) (*eks.UpdateAccessEntryOutput, error)
	DeleteAccessEntry(context.Context, *eks.DeleteAccessEntryInput, ...func(*eks.Options)) (*eks.DeleteAccessEntryOutput, error)
	AssociateAccessPolicy(context.Context, *eks.AssociateAccessPolicyInput, ...func(*eks.Options)) (*eks.AssociateAccessPolicyOutput, error)
	DisassociateAccessPolicy(context.Context, *eks.DisassociateAccessPolicyInput, ...func(*eks.Options)) (*eks.DisassociateAccessPolicyOutput, error)
	ListAssociatedAccessPolicies(context.Context, *eks.ListAssociatedAccessPoliciesInput, ...func(*eks.Options)) (*eks.ListAssociatedAccessPoliciesOutput, error)
}

// entries are the access entries of clusters whose authentication mode has them.
type entries struct {
	eks  entryAPI
	pace pace
}

// ensure makes a principal's entry as it should be, or adopts one that is, and
// returns when EKS shows it so. wrote tells whether anything was changed, also
// with an error.
func (a entries) ensure(ctx context.Context, w wish, o owner) (username string, wrote bool, err error) {
	for looks := a.pace.begin(); ; {
		e, err := a.observe(ctx, w.cluster, w.principal.arn)
		if err != nil {
			return "", wrote, err
		}
		step, err := next(w, o, e)
		if err != nil {
			return "", wrote, err
		}
		if step == nothing || step == adopt {
			slog.InfoContext(ctx, "the access entry is as it should be", "cluster", w.cluster, "principal", w.principal.arn, "adopted", step == adopt)
			return e.username, wrote, nil
		}
		slog.InfoContext(ctx, "changing the access entry", "cluster", w.cluster, "principal", w.principal.arn, "action", string(step))
		err = a.act(ctx, w, o, e, step)
		wrote = wrote || !refusedByAWS(err)
		if err != nil && !passes(err, wrote) || !looks.more(ctx) {
			return "", wrote, failed(w, step, err)
		}
	}
}

// act does one step.
func (a entries) act(ctx context.Context, w wish, o owner, e *entry, step action) error {
	cluster, arn, policy := aws.String(w.cluster), aws.String(w.principal.arn), aws.String(w.policyARN())
	var err error
	switch step {
	case create:
		in := &eks.CreateAccessEntryInput{ClusterName: cluster, PrincipalArn: arn, Type: aws.String(w.entryType()), Tags: o.tags()}
		if w.username != "" {
			in.Username = aws.String(w.username)
		}
		_, err = a.eks.CreateAccessEntry(ctx, in)
	case remake:
		_, err = a.eks.DeleteAccessEntry(ctx, &eks.DeleteAccessEntryInput{ClusterName: cluster, PrincipalArn: arn})
	case rename:
		_, err = a.eks.UpdateAccessEntry(ctx, &eks.UpdateAccessEntryInput{
			ClusterName: cluster, PrincipalArn: arn, Username: aws.String(w.username), KubernetesGroups: e.groups,
		})
	case associate:
		_, err = a.eks.AssociateAccessPolicy(ctx, &eks.AssociateAccessPolicyInput{
			ClusterName: cluster, PrincipalArn: arn, PolicyArn: policy, AccessScope: &types.AccessScope{Type: types.AccessScopeTypeCluster},
		})
	case disassociate:
		_, err = a.eks.DisassociateAccessPolicy(ctx, &eks.DisassociateAccessPolicyInput{ClusterName: cluster, PrincipalArn: arn, PolicyArn: policy})
	case nothing, adopt:
	}
	return err
}

// remove deletes the entry if this owner made it, and leaves every other.
func (a entries) remove(ctx context.Context, cluster, principal string, o owner) error {
	e, err := a.find(ctx, cluster, principal)
	if err != nil {
		return err
	}
	if e == nil || !o.made(e.tags) {
		slog.InfoContext(ctx, "no access entry of ours to delete", "cluster", cluster, "principal", principal, "there", e != nil)
		return nil
	}
	_, err = a.eks.DeleteAccessEntry(ctx, &eks.DeleteAccessEntryInput{ClusterName: &cluster, PrincipalArn: &principal})
	if err != nil && !isNotFound(err) {
		return fmt.Errorf("delete the access entry of %s on cluster %s: %w", principal, cluster, err)
	}
	return nil
}

// find reads an entry without its access policies; nil: there is none, or no
// such cluster.
func (a entries) find(ctx context.Context, cluster, principal string) (*entry, error) {
	out, err := a.eks.DescribeAccessEntry(ctx, &eks.DescribeAccessEntryInput{ClusterName: &cluster, PrincipalArn: &principal})
	if isNotFound(err) || isOfMode(err) {
		return nil, nil //nolint:nilnil // no entry, which all callers ask for
	}
	if err != nil {
		return nil, fmt.Errorf("read the access entry of %s on cluster %s: %w", principal, cluster, err)
	}
	return &entry{
		kind: aws.ToString(out.AccessEntry.Type), username: aws.ToString(out.AccessEntry.Username), groups: out.AccessEntry.KubernetesGroups,
		tags: out.AccessEntry.Tags, policies: map[string]string{},
	}, nil
}

// observe reads an entry with its access policies; nil: there is none, or no
// such cluster.
func (a entries) observe(ctx context.Context, cluster, principal string) (*entry, error) {
	e, err := a.find(ctx, cluster, principal)
	if e == nil || err != nil {
		return nil, err
	}
	in := &eks.ListAssociatedAccessPoliciesInput{ClusterName: &cluster, PrincipalArn: &principal}
	for pages := eks.NewListAssociatedAccessPoliciesPaginator(a.eks, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if isNotFound(err) {
			return nil, nil //nolint:nilnil // deleted meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("list the access policies of %s on cluster %s: %w", principal, cluster, err)
		}
		for _, p := range page.AssociatedAccessPolicies {
			e.policies[aws.ToString(p.PolicyArn)] = scopeOf(p.AccessScope)
		}
	}
	return e, nil
}

func scopeOf(s *types.AccessScope) string {
	switch {
	case s == nil:
		return "an unknown scope"
	case len(s.Namespaces) > 0:
		return string(s.Type) + " " + strings.Join(s.Namespaces, ", ")
	}
	return string(s.Type)
}

func isNotFound(err error) bool {
	_, ok := errors.AsType[*types.ResourceNotFoundException](err)
	return ok
}

// isOfMode tells whether EKS has no access entries for the cluster's mode.
func isOfMode(err error) bool {
	_, ok := errors.AsType[*types.InvalidRequestException](err)
	return ok && strings.Contains(err.Error(), "authentication mode")
}

func isBusy(err error) bool {
	_, ok := errors.AsType[*types.ResourceInUseException](err)
	return ok
}

// isUnknownPrincipal tells whether EKS does not find the principal in IAM.
func isUnknownPrincipal(err error) bool {
	invalid, ok := errors.AsType[*types.InvalidParameterException](err)
	return ok && strings.Contains(strings.ToLower(invalid.ErrorMessage()), "principal")
}

func isDenied(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && strings.HasPrefix(api.ErrorCode(), "AccessDenied")
}

// refusedByAWS tells whether AWS answered that it did not do something. Without
// an answer it may have.
func refusedByAWS(err error) bool {
	_, ok := errors.AsType[smithy.APIError](err)
	return ok
}

// passes tells whether an error may be none at the next look: somebody else
// made or deleted the entry, EKS does not know a new role yet, or, once we wrote,
// IAM not the tags of what we made, on which the function's rights depend.
func passes(err error, wrote bool) bool {
	return isBusy(err) || isNotFound(err) || isUnknownPrincipal(err) || wrote && isDenied(err)
}

// failed says what could not be done to an entry; err is nil when EKS took it
// and does not show it.
func failed(w wish, step action, err error) error {
	what := fmt.Sprintf("%s the access entry of %s on cluster %s", step, w.principal.arn, w.cluster)
	switch {
	case err == nil:
		return fmt.Errorf("%s: EKS took it but does not show it yet; try again in some minutes", what)
	case isUnknownPrincipal(err):
		return fmt.Errorf("%s: EKS does not find that %s. Look whether the ARN is whole, with its path: aws iam get-%s --%[3]s-name %s --query %s.Arn: %w",
			what, w.principal.kind, w.principal.kind, w.principal.name, strings.ToUpper(w.principal.kind[:1])+w.principal.kind[1:], err)
	case isDenied(err):
		return fmt.Errorf("%s: this function's role may not do it. Look for a permissions boundary, or a policy of the organization, that forbids it: %w", what, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}
