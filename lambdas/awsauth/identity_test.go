package main

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"
	"pgregory.net/rapid"

	"github.com/e6data/aws-quickstart/internal/contract"
)

func TestIdentityIsReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := identity{
			cluster: rapid.StringMatching(`[0-9A-Za-z][A-Za-z0-9_-]{0,99}`).Draw(t, "cluster"),
			principal: "arn:" + rapid.SampledFrom([]string{"aws", "aws-cn", "aws-us-gov"}).Draw(t, "partition") + ":iam::" +
				rapid.StringMatching(`[0-9]{12}:(role|user)(/[\w+=,.@-]{1,20}){0,4}/[\w+=,.@-]{1,64}`).Draw(t, "rest"),
			method: rapid.SampledFrom([]string{contract.MethodAccessEntry, contract.MethodConfigMap, methodEither}).Draw(t, "method"),
		}
		got, err := parseIdentity(i.String())
		if err != nil || got != i || !ownsID(i.String()) {
			t.Fatalf("%s is read as %+v, %v", i, got, err)
		}
	})
}

func TestUnreadableIdentities(t *testing.T) {
	for _, id := range []string{"", "awsauth/", "awsauth/demo", "awsauth/demo/", "awsauth//x/ConfigMap", "awsauth/demo/ConfigMap", "awsauth/demo/arn/Telepathy", "helmrelease/a/b/c"} {
		if got, err := parseIdentity(id); err == nil {
			t.Errorf("%q is read as %+v", id, got)
		}
	}
}

func TestBackupsAreEachOwnersOwn(t *testing.T) {
	role := func(arn string) principal {
		p, err := parsePrincipal(arn)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	seen := map[string]bool{}
	long := strings.Repeat("A", 255)
	for _, o := range []owner{ownerOf(stackID, "A"), ownerOf(stackID, "B"), ownerOf(stackID+"1", "A"), ownerOf(stackID, long)} {
		for _, arn := range []string{control, nodes} {
			b := o.backup(role(arn))
			if seen[b.Name] || len(validation.IsDNS1123Subdomain(b.Name)) > 0 {
				t.Errorf("the backup %s has no name of its own", b.Name)
			}
			seen[b.Name] = true
			for name, value := range b.Labels {
				if len(validation.IsValidLabelValue(value)) > 0 {
					t.Errorf("label %s: %s", name, value)
				}
			}
		}
	}
	if a, b := ownerOf(stackID, "A").backup(role(nodes)), ownerOf(stackID, "A").backup(role(account+"role/ws-NodeRole")); a.Name != b.Name {
		t.Error("aws-auth knows no paths, but the backup does")
	}
}
