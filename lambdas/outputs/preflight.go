package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/customresource"
	"github.com/e6data/aws-quickstart/internal/preflight"
)

// mostReading is how long facts are read. What is not read by then is not
// known, and so stops nothing.
const mostReading = 60 * time.Second

// preflightCheck answers Custom::Preflight. It makes nothing: it reads the
// account, says all that would make the launch fail, and so makes it fail at
// once.
type preflightCheck struct {
	account account
	stacks  stackDescriber
	log     *slog.Logger
}

type (
	preflightRequest  = customresource.Request[contract.Preflight]
	preflightResponse = customresource.Response[contract.PreflightData]
)

// Create looks at the whole account for a stack that is made. A stack that is
// updated to a template with this resource has all that already.
func (p preflightCheck) Create(ctx context.Context, r preflightRequest) (preflightResponse, error) {
	f, err := factsOf(r)
	if err != nil {
		return preflightResponse{}, err
	}
	status, err := statusOf(ctx, p.stacks, r.StackID)
	if err != nil {
		p.log.WarnContext(ctx, "taken for a new stack", "error", err)
	}
	if err != nil || status == cfntypes.StackStatusCreateInProgress {
		err = p.check(ctx, f)
	}
	return preflightResponse{PhysicalID: preflightID(f.Answers.WorkspaceName)}, err
}

// Update looks at what the update changes. A rollback is never refused: it
// brings back what there was.
func (p preflightCheck) Update(ctx context.Context, r preflightRequest) (preflightResponse, error) {
	same := preflightResponse{PhysicalID: r.PhysicalID}
	status, err := statusOf(ctx, p.stacks, r.StackID)
	if err != nil {
		p.log.WarnContext(ctx, "not checked: this may be a rollback", "error", err)
		return same, nil
	}
	if status != cfntypes.StackStatusUpdateInProgress {
		p.log.InfoContext(ctx, "not checked", "stack", status)
		return same, nil
	}
	f, err := factsOf(r)
	if err != nil {
		return same, err
	}
	f.Update, f.Before = true, f.Answers
	// An older version of the template may have said less, or other things.
	if err := json.Unmarshal([]byte(r.OldProps.Answers), &f.Before); err != nil {
		p.log.WarnContext(ctx, "the answers before the update cannot be read", "error", err)
	}
	f.Changed = changedAnswers(r.OldProps.Given, r.Props.Given)
	return same, p.check(ctx, f)
}

// changedAnswers are the answers that differ. A version before did not tell all
// answers, or did not have all parameters: those do not count as changed.
func changedAnswers(before, after string) map[string]preflight.Change {
	var old, now map[string]string
	if json.Unmarshal([]byte(before), &old) != nil || json.Unmarshal([]byte(after), &now) != nil {
		return nil
	}
	changed := map[string]preflight.Change{}
	for name, answer := range now {
		if was, known := old[name]; known && was != answer {
			changed[name] = preflight.Change{From: was, To: answer}
		}
	}
	return changed
}

// Delete has nothing to remove.
func (preflightCheck) Delete(context.Context, preflightRequest) error { return nil }

// Owns tells whether an ID was made by preflightID.
func (preflightCheck) Owns(physicalID string) bool {
	return strings.HasPrefix(physicalID, preflightPrefix)
}

// check reads the account and says what is wrong; notes go to the log.
func (p preflightCheck) check(ctx context.Context, f preflight.Facts) error {
	begin := time.Now()
	reading, cancel := context.WithTimeout(ctx, mostReading)
	defer cancel()
	p.account.read(reading, &f)
	report := preflight.Check(f)
	for _, n := range slices.Concat(report.Problems, report.Notes) {
		p.log.InfoContext(ctx, "found", "name", n.Kind.ID, "stops", !n.Kind.Note, "what", n.String())
	}
	p.log.InfoContext(ctx, "looked at the account", "mode", f.Mode, "update", f.Update,
		"problems", len(report.Problems), "notes", len(report.Notes), "took", time.Since(begin).String())
	return report.Error()
}

// factsOf reads the properties of a request.
func factsOf(r preflightRequest) (preflight.Facts, error) {
	if modes := contract.Modes(); !slices.Contains(modes, r.Props.Mode) {
		return preflight.Facts{}, fmt.Errorf("property Mode is %q, not one of %s", r.Props.Mode, strings.Join(modes, ", "))
	}
	f := preflight.Facts{Mode: r.Props.Mode}
	answers := json.NewDecoder(bytes.NewReader([]byte(r.Props.Answers)))
	answers.DisallowUnknownFields()
	if err := answers.Decode(&f.Answers); err != nil {
		return f, fmt.Errorf("property Answers: %w", err)
	}
	var known bool
	if f.Place, known = preflight.PlaceOf(r.StackID); !known {
		return f, fmt.Errorf("the stack's ID %q is no ARN of a stack", r.StackID)
	}
	return f, nil
}
