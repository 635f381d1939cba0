package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/e6data/aws-quickstart/rehearsal"
)

// answer is another answer to one parameter of a living stack.
type answer struct {
	parameter, value string
	with             map[string]string // answers that it needs
	refused          string            // what the refusal says; empty: the change succeeds
	// onCluster: the refusal is the cluster's check's, for which roles must be there.
	onCluster bool
}

// walk is a stack on which one answer after another changes.
type walk struct {
	name, file string
	customer   *rehearsal.CustomerVPC     // the VPC of the customer's, if the template asks for one
	cluster    *rehearsal.CustomerCluster // the cluster, if it asks for one
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
	administrator    string             // a role's ARN
	theirs           *theirs            // made for templates that ask for a cluster
}

// theirs is what answers may name of a customer's cluster.
type theirs struct {
	*rehearsal.MadeCluster
	subnets    []string // the private ones
	controller string   // the name of Karpenter's role
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
	{
		name: "existing EKS, their controllers", file: existingEKS,
		cluster: &rehearsal.CustomerCluster{Mode: "API_AND_CONFIG_MAP", Karpenter: true, LoadBalancerController: true},
		create:  func(l *living) map[string]string { return l.theirs.Answers() },
		changes: func(l *living) []answer {
			return append(
				l.onTheirs(),
				answer{parameter: "KarpenterControllerRoleName", value: ""},
				answer{parameter: "KarpenterControllerRoleName", value: "nobody", refused: "nobody", onCluster: true},
				answer{parameter: "KarpenterControllerRoleName", value: l.theirs.controller},
				answer{
					parameter: "KarpenterOnCluster", value: "Install", with: map[string]string{"KarpenterControllerRoleName": ""},
					refused: "choose KarpenterOnCluster=Existing", onCluster: true,
				},
				answer{parameter: "LoadBalancerControllerOnCluster", value: "Install", refused: "choose LoadBalancerControllerOnCluster=Existing", onCluster: true},
				answer{parameter: "ClusterAdminRoleArn", value: l.theirs.Admin}, // for nothing, in this mode
				answer{parameter: "ClusterAdminRoleArn", value: ""},
			)
		},
	},
	{
		name: "existing EKS, controllers installed", file: existingEKS, cluster: &rehearsal.CustomerCluster{},
		create: func(l *living) map[string]string {
			answers := l.theirs.Answers()
			answers["ClusterAdminRoleArn"] = l.theirs.Admin
			return answers
		},
		changes: func(l *living) []answer {
			return append(
				l.onTheirs(),
				answer{parameter: "KarpenterControllerRoleName", value: "nobody", refused: "leave the name empty"},
				answer{parameter: "KarpenterOnCluster", value: "Existing", refused: "leave it at Install", onCluster: true},
				answer{parameter: "LoadBalancerControllerOnCluster", value: "Existing", refused: "leave it at Install", onCluster: true},
				// The stack's own entry lets it in by now.
				answer{parameter: "ClusterAdminRoleArn", value: ""},
				answer{parameter: "ClusterAdminRoleArn", value: l.theirs.Admin},
			)
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

// onTheirs are changes on any cluster of a customer's.
func (l *living) onTheirs() []answer {
	return []answer{
		{parameter: "ExistingClusterName", value: "another", refused: "ExistingClusterName cannot change from"},
		{parameter: "PrivateSubnetIds", value: l.theirs.subnets[0]},
		{parameter: "PrivateSubnetIds", value: strings.Join(l.theirs.subnets, ",")},
		{parameter: "PrivateSubnetIds", value: ""},
		// The stack has a way in, so the mode stays.
		{parameter: "AllowAuthModeChange", value: "Yes"},
		{parameter: "AllowAuthModeChange", value: "No"},
	}
}

// shared are those of the changes whose parameters a template has.
func shared(t *testing.T, file string, changes []answer) []answer {
	t.Helper()
	parameters, _ := document(t, file)["Parameters"].(map[string]any)
	return slices.DeleteFunc(slices.Clone(changes), func(a answer) bool { return parameters[a.parameter] == nil })
}

// updatable are changes of parameters that templates share, and must succeed, in
// an order in which they can follow each other.
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
		{parameter: "AdminPrincipalArn", value: l.administrator},
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
		{parameter: "ConsoleHost", value: "console.example.com"},
		{parameter: "CallbackUrl", value: "https://hooks.example.com/workspaces"},
	}
}

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
	"Version":                       "there is one answer: TestAnUpdateToTheNextVersion has another template",
}

// ofTheNetwork are for life too: the plan of the network refuses their change.
var ofTheNetwork = []string{"VpcCidr", "VpcId"}

// ofTheCluster are answers about what is on the cluster, which is not changed by
// another answer: the check of the cluster refuses it.
var ofTheCluster = []string{"KarpenterOnCluster", "LoadBalancerControllerOnCluster"}

// Each parameter of each template has a row in each walk on it, and one that
// succeeds unless the template keeps it for life.
func TestEveryParameterIsChangedOrSaidWhyNot(t *testing.T) {
	t.Parallel()
	vpc := &rehearsal.MadeVPC{ID: "vpc-1", Subnets: make([]string, len(roomyVPC.Subnets))}
	l := &living{deployment: &deployment{}, customer: vpc, other: vpc, theirs: &theirs{&rehearsal.MadeCluster{}, []string{"subnet-1", "subnet-2"}, "karpenter"}}
	common := map[string]bool{}              // of the shared parameters, those that a template has
	succeeds := map[string]map[string]bool{} // by template and parameter
	for _, w := range walks {
		parameters, _ := document(t, w.file)["Parameters"].(map[string]any)
		if len(parameters) == 0 {
			t.Errorf("%s has no parameters", w.file)
		}
		if succeeds[w.file] == nil {
			succeeds[w.file] = map[string]bool{}
		}
		changed := map[string]bool{}
		inCommon := shared(t, w.file, slices.Concat(l.updatable(), l.forLife()))
		for _, a := range inCommon {
			common[a.parameter] = true
		}
		for _, a := range slices.Concat(w.changes(l), inCommon) {
			changed[a.parameter] = true
			succeeds[w.file][a.parameter] = succeeds[w.file][a.parameter] || a.refused == ""
			if parameters[a.parameter] == nil {
				t.Errorf("%s: the walk changes %s, which is no parameter of %s", w.name, a.parameter, w.file)
			}
		}
		for name := range parameters {
			if changed[name] == (notChanged[name] != "") {
				t.Errorf("%s: %s is changed by the walk: %v; why not: %q", w.name, name, changed[name], notChanged[name])
			}
		}
	}
	for _, a := range slices.Concat(l.updatable(), l.forLife()) {
		if !common[a.parameter] {
			t.Errorf("no template has the parameter %s", a.parameter)
		}
	}
	for file, updated := range succeeds {
		fixed := slices.Concat(keptForLife(t, file), ofTheNetwork, ofTheCluster)
		for name, succeeded := range updated {
			if succeeded == slices.Contains(fixed, name) {
				t.Errorf("%s: a change of %s succeeds: %v; it is for life: %v", file, name, succeeded, !succeeded)
			}
		}
	}
}

// keptForLife are the parameters that a template says it keeps for life.
func keptForLife(t *testing.T, file string) (names []string) {
	t.Helper()
	answers, _ := committed(t, file).Resources["FixedAnswers"].Properties["Answers"].(map[string]any)
	given, _ := answers["Fn::Sub"].([]any)
	if len(given) != 2 {
		t.Fatalf("%s: the fixed answers are %v", file, answers)
	}
	for variable := range given[1].(map[string]any) {
		names = append(names, strings.TrimSuffix(variable, "InUse"))
	}
	return names
}
