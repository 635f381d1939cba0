package template

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/e6data/aws-quickstart/internal/intrinsic"
)

// stackRun is a template with answers to its parameters. It evaluates what
// CloudFormation would, and fails the test on what CloudFormation refuses: an
// unknown name, a reference to a resource whose condition is false, an index
// that is out of range.
type stackRun struct {
	t        testing.TB
	template object
	given    map[string]string
	pseudo   map[string]string
	// attributes are answers of resources: "Id" for Ref, "Id.Name" for GetAtt.
	// Others get a text made of their names.
	attributes map[string]string
	// symbolic leaves what is not given as it is written, "${VpcCidr}" and
	// "${Cluster.Arn}"; conditions take the parameters' defaults all the same.
	symbolic bool
	deciding int // depth of conditions under evaluation
	// replaced are resources that have become others: their attributes differ
	// from what they were.
	replaced map[string]bool
}

// absent is AWS::NoValue.
type absent = intrinsic.Absent

func only(v any) (string, any) { return intrinsic.Function(v) }

// newRun gives the required parameters of quickstart.yaml an answer and leaves
// the others at their defaults.
func newRun(t *testing.T, file string, given map[string]string) *stackRun {
	t.Helper()
	r := &stackRun{
		t: t, template: load(t, file), given: map[string]string{},
		pseudo: map[string]string{
			"AWS::AccountId": "111122223333", "AWS::StackName": "demo",
		},
		attributes: map[string]string{
			"Cluster":                           "e6data-sales",
			"Cluster.ClusterSecurityGroupId":    "sg-0c1a55e5",
			"Network.Outputs.PrivateSubnetIds":  "subnet-0a,subnet-0b",
			"Network.Outputs.NodeSubnetIds":     "subnet-0a,subnet-0b,subnet-0c",
			"Network.Outputs.AvailabilityZones": "us-east-1a,us-east-1b,us-east-1c",
			"NetworkPlan.PrivateSubnetIds":      "subnet-1a,subnet-1b",
			"NetworkPlan.NodeSubnetIds":         "subnet-1a,subnet-1b,subnet-1c",
			"NetworkPlan.Zones":                 "us-west-2a,us-west-2b",
			"ClusterFacts.VpcId":                "vpc-0aaaaaaaaaaaaaaaa",
			"ClusterFacts.FunctionSubnetIds":    "subnet-0a,subnet-0b",
			"ClusterFacts.NodeSubnetIds":        "subnet-0a,subnet-0b,subnet-0c",
			"ClusterFacts.Zones":                "us-east-1a,us-east-1b,us-east-1c",
			"ClusterFacts.SecurityGroupId":      "sg-0c1a55e5",
		},
	}
	r.inPartition("aws", "us-east-1", "amazonaws.com")
	switch file {
	case networkFile:
	case catalogFile:
		r.given["PrincipalArns"], r.given["DataBucketNames"] = "arn:aws:iam::111122223333:role/Analysts", "sales-data"
	case rolesFile:
		maps.Copy(r.given, map[string]string{
			"DataBucketNames": "sales-data", "GlueAccess": "ReadOnly", "ExistingClusterNames": "", "KmsKeyArn": "", "ControlPlanePrincipalArn": "",
			"RolePath": "/", "ChartSource": "Public", "ArtifactBucket": "", "OfferNewVpc": "Yes", "OfferExistingVpc": "Yes", "OfferExistingEks": "Yes",
		})
	default:
		r.given["WorkspaceName"], r.given["DataBucketNames"] = "sales", "sales-data"
	}
	if file == existingFile {
		r.given["VpcId"] = "vpc-0123456789abcdef0"
	}
	if file == clusterFile {
		r.given["ExistingClusterName"] = "shared"
	}
	maps.Copy(r.given, given)
	return r
}

// inPartition puts the stack, and the cluster, into a region.
func (r *stackRun) inPartition(partition, region, suffix string) {
	r.pseudo["AWS::Partition"], r.pseudo["AWS::Region"], r.pseudo["AWS::URLSuffix"] = partition, region, suffix
	r.pseudo["AWS::StackId"] = "arn:" + partition + ":cloudformation:" + region + ":111122223333:stack/demo/6f0c2a10-0b7e-11f0-9d5c-0affd0f3a1b7"
	issuer := "oidc.eks." + region + "." + suffix + "/id/0123456789ABCDEF"
	host := "0123456789ABCDEF.gr7." + region + ".eks." + suffix
	maps.Copy(r.attributes, map[string]string{
		"Cluster.OpenIdConnectIssuerUrl": "https://" + issuer, "Cluster.Endpoint": "https://" + host,
		"ClusterFacts.Issuer": "https://" + issuer, "ClusterFacts.IssuerWithoutScheme": issuer, "ClusterFacts.EndpointHost": host,
		"ClusterFacts.ClusterArn": "arn:" + partition + ":eks:" + region + ":111122223333:cluster/shared",
	})
}

// active tells whether a resource or output exists with these answers.
func (r *stackRun) active(of any) bool {
	c, ok := at(of, "Condition").(string)
	return !ok || r.condition(c)
}

func (r *stackRun) condition(name string) bool {
	r.t.Helper()
	c, ok := section(r.template, "Conditions")[name]
	if !ok {
		r.t.Fatalf("condition %s is not declared", name)
	}
	return r.truth(c)
}

// truth evaluates a condition or an assertion of a rule.
func (r *stackRun) truth(v any) bool {
	r.t.Helper()
	r.deciding++
	defer func() { r.deciding-- }()
	return must(r, v, intrinsic.Truth)
}

// value evaluates anything; absent{} stands for what is left out.
func (r *stackRun) value(v any) any { r.t.Helper(); return must(r, v, intrinsic.Value) }

// text evaluates what must be one text.
func (r *stackRun) text(v any) string { r.t.Helper(); return must(r, v, intrinsic.Text) }

// must fails the test if CloudFormation would refuse what is evaluated.
func must[T any](r *stackRun, v any, evaluate func(any, intrinsic.Names) (T, error)) T {
	r.t.Helper()
	got, err := evaluate(v, names{r})
	if err != nil {
		r.t.Fatal(err)
	}
	return got
}

// names are those of a run's template.
type names struct{ *stackRun }

func (n names) Ref(name string) (any, error) { return n.ref(name), nil }

func (n names) GetAtt(id, name string) (any, error) { return n.attribute(id, name), nil }

func (n names) Condition(name string) (bool, error) { return n.condition(name), nil }

func isAbsent(v any) bool {
	_, ok := v.(absent)
	return ok
}

func (r *stackRun) ref(name string) any {
	r.t.Helper()
	if name == "AWS::NoValue" {
		return absent{}
	}
	if v, ok := r.pseudo[name]; ok {
		return v
	}
	if p, ok := section(r.template, "Parameters")[name]; ok {
		return r.parameter(name, p)
	}
	return r.attribute(name, "")
}

func (r *stackRun) parameter(name string, declared any) any {
	r.t.Helper()
	v, ok := r.given[name]
	isList := at(declared, "Type") == "CommaDelimitedList"
	if r.symbolic && r.deciding == 0 && !ok && at(declared, "Type") != "Number" {
		if isList {
			return []any{"${" + name + "}"}
		}
		return "${" + name + "}"
	}
	if !ok {
		d, hasDefault := declared.(object)["Default"]
		if !hasDefault {
			r.t.Fatalf("parameter %s has no default and no answer", name)
		}
		v = fmt.Sprint(d)
	}
	if !isList {
		return v
	}
	var out []any
	for e := range strings.SplitSeq(v, ",") {
		out = append(out, strings.TrimSpace(e))
	}
	return out
}

// attribute is Ref (no name) or GetAtt of a resource that exists.
func (r *stackRun) attribute(id, name string) any {
	r.t.Helper()
	resource, ok := section(r.template, "Resources")[id]
	if !ok {
		r.t.Fatalf("%s is no parameter and no resource", id)
	}
	if !r.active(resource) {
		r.t.Fatalf("reference to %s, whose condition is false", id)
	}
	if r.replaced[id] {
		return r.made(id, name) + "-another"
	}
	return r.made(id, name)
}

// made is an attribute's value.
func (r *stackRun) made(id, name string) string {
	key := strings.TrimSuffix(id+"."+name, ".")
	if v, known := r.attributes[key]; known {
		return v
	}
	if r.symbolic {
		return "${" + key + "}"
	}
	if name == "Arn" || strings.HasSuffix(name, "Arn") {
		return fmt.Sprintf("arn:%s:made:::%s", r.pseudo["AWS::Partition"], id)
	}
	return strings.ToLower(strings.ReplaceAll(key, ".", "-"))
}

var placeholder = regexp.MustCompile(`\$\{([^}]+)\}`)

// properties evaluates a resource that exists.
func (r *stackRun) properties(id string) object {
	r.t.Helper()
	resource, ok := section(r.template, "Resources")[id]
	if !ok {
		r.t.Fatalf("no resource %s", id)
	}
	props, _ := r.value(at(resource, "Properties")).(object)
	return props
}

// output evaluates the value of an output.
func (r *stackRun) output(name string) string {
	r.t.Helper()
	o, ok := section(r.template, "Outputs")[name]
	if !ok {
		r.t.Fatalf("no output %s", name)
	}
	return r.text(at(o, "Value"))
}

// activeOfType are the resources of a type that exist with these answers.
func (r *stackRun) activeOfType(resourceType string) []string {
	var ids []string
	for _, id := range resourcesOfType(r.template, resourceType) {
		if r.active(section(r.template, "Resources")[id]) {
			ids = append(ids, id)
		}
	}
	return ids
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}
