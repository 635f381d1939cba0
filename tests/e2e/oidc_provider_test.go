package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/rehearsal"
)

// issuerURL is the cluster's issuer, providerARN the provider that it has or
// would have.
func (c *theirCluster) issuerURL(t *testing.T) string {
	t.Helper()
	return aws.ToString(c.active(t).Identity.Oidc.Issuer)
}

func (c *theirCluster) providerARN(t *testing.T) string {
	t.Helper()
	return "arn:aws:iam::000000000000:oidc-provider/" + strings.TrimPrefix(c.issuerURL(t), "https://")
}

// provider is the provider as IAM shows it, nil if there is none.
func (c *theirCluster) provider(t *testing.T) *iam.GetOpenIDConnectProviderOutput {
	t.Helper()
	out, err := c.clients.IAM.GetOpenIDConnectProvider(t.Context(), &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: aws.String(c.providerARN(t))})
	if err != nil && strings.Contains(err.Error(), "NoSuchEntity") {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// checkMarks compares the provider's tags; the wanted ones are by stack: its
// workspace, and with maker the one that made it. No stack at all: no provider.
func (c *theirCluster) checkMarks(t *testing.T, maker *rehearsal.Stack, users map[*rehearsal.Stack]string) {
	t.Helper()
	p := c.provider(t)
	if maker == nil {
		if p != nil {
			t.Errorf("the provider is there, with %v", tagMap(p.Tags))
		}
		return
	}
	if p == nil {
		t.Fatal("there is no provider")
	}
	want := map[string]string{contract.MadeByTag: uuid(maker)}
	for s, workspace := range users {
		want[contract.UsedByTag+uuid(s)] = workspace
	}
	if diff := cmp.Diff(want, tagMap(p.Tags)); diff != "" {
		t.Errorf("tags of the provider (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"sts.amazonaws.com"}, p.ClientIDList); diff != "" {
		t.Errorf("audiences (-want +got):\n%s", diff)
	}
}

func uuid(s *rehearsal.Stack) string { return s.ID()[strings.LastIndex(s.ID(), "/")+1:] }

func tagMap(tags []types.Tag) map[string]string {
	out := map[string]string{}
	for _, t := range tags {
		out[*t.Key] = *t.Value
	}
	return out
}

// podAssumes has a pod's token assume the stack's role for it.
func (c *theirCluster) podAssumes(t *testing.T, s *rehearsal.Stack) error {
	t.Helper()
	accounts := c.kube(t, c.name).CoreV1().ServiceAccounts("default")
	if _, err := accounts.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "engine"}}, createNow); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	token, err := accounts.CreateToken(t.Context(), "engine", &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{"sts.amazonaws.com"}}}, createNow)
	if err != nil {
		t.Fatal(err)
	}
	resources, err := s.Resources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	config := c.AWSConfig()
	config.Credentials = aws.AnonymousCredentials{}
	_, err = sts.NewFromConfig(config).AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String("arn:aws:iam::000000000000:role/" + resources["ServiceAccountRole"]), RoleSessionName: aws.String("test"), WebIdentityToken: &token.Status.Token,
	})
	return err
}

// together runs one thing for each stack, all at the same time.
func together(t *testing.T, do func(*rehearsal.Stack) error, stacks ...*rehearsal.Stack) {
	t.Helper()
	errs := make([]error, len(stacks))
	var all sync.WaitGroup
	for i, s := range stacks {
		all.Go(func() { errs[i] = do(s) })
	}
	all.Wait()
	for i, err := range errs {
		if err != nil {
			t.Errorf("%s: %v", stacks[i].Name, err)
		}
	}
}

// Workspaces of a cluster share its provider: the first one makes it, pods of
// each get their roles through it, and the last one takes it along, whoever that
// is and however many come or go at once.
func TestOidcProviderOfTheCluster(t *testing.T) {
	inTurn(t, 2)
	t.Parallel()
	c := startTheirCluster(t, "theirs")
	workspaces := map[*rehearsal.Stack]string{}
	stack := func(name string) *rehearsal.Stack {
		s := c.stack(t, name, nil)
		workspaces[s] = name
		return s
	}
	create := func(s *rehearsal.Stack) error { return s.Create(t.Context(), c.parameters(workspaces[s], nil)) }
	destroy := func(s *rehearsal.Stack) error { return s.Delete(t.Context()) }

	first, second := stack("alpha"), stack("beta")
	together(t, create, first)
	c.checkMarks(t, first, map[*rehearsal.Stack]string{first: "alpha"})
	if err := c.podAssumes(t, first); err != nil {
		t.Error(err)
	}
	together(t, create, second)
	c.checkMarks(t, first, map[*rehearsal.Stack]string{first: "alpha", second: "beta"})
	// The maker goes, and the other one's pods notice nothing.
	together(t, destroy, first)
	c.checkMarks(t, first, map[*rehearsal.Stack]string{second: "beta"})
	if err := c.podAssumes(t, second); err != nil {
		t.Error(err)
	}
	// One that fails takes its own mark only.
	failing := c.stack(t, "gamma", func(resources map[string]any) {
		resources["Broken"] = map[string]any{"Type": "AWS::IAM::Role", "DependsOn": "OidcProvider", "Properties": map[string]any{
			"AssumeRolePolicyDocument": map[string]any{}, "ManagedPolicyArns": []string{"arn:aws:iam::aws:policy/NoSuchPolicy"},
		}}
	})
	mustFail(t, failing, c.parameters("gamma", nil))
	c.checkMarks(t, first, map[*rehearsal.Stack]string{second: "beta"})
	remove(t, failing)
	together(t, destroy, second)
	c.checkMarks(t, nil, nil)

	// The same workspace's name in two stacks is two users.
	one, other := stack("delta"), stack("epsilon")
	workspaces[other] = "delta"
	together(t, create, one, other)
	if err := c.podAssumes(t, other); err != nil {
		t.Error(err)
	}
	maker := one
	if tagMap(c.provider(t).Tags)[contract.MadeByTag] == uuid(other) {
		maker = other
	}
	c.checkMarks(t, maker, map[*rehearsal.Stack]string{one: "delta", other: "delta"})
	together(t, destroy, one, other)
	c.checkMarks(t, nil, nil)

	// One that fails as the only one leaves nothing.
	mustFail(t, failing, c.parameters("gamma", nil))
	c.checkMarks(t, nil, nil)
	remove(t, failing)
	if left := c.leftovers(t); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	checkNoDenials(t, c.deployment)
}

// One deletes while another is created: whatever the order, the new one has the
// provider, and takes it along.
func TestOidcProviderChangesHands(t *testing.T) {
	inTurn(t, 1)
	t.Parallel()
	c := startTheirCluster(t, "theirs")
	old := c.stack(t, "old", nil)
	if err := old.Create(t.Context(), c.parameters("old", nil)); err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		fresh := c.stack(t, fmt.Sprintf("fresh%d", round), nil)
		together(t, func(s *rehearsal.Stack) error {
			if s == old {
				return s.Delete(t.Context())
			}
			return s.Create(t.Context(), c.parameters("fresh", nil))
		}, old, fresh)
		if err := c.podAssumes(t, fresh); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
		if users := tagMap(c.provider(t).Tags); users[contract.UsedByTag+uuid(fresh)] != "fresh" || users[contract.UsedByTag+uuid(old)] != "" {
			t.Errorf("round %d: tags %v", round, users)
		}
		old = fresh
	}
	remove(t, old)
	c.checkMarks(t, nil, nil)
	if left := c.leftovers(t); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// The provider that a customer has is used as it is, and is the same afterwards.
// One that does not take pods' tokens is refused, with the command that the
// customer runs; then the next launch passes.
func TestOidcProviderOfTheCustomer(t *testing.T) {
	inTurn(t, 0)
	t.Parallel()
	c := startTheirCluster(t, "theirs")
	issuer, arn := c.issuerURL(t), c.providerARN(t)
	if _, err := c.clients.IAM.CreateOpenIDConnectProvider(t.Context(), &iam.CreateOpenIDConnectProviderInput{
		Url: &issuer, ClientIDList: []string{"vault.example.com"}, Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("data")}},
	}); err != nil {
		t.Fatal(err)
	}
	c.snapshot(t)
	s := c.stack(t, "alpha", nil)
	before := c.provider(t)
	failed := mustFail(t, s, c.parameters("alpha", nil))
	command := "aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn " + arn + " --client-id sts.amazonaws.com"
	if reason := failed.Error(); !strings.Contains(reason, command) {
		t.Errorf("the reason does not say the command: %s", reason)
	}
	remove(t, s)
	c.checkSame(t, before)

	if _, err := c.clients.IAM.AddClientIDToOpenIDConnectProvider(t.Context(), &iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: &arn, ClientID: aws.String("sts.amazonaws.com")}); err != nil {
		t.Fatal(err)
	}
	before = c.provider(t)
	if err := s.Create(t.Context(), c.parameters("alpha", nil)); err != nil {
		t.Fatal(err)
	}
	c.checkSame(t, before)
	if err := c.podAssumes(t, s); err != nil {
		t.Error(err)
	}
	remove(t, s)
	c.checkSame(t, before)
	if left := c.leftovers(t); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	checkNoDenials(t, c.deployment)
}

func (c *theirCluster) checkSame(t *testing.T, before *iam.GetOpenIDConnectProviderOutput) {
	t.Helper()
	after := c.provider(t)
	if after == nil {
		t.Fatal("the customer's provider is gone")
	}
	if diff := cmp.Diff(shownProvider(before), shownProvider(after)); diff != "" {
		t.Errorf("the customer's provider changed (-before +after):\n%s", diff)
	}
}

func shownProvider(p *iam.GetOpenIDConnectProviderOutput) []any {
	return []any{p.ClientIDList, p.ThumbprintList, aws.ToString(p.Url), p.CreateDate, tagMap(p.Tags)}
}

// A provider that a stack made and that roles of the customer's have come to
// trust stays when the last stack goes, and is the customer's from then on.
func TestOidcProviderThatTheCustomersRolesTrust(t *testing.T) {
	inTurn(t, 3)
	t.Parallel()
	c := startTheirCluster(t, "theirs")
	s := c.stack(t, "alpha", nil)
	if err := s.Create(t.Context(), c.parameters("alpha", nil)); err != nil {
		t.Fatal(err)
	}
	trust, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
		"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": map[string]any{"Federated": c.providerARN(t)},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.clients.IAM.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("their-app"), AssumeRolePolicyDocument: aws.String(string(trust))}); err != nil {
		t.Fatal(err)
	}
	remove(t, s)
	p := c.provider(t)
	if p == nil || len(p.Tags) > 0 {
		t.Fatalf("the provider is %v", p)
	}
	// The next stack takes it for the customer's.
	if err := s.Create(t.Context(), c.parameters("alpha", nil)); err != nil {
		t.Fatal(err)
	}
	c.checkSame(t, p)
	remove(t, s)
	c.checkSame(t, p)
	checkNoDenials(t, c.deployment)
}
