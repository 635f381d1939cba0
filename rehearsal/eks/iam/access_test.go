package iam

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	iamconfig "sigs.k8s.io/aws-iam-authenticator/pkg/config"
	"sigs.k8s.io/aws-iam-authenticator/pkg/errutil"
	"sigs.k8s.io/aws-iam-authenticator/pkg/token"
)

// entry is an access entry with its associated policies.
type entry struct {
	ekstypes.AccessEntry
	policies []ekstypes.AssociatedAccessPolicy
}

// fakeEKS is a cluster of that mode with those entries; each page holds one.
type fakeEKS struct {
	mode    ekstypes.AuthenticationMode
	entries []entry
	err     error
}

func (f *fakeEKS) DescribeCluster(context.Context, *eks.DescribeClusterInput, ...func(*eks.Options)) (*eks.DescribeClusterOutput, error) {
	c := &ekstypes.Cluster{}
	if f.mode != "" {
		c.AccessConfig = &ekstypes.AccessConfigResponse{AuthenticationMode: f.mode}
	}
	return &eks.DescribeClusterOutput{Cluster: c}, f.err
}

func (f *fakeEKS) ListAccessEntries(_ context.Context, in *eks.ListAccessEntriesInput, _ ...func(*eks.Options)) (*eks.ListAccessEntriesOutput, error) {
	i := len(aws.ToString(in.NextToken))
	if i >= len(f.entries) {
		return &eks.ListAccessEntriesOutput{}, nil
	}
	return &eks.ListAccessEntriesOutput{
		AccessEntries: []string{*f.entries[i].PrincipalArn},
		NextToken:     aws.String(strings.Repeat("x", i+1)),
	}, nil
}

func (f *fakeEKS) find(principal *string) *entry {
	for i := range f.entries {
		if *f.entries[i].PrincipalArn == *principal {
			return &f.entries[i]
		}
	}
	return &entry{}
}

func (f *fakeEKS) DescribeAccessEntry(_ context.Context, in *eks.DescribeAccessEntryInput, _ ...func(*eks.Options)) (*eks.DescribeAccessEntryOutput, error) {
	return &eks.DescribeAccessEntryOutput{AccessEntry: &f.find(in.PrincipalArn).AccessEntry}, nil
}

func (f *fakeEKS) ListAssociatedAccessPolicies(_ context.Context, in *eks.ListAssociatedAccessPoliciesInput, _ ...func(*eks.Options)) (*eks.ListAssociatedAccessPoliciesOutput, error) {
	return &eks.ListAssociatedAccessPoliciesOutput{AssociatedAccessPolicies: f.find(in.PrincipalArn).policies}, nil
}

// fakeAuth is an aws-auth that knows everybody, or nobody.
type fakeAuth bool

func (f fakeAuth) Map(id *token.Identity) (*iamconfig.IdentityMapping, error) {
	if !f {
		return nil, errutil.ErrNotMapped
	}
	return &iamconfig.IdentityMapping{IdentityARN: id.CanonicalARN, Username: "by-aws-auth"}, nil
}

const (
	role    = "arn:aws:iam::111122223333:role/installer"
	session = "arn:aws:sts::111122223333:assumed-role/installer/fn"
)

func anEntry(principal, kind, username string, groups []string, policies ...ekstypes.AssociatedAccessPolicy) entry {
	e := ekstypes.AccessEntry{PrincipalArn: &principal, Type: &kind, KubernetesGroups: groups}
	if username != "" {
		e.Username = &username
	}
	return entry{e, policies}
}

func policy(name string, namespaces ...string) ekstypes.AssociatedAccessPolicy {
	scope := &ekstypes.AccessScope{Type: ekstypes.AccessScopeTypeCluster}
	if len(namespaces) > 0 {
		scope = &ekstypes.AccessScope{Type: ekstypes.AccessScopeTypeNamespace, Namespaces: namespaces}
	}
	return ekstypes.AssociatedAccessPolicy{PolicyArn: aws.String("arn:aws:eks::aws:cluster-access-policy/" + name), AccessScope: scope}
}

func TestMap(t *testing.T) {
	other := anEntry("arn:aws:iam::111122223333:role/other", "STANDARD", "other", nil)
	mine := anEntry(role, "STANDARD", "", []string{"readers"})
	for name, tt := range map[string]struct {
		eks     fakeEKS
		awsAuth fakeAuth
		want    string // user and groups; empty: not mapped
		creator string
	}{
		"no mode is CONFIG_MAP":               {fakeEKS{entries: []entry{mine}}, true, "by-aws-auth []", ""},
		"CONFIG_MAP ignores entries":          {fakeEKS{mode: "CONFIG_MAP", entries: []entry{mine}}, false, "", ""},
		"API ignores aws-auth":                {fakeEKS{mode: "API"}, true, "", ""},
		"both: the entry wins":                {fakeEKS{mode: "API_AND_CONFIG_MAP", entries: []entry{other, mine}}, true, "arn:aws:sts::111122223333:assumed-role/installer/{{SessionName}} [readers]", ""},
		"both: aws-auth speaks without entry": {fakeEKS{mode: "API_AND_CONFIG_MAP", entries: []entry{other}}, true, "by-aws-auth []", ""},
		"an entry on a later page":            {fakeEKS{mode: "API", entries: []entry{other, other, mine}}, false, "arn:aws:sts::111122223333:assumed-role/installer/{{SessionName}} [readers]", ""},
		"an own user name":                    {fakeEKS{mode: "API", entries: []entry{anEntry(role, "STANDARD", "me:{{SessionName}}", nil)}}, false, "me:{{SessionName}} []", ""},
		"a role with a path":                  {fakeEKS{mode: "API", entries: []entry{anEntry("arn:aws:iam::111122223333:role/a/b/installer", "STANDARD", "me", nil)}}, false, "me []", ""},
		"a node":                              {fakeEKS{mode: "API", entries: []entry{anEntry(role, "EC2_LINUX", "ignored", nil)}}, false, "system:node:{{EC2PrivateDNSName}} [system:nodes]", ""},
		"a hybrid node":                       {fakeEKS{mode: "API", entries: []entry{anEntry(role, "HYBRID_LINUX", "", nil)}}, false, "system:node:{{SessionName}} [system:nodes]", ""},
		"a policy for the cluster":            {fakeEKS{mode: "API", entries: []entry{anEntry(role, "STANDARD", "me", nil, policy("AmazonEKSClusterAdminPolicy"))}}, false, "me [eks:access-policy:AmazonEKSClusterAdminPolicy]", ""},
		"a policy for namespaces":             {fakeEKS{mode: "API", entries: []entry{anEntry(role, "STANDARD", "me", nil, policy("AmazonEKSEditPolicy", "team-*"))}}, false, "me [eks:access-policy:AmazonEKSEditPolicy:team-a eks:access-policy:AmazonEKSEditPolicy:team-b]", ""},
		"a policy that is not played":         {fakeEKS{mode: "API", entries: []entry{anEntry(role, "STANDARD", "me", nil, policy("AmazonEKSSecretReaderPolicy"))}}, false, "me []", ""},
		"CONFIG_MAP: the creator is in":       {fakeEKS{mode: "CONFIG_MAP"}, true, "kubernetes-admin [system:masters]", role},
		"CONFIG_MAP: a creator with a path":   {fakeEKS{mode: "CONFIG_MAP"}, false, "kubernetes-admin [system:masters]", "arn:aws:iam::111122223333:role/teams/installer"},
		"CONFIG_MAP: another made it":         {fakeEKS{mode: "CONFIG_MAP"}, true, "by-aws-auth []", "arn:aws:iam::111122223333:role/other"},
		"both: the creator needs an entry":    {fakeEKS{mode: "API_AND_CONFIG_MAP"}, false, "", role},
		"a namespace that does not exist":     {fakeEKS{mode: "API", entries: []entry{anEntry(role, "STANDARD", "me", nil, policy("AmazonEKSViewPolicy", "nowhere"))}}, false, "me []", ""},
	} {
		t.Run(name, func(t *testing.T) {
			kube := fake.NewClientset(
				&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "team-a"}},
				&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "team-b"}},
				&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "apart"}},
			)
			a := &access{eks: &tt.eks, cluster: "c", awsAuth: tt.awsAuth, policies: &policies{kube: kube}, creator: filepath.Join(t.TempDir(), "creator")}
			if tt.creator != "" {
				if err := os.WriteFile(a.creator, []byte(tt.creator+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			id := &token.Identity{ARN: session, CanonicalARN: role, SessionName: "fn"}
			m, err := a.Map(t.Context(), id)
			if tt.want == "" {
				if !errors.Is(err, errutil.ErrNotMapped) {
					t.Fatalf("got %v, %v, want that it is not mapped", m, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, m.Username+" ["+strings.Join(m.Groups, " ")+"]"); diff != "" {
				t.Errorf("mapping (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMapGivesAnErrorOfEKSAsItIs(t *testing.T) {
	broken := errors.New("no connection")
	a := &access{eks: &fakeEKS{err: broken}, cluster: "c", awsAuth: fakeAuth(true)}
	_, err := a.Map(t.Context(), &token.Identity{})
	if !errors.Is(err, broken) || errors.Is(err, errutil.ErrNotMapped) {
		t.Errorf("got %v, want the error of EKS, not a refusal", err)
	}
}

func TestPoliciesAreBoundInTheirNamespaces(t *testing.T) {
	kube := fake.NewClientset(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "b"}})
	p := &policies{kube: kube}
	for range 2 { // every review binds anew
		if err := p.install(t.Context()); err != nil {
			t.Fatal(err)
		}
		view := policy("AmazonEKSViewPolicy", "a")
		if _, err := p.groups(t.Context(), &view); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]string{}
	rb, err := kube.RbacV1().RoleBindings("").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range rb.Items {
		got[b.Namespace+"/"+b.Subjects[0].Name] = b.RoleRef.Name
	}
	crb, err := kube.RbacV1().ClusterRoleBindings().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range crb.Items {
		got[b.Subjects[0].Name] = b.RoleRef.Name
	}
	want := map[string]string{
		"a/eks:access-policy:AmazonEKSViewPolicy:a":     "view",
		"eks:access-policy:AmazonEKSClusterAdminPolicy": "cluster-admin",
		"eks:access-policy:AmazonEKSAdminPolicy":        "admin",
		"eks:access-policy:AmazonEKSEditPolicy":         "edit",
		"eks:access-policy:AmazonEKSViewPolicy":         "view",
		"eks:access-policy:AmazonEKSAdminViewPolicy":    "eks:admin-view",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bindings (-want +got):\n%s", diff)
	}
}

func TestWithoutPath(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:iam::1:role/name":             "arn:aws:iam::1:role/name",
		"arn:aws:iam::1:role/a/b/name":         "arn:aws:iam::1:role/name",
		"arn:aws-us-gov:iam::1:user/dept/jane": "arn:aws-us-gov:iam::1:user/jane",
		"arn:aws:iam::1:root":                  "arn:aws:iam::1:root",
		"":                                     "",
	} {
		if got := withoutPath(arn); got != want {
			t.Errorf("withoutPath(%q) = %q, want %q", arn, got, want)
		}
	}
}
