package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/e6data/aws-quickstart/internal/karpenter"
	"github.com/e6data/aws-quickstart/internal/policy"
	"github.com/e6data/aws-quickstart/rehearsal"
)

var nodeClasses = schema.GroupVersionResource{Group: "karpenter.k8s.aws", Version: "v1", Resource: "ec2nodeclasses"}

// unasked are the statements whose calls the controller does not make as the
// template configures it, each with upstream's reason for it.
var unasked = map[string]string{
	"AllowZonalShiftStatusReadOnly":        "asked only with settings.enableZonalShift, which is false by default (pkg/operator/operator.go)",
	"AllowScopedInstanceProfileTagActions": "version 1.14.0 tags a profile as it makes it and calls TagInstanceProfile nowhere (only pkg/aws/sdk.go names it)",
}

// scoped is where the controller's role has a statement: in a managed policy of
// the stack, or in the inline policy that this test adds for a node class with a
// role, which the template's own node class does not need.
type scoped struct {
	policy.Statement
	policyARN string // empty: inline
}

// Without any one of upstream's statements a call of the controller's is denied
// that is allowed with all of them: none is there for nothing, and each is judged.
func TestUpstreamsKarpenterPolicy(t *testing.T) {
	inTurn(t, 2)
	t.Parallel()
	d := start(t, "")
	s := d.stack(t)
	if err := s.Create(t.Context(), d.parameters(nil)); err != nil {
		t.Fatal(err)
	}
	outputs := checkOutputs(t, s)
	c := &karpenterRole{pool: newPool(t, d, outputs), nodeRole: outputs["KarpenterNodeRoleName"]}
	c.find(t)
	var grants []scoped
	for _, g := range c.grants {
		if why, ok := unasked[g.Sid]; ok {
			t.Logf("%s: %s", g.Sid, why)
			continue
		}
		grants = append(grants, g)
	}
	c.writeInline(t, "")
	if denied := c.exercise(t, "all", nil); len(denied) > 0 {
		t.Fatalf("with all statements the controller is denied %v", denied)
	}
	for _, g := range sample(t, grants, 3) {
		t.Run(g.Sid, func(t *testing.T) {
			c.remove(t, g)
			defer func() { c.restore(t, g); c.clear(t) }()
			denied := c.exercise(t, strings.ToLower(g.Sid), g.Actions)
			if len(denied) == 0 {
				t.Fatalf("without %s nothing of %v is denied", g.Sid, g.Actions)
			}
			t.Logf("denied: %s on %s", denied[0].Action, denied[0].Resource)
		})
	}
}

// karpenterRole is the role of Karpenter's controller and what it may do.
type karpenterRole struct {
	*pool
	role, nodeRole string
	grants         []scoped
	probe          string // the node pool, node class and Deployment of the case
}

// find looks the role up, and where it has each of upstream's statements.
func (c *karpenterRole) find(t *testing.T) {
	t.Helper()
	roles, err := c.clients.IAM.ListRoles(t.Context(), &iam.ListRolesInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range roles.Roles {
		if strings.Contains(*r.RoleName, "KarpenterControllerRole") {
			c.role = *r.RoleName
		}
	}
	attached, err := c.clients.IAM.ListAttachedRolePolicies(t.Context(), &iam.ListAttachedRolePoliciesInput{RoleName: &c.role})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range karpenter.Policies() {
		arn := ""
		for _, a := range attached.AttachedPolicies {
			if strings.Contains(*a.PolicyName, "Karpenter"+p.Name) {
				arn = *a.PolicyArn
			}
		}
		if arn == "" {
			t.Fatalf("role %s has no policy %s", c.role, p.Name)
		}
		for _, s := range p.Statements {
			g := scoped{Statement: s, policyARN: arn}
			if slices.Contains(karpenter.InstanceProfileWrites, s.Sid) {
				g.policyARN = ""
			}
			c.grants = append(c.grants, g)
		}
	}
}

// writeInline gives the role the statements on instance profiles, but for one.
func (c *karpenterRole) writeInline(t *testing.T, without string) {
	t.Helper()
	for _, p := range karpenter.Policies() {
		if p.Name != "IAMIntegrationPolicy" {
			continue
		}
		text, err := json.Marshal(p.Without("AllowPassingInstanceRole", without).Document())
		if err != nil {
			t.Fatal(err)
		}
		document := strings.NewReplacer(
			karpenter.ClusterName, c.cluster, "${AWS::Partition}", "aws", "${AWS::Region}", c.Region, "${AWS::AccountId}", "000000000000",
		).Replace(string(text))
		in := &iam.PutRolePolicyInput{RoleName: &c.role, PolicyName: aws.String("InstanceProfileWrites"), PolicyDocument: &document}
		if _, err := c.clients.IAM.PutRolePolicy(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
}

// remove takes a statement away.
func (c *karpenterRole) remove(t *testing.T, g scoped) {
	t.Helper()
	if g.policyARN == "" {
		c.writeInline(t, g.Sid)
		return
	}
	text := c.stackDocument(t, g)
	var document map[string]any
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatalf("policy %s: %v\n%s", g.policyARN, err, text)
	}
	all, _ := document["Statement"].([]any)
	rest := slices.DeleteFunc(slices.Clone(all), func(s any) bool { return s.(map[string]any)["Sid"] == g.Sid })
	if len(rest) != len(all)-1 {
		t.Fatalf("policy %s has no statement %s", g.policyARN, g.Sid)
	}
	if len(rest) == 0 { // a policy needs one
		rest = []any{map[string]any{"Sid": "Nothing", "Effect": "Deny", "Action": "sts:GetSessionToken", "Resource": "*"}}
	}
	document["Statement"] = rest
	changed, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	c.setDocument(t, g, string(changed))
}

// restore gives a statement back.
func (c *karpenterRole) restore(t *testing.T, g scoped) {
	t.Helper()
	if g.policyARN == "" {
		c.writeInline(t, "")
		return
	}
	c.setDocument(t, g, c.stackDocument(t, g))
}

// stackDocument is a policy as the stack made it.
func (c *karpenterRole) stackDocument(t *testing.T, g scoped) string {
	t.Helper()
	version, err := c.clients.IAM.GetPolicyVersion(t.Context(), &iam.GetPolicyVersionInput{PolicyArn: &g.policyARN, VersionId: aws.String("v1")})
	if err != nil {
		t.Fatal(err)
	}
	text, err := url.QueryUnescape(*version.PolicyVersion.Document)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// setDocument makes a new version of a policy the one that counts, and removes
// those that no longer do: a policy has five at most.
func (c *karpenterRole) setDocument(t *testing.T, g scoped, text string) {
	t.Helper()
	in := &iam.CreatePolicyVersionInput{PolicyArn: &g.policyARN, PolicyDocument: &text, SetAsDefault: true}
	if _, err := c.clients.IAM.CreatePolicyVersion(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	versions, err := c.clients.IAM.ListPolicyVersions(t.Context(), &iam.ListPolicyVersionsInput{PolicyArn: &g.policyARN})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range versions.Versions {
		if *v.VersionId == "v1" || v.IsDefaultVersion {
			continue
		}
		if _, err := c.clients.IAM.DeletePolicyVersion(t.Context(), &iam.DeletePolicyVersionInput{PolicyArn: &g.policyARN, VersionId: v.VersionId}); err != nil {
			t.Fatal(err)
		}
	}
}

// exercise starts the controllers anew, so that they have nothing cached, and
// takes a node of a new pool through its life. It ends early, and gives the calls,
// once one of the wanted actions is denied.
func (c *karpenterRole) exercise(t *testing.T, name string, wanted []string) []rehearsal.Call {
	t.Helper()
	_, before := c.calls(t)
	found := func() (denied []rehearsal.Call) {
		_, all := c.calls(t)
		for _, call := range all[len(before):] {
			if wanted == nil || slices.Contains(wanted, call.Action) {
				denied = append(denied, call)
			}
		}
		return denied
	}
	c.restart(t)
	c.plant(t, name)
	stage := "its pod runs"
	await(t, "a life of a node, or a denied call of "+strings.Join(wanted, ", "), func(ctx context.Context) error {
		if wanted != nil && len(found()) > 0 {
			return nil
		}
		switch stage {
		case "its pod runs":
			if err := c.probeRuns(ctx); err != nil {
				return err
			}
			stage = "it is gone"
			return c.uproot(ctx)
		default:
			return c.uprooted(ctx)
		}
	})
	return found()
}

// restart ends the controller's pods; others take their place.
func (c *karpenterRole) restart(t *testing.T) {
	t.Helper()
	ofKarpenter := metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=karpenter"}
	if err := c.kube.CoreV1().Pods("kube-system").DeleteCollection(t.Context(), metav1.DeleteOptions{}, ofKarpenter); err != nil {
		t.Fatal(err)
	}
}

// plant makes a node class with a role, a node pool of it and a pod for it.
func (c *karpenterRole) plant(t *testing.T, name string) {
	t.Helper()
	c.probe = name
	class := c.copy(t, nodeClasses, name)
	unstructured.RemoveNestedField(class.Object, "spec", "instanceProfile")
	set(t, class, c.nodeRole, "spec", "role")
	pool := c.copy(t, nodePools, name)
	set(t, pool, name, "spec", "template", "spec", "nodeClassRef", "name")
	for resource, object := range map[schema.GroupVersionResource]*unstructured.Unstructured{nodeClasses: class, nodePools: pool} {
		if _, err := c.objects.Resource(resource).Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	engine := c.engine(name, 1, map[string]string{nodePoolLabel: name})
	if _, err := c.kube.AppsV1().Deployments("default").Create(t.Context(), engine, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// copy is the stack's object of a type under another name.
func (c *karpenterRole) copy(t *testing.T, resource schema.GroupVersionResource, name string) *unstructured.Unstructured {
	t.Helper()
	o, err := c.objects.Resource(resource).Get(t.Context(), c.name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	spec, _, err := unstructured.NestedMap(o.Object, "spec")
	if err != nil {
		t.Fatal(err)
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": o.GetAPIVersion(), "kind": o.GetKind(), "metadata": map[string]any{"name": name}, "spec": spec,
	}}
}

func set(t *testing.T, o *unstructured.Unstructured, value string, fields ...string) {
	t.Helper()
	if err := unstructured.SetNestedField(o.Object, value, fields...); err != nil {
		t.Fatal(err)
	}
}

func (c *karpenterRole) probeRuns(ctx context.Context) error {
	engine, err := c.kube.AppsV1().Deployments("default").Get(ctx, c.probe, metav1.GetOptions{})
	if err == nil && engine.Status.ReadyReplicas == 0 {
		classes, _ := c.list(ctx, nodeClasses)
		claims, _ := c.list(ctx, nodeClaims)
		err = fmt.Errorf("no pod is ready; node classes %v, node claims %v", classes, claims)
	}
	if err != nil {
		return err
	}
	return c.tagged(ctx)
}

// tagged tells whether Karpenter has named the instances after their nodes.
func (c *karpenterRole) tagged(ctx context.Context) error {
	claims, err := c.objects.Resource(nodeClaims).List(ctx, metav1.ListOptions{LabelSelector: nodePoolLabel + "=" + c.probe})
	if err != nil {
		return err
	}
	for i := range claims.Items {
		if claims.Items[i].GetAnnotations()["karpenter.k8s.aws/tagged"] != "true" {
			return fmt.Errorf("node claim %s is not tagged yet", claims.Items[i].GetName())
		}
	}
	return nil
}

// uproot deletes what plant made.
func (c *karpenterRole) uproot(ctx context.Context) error {
	errs := []error{c.kube.AppsV1().Deployments("default").Delete(ctx, c.probe, metav1.DeleteOptions{})}
	for _, resource := range []schema.GroupVersionResource{nodePools, nodeClasses} {
		errs = append(errs, c.objects.Resource(resource).Delete(ctx, c.probe, metav1.DeleteOptions{}))
	}
	for i, err := range errs {
		if apierrors.IsNotFound(err) {
			errs[i] = nil
		}
	}
	err := errors.Join(errs...)
	if err == nil {
		err = errors.New("it has just been deleted")
	}
	return err
}

func (c *karpenterRole) uprooted(ctx context.Context) error {
	if _, err := c.objects.Resource(nodeClasses).Get(ctx, c.probe, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		claims, _ := c.list(ctx, nodeClaims)
		return fmt.Errorf("node class %s is still there (%w); node claims %v", c.probe, err, claims)
	}
	return nil
}

// clear ends what a case has left, with all rights.
func (c *karpenterRole) clear(t *testing.T) {
	t.Helper()
	c.restart(t) // a crash loop would wait
	_ = c.uproot(t.Context())
	await(t, "the case's nodes end", c.uprooted)
}

// Few statements may go without a call, and only such as upstream has.
func TestFewOfUpstreamsStatementsAreUnasked(t *testing.T) {
	t.Parallel()
	const most = 4
	if len(unasked) > most {
		t.Errorf("%d statements are explained instead of tried, want at most %d", len(unasked), most)
	}
	known := map[string]bool{}
	for _, p := range karpenter.Policies() {
		for _, s := range p.Statements {
			known[s.Sid] = true
		}
	}
	for sid, why := range unasked {
		if !known[sid] || why == "" {
			t.Errorf("%s is no statement of upstream's, or has no reason: %q", sid, why)
		}
	}
}
