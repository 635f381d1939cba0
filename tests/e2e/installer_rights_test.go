package e2e

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/e6data/aws-quickstart/rehearsal"
)

// installer is the role of the functions that speak to an existing cluster.
const installer = "InstallerRole"

// loss is a right that the installer's role is without, and when that shows.
type loss struct {
	on   string // of launches
	when func(*testing.T, *lossOfRight) error
	// elsewhere says why no stack on a customer's cluster shows it; empty: one does.
	elsewhere string
}

const (
	onEntries   = "API_AND_CONFIG_MAP"
	onAdmin     = "CONFIG_MAP, by their administrator"
	onNewMode   = "CONFIG_MAP, to change the mode"
	netOfLambda = "ec2:"
)

// losses has each right of the installer's role.
var losses = map[string]loss{
	"logs:CreateLogStream":             {elsewhere: logsInSilence},
	"logs:PutLogEvents":                {elsewhere: logsInSilence},
	"ec2:DescribeSubnets":              {elsewhere: ofLambda},
	"ec2:AssignPrivateIpAddresses":     {elsewhere: ofLambda},
	"ec2:UnassignPrivateIpAddresses":   {elsewhere: ofLambda},
	"ec2:CreateNetworkInterface":       {on: onEntries, when: inCreate},
	"ec2:DescribeNetworkInterfaces":    {on: onEntries, when: inCreate},
	"ec2:DeleteNetworkInterface":       {on: onEntries, when: inCreate},
	"eks:DescribeCluster":              {on: onEntries, when: inCreate},
	"s3:GetObject":                     {on: onEntries, when: inCreate},
	"eks:DescribeAccessEntry":          {on: onEntries, when: inCreate},
	"eks:ListAssociatedAccessPolicies": {on: onEntries, when: inCreate},
	"eks:CreateAccessEntry":            {on: onEntries, when: inCreate},
	"eks:TagResource":                  {on: onEntries, when: inCreate},
	"eks:AssociateAccessPolicy":        {on: onEntries, when: inCreate},
	"eks:UpdateAccessEntry":            {on: onEntries, when: afterARename},
	"eks:DisassociateAccessPolicy":     {on: onEntries, when: afterAPromotion},
	"eks:DeleteAccessEntry":            {on: onEntries, when: inDelete},
	"sts:AssumeRole":                   {on: onAdmin, when: inCreate},
	"eks:UpdateClusterConfig":          {on: onNewMode, when: inCreate},
	"eks:DescribeUpdate":               {elsewhere: "the embedded EKS has changed the mode at the next look; lambdas/awsauth's tests follow a slow update"},
}

// lossOfRight is a stack without one right.
type lossOfRight struct {
	*deployment
	cluster *rehearsal.MadeCluster
	stack   *rehearsal.Stack
	given   map[string]string
	action  string
	kept    []rehearsal.Item // what of a whole stack stays on purpose
}

// stand creates the stack.
func (w *lossOfRight) stand(t *testing.T) {
	t.Helper()
	if err := w.stack.Create(t.Context(), w.given); err != nil {
		t.Fatal(err)
	}
	resources, err := w.stack.Resources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.kept = committed(t, existingEKS).Retained(resources)
}

// Each right of the installer's role is needed: without it a create, an update
// or a delete fails, with AWS's denial of that action as the reason.
func TestAPermissionTakenFromTheInstallerFailsTheStack(t *testing.T) {
	inTurn(t, 1)
	t.Parallel()
	granted := map[string]bool{}
	for _, s := range statements(committed(t, existingEKS).Resources[installer].Properties) {
		for _, a := range actions(s) {
			granted[a] = true
			if _, known := losses[a]; !known {
				t.Errorf("nothing shows that the installer's role needs %s", a)
			}
		}
	}
	byLaunch := map[string][]string{}
	var cases []string
	for _, action := range slices.Sorted(maps.Keys(losses)) {
		if !granted[action] {
			t.Errorf("the installer's role does not have %s", action)
		}
		if losses[action].elsewhere == "" {
			cases = append(cases, action)
		}
	}
	for _, action := range sample(t, cases, 1) {
		byLaunch[losses[action].on] = append(byLaunch[losses[action].on], action)
	}
	for name, actions := range byLaunch {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := start(t, "")
			for _, action := range actions {
				t.Run("without "+action, func(t *testing.T) { launches[name].without(t, d, action) })
			}
		})
	}
}

func (l launch) without(t *testing.T, d *deployment, action string) {
	t.Helper()
	m := d.customersCluster(t, l.cluster) // a cluster changes its mode once only
	given, all := l.answers(t, d, m)
	w := &lossOfRight{deployment: d, cluster: m, given: given, action: action}
	w.stack = d.clients.NewStack("refused", d.upload(t, "refused", existingEKS, func(resources map[string]any) {
		if action != "eks:DeleteAccessEntry" { // without it no create could be rolled back
			revoke(t, resources, grant{installer, action})
		}
	}), logEvents(t))
	w.stack.NamedRoles = true
	err := losses[action].when(t, w)
	if failed := (*rehearsal.FailedError)(nil); !errors.As(err, &failed) {
		t.Fatalf("it ended with %v, want a failed stack", err)
	}
	named := strings.Contains(err.Error(), action) || strings.HasPrefix(action, netOfLambda) && strings.Contains(err.Error(), strings.TrimPrefix(action, netOfLambda))
	if !named {
		t.Errorf("the reason does not name the action: %v", err)
	}
	if !strings.HasPrefix(action, netOfLambda) && !strings.Contains(err.Error(), "is not authorized to perform") {
		t.Errorf("the reason is not AWS's denial: %v", err)
	}
	if err := w.stack.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	gone := l.allowance(m, rehearsal.LeftAllowance(all))
	await(t, "the customer's is as it was", func(ctx context.Context) error { return m.CheckBack(ctx, gone) })
	for _, i := range d.leftovers(t) {
		byEKS := l.changesMode && i.Type == "AWS::EKS::AccessEntry"
		if !byEKS && !slices.Contains(w.kept, i) {
			t.Errorf("left: %v", i)
		}
	}
	if err := m.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func inCreate(t *testing.T, w *lossOfRight) error {
	t.Helper()
	return w.stack.Create(t.Context(), w.given)
}

// inDelete takes the right away while the stack stands, and gives it back.
func inDelete(t *testing.T, w *lossOfRight) error {
	t.Helper()
	w.stand(t)
	giveBack := w.withholdFrom(t, lastOf(installerRole), grant{installer, w.action}, "access-entries")
	defer giveBack()
	return w.stack.Delete(t.Context())
}

// afterARename has somebody give the control plane's entry another user's name,
// which the next update takes back.
func afterARename(t *testing.T, w *lossOfRight) error {
	t.Helper()
	return w.afterAChange(t, func(entry string) error {
		_, err := w.clients.EKS.UpdateAccessEntry(t.Context(), &eks.UpdateAccessEntryInput{ClusterName: &w.cluster.Name, PrincipalArn: &entry, Username: aws.String("somebody")})
		return err
	})
}

// afterAPromotion has somebody make the control plane an administrator, which the
// next update takes back.
func afterAPromotion(t *testing.T, w *lossOfRight) error {
	t.Helper()
	return w.afterAChange(t, func(entry string) error {
		_, err := w.clients.EKS.AssociateAccessPolicy(t.Context(), &eks.AssociateAccessPolicyInput{
			ClusterName: &w.cluster.Name, PrincipalArn: &entry, AccessScope: &ekstypes.AccessScope{Type: ekstypes.AccessScopeTypeCluster},
			PolicyArn: aws.String("arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"),
		})
		return err
	})
}

func (w *lossOfRight) afterAChange(t *testing.T, change func(entry string) error) error {
	t.Helper()
	w.stand(t)
	if err := change(checkOutputs(t, w.stack)["CrossAccountRoleArn"]); err != nil {
		t.Fatal(err)
	}
	// It asks for the way in again.
	return w.stack.Update(t.Context(), map[string]string{"AllowAuthModeChange": "Yes"})
}
