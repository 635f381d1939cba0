package e2e

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/preflight"
	"github.com/e6data/aws-quickstart/rehearsal"
)

// notProvoked are problems that no launch here has, and why.
var notProvoked = map[string]string{
	"service-control-policy":                  "the embedded AWS has no organization",
	"arn-of-another-partition":                "the text of the answer says so before: TestAnswersThatAFunctionRefuses",
	"kms-key-of-another-region":               "the text of the answer says so before: TestAnswersThatAFunctionRefuses",
	"instance-family-of-another-architecture": "the text of the answer says so before: TestAnswersThatAFunctionRefuses",
	"permissions-boundary-missing":            "of a launch IAM itself refuses the first role; it is for updates",
	"permissions-boundary-of-another-account": "of a launch IAM itself refuses the first role; it is for updates",
	"kubernetes-version-not-offered":          "the parameter has versions in standard support only",
	"kubernetes-version-unsupported":          "the parameter has versions in standard support only",
	"kubernetes-version-in-extended-support":  "the parameter has versions in standard support only",
	"kubernetes-version-down":                 "is of an update: TestAnswersChangeOnALivingStack",
	"kubernetes-version-jump":                 "the parameter has two versions, one after the other",
	"one-way-change-with-others":              "is of an update: TestAnUpdateToTheNextVersion",
	"cluster-not-active":                      "a cluster of the embedded AWS is ACTIVE within seconds",
	"cluster-version-unsupported":             "the embedded AWS makes no cluster of such a version",
	"cluster-without-oidc-issuer":             "every cluster of the embedded AWS has one, as of EKS today",
	"vpc-missing":                             "CloudFormation looks for the VPC before it begins: TestBadAnswersAreRefusedAtOnce",
	"vpc-not-available":                       "a VPC is available at once",
	"node-group-type-not-offered":             "every zone in which EKS makes clusters has the type here",
	"chart-bucket-of-another-region":          "the embedded S3 answers for all regions",
}

// troubled is an account in which a launch has several problems.
type troubled struct {
	name, file string
	// quotas are those of a new account, if they are in question.
	quotas bool
	// prepare makes what is wrong and returns the answers.
	prepare func(*testing.T, *deployment) map[string]string
	// kinds are the problems, by their names.
	kinds []string
}

var troubledAccounts = []troubled{
	{
		"quotas that are used up", "quickstart.yaml", true, useUpQuotas,
		[]string{"quota-vpcs", "quota-internet-gateways", "quota-nat-gateways", "quota-elastic-ips", "quota-on-demand-vcpus", "cluster-log-group-exists", "principal-missing", "chart-missing"},
	},
	{
		"names that are nobody's", "quickstart.yaml", false, nameNobody,
		[]string{"zones-too-few", "zone-unknown", "zone-cannot-be-added", "kms-key-missing", "chart-bucket-missing", "principal-missing"},
	},
	{
		"Spot nodes in a new account, and a key that is off", "quickstart.yaml", true, spotWithAKeyThatIsOff,
		[]string{"quota-spot-vcpus", "kms-key-not-enabled", "kms-key-policy"},
	},
	{
		"families and keys of the wrong kind", "quickstart.yaml", false, wrongKinds,
		[]string{"instance-families-not-offered", "kms-key-of-the-wrong-kind", "cluster-log-group-exists"},
	},
	{"a VPC without room", existingVPC, false, noRoom, []string{"vpc-without-room", "vpc-dns-hostnames-off", "chart-missing"}},
	{
		"subnets that do not suit", existingVPC, false, unfitSubnets,
		[]string{
			"vpc-dns-support-off", "vpc-dns-hostnames-off", "subnet-missing", "subnet-in-another-vpc", "subnets-in-one-zone", "subnet-in-a-zone-without-eks",
			"subnet-in-an-excluded-zone", "subnet-private-and-public", "subnet-without-addresses", "public-subnet-without-addresses", "subnet-route-into-nothing",
			"private-subnet-is-public", "subnet-without-a-way-out", "public-subnet-is-private",
		},
	},
	{
		"a cluster that is not there, and roles that are not", existingEKS, false, noClusterNoRoles,
		[]string{"cluster-missing", "cluster-admin-role-missing", "karpenter-role-missing", "installer-role-taken", "principal-missing"},
	},
	{
		"a cluster out of reach", existingEKS, false, clusterOutOfReach,
		[]string{"cluster-endpoint-out-of-reach", "cluster-admin-role-trust", "subnet-missing"},
	},
	{"a cluster of the name", "quickstart.yaml", false, clusterOfTheName, []string{"cluster-name-taken", "principal-missing"}},
}

// kindNamed tells whether a problem that stops a launch has this name.
func kindNamed(id string) bool {
	return slices.ContainsFunc(preflight.Kinds, func(k *preflight.Kind) bool { return k.ID == id && !k.Note })
}

// Each problem that stops a launch is provoked here, or there is a reason why
// not.
func TestEveryProblemIsProvoked(t *testing.T) {
	t.Parallel()
	provoked := map[string]bool{}
	for _, account := range troubledAccounts {
		for _, id := range account.kinds {
			if !kindNamed(id) {
				t.Errorf("%s: %s is no problem that stops a launch", account.name, id)
			}
			provoked[id] = true
		}
	}
	stopping := 0
	for _, k := range preflight.Kinds {
		if k.Note {
			continue
		}
		stopping++
		if provoked[k.ID] == (notProvoked[k.ID] != "") {
			t.Errorf("%s is provoked: %t; why not: %q", k.ID, provoked[k.ID], notProvoked[k.ID])
		}
	}
	t.Logf("%d problems, %d of them provoked", stopping, len(provoked))
	if stopping < 25 || len(provoked) < 18 {
		t.Errorf("%d problems, %d of them provoked", stopping, len(provoked))
	}
}

var inBrackets = regexp.MustCompile(`\[([a-z-]+)\]`)

// All that is wrong is in the one message of the stack's event, when there is
// nothing but the function that looked; the stack goes and leaves nothing.
func TestAllProblemsAreToldAtOnce(t *testing.T) {
	t.Parallel()
	for _, account := range sample(t, troubledAccounts, 2) {
		t.Run(account.name, func(t *testing.T) {
			t.Parallel()
			d := startIn(t, rehearsal.Config{NewAccount: account.quotas})
			answers := d.parameters(account.prepare(t, d))
			d.snapshot(t)
			s := d.of(t, account.file, "refused")
			var made []string
			s.Progress = func(e rehearsal.Event) {
				if e.LogicalID != "refused" && !slices.Contains(checkers, e.LogicalID) {
					made = append(made, e.LogicalID+" "+e.Status)
				}
			}
			failed := mustFail(t, s, answers)
			if len(failed.Failures) != 1 || failed.Failures[0].LogicalID != "Preflight" {
				t.Fatalf("%v", failed)
			}
			reason := failed.Failures[0].Reason
			told := map[string]bool{}
			for _, found := range inBrackets.FindAllStringSubmatch(reason, -1) {
				if kindNamed(found[1]) {
					told[found[1]] = true
				}
			}
			if diff := cmp.Diff(slices.Sorted(slices.Values(account.kinds)), slices.Sorted(maps.Keys(told))); diff != "" {
				t.Errorf("problems (-want +told):\n%s\n%s", diff, reason)
			}
			if len(made) > 0 {
				t.Errorf("touched before the refusal: %v", made)
			}
			remove(t, s)
			if left := d.leftovers(t); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// checkAccountWasRead looks into the log of the function of a stack that was
// made: it looked at the account, found nothing wrong and could read everything.
// What it cannot read is no more than a note there.
func (d *deployment) checkAccountWasRead(t *testing.T, s *rehearsal.Stack) {
	t.Helper()
	resources, err := s.Resources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	looked := false
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(d.clients.Logs, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String(resources["OutputsFunctionLogGroup"])})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			line := aws.ToString(e.Message)
			looked = looked || strings.Contains(line, `"looked at the account"`)
			if strings.Contains(line, "fact-unread") || strings.Contains(line, `"stops":true`) {
				t.Errorf("a healthy account: %s", line)
			}
		}
	}
	if !looked {
		t.Errorf("the function of %s did not look at the account", s.Name)
	}
}

// nobody is the ARN of a role or a user that does not exist.
func nobody(kind string) string { return "arn:aws:iam::" + account + ":" + kind + "/nobody" }
