package release

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// Labels of ours on Helm's release records, and on namespaces that we made.
// Helm refuses the bare keys name, owner, status, version, createdAt and
// modifiedAt, so all of ours have a prefix.
const (
	labelStack     = "quickstart.e6data.com/stack-uuid"
	labelStackName = "quickstart.e6data.com/stack-name"
	labelResource  = "quickstart.e6data.com/logical-id"
	labelDigest    = "quickstart.e6data.com/chart-digest"
	// labelTakenFrom stands on a revision with which a release changed hands.
	// Its value is the previous owner's logical ID, or outsider.
	labelTakenFrom = "quickstart.e6data.com/taken-from"

	outsider = "another-installer"
	// dropLabel is how Helm is told to leave out a label of the previous revision.
	dropLabel = "null"
)

// Owner is the resource of a CloudFormation stack that a release belongs to.
// Its fields are label values.
type Owner struct {
	Stack     string // the UUID that ends the stack's ID
	StackName string
	Resource  string // the logical ID
}

// OwnerOf names the owner for a stack's ID (an ARN,
// arn:PARTITION:cloudformation:REGION:ACCOUNT:stack/NAME/UUID) and a logical ID.
func OwnerOf(stackID, logicalID string) Owner {
	o := Owner{Stack: labelValue(stackID), Resource: labelValue(logicalID)}
	parsed, err := arn.Parse(stackID)
	if err != nil {
		return o
	}
	if parts := strings.Split(parsed.Resource, "/"); len(parts) == 3 && parts[0] == "stack" {
		o.StackName, o.Stack = labelValue(parts[1]), labelValue(parts[2])
	}
	return o
}

func ownerFrom(labels map[string]string) Owner {
	return Owner{Stack: labels[labelStack], StackName: labels[labelStackName], Resource: labels[labelResource]}
}

// same tells whether two owners are one; the stack's name is for people only.
func (o Owner) same(other Owner) bool {
	return o.Stack != "" && o.Stack == other.Stack && o.Resource == other.Resource
}

func (o Owner) sameStack(other Owner) bool { return o.Stack != "" && o.Stack == other.Stack }

func (o Owner) String() string {
	switch {
	case o.Stack == "":
		return "no quickstart stack (Helm, Terraform or another installer made it)"
	case o.StackName == "":
		return "resource " + o.Resource + " of stack " + o.Stack
	}
	return "resource " + o.Resource + " of stack " + o.StackName
}

// labels are put on each new revision. digest is the chart's; previous is the
// owner of the revision before, nil if there is none.
func (o Owner) labels(digest string, previous *Owner) map[string]string {
	l := map[string]string{
		labelStack:     o.Stack,
		labelStackName: o.StackName,
		labelResource:  o.Resource,
		labelDigest:    shortDigest(digest),
	}
	if previous == nil {
		if o.StackName == "" {
			delete(l, labelStackName)
		}
		return l
	}
	if o.StackName == "" {
		l[labelStackName] = dropLabel
	}
	switch {
	case o.same(*previous):
		// A change by the new owner makes the release its own.
		l[labelTakenFrom] = dropLabel
	case o.sameStack(*previous):
		l[labelTakenFrom] = previous.Resource
	default:
		l[labelTakenFrom] = outsider
	}
	return l
}

// shortDigest cuts a SHA-256 to what fits a label: 160 bits.
func shortDigest(digest string) string { return digest[:min(len(digest), 40)] }

var validLabel = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$`)

// labelValue is text as a Kubernetes label value: the text itself if it is one,
// its hash otherwise.
func labelValue(text string) string {
	if text == "" || len(text) <= 63 && text != dropLabel && validLabel.MatchString(text) {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + hex.EncodeToString(sum[:])[:40]
}
