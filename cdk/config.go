package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/e6data/aws-quickstart/cdk/stack"
)

// contextRegions is the context key in cdk.json with the list of regions in
// which the artefacts are published.
const contextRegions = "e6data:publishedRegions"

// contextMode is the context key with the mode that the CDK CLI deploys, such as
// cdk deploy --context e6data:mode=existing-vpc.
const contextMode = "e6data:mode"

var (
	versionText = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)
	regionText  = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-\d$`)
)

// readConfig reads all that the templates take from outside, once: the file
// VERSION, the context of cdk.json, and over it the context that the CDK CLI
// hands on as JSON (empty without the CLI). All problems are reported
// together.
func readConfig(readFile func(string) ([]byte, error), cliContext string) (stack.Config, error) {
	version, errVersion := readVersion(readFile)
	context, errContext := readContext(readFile, cliContext)
	var regions []string
	var errRegions error
	if errContext == nil {
		regions, errRegions = publishedRegions(context)
	}
	mode, errMode := deployedMode(context)
	if err := errors.Join(errVersion, errContext, errRegions, errMode); err != nil {
		return stack.Config{}, err
	}
	return stack.Config{Version: version, Regions: regions, Mode: mode}, nil
}

// deployedMode is the mode that the CDK CLI deploys; the first one if none is
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
