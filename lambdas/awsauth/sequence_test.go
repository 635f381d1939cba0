package main

import (
	"errors"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
)

var _ customresource.Identifier[contract.AWSAuth] = (*awsAuth)(nil)

// Whatever a stack does to its resources, in whatever order, with EKS failing at
// any one call of each event, as long as CloudFormation's deletes get through:
// the customer's entries stay as they are, and of ours nothing is left. Two
// failures in one event, of a step and of what undoes it, may leave an entry,
// which the error names (TestAFailedUndoIsTold).
func TestEveryLifeOfAResourceLeavesTheCustomersEntries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		principals := []string{control, nodes, admins, sso}
		grants := []func(arn string) contract.AWSAuth{administrator, node, func(arn string) contract.AWSAuth { return user(arn, "u") }}
		f := newEKS(rapid.SampledFrom([]types.AuthenticationMode{types.AuthenticationModeApi, types.AuthenticationModeApiAndConfigMap}).Draw(t, "mode"))
		for _, arn := range principals {
			switch rapid.SampledFrom([]string{"none", "node", "user", "admin"}).Draw(t, "theirs") {
			case "node":
				f.have(foreignEntry(arn, typeNode, ""))
			case "user":
				f.have(foreignEntry(arn, typeStandard, "u"))
			case "admin":
				f.have(foreignEntry(arn, typeStandard, "boss", "g"), adminPolicy)
			}
		}
		before := f.shown()
		h := newHandler(f, &fakeDoors{closed: map[string]error{own: errors.New("the cluster's API is not asked")}})
		operations := []string{
			"CreateAccessEntry", "DescribeAccessEntry", "UpdateAccessEntry", "DeleteAccessEntry", "AssociateAccessPolicy", "DisassociateAccessPolicy",
			"ListAssociatedAccessPolicies", "DescribeCluster",
		}
		id := "" // of the one resource
		remove := func(physical string) {
			f.faults = map[string][]error{}
			if physical == "" {
				return // a marker, whose Delete is no call
			}
			if err := h.Delete(t.Context(), asked(contract.AWSAuth{}, physical)); err != nil {
				t.Fatalf("delete of %s: %v", physical, err)
			}
		}
		for range rapid.IntRange(1, 8).Draw(t, "events") {
			f.faults = map[string][]error{} // one that the last event did not meet
			if rapid.Bool().Draw(t, "fault") {
				f.faults[rapid.SampledFrom(operations).Draw(t, "operation")] = []error{&types.ServerException{Message: aws.String("broken")}}
			}
			p := rapid.SampledFrom(grants).Draw(t, "grant")(rapid.SampledFrom(principals).Draw(t, "principal"))
			if id == "" {
				answer, err := h.Create(t.Context(), asked(p))
				if id = answer.PhysicalID; err != nil { // a rollback
					remove(id)
					id = ""
				}
				continue
			}
			answer, err := h.Update(t.Context(), asked(p, id))
			switch {
			case err != nil && answer.PhysicalID != id:
				t.Fatalf("a failed update turned %s into %s", id, answer.PhysicalID)
			case err == nil && answer.PhysicalID != id:
				old := id
				id = answer.PhysicalID
				remove(old)
			}
			f.faults = map[string][]error{}
			for _, line := range before {
				if !slices.Contains(f.shown(), line) {
					t.Fatalf("%q is changed: %v", line, f.shown())
				}
			}
		}
		remove(id)
		if diff := cmp.Diff(before, f.shown()); diff != "" {
			t.Fatalf("left (-want +got):\n%s", diff)
		}
	})
}
