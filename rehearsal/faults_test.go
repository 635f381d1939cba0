package rehearsal

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each fault changes the committed template in one way, which it names.
func TestEachFaultCanBePlanted(t *testing.T) {
	text, err := os.ReadFile("../quickstart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	before, err := ParseTemplate(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range Faults() {
		t.Run(f.Kind, func(t *testing.T) {
			changed, planted, err := f.Plant(text)
			if err != nil {
				t.Fatal(err)
			}
			if planted == "" || f.Check == "" || f.proof == nil {
				t.Errorf("planted %q, check %q", planted, f.Check)
			}
			if len(f.deployer) > 0 {
				return // the template stays
			}
			if !json.Valid(changed) { // as YAML some texts would be no texts to CloudFormation
				t.Error("the changed template is not JSON")
			}
			after, err := ParseTemplate(changed)
			if err != nil {
				t.Fatal(err)
			}
			if string(changed) == string(text) || f.Kind != "missing-dependency" && cmp.Equal(before, after) {
				t.Error("the template is as before")
			}
			if len(before.Resources) != len(after.Resources) {
				t.Errorf("%d resources, before %d", len(after.Resources), len(before.Resources))
			}
		})
	}
}

func TestAFaultThatHasNoPlaceIsRefused(t *testing.T) {
	for _, f := range Faults() {
		if f.plant == nil {
			continue
		}
		if _, _, err := f.Plant([]byte("Resources: {Bucket: {Type: AWS::S3::Bucket}}")); err == nil || !strings.Contains(err.Error(), "fault "+f.Kind+" cannot be planted") {
			t.Errorf("%s: %v", f.Kind, err)
		}
	}
}

// Only the right check, by the right error, counts as caught.
func TestOnlyTheExpectedErrorCounts(t *testing.T) {
	failed := func(reason string) error {
		return fmt.Errorf("create: %w", &FailedError{Stack: "q", Status: "ROLLBACK_COMPLETE", Failures: []Event{{LogicalID: "R", Type: "T", Status: "CREATE_FAILED", Reason: reason}}})
	}
	left := &LeftoverError{[]Item{{"AWS::Logs::LogGroup", "g"}}}
	for name, test := range map[string]struct {
		kind   string
		run    error
		caught bool
	}{
		"the denial":                   {"missing-permission", failed("User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: eks:DescribeCluster on resource: c"), true},
		"the denial of another action": {"missing-permission", failed("User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: s3:GetObject on resource: c"), false},
		"green":                        {"missing-permission", nil, false},
		"an error before the stack":    {"missing-permission", errors.New("eks:DescribeCluster assumed-role/ is not authorized to perform"), false},
		"the leftover":                 {"leftover", fmt.Errorf("leftovers: %w", left), true},
		"something else is left":       {"leftover", &LeftoverError{[]Item{{"AWS::EC2::VPC", "v"}}}, false},
		"more is left":                 {"leftover", &LeftoverError{[]Item{{"AWS::EC2::VPC", "v"}, {"AWS::Logs::LogGroup", "g"}}}, false},
		"the trust policy":             {"wrong-trust", failed("The role defined for the function cannot be assumed by Lambda."), true},
		"no access entry":              {"missing-dependency", failed("it has no access entry and no mapping"), true},
		"no right to pass the role":    {"missing-pass-role", failed("is not authorized to perform: iam:PassRole on resource: r"), true},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := FindFault(test.kind)
			if err != nil {
				t.Fatal(err)
			}
			outcome, err := f.judge("planted", test.run)
			if caught := err == nil; caught != test.caught || caught != (outcome.Proof != "") {
				t.Errorf("caught %v (%v, proof %q), want %v", caught, err, outcome.Proof, test.caught)
			}
			if !test.caught && (!strings.Contains(err.Error(), "NOT caught") || !errors.Is(err, test.run) && test.run != nil) {
				t.Errorf("error %v", err)
			}
		})
	}
}
