package template

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// products are the catalog's, by the file of their template.
var products = map[string]string{quickstartFile: "NewVpc", existingFile: "ExistingVpc", clusterFile: "ExistingEks"}

var offered = map[string]string{
	"OfferNewVpc": "Yes", "OfferExistingVpc": "Yes", "OfferExistingEks": "Yes",
	"VpcIds": "vpc-0123456789abcdef0,vpc-0123456789abcdef1", "ExistingClusterNames": "shared,other", "DataBucketNames": "sales-data,web-data",
}

// catalogAnswers are those with which the roles of the catalog may do most.
var catalogAnswers = map[string]string{
	"GlueAccess": "ReadWrite", "ChartSource": "s3://our-charts/charts",
	"KmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555",
}

func newCatalog(t *testing.T, more map[string]string) *stackRun {
	t.Helper()
	given := maps.Clone(offered)
	maps.Copy(given, more)
	return newRun(t, catalogFile, given)
}

func newRoles(t *testing.T, more map[string]string) *stackRun {
	t.Helper()
	given := map[string]string{"ExistingClusterNames": offered["ExistingClusterNames"], "DataBucketNames": offered["DataBucketNames"]}
	maps.Copy(given, more)
	return newRun(t, rolesFile, given)
}

// rules are what the template constraint of a product adds to its template.
func rules(t *testing.T, r *stackRun, product string) object {
	t.Helper()
	text, _ := r.properties(product + "Answers")["Rules"].(string)
	var out object
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("rules of %s: %v\n%s", product, err, text)
	}
	return out
}

// refusedBy are the constraint's rules that a product's answers break.
func refusedBy(t *testing.T, file string, constraint object, answers map[string]string) []string {
	t.Helper()
	product := newRun(t, file, answers)
	var out []string
	for name, rule := range constraint {
		for _, a := range at(rule, "Assertions").([]any) {
			if !product.truth(at(a, "Assert")) {
				out = append(out, strings.TrimPrefix(name, "Catalog"))
			}
			if told := fmt.Sprint(at(a, "AssertDescription")); !strings.Contains(told, strings.TrimPrefix(name, "Catalog")) {
				t.Errorf("%s says %q, without its parameter", name, told)
			}
		}
	}
	return sorted(out)
}

// With the catalog's boundary and defaults for all else a product can be
// launched; each answer that is not the user's to give is refused by the rule of
// its parameter, and by no other.
func TestTheCatalogPinsWhatGivesRights(t *testing.T) {
	r := newCatalog(t, nil)
	for file, product := range products {
		constraint := rules(t, r, product)
		boundary := fmt.Sprint(r.attribute("Roles", "Outputs.WorkspaceBoundaryArn"))
		usual := map[string]string{"PermissionsBoundaryArn": boundary}
		if got := refusedBy(t, file, constraint, usual); len(got) > 0 {
			t.Errorf("%s: the right answers are refused by %v", file, got)
		}
		declared := section(load(t, file), "Parameters")
		tried := 0
		for name, answer := range map[string]string{
			"ChartSource": "s3://mine/charts", "ImageRegistry": "registry.example.com", "Version": "9.9.9", "ArtifactBucket": "mine", "RolePath": "/mine/",
			"PermissionsBoundaryArn": "arn:aws:iam::aws:policy/AdministratorAccess", "ControlPlanePrincipalArn": "arn:aws:iam::444455556666:root",
			"AdminPrincipalArn": "arn:aws:iam::111122223333:user/me", "ClusterAdminRoleArn": "arn:aws:iam::111122223333:role/Admin",
			"AllowAuthModeChange": "Yes", "CallbackUrl": "https://example.com/told", "GlueAccess": "ReadWrite", "ConsoleHost": "example.com",
			"KmsKeyArn":   "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555",
			"ClusterName": "production", "KarpenterNamespace": "mine", "LoadBalancerControllerNamespace": "mine", "KarpenterControllerRoleName": "Karpenter",
			"DataBucketNames": "sales-data,payroll", "VpcId": "vpc-0123456789abcdef9", "ExistingClusterName": "production",
		} {
			if declared[name] == nil {
				continue
			}
			tried++
			answers := maps.Clone(usual)
			answers[name] = answer
			if diff := cmp.Diff([]string{name}, refusedBy(t, file, constraint, answers)); diff != "" {
				t.Errorf("%s, %s=%s (-want +refused by):\n%s", file, name, answer, diff)
			}
		}
		if tried != len(constraint) {
			t.Errorf("%s: %d answers tried, the constraint has %d rules", file, tried, len(constraint))
		}
	}
}

// A product has a launch role only while its answers are limited.
func TestTheCatalogLimitsAProductBeforeItIsLaunched(t *testing.T) {
	g := newGraph(load(t, catalogFile))
	for _, product := range products {
		if !g.waitsFor(product + "Launch")[product+"Answers"] || !g.waitsFor(product + "Answers")[product+"InPortfolio"] {
			t.Errorf("%s can be launched before its answers are limited", product)
		}
	}
}

// What is not offered has no product and no launch role.
func TestTheCatalogOffersWhatItIsTold(t *testing.T) {
	answers := map[string]string{"OfferExistingVpc": "No", "OfferExistingEks": "No"}
	if got := newCatalog(t, answers).activeOfType("AWS::ServiceCatalog::CloudFormationProduct"); !slices.Equal(got, []string{"NewVpcProduct"}) {
		t.Errorf("products %v", got)
	}
	if got := newRoles(t, answers).activeOfType("AWS::IAM::Role"); !slices.Equal(got, []string{"NewVpcLaunchRole"}) {
		t.Errorf("launch roles %v", got)
	}
}

func TestTheCatalogIsOpenToThoseNamed(t *testing.T) {
	r := newCatalog(t, map[string]string{"PrincipalArns": "arn:aws:iam::111122223333:role/A,arn:aws:iam::111122223333:group/B"})
	var got []string
	for _, id := range r.activeOfType("AWS::ServiceCatalog::PortfolioPrincipalAssociation") {
		got = append(got, fmt.Sprint(r.properties(id)["PrincipalARN"]))
	}
	if want := []string{"arn:aws:iam::111122223333:role/A", "arn:aws:iam::111122223333:group/B"}; !slices.Equal(got, want) {
		t.Errorf("principals %v, want %v", got, want)
	}
}

// Launch roles let in Service Catalog alone. They make and change roles within
// the catalog's boundary, never take it off, and have no stack but Service
// Catalog's; their own policies lie where they cannot change any.
func TestLaunchRolesStayWithinTheBoundary(t *testing.T) {
	r := newRoles(t, nil)
	boundary := fmt.Sprint(r.ref("WorkspaceBoundary"))
	for _, id := range r.activeOfType("AWS::IAM::Role") {
		p := r.properties(id)
		want := []any{object{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": object{"Service": "servicecatalog.amazonaws.com"}}}
		if diff := cmp.Diff(any(want), at(p["AssumeRolePolicyDocument"], "Statement")); diff != "" {
			t.Errorf("%s lets in (-want +got):\n%s", id, diff)
		}
		if policies := asList(p["ManagedPolicyArns"]); len(policies) == 0 || len(policies) > 10 {
			t.Errorf("%s has %d policies", id, len(policies))
		}
		if p["Path"] != "/e6data-service-catalog/" {
			t.Errorf("%s has the path %v", id, p["Path"])
		}
	}
	bounded := []string{"iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:DetachRolePolicy", "iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary"}
	seen := map[string]bool{}
	for _, s := range statements(r) {
		if strings.HasPrefix(s.where, "WorkspaceBoundary") {
			continue
		}
		for _, action := range s.Actions {
			switch {
			case action == "iam:DeleteRolePermissionsBoundary" || action == "iam:UpdateAssumeRolePolicy" && len(s.Resources) == 0 || strings.Contains(action, "*"):
				t.Errorf("%s allows %s", s, action)
			case slices.Contains(bounded, action):
				seen[action] = true
				if got := asList(at(s.Raw, "Condition", "StringEquals", "iam:PermissionsBoundary")); !slices.Equal(got, []string{boundary}) {
					t.Errorf("%s allows %s within %v", s, action, got)
				}
			}
			for _, resource := range s.Resources {
				if strings.HasPrefix(action, "cloudformation:") && resource != "*" && !strings.Contains(resource, ":stack/SC-") {
					t.Errorf("%s allows %s on %s", s, action, resource)
				}
				if strings.HasPrefix(action, "iam:") && strings.Contains(resource, "e6data-service-catalog") {
					t.Errorf("%s allows %s on the catalog's own %s", s, action, resource)
				}
			}
		}
	}
	for _, action := range bounded[:3] {
		if !seen[action] {
			t.Errorf("no launch role may %s: what was looked at?", action)
		}
	}
}

// Managed policies are within IAM's limit with the longest answers.
func TestTheCatalogsPoliciesAreWithinIAMsLimit(t *testing.T) {
	r := newRoles(t, map[string]string{
		"GlueAccess": "ReadWrite", "ChartSource": "s3://" + strings.Repeat("b", 63) + "/charts", "ArtifactBucket": strings.Repeat("b", 63),
		"KmsKeyArn":                "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/mrk-" + strings.Repeat("0", 32),
		"ControlPlanePrincipalArn": "arn:aws-us-gov:iam::111122223333:role/" + strings.Repeat("r", 64),
	})
	r.inPartition("aws-us-gov", "us-gov-west-1", "amazonaws.com")
	for _, id := range r.activeOfType("AWS::IAM::ManagedPolicy") {
		text, err := json.Marshal(plain(t, document(t, r.properties(id)["PolicyDocument"])))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s has %d characters", id, len(text))
		if len(text) > 6144 {
			t.Errorf("%s has %d characters, IAM allows 6144", id, len(text))
		}
	}
}

// The boundary has room for all that the roles of all modes may do.
func TestTheCatalogsBoundaryIsEnough(t *testing.T) {
	roles := newRoles(t, catalogAnswers)
	bounds := statementsOf("boundary", plain(t, document(t, roles.properties("WorkspaceBoundary")["PolicyDocument"])))
	within := func(action, resource string) bool {
		return slices.ContainsFunc(bounds, func(b statement) bool { return covers(b.Actions, action) && covers(b.Resources, resource) })
	}
	looked := 0
	for file := range products {
		given := maps.Clone(catalogAnswers)
		given["PermissionsBoundaryArn"] = "arn:aws:iam::111122223333:policy/e6data-service-catalog/limits"
		r := newRun(t, file, given)
		r.pseudo["AWS::StackName"] = "SC-111122223333-pp-abcdefghijklm"
		for _, s := range statements(r) {
			if s.Effect != "Allow" || strings.Contains(s.where, "BucketPolicy") || strings.Contains(s.where, "QueuePolicy") {
				continue
			}
			for _, action := range s.Actions {
				for _, resource := range s.Resources {
					looked++
					if !within(action, asSeen(resource)) {
						t.Errorf("%s, %s: %s on %s is out of bounds", file, s, action, resource)
					}
				}
			}
		}
	}
	if looked < 300 {
		t.Errorf("only %d rights looked at", looked)
	}
	for action, resource := range map[string]string{
		"iam:CreateRole": "arn:aws:iam::111122223333:role/x", "iam:PutRolePolicy": "arn:aws:iam::111122223333:role/SC-x", "sts:AssumeRole": "arn:aws:iam::111122223333:role/Admin",
		"s3:GetObject": "arn:aws:s3:::payroll/x", "iam:PassRole": "arn:aws:iam::111122223333:role/Admin", "kms:Decrypt": "arn:aws:kms:us-east-1:111122223333:key/other",
		"ssm:GetParameter": "arn:aws:ssm:us-east-1:111122223333:parameter/secret", "secretsmanager:GetSecretValue": "*", "lambda:UpdateFunctionCode": "*",
		"eks:CreateAccessEntry": "arn:aws:eks:us-east-1:111122223333:cluster/production",
	} {
		if within(action, resource) {
			t.Errorf("%s on %s is within bounds", action, resource)
		}
	}
}

// covers tells whether one of IAM's patterns has everything that another has.
func covers(patterns []string, pattern string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		expression := "(?is)^" + strings.ReplaceAll(strings.ReplaceAll(regexp.QuoteMeta(p), `\*`, ".*"), `\?`, ".") + "$"
		return regexp.MustCompile(expression).MatchString(pattern)
	})
}

// asSeen is a resource's ARN, which the evaluator makes up, as it would be in a
// stack of Service Catalog.
func asSeen(resource string) string {
	made := regexp.MustCompile(`^arn:aws:made:::([A-Za-z0-9]+)`)
	found := made.FindStringSubmatch(resource)
	if found == nil {
		return resource
	}
	const at = "us-east-1:111122223333:"
	own := "SC-111122223333-pp-abcdefghijklm-" + found[1]
	arn := ""
	switch name := found[1]; {
	case strings.HasSuffix(name, "LogGroup"):
		arn = "arn:aws:logs:" + at + "log-group:" + own + ":*"
	case strings.HasSuffix(name, "Queue"):
		arn = "arn:aws:sqs:" + at + own
	case strings.HasSuffix(name, "Role"):
		arn = "arn:aws:iam::111122223333:role/" + own
	case strings.HasSuffix(name, "Bucket"):
		arn = "arn:aws:s3:::" + strings.ToLower(own)
	case name == "Cluster":
		arn = "arn:aws:eks:" + at + "cluster/e6data-sales"
	}
	return strings.Replace(resource, found[0], arn, 1)
}
