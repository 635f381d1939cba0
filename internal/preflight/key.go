package preflight

import "slices"

var (
	keyMissing = &Kind{
		ID:   "kms-key-missing",
		What: "the KMS key does not exist",
		Do:   "Correct KmsKeyArn: aws kms list-keys shows the ARNs",
	}
	keyElsewhere = &Kind{
		ID:   "kms-key-of-another-region",
		What: "the KMS key is in another region",
		Do:   "Give a key of {region}; a replica there of a multi-Region key will do",
	}
	keyNotEnabled = &Kind{
		ID:   "kms-key-not-enabled",
		What: "the KMS key cannot be used",
		Do:   "Enable it (aws kms enable-key --key-id {key}), or give another key",
	}
	keyWrongKind = &Kind{
		ID:   "kms-key-of-the-wrong-kind",
		What: "the KMS key is not a symmetric encryption key of the customer's own",
		Do:   "Give a key that you made with the key spec SYMMETRIC_DEFAULT and the usage ENCRYPT_DECRYPT",
	}
	keyPolicyClosed = &Kind{
		ID:   "kms-key-policy",
		What: "the policy of the KMS key does not let EC2 Auto Scaling use it, so no node of the managed node group would start",
		Do: "Add the two statements for {role} from docs/kms-key-policy.md to the key's policy. Where the role does not exist yet, make it first: " +
			"aws iam create-service-linked-role --aws-service-name autoscaling.amazonaws.com",
	}
	keyPolicyUnread = &Kind{
		ID:   "kms-key-policy-unread",
		What: "it is not known whether the KMS key's policy lets EC2 Auto Scaling use it",
		Do:   "Compare it with docs/kms-key-policy.md: without those statements no node starts",
		Note: true,
	}
)

// checkKey looks at the customer's key. It is fixed when the stack is made.
func checkKey(f Facts) []Problem {
	arn := f.Answers.KmsKeyArn
	if f.Update || arn == "" {
		return nil
	}
	on := "KmsKeyArn " + arn
	if region := regionOf(arn); region != f.Place.Region {
		return []Problem{{Kind: keyElsewhere, On: on, Why: "it is in " + region, Fill: []string{"region", f.Place.Region}}}
	}
	k := f.Key
	switch {
	case k == nil:
		return nil
	case !k.Found:
		return []Problem{{Kind: keyMissing, On: on, Why: "KMS knows none of this ARN"}}
	case k.Manager == "AWS" || k.Usage != "ENCRYPT_DECRYPT" || k.Spec != "SYMMETRIC_DEFAULT":
		return []Problem{{Kind: keyWrongKind, On: on, Why: "it is of " + k.Manager + ", " + k.Spec + " for " + k.Usage}}
	case k.State != "Enabled":
		return []Problem{{Kind: keyNotEnabled, On: on, Why: "it is " + k.State, Fill: []string{"key", arn}}}
	}
	return nil
}

// checkKeyPolicy looks whether the service-linked role that launches the managed
// node group's instances may use the key: by the key's policy or by a grant
// (https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html).
func checkKeyPolicy(f Facts) []Problem {
	k := f.Key
	if f.Update || k == nil || !k.Found || f.Answers.NodeGroupInstanceType == "" {
		return nil
	}
	role := "arn:" + f.Place.Partition + ":iam::" + f.Place.Account + ":role/" + linkedRolePath(autoScaling)
	if slices.Contains(k.Grantees, role) {
		return nil
	}
	on := "KmsKeyArn " + f.Answers.KmsKeyArn
	p, err := readPolicy(k.Policy)
	switch {
	case k.Policy == "" || err != nil || !k.GrantsRead:
		return []Problem{{Kind: keyPolicyUnread, On: on}}
	case p.admitsByName(role, "kms:CreateGrant") && p.admitsByName(role, "kms:GenerateDataKeyWithoutPlaintext"):
		return nil
	}
	return []Problem{{
		Kind: keyPolicyClosed, On: on, Why: "it names " + first(3, p.principals()) + ", and no grant is for that role either", Fill: []string{"role", role},
	}}
}
