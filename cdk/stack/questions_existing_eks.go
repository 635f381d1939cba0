package stack

import "slices"

// existingEKSQuestions are the parameters of the template for existing clusters:
// those of the others that mean the same, and what is asked about the cluster.
func existingEKSQuestions(cfg Config) []parameterGroup {
	return []parameterGroup{
		{"Workspace", workspaceQuestions()},
		{"Your EKS cluster", theirClusterQuestions()},
		{"Nodes of the query engine", nodeQuestions()},
		{"Access for e6data and for you", theirAccessQuestions()},
		{"Charts and artefacts", artefactQuestions(cfg)},
	}
}

func theirClusterQuestions() []parameter {
	private := named(existingVPCQuestions(), "PrivateSubnetIds")
	private.Label = "Subnets"
	private.Description = "Private subnets of the cluster's VPC for this stack's functions and the query engine's nodes, comma-separated. " +
		"They need a way out to the internet, or endpoints in its place. Leave empty for those subnets of the cluster that have one."
	return []parameter{
		{
			Name: "ExistingClusterName", Label: "Name of the cluster",
			Description: "Name of your EKS cluster, in this account and region. It cannot be changed later.",
			Pattern:     `^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$`,
			Constraint:  "The name of an EKS cluster: up to 100 letters, digits, hyphens and underscores.",
		},
		private,
		{
			Name: "KarpenterOnCluster", Label: "Karpenter", Default: wordExisting, Values: []string{wordExisting, wordInstall},
			Description: "Existing: your Karpenter, version 1.0 or later, starts the query engine's nodes, by a NodePool and an EC2NodeClass of their own. " +
				"Install: the cluster has none, and this stack installs it.",
		},
		{
			Name: "KarpenterControllerRoleName", Label: "Role of your Karpenter", Default: "",
			Description: "Name, without path, of the IAM role of your Karpenter. It gets one inline policy, which lets it use the role of the query engine's nodes, " +
				"and loses it with this stack. Leave empty to add the policy yourself: it is an output of the stack.",
			Pattern:    `^$|^[A-Za-z0-9+=,.@_-]{1,64}$`,
			Constraint: "The name of an IAM role, not its ARN, without its path: up to 64 letters, digits and the characters +=,.@_-",
		},
		{
			Name: "LoadBalancerControllerOnCluster", Label: "AWS Load Balancer Controller", Default: wordExisting, Values: []string{wordExisting, wordInstall},
			Description: "Existing: your AWS Load Balancer Controller, version 2.4 or later, makes the workspace's load balancers. " +
				"Install: the cluster has none, and this stack installs it.",
		},
		{
			Name: "ClusterAdminRoleArn", Label: "A role that is administrator of the cluster", Default: "",
			Description: "Only for clusters of the authentication mode CONFIG_MAP: ARN of an IAM role that aws-auth has as an administrator, and whose trust policy lets " +
				"the role e6data-<workspace name>-installer-<region> assume it. With it this stack adds its own roles to aws-auth. Leave empty if that role itself is in aws-auth.",
			Pattern:    `^$|^` + patternPrincipal + `role/[A-Za-z0-9+=,.@_/-]+$`,
			Constraint: "The ARN of an IAM role, such as arn:aws:iam::111122223333:role/Admin.",
		},
		{
			Name: "AllowAuthModeChange", Label: "Switch to access entries", Default: "No", Values: []string{"No", wordYes},
			Description: "Only for clusters of the authentication mode CONFIG_MAP: Yes lets this stack switch the cluster to API_AND_CONFIG_MAP if there is no other way in. " +
				"aws-auth goes on to count, but EKS cannot switch back.",
		},
	}
}

func theirAccessQuestions() []parameter {
	asked := accessQuestions()
	key := slices.IndexFunc(asked, func(p parameter) bool { return p.Name == "KmsKeyArn" })
	asked[key].Description = "ARN of a symmetric KMS key of your own, in this region, that encrypts the workspace bucket and the disks of the query engine's nodes. " +
		"Its key policy must let EC2's users in this account use it; the documentation has the policy. Leave empty for keys that AWS manages. It cannot be changed later."
	logs := named(clusterQuestions(), "LogRetentionDays")
	logs.Description = "How many days CloudWatch Logs keeps the logs of this stack's functions."
	return append(asked, named(clusterQuestions(), "AdminPrincipalArn"), logs)
}

// named is the question with this name.
func named(asked []parameter, name string) parameter {
	return asked[slices.IndexFunc(asked, func(p parameter) bool { return p.Name == name })]
}
