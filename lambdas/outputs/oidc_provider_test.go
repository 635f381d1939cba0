package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
)

var _ customresource.Handler[contract.OidcProvider, contract.OidcProviderData] = oidcProvider{}

const (
	issuer      = "https://oidc.eks.us-east-1.amazonaws.com/id/8EBD00AE"
	providerID  = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/8EBD00AE"
	theirs      = "quickstart.e6data.com/used-by/beta"
	ours        = "quickstart.e6data.com/used-by/alpha"
	weLeave     = "quickstart.e6data.com/leaving/alpha"
	theyLeave   = "quickstart.e6data.com/leaving/beta"
	madeBy      = "quickstart.e6data.com/made-by"
	functionRun = 2 * time.Minute // the function's time-out
)

// stack is the ID of a stack in the account of the tests.
func stack(uuid string) string {
	return "arn:aws:cloudformation:us-east-1:111122223333:stack/e6data/" + uuid
}

func asks(uuid string) providerRequest {
	return providerRequest{StackID: stack(uuid), Props: contract.OidcProvider{Issuer: issuer, WorkspaceName: uuid + "-analytics"}}
}

func leaves(uuid string) providerRequest {
	return providerRequest{Type: customresource.Delete, StackID: stack(uuid), PhysicalID: providerID}
}

func handler(api *iamOf) oidcProvider { return handlerOf(api, "alpha") }

func handlerOf(api *iamOf, stack string) oidcProvider {
	return oidcProvider{providers: providers{api.as(stack)}, log: slog.New(slog.DiscardHandler)}
}

// ago is a leaver's time.
func ago(d time.Duration) string { return time.Now().Add(-d).UTC().Format(time.RFC3339) }

// A create that fails after it wrote something names the ID with which the
// rollback's Delete finds it, and that Delete leaves things as they were.
func TestAFailedCreateLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := map[string]string{madeBy: "beta", theirs: "y", theyLeave: time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}
		api := newIAM()
		api.has(providerID, []string{audience}, before)
		ctx, cancel := context.WithTimeout(t.Context(), functionRun)
		defer cancel()
		made, err := handler(api).Create(ctx, asks("alpha"))
		if err == nil || made.PhysicalID != providerID {
			t.Fatalf("%v, %v", made, err)
		}
		if err := handler(api).Delete(t.Context(), leaves("alpha")); err != nil {
			t.Fatal(err)
		}
		api.check(t, []string{"Tag " + ours, "Tag " + weLeave, "Untag " + ours, "Untag " + weLeave}, before)
	})
}

// A new issuer has a new provider; the old one goes when CloudFormation sends
// the Delete of the old ID.
func TestOidcProviderOfAnotherIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := newIAM()
		h := handler(api)
		made, err := h.Create(t.Context(), asks("alpha"))
		if err != nil {
			t.Fatal(err)
		}
		change := asks("alpha")
		change.Type, change.PhysicalID, change.OldProps = customresource.Update, made.PhysicalID, change.Props
		change.Props.Issuer = "https://oidc.eks.us-east-1.amazonaws.com/id/0000FFFF"
		updated, err := h.Update(t.Context(), change)
		if err != nil || updated.PhysicalID == made.PhysicalID || updated.Data.Arn != updated.PhysicalID {
			t.Fatalf("%v, %v", updated, err)
		}
		if api.now(made.PhysicalID) == nil {
			t.Error("the old one is gone before the clean-up")
		}
		if err := h.Delete(t.Context(), leaves("alpha")); err != nil {
			t.Fatal(err)
		}
		if api.now(made.PhysicalID) != nil || api.now(updated.PhysicalID) == nil {
			t.Error("the clean-up took the wrong one")
		}
		// The same again is no change.
		writes := len(api.calls)
		change.PhysicalID = updated.PhysicalID
		if again, err := h.Update(t.Context(), change); err != nil || again != updated || len(api.calls) != writes {
			t.Errorf("%v, %v, writes %v", again, err, api.calls[writes:])
		}
	})
}

func TestProviderIDs(t *testing.T) {
	h := handler(newIAM())
	china := asks("alpha")
	china.StackID = "arn:aws-cn:cloudformation:cn-north-1:111122223333:stack/e6data/alpha"
	china.Props.Issuer = "https://oidc.eks.cn-north-1.amazonaws.com.cn/id/8EBD00AE"
	if id := h.Identify(china); id != "arn:aws-cn:iam::111122223333:oidc-provider/oidc.eks.cn-north-1.amazonaws.com.cn/id/8EBD00AE" || !h.Owns(id) {
		t.Errorf("ID is %s", id)
	}
	if id := h.Identify(providerRequest{StackID: stack("alpha")}); id != "" {
		t.Errorf("without an issuer the ID is %s", id)
	}
	if _, err := providerARN("stack", issuer); err == nil {
		t.Error("a stack's ID that is no ARN has a provider")
	}
	for _, id := range []string{"", "never-created/x", "arn:aws:iam::111122223333:role/x", "arn:aws:eks:us-east-1:111122223333:oidc-provider/x"} {
		if h.Owns(id) {
			t.Errorf("it owns %q", id)
		}
	}
	if name, ok := parseProviderARN(providerID); !ok || name != "oidc.eks.us-east-1.amazonaws.com/id/8EBD00AE" {
		t.Errorf("%s, %t", name, ok)
	}
}

// What IAM says of a denial reaches the person.
func TestDenialsAreTold(t *testing.T) {
	api := newIAM()
	api.fault = always("Create", errors.New("AccessDenied: User: arn:aws:sts::111122223333:assumed-role/outputs/x is not authorized to perform: iam:CreateOpenIDConnectProvider"))
	got, err := handler(api).Create(t.Context(), asks("alpha"))
	if got.PhysicalID != "" || !strings.Contains(message(err), "make the OIDC provider of "+issuer+": AccessDenied: User") {
		t.Errorf("%v, %v", got, err)
	}
}
