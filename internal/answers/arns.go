package answers

import (
	"fmt"
	"strings"
)

// arn is an ARN taken apart; the template's patterns have seen to its form.
type arn struct{ partition, region, account string }

func parseARN(text string) arn {
	parts := append(strings.SplitN(text, ":", 6), make([]string, 6)...)
	return arn{partition: parts[1], region: parts[3], account: parts[4]}
}

// checkPartition refuses an ARN of another partition: accounts, keys and policies
// of one are unknown in the others
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html).
func checkPartition(s stack, name, value, what string) error {
	if p := parseARN(value).partition; p != s.at.Partition {
		return fmt.Errorf("%s %s is in the partition %s, and this stack is in %s, where it is unknown: enter the ARN of %s that begins with arn:%s: instead",
			name, value, p, s.at.Partition, what, s.at.Partition)
	}
	return nil
}

// checkKey refuses a KMS key that is not in the stack's region: a key is of one
// region and used there only, and a multi-Region key is a key in each
// (https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html).
// One of another account is fine.
func checkKey(s stack, value string) error {
	if err := checkPartition(s, "KmsKeyArn", value, "a key"); err != nil {
		return err
	}
	if r := parseARN(value).region; r != s.at.Region {
		return fmt.Errorf("KmsKeyArn %s is a key of %s, and this stack is in %s, whose buckets, disks and clusters can use keys of %[3]s only: "+
			"enter the ARN of a key in %[3]s, make a replica there if it is a multi-Region key, or leave it empty", value, r, s.at.Region)
	}
	return nil
}

// checkAdmin lets principals of other accounts in: an access entry of type
// STANDARD takes them
// (https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html).
func checkAdmin(s stack, value string) error {
	return checkPartition(s, "AdminPrincipalArn", value, "a role or user")
}

func checkClusterAdmin(s stack, value string) error {
	return checkPartition(s, "ClusterAdminRoleArn", value, "a role")
}

func checkControlPlane(s stack, value string) error {
	err := checkPartition(s, "ControlPlanePrincipalArn", value, "the principal")
	if err != nil {
		err = fmt.Errorf("%w; e6data tells which control plane serves this partition", err)
	}
	return err
}
