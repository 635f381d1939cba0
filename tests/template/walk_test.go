package template

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/tests/golden"
)

const createOnlyFile = "testdata/create_only.json"

// createOnly are the properties that cannot change in place, by type.
func createOnly(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(createOnlyFile)
	if err != nil {
		t.Fatal(err)
	}
	var paths map[string][]string
	if err := json.Unmarshal(text, &paths); err != nil {
		t.Fatal(err)
	}
	// What a custom resource is for life: the identity in its physical ID.
	paths[contract.TypeHelmRelease] = []string{"ClusterName", "Namespace", "ReleaseName"}
	paths[contract.TypeAWSAuth] = []string{"ClusterName", "PrincipalArn"}
	paths[contract.TypeClusterFacts] = []string{"ClusterName"}
	paths[contract.TypeOidcProvider] = []string{"Issuer"}
	for _, nothing := range []string{contract.TypePreflight, contract.TypeNetworkPlan, contract.TypeFixedAnswers, contract.TypeClusterCheck, contract.TypeWorkspaceOutputs} {
		paths[nothing] = nil
	}
	return paths
}

// TestCreateOnlyIsFresh compares the file with the schemas. make lint runs it.
func TestCreateOnlyIsFresh(t *testing.T) {
	python := os.Getenv("LINT_PYTHON")
	if python == "" {
		t.Skip("LINT_PYTHON is not set: run this through make lint")
	}
	types := map[string]bool{}
	for _, file := range files {
		for _, r := range section(load(t, file), "Resources") {
			if kind := fmt.Sprint(at(r, "Type")); strings.HasPrefix(kind, "AWS::") {
				types[kind] = true
			}
		}
	}
	out, err := exec.CommandContext(t.Context(), python, append([]string{filepath.Join(root, "tools", "create_only.py")}, slices.Sorted(maps.Keys(types))...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, createOnlyFile, string(out))
}

// stateful are the types of which a replacement or a removal loses something:
// data, what runs on it, addresses and logs.
var stateful = []string{
	"AWS::S3::Bucket", "AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EKS::Cluster", "AWS::IAM::OIDCProvider", "AWS::Logs::LogGroup",
	"AWS::CloudFormation::Stack", "AWS::KMS::Key", contract.TypeHelmRelease, contract.TypeOidcProvider,
}

// effect is what a changed answer does to one resource.
type effect struct {
	id, kind   string
	what       string // added, removed, replaced, changed
	properties []string
}

// consequences of changing an answer.
type consequences struct {
	refusedBy string // the custom resource that refuses, empty: none
	effects   []effect
}

// change is another answer to one parameter.
type change struct{ parameter, value string }

// walker asks what changes do to a template and to the one that it nests.
type walker struct {
	t          *testing.T
	file       string
	createOnly map[string][]string
}

// deployed evaluates the template with answers, some resources being others.
func (w walker) deployed(given map[string]string, replaced map[string]bool) *stackRun {
	r := newRun(w.t, w.file, given)
	r.replaced = replaced
	list := func(form string) string {
		return fmt.Sprintf(form, "a") + "," + fmt.Sprintf(form, "b") + "," + fmt.Sprintf(form, "c") + ",,,"
	}
	maps.Copy(r.attributes, map[string]string{
		"NetworkPlan.AvailabilityZones": list("us-east-1%s"), "NetworkPlan.PublicSubnetCidrs": list("public-%s"),
		"NetworkPlan.PrivateSubnetCidrs": list("private-%s"),
	})
	return r
}

// of compares the stack before and after a change.
func (w walker) of(base map[string]string, c change) consequences {
	w.t.Helper()
	given := maps.Clone(base)
	if given == nil {
		given = map[string]string{}
	}
	given[c.parameter] = c.value
	before := w.deployed(base, nil)
	var out consequences
	replaced := map[string]bool{}
	// A replaced resource has other attributes, which may replace others.
	for {
		after := w.deployed(given, replaced)
		out.effects = w.compare("", before, after)
		for id := range section(before.template, "Resources") {
			if refuses(before, after, id) {
				out.refusedBy = id
			}
		}
		known := len(replaced)
		for _, e := range out.effects {
			if e.what == "replaced" {
				replaced[e.id] = true
			}
		}
		if len(replaced) == known {
			return out
		}
	}
}

// refuses tells whether a function refuses the change of a custom resource.
func refuses(before, after *stackRun, id string) bool {
	resource := section(before.template, "Resources")[id]
	if !before.active(resource) || !after.active(resource) {
		return false
	}
	if at(resource, "Type") == contract.TypeClusterCheck {
		// lambdas/helminstaller refuses to take away a controller that it installed.
		return slices.ContainsFunc([]string{"Karpenter", "LoadBalancerController"}, func(p string) bool {
			return before.properties(id)[p] == contract.ControllerInstall && after.properties(id)[p] == contract.ControllerExisting
		})
	}
	watched := map[any][]string{
		contract.TypeFixedAnswers: {"Answers"},
		contract.TypeNetworkPlan:  {"VpcCidr", "VpcId", "PrivateSubnetIds", "PublicSubnetIds"},
	}[at(resource, "Type")]
	return slices.ContainsFunc(watched, func(p string) bool {
		return fmt.Sprint(before.properties(id)[p]) != fmt.Sprint(after.properties(id)[p])
	})
}

func (w walker) compare(prefix string, before, after *stackRun) (effects []effect) {
	for _, id := range slices.Sorted(maps.Keys(section(before.template, "Resources"))) {
		resource := section(before.template, "Resources")[id]
		kind := fmt.Sprint(at(resource, "Type"))
		was, is := before.active(resource), after.active(resource)
		switch {
		case !was && !is:
		case !was:
			effects = append(effects, effect{prefix + id, kind, "added", nil})
		case !is:
			effects = append(effects, effect{prefix + id, kind, "removed", nil})
		default:
			old, now := before.properties(id), after.properties(id)
			if e := w.changed(kind, old, now); e.what != "" {
				e.id, e.kind = prefix+id, kind
				effects = append(effects, e)
			}
			if kind == "AWS::CloudFormation::Stack" {
				effects = append(effects, w.nested(id, old, now)...)
			}
		}
	}
	return effects
}

// nested compares the template that a nested stack is made from.
func (w walker) nested(id string, old, now object) []effect {
	url := fmt.Sprint(now["TemplateURL"])
	file := "templates/" + url[strings.LastIndex(url, "/")+1:]
	run := func(props object) *stackRun {
		given := map[string]string{}
		parameters, _ := props["Parameters"].(object)
		for k, v := range parameters {
			given[k] = fmt.Sprint(v)
		}
		return newRun(w.t, file, given)
	}
	return w.compare(id+"/", run(old), run(now))
}

// changed compares the properties of one resource.
func (w walker) changed(kind string, old, now object) (e effect) {
	for _, name := range slices.Sorted(maps.Keys(union(old, now))) {
		before, _ := json.Marshal(old[name])
		after, _ := json.Marshal(now[name])
		if !bytes.Equal(before, after) {
			e.properties = append(e.properties, name)
			e.what = "changed"
		}
	}
	paths, known := w.createOnly[kind]
	if !known {
		w.t.Fatalf("%s is not in %s: make lint says how to write it anew", kind, createOnlyFile)
	}
	for _, path := range paths {
		steps := strings.Split(path, ".")
		before, _ := json.Marshal(at(old, steps...))
		after, _ := json.Marshal(at(now, steps...))
		if !bytes.Equal(before, after) {
			e.what, e.properties = "replaced", []string{path}
		}
	}
	return e
}

func union(a, b object) object {
	out := maps.Clone(a)
	if out == nil {
		out = object{}
	}
	maps.Copy(out, b)
	return out
}

// otherAnswers are answers to parameters whose values are not listed, different
// from the default.
var otherAnswers = map[string]string{
	"WorkspaceName":                   "ops",
	"ExistingClusterName":             "another",
	"KarpenterControllerRoleName":     "KarpenterController",
	"ClusterAdminRoleArn":             "arn:aws:iam::111122223333:role/ClusterAdmin",
	"DataBucketNames":                 "other-data",
	"KubernetesNamespace":             "analytics",
	"DebugNamespaces":                 "kube-system,analytics",
	"VpcCidr":                         "10.9.0.0/16",
	"ExcludedAvailabilityZones":       "us-east-1f",
	"ClusterName":                     "shared",
	"EndpointPublicAccessCidrs":       "198.51.100.0/24",
	"AdminPrincipalArn":               "arn:aws:iam::111122223333:role/Admin",
	"VpcCniWarmTargets":               "WARM_IP_TARGET=5",
	"NodeInstanceFamilies":            "c7g,r7g",
	"NodePoolCpuLimit":                "640",
	"NodeDiskGiB":                     "250",
	"ControlPlanePrincipalArn":        "arn:aws:iam::999988887777:role/control",
	"ExternalId":                      "tenant:42",
	"PermissionsBoundaryArn":          "arn:aws:iam::111122223333:policy/edge",
	"RolePath":                        "/e6data/",
	"WorkspaceChartVersion":           "2.1.13",
	"ChartSource":                     "s3://charts/mirror",
	"Version":                         "0.9.9",
	"ArtifactBucket":                  "artefacts",
	"AdditionalAvailabilityZones":     "us-east-1f",
	"NodeAmiVersion":                  "v20260915",
	"NodeTags":                        "team=data",
	"KarpenterNamespace":              "karpenter",
	"ImageRegistry":                   "registry.example.com",
	"HttpsProxy":                      "http://proxy.example.com:3128",
	"NoProxy":                         "internal.example.com",
	"VpcId":                           "vpc-0bbbbbbbbbbbbbbbb",
	"PrivateSubnetIds":                "subnet-0cccccccccccccccc,subnet-0dddddddddddddddd",
	"PublicSubnetIds":                 "subnet-0eeeeeeeeeeeeeeee,subnet-0ffffffffffffffff",
	"ConsoleHost":                     "console.example.com",
	"CallbackUrl":                     "https://hooks.example.com/workspaces",
	"LoadBalancerControllerNamespace": "load-balancers",
	"KmsKeyArn":                       "arn:aws:kms:us-east-1:111122223333:key/0a1b2c3d-0000-4000-8000-000000000000",
}

// changes are the other answers to a parameter.
func changes(t *testing.T, file, name string) []change {
	t.Helper()
	p := section(load(t, file), "Parameters")[name]
	var list []change
	for _, v := range asList(at(p, "AllowedValues")) {
		if v != fmt.Sprint(at(p, "Default")) {
			list = append(list, change{name, v})
		}
	}
	if v, ok := otherAnswers[name]; ok {
		list = append(list, change{name, v})
	}
	if list == nil && len(asList(at(p, "AllowedValues"))) == 0 {
		t.Errorf("%s of %s has no other answer in otherAnswers", name, file)
	}
	return list
}

// walkedFiles are the templates that customers give answers to.
func walkedFiles() []string {
	return slices.DeleteFunc(slices.Clone(files), func(f string) bool { return strings.HasPrefix(f, "templates/network") })
}

// Nothing stateful is replaced or removed by another answer to any parameter,
// from any set of answers: what would is refused before anything happens.
func TestNoAnswerReplacesAnythingStateful(t *testing.T) {
	refused := map[string]bool{}
	for _, file := range walkedFiles() {
		w := walker{t, file, createOnly(t)}
		for name, base := range answersOf(file) {
			for _, parameter := range slices.Sorted(maps.Keys(section(load(t, file), "Parameters"))) {
				list := changes(t, file, parameter)
				if values := asList(at(load(t, file), "Parameters", parameter, "AllowedValues")); len(values) > 0 {
					list = append(list, change{parameter, fmt.Sprint(at(load(t, file), "Parameters", parameter, "Default"))}) // and back
				}
				for _, c := range list {
					got := w.of(base, c)
					if got.refusedBy != "" {
						refused[parameter] = true
						continue
					}
					for _, e := range got.effects {
						if slices.Contains(stateful, e.kind) && (e.what == "replaced" || e.what == "removed") {
							t.Errorf("%s, %s: %s=%s would have %s %s (%v) and nothing refuses it: add it to fixedAnswers in cdk/stack",
								file, name, c.parameter, c.value, e.id, e.what, e.properties)
						}
					}
				}
			}
		}
	}
	for _, p := range []string{
		"WorkspaceName", "ClusterName", "KubernetesNamespace", "RolePath", "VpcCidr", "ExistingClusterName", "KarpenterOnCluster", "LoadBalancerControllerOnCluster",
	} {
		if !refused[p] {
			t.Errorf("a change of %s is not refused", p)
		}
	}
}
