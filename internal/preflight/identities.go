package preflight

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

var (
	partitionMismatch = &Kind{
		ID:   "arn-of-another-partition",
		What: "the ARN is of another AWS partition than this region",
		Do:   "Give an ARN that begins with arn:{partition}:",
	}
	principalMissing = &Kind{
		ID:   "principal-missing",
		What: "the IAM role or user does not exist",
		Do:   "Correct {parameter}, path included: aws iam get-role or get-user shows the ARN",
	}
	boundaryMissing = &Kind{
		ID:   "permissions-boundary-missing",
		What: "the managed policy for the permissions boundary does not exist",
		Do:   "Correct PermissionsBoundaryArn, path included: aws iam list-policies shows the ARNs",
	}
	boundaryElsewhere = &Kind{
		ID:   "permissions-boundary-of-another-account",
		What: "the managed policy for the permissions boundary is in another account",
		Do:   "Give a policy of the account {account}, or one of AWS's own",
	}
)

// arns are the answers that are ARNs, by parameter.
func (f Facts) arns() []struct{ parameter, arn, before string } {
	a, b := f.Answers, f.Before
	return []struct{ parameter, arn, before string }{
		{"AdminPrincipalArn", a.AdminPrincipalArn, b.AdminPrincipalArn},
		{"ControlPlanePrincipalArn", a.ControlPlanePrincipalArn, b.ControlPlanePrincipalArn},
		{"PermissionsBoundaryArn", a.PermissionsBoundaryArn, b.PermissionsBoundaryArn},
		{"KmsKeyArn", a.KmsKeyArn, b.KmsKeyArn},
		{"ClusterAdminRoleArn", a.ClusterAdminRoleArn, b.ClusterAdminRoleArn},
	}
}

// asked tells whether an answer is to be looked at: in an update, if it changed.
func (f Facts) asked(now, before string) bool {
	return now != "" && (!f.Update || now != before)
}

func checkPartitions(f Facts) []Problem {
	var out []Problem
	for _, x := range f.arns() {
		if f.asked(x.arn, x.before) && !strings.HasPrefix(x.arn, "arn:"+f.Place.Partition+":") {
			out = append(out, Problem{
				Kind: partitionMismatch, On: x.parameter + " " + x.arn, Why: f.Place.Region + " is in the partition " + f.Place.Partition,
				Fill: []string{"partition", f.Place.Partition},
			})
		}
	}
	return out
}

// PrincipalsAsked are the ARNs of roles and users of this account that the
// answers name. IAM refuses to name one that does not exist as a principal, and
// so does EKS. Those of other accounts cannot be looked at from here.
func PrincipalsAsked(f Facts) []string {
	var out []string
	for _, x := range f.arns()[:2] {
		named := strings.Contains(x.arn, ":role/") || strings.Contains(x.arn, ":user/")
		if f.asked(x.arn, x.before) && named && accountOf(x.arn) == f.Place.Account {
			out = append(out, x.arn)
		}
	}
	return out
}

func checkPrincipals(f Facts) []Problem {
	var out []Problem
	for _, x := range f.arns()[:2] {
		if exists, known := f.Principals[x.arn]; known && !exists {
			out = append(out, Problem{
				Kind: principalMissing, On: x.parameter + " " + x.arn, Why: "IAM knows none of this ARN, and refuses policies and access entries that name it",
				Fill: []string{"parameter", x.parameter},
			})
		}
	}
	return out
}

func checkBoundary(f Facts) []Problem {
	boundary := f.Answers.PermissionsBoundaryArn
	if !f.asked(boundary, f.Before.PermissionsBoundaryArn) {
		return nil
	}
	on := "PermissionsBoundaryArn " + boundary
	if account := accountOf(boundary); account != "aws" && account != f.Place.Account {
		return []Problem{{Kind: boundaryElsewhere, On: on, Why: "IAM takes no boundary of another account", Fill: []string{"account", f.Place.Account}}}
	}
	if off(f.Boundary) {
		return []Problem{{Kind: boundaryMissing, On: on}}
	}
	return nil
}

// accountOf and regionOf are those in an ARN; empty where it has none.
func accountOf(text string) string { return parsed(text).AccountID }
func regionOf(text string) string  { return parsed(text).Region }

func parsed(text string) arn.ARN {
	a, err := arn.Parse(text)
	if err != nil {
		return arn.ARN{}
	}
	return a
}
