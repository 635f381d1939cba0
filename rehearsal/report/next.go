package report

import (
	"errors"
	"regexp"
	"slices"

	"github.com/e6data/aws-quickstart/rehearsal"
)

// advice is what to do about an error with certain words.
type advice struct {
	words *regexp.Regexp
	text  string
	alone bool // what comes after would mislead
}

// advices are tried in order; $1 is what the words have in brackets.
var advices = []advice{
	{words: regexp.MustCompile(`there is probably no (s3://\S+):`), text: "Put the missing file at $1, or correct the version that was asked for.", alone: true},
	{words: regexp.MustCompile(`is not authorized to perform: (\S+)`), text: "Grant $1 to the role that the error names, or find out why it is asked for; the table of calls shows what else was denied."},
	{words: regexp.MustCompile(`cannot be assumed by (\w+)`), text: "Look at the role's trust policy: it does not let $1 assume it."},
	{words: regexp.MustCompile(`does not know this function's role|access entry`), text: "The function was run before, or without, its access to the cluster: give the release a DependsOn on the access entry."},
	{words: regexp.MustCompile(`context deadline exceeded|timed out waiting`), text: "A release did not become ready in time: the pods and warnings of the cluster say which pod, and why."},
	{words: regexp.MustCompile(`Parameter '(\w+)' has no Default`), text: "Give the parameter: --parameter $1=VALUE."},
	{words: regexp.MustCompile(`DependencyViolation`), text: "Something is deleted while another thing still uses it: give that other thing a DependsOn on it."},
	{words: regexp.MustCompile(`disk space|no space left`), text: "Free some disk space and run it again."},
}

// next says what to do after a red run.
func next(r *rehearsal.Result, err error) (steps []string) {
	add := func(text string) {
		if !slices.Contains(steps, text) {
			steps = append(steps, text)
		}
	}
	text := err.Error()
	for _, a := range advices {
		if m := a.words.FindStringSubmatchIndex(text); m != nil {
			add(string(a.words.ExpandString(nil, a.text, text, m)))
			if a.alone {
				break
			}
		}
	}
	if _, ok := errors.AsType[*rehearsal.LeftoverError](err); ok {
		add("Find who makes what is left: the template (a DeletionPolicy that keeps it), a function, or a controller on the cluster that had no time to clean up.")
	}
	if r.Order != "" && len(r.Steps) > 1 {
		add("Run it again with --order-seed " + r.Order + ": the order of creation is the same each time.")
	}
	if r.StateDir == "" && len(r.Steps) > 1 { // before the first step there is nothing to keep
		add("Run it again with --keep for all logs: aws.log, calls.jsonl, and one of each cluster.")
	}
	return steps
}
