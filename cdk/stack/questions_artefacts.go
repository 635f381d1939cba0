package stack

func artefactQuestions(cfg Config) []parameter {
	return []parameter{
		{
			Name: "WorkspaceChartVersion", Label: "Workspace chart version", Default: workspaceChartVersion,
			Description: "Version of e6data's workspace Helm chart.",
			Pattern:     `^` + patternSemVer + `$`,
			Constraint:  "A version such as " + workspaceChartVersion + ".",
		},
		{
			Name: "KarpenterVersion", Label: "Karpenter version", Default: karpenterVersion, Values: []string{karpenterVersion},
			Description: "Version of Karpenter, which starts and ends the query engine's nodes. Chart and IAM rights belong together, so each version of this quickstart offers the one it was tested with.",
		},
		{
			Name: "LoadBalancerControllerVersion", Label: "AWS Load Balancer Controller version", Default: loadBalancerVersion, Values: []string{loadBalancerVersion},
			Description: "Version of the AWS Load Balancer Controller, which makes the workspace's load balancers. Chart and IAM rights belong together, so each version of this quickstart offers the one it was tested with.",
		},
		{
			Name: "LoadBalancerControllerNamespace", Label: "AWS Load Balancer Controller namespace", Default: "kube-system",
			Description: "Namespace of the AWS Load Balancer Controller on the cluster. It is made if it does not exist. It cannot be changed later.",
			Pattern:     `^` + patternDNSLabel + `$`,
			Constraint:  "1 to 63 lower-case letters, digits and hyphens; no hyphen at either end.",
		},
		{
			Name: "KarpenterNamespace", Label: "Karpenter's namespace", Default: "kube-system",
			Description: "Kubernetes namespace of Karpenter. It is made if it does not exist. It cannot be changed later.",
			Pattern:     `^` + patternDNSLabel + `$`,
			Constraint:  "1 to 63 lower-case letters, digits and hyphens; no hyphen at either end.",
		},
		{
			Name: "ChartSource", Label: "Where the Helm charts are", Default: wordPublic,
			Description: "Public: the charts' public repositories. Else a copy of them: s3://bucket/prefix with files named chart-version.tgz, or oci://registry/path " +
				"of a registry that anybody may read.",
			Pattern:    `^(` + wordPublic + `|s3://` + patternBucket + patternPath + `|oci://` + patternRegistry + patternPath + `)$`,
			Constraint: "Public, s3://bucket/prefix or oci://registry/path, without a slash at the end.",
		},
		{
			Name: "ImageRegistry", Label: "Where the container images are", Default: "",
			Description: "Registry, with an optional path, that has copies of the controllers' images under their own paths, such as " +
				"111122223333.dkr.ecr.us-east-1.amazonaws.com/mirror with karpenter/controller below it. Leave empty for the public registries.",
			Pattern:    `^$|^` + patternRegistry + patternImagePath + `$`,
			Constraint: "A registry's host name, perhaps with a port and a path in lower case, without https:// and without a slash at the end.",
		},
		{
			Name: "HttpsProxy", Label: "Proxy", Default: "",
			Description: "Address of the proxy through which the functions in the VPC, Karpenter and the nodes reach AWS and the registries, such as http://proxy.example.com:3128. " +
				"It must reach all AWS APIs and take no password. Leave empty for none.",
			Pattern:    `^$|^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?:` + patternPort + `$`,
			MaxLength:  300,
			Constraint: "http:// or https://, a host name or address, and a port. User names and passwords cannot be given: parameters are no place for secrets.",
		},
		{
			Name: "NoProxy", Label: "Reached without the proxy", Default: "",
			Description: "Hosts, domains and address blocks that are reached without the proxy, comma-separated. Private addresses, the cluster and instance metadata always are. " +
				"Add s3.<region>.amazonaws.com if your VPC has an endpoint for Amazon S3.",
			Pattern: `^$|^[A-Za-z0-9._:/-]+(,[A-Za-z0-9._:/-]+)*$`,
			// All variables of a function together have 4 KB
			// (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
			MaxLength:  2000,
			Constraint: "Host names, domains and address blocks, comma-separated, without spaces, 2000 characters at most.",
		},
		{
			Name: "Version", Label: "Version of this quickstart", Default: cfg.Version, Values: []string{cfg.Version},
			Description: "Version of this quickstart whose functions and nested template are used: the template's own. An update to another version's template changes it to that one.",
			Constraint:  "This template is of version " + cfg.Version + ", and needs the functions of that version: choose " + cfg.Version + ".",
		},
		{
			Name: "ArtifactBucket", Label: "Bucket with this quickstart's files", Default: "",
			Description: "Bucket, in this region, with a copy of this quickstart's files under <version>/. For accounts without internet access. Leave empty for e6data's own.",
			Pattern:     `^$|^` + patternBucket + `$`,
			Constraint:  "The name of an S3 bucket.",
		},
		{
			Name: "FunctionArchitecture", Label: "Architecture of the functions", Default: "arm64", Values: []string{"arm64", "x86_64"},
			Description: "Processor architecture of this stack's Lambda functions. arm64 is cheaper; x86_64 is for regions without it.",
		},
		{
			Name: "ConsoleHost", Label: "e6data console", Default: consoleHost,
			Description: "Host name of the e6data console, for the link in the outputs of the stack.",
			Pattern:     `^(` + patternDNSLabel + `\.)+[a-z]{2,63}$`,
			Constraint:  "A host name such as " + consoleHost + ".",
		},
		{
			Name: "CallbackUrl", Label: "Address that is told the results", Default: "",
			Description: "Address to which the finished workspace's description is posted, the external ID with it, and a proof that it comes from this account. " +
				"Leave empty to post nothing, and paste the output WorkspaceConfig into the console instead.",
			Pattern:    `^$|^https://(` + patternDNSLabel + `\.)+[a-z]{2,63}(:` + patternPort + `)?(/[A-Za-z0-9._~-]+)*/?$`,
			MaxLength:  1000,
			Constraint: "An https address with a host name, without user, query and fragment, such as https://hooks.example.com/workspaces.",
		},
	}
}
