package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/contract"
)

func TestOidcProviderIsMadeOrJoined(t *testing.T) {
	aud := []string{audience}
	tests := map[string]struct {
		// there says what is there before, inside the bubble of time.
		there    func(*iamOf)
		issuer   string
		calls    []string // writes
		tags     map[string]string
		err      string // a part
		halfMade bool   // the error comes with an ID
	}{
		"none there": {
			calls: []string{"Create " + issuer + " for sts.amazonaws.com"},
			tags:  map[string]string{madeBy: "alpha", ours: "alpha-analytics"},
		},
		"an issuer with a slash at its end": {
			issuer: issuer + "/", calls: []string{"Create " + issuer + " for sts.amazonaws.com"},
			tags: map[string]string{madeBy: "alpha", ours: "alpha-analytics"},
		},
		"the customer's": {
			there: func(f *iamOf) { f.has(providerID, []string{"other", audience}, map[string]string{"team": "data"}) },
			tags:  map[string]string{"team": "data"},
		},
		"the customer's, without tags": {there: func(f *iamOf) { f.has(providerID, aud, nil) }},
		"the customer's, without the audience": {
			there: func(f *iamOf) { f.has(providerID, []string{"other"}, map[string]string{"team": "data"}) },
			tags:  map[string]string{"team": "data"},
			err: "it lacks the audience sts.amazonaws.com, without which pods can assume no roles: aws iam add-client-id-to-open-id-connect-provider " +
				"--open-id-connect-provider-arn " + providerID + " --client-id sts.amazonaws.com, then launch again",
		},
		"another stack's": {
			there: func(f *iamOf) { f.has(providerID, aud, map[string]string{madeBy: "beta", theirs: "beta-analytics"}) },
			calls: []string{"Tag " + ours}, tags: map[string]string{madeBy: "beta", theirs: "beta-analytics", ours: "alpha-analytics"},
		},
		"another stack's, whose audience somebody took": {
			there: func(f *iamOf) { f.has(providerID, nil, map[string]string{madeBy: "beta"}) },
			tags:  map[string]string{madeBy: "beta"}, err: "it lacks the audience",
		},
		"ours, when the event comes twice": {
			there: func(f *iamOf) { f.has(providerID, aud, map[string]string{madeBy: "alpha", ours: "alpha-analytics"}) },
			tags:  map[string]string{madeBy: "alpha", ours: "alpha-analytics"},
		},
		"ours, under another workspace's name": {
			there: func(f *iamOf) { f.has(providerID, aud, map[string]string{madeBy: "alpha", ours: "old"}) },
			calls: []string{"Tag " + ours}, tags: map[string]string{madeBy: "alpha", ours: "alpha-analytics"},
		},
		"ours, which we began to leave": {
			there: func(f *iamOf) {
				f.has(providerID, aud, map[string]string{madeBy: "alpha", ours: "alpha-analytics", weLeave: ago(0)})
			},
			calls: []string{"Tag " + ours, "Untag " + weLeave}, tags: map[string]string{madeBy: "alpha", ours: "alpha-analytics"},
		},
		"made at the same time by another stack": {
			there: func(f *iamOf) {
				f.fault = func(o string) error {
					if o == "Create" && f.newest(providerID) == nil {
						f.put(providerID, &record{aud, map[string]string{madeBy: "beta", theirs: "beta-analytics"}})
					}
					return nil
				}
			},
			calls: []string{"Create " + issuer + " for sts.amazonaws.com", "Tag " + ours},
			tags:  map[string]string{madeBy: "beta", theirs: "beta-analytics", ours: "alpha-analytics"},
		},
		"made at the same time by the customer": {
			there: func(f *iamOf) {
				f.fault = func(o string) error {
					if o == "Create" {
						f.put(providerID, &record{aud, map[string]string{"team": "data"}})
					}
					return nil
				}
			},
			calls: []string{"Create " + issuer + " for sts.amazonaws.com"}, tags: map[string]string{"team": "data"},
		},
		"deleted while we join": {
			there: func(f *iamOf) {
				f.has(providerID, aud, map[string]string{madeBy: "beta"})
				f.fault = func(o string) error {
					if o == "Tag" {
						f.put(providerID, nil)
					}
					return nil
				}
			},
			calls: []string{"Tag " + ours, "Create " + issuer + " for sts.amazonaws.com"}, tags: map[string]string{madeBy: "alpha", ours: "alpha-analytics"},
		},
		"taken over by the customer while we join": {
			there: func(f *iamOf) {
				f.has(providerID, aud, map[string]string{madeBy: "beta"})
				f.fault = func(o string) error {
					if o == "Tag" {
						f.put(providerID, &record{aud, map[string]string{"team": "data"}})
					}
					return nil
				}
			},
			calls: []string{"Tag " + ours}, tags: map[string]string{"team": "data"},
		},
		"tagging is denied": {
			there: func(f *iamOf) {
				f.has(providerID, aud, map[string]string{madeBy: "beta"})
				f.fault = always("Tag", errDenied)
			},
			calls: slices.Repeat([]string{"Tag " + ours}, 4), tags: map[string]string{madeBy: "beta"}, err: "tag the OIDC provider " + providerID + ": api error AccessDenied",
			halfMade: true,
		},
		"somebody leaves, and takes it along": {
			there: func(f *iamOf) {
				f.has(providerID, aud, map[string]string{madeBy: "beta", theyLeave: ago(0)})
				time.AfterFunc(20*time.Second, func() { f.mu.Lock(); f.put(providerID, nil); f.mu.Unlock() })
			},
			calls: []string{"Tag " + ours, "Create " + issuer + " for sts.amazonaws.com"}, tags: map[string]string{madeBy: "alpha", ours: "alpha-analytics"},
		},
		"somebody leaves, and leaves it to us": {
			there: func(f *iamOf) {
				f.has(providerID, aud, map[string]string{madeBy: "beta", theyLeave: ago(0)})
				time.AfterFunc(20*time.Second, func() {
					f.mu.Lock()
					_ = f.change(providerID, func(tags map[string]string) { delete(tags, theyLeave) })
					f.mu.Unlock()
				})
			},
			calls: []string{"Tag " + ours}, tags: map[string]string{madeBy: "beta", ours: "alpha-analytics"},
		},
		"somebody left off long ago": {
			there: func(f *iamOf) { f.has(providerID, aud, map[string]string{madeBy: "beta", theyLeave: ago(time.Hour)}) },
			calls: []string{"Tag " + ours}, tags: map[string]string{madeBy: "beta", theyLeave: "1999-12-31T23:00:00Z", ours: "alpha-analytics"},
		},
		"somebody left at an unreadable time": {
			there: func(f *iamOf) { f.has(providerID, aud, map[string]string{madeBy: "beta", theyLeave: "?"}) },
			calls: []string{"Tag " + ours}, tags: map[string]string{madeBy: "beta", theyLeave: "?", ours: "alpha-analytics"},
		},
		"somebody leaves all the time": {
			there: func(f *iamOf) {
				f.has(providerID, aud, map[string]string{madeBy: "beta", theyLeave: time.Now().Add(time.Hour).UTC().Format(time.RFC3339)})
			},
			calls: []string{"Tag " + ours}, tags: map[string]string{madeBy: "beta", theyLeave: "2000-01-01T01:00:00Z", ours: "alpha-analytics"},
			err: "the stacks with the IDs beta are about to leave it and perhaps delete it; try again in some minutes", halfMade: true,
		},
		"IAM is busy": {
			there: func(f *iamOf) { f.fault = once("Create", errConcurrent) },
			calls: []string{"Create " + issuer + " for sts.amazonaws.com", "Create " + issuer + " for sts.amazonaws.com"},
			tags:  map[string]string{madeBy: "alpha", ours: "alpha-analytics"},
		},
		"the issuer does not answer yet": {
			there: func(f *iamOf) { f.fault = once("Create", &types.OpenIdIdpCommunicationErrorException{}) },
			calls: []string{"Create " + issuer + " for sts.amazonaws.com", "Create " + issuer + " for sts.amazonaws.com"},
			tags:  map[string]string{madeBy: "alpha", ours: "alpha-analytics"},
		},
		"the account is full": {
			there: func(f *iamOf) { f.fault = always("Create", &types.LimitExceededException{}) },
			calls: []string{"Create " + issuer + " for sts.amazonaws.com"},
			err:   "make the OIDC provider of " + issuer + ": the account has as many as it may have",
		},
		"the provider has too many tags": {
			there: func(f *iamOf) {
				f.has(providerID, aud, map[string]string{madeBy: "beta"})
				f.fault = always("Tag", &types.LimitExceededException{})
			},
			calls: []string{"Tag " + ours}, tags: map[string]string{madeBy: "beta"}, err: "each workspace that uses it has a tag on it, and IAM allows no more",
			halfMade: true,
		},
		"reading is denied":   {there: func(f *iamOf) { f.fault = always("Get", errDenied) }, err: "read the OIDC provider " + providerID + ": api error AccessDenied"},
		"an issuer by http":   {issuer: "http://oidc.eks.us-east-1.amazonaws.com/id/8EBD00AE", err: "is not the https URL of an OIDC issuer"},
		"no issuer":           {issuer: "None", err: `property Issuer: "None" is not the https URL of an OIDC issuer`},
		"an issuer at a port": {issuer: "https://oidc.example.com:8443/id/1", err: "is not the https URL of an OIDC issuer"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := newIAM()
				if test.there != nil {
					test.there(api)
				}
				request := asks("alpha")
				if test.issuer != "" {
					request.Props.Issuer = test.issuer
				}
				ctx, cancel := context.WithTimeout(t.Context(), functionRun)
				defer cancel()
				got, err := handler(api).Create(ctx, request)
				want := providerResponse{PhysicalID: providerID, Data: contract.OidcProviderData{Arn: providerID}}
				if test.err != "" && !test.halfMade {
					want = providerResponse{}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("response (-want +got):\n%s", diff)
				}
				if (err == nil) != (test.err == "") || !strings.Contains(message(err), test.err) {
					t.Errorf("error is %v, want it to contain %q", err, test.err)
				}
				api.check(t, test.calls, test.tags)
			})
		})
	}
}
