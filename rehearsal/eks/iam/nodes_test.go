package iam

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/kubernetes/fake"
	iamconfig "sigs.k8s.io/aws-iam-authenticator/pkg/config"
	"sigs.k8s.io/aws-iam-authenticator/pkg/token"
)

// mapRoles is an aws-auth with one entry.
type mapRoles struct{ role, username string }

func (m mapRoles) Map(id *token.Identity) (*iamconfig.IdentityMapping, error) {
	if id.CanonicalARN != m.role {
		return fakeAuth(false).Map(id)
	}
	return &iamconfig.IdentityMapping{Username: m.username, Groups: []string{"system:bootstrappers", "system:nodes"}}, nil
}

func TestNode(t *testing.T) {
	const path = "arn:aws:iam::111122223333:role/nodes/installer"
	for name, tt := range map[string]struct {
		role    string
		eks     fakeEKS
		awsAuth authMapper
		want    string // user and groups; empty: Unauthorized
	}{
		"an entry for nodes":       {role, fakeEKS{mode: "API", entries: []entry{anEntry(role, "EC2_LINUX", "", nil)}}, fakeAuth(false), "system:node:ip-10-0-0-9.ec2.internal [system:nodes]"},
		"an entry for others":      {role, fakeEKS{mode: "API", entries: []entry{anEntry(role, "STANDARD", "", nil)}}, fakeAuth(false), "arn:aws:sts::111122223333:assumed-role/installer/i-0abc []"},
		"a role with a path":       {path, fakeEKS{mode: "API", entries: []entry{anEntry(path, "EC2_LINUX", "", nil)}}, fakeAuth(false), "system:node:ip-10-0-0-9.ec2.internal [system:nodes]"},
		"no entry":                 {role, fakeEKS{mode: "API"}, mapRoles{role, "x"}, ""},
		"aws-auth":                 {role, fakeEKS{mode: "CONFIG_MAP"}, mapRoles{role, "system:node:{{EC2PrivateDNSName}}"}, "system:node:ip-10-0-0-9.ec2.internal [system:bootstrappers system:nodes]"},
		"aws-auth, another name":   {role, fakeEKS{mode: "CONFIG_MAP"}, mapRoles{role, "system:node:{{SessionName}}"}, "system:node:i-0abc [system:bootstrappers system:nodes]"},
		"aws-auth of another role": {role, fakeEKS{mode: "API_AND_CONFIG_MAP"}, mapRoles{"arn:aws:iam::111122223333:role/other", "x"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := &Webhook{access: &access{eks: &tt.eks, cluster: "c", awsAuth: tt.awsAuth, policies: &policies{kube: fake.NewClientset()}}}
			user, groups, err := w.Node(t.Context(), tt.role, "i-0abc", "ip-10-0-0-9.ec2.internal")
			if tt.want == "" {
				if !errors.Is(err, ErrNoNode) {
					t.Fatalf("got %s, %v, want that it is Unauthorized", user, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, user+" ["+strings.Join(groups, " ")+"]"); diff != "" {
				t.Errorf("user (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNobodyKnowsWhetherANodeMayJoin(t *testing.T) {
	w := &Webhook{access: &access{eks: &fakeEKS{err: errors.New("no connection")}, cluster: "c", awsAuth: fakeAuth(true)}}
	if _, _, err := w.Node(t.Context(), role, "i-0abc", "n"); err == nil || errors.Is(err, ErrNoNode) {
		t.Errorf("got %v, want another error than Unauthorized", err)
	}
}
