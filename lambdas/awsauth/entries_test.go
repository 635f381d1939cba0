package main

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/contract"
)

const (
	adminEntry = ", policy AmazonEKSClusterAdminPolicy on cluster"
	byUs       = ", by Way"
)

// foreignEntry is one of the customer's.
func foreignEntry(arn, kind, username string, groups ...string) types.AccessEntry {
	e := types.AccessEntry{PrincipalArn: aws.String(arn), Type: aws.String(kind), KubernetesGroups: groups, Tags: map[string]string{"team": "x"}}
	if username != "" {
		e.Username = aws.String(username)
	}
	return e
}

// asked is the request of the resource Way.
func asked(p contract.AWSAuth, was ...string) request {
	p.ClusterName = "demo"
	r := request{StackID: stackID, LogicalID: "Way", Props: p}
	for _, id := range was {
		r.PhysicalID = id
	}
	return r
}

func administrator(arn string) contract.AWSAuth {
	return contract.AWSAuth{PrincipalArn: arn, Grant: contract.GrantAdministrator}
}

func user(arn, name string) contract.AWSAuth {
	return contract.AWSAuth{PrincipalArn: arn, Grant: contract.GrantUser, Username: name}
}

func node(arn string) contract.AWSAuth {
	return contract.AWSAuth{PrincipalArn: arn, Grant: contract.GrantNode}
}

func TestAccessEntryIsMade(t *testing.T) {
	cases := map[string]struct {
		there  func(*fakeEKS)
		props  contract.AWSAuth
		answer string // the username
		say    []string
		calls  []string
		left   []string
	}{
		"an administrator": {
			props: administrator(installer), answer: ownUsername(installer),
			calls: []string{"CreateAccessEntry e6data-ws-installer-us-east-1", "AssociateAccessPolicy e6data-ws-installer-us-east-1"},
			left:  []string{"e6data-ws-installer-us-east-1: type STANDARD, username " + ownUsername(installer) + adminEntry + byUs},
		},
		"an administrator that is an IAM user": {
			props: contract.AWSAuth{PrincipalArn: account + "user/jane", Grant: contract.GrantAdministrator, Username: "jane"}, answer: "jane",
			calls: []string{"CreateAccessEntry jane", "AssociateAccessPolicy jane"},
			left:  []string{"jane: type STANDARD, username jane" + adminEntry + byUs},
		},
		"a user": {
			props: user(control, "e6data-ws-user"), answer: "e6data-ws-user", calls: []string{"CreateAccessEntry ws-CrossAccountRole"},
			left: []string{"ws-CrossAccountRole: type STANDARD, username e6data-ws-user" + byUs},
		},
		"nodes": {
			props: node(nodes), answer: nodeUsername, calls: []string{"CreateAccessEntry ws-NodeRole"},
			left: []string{"ws-NodeRole: type EC2_LINUX, username system:node:{{EC2PrivateDNSName}}, groups system:nodes" + byUs},
		},
		"a role that EKS does not know yet": {
			there: func(f *fakeEKS) {
				unknown := &types.InvalidParameterException{Message: aws.String("The specified principalArn is invalid: invalid principal.")}
				f.faults["CreateAccessEntry"] = []error{unknown, unknown}
			},
			props: node(nodes), answer: nodeUsername, calls: []string{"CreateAccessEntry ws-NodeRole", "CreateAccessEntry ws-NodeRole", "CreateAccessEntry ws-NodeRole"},
			left: []string{"ws-NodeRole: type EC2_LINUX, username system:node:{{EC2PrivateDNSName}}, groups system:nodes" + byUs},
		},
		"a role that there is not": {
			there: func(f *fakeEKS) {
				for range 8 {
					f.faults["CreateAccessEntry"] = append(f.faults["CreateAccessEntry"], &types.InvalidParameterException{Message: aws.String("invalid principal.")})
				}
			},
			props: node(nodes),
			say:   []string{"create the access entry of " + nodes + " on cluster demo: EKS does not find that role", "aws iam get-role --role-name ws-NodeRole --query Role.Arn"},
		},
		"a right that comes late": {
			there: func(f *fakeEKS) { f.faults["AssociateAccessPolicy"] = []error{denied("eks:AssociateAccessPolicy")} },
			props: administrator(admins), answer: ownUsername(admins),
			calls: []string{"CreateAccessEntry admins", "AssociateAccessPolicy admins", "AssociateAccessPolicy admins"},
			left:  []string{"admins: type STANDARD, username " + ownUsername(admins) + adminEntry + byUs},
		},
		"a right that is missing": {
			there: func(f *fakeEKS) { f.faults["CreateAccessEntry"] = []error{denied("eks:CreateAccessEntry")} },
			props: administrator(admins), calls: []string{"CreateAccessEntry admins"},
			say: []string{"create the access entry of " + admins, "User: R is not authorized to perform: eks:CreateAccessEntry", "permissions boundary"},
		},
		"an entry that shows late": {
			there: func(f *fakeEKS) {
				f.faults["DescribeAccessEntry"] = []error{nil, &types.ResourceNotFoundException{}, &types.ResourceNotFoundException{}}
			},
			props: user(control, "u"), answer: "u",
			calls: []string{"CreateAccessEntry ws-CrossAccountRole", "CreateAccessEntry ws-CrossAccountRole", "CreateAccessEntry ws-CrossAccountRole"},
			left:  []string{"ws-CrossAccountRole: type STANDARD, username u" + byUs},
		},
		"adopted, with more than is needed": {
			there: func(f *fakeEKS) {
				f.have(foreignEntry(admins, typeStandard, "boss", "ops"), "AmazonEKSClusterAdminPolicy", "AmazonEKSViewPolicy in a")
			},
			props: administrator(admins), answer: "boss",
			left: []string{"admins: type STANDARD, username boss, groups ops, policy AmazonEKSClusterAdminPolicy on cluster, policy AmazonEKSViewPolicy on namespace a"},
		},
		"adopted nodes": {
			there: func(f *fakeEKS) { f.have(foreignEntry(nodes, typeNode, "")) },
			props: node(nodes), answer: nodeUsername, left: []string{"ws-NodeRole: type EC2_LINUX, username system:node:{{EC2PrivateDNSName}}, groups system:nodes"},
		},
		"adopted user": {
			there: func(f *fakeEKS) { f.have(foreignEntry(control, typeStandard, "u")) },
			props: user(control, "u"), answer: "u", left: []string{"ws-CrossAccountRole: type STANDARD, username u"},
		},
		"of another stack": {
			there: func(f *fakeEKS) {
				e := foreignEntry(control, typeStandard, "u")
				e.Tags = ownerOf(stackID+"1", "Way").tags()
				f.have(e)
			},
			props: user(control, "v"), say: []string{"needs the username v"}, left: []string{"ws-CrossAccountRole: type STANDARD, username u" + byUs},
		},
		"of another type": {
			there: func(f *fakeEKS) { f.have(foreignEntry(nodes, typeStandard, "n")) },
			props: node(nodes), left: []string{"ws-NodeRole: type STANDARD, username n"},
			say: []string{
				"an access entry of " + nodes + " already that this stack did not make: type STANDARD, username n", "Node needs the type EC2_LINUX",
				"aws eks delete-access-entry --cluster-name demo --principal-arn " + nodes,
			},
		},
		"of another user": {
			there: func(f *fakeEKS) { f.have(foreignEntry(control, typeStandard, "w", "ops"), "AmazonEKSViewPolicy") },
			props: user(control, "u"), left: []string{"ws-CrossAccountRole: type STANDARD, username w, groups ops, policy AmazonEKSViewPolicy on cluster"},
			say: []string{"username w, groups ops, policy AmazonEKSViewPolicy on cluster", "User needs the username u, no groups, no access policies"},
		},
		"of an administrator of one namespace": {
			there: func(f *fakeEKS) {
				f.have(foreignEntry(admins, typeStandard, "boss"), "AmazonEKSClusterAdminPolicy in a,b")
			},
			props: administrator(admins), left: []string{"admins: type STANDARD, username boss, policy AmazonEKSClusterAdminPolicy on namespace a, b"},
			say: []string{"policy AmazonEKSClusterAdminPolicy on namespace a, b", "Administrator needs the policy AmazonEKSClusterAdminPolicy with cluster scope"},
		},
		"made meanwhile by somebody else": {
			there: func(f *fakeEKS) {
				f.have(foreignEntry(control, typeStandard, "w"))
				f.faults["DescribeAccessEntry"] = []error{&types.ResourceNotFoundException{}}
			},
			props: user(control, "u"), calls: []string{"CreateAccessEntry ws-CrossAccountRole"}, say: []string{"needs the username u"},
			left: []string{"ws-CrossAccountRole: type STANDARD, username w"},
		},
	}
	for name, tc := range cases {
		for _, mode := range []types.AuthenticationMode{types.AuthenticationModeApi, types.AuthenticationModeApiAndConfigMap} {
			t.Run(name+", "+string(mode), func(t *testing.T) {
				f := newEKS(mode)
				if tc.there != nil {
					tc.there(f)
				}
				doors := &fakeDoors{}
				h := newHandler(f, doors)
				answer, err := h.Create(t.Context(), asked(tc.props))
				if (err != nil) != (len(tc.say) > 0) {
					t.Fatal(err)
				}
				lacks(t, err, tc.say...)
				if diff := cmp.Diff(tc.left, f.shown()); diff != "" {
					t.Errorf("entries (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tc.calls, f.calls); diff != "" && name != "a role that there is not" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
				if len(doors.opened) > 0 {
					t.Error("the cluster's API was asked, which may not be in reach")
				}
				if err != nil {
					if answer.PhysicalID != "" {
						t.Errorf("nothing was made, and the ID is %s", answer.PhysicalID)
					}
					return
				}
				want := response{
					PhysicalID: "awsauth/demo/" + tc.props.PrincipalArn + "/AccessEntry",
					Data:       contract.AWSAuthData{Method: contract.MethodAccessEntry, Username: tc.answer},
				}
				if diff := cmp.Diff(want, answer); diff != "" {
					t.Errorf("answer (-want +got):\n%s", diff)
				}
				// The same event again, as CloudFormation may send it.
				f.calls = nil
				again, err := h.Create(t.Context(), asked(tc.props))
				if err != nil || len(f.calls) > 0 || !cmp.Equal(again, answer) {
					t.Errorf("again: %v, %v, calls %v", again, err, f.calls)
				}
			})
		}
	}
}

func TestHalfMadeEntryIsTakenAwayAgain(t *testing.T) {
	f := newEKS(types.AuthenticationModeApi)
	f.faults["AssociateAccessPolicy"] = []error{&types.ServerException{Message: aws.String("broken")}}
	h := newHandler(f, &fakeDoors{})
	answer, err := h.Create(t.Context(), asked(administrator(admins)))
	lacks(t, err, "associate AmazonEKSClusterAdminPolicy with the access entry of "+admins+" on cluster demo", "broken")
	if answer.PhysicalID == "" || len(f.entries) != 1 {
		t.Fatalf("the ID is %q, the entries %v", answer.PhysicalID, f.shown())
	}
	if err := h.Delete(t.Context(), asked(administrator(admins), answer.PhysicalID)); err != nil || len(f.entries) > 0 {
		t.Errorf("%v, left is %v", err, f.shown())
	}
}

// A rollback goes through without the right for want of which the create failed:
// which policies an entry has does not matter to its end.
func TestAnEntryIsDeletedWithoutALookAtItsPolicies(t *testing.T) {
	f := newEKS(types.AuthenticationModeApi)
	h := newHandler(f, nil)
	for range 20 {
		f.faults["ListAssociatedAccessPolicies"] = append(f.faults["ListAssociatedAccessPolicies"], denied("eks:ListAssociatedAccessPolicies"))
	}
	answer, err := h.Create(t.Context(), asked(administrator(installer)))
	lacks(t, err, "eks:ListAssociatedAccessPolicies")
	if answer.PhysicalID == "" || len(f.entries) != 1 {
		t.Fatalf("the half-made entry is not told of: %v, %v", answer, f.entries)
	}
	if err := h.Delete(t.Context(), asked(administrator(installer), answer.PhysicalID)); err != nil || len(f.entries) > 0 {
		t.Errorf("left is %v: %v", f.entries, err)
	}
}

// A call that AWS never answered may have been done.
func TestUnansweredCreateIsTakenForDone(t *testing.T) {
	f := newEKS(types.AuthenticationModeApi)
	f.faults["CreateAccessEntry"] = []error{errors.New("connection reset")}
	answer, err := newHandler(f, &fakeDoors{}).Create(t.Context(), asked(node(nodes)))
	if err == nil || answer.PhysicalID != "awsauth/demo/"+nodes+"/AccessEntry" {
		t.Errorf("%v, %v", answer, err)
	}
}

func TestAccessEntryIsUpdated(t *testing.T) {
	const nodeLeft = "ws-CrossAccountRole: type EC2_LINUX, username system:node:{{EC2PrivateDNSName}}, groups system:nodes" + byUs
	cases := map[string]struct {
		before, after contract.AWSAuth
		drift         func(*fakeEKS)
		say           []string
		calls         []string
		left          []string
	}{
		"nothing": {before: user(control, "u"), after: user(control, "u"), left: []string{"ws-CrossAccountRole: type STANDARD, username u" + byUs}},
		"another name, and groups that somebody gave": {
			before: user(control, "u"), after: user(control, "v"),
			drift: func(f *fakeEKS) {
				e := f.entries[control]
				e.KubernetesGroups = []string{"ops"}
				f.entries[control] = e
			},
			calls: []string{"UpdateAccessEntry ws-CrossAccountRole"}, left: []string{"ws-CrossAccountRole: type STANDARD, username v, groups ops" + byUs},
		},
		"to administrator": {
			before: user(control, "u"), after: administrator(control), calls: []string{"AssociateAccessPolicy ws-CrossAccountRole"},
			left: []string{"ws-CrossAccountRole: type STANDARD, username u" + adminEntry + byUs},
		},
		"from administrator": {
			before: administrator(control), after: user(control, "u"),
			calls: []string{"UpdateAccessEntry ws-CrossAccountRole", "DisassociateAccessPolicy ws-CrossAccountRole"},
			left:  []string{"ws-CrossAccountRole: type STANDARD, username u" + byUs},
		},
		"to nodes": {
			before: user(control, "u"), after: node(control), calls: []string{"DeleteAccessEntry ws-CrossAccountRole", "CreateAccessEntry ws-CrossAccountRole"},
			left: []string{nodeLeft},
		},
		"an entry that somebody deleted": {
			before: node(control), after: node(control),
			drift: func(f *fakeEKS) { delete(f.entries, control) },
			calls: []string{"CreateAccessEntry ws-CrossAccountRole"}, left: []string{nodeLeft},
		},
		"an entry that somebody made anew": {
			before: user(control, "u"), after: user(control, "u"),
			drift: func(f *fakeEKS) { f.have(foreignEntry(control, typeStandard, "w")) },
			say:   []string{"that this stack did not make"}, left: []string{"ws-CrossAccountRole: type STANDARD, username w"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			f := newEKS(types.AuthenticationModeApi)
			h := newHandler(f, &fakeDoors{})
			before, err := h.Create(t.Context(), asked(tc.before))
			if err != nil {
				t.Fatal(err)
			}
			if tc.drift != nil {
				tc.drift(f)
			}
			f.calls = nil
			after, err := h.Update(t.Context(), asked(tc.after, before.PhysicalID))
			if (err != nil) != (len(tc.say) > 0) || after.PhysicalID != before.PhysicalID {
				t.Errorf("%v, from %s to %s", err, before.PhysicalID, after.PhysicalID)
			}
			lacks(t, err, tc.say...)
			if diff := cmp.Diff(tc.left, f.shown()); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.calls, f.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// Another principal: the new one is there before CloudFormation has the old one
// deleted, and a rollback ends where it began.
func TestAnotherPrincipal(t *testing.T) {
	f := newEKS(types.AuthenticationModeApi)
	h := newHandler(f, &fakeDoors{})
	old, err := h.Create(t.Context(), asked(user(control, "u")))
	if err != nil {
		t.Fatal(err)
	}
	before := f.shown()
	next, err := h.Update(t.Context(), asked(user(admins, "u"), old.PhysicalID))
	if err != nil || next.PhysicalID == old.PhysicalID || len(f.entries) != 2 {
		t.Fatalf("%v, %v, %v", next, err, f.shown())
	}
	// The update fails elsewhere and is rolled back.
	back, err := h.Update(t.Context(), asked(user(control, "u"), next.PhysicalID))
	if err != nil || back.PhysicalID != old.PhysicalID {
		t.Fatalf("%v, %v", back, err)
	}
	if err := h.Delete(t.Context(), asked(user(admins, "u"), next.PhysicalID)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, f.shown()); diff != "" {
		t.Errorf("after the rollback (-want +got):\n%s", diff)
	}
	// One that fails half made is taken away again.
	f.faults["AssociateAccessPolicy"] = []error{&types.ServerException{Message: aws.String("broken")}}
	failed, err := h.Update(t.Context(), asked(administrator(admins), old.PhysicalID))
	if err == nil || failed.PhysicalID != old.PhysicalID {
		t.Errorf("%v, %v", failed, err)
	}
	if diff := cmp.Diff(before, f.shown()); diff != "" {
		t.Errorf("after the failure (-want +got):\n%s", diff)
	}
}

// When also the undoing of a failed update fails, the entry that is left is named.
func TestAFailedUndoIsTold(t *testing.T) {
	f := newEKS(types.AuthenticationModeApi)
	h := newHandler(f, &fakeDoors{})
	old, err := h.Create(t.Context(), asked(user(control, "u")))
	if err != nil {
		t.Fatal(err)
	}
	broken := func(why string) []error { return []error{&types.ServerException{Message: aws.String(why)}} }
	f.faults["AssociateAccessPolicy"], f.faults["DeleteAccessEntry"] = broken("no policy today"), broken("no delete today")
	failed, err := h.Update(t.Context(), asked(administrator(admins), old.PhysicalID))
	lacks(t, err, "no policy today", "The new entry of "+admins+" could not be taken away again", "no delete today")
	if failed.PhysicalID != old.PhysicalID {
		t.Errorf("the physical ID is %s, want %s", failed.PhysicalID, old.PhysicalID)
	}
}

func TestAccessEntryIsDeletedIfOurs(t *testing.T) {
	id := "awsauth/demo/" + control + "/AccessEntry"
	stale := &types.ResourceNotFoundException{Message: aws.String("deleted meanwhile")}
	cases := map[string]struct {
		there func(*fakeEKS)
		left  []string
		fails string
	}{
		"ours":          {there: func(f *fakeEKS) { f.have(ours("Way")) }},
		"none":          {},
		"no cluster":    {there: func(f *fakeEKS) { f.none = true }},
		"being deleted": {there: func(f *fakeEKS) { f.status = types.ClusterStatusDeleting }},
		"the customer's": {
			there: func(f *fakeEKS) { f.have(foreignEntry(control, typeStandard, "u")) }, left: []string{"ws-CrossAccountRole: type STANDARD, username u"},
		},
		"another resource's": {
			there: func(f *fakeEKS) { f.have(ours("Other")) },
			left:  []string{"ws-CrossAccountRole: type STANDARD, username " + ownUsername(control) + ", by Other"},
		},
		"deleted meanwhile": {
			there: func(f *fakeEKS) { f.have(ours("Way")); f.faults["DeleteAccessEntry"] = []error{stale} },
			left:  []string{"ws-CrossAccountRole: type STANDARD, username " + ownUsername(control) + byUs}, // the stand-in's
		},
		"denied": {
			there: func(f *fakeEKS) {
				f.have(ours("Way"))
				f.faults["DeleteAccessEntry"] = []error{denied("eks:DeleteAccessEntry")}
			},
			left: []string{"ws-CrossAccountRole: type STANDARD, username " + ownUsername(control) + byUs}, fails: "delete the access entry of " + control,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			f := newEKS(types.AuthenticationModeApi)
			if tc.there != nil {
				tc.there(f)
			}
			doors := &fakeDoors{}
			err := newHandler(f, doors).Delete(t.Context(), request{StackID: stackID, LogicalID: "Way", PhysicalID: id})
			if (err != nil) != (tc.fails != "") {
				t.Error(err)
			}
			if tc.fails != "" {
				lacks(t, err, tc.fails)
			}
			f.none = false
			if diff := cmp.Diff(tc.left, f.shown()); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
			if len(doors.opened) > 0 {
				t.Error("the cluster's API was asked")
			}
		})
	}
}

func ours(resource string) types.AccessEntry {
	e := foreignEntry(control, typeStandard, "")
	e.Tags = ownerOf(stackID, resource).tags()
	return e
}
