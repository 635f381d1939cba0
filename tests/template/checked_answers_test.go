package template

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/e6data/aws-quickstart/internal/answers"
	"github.com/e6data/aws-quickstart/internal/contract"
)

// checked is what the function that checks answers by their text gets.
func checked(t *testing.T, r *stackRun) (map[string]string, answers.Place) {
	t.Helper()
	p := decode[contract.FixedAnswers](t, r, "FixedAnswers")
	var given map[string]string
	if err := json.Unmarshal([]byte(p.Checked), &given); err != nil {
		t.Fatalf("Checked %q: %v", p.Checked, err)
	}
	return given, answers.Place{Partition: p.Partition, Region: p.Region, Account: p.AccountID}
}

// The function gets the answers and the place, and takes all those with which the
// templates are tested.
func TestAnswersAreCheckedByTheirText(t *testing.T) {
	everywhere := map[string]string{}
	withEveryAnswer(t, func(t *testing.T, r *stackRun) {
		t.Helper()
		given, place := checked(t, r)
		asked := slices.DeleteFunc(answers.Parameters(), func(name string) bool { return at(r.template, "Parameters", name) == nil })
		if diff := cmp.Diff(asked, slices.Sorted(maps.Keys(given))); diff != "" {
			t.Errorf("parameters (-checked +given):\n%s", diff)
		}
		maps.Copy(everywhere, given)
		if want := (answers.Place{Partition: "aws", Region: "us-east-1", Account: "111122223333"}); place != want {
			t.Errorf("the place is %+v", place)
		}
		checkGiven(t, r, given)
		if err := answers.Check(given, place); err != nil {
			t.Errorf("refused: %v", err)
		}
	})
	if diff := cmp.Diff(answers.Parameters(), slices.Sorted(maps.Keys(everywhere))); diff != "" {
		t.Errorf("parameters (-checked +asked by a template):\n%s", diff)
	}
}

// checkGiven compares answers that a function gets with those of the stack.
func checkGiven(t *testing.T, r *stackRun, given map[string]string) {
	t.Helper()
	for name, value := range given {
		want := fmt.Sprint(r.ref(name))
		if list, isList := r.ref(name).([]any); isList {
			want = strings.Trim(strings.ReplaceAll(fmt.Sprint(list), " ", ","), "[]")
		}
		if value != want {
			t.Errorf("%s is given as %q, want %q", name, value, want)
		}
	}
}

// What an update changes beside what cannot be undone is seen of every parameter.
func TestPreflightGetsEveryAnswer(t *testing.T) {
	withEveryAnswer(t, func(t *testing.T, r *stackRun) {
		t.Helper()
		p := decode[contract.Preflight](t, r, "Preflight")
		if p.Mode == contract.ModeExistingEKS {
			return // has no change that cannot be undone
		}
		var given map[string]string
		if err := json.Unmarshal([]byte(p.Given), &given); err != nil {
			t.Fatalf("Given %q: %v", p.Given, err)
		}
		asked, _ := at(r.template, "Parameters").(object)
		if diff := cmp.Diff(slices.Sorted(maps.Keys(asked)), slices.Sorted(maps.Keys(given))); diff != "" {
			t.Errorf("parameters (-asked +given):\n%s", diff)
		}
		checkGiven(t, r, given)
	})
}

// In the partition with the longest names, with everything that the engine's role
// can have, as many data buckets as are taken fit into its policies, and not many
// more would.
func TestEngineRoleHasRoomForItsDataBuckets(t *testing.T) {
	const most = 10240 // IAM's quota for all inline policies of a role
	for _, length := range []int{3, 20, 63} {
		name := strings.Repeat("b", length)
		n := answers.RoomForDataBuckets / answers.CharactersOf(name)
		r := newRun(t, quickstartFile, map[string]string{
			"DataBucketNames": strings.Repeat(name+",", n-1) + name, "GlueAccess": "ReadWrite", "KmsKeyArn": strings.Replace(keyARN, "1234abcd-12ab-34cd-56ef-1234567890ab", "mrk-1234abcd12ab34cd56ef1234567890ab", 1),
			"ControlPlanePrincipalArn": "arn:aws-us-gov:iam::999988887777:root",
		})
		r.pseudo["AWS::Partition"], r.pseudo["AWS::Region"] = "aws-us-gov", "ap-southeast-11"
		r.attributes["WorkspaceBucket.Arn"] = "arn:aws-us-gov:s3:::" + strings.Repeat("w", 63)
		given, place := checked(t, r)
		delete(given, "KmsKeyArn") // of a region that there is
		if err := answers.Check(given, place); err != nil {
			t.Fatalf("%d buckets are refused: %v", n, err)
		}
		characters := 0
		for _, p := range r.properties("EngineRole")["Policies"].([]any) {
			text, err := json.Marshal(at(p, "PolicyDocument"))
			if err != nil {
				t.Fatal(err)
			}
			characters += len(text)
		}
		t.Logf("%d buckets with names of %d characters: %d characters of policies", n, length, characters)
		if characters > most || characters < most*9/10 {
			t.Errorf("with %d buckets the role's policies have %d characters, IAM takes %d: set RoomForDataBuckets to %d",
				n, characters, most, answers.RoomForDataBuckets+most-characters-100)
		}
	}
}
