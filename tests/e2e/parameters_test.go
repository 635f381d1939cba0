package e2e

import (
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

// answer is another answer to one parameter of a living stack.
type answer struct {
	parameter, value string
	with             map[string]string // answers that it needs
	refused          string            // what the refusal says; empty: the change succeeds
}

// walk is a stack on which one answer after another changes.
type walk struct {
	name, file string
	customer   *rehearsal.CustomerVPC // the VPC of the customer's, if the template asks for one
	// answers of the create, and those that this stack's own parameters change to,
	// in an order in which they can follow each other.
	create  func(*living) map[string]string
	changes func(*living) []answer
}

// living is a walk's stack with what its answers name.
type living struct {
	*deployment
	customer, other  *rehearsal.MadeVPC // made for templates that ask for one
	boundary, mirror string             // a policy's ARN, and a bucket with a copy of the version's files
}

// roomyVPC has subnets that can be given, and room for more.
var roomyVPC = rehearsal.CustomerVPC{
	Blocks: []string{"10.90.0.0/18"}, InternetGateway: true, NatGateway: true,
	Subnets: []rehearsal.CustomerSubnet{
		{Block: "10.90.0.0/24", Zone: "a", Public: true},
		{Block: "10.90.4.0/23", Zone: "a"},
		{Block: "10.90.6.0/23", Zone: "b"},
		{Block: "10.90.8.0/24", Zone: "d"},
		{Block: "10.90.9.0/24", Zone: "b", Public: true},
	},
}

var walks = []walk{
	{
		name: "new VPC", file: "quickstart.yaml",
		create: func(*living) map[string]string { return map[string]string{"ExcludedAvailabilityZones": "us-east-1f"} },
		changes: func(l *living) []answer {
			return append(l.madeNetwork(), answer{parameter: "VpcCidr", value: "10.9.0.0/16", refused: "VpcCidr cannot change from 10.200.0.0/16 to 10.9.0.0/16"})
		},
	},
	{
		name: "existing VPC, subnets made", file: existingVPC, customer: &roomyVPC,
		create: func(*living) map[string]string { return map[string]string{"ExcludedAvailabilityZones": "us-east-1f"} },
		changes: func(l *living) []answer {
			given := strings.Join(l.customer.Subnets[1:3], ",")
			return append(
				l.madeNetwork(),
				answer{parameter: "VpcId", value: l.other.ID, refused: "VpcId cannot change from " + l.customer.ID + " to " + l.other.ID},
				answer{parameter: "PrivateSubnetIds", value: given, with: map[string]string{"NatGateways": "Single"}, refused: "this stack made its subnets, so PrivateSubnetIds cannot be given now"},
				answer{parameter: "PublicSubnetIds", value: l.customer.Subnets[0], refused: "PublicSubnetIds needs PrivateSubnetIds"},
			)
		},
	},
	{
		name: "existing VPC, subnets given", file: existingVPC, customer: &roomyVPC,
		create: func(l *living) map[string]string {
			return map[string]string{"PrivateSubnetIds": strings.Join(l.customer.Subnets[1:3], ",")}
		},
		changes: func(l *living) []answer {
			given := strings.Join(l.customer.Subnets[1:3], ",")
			return []answer{
				{parameter: "VpcId", value: l.other.ID, refused: "VpcId cannot change from " + l.customer.ID + " to " + l.other.ID},
				{parameter: "PrivateSubnetIds", value: l.customer.Subnets[1] + "," + l.customer.Subnets[3], refused: "subnet " + l.customer.Subnets[2] + " is the cluster's and cannot be left out of PrivateSubnetIds"},
				{parameter: "PrivateSubnetIds", value: given + "," + l.customer.Subnets[3]},
				{parameter: "PublicSubnetIds", value: l.customer.Subnets[0] + "," + l.customer.Subnets[4]},
				{parameter: "PublicSubnetIds", value: ""},
				{parameter: "NatGateways", value: "PerZone", refused: "With PrivateSubnetIds no NAT gateway is made"},
				{parameter: "AdditionalAvailabilityZones", value: "us-east-1f", refused: "add subnets in them to PrivateSubnetIds"},
				{parameter: "ExcludedAvailabilityZones", value: "us-east-1b", refused: "is in zone us-east-1b, which ExcludedAvailabilityZones names"},
				{parameter: "ExcludedAvailabilityZones", value: "us-east-1e"},
			}
		},
	},
}

// madeNetwork are changes of a network that the stack makes.
func (*living) madeNetwork() []answer {
	return []answer{
		{parameter: "ExcludedAvailabilityZones", value: "us-east-1a", refused: "us-east-1a"},
		{parameter: "ExcludedAvailabilityZones", value: ""},
		{parameter: "AdditionalAvailabilityZones", value: "us-east-1c"},
		{parameter: "NatGateways", value: "PerZone"},
		{parameter: "NatGateways", value: "Single"},
	}
}

// updatable are changes of parameters that all templates share, and must
// succeed, in an order in which they can follow each other.
func (l *living) updatable() []answer {
	const proxy = "http://proxy.example.com:3128"
	return []answer{
		{parameter: "DataBucketNames", value: "example-sales-data"},
		{parameter: "GlueAccess", value: "ReadWrite"},
		{parameter: "DebugNamespaces", value: ""},
		{parameter: "KubernetesVersion", value: "1.36"},
		{parameter: "ClusterSupportPolicy", value: "EXTENDED"},
		{parameter: "ClusterDeletionProtection", value: "On"},
		{parameter: "ClusterDeletionProtection", value: "Off"},
		{parameter: "VpcCniWarmTargets", value: "WARM_IP_TARGET=5"},
		{parameter: "EndpointPublicAccessCidrs", value: "198.51.100.0/24"},
		{parameter: "EndpointPublicAccessCidrs", value: ""},
		{parameter: "ClusterLogTypes", value: "api,audit,authenticator,controllerManager,scheduler"},
		{parameter: "ClusterLogTypes", value: "None"},
		{parameter: "LogRetentionDays", value: "7"},
		{parameter: "AdminPrincipalArn", value: "arn:aws:iam::" + account + ":role/Admin"},
		{parameter: "AdminPrincipalArn", value: ""},
		{parameter: "NodeInstanceFamilies", value: "c7g,r7g"},
		{parameter: "NodeArchitectures", value: "arm64", with: map[string]string{"NodeInstanceFamilies": "c7g,r7g"}},
		{parameter: "NodeCapacityTypes", value: "spot,on-demand"},
		{parameter: "NodeAmiVersion", value: "v20260915"},
		{parameter: "NodeTags", value: "team=data"},
		{parameter: "NodeGroupCapacityType", value: "SPOT"},
		{parameter: "ClusterAuthenticationMode", value: "API"},
		{parameter: "NodePoolCpuLimit", value: "640"},
		{parameter: "NodeDiskGiB", value: "250"},
		{parameter: "ControlPlanePrincipalArn", value: "arn:aws:iam::999988887777:role/control"},
		{parameter: "ExternalId", value: "tenant:42"},
		{parameter: "PermissionsBoundaryArn", value: l.boundary},
		{parameter: "PermissionsBoundaryArn", value: ""},
		{parameter: "ChartSource", value: "s3://" + l.bucket + "/other/charts"},
		{parameter: "WorkspaceChartVersion", value: "2.1.13"},
		{parameter: "ImageRegistry", value: "registry.example.com/mirror"},
		{parameter: "HttpsProxy", value: proxy},
		{parameter: "NoProxy", value: ".example.com", with: map[string]string{"HttpsProxy": proxy}},
		{parameter: "HttpsProxy", value: "", with: map[string]string{"NoProxy": ""}},
		{parameter: "ArtifactBucket", value: l.mirror},
		{parameter: "Version", value: nextVersion, with: map[string]string{"ArtifactBucket": l.mirror}},
		{parameter: "ConsoleHost", value: "console.example.com"},
	}
}

// nextVersion is the version under which the mirror has the files again.
const nextVersion = "99.0.0"

// forLife are changes of shared parameters that a function refuses.
func (l *living) forLife() []answer {
	const forever = " cannot change from"
	return []answer{
		{parameter: "WorkspaceName", value: "ops", refused: "WorkspaceName" + forever},
		{parameter: "ClusterName", value: "shared", refused: "ClusterName" + forever},
		{parameter: "KubernetesNamespace", value: "analytics", refused: "KubernetesNamespace" + forever},
		{parameter: "RolePath", value: "/e6data/", refused: "RolePath" + forever},
		{parameter: "KarpenterNamespace", value: "karpenter", refused: "KarpenterNamespace" + forever},
		{parameter: "LoadBalancerControllerNamespace", value: "load-balancers", refused: "LoadBalancerControllerNamespace" + forever},
		{parameter: "KmsKeyArn", value: "arn:aws:kms:us-east-1:" + account + ":key/" + keyID, refused: "KmsKeyArn" + forever},
		{parameter: "DataBucketNames", value: "1.2.3.4", refused: "no bucket's name is an IP address"},
	}
}

// notChanged are parameters that no walk changes, and why.
var notChanged = map[string]string{
	"FunctionArchitecture":          "this machine runs functions of one architecture",
	"KarpenterVersion":              "there is one answer",
	"LoadBalancerControllerVersion": "there is one answer",
}

func TestEveryParameterIsChangedOrSaidWhyNot(t *testing.T) {
	t.Parallel()
	vpc := &rehearsal.MadeVPC{ID: "vpc-1", Subnets: make([]string, len(roomyVPC.Subnets))}
	l := &living{deployment: &deployment{}, customer: vpc, other: vpc}
	for _, w := range walks {
		changed := map[string]bool{}
		for _, a := range slices.Concat(w.changes(l), l.updatable(), l.forLife()) {
			changed[a.parameter] = true
		}
		parameters, _ := document(t, w.file)["Parameters"].(map[string]any)
		if len(parameters) == 0 {
			t.Errorf("%s has no parameters", w.file)
		}
		for name := range parameters {
			if changed[name] == (notChanged[name] != "") {
				t.Errorf("%s: %s is changed by the walk: %v; why not: %q", w.name, name, changed[name], notChanged[name])
			}
		}
	}
}

// One stack, one change after another: nothing stateful becomes another, and
// all releases are well after each. A change that is for life is refused with
// a sentence, and nothing but its check was touched. Each template's own
// parameters change on it; those that all share need not on each.
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
	create["KubernetesVersion"] = "1.35"
	if err := s.Create(t.Context(), l.in(w.file, l.customer, create)); err != nil {
		t.Fatal(err)
	}
	before := statefulIDs(t, l.deployment, s, w.file)
	for _, a := range slices.Concat(sample(t, w.changes(l), 3), sample(t, l.forLife(), 2), sample(t, l.updatable(), 4)) {
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
		releaseNames(t, l.deployment) // each must be deployed
	}
	w.leave(t, l, s)
}

// settle starts an environment with all that answers may name.
func (w walk) settle(t *testing.T) *living {
	t.Helper()
	l := &living{deployment: start(t, ""), mirror: "mirror-of-the-version"}
	for _, version := range []string{l.version, nextVersion} {
		if err := l.clients.Publish(t.Context(), l.Region, l.mirror, rehearsal.Artifacts{Dir: os.Getenv("QUICKSTART_DIST"), Version: version}); err != nil {
			t.Fatal(err)
		}
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
	if w.customer != nil {
		l.other = l.deployment.customer(t, rehearsal.CustomerVPC{Blocks: []string{"10.91.0.0/20"}})
		l.customer = l.deployment.customer(t, *w.customer)
	}
	l.snapshot(t)
	return l
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
	if len(touched) > 0 {
		t.Errorf("%s=%s: touched before the refusal: %v", a.parameter, a.value, touched)
	}
}

// leave deletes the stack and looks at what is left.
func (w walk) leave(t *testing.T, l *living, s *rehearsal.Stack) {
	t.Helper()
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
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.clients.Upload(t.Context(), d.bucket, prefix+"/"+filepath.Base(file), body); err != nil {
			t.Fatal(err)
		}
	}
}

// stateful are the types that must never become others.
var stateful = []string{
	"AWS::S3::Bucket", "AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EKS::Cluster", "AWS::IAM::OIDCProvider", "AWS::Logs::LogGroup",
	"AWS::CloudFormation::Stack", "Custom::HelmRelease",
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
