package deployerpolicy

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/e6data/aws-quickstart/internal/artifact"
)

// The partitions that AWS has regions in for the public.
var partitions = []string{"aws", "aws-cn", "aws-us-gov"}

// Settings limit the policies to what an account calls its own. A zero Settings
// is the one of the committed files. For policies within a template a value may
// be, or end in, one of its placeholders, such as ${AWS::AccountId}.
type Settings struct {
	// Partition is aws, aws-cn or aws-us-gov; empty: aws.
	Partition string
	// Account has 12 digits; empty: whichever the policy is attached in.
	// Region is one region; empty: all.
	Account, Region string
	// StackNamePrefix begins the names of stacks, and so of all that
	// CloudFormation names; ClusterNamePrefix those of clusters. Empty: e6data-.
	StackNamePrefix, ClusterNamePrefix string
	// RolePath is the template's parameter of that name; empty: /.
	RolePath string
	// PermissionsBoundary is the ARN of the policy without which no role may be
	// made: the parameter PermissionsBoundaryArn. Empty: none is asked for.
	PermissionsBoundary string
	// ArtifactBucket holds the version; empty: the published ones.
	ArtifactBucket string
	// VpcID is the VPC of mode existing-vpc; empty: any of the account.
	VpcID string
	// KmsKeyArn is the parameter of that name; empty: no key may be used.
	KmsKeyArn string
	// KarpenterControllerRole is the parameter KarpenterControllerRoleName of
	// mode existing-eks, after its path if it has one; empty: no such role may
	// be changed.
	KarpenterControllerRole string
}

const anything = "*"

// placeholder is a value that only the template's launch tells.
var placeholder = regexp.MustCompile(`^[a-z0-9-]*\$\{[A-Za-z:]+\}$`)

func (s Settings) withDefaults() Settings {
	s.Partition = cmp.Or(s.Partition, "aws")
	s.Account, s.Region = cmp.Or(s.Account, anything), cmp.Or(s.Region, anything)
	s.StackNamePrefix = cmp.Or(s.StackNamePrefix, "e6data-")
	s.ClusterNamePrefix = cmp.Or(s.ClusterNamePrefix, "e6data-")
	s.RolePath = cmp.Or(s.RolePath, "/")
	s.ArtifactBucket = cmp.Or(s.ArtifactBucket, artifact.Bucket(s.Region))
	s.VpcID = cmp.Or(s.VpcID, anything)
	return s
}

// check names everything that is wrong at once.
func (s Settings) check() error {
	var problems []error
	if !slices.Contains(partitions, s.Partition) && !placeholder.MatchString(s.Partition) {
		problems = append(problems, fmt.Errorf("partition %q: want one of %s", s.Partition, strings.Join(partitions, ", ")))
	}
	for _, c := range []struct{ name, value, pattern, want string }{
		{"account", s.Account, `\*|\d{12}`, "12 digits"},
		{"region", s.Region, `\*|[a-z]{2}(-[a-z]+)+-\d`, "a region such as eu-central-1"},
		{"stack name prefix", s.StackNamePrefix, `[A-Za-z][A-Za-z0-9-]{2,}`, "at least 3 letters, digits and hyphens, a letter first"},
		{"cluster name prefix", s.ClusterNamePrefix, `[A-Za-z0-9][A-Za-z0-9_-]{2,}`, "at least 3 letters, digits, hyphens and underscores, a letter or digit first"},
		{"role path", s.RolePath, `/([A-Za-z0-9_+=,.@-]+/)*`, "a path that begins and ends with /"},
		{"permissions boundary", s.PermissionsBoundary, `|arn:aws[a-z-]*:iam::(\d{12}|aws):policy/[A-Za-z0-9_+=,.@/-]+`, "the ARN of a policy"},
		{"artefact bucket", s.ArtifactBucket, `[a-z0-9][a-z0-9.-]{1,61}[a-z0-9*]`, "the name of a bucket"},
		{"VPC", s.VpcID, `\*|vpc-[0-9a-f]+`, "an ID such as vpc-0a1b2c3d4e5f67890"},
		{"KMS key", s.KmsKeyArn, `|arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+`, "the ARN of a key"},
		{"Karpenter controller role", s.KarpenterControllerRole, `|([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,64}`, "the name of a role, after its path if it has one, without a / in front"},
	} {
		if !placeholder.MatchString(c.value) && !regexp.MustCompile(`^(?:`+c.pattern+`)$`).MatchString(c.value) {
			problems = append(problems, fmt.Errorf("%s %q: want %s", c.name, c.value, c.want))
		}
	}
	return errors.Join(problems...)
}

// arn is the ARN of a resource in the account and the region.
func (s Settings) arn(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", s.Partition, service, s.Region, s.Account, resource)
}

// iam is the ARN of a resource of IAM's, which belongs to no region.
func (s Settings) iam(resource string) string {
	return fmt.Sprintf("arn:%s:iam::%s:%s", s.Partition, s.Account, resource)
}
