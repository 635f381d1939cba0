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

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
)

// fixedAnswers answers Custom::FixedAnswers. It makes nothing: it refuses, in
// an update and before anything else is done, answers that differ from those
// the stack was made with. The physical ID carries them, so that the rollback of
// a refused update finds the first ones again.
type fixedAnswers struct{}

type (
	fixedRequest  = customresource.Request[contract.FixedAnswers]
	fixedResponse = customresource.Response[contract.FixedAnswersData]
)

// Create remembers the answers.
func (fixedAnswers) Create(_ context.Context, r fixedRequest) (fixedResponse, error) {
	answers, err := readAnswers(r.Props.Answers)
	if err != nil {
		return fixedResponse{}, err
	}
	return fixedResponse{PhysicalID: fixedID(digests(answers))}, nil
}

// Update refuses every answer that changed, all at once. A parameter that this
// version fixes and the one before did not is remembered from now on; one that
// is no longer fixed is forgotten.
func (fixedAnswers) Update(_ context.Context, r fixedRequest) (fixedResponse, error) {
	answers, err := readAnswers(r.Props.Answers)
	if err != nil {
		return fixedResponse{}, err
	}
	// Only for the message: the rollback's old answers are the refused ones.
	before, _ := readAnswers(r.OldProps.Answers)
	kept := parseFixedID(r.PhysicalID)
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(answers)) {
		first, known := kept[name]
		if !known || first == digest(answers[name]) {
			continue
		}
		from, back := "what it was", "its first value"
		if old, ok := before[name]; ok && digest(old) == first {
			from, back = fmt.Sprintf("%q", old), fmt.Sprintf("%q", old)
		}
		problems = append(problems, fmt.Errorf("%s cannot change from %s to %q: the cluster, or what runs on it, would be replaced; "+
			"set %[1]s back to %[4]s, or launch a second stack with the new value", name, from, answers[name], back))
	}
	if len(problems) > 0 {
		return fixedResponse{}, fmt.Errorf("keep the answers of this stack: %s", strings.ReplaceAll(errors.Join(problems...).Error(), "\n", ". "))
	}
	return fixedResponse{PhysicalID: fixedID(digests(answers))}, nil
}

// Delete has nothing to remove.
func (fixedAnswers) Delete(context.Context, fixedRequest) error { return nil }

// Owns tells whether an ID was made by fixedID.
func (fixedAnswers) Owns(physicalID string) bool { return strings.HasPrefix(physicalID, fixedPrefix) }

func readAnswers(text string) (map[string]string, error) {
	var answers map[string]string
	if err := json.Unmarshal([]byte(text), &answers); err != nil || len(answers) == 0 {
		return nil, fmt.Errorf("property Answers is not a JSON object of texts: %.100q", text)
	}
	return answers, nil
}

func digests(answers map[string]string) map[string]string {
	out := map[string]string{}
	for name, value := range answers {
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
