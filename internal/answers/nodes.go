package answers

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// graviton are instance families with arm64 processors: AWS writes a g behind
// the generation (https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html);
// a1 is older than that. charts/nodepool/templates/_families.tpl has the same.
var graviton = regexp.MustCompile(`^(a1$|[a-z]+[0-9]+g)`)

// checkFamilies refuses a family that would never be taken. The chart of the node
// pool does too, when the cluster is there.
func checkFamilies(s stack, value string) error {
	allowed := split(s.given["NodeArchitectures"])
	if len(allowed) == 0 {
		return nil
	}
	var problems []error
	for _, family := range split(value) {
		architecture := "amd64"
		if graviton.MatchString(family) {
			architecture = "arm64"
		}
		if !slices.Contains(allowed, architecture) {
			problems = append(problems, fmt.Errorf("NodeInstanceFamilies has %s, whose processors are %s, and NodeArchitectures is %s: "+
				"take the family out, or set NodeArchitectures to arm64,amd64", family, architecture, strings.Join(allowed, ",")))
		}
	}
	return errors.Join(problems...)
}

// Limits of a tag
// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html).
const (
	longestTagKey   = 128
	longestTagValue = 256
)

// ownTags are keys that e6data's own tags of nodes have.
var ownTags = []string{"app", "Name", "e6data-workspace-name"}

func checkTags(_ stack, value string) error {
	var problems []error
	seen := map[string]bool{}
	for tag := range strings.SplitSeq(value, ",") {
		key, text, _ := strings.Cut(tag, "=")
		why := ""
		switch {
		case slices.Contains(ownTags, key):
			why = "that tag is e6data's own: choose another key"
		case seen[key]:
			why = "that key is there twice: a thing has one tag of a key"
		case len(key) > longestTagKey:
			why = fmt.Sprintf("its key has %d characters: shorten it to %d", len(key), longestTagKey)
		case len(text) > longestTagValue:
			why = fmt.Sprintf("its value has %d characters: shorten it to %d", len(text), longestTagValue)
		}
		seen[key] = true
		if why != "" {
			problems = append(problems, fmt.Errorf("NodeTags has %.60s, and %s", tag, why))
		}
	}
	return errors.Join(problems...)
}

// checkWarmTargets refuses a setting that is there twice: they become variables
// of one container.
func checkWarmTargets(_ stack, value string) error {
	var problems []error
	seen := map[string]bool{}
	for _, setting := range split(value) {
		name, _, _ := strings.Cut(setting, "=")
		if seen[name] {
			problems = append(problems, fmt.Errorf("VpcCniWarmTargets has %s twice: enter each name once, with one number", name))
		}
		seen[name] = true
	}
	return errors.Join(problems...)
}
