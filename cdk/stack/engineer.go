package stack

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3assets"

	"github.com/e6data/aws-quickstart/internal/artifact"
	"github.com/e6data/aws-quickstart/internal/quickcreate"
)

// Engineer is the flavour for the CDK's command: functions and nested templates
// are assets, built from this tree and published to the bucket of a bootstrapped
// account. No version needs to be published.
type Engineer struct {
	// StackName is the name of the stack in CloudFormation; "" means the ID in
	// the app.
	StackName string
	// Answers are the defaults that parameters get, by the parameters' names, as
	// CloudFormation takes them: lists are comma-separated.
	Answers map[string]string
	// Architecture is what the functions are built for.
	Architecture artifact.Architecture
	// Assets is the folder with the functions' zips and, by its base name,
	// the network's template.
	Assets string
}

// ArchitectureQuestion is the parameter with the functions' architecture.
const ArchitectureQuestion = "FunctionArchitecture"

// ofReleases are the parameters that say where a release's files lie.
var ofReleases = []string{"Version", "ArtifactBucket"}

// asked are the questions of a flavour: an engineer's have the given answers as
// defaults, and none is about releases.
func (c Config) asked(groups []parameterGroup) []parameterGroup {
	if c.Engineer == nil {
		return groups
	}
	for i, g := range groups {
		groups[i].Parameters = slices.DeleteFunc(g.Parameters, func(p parameter) bool { return slices.Contains(ofReleases, p.Name) })
		for j := range groups[i].Parameters {
			p := &groups[i].Parameters[j]
			if answer, given := c.Engineer.Answers[p.Name]; given {
				p.Default = answer
			}
			if p.Name == ArchitectureQuestion {
				built := string(c.Engineer.Architecture)
				p.Default, p.Values = built, []string{built}
			}
		}
	}
	return groups
}

// CheckAnswers says what is wrong with an engineer's answers for a mode, all of it:
// names that are no parameters, and what CloudFormation would refuse.
func CheckAnswers(m Mode, given map[string]string) error {
	known := map[string]parameter{}
	for _, g := range questions(Config{}, m) {
		for _, p := range g.Parameters {
			known[p.Name] = p
		}
	}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(given)) {
		p, there := known[name]
		switch {
		case slices.Contains(ofReleases, name):
			problems = append(problems, fmt.Errorf("%s is for published versions: cdk deploy takes functions and templates from this tree", name))
			continue
		case !there:
			problems = append(problems, fmt.Errorf("%s is no parameter of mode %s: docs/parameters.md lists them", name, m))
			continue
		}
		problems = append(problems, p.check(given[name]))
	}
	return errors.Join(problems...)
}

// check says what CloudFormation would refuse an answer for.
func (p parameter) check(answer string) error {
	limit := func(n int) *float64 {
		if n == 0 {
			return nil
		}
		return number(n)
	}
	return quickcreate.Parameter{
		Name: p.Name, Label: p.Label, Type: p.Type, Values: p.Values, Pattern: p.Pattern, Constraint: p.constraint(),
		MaxLength: p.MaxLength, Min: limit(p.Min), Max: limit(p.Max),
	}.Check(answer)
}

// code is where a function's zip lies.
func (c Config) code(s awscdk.Stack, function string) *awslambda.CfnFunction_CodeProperty {
	if c.Engineer == nil {
		return &awslambda.CfnFunction_CodeProperty{
			S3Bucket: artifactBucket(),
			S3Key:    sub("${Version}/" + artifact.ZipName(function, "${FunctionArchitecture}")),
		}
	}
	at := c.Engineer.asset(s, artifact.ZipName(function, c.Engineer.Architecture))
	return &awslambda.CfnFunction_CodeProperty{S3Bucket: at.S3BucketName(), S3Key: at.S3ObjectKey()}
}

// nestedTemplate is the address of a nested template, by its file.
func (c Config) nestedTemplate(s awscdk.Stack, file string) *string {
	if c.Engineer == nil {
		return templateURL(file)
	}
	return c.Engineer.asset(s, filepath.Base(file)).HttpUrl()
}

// codeHash is another one whenever the code of a function is.
func (e *Engineer) codeHash(s awscdk.Stack) *string {
	sum := sha256.New()
	for _, function := range artifact.Functions {
		sum.Write([]byte(*e.asset(s, artifact.ZipName(function, e.Architecture)).AssetHash()))
	}
	return text(hex.EncodeToString(sum.Sum(nil)))
}

// asset has the CDK's command publish a file. Its name there follows from its
// content, so an unchanged tree changes nothing.
func (e *Engineer) asset(s awscdk.Stack, name string) awss3assets.Asset {
	id := text("Asset-" + name)
	if there, ok := s.Node().TryFindChild(id).(awss3assets.Asset); ok {
		return there
	}
	return awss3assets.NewAsset(s, id, &awss3assets.AssetProps{Path: text(filepath.Join(e.Assets, name)), DisplayName: text(name)})
}
