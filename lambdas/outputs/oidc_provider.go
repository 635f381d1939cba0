package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
)

// oidcProvider answers Custom::OidcProvider (docs/adr/0024-oidc-provider.md).
// An account has one provider for an issuer, so the workspaces of a cluster
// share it, and IAM cannot compare before it writes. Hence:
//
//   - Who uses a provider that a stack made puts a mark on it, waits until all
//     others can see it, and looks again: the mark must be there, and nobody
//     may be leaving.
//   - Who leaves says so by another mark, waits as long, and looks again: the
//     provider is deleted only if nobody uses it, and by whoever last took it
//     for its own.
//
// Of two that do this at the same time, one sees the other's mark at least.
type oidcProvider struct {
	providers providers
	log       *slog.Logger
}

type (
	providerRequest  = customresource.Request[contract.OidcProvider]
	providerResponse = customresource.Response[contract.OidcProviderData]
)

// wish is what a stack wants of a provider.
type wish struct {
	arn, issuer      string
	stack, workspace string
}

// Create makes the provider, or joins one that is there. A customer's own is
// used as it is.
func (o oidcProvider) Create(ctx context.Context, r providerRequest) (providerResponse, error) {
	w, err := wishOf(r)
	if err != nil {
		return providerResponse{}, err
	}
	wrote, err := o.join(ctx, w)
	if err != nil && !wrote {
		return providerResponse{}, err
	}
	return providerResponse{PhysicalID: w.arn, Data: contract.OidcProviderData{Arn: w.arn}}, err
}

// Update does the same: another issuer has another provider, and another
// physical ID, so that CloudFormation has the old one deleted.
func (o oidcProvider) Update(ctx context.Context, r providerRequest) (providerResponse, error) {
	return o.Create(ctx, r)
}

// Delete leaves the provider: it goes if this stack was the last to use it. A
// customer's own, and one that the stack never joined, is not touched.
func (o oidcProvider) Delete(ctx context.Context, r providerRequest) error {
	return o.leave(ctx, r.PhysicalID, stackUUID(r.StackID))
}

// Owns tells whether an ID was made by providerARN.
func (oidcProvider) Owns(physicalID string) bool {
	_, ours := parseProviderARN(physicalID)
	return ours
}

// Identify is the provider's ARN, which follows from the issuer.
func (oidcProvider) Identify(r providerRequest) string {
	w, err := wishOf(r)
	if err != nil {
		return ""
	}
	return w.arn
}

func wishOf(r providerRequest) (wish, error) {
	w := wish{issuer: strings.TrimSuffix(r.Props.Issuer, "/"), stack: stackUUID(r.StackID), workspace: r.Props.WorkspaceName}
	u, err := url.Parse(w.issuer)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.Port() != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return w, fmt.Errorf("property Issuer: %q is not the https URL of an OIDC issuer", r.Props.Issuer)
	}
	w.arn, err = providerARN(r.StackID, w.issuer)
	return w, err
}

// join comes back when the provider is there, takes pods' tokens and has this
// stack's mark, unless it is the customer's. wrote tells whether anything was
// made or marked, also with an error.
func (o oidcProvider) join(ctx context.Context, w wish) (wrote bool, err error) {
	pauses, doubts := pauses{}, doubts{}
	for {
		p, err := o.providers.observe(ctx, w.arn)
		if err == nil {
			var done, writes bool
			done, writes, err = o.approach(ctx, p, w)
			wrote = wrote || writes
			if done {
				return wrote, err
			}
			if writes {
				pauses = settling()
			}
		}
		if doubts.settle(p, err) {
			return wrote, err
		}
		if doubts.denials > 0 {
			pauses = settling()
		}
		if over := pauses.wait(ctx); over != nil {
			return wrote, o.gaveUp(w, p, errors.Join(err, over))
		}
	}
}

// approach does one step towards a provider that this stack may use. done: it
// is, or never will be.
func (o oidcProvider) approach(ctx context.Context, p *provider, w wish) (done, wrote bool, err error) {
	switch {
	case p == nil:
		o.log.InfoContext(ctx, "making the OIDC provider", "arn", w.arn)
		err := o.providers.make(ctx, w)
		return false, err == nil, err
	case p.madeBy == "":
		o.log.InfoContext(ctx, "using the customer's OIDC provider", "arn", w.arn)
		return true, false, p.admits(w.arn)
	}
	if err := p.admits(w.arn); err != nil {
		return true, false, err
	}
	_, leaves := p.leavers[w.stack]
	if workspace, uses := p.users[w.stack]; !uses || workspace != w.workspace || leaves {
		o.log.InfoContext(ctx, "joining the OIDC provider", "arn", w.arn, "madeBy", p.madeBy, "users", p.users)
		return false, true, o.mark(ctx, w, leaves)
	}
	return len(p.goers(w.stack, time.Now())) == 0, false, nil
}

func (o oidcProvider) mark(ctx context.Context, w wish, leaves bool) error {
	if err := o.providers.tag(ctx, w.arn, mark(contract.UsedByTag+w.stack, w.workspace)); err != nil || !leaves {
		return err
	}
	return o.providers.untag(ctx, w.arn, contract.LeavingTag+w.stack)
}

func (o oidcProvider) gaveUp(w wish, p *provider, err error) error {
	if p == nil {
		return err
	}
	if goers := p.goers(w.stack, time.Now()); len(goers) > 0 {
		return fmt.Errorf("wait for others with the OIDC provider %s: the stacks with the IDs %s are about to leave it and perhaps delete it; "+
			"try again in some minutes: %w", w.arn, strings.Join(goers, ", "), err)
	}
	return err
}

// leave takes this stack's mark off the provider, and deletes the provider if
// nobody has one on it any more. If roles other than the workspaces' trust it,
// it becomes the customer's.
func (o oidcProvider) leave(ctx context.Context, arn, stack string) error {
	l := leaving{oidcProvider: o, arn: arn, stack: stack}
	pauses, doubts := pauses{}, doubts{}
	for {
		p, err := o.providers.observe(ctx, arn)
		if err == nil {
			if p == nil || p.madeBy == "" || !p.knows(stack) {
				return nil
			}
			var done, wrote bool
			done, wrote, err = l.step(ctx, *p)
			if done {
				return nil
			}
			if wrote {
				pauses = settling()
			}
		}
		if doubts.settle(p, err) {
			return err
		}
		if doubts.denials > 0 {
			pauses = settling()
		}
		if over := pauses.wait(ctx); over != nil {
			return o.gaveUp(wish{arn: arn, stack: stack}, p, errors.Join(err, over))
		}
	}
}

// leaving is one run of leave.
type leaving struct {
	oidcProvider
	arn, stack string
	// marked: this run said that it leaves. What an earlier one said does not
	// count, since others look over it after a while.
	marked bool
	// roles are those that trust the provider; nil: not looked for yet.
	roles []string
}

// step does one step out of a provider that knows this stack. wrote: others are
// to see it before the next one.
func (l *leaving) step(ctx context.Context, p provider) (done, wrote bool, err error) {
	_, uses := p.users[l.stack]
	others := p.others(l.stack)
	switch {
	case !l.marked:
		if err := l.providers.tag(ctx, l.arn, leavingMark(l.stack)); err != nil {
			return false, false, err
		}
		l.marked = true
		return false, true, l.providers.untag(ctx, l.arn, contract.UsedByTag+l.stack)
	case uses:
		return false, true, l.providers.untag(ctx, l.arn, contract.UsedByTag+l.stack)
	case len(others) > 0:
		l.log.InfoContext(ctx, "leaving the OIDC provider to others", "arn", l.arn, "users", others)
		err = l.providers.untag(ctx, l.arn, contract.LeavingTag+l.stack)
	case l.roles == nil:
		l.roles, err = l.providers.trusting(ctx, l.arn)
		return false, false, err
	case len(l.roles) > 0:
		l.log.WarnContext(ctx, "leaving the OIDC provider to the customer: roles trust it", "arn", l.arn, "roles", l.roles)
		err = l.providers.untag(ctx, l.arn, contract.MadeByTag, contract.LeavingTag+l.stack)
	case slices.Contains(p.goers(l.stack, time.Now()), p.madeBy):
		l.log.InfoContext(ctx, "another stack is about to delete the OIDC provider", "arn", l.arn, "stack", p.madeBy)
		return false, false, nil
	case p.madeBy != l.stack:
		// The function's policy lets it delete what has its own stack's mark, and so
		// compares for it: a provider made since by another stack has not.
		return false, false, l.providers.tag(ctx, l.arn, mark(contract.MadeByTag, l.stack))
	default:
		l.log.InfoContext(ctx, "deleting the OIDC provider", "arn", l.arn)
		err = l.providers.remove(ctx, l.arn)
	}
	return err == nil, false, err
}
