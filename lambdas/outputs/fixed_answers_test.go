package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/e6data/aws-quickstart/internal/contract"
)

func answersText(t *testing.T, answers map[string]string) contract.FixedAnswers {
	t.Helper()
	text, err := json.Marshal(answers)
	if err != nil {
		t.Fatal(err)
	}
	return contract.FixedAnswers{Answers: string(text)}
}

// An update is refused exactly when an answer that was there before differs;
// the refusal names each of them with both values, and the rollback, whose old
// properties are the refused ones, is accepted under the first ID.
func TestFixedAnswersStayWhatTheyWere(t *testing.T) {
	ctx := t.Context()
	rapid.Check(t, func(rt *rapid.T) {
		answers := rapid.MapOfN(rapid.StringMatching(`[A-Z][a-z]{2,8}`), rapid.StringMatching(`[a-z0-9/"\\]{0,40}`), 1, 12)
		before, change := answers.Draw(rt, "before"), answers.Draw(rt, "change")
		made, err := fixedAnswers{}.Create(ctx, fixedRequest{Props: answersText(t, before)})
		if err != nil {
			rt.Fatal(err)
		}
		if len(made.PhysicalID) > 1024 || !(fixedAnswers{}).Owns(made.PhysicalID) {
			rt.Fatalf("physical ID %q", made.PhysicalID)
		}
		after := maps.Clone(before)
		var differ []string
		for name, value := range change {
			if old, ok := before[name]; ok && old != value {
				differ = append(differ, name)
			}
			after[name] = value
		}
		updated, err := fixedAnswers{}.Update(ctx, fixedRequest{
			PhysicalID: made.PhysicalID, OldProps: answersText(t, before), Props: answersText(t, after),
		})
		if (err != nil) != (len(differ) > 0) {
			rt.Fatalf("changed %v, and the update says %v", differ, err)
		}
		if err == nil {
			if got := parseFixedID(updated.PhysicalID); !maps.Equal(got, digests(after)) {
				rt.Fatalf("remembers %v", got)
			}
			return
		}
		for _, name := range differ {
			was, _ := json.Marshal(before[name])
			if !strings.Contains(err.Error(), name+" cannot change from "+string(was)) || !strings.Contains(err.Error(), "set "+name+" back to") {
				rt.Errorf("%s is not explained: %v", name, err)
			}
		}
		back, err := fixedAnswers{}.Update(ctx, fixedRequest{
			PhysicalID: made.PhysicalID, OldProps: answersText(t, after), Props: answersText(t, before),
		})
		if err != nil || back.PhysicalID != made.PhysicalID {
			rt.Fatalf("the rollback: %v, %q", err, back.PhysicalID)
		}
	})
}

// What an answer's text shows to be wrong is refused in a create and in an
// update, all at once; a rollback to answers that were taken passes.
func TestAnswersAreCheckedByTheirText(t *testing.T) {
	const account = "111122223333"
	props := func(checked map[string]string) contract.FixedAnswers {
		p := answersText(t, map[string]string{"WorkspaceName": "sales"})
		p.Checked = answersText(t, checked).Answers
		p.Partition, p.Region, p.AccountID = "aws", "us-east-1", account
		return p
	}
	good := props(map[string]string{"KmsKeyArn": "arn:aws:kms:us-east-1:" + account + ":key/1", "NodeTags": "a=1"})
	bad := props(map[string]string{"KmsKeyArn": "arn:aws:kms:eu-west-1:" + account + ":key/1", "NodeTags": "a=1,a=2"})
	made, err := fixedAnswers{}.Create(t.Context(), fixedRequest{Props: good})
	if err != nil {
		t.Fatal(err)
	}
	_, created := fixedAnswers{}.Create(t.Context(), fixedRequest{Props: bad})
	_, updated := fixedAnswers{}.Update(t.Context(), fixedRequest{PhysicalID: made.PhysicalID, OldProps: good, Props: bad})
	for _, err := range []error{created, updated} {
		said := fmt.Sprint(err)
		if !strings.HasPrefix(said, "correct the answers: KmsKeyArn arn:aws:kms:eu-west-1") || !strings.Contains(said, ". NodeTags has a=2") || strings.Contains(said, "\n") {
			t.Errorf("refused with %q", said)
		}
	}
	back, err := fixedAnswers{}.Update(t.Context(), fixedRequest{PhysicalID: made.PhysicalID, OldProps: bad, Props: good})
	if err != nil || back.PhysicalID != made.PhysicalID {
		t.Errorf("the rollback: %v, %q", err, back.PhysicalID)
	}
	// A version before had no such property.
	if _, err := (fixedAnswers{}).Update(t.Context(), fixedRequest{PhysicalID: made.PhysicalID, OldProps: bad, Props: answersText(t, map[string]string{"WorkspaceName": "sales"})}); err != nil {
		t.Errorf("the rollback to a version before: %v", err)
	}
	broken := good
	broken.Checked = "[]"
	if _, err := (fixedAnswers{}).Create(t.Context(), fixedRequest{Props: broken}); err == nil || !strings.Contains(err.Error(), "property Checked") {
		t.Errorf("a property that cannot be read: %v", err)
	}
}

func TestFixedAnswersAreRead(t *testing.T) {
	for _, text := range []string{"", "null", "[]", `{"A":1}`, "{}"} {
		if _, err := (fixedAnswers{}).Create(t.Context(), fixedRequest{Props: contract.FixedAnswers{Answers: text}}); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}
