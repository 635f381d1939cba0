package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/e6data/aws-quickstart/rehearsal"
)

// A stack is deleted while its nodes have work: the nodes end first, while
// Karpenter is there, and nothing of them is left.
func TestDeleteEndsNodesAtWork(t *testing.T) {
	inTurn(t, 3)
	t.Parallel()
	d, s, p := atWork(t)
	kept := retained(t, s)
	if err := s.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The work itself is the test's own, in a namespace of the customer's.
	left := slices.DeleteFunc(d.leftovers(t), func(i rehearsal.Item) bool { return i.ID == p.cluster+"/default/engine" })
	if diff := cmp.Diff(kept, left); diff != "" {
		t.Errorf("left after delete (-retained +left):\n%s", diff)
	}
	p.endedAsTheyShould(t)
}

// endedAsTheyShould checks that Karpenter itself ended what it started.
func (p *pool) endedAsTheyShould(t *testing.T) {
	t.Helper()
	if left, err := p.instances(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("%d instances run (%v)", len(left), err)
	}
	templates, err := p.clients.EC2.DescribeLaunchTemplates(t.Context(), &ec2.DescribeLaunchTemplatesInput{})
	if err != nil || len(templates.LaunchTemplates) > 0 {
		t.Errorf("%d launch templates are left (%v)", len(templates.LaunchTemplates), err)
	}
	profiles, err := p.clients.IAM.ListInstanceProfiles(t.Context(), &iam.ListInstanceProfilesInput{})
	if err != nil || len(profiles.InstanceProfiles) > 0 {
		t.Errorf("%d instance profiles are left (%v)", len(profiles.InstanceProfiles), err)
	}
	if allowed, _ := p.calls(t); !allowed["ec2:TerminateInstances"] {
		t.Error("Karpenter ended no instance")
	}
}

// What keeps nodes from ending is told with its name, before the time is up, and
// when it is out of the way the next delete goes through: a pod that must not be
// disrupted, and then an instance that Karpenter may not end.
func TestDeleteNamesWhatKeepsNodes(t *testing.T) {
	inTurn(t, 1)
	t.Parallel()
	d := start(t, "")
	s := d.changed(t, "impatient", func(resources map[string]any) {
		resources["NodePool"].(map[string]any)["Properties"].(map[string]any)["TimeoutSeconds"] = 25
	})
	if err := s.Create(t.Context(), d.parameters(nil)); err != nil {
		t.Fatal(err)
	}
	p := newPool(t, d, checkOutputs(t, s))
	p.want(t, 1)
	await(t, "the pod runs", p.running)
	pod := p.stay(t)
	started, err := p.instances(t.Context())
	if err != nil || len(started) == 0 {
		t.Fatalf("%d instances (%v)", len(started), err)
	}
	instance := *started[0].InstanceId

	kept := retained(t, s)
	resources, err := s.Resources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	reason := p.refusesToGo(t, s)
	for _, want := range []string{"NodeClaim " + p.name + "-", "instance " + instance, "pod default/" + pod + " has the annotation karpenter.sh/do-not-disrupt"} {
		if !strings.Contains(reason, want) {
			t.Errorf("the reason does not say %q:\n%s", want, reason)
		}
	}

	role := resources["KarpenterControllerRole"]
	const deny = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"ec2:TerminateInstances","Resource":"*"}]}`
	if _, err := d.clients.IAM.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: &role, PolicyName: aws.String("deny"), PolicyDocument: aws.String(deny)}); err != nil {
		t.Fatal(err)
	}
	p.remove(t, pod)
	reason = p.refusesToGo(t, s)
	for _, want := range []string{"NodeClaim " + p.name + "-", "instance " + instance, "finalizer karpenter.sh/termination"} {
		if !strings.Contains(reason, want) {
			t.Errorf("the reason does not say %q:\n%s", want, reason)
		}
	}

	if _, err := d.clients.IAM.DeleteRolePolicy(t.Context(), &iam.DeleteRolePolicyInput{RoleName: &role, PolicyName: aws.String("deny")}); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(kept, d.leftovers(t)); diff != "" {
		t.Errorf("left after delete (-retained +left):\n%s", diff)
	}
	p.endedAsTheyShould(t)
}

// stay marks the pod at work as one that must not be disrupted, lets nobody make
// it anew, and returns its name.
func (p *pool) stay(t *testing.T) string {
	t.Helper()
	pods, err := p.kube.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{LabelSelector: "app=engine"})
	if err != nil || len(pods.Items) != 1 {
		t.Fatalf("%d pods (%v)", len(pods.Items), err)
	}
	mark := []byte(`{"metadata":{"annotations":{"karpenter.sh/do-not-disrupt":"true"},"labels":{"app":"alone"},"ownerReferences":null}}`)
	name := pods.Items[0].Name
	if _, err := p.kube.CoreV1().Pods("default").Patch(t.Context(), name, "application/merge-patch+json", mark, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := p.kube.AppsV1().Deployments("default").Delete(t.Context(), "engine", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	return name
}

func (p *pool) remove(t *testing.T, pod string) {
	t.Helper()
	if err := p.kube.CoreV1().Pods("default").Delete(t.Context(), pod, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	await(t, "the pod goes", func(ctx context.Context) error {
		if found, err := p.kube.CoreV1().Pods("default").Get(ctx, pod, metav1.GetOptions{}); err == nil {
			return fmt.Errorf("pod %s is %s", found.Name, found.Status.Phase)
		}
		return nil
	})
}

// refusesToGo deletes the stack, which must fail by its node pool, and returns
// the reason.
func (p *pool) refusesToGo(t *testing.T, s *rehearsal.Stack) string {
	t.Helper()
	begin := time.Now()
	err := s.Delete(t.Context())
	var failed *rehearsal.FailedError
	if !errors.As(err, &failed) || failed.Status != "DELETE_FAILED" {
		t.Fatalf("the delete ended with %v, want DELETE_FAILED", err)
	}
	for _, f := range failed.Failures {
		if f.LogicalID == "NodePool" {
			t.Logf("after %s: %s", time.Since(begin).Round(time.Second), f.Reason)
			return f.Reason
		}
	}
	t.Fatalf("the node pool is not among what failed: %v", err)
	return ""
}
