package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/e6data/aws-quickstart/internal/answers"
	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
)

// fixedAnswers answers Custom::FixedAnswers. It makes nothing: before anything
// else is done it refuses answers that cannot work where the stack is, and, in an
// update, answers that differ from those the stack was made with. The physical
// ID carries the latter, so that the rollback of a refused update finds the
// first ones again.
type fixedAnswers struct{}

type (
	fixedRequest  = customresource.Request[contract.FixedAnswers]
	fixedResponse = customresource.Response[contract.FixedAnswersData]
)

// Create remembers the answers.
func (fixedAnswers) Create(_ context.Context, r fixedRequest) (fixedResponse, error) {
	fixed, err := readAnswers("Answers", r.Props.Answers)
	if err == nil {
		err = checkTexts(r.Props)
	}
	if err != nil {
		return fixedResponse{}, err
	}
	return fixedResponse{PhysicalID: fixedID(digests(fixed))}, nil
}

// checkTexts refuses, all at once, answers whose mistakes show in their text. An
// update looks at all of them too, also at those that did not change: its
// rollback comes back to them.
func checkTexts(p contract.FixedAnswers) error {
	if p.Checked == "" {
		return nil
	}
	given, err := readAnswers("Checked", p.Checked)
	if err != nil {
		return err
	}
	if err := answers.Check(given, answers.Place{Partition: p.Partition, Region: p.Region, Account: p.AccountID}); err != nil {
		return fmt.Errorf("correct the answers: %s", sentences(err))
	}
	return nil
}

// sentences joins errors into one line.
func sentences(err error) string { return strings.ReplaceAll(err.Error(), "\n", ". ") }

// Update refuses every answer that changed, all at once. A parameter that this
// version fixes and the one before did not is remembered from now on; one that
// is no longer fixed is forgotten.
func (fixedAnswers) Update(_ context.Context, r fixedRequest) (fixedResponse, error) {
	fixed, err := readAnswers("Answers", r.Props.Answers)
	if err != nil {
		return fixedResponse{}, err
	}
	// Only for the message: the rollback's old answers are the refused ones.
	before, _ := readAnswers("Answers", r.OldProps.Answers)
	kept := parseFixedID(r.PhysicalID)
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(fixed)) {
		first, known := kept[name]
		if !known || first == digest(fixed[name]) {
			continue
		}
		from, back := "what it was", "its first value"
		if old, ok := before[name]; ok && digest(old) == first {
			from, back = fmt.Sprintf("%q", old), fmt.Sprintf("%q", old)
		}
		problems = append(problems, fmt.Errorf("%s cannot change from %s to %q: the cluster, or what runs on it, would be replaced; "+
			"set %[1]s back to %[4]s, or launch a second stack with the new value", name, from, fixed[name], back))
	}
	if len(problems) > 0 {
		return fixedResponse{}, fmt.Errorf("keep the answers of this stack: %s", sentences(errors.Join(problems...)))
	}
	if err := checkTexts(r.Props); err != nil {
		return fixedResponse{}, err
	}
	return fixedResponse{PhysicalID: fixedID(digests(fixed))}, nil
}

// Delete has nothing to remove.
func (fixedAnswers) Delete(context.Context, fixedRequest) error { return nil }

// Owns tells whether an ID was made by fixedID.
func (fixedAnswers) Owns(physicalID string) bool { return strings.HasPrefix(physicalID, fixedPrefix) }

// readAnswers reads a property that has answers by parameter.
func readAnswers(property, text string) (map[string]string, error) {
	var given map[string]string
	if err := json.Unmarshal([]byte(text), &given); err != nil || len(given) == 0 {
		return nil, fmt.Errorf("property %s is not a JSON object of texts: %.100q", property, text)
	}
	return given, nil
}

func digests(given map[string]string) map[string]string {
	out := map[string]string{}
	for name, value := range given {
		out[name] = digest(value)
	}
	return out
}

// digest is enough of a value's hash to tell two answers apart. The values
// themselves could be longer than a physical ID may be.
func digest(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:6])
}
