package template

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// graph is what each resource waits for when it is made; it is deleted before
// them.
type graph map[string]map[string]bool

// newGraph reads Ref, Fn::GetAtt, Fn::Sub and DependsOn.
func newGraph(template object) graph {
	resources := section(template, "Resources")
	g := graph{}
	for id, r := range resources {
		g[id] = map[string]bool{}
		add := func(name string) {
			if _, ok := resources[name]; ok {
				g[id][name] = true
			}
		}
		for _, d := range asList(at(r, "DependsOn")) {
			add(d)
		}
		walk(at(r, "Properties"), func(v any) {
			switch fn, arg := only(v); fn {
			case "Ref":
				add(arg.(string))
			case "Fn::GetAtt":
				add(arg.([]any)[0].(string))
			case "Fn::Sub":
				body, ok := arg.(string)
				if !ok {
					body = arg.([]any)[0].(string)
				}
				for _, found := range placeholder.FindAllStringSubmatch(body, -1) {
					name, _, _ := strings.Cut(found[1], ".")
					add(name)
				}
			}
		})
	}
	return g
}

// waitsFor is all that id waits for, directly or not.
func (g graph) waitsFor(id string) map[string]bool {
	seen := map[string]bool{}
	var visit func(string)
	visit = func(n string) {
		for d := range g[n] {
			if !seen[d] {
				seen[d] = true
				visit(d)
			}
		}
	}
	visit(id)
	return seen
}

func TestNoResourceWaitsForItself(t *testing.T) {
	for _, f := range files {
		g := newGraph(load(t, f))
		for id := range g {
			if g.waitsFor(id)[id] {
				t.Errorf("%s: %s is in a circle", f, id)
			}
		}
	}
}

// needsOf are the resources without which the function behind a custom resource
// cannot answer. They must be there before its first request and after its
// last, so the custom resource must wait for each.
func needsOf(t *testing.T, template object, customResource string) []string {
	t.Helper()
	resources := section(template, "Resources")
	refers := func(v any, target string) bool {
		found := false
		walk(v, func(x any) {
			switch fn, arg := only(x); fn {
			case "Ref":
				found = found || arg == target
			case "Fn::GetAtt":
				found = found || arg.([]any)[0] == target
			}
		})
		return found
	}
	token, _ := at(resources[customResource], "Properties", "ServiceToken", "Fn::GetAtt").([]any)
	if len(token) != 2 {
		t.Fatalf("%s has no ServiceToken of a function", customResource)
	}
	function := token[0].(string)
	role := at(resources[function], "Properties", "Role", "Fn::GetAtt").([]any)[0].(string)
	needs := []string{function, role}
	var groups []string
	walk(at(resources[function], "Properties"), func(v any) {
		if fn, arg := only(v); fn == "Ref" || fn == "Fn::GetAtt" {
			name := fmt.Sprint(arg)
			if fn == "Fn::GetAtt" {
				name = arg.([]any)[0].(string)
			}
			if _, ok := resources[name]; ok {
				needs = append(needs, name) // log group, network, security group
				groups = append(groups, name)
			}
		}
	})
	for id, r := range resources {
		props := at(r, "Properties")
		switch at(r, "Type") {
		case "AWS::Lambda::EventInvokeConfig":
			if refers(at(props, "FunctionName"), function) {
				needs = append(needs, id)
			}
		case "AWS::EKS::AccessEntry":
			if refers(at(props, "PrincipalArn"), role) {
				needs = append(needs, id)
			}
		case contract.TypeAWSAuth:
			// The function that lets in lets its own role in first.
			if id != customResource && refers(at(props, "PrincipalArn"), role) {
				needs = append(needs, id)
			}
		case "AWS::IAM::Policy", "AWS::IAM::RolePolicy":
			if refers(props, role) {
				needs = append(needs, id)
			}
		case "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress":
			if slices.ContainsFunc(groups, func(g string) bool { return refers(props, g) }) {
				needs = append(needs, id)
			}
		}
	}
	return needs
}

func TestCustomResourcesOutliveNothingTheyNeed(t *testing.T) {
	for _, file := range launched {
		needs := []string{"AWS::EKS::AccessEntry", "AWS::CloudFormation::Stack", "AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress"}
		if file == clusterFile {
			needs = []string{contract.TypeAWSAuth, contract.TypeClusterFacts} // the network and its groups are the customer's
		}
		t.Run(file, func(t *testing.T) { checkCustomResourcesOutliveNothingTheyNeed(t, load(t, file), needs) })
	}
}

func checkCustomResourcesOutliveNothingTheyNeed(t *testing.T, template object, needs []string) {
	t.Helper()
	g := newGraph(template)
	kinds := map[string]bool{}
	for _, id := range resourcesOfType(template, "Custom::") {
		waits := g.waitsFor(id)
		for _, need := range needsOf(t, template, id) {
			kinds[fmt.Sprint(at(section(template, "Resources")[need], "Type"))] = true
			if !waits[need] {
				t.Errorf("%s does not wait for %s: at create it may be missing, at delete gone", id, need)
			}
		}
	}
	for _, kind := range append(needs, "AWS::Lambda::Function", "AWS::IAM::Role", "AWS::Lambda::EventInvokeConfig", "AWS::Logs::LogGroup") {
		if !kinds[kind] {
			t.Errorf("no custom resource needs an %s: this test looks at the wrong things", kind)
		}
	}
}

func TestReleasesComeInOrder(t *testing.T) {
	for _, file := range launched {
		order := orderOnNewClusters
		if file == clusterFile {
			order = orderOnTheirClusters
		}
		t.Run(file, func(t *testing.T) { checkReleasesComeInOrder(t, load(t, file), order) })
	}
	if newGraph(load(t, quickstartFile)).waitsFor("KarpenterCrds")["NodeGroup"] {
		t.Error("the CRDs wait for the node group, which takes minutes, and need no node")
	}
}

// The order of the create, and the other way round of the delete: a node pool's
// nodes end only while Karpenter and all it needs are there. each is of all
// releases.
var (
	orderOnNewClusters = map[string][]string{
		each:                     {"Cluster"},
		"Karpenter":              {"KarpenterCrds", "NodeGroup", "KarpenterControllerRole", "KarpenterInterruptionQueue"},
		"NodePool":               {"Karpenter", "KarpenterNodeAccess", "KarpenterInstanceProfile"},
		"Workspace":              {"NodePool", "LoadBalancerController", "CoreDnsAddon", "EbsCsiAddon"},
		"LoadBalancerController": {"NodeGroup", "CoreDnsAddon", "LoadBalancerControllerRole", "OidcProvider"},
		// A node without network is never Ready; names and volumes need nodes.
		"NodeGroup":    {"VpcCniAddon", "KubeProxyAddon"},
		"CoreDnsAddon": {"NodeGroup"},
		"EbsCsiAddon":  {"NodeGroup"},
	}
	// Nobody is let in, and nothing installed, before the cluster was looked at:
	// but for the installer, which looks. The cluster's own Karpenter may start
	// our nodes before there is a pool of them, and while there is.
	orderOnTheirClusters = map[string][]string{
		each:                     {"ClusterCheck", "InstallerAccess"},
		"InstallerAccess":        {"ClusterFacts", "InstallerRole"},
		"ClusterCheck":           {"InstallerAccess"},
		"ControlPlaneAccess":     {"ClusterCheck"},
		"KarpenterNodeAccess":    {"ClusterCheck"},
		"AdminAccess":            {"ClusterCheck"},
		"Karpenter":              {"KarpenterCrds", "KarpenterControllerRole", "KarpenterInterruptionQueue", "OidcProvider"},
		"NodePool":               {"Karpenter", "KarpenterPassRole", "KarpenterNodeAccess", "KarpenterInstanceProfile"},
		"Workspace":              {"NodePool", "LoadBalancerController"},
		"LoadBalancerController": {"LoadBalancerControllerRole", "OidcProvider"},
	}
)

const each = "each release"

func checkReleasesComeInOrder(t *testing.T, template object, order map[string][]string) {
	t.Helper()
	g := newGraph(template)
	for _, id := range resourcesOfType(template, contract.TypeHelmRelease) {
		for _, need := range order[each] {
			if !g.waitsFor(id)[need] {
				t.Errorf("%s does not wait for %s", id, need)
			}
		}
	}
	for id, needs := range order {
		if id == each {
			continue
		}
		for _, need := range needs {
			if !g.waitsFor(id)[need] {
				t.Errorf("%s does not wait for %s", id, need)
			}
		}
	}
	if !g.waitsFor("WorkspaceOutputs")["Workspace"] {
		t.Error("the console link is there before the workspace")
	}
}

func TestNetworkOrder(t *testing.T) {
	template := load(t, networkFile)
	g := newGraph(template)
	for _, id := range resourcesOfType(template, "AWS::EC2::EIP") {
		if !g.waitsFor(id)["InternetGatewayAttachment"] {
			t.Errorf("%s: an attached gateway cannot be taken off while it has addresses", id)
		}
	}
	for _, id := range resourcesOfType(template, "AWS::EC2::NatGateway") {
		if !g.waitsFor(id)["PublicDefaultRoute"] {
			t.Errorf("%s is there before its own way out", id)
		}
	}
	if !g.waitsFor("PublicDefaultRoute")["InternetGatewayAttachment"] {
		t.Error("the default route does not wait for the gateway's attachment")
	}
	for _, file := range []string{quickstartFile, existingFile} {
		waits := newGraph(load(t, file)).waitsFor
		for _, id := range []string{"Cluster", "NodeGroup", "HelmInstaller"} {
			if !waits(id)["Network"] || !waits(id)["NetworkPlan"] {
				t.Errorf("%s: %s does not wait for the network and its plan", file, id)
			}
		}
	}
}

// What the checks of the account and of the answers refuse is refused before anything else is made
// or changed: everything waits for them, and they for the function only.
func TestEverythingWaitsForTheChecks(t *testing.T) {
	for _, file := range walkedFiles() {
		second := "NetworkPlan"
		if file == clusterFile {
			second = "ClusterFacts"
		}
		t.Run(file, func(t *testing.T) { checkedFirst(t, newGraph(load(t, file)), second) })
	}
}

func checkedFirst(t *testing.T, g graph, second string) {
	t.Helper()
	function := []string{"OutputsFunction", "OutputsFunctionInvokeConfig", "OutputsFunctionLogGroup", "OutputsFunctionRole"}
	first := []string{"FixedAnswers", "Preflight"}
	for i, check := range first {
		want := sorted(slices.Concat(function, first[:i]))
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(g.waitsFor(check)))); diff != "" {
			t.Errorf("%s waits for (-want +got):\n%s", check, diff)
		}
	}
	for id := range g {
		if slices.Contains(first, id) || slices.Contains(function, id) {
			continue
		}
		waits := g.waitsFor(id)
		for _, check := range first {
			if !waits[check] {
				t.Errorf("%s may be made or changed before %s has looked", id, check)
			}
		}
		if id != second && !waits[second] {
			t.Errorf("%s may be made or changed before %s", id, second)
		}
	}
}

func TestTimeouts(t *testing.T) {
	for _, file := range launched {
		t.Run(file, func(t *testing.T) { checkTimeouts(t, load(t, file)) })
	}
}

func checkTimeouts(t *testing.T, template object) {
	t.Helper()
	resources := section(template, "Resources")
	for _, id := range resourcesOfType(template, "Custom::") {
		service, _ := at(resources[id], "Properties", "ServiceTimeout").(int)
		function := at(resources[id], "Properties", "ServiceToken", "Fn::GetAtt").([]any)[0].(string)
		timeout, _ := at(resources[function], "Properties", "Timeout").(int)
		if timeout <= 0 || timeout > 900 || service <= timeout || service > 3600 {
			t.Errorf("%s waits %d s for %s, which runs up to %d s", id, service, function, timeout)
		}
		for _, c := range resourcesOfType(template, "AWS::Lambda::EventInvokeConfig") {
			props := at(resources[c], "Properties")
			if at(props, "FunctionName", "Ref") != function {
				continue
			}
			age, _ := at(props, "MaximumEventAgeInSeconds").(int)
			if age < 60 || age+timeout > service {
				t.Errorf("%s: an event %d s old may still start a run of %d s, but CloudFormation waits %d s", c, age, timeout, service)
			}
			if at(props, "MaximumRetryAttempts") != 0 || at(props, "Qualifier") != "$LATEST" {
				t.Errorf("%s retries: %v", c, props)
			}
		}
	}
}
