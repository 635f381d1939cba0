package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/e6data/aws-quickstart/internal/answers"
	"github.com/e6data/aws-quickstart/rehearsal"
)

// checkers are what may be made before the answers are checked by a function.
var checkers = []string{
	"OutputsFunction", "OutputsFunctionRole", "OutputsFunctionLogGroup", "OutputsFunctionInvokeConfig", "FixedAnswers", "Preflight", "NetworkPlan",
}

// refusedAnswers are what only a function can tell to be wrong: with parts of the
// sentence, the last of which tells what to do.
type refusedAnswers struct {
	name    string
	answers map[string]string
	want    []string
}

const keyID = "1234abcd-12ab-34cd-56ef-1234567890ab"

// inText are wrong in any template that asks for them, since their text says so. internal/answers
// has the whole table.
var inText = []refusedAnswers{
	{
		"a key of another region",
		map[string]string{"KmsKeyArn": "arn:aws:kms:eu-west-1:" + account + ":key/" + keyID},
		[]string{"FixedAnswers", "is a key of eu-west-1, and this stack is in us-east-1", "enter the ARN of a key in us-east-1"},
	},
	{
		"a key of another partition",
		map[string]string{"KmsKeyArn": "arn:aws-cn:kms:cn-north-1:" + account + ":key/" + keyID},
		[]string{"FixedAnswers", "is in the partition aws-cn", "enter the ARN of a key that begins with arn:aws:"},
	},
	{
		"a boundary of another account",
		map[string]string{"PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/edge"},
		// IAM itself refuses the first role.
		[]string{"OutputsFunctionRole", "policy/edge does not exist or is not attachable"},
	},
	{
		"an administrator of another partition",
		map[string]string{"AdminPrincipalArn": "arn:aws-us-gov:iam::" + account + ":role/Admin"},
		[]string{"FixedAnswers", "AdminPrincipalArn", "enter the ARN of a role or user that begins with arn:aws:"},
	},
	{
		"a cluster's administrator of another partition",
		map[string]string{"ClusterAdminRoleArn": "arn:aws-us-gov:iam::" + account + ":role/Admin"},
		[]string{"FixedAnswers", "ClusterAdminRoleArn", "enter the ARN of a role that begins with arn:aws:"},
	},
	{
		"a control plane of another partition",
		map[string]string{"ControlPlanePrincipalArn": "arn:aws-us-gov:iam::442042515899:root"},
		[]string{"FixedAnswers", "ControlPlanePrincipalArn", "e6data tells which control plane serves this partition"},
	},
	{
		"a name that no bucket has",
		map[string]string{"DataBucketNames": "sales-data,sales..data"},
		[]string{"FixedAnswers", "two dots in a row", "enter the name of a general purpose bucket"},
	},
	{
		"more data buckets than a role has room for",
		map[string]string{"DataBucketNames": strings.TrimSuffix(strings.Repeat("a-bucket-with-quite-a-long-name-of-its-own,", 80), ",")},
		[]string{"FixedAnswers", "has 80 buckets", "launch a second workspace"},
	},
	{
		"charts in a private registry of ECR",
		map[string]string{"ChartSource": "oci://" + account + ".dkr.ecr.us-east-1.amazonaws.com/charts"},
		[]string{"FixedAnswers", "answers nobody without credentials", "enter s3://bucket/prefix"},
	},
	{
		"images in another partition",
		map[string]string{"ImageRegistry": account + ".dkr.ecr.cn-north-1.amazonaws.com.cn/mirror"},
		[]string{"FixedAnswers", "ImageRegistry", "copy the images to a registry of this partition"},
	},
	{
		"a proxy on the machine itself",
		map[string]string{"HttpsProxy": "http://127.0.0.1:3128"},
		[]string{"FixedAnswers", "HttpsProxy", "enter the address of a proxy"},
	},
	{
		"a private block for the public endpoint",
		map[string]string{"EndpointPublicAccessCidrs": "10.0.0.0/8"},
		[]string{"FixedAnswers", "EndpointPublicAccessCidrs has 10.0.0.0/8", "enter the public addresses"},
	},
	{
		"a warm target twice",
		map[string]string{"VpcCniWarmTargets": "WARM_IP_TARGET=2,WARM_IP_TARGET=5"},
		[]string{"FixedAnswers", "WARM_IP_TARGET twice", "enter each name once"},
	},
	{
		"families of another architecture",
		map[string]string{"NodeInstanceFamilies": "c7g,m7i", "NodeArchitectures": "arm64"},
		[]string{"FixedAnswers", "m7i, whose processors are amd64", "take the family out"},
	},
	{
		"a tag twice, and one of e6data's",
		map[string]string{"NodeTags": "team=data,team=ops,app=shop"},
		[]string{"FixedAnswers", "that key is there twice", "that tag is e6data's own: choose another key"},
	},
}

// inNewVPC are wrong in a new VPC of the embedded region, which has six zones, in
// one of which (us-east-1c, use1-az3) EKS makes no cluster.
var inNewVPC = []refusedAnswers{
	{
		"all zones but one are excluded",
		map[string]string{"ExcludedAvailabilityZones": "us-east-1a,us-east-1b,us-east-1c,us-east-1d,us-east-1e"},
		[]string{"Preflight", "only us-east-1f can be used", "Take zones out of ExcludedAvailabilityZones"},
	},
	{
		"all zones are excluded by ID",
		map[string]string{"ExcludedAvailabilityZones": "use1-az1,use1-az2,use1-az3,use1-az4,use1-az5,use1-az6"},
		[]string{"Preflight", "none can be used", "Take zones out of ExcludedAvailabilityZones"},
	},
	{
		"a zone that the region does not have",
		map[string]string{"AdditionalAvailabilityZones": "us-east-1z"},
		[]string{"Preflight", "the region has no zone us-east-1z; it has us-east-1a"},
	},
}

// fullVPC has no room for subnets in two zones.
var fullVPC = rehearsal.CustomerVPC{
	Blocks: []string{"10.60.0.0/23"},
	Subnets: []rehearsal.CustomerSubnet{
		{Block: "10.60.0.0/26", Zone: "a"}, {Block: "10.60.1.0/26", Zone: "b"}, {Block: "10.60.1.64/26", Zone: "c"}, {Block: "10.60.1.240/28", Zone: "d"},
	},
}

// closedVPC has no way out, and every endpoint that a cluster then needs.
var closedVPC = rehearsal.CustomerVPC{
	Blocks: []string{"10.62.0.0/20"}, S3Endpoint: true,
	InterfaceEndpoints: []string{"ec2", "ecr.api", "ecr.dkr", "eks", "elasticloadbalancing", "sqs", "ssm", "sts"},
	Subnets:            []rehearsal.CustomerSubnet{{Block: "10.62.0.0/23", Zone: "a"}, {Block: "10.62.4.0/23", Zone: "b"}},
}

// inExistingVPC are wrong in a customer's VPC, made as fullVPC says, beside which
// there is another with one subnet.
func inExistingVPC(full, other *rehearsal.MadeVPC) []refusedAnswers {
	given := func(private ...string) map[string]string {
		return map[string]string{"PrivateSubnetIds": strings.Join(private, ",")}
	}
	and := func(answers map[string]string, name, value string) map[string]string {
		answers[name] = value
		return answers
	}
	a, b, c, d := full.Subnets[0], full.Subnets[1], full.Subnets[2], full.Subnets[3]
	return []refusedAnswers{
		{"no room", nil, []string{"Preflight", "no room for subnets in 2 zones", "a free /24 and a free /27", "10.60.0.128/25", "PrivateSubnetIds"}},
		{"one zone", given(a), []string{"private subnets in 2 Availability Zones, and these are in 1"}},
		{"a zone without EKS", given(a, c), []string{"where EKS makes no cluster (" + c + "): it is in us-east-1c (use1-az3)"}},
		{"a small subnet", given(a, d), []string{"has 11 free addresses, at least 16 are needed"}},
		{"a subnet from nowhere", given("subnet-0123456789abcdef0"), []string{"there is no subnet of this ID in this region (subnet-0123456789abcdef0)"}},
		{"a subnet of another VPC", given(a, other.Subnets[0]), []string{"in another VPC (" + other.Subnets[0] + "): it is in " + other.ID + ". Give subnets of the VPC " + full.ID}},
		{"a subnet that is private and public", and(given(a, b), "PublicSubnetIds", b), []string{"the subnet is given as private and as public (" + b + ")"}},
		{"a public subnet of another VPC", and(given(a, b), "PublicSubnetIds", other.Subnets[0]), []string{"in another VPC (" + other.Subnets[0] + "): it is in " + other.ID}},
		{"subnets in a zone to leave out", and(given(a, b), "ExcludedAvailabilityZones", "us-east-1b"), []string{"in a zone that ExcludedAvailabilityZones names (" + b + "): it is in us-east-1b"}},
		{
			"zones to add beside given subnets", and(and(given(a, b), "AdditionalAvailabilityZones", "us-east-1d"), "HttpsProxy", "http://proxy.example.com:3128"),
			[]string{"AdditionalAvailabilityZones is for subnets that this stack makes", "add subnets in them to PrivateSubnetIds"},
		},
		{
			"subnets without a way out", given(a, b),
			[]string{
				"Preflight", "no way out to AWS's APIs (" + a + "): rtb-", "no way out to AWS's APIs (" + b + "): rtb-", " has no default route",
				"the VPC lacks ec2, ecr.api, ecr.dkr, eks, s3, sts, elasticloadbalancing, sqs, ssm", "Add a default route to a NAT gateway",
			},
		},
	}
}

// inClosedVPC are wrong in a VPC as closedVPC says, with charts in a bucket.
func inClosedVPC(closed *rehearsal.MadeVPC, charts string) []refusedAnswers {
	answers := func(charts, images string) map[string]string {
		return map[string]string{
			"VpcId": closed.ID, "PrivateSubnetIds": strings.Join(closed.Subnets, ","), "ChartSource": charts, "ImageRegistry": images,
		}
	}
	return []refusedAnswers{
		{
			"public charts behind endpoints alone", answers("Public", "registry.example.com"),
			[]string{"NetworkPlan", "nothing leads from " + strings.Join(closed.Subnets, ", ") + " to the internet", "give s3://bucket/prefix as ChartSource"},
		},
		{
			"public images behind endpoints alone", answers(charts, ""),
			[]string{"NetworkPlan", "nothing leads from " + strings.Join(closed.Subnets, ", ") + " to the internet", "give that registry as ImageRegistry"},
		},
	}
}

// What only a function can tell to be wrong is refused when there is nothing but
// that function, and the rollback leaves nothing.
func TestAnswersThatAFunctionRefuses(t *testing.T) {
	t.Parallel()
	d := start(t, "")
	full := d.customer(t, fullVPC)
	other := d.customer(t, rehearsal.CustomerVPC{Blocks: []string{"10.61.0.0/20"}, Subnets: []rehearsal.CustomerSubnet{{Block: "10.61.0.0/24", Zone: "b"}}})
	closed := d.customer(t, closedVPC)
	type row struct {
		file string
		refusedAnswers
	}
	var rows []row
	documents := launchedDocuments(t)
	for i, r := range sample(t, inText, 4) {
		for _, file := range oneOf(asking(documents, r.answers), i) {
			rows = append(rows, row{file, r})
		}
	}
	for _, r := range sample(t, inNewVPC, 1) {
		rows = append(rows, row{"quickstart.yaml", r})
	}
	for _, r := range sample(t, inExistingVPC(full, other), 3) {
		rows = append(rows, row{existingVPC, r})
	}
	for _, r := range sample(t, inClosedVPC(closed, d.parameters(nil)["ChartSource"]), 1) {
		rows = append(rows, row{existingVPC, r})
	}
	for i, r := range rows {
		t.Run(r.file+", "+r.name, func(t *testing.T) {
			name := fmt.Sprintf("refused-%d", i)
			s := d.of(t, r.file, name)
			var made []string
			s.Progress = func(e rehearsal.Event) {
				if e.LogicalID != name && !slices.Contains(checkers, e.LogicalID) {
					made = append(made, e.LogicalID+" "+e.Status)
				}
			}
			// Where subnets are made, the customer's VPC must have room for them.
			customer := full
			if r.file == existingVPC && !strings.HasPrefix(r.name, "no room") && r.answers["PrivateSubnetIds"] == "" {
				customer = other
			}
			reason := mustFail(t, s, d.in(r.file, customer, r.answers)).Error()
			for _, part := range r.want {
				if !strings.Contains(reason, part) {
					t.Errorf("the reason does not have %q: %s", part, reason)
				}
			}
			if len(made) > 0 {
				t.Errorf("touched before the refusal: %v", made)
			}
			remove(t, s)
		})
	}
	if left := d.leftovers(t); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	for _, customer := range []*rehearsal.MadeVPC{full, other, closed} {
		if err := customer.CheckBack(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// asking are the templates that have all of the parameters.
func asking(documents map[string]map[string]any, given map[string]string) []string {
	return slices.DeleteFunc(slices.Clone(launchedTemplates), func(file string) bool {
		return slices.ContainsFunc(slices.Collect(maps.Keys(given)), func(name string) bool { return digAny(documents[file], "Parameters", name) == nil })
	})
}

// Each answer that internal/answers looks at is refused here too.
func TestEveryCheckedAnswerIsRefused(t *testing.T) {
	t.Parallel()
	has := map[string]bool{}
	for _, r := range inText {
		for name := range maps.Keys(r.answers) {
			has[name] = true
		}
	}
	for _, name := range answers.Parameters() {
		if !has[name] {
			t.Errorf("%s is checked by its text and has no bad one here", name)
		}
	}
}
