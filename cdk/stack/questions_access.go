package stack

func accessQuestions() []parameter {
	return []parameter{
		{
			Name: "ControlPlanePrincipalArn", Label: "e6data's control plane", Default: "",
			Description: "ARN of the principal of e6data's control plane that may assume the cross-account role. Leave empty for e6data's production account.",
			Pattern:     `^$|^` + patternPrincipal + `(root|(role|user)/[A-Za-z0-9+=,.@_/-]+)$`,
			Constraint:  "The ARN of an IAM role, a user or an account's root.",
		},
		{
			Name: "ExternalId", Label: "External ID", Default: "",
			Description: "External ID that the control plane must show when it assumes the cross-account role. Leave empty for one that is unique to this stack. Set it to rotate it.",
			Pattern:     `^$|^[A-Za-z0-9_+=,.@:/-]{2,}$`,
			MaxLength:   1224,
			Constraint:  "2 to 1224 letters, digits and the characters _+=,.@:/-",
		},
		{
			Name: "PermissionsBoundaryArn", Label: "Permissions boundary", Default: "",
			Description: "ARN of a managed policy to set as permissions boundary on every role of this stack. Leave empty for none.",
			Pattern:     `^$|^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9+=,.@_/-]+$`,
			Constraint:  "The ARN of an IAM managed policy.",
		},
		{
			Name: "RolePath", Label: "Path of the roles", Default: "/",
			Description: "IAM path of every role of this stack.",
			Pattern:     `^/([A-Za-z0-9+=,.@_-]+/)*$`,
			MaxLength:   512,
			Constraint:  "A path that begins and ends with a slash, such as /e6data/, of 512 characters at most.",
		},
		{
			Name: "KmsKeyArn", Label: "KMS key", Default: "",
			Description: "ARN of a symmetric KMS key of your own, in this region, that encrypts the workspace bucket, the cluster's secrets and the nodes' disks. " +
				"Its key policy must let EC2 Auto Scaling's service-linked role use it; the documentation has the policy. " +
				"Leave empty for keys that AWS manages. It cannot be changed later: a cluster keeps the key of its secrets for good, or has none.",
			Pattern:    `^$|^arn:aws[a-z-]*:kms:[a-z]{2,}(-[a-z]+)+-[0-9]+:[0-9]{12}:key/(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$`,
			Constraint: "The ARN of a KMS key (not of an alias), such as arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab.",
		},
	}
}
