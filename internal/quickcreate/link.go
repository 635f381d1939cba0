package quickcreate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/e6data/aws-quickstart/internal/artifact"
)

// Launch is what a link fills in.
type Launch struct {
	Region   string // such as eu-west-1
	Version  string // such as 0.1.0
	Template string // its place in the version, such as templates/existing-vpc.yaml
	// Bucket holds the version; empty: the region's published bucket.
	Bucket string
	// StackName is empty for e6data-<workspace name>, or e6data-workspace: a
	// deployer's policy is for names that begin so.
	StackName string
	// Answers by the parameters' names; those left out keep their defaults, or
	// are asked for in the console.
	Answers map[string]string
}

// StackName is what CloudFormation takes as the name of a stack (API reference,
// CreateStack, StackName).
var StackName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,127}$`)

// Link is the quick-create link of a launch of the form's template. All that is
// wrong with the launch is told at once.
func (f Form) Link(l Launch) (string, error) {
	host, errHost := ConsoleHost(l.Region)
	answers := maps.Clone(l.Answers)
	if answers == nil {
		answers = map[string]string{}
	}
	bucket := l.Bucket
	if bucket == "" {
		bucket = artifact.Bucket(l.Region)
	} else {
		answers["ArtifactBucket"] = bucket // its own files come from there too
	}
	template, errTemplate := TemplateURL(l.Region, bucket, l.Version, l.Template)
	name := l.StackName
	if name == "" {
		name = "e6data-" + cmp.Or(answers["WorkspaceName"], "workspace")
	}
	var errName error
	if !StackName.MatchString(name) {
		errName = fmt.Errorf("stack name %q: a letter, then letters, digits and hyphens, 128 in all", name)
	}
	query, errAnswers := f.query(answers)
	if err := errors.Join(errHost, errTemplate, errName, errAnswers); err != nil {
		return "", err
	}
	return "https://" + host + "/cloudformation/home?region=" + l.Region + "#/stacks/create/review?templateURL=" + escape(template) +
		"&stackName=" + escape(name) + query, nil
}

// query is the answers as a link has them, in the order of the form. An answer
// that is the default is left out.
func (f Form) query(answers map[string]string) (string, error) {
	var problems []error
	var query strings.Builder
	known := map[string]bool{}
	for _, p := range f.Parameters() {
		known[p.Name] = true
		answer, given := answers[p.Name]
		switch {
		case !given || p.Default != nil && *p.Default == answer:
		case p.NoEcho:
			problems = append(problems, fmt.Errorf("%s (%s) is a secret: leave it out of the link, and enter it in the console", p.Name, p.Label))
		default:
			if err := p.Check(answer); err != nil {
				problems = append(problems, err)
				continue
			}
			query.WriteString("&param_" + p.Name + "=" + escape(answer))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(answers)) {
		if !known[name] {
			problems = append(problems, fmt.Errorf("the template has no parameter %s", name))
		}
	}
	return query.String(), errors.Join(problems...)
}

// escape is a text in a link's fragment. Browsers keep a plus there as it is.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

var regionText = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-\d+$`)

// Partition is that of a region that has a console at a public address: aws,
// aws-cn, aws-us-gov.
func Partition(region string) (string, error) {
	switch {
	case !regionText.MatchString(region):
		return "", fmt.Errorf("%q is not a region such as eu-west-1", region)
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn", nil
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov", nil
	case strings.Contains(region, "-iso"), strings.HasPrefix(region, "eusc-"):
		return "", fmt.Errorf("region %s has no console at a public address: create the stack from the template there", region)
	}
	return "aws", nil
}

// ConsoleHost is the host of a region's AWS console ("Getting Started with the
// AWS Management Console", and the same of AWS China and AWS GovCloud (US)).
func ConsoleHost(region string) (string, error) {
	partition, err := Partition(region)
	return map[string]string{"aws": "console.aws.amazon.com", "aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}[partition], err
}

// TemplateURL is the address of a version's file that CloudFormation reads, of
// the region's own S3 endpoint, with the bucket in the path: so bucket names
// with dots work too.
func TemplateURL(region, bucket, version, file string) (string, error) {
	endpoint, err := s3.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(), s3.EndpointParameters{
		Region: aws.String(region), Bucket: aws.String(bucket), ForcePathStyle: aws.Bool(true),
	})
	if err != nil {
		return "", fmt.Errorf("find S3's address of bucket %q in region %q: %w", bucket, region, err)
	}
	return endpoint.URI.JoinPath(version, file).String(), nil
}
