package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/e6data/aws-quickstart/cdk/stack"
	"github.com/e6data/aws-quickstart/internal/artifact"
	"github.com/e6data/aws-quickstart/internal/quickcreate"
)

// The context keys, in cdk.json or as cdk deploy --context KEY=VALUE. Every other
// key with contextPrefix is the name of a parameter, with an answer:
// e6data:WorkspaceName.
const (
	contextPrefix = "e6data:"
	// contextRegions is the list of regions in which the artefacts are published.
	contextRegions = contextPrefix + "publishedRegions"
	// contextMode is the mode that the CDK's command deploys.
	contextMode = contextPrefix + "mode"
	// contextStackName is the name of its stack in CloudFormation.
	contextStackName = contextPrefix + "stackName"
)

var (
	versionText = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)
	regionText  = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-\d$`)
)

// settings are all that the app takes from outside.
type settings struct {
	stack.Config // without a flavour
	// Mode and Engineer are for the CDK's command.
	Mode     stack.Mode
	Engineer stack.Engineer
}

// readConfig reads all that the templates take from outside, once: the file
// VERSION, the context of cdk.json, and over it the context that the CDK's command
// hands on as JSON (empty without it). All problems are reported together.
func readConfig(readFile func(string) ([]byte, error), cliContext string) (settings, error) {
	version, errVersion := readVersion(readFile)
	context, err := readContext(readFile, cliContext)
	if err != nil {
		return settings{}, errors.Join(errVersion, err)
	}
	regions, errRegions := publishedRegions(context)
	mode, errMode := deployedMode(context)
	name, errName := stackName(context)
	answers, errAnswers := contextAnswers(context)
	if errMode == nil {
		errAnswers = errors.Join(errAnswers, stack.CheckAnswers(mode, answers))
	}
	if err := errors.Join(errVersion, errRegions, errMode, errName, errAnswers); err != nil {
		return settings{}, err
	}
	architecture := artifact.ARM64
	if answer, given := answers[stack.ArchitectureQuestion]; given {
		architecture = artifact.Architecture(answer)
	}
	return settings{
		Config: stack.Config{Version: version, Regions: regions}, Mode: mode,
		Engineer: stack.Engineer{StackName: name, Answers: answers, Architecture: architecture},
	}, nil
}

// deployedMode is the mode that the CDK's command deploys; the first one if none is
// named.
func deployedMode(context map[string]json.RawMessage) (stack.Mode, error) {
	raw, ok := context[contextMode]
	if !ok {
		return stack.Modes[0], nil
	}
	var mode stack.Mode
	if err := json.Unmarshal(raw, &mode); err != nil || !slices.Contains(stack.Modes, mode) {
		return "", fmt.Errorf("context %s is %s: want one of %q", contextMode, raw, stack.Modes)
	}
	return mode, nil
}

func stackName(context map[string]json.RawMessage) (string, error) {
	raw, ok := context[contextStackName]
	if !ok {
		return "", nil
	}
	var name string
	if err := json.Unmarshal(raw, &name); err != nil || !quickcreate.StackName.MatchString(name) {
		return "", fmt.Errorf("context %s is %s: want letters, digits and hyphens, a letter first, 128 at most", contextStackName, raw)
	}
	return name, nil
}

// contextAnswers are the answers to parameters, as CloudFormation takes them.
func contextAnswers(context map[string]json.RawMessage) (map[string]string, error) {
	answers := map[string]string{}
	var problems []error
	for _, key := range slices.Sorted(maps.Keys(context)) {
		name, ours := strings.CutPrefix(key, contextPrefix)
		if !ours || key == contextRegions || key == contextMode || key == contextStackName {
			continue
		}
		answer, err := answerText(context[key])
		if err != nil {
			problems = append(problems, fmt.Errorf("context %s: %w", key, err))
			continue
		}
		answers[name] = answer
	}
	return answers, errors.Join(problems...)
}

// answerText reads a text, a number, or a list of texts.
func answerText(raw json.RawMessage) (string, error) {
	var (
		one  string
		list []string
		n    json.Number
	)
	switch {
	case json.Unmarshal(raw, &one) == nil:
		return one, nil
	case json.Unmarshal(raw, &n) == nil:
		return n.String(), nil
	case json.Unmarshal(raw, &list) == nil:
		return strings.Join(list, ","), nil
	}
	return "", fmt.Errorf("%s is neither a text, nor a number, nor a list of texts", raw)
}

func readVersion(readFile func(string) ([]byte, error)) (string, error) {
	raw, err := readFile("VERSION")
	if err != nil {
		return "", fmt.Errorf("read the version (run this in the root of the repository): %w", err)
	}
	version := strings.TrimSpace(string(raw))
	if !versionText.MatchString(version) {
		return "", fmt.Errorf("file VERSION holds %q: not a version such as 1.2.3", version)
	}
	return version, nil
}

func readContext(readFile func(string) ([]byte, error), cliContext string) (map[string]json.RawMessage, error) {
	raw, err := readFile("cdk.json")
	if err != nil {
		return nil, fmt.Errorf("read the context (run this in the root of the repository): %w", err)
	}
	var file struct {
		Context map[string]json.RawMessage `json:"context"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, fmt.Errorf("read cdk.json: %w", err)
	}
	if file.Context == nil {
		file.Context = map[string]json.RawMessage{}
	}
	if cliContext != "" {
		if err := json.Unmarshal([]byte(cliContext), &file.Context); err != nil {
			return nil, fmt.Errorf("read the CDK CLI's context: %w", err)
		}
	}
	return file.Context, nil
}

func publishedRegions(context map[string]json.RawMessage) ([]string, error) {
	raw, ok := context[contextRegions]
	if !ok {
		return nil, fmt.Errorf("context %s is missing: give the regions in which the artefacts are published", contextRegions)
	}
	var regions []string
	if err := json.Unmarshal(raw, &regions); err != nil {
		return nil, fmt.Errorf("context %s must be a list of regions: %w", contextRegions, err)
	}
	if len(regions) == 0 {
		return nil, fmt.Errorf("context %s is empty: nobody could launch the template", contextRegions)
	}
	var problems []error
	for _, r := range regions {
		if !regionText.MatchString(r) {
			problems = append(problems, fmt.Errorf("context %s: %q is not a region", contextRegions, r))
		}
	}
	slices.Sort(regions)
	return slices.Compact(regions), errors.Join(problems...)
}
