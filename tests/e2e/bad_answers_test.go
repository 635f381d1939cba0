package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/e6data/aws-quickstart/rehearsal"
)

// launchedTemplates are those that customers give answers to.
var launchedTemplates = []string{"quickstart.yaml", existingVPC, existingEKS}

// badAnswer is an answer that CloudFormation refuses to begin with. The refusal
// says what to enter: the parameter's ConstraintDescription, or the description
// of a rule.
type badAnswer struct {
	parameter, value string
	rule             string            // whose description is said
	itself           string            // what CloudFormation says of a type of AWS's, in its own words
	with             map[string]string // other answers
}

// noVPC is CloudFormation's refusal of a VPC that is not there.
const noVPC = "for parameter name VpcId does not exist"

const givenSubnet = "subnet-0123456789abcdef0"

var badAnswers = []badAnswer{
	{parameter: "WorkspaceName", value: ""},
	{parameter: "WorkspaceName", value: "ab"},
	{parameter: "WorkspaceName", value: "Sales"},
	{parameter: "WorkspaceName", value: "1sales"},
	{parameter: "WorkspaceName", value: "sales-"},
	{parameter: "WorkspaceName", value: "sales_eu"},
	{parameter: "WorkspaceName", value: "a-name-that-is-longer-than-twenty"},
	{parameter: "DataBucketNames", value: ""},
	{parameter: "DataBucketNames", value: "*"},
	{parameter: "DataBucketNames", value: "sales-data,*"},
	{parameter: "DataBucketNames", value: "s3://sales-data"},
	{parameter: "DataBucketNames", value: "arn:aws:s3:::sales-data"},
	{parameter: "DataBucketNames", value: "Sales-Data"},
	{parameter: "DataBucketNames", value: "sales-data/2026"},
	{parameter: "DataBucketNames", value: strings.Repeat("a", 64)},
	{parameter: "GlueAccess", value: "Write"},
	{parameter: "KubernetesNamespace", value: "E6data"},
	{parameter: "KubernetesNamespace", value: "a.b"},
	{parameter: "KubernetesNamespace", value: strings.Repeat("n", 64)},
	{parameter: "KubernetesNamespace", value: "kube-system", rule: "NamespaceIsOurs"},
	{parameter: "KubernetesNamespace", value: "default", rule: "NamespaceIsOurs"},
	{parameter: "DebugNamespaces", value: "kube-system,Kube"},
	{parameter: "VpcCidr", value: "10.0.0.0/8"},
	{parameter: "VpcCidr", value: "10.0.0.0/24"},
	{parameter: "VpcCidr", value: "8.8.0.0/16"},
	{parameter: "VpcCidr", value: "0.0.0.0/0"},
	{parameter: "VpcCidr", value: "10.0.0.0"},
	{parameter: "VpcId", value: "", itself: noVPC},
	{parameter: "VpcId", value: "10.0.0.0/16", itself: noVPC},
	{parameter: "VpcId", value: givenSubnet, itself: noVPC},
	{parameter: "VpcId", value: "vpc-0123456789abcdef0", itself: noVPC},
	{parameter: "PrivateSubnetIds", value: "private-a"},
	{parameter: "PrivateSubnetIds", value: "subnet-1"},
	{parameter: "PrivateSubnetIds", value: "subnet-0123456789ABCDEF0"},
	{parameter: "PrivateSubnetIds", value: givenSubnet + ","},
	{parameter: "PrivateSubnetIds", value: givenSubnet + " " + givenSubnet},
	{parameter: "PrivateSubnetIds", value: "vpc-0123456789abcdef0"},
	{parameter: "PrivateSubnetIds", value: "10.0.0.0/24"},
	{parameter: "PublicSubnetIds", value: "*", with: map[string]string{"PrivateSubnetIds": givenSubnet}},
	{parameter: "PublicSubnetIds", value: "subnet-public", with: map[string]string{"PrivateSubnetIds": givenSubnet}},
	{parameter: "PublicSubnetIds", value: givenSubnet + ";" + givenSubnet, with: map[string]string{"PrivateSubnetIds": givenSubnet}},
	{parameter: "PublicSubnetIds", value: givenSubnet, rule: "PublicSubnetsNeedPrivateOnes"},
	{parameter: "NatGateways", value: "PerZone", rule: "GivenSubnetsHaveTheirWayOut", with: map[string]string{"PrivateSubnetIds": givenSubnet}},
	{parameter: "ExcludedAvailabilityZones", value: "us-east-1"},
	{parameter: "ExcludedAvailabilityZones", value: "e"},
	{parameter: "AdditionalAvailabilityZones", value: "us-east-1f,3"},
	{parameter: "NatGateways", value: "None"},
	{parameter: "ClusterName", value: "-shared"},
	{parameter: "ClusterName", value: "my cluster"},
	{parameter: "ClusterName", value: strings.Repeat("c", 101)},
	{parameter: "ExistingClusterName", value: ""},
	{parameter: "ExistingClusterName", value: "arn:aws:eks:us-east-1:111122223333:cluster/shared"},
	{parameter: "KarpenterOnCluster", value: "Yes"},
	{parameter: "KarpenterControllerRoleName", value: "arn:aws:iam::111122223333:role/Karpenter"},
	{parameter: "KarpenterControllerRoleName", value: "Karpenter", rule: "ControllerRoleIsTheirs", with: map[string]string{"KarpenterOnCluster": "Install"}},
	{parameter: "LoadBalancerControllerOnCluster", value: "None"},
	{parameter: "ClusterAdminRoleArn", value: "Admin"},
	{parameter: "ClusterAdminRoleArn", value: "arn:aws:iam::111122223333:user/admin"},
	{parameter: "AllowAuthModeChange", value: "true"},
	{parameter: "KubernetesVersion", value: "1.30"},
	{parameter: "ClusterSupportPolicy", value: "Extended"},
	{parameter: "ClusterAuthenticationMode", value: "CONFIG_MAP"},
	{parameter: "NodeGroupCapacityType", value: "Spot"},
	{parameter: "ClusterDeletionProtection", value: "true"},
	{parameter: "EndpointPublicAccessCidrs", value: "0.0.0.0/0"},
	{parameter: "EndpointPublicAccessCidrs", value: "44.194.151.209/32,0.0.0.0/0"},
	{parameter: "EndpointPublicAccessCidrs", value: "44.194.151.209"},
	{parameter: "EndpointPublicAccessCidrs", value: "::/0"},
	{parameter: "ClusterLogTypes", value: "api"},
	{parameter: "LogRetentionDays", value: "31"},
	{parameter: "AdminPrincipalArn", value: "Admin"},
	{parameter: "AdminPrincipalArn", value: "arn:aws:iam::111122223333:root"},
	{parameter: "AdminPrincipalArn", value: "arn:aws:sts::111122223333:assumed-role/Admin/me"},
	{parameter: "VpcCniWarmTargets", value: "WARM_IP_TARGET"},
	{parameter: "NodeInstanceFamilies", value: "c7g.large"},
	{parameter: "NodeInstanceFamilies", value: "*"},
	{parameter: "NodeArchitectures", value: "x86_64"},
	{parameter: "NodeCapacityTypes", value: "Spot"},
	{parameter: "NodePoolCpuLimit", value: "1"},
	{parameter: "NodeDiskGiB", value: "20"},
	{parameter: "NodeDiskGiB", value: "20000"},
	{parameter: "NodeAmiVersion", value: "ami-0123456789abcdef0"},
	{parameter: "NodeAmiVersion", value: "v20261332"},
	{parameter: "NodeTags", value: "team"},
	{parameter: "NodeTags", value: "aws:team=data"},
	{parameter: "ControlPlanePrincipalArn", value: "*"},
	{parameter: "ControlPlanePrincipalArn", value: "442042515899"},
	{parameter: "ExternalId", value: "x"},
	{parameter: "ExternalId", value: "with space"},
	{parameter: "ExternalId", value: strings.Repeat("x", 1225)},
	{parameter: "PermissionsBoundaryArn", value: "Boundary"},
	{parameter: "RolePath", value: "e6data"},
	{parameter: "RolePath", value: "/" + strings.Repeat("a/", 256)},
	{parameter: "KmsKeyArn", value: "alias/e6data"},
	{parameter: "WorkspaceChartVersion", value: "latest"},
	{parameter: "KarpenterVersion", value: "1.0.0"},
	{parameter: "KarpenterNamespace", value: "Karpenter"},
	{parameter: "KarpenterNamespace", value: "e6data", rule: "ControllersHaveTheirNamespace"},
	{parameter: "LoadBalancerControllerVersion", value: "2.0.0"},
	{parameter: "LoadBalancerControllerNamespace", value: "load_balancers"},
	{parameter: "LoadBalancerControllerNamespace", value: "analytics", rule: "ControllersHaveTheirNamespace", with: map[string]string{"KubernetesNamespace": "analytics"}},
	{parameter: "ChartSource", value: "https://charts.example.com"},
	{parameter: "ChartSource", value: "s3://charts/"},
	{parameter: "ChartSource", value: "oci://registry.example.com:99999/charts"},
	{parameter: "ImageRegistry", value: "https://registry.example.com"},
	{parameter: "ImageRegistry", value: "registry.example.com:0/mirror"},
	{parameter: "HttpsProxy", value: "proxy.example.com:3128"},
	{parameter: "HttpsProxy", value: "http://me:secret@proxy.example.com:3128"},
	{parameter: "HttpsProxy", value: "http://proxy.example.com:70000"},
	{parameter: "NoProxy", value: "a b", with: map[string]string{"HttpsProxy": "http://proxy.example.com:3128"}},
	{parameter: "NoProxy", value: strings.Repeat("host.example.com,", 150) + "b", with: map[string]string{"HttpsProxy": "http://proxy.example.com:3128"}},
	{parameter: "NoProxy", value: ".example.com", rule: "NoProxyNeedsProxy"},
	{parameter: "Version", value: "../0.1.0"},
	{parameter: "ArtifactBucket", value: "Artefacts"},
	{parameter: "FunctionArchitecture", value: "amd64"},
	{parameter: "ConsoleHost", value: "https://console.example.com"},
	{parameter: "CallbackUrl", value: "http://hooks.example.com"},
	{parameter: "CallbackUrl", value: "https://hooks.example.com/?token=secret"},
}

// templates are those in which an answer can be given, and its rule is.
func (bad badAnswer) templates(documents map[string]map[string]any) (files []string) {
	for _, file := range launchedTemplates {
		template := documents[file]
		here := digAny(template, "Parameters", bad.parameter) != nil && (bad.rule == "" || digAny(template, "Rules", bad.rule) != nil)
		for name := range bad.with {
			here = here && digAny(template, "Parameters", name) != nil
		}
		if here {
			files = append(files, file)
		}
	}
	return files
}

// says is what a refusal in that template must say.
func (bad badAnswer) says(template map[string]any) string {
	switch {
	case bad.itself != "":
		return bad.itself
	case bad.rule != "":
		assertions, _ := digAny(template, "Rules", bad.rule, "Assertions").([]any)
		if len(assertions) != 1 {
			return ""
		}
		return dig(assertions[0], "AssertDescription")
	}
	return dig(template, "Parameters", bad.parameter, "ConstraintDescription")
}

// oneOf are all templates in a campaign, else one that the seed picks, another
// for each place in a list.
func oneOf(files []string, place int) []string {
	if campaign() || len(files) < 2 {
		return files
	}
	i := (int(seed%1000) + place) % len(files)
	return files[i : i+1]
}

// A bad answer is refused before anything is made, with a sentence that says
// what to enter. The patterns themselves are tested in tests/template.
func TestBadAnswersAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	d := start(t, "")
	customer := d.customer(t, rehearsal.CustomerVPC{Blocks: []string{"10.70.0.0/20"}})
	documents := launchedDocuments(t)
	for i, bad := range sample(t, badAnswers, 40) {
		for _, file := range oneOf(bad.templates(documents), i) {
			t.Run(file+" "+bad.parameter+"="+bad.value, func(t *testing.T) {
				sentence := bad.says(documents[file])
				if len(strings.Fields(sentence)) < 3 {
					t.Fatalf("%s has no sentence for it: %q", bad.parameter, sentence)
				}
				given := d.in(file, customer, bad.with)
				given[bad.parameter] = bad.value
				s := d.of(t, file, fmt.Sprintf("bad-%d", i))
				err := s.Create(t.Context(), given)
				if err == nil {
					t.Fatal("accepted")
				}
				if !strings.Contains(err.Error(), "ValidationError") || !strings.Contains(err.Error(), sentence) || !strings.Contains(err.Error(), bad.named()) {
					t.Errorf("the refusal does not say %q of %s: %v", sentence, bad.named(), err)
				}
				if s.ID() != "" {
					t.Errorf("there is a stack %s", s.ID())
				}
			})
		}
	}
	if left := d.leftovers(t); len(left) > 0 {
		t.Errorf("made: %v", left)
	}
}

// named is the parameter that a refusal names; a rule's sentence names it by
// itself.
func (bad badAnswer) named() string {
	if bad.rule != "" {
		return ""
	}
	return bad.parameter
}

func launchedDocuments(t *testing.T) map[string]map[string]any {
	t.Helper()
	documents := map[string]map[string]any{}
	for _, file := range launchedTemplates {
		documents[file] = document(t, file)
	}
	return documents
}

// of returns a stack of a published template.
func (d *deployment) of(t *testing.T, file, name string) *rehearsal.Stack {
	t.Helper()
	s := d.clients.NewStack(name, rehearsal.TemplateURL(d.Region, d.bucket, d.version+"/"+file), logEvents(t))
	s.NamedRoles = file == existingEKS
	return s
}

// in are a customer's answers to a template, in a VPC of the customer's if it
// asks for one, and on a cluster that nothing looks for before the answers.
func (d *deployment) in(file string, customer *rehearsal.MadeVPC, more map[string]string) map[string]string {
	given := d.parameters(nil)
	if file == existingVPC {
		given["VpcId"] = customer.ID
	}
	if file == existingEKS {
		given["ExistingClusterName"] = "customer"
	}
	maps.Copy(given, more)
	return given
}

// Each parameter of each template has a bad answer, and each rule too, but for
// those about something else than an answer.
func TestEveryParameterHasABadAnswer(t *testing.T) {
	t.Parallel()
	notAnswers := map[string]string{"RegionIsPublished": "is about the region; tests/template evaluates it"}
	documents := launchedDocuments(t)
	for file, template := range documents {
		has := map[string]bool{}
		for _, bad := range badAnswers {
			if slices.Contains(bad.templates(documents), file) {
				has[bad.parameter], has[bad.rule] = true, true
			}
		}
		for _, section := range []string{"Parameters", "Rules"} {
			all, _ := template[section].(map[string]any)
			if len(all) == 0 {
				t.Errorf("%s has no %s", file, section)
			}
			for name := range all {
				if has[name] == (notAnswers[name] != "") {
					t.Errorf("%s: %s has a bad answer: %v; why not: %q", file, name, has[name], notAnswers[name])
				}
			}
		}
	}
	for _, bad := range badAnswers {
		if len(bad.templates(documents)) == 0 {
			t.Errorf("%s=%s is of no template", bad.parameter, bad.value)
		}
	}
}

// dig reads a text of a template.
func dig(v any, path ...string) string {
	text, _ := digAny(v, path...).(string)
	return text
}

func digAny(v any, path ...string) any {
	for _, p := range path {
		m, _ := v.(map[string]any)
		v = m[p]
	}
	return v
}
