package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestOidcProviderIsLeft(t *testing.T) {
	aud := []string{audience}
	const marked = "Tag " + weLeave
	tests := map[string]struct {
		there func(*iamOf)
		calls []string
		tags  map[string]string // nil: it is gone
		// keeps is the maker of the one that is there still, whatever its tags.
		keeps string
		err   string
	}{
		"the last user, and the maker": {
			there: func(f *iamOf) { f.has(providerID, aud, map[string]string{madeBy: "alpha", ours: "x"}) },
			calls: []string{marked, "Untag " + ours, "Delete"},
		},
		"the last user, and not the maker": {
			there: func(f *iamOf) { f.has(providerID, aud, map[string]string{madeBy: "beta", ours: "x"}) },
			calls: []string{marked, "Untag " + ours, "Tag " + madeBy, "Delete"},
		},
		"the maker, while another uses it": {
			there: func(f *iamOf) { f.has(providerID, aud, map[string]string{madeBy: "alpha", ours: "x", theirs: "y"}) },
			calls: []string{marked, "Untag " + ours, "Untag " + weLeave}, tags: map[string]string{madeBy: "alpha", theirs: "y"},
		},
		"a user, whose create is rolled back": {
			there: func(f *iamOf) { f.has(providerID, aud, map[string]string{madeBy: "beta", ours: "x", theirs: "y"}) },
			calls: []string{marked, "Untag " + ours, "Untag " + weLeave}, tags: map[string]string{madeBy: "beta", theirs: "y"},
		},
		"one whose create never got to it": {
			there: func(f *iamOf) { f.has(providerID, aud, map[string]string{madeBy: "beta", theirs: "y"}) }, tags: map[string]string{madeBy: "beta", theirs: "y"},
		},
		"one whose create never got to it, and nobody uses it": {
			there: func(f *iamOf) { f.has(providerID, aud, map[string]string{madeBy: "beta"}) }, tags: map[string]string{madeBy: "beta"},
		},
		"the customer's": {
			there: func(f *iamOf) { f.has(providerID, aud, map[string]string{"team": "data"}) }, tags: map[string]string{"team": "data"},
		},
		"the customer's, who took the maker's tag off": {
			there: func(f *iamOf) { f.has(providerID, aud, map[string]string{ours: "x"}) }, tags: map[string]string{ours: "x"},
		},
		"none there": {},
		"the maker, whose mark somebody took off": {
			there: func(f *iamOf) { f.has(providerID, aud, map[string]string{madeBy: "alpha"}) }, calls: []string{marked, "Untag " + ours, "Delete"},
		},
		"a delete that comes again after it was cut off": {
			there: func(f *iamOf) {
				f.has(providerID, aud, map[string]string{madeBy: "beta", weLeave: ago(time.Hour)})
			},
			calls: []string{marked, "Untag " + ours, "Tag " + madeBy, "Delete"},
		},
		"roles of the customer's trust it": {
			there: func(f *iamOf) {
				f.has(providerID, aud, map[string]string{madeBy: "alpha", ours: "x", "team": "data"})
				f.roles = map[string]string{"a": "{}", "b": "{}", "c": `{"Federated":"` + providerID + `0"}`, "d": `{"Federated":"` + providerID + `"}`}
			},
			calls: []string{marked, "Untag " + ours, "Untag " + madeBy + " " + weLeave}, tags: map[string]string{"team": "data"},
		},
		"roles of the customer's trust others": {
			there: func(f *iamOf) {
				f.has(providerID, aud, map[string]string{madeBy: "alpha", ours: "x"})
				f.roles = map[string]string{"a": "{}", "b": `{"AWS":"111122223333"}`, "c": `{"Federated":"` + providerID + `0"}`}
			},
			calls: []string{marked, "Untag " + ours, "Delete"},
		},
		"IAM is busy at each step": {
			there: func(f *iamOf) {
				f.has(providerID, aud, map[string]string{madeBy: "alpha", ours: "x"})
				failed := map[string]bool{}
				f.fault = func(o string) error {
					if failed[o] {
						return nil
					}
					failed[o] = true
					return errConcurrent
				}
			},
			calls: []string{marked, marked, "Untag " + ours, "Untag " + ours, "Delete", "Delete"},
		},
		"the delete is throttled": {
			there: func(f *iamOf) {
				f.has(providerID, aud, map[string]string{madeBy: "alpha", ours: "x"})
				f.fault = once("Delete", errThrottled)
			},
			calls: []string{marked, "Untag " + ours, "Delete", "Delete"},
		},
		"the delete fails though it was done, and another made it anew": {
			there: func(f *iamOf) {
				f.has(providerID, aud, map[string]string{madeBy: "alpha", ours: "x"})
				f.fault = func(o string) error {
					if o != "Delete" {
						return nil
					}
					f.put(providerID, &record{aud, map[string]string{madeBy: "beta", theirs: "y"}})
					return errThrottled
				}
			},
			calls: []string{marked, "Untag " + ours, "Delete"}, tags: map[string]string{madeBy: "beta", theirs: "y"},
		},
		"somebody joins while we look": {
			there: func(f *iamOf) {
				f.has(providerID, aud, map[string]string{madeBy: "alpha", ours: "x"})
				time.AfterFunc(settled/2, func() {
					f.mu.Lock()
					_ = f.change(providerID, func(tags map[string]string) { tags[theirs] = "y" })
					f.mu.Unlock()
				})
			},
			calls: []string{marked, "Untag " + ours, "Untag " + weLeave}, tags: map[string]string{madeBy: "alpha", theirs: "y"},
		},
		"deleting is denied": {
			there: func(f *iamOf) {
				f.has(providerID, aud, map[string]string{madeBy: "alpha", ours: "x"})
				f.fault = always("Delete", errDenied)
			},
			calls: []string{marked, "Untag " + ours, "Delete", "Delete", "Delete", "Delete"}, err: "delete the OIDC provider " + providerID + ": api error AccessDenied", keeps: "alpha",
		},
		"another last one deletes it first": {
			there: func(f *iamOf) {
				f.has(providerID, aud, map[string]string{madeBy: "alpha", ours: "x"})
				f.fault = func(o string) error {
					if o == "Delete" {
						f.put(providerID, nil)
					}
					return nil
				}
			},
			calls: []string{marked, "Untag " + ours, "Delete"},
		},
		"the maker is about to delete it, and does": {
			there: func(f *iamOf) {
				f.has(providerID, aud, map[string]string{madeBy: "beta", theyLeave: ago(0), ours: "x"})
				time.AfterFunc(20*time.Second, func() { f.mu.Lock(); f.put(providerID, nil); f.mu.Unlock() })
			},
			calls: []string{marked, "Untag " + ours},
		},
		"the maker was about to delete it, long ago": {
			there: func(f *iamOf) {
				f.has(providerID, aud, map[string]string{madeBy: "beta", theyLeave: ago(time.Hour), ours: "x"})
			},
			calls: []string{marked, "Untag " + ours, "Tag " + madeBy, "Delete"},
		},
		"the maker is about to delete it for ever": {
			there: func(f *iamOf) {
				f.has(providerID, aud, map[string]string{madeBy: "beta", theyLeave: time.Now().Add(time.Hour).UTC().Format(time.RFC3339), ours: "x"})
			},
			calls: []string{marked, "Untag " + ours}, err: "the stacks with the IDs beta are about to leave it", keeps: "beta",
		},
		"another last one makes it anew": {
			there: func(f *iamOf) {
				f.has(providerID, aud, map[string]string{madeBy: "alpha", ours: "x"})
				f.fault = func(o string) error {
					if o == "Delete" {
						f.put(providerID, &record{aud, map[string]string{madeBy: "beta", theirs: "y"}})
					}
					return nil
				}
			},
			calls: []string{marked, "Untag " + ours, "Delete"}, tags: map[string]string{madeBy: "beta", theirs: "y"},
		},
		"listing roles is denied": {
			there: func(f *iamOf) {
				f.has(providerID, aud, map[string]string{madeBy: "alpha", ours: "x"})
				f.fault = always("ListRoles", errDenied)
			},
			calls: []string{marked, "Untag " + ours}, err: "look for roles that trust the OIDC provider", keeps: "alpha",
		},
		"IAM is busy all the time": {
			there: func(f *iamOf) {
				f.has(providerID, aud, map[string]string{madeBy: "alpha", ours: "x"})
				f.fault = always("Tag", errConcurrent)
			},
			calls: slices.Repeat([]string{marked}, 18), err: "ConcurrentModification", tags: map[string]string{madeBy: "alpha", ours: "x"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := newIAM()
				if test.there != nil {
					test.there(api)
				}
				ctx, cancel := context.WithTimeout(t.Context(), functionRun)
				defer cancel()
				err := handler(api).Delete(ctx, leaves("alpha"))
				if (err == nil) != (test.err == "") || !strings.Contains(message(err), test.err) {
					t.Errorf("error is %v, want it to contain %q", err, test.err)
				}
				if test.keeps != "" {
					if r := api.now(providerID); r == nil || r.tags[madeBy] != test.keeps {
						t.Errorf("the provider is %v", r)
					}
					test.tags = api.now(providerID).tags
				}
				api.check(t, test.calls, test.tags)
			})
		})
	}
}
