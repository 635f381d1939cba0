package e2e

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/rehearsal"
	"github.com/e6data/aws-quickstart/rehearsal/charts"
)

// One stack, one change after another: nothing stateful becomes another, and
// all releases are well after each. A change that is for life is refused with
// a sentence, and nothing but its check was touched. In a campaign every
// parameter of every template changes, on each kind of network.
func TestAnswersChangeOnALivingStack(t *testing.T) {
	t.Parallel()
	for _, w := range sample(t, walks, 1) {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			w.run(t)
		})
	}
}

func (w walk) run(t *testing.T) {
	t.Helper()
	l := w.settle(t)
	var touched []string
	s := l.of(t, w.file, "quickstart")
	s.Progress = func(e rehearsal.Event) {
		logEvents(t)(e)
		if e.LogicalID != "quickstart" && !slices.Contains(checkers, e.LogicalID) {
			touched = append(touched, e.LogicalID+" "+e.Status)
		}
	}
	create := w.create(l)
	cluster := "e6data-analytics"
	if w.cluster == nil {
		create["KubernetesVersion"] = "1.35"
	} else {
		cluster = l.theirs.Name
	}
	if err := s.Create(t.Context(), l.in(w.file, l.customer, create)); err != nil {
		t.Fatal(err)
	}
	before := statefulIDs(t, l.deployment, s, w.file)
	for _, a := range slices.Concat(sample(t, w.changes(l), 3), sample(t, shared(t, w.file, l.forLife()), 2), sample(t, shared(t, w.file, l.updatable()), 4)) {
		touched = nil
		err := s.Update(t.Context(), a.change())
		if a.refused != "" {
			a.mustBeRefused(t, err, touched)
			continue
		}
		// In a sample an answer may be the one that is there.
		if err != nil && (campaign() || !strings.Contains(err.Error(), "No updates are to be performed")) {
			t.Fatalf("%s=%s: %v", a.parameter, a.value, err)
		}
		after := statefulIDs(t, l.deployment, s, w.file)
		for id, physical := range before {
			if after[id] != physical {
				t.Errorf("%s=%s: %s was %s and is %s", a.parameter, a.value, id, physical, after[id])
			}
		}
		l.releaseNames(t, cluster) // each must be deployed
	}
	w.leave(t, l, s)
}

// settle starts an environment with all that answers may name.
func (w walk) settle(t *testing.T) *living {
	t.Helper()
	l := &living{deployment: start(t, ""), mirror: "mirror-of-the-version"}
	if err := l.clients.Publish(t.Context(), l.Region, l.mirror, rehearsal.Artifacts{Dir: os.Getenv("QUICKSTART_DIST"), Version: l.version}); err != nil {
		t.Fatal(err)
	}
	l.copyCharts(t, "other/charts")
	for _, prefix := range []string{l.version + "/charts", "other/charts"} {
		l.publishCharts(t, prefix, charts.Options{Charts: []string{charts.Workspace}, Versions: map[string]string{charts.Workspace: "2.1.13"}})
	}
	made, err := l.clients.IAM.CreatePolicy(t.Context(), &iam.CreatePolicyInput{
		PolicyName: aws.String("edge"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	l.boundary = *made.Policy.Arn
	l.administrator = l.newAdministrator(t)
	if w.customer != nil {
		l.other = l.deployment.customer(t, rehearsal.CustomerVPC{Blocks: []string{"10.91.0.0/20"}})
		l.customer = l.deployment.customer(t, *w.customer)
	}
	if w.cluster != nil {
		made := l.customersCluster(t, *w.cluster)
		l.theirs = &theirs{made, made.PrivateSubnets(), lastOf(made.KarpenterController)}
	}
	l.snapshot(t)
	return l
}

// newAdministrator makes a role of the customer's, since EKS lets nobody in who
// does not exist, and returns its ARN.
func (d *deployment) newAdministrator(t *testing.T) string {
	t.Helper()
	made, err := d.clients.IAM.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("Admin"), AssumeRolePolicyDocument: aws.String(trustNobody)})
	if err != nil {
		t.Fatal(err)
	}
	return *made.Role.Arn
}

func (a answer) change() map[string]string {
	change := map[string]string{a.parameter: a.value}
	maps.Copy(change, a.with)
	return change
}

// mustBeRefused looks at an update that must not be done: CloudFormation did not
// begin, or rolled it back with nothing but the checks touched.
func (a answer) mustBeRefused(t *testing.T, err error, touched []string) {
	t.Helper()
	var failed *rehearsal.FailedError
	switch {
	case errors.As(err, &failed) && failed.Status != "UPDATE_ROLLBACK_COMPLETE":
		t.Fatalf("%s=%s ended with %v, want UPDATE_ROLLBACK_COMPLETE", a.parameter, a.value, err)
	case err == nil || failed == nil && !strings.Contains(err.Error(), "ValidationError"):
		t.Fatalf("%s=%s ended with %v, want a refusal", a.parameter, a.value, err)
	}
	if reason := err.Error(); !strings.Contains(reason, a.refused) {
		t.Errorf("%s=%s: the reason does not say %q: %s", a.parameter, a.value, a.refused, reason)
	}
	if len(touched) > 0 && !a.onCluster {
		t.Errorf("%s=%s: touched before the refusal: %v", a.parameter, a.value, touched)
	}
}

// leave deletes the stack and looks at what is left.
func (w walk) leave(t *testing.T, l *living, s *rehearsal.Stack) {
	t.Helper()
	if w.cluster != nil {
		w.leaveTheirs(t, l, s)
		return
	}
	if err := s.Update(t.Context(), map[string]string{"ClusterDeletionProtection": "Off"}); err != nil && !strings.Contains(err.Error(), "No updates are to be performed") {
		t.Fatal(err)
	}
	resources, err := s.Resources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kept := committed(t, w.file).Retained(resources)
	remove(t, s)
	if diff := cmp.Diff(kept, withoutAuthMap(l.leftovers(t))); diff != "" {
		t.Errorf("left after delete (-retained +left):\n%s", diff)
	}
	if l.customer != nil {
		if err := l.customer.CheckBack(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// leaveTheirs deletes a stack on a customer's cluster, which is as it was then.
func (w walk) leaveTheirs(t *testing.T, l *living, s *rehearsal.Stack) {
	t.Helper()
	resources, err := s.Resources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kept := committed(t, w.file).Retained(resources)
	if err := s.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	gone := rehearsal.LeftAllowance(committed(t, w.file).Answered(w.create(l)))
	await(t, "the customer's is as it was", func(ctx context.Context) error { return l.theirs.CheckBack(ctx, gone) })
	if diff := cmp.Diff(kept, l.leftovers(t)); diff != "" {
		t.Errorf("left after delete (-retained +left):\n%s", diff)
	}
	if err := l.theirs.Remove(t.Context()); err != nil {
		t.Error(err)
	}
}

// withoutAuthMap leaves out the map of a mode that the cluster has left: EKS
// does not look after it.
func withoutAuthMap(items []rehearsal.Item) []rehearsal.Item {
	return slices.DeleteFunc(slices.Clone(items), func(i rehearsal.Item) bool { return strings.HasSuffix(i.ID, "kube-system/aws-auth") })
}

// copyCharts publishes the version's charts in a second place.
func (d *deployment) copyCharts(t *testing.T, prefix string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(os.Getenv("QUICKSTART_DIST"), "charts", "*.tgz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("charts of the version: %v %v", files, err)
	}
	d.uploadAll(t, d.bucket, rehearsal.Artifacts{Dir: filepath.Dir(files[0]), Version: prefix})
}

// stateful are the types that must never become others.
var stateful = []string{
	"AWS::S3::Bucket", "AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EKS::Cluster", "AWS::IAM::OIDCProvider", "AWS::Logs::LogGroup",
	"AWS::CloudFormation::Stack", "Custom::HelmRelease", "Custom::OidcProvider", "Custom::AWSAuth",
}

// statefulIDs are the physical IDs of those, of the stack and of the one that it
// nests, if it does.
func statefulIDs(t *testing.T, d *deployment, s *rehearsal.Stack, file string) map[string]string {
	t.Helper()
	ids := map[string]string{}
	collect := func(file, prefix string, physical map[string]string) {
		for id, r := range committed(t, file).Resources {
			if physical[id] != "" && slices.Contains(stateful, r.Type) {
				ids[prefix+id] = physical[id]
			}
		}
	}
	outer, err := s.Resources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	collect(file, "", outer)
	least := 12 // two buckets, three log groups, the cluster, its provider, five releases
	if file == existingEKS {
		least = 11 // the same without the cluster and three releases, and three ways in
	}
	if outer["Network"] != "" {
		least += 5 // the nested stack and two zones
		nested, err := d.clients.FindStack(t.Context(), outer["Network"], nil)
		if err != nil {
			t.Fatal(err)
		}
		inner, err := nested.Resources(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		collect("templates/network.yaml", "Network/", inner)
	}
	if len(ids) < least {
		t.Fatalf("only %d stateful resources found: %v", len(ids), ids)
	}
	return ids
}
