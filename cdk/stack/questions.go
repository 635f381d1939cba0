package stack

// Patterns that several parameters share. They stay within what RE2, Java and
// Python understand alike: no look-ahead.
const (
	patternBucket    = `[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]`
	patternDNSLabel  = `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`
	patternOctet     = `(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])`
	patternSemVer    = `[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?`
	patternPath      = `(/[A-Za-z0-9._-]+)*`
	patternPort      = `([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])`
	patternRegistry  = `[A-Za-z0-9][A-Za-z0-9.-]*(:` + patternPort + `)?`
	patternImagePath = `(/[a-z0-9]+([._-]+[a-z0-9]+)*)*`
	patternPrincipal = `arn:aws[a-z-]*:iam::[0-9]{12}:`
)

// questions are the parameters of a mode's template. Only the first two, and the
// existing VPC or cluster, have no default.
func questions(cfg Config, m Mode) []parameterGroup {
	if m == ExistingEKS {
		return existingEKSQuestions(cfg)
	}
	return []parameterGroup{
		{"Workspace", workspaceQuestions()},
		{"Network", networkQuestions(m)},
		{"EKS cluster", clusterQuestions()},
		{"Nodes of the query engine", nodeQuestions()},
		{"Access for e6data and for you", accessQuestions()},
		{"Charts and artefacts", artefactQuestions(cfg)},
	}
}

func workspaceQuestions() []parameter {
	return []parameter{
		{
			Name: "WorkspaceName", Label: "Workspace name",
			Description: "Name of the e6data workspace, as it will stand in the e6data console. Names in Kubernetes and tags in AWS are made from it.",
			Pattern:     `^[a-z][a-z0-9-]{1,18}[a-z0-9]$`,
			Constraint:  "3 to 20 lower-case letters, digits and hyphens; a letter first, no hyphen at the end.",
		},
		{
			Name: "DataBucketNames", Label: "Data buckets", Type: typeList,
			Description: "S3 buckets that hold the data to query, comma-separated. The query engine may read these buckets and no others.",
			Pattern:     `^` + patternBucket + `$`,
			Constraint:  "Names of S3 buckets, comma-separated: 3 to 63 lower-case letters, digits, dots and hyphens each. All buckets (*) cannot be given.",
		},
		{
			Name: "GlueAccess", Label: "AWS Glue Data Catalog", Default: "ReadOnly", Values: []string{"ReadOnly", wordReadWrite},
			Description: "What the query engine may do in this account's Glue Data Catalog. ReadWrite lets it create, change and delete tables.",
		},
		{
			Name: "KubernetesNamespace", Label: "Kubernetes namespace", Default: "e6data",
			Description: "Namespace of the workspace on the cluster. It is made if it does not exist.",
			Pattern:     `^` + patternDNSLabel + `$`,
			Constraint:  "1 to 63 lower-case letters, digits and hyphens; no hyphen at either end.",
		},
		{
			Name: "DebugNamespaces", Label: "Namespaces e6data may inspect", Type: typeList, Default: "kube-system",
			Description: "Namespaces in which e6data's support may read pods and logs, comma-separated. Leave empty for none.",
			Pattern:     `^$|^` + patternDNSLabel + `$`,
			Constraint:  "Names of namespaces, comma-separated.",
		},
	}
}

func networkQuestions(m Mode) []parameter {
	if m == ExistingVPC {
		return append(existingVPCQuestions(), zoneQuestions()...)
	}
	return append([]parameter{
		{
			Name: "VpcCidr", Label: "VPC address block", Default: "10.200.0.0/16",
			Description: "Private IPv4 block of the new VPC, /16 to /21. Choose one that does not overlap with networks you will connect to it.",
			Pattern: `^(10\.` + patternOctet + `|172\.(1[6-9]|2[0-9]|3[01])|192\.168)\.` + patternOctet + `\.` + patternOctet +
				`/(1[6-9]|2[01])$`,
			Constraint: "A private block (10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16) of size /16 to /21, such as 10.200.0.0/16.",
		},
	}, zoneQuestions()...)
}

// existingVPCQuestions take the place of the new VPC's block. Lists are texts
// here: rules and conditions can compare a text with nothing.
func existingVPCQuestions() []parameter {
	const subnets = `subnet-([0-9a-f]{8}|[0-9a-f]{17})`
	list := parameter{
		Default:    "",
		Pattern:    `^$|^` + subnets + `( *, *` + subnets + `)*$`,
		Constraint: "IDs of subnets such as subnet-0123456789abcdef0, comma-separated.",
	}
	private, public := list, list
	private.Name, private.Label = "PrivateSubnetIds", "Private subnets"
	private.Description = "Subnets of the VPC in two Availability Zones at least, for the cluster and its nodes, comma-separated. They are used as they are, " +
		"and need a way out to the internet of their own, or HttpsProxy, or endpoints in the VPC for all that is used of AWS. Leave empty to have subnets, routes and NAT gateways made in free address space of the VPC. " +
		"More can be added later, for the query engine's nodes; none can be taken out."
	public.Name, public.Label = "PublicSubnetIds", "Public subnets"
	public.Description = "Subnets of the VPC for internet-facing load balancers, comma-separated. Only together with private subnets."
	return []parameter{
		{
			Name: "VpcId", Label: "VPC", Type: typeVPC,
			Description: "The VPC in which the cluster is made. DNS hostnames and DNS resolution must be enabled in it. It cannot be changed later.",
		},
		private,
		public,
	}
}

func zoneQuestions() []parameter {
	const zones = `^$|^[a-z]{2,}(-[a-z]+)+-[0-9][a-z]$|^[a-z]{2,}[0-9]+-az[0-9]+$`
	return []parameter{
		{
			Name: "ExcludedAvailabilityZones", Label: "Availability Zones to leave out", Type: typeList, Default: "",
			Description: "Zone names (us-east-1e) or zone IDs (use1-az3) that are not to be used, comma-separated. Zones that EKS refuses are left out anyway.",
			Pattern:     zones,
			Constraint:  "Names or IDs of Availability Zones, comma-separated.",
		},
		{
			Name: "AdditionalAvailabilityZones", Label: "Availability Zones to add", Type: typeList, Default: "",
			Description: "Zone names or zone IDs in which the query engine's nodes get subnets too, comma-separated, up to 6 zones in all. " +
				"The cluster keeps the zones it began with, and zones that AWS opens later are used only if they are named here. A zone that was added stays.",
			Pattern:    zones,
			Constraint: "Names or IDs of Availability Zones, comma-separated.",
		},
		{
			Name: "NatGateways", Label: "NAT gateways", Default: natSingle, Values: []string{natSingle, natPerZone},
			Description: "Single is cheaper, but all zones lose their way out if its zone fails. PerZone has one NAT gateway in each zone.",
		},
	}
}

func clusterQuestions() []parameter {
	return []parameter{
		{
			Name: "ClusterName", Label: "Cluster name", Default: "",
			Description: "Name of the EKS cluster. Leave empty for e6data-<workspace name>. It cannot be changed later.",
			Pattern:     `^$|^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$`,
			Constraint:  "Up to 100 letters, digits, hyphens and underscores; a letter or digit first.",
		},
		{
			Name: "KubernetesVersion", Label: "Kubernetes version", Default: kubernetesVersion, Values: []string{kubernetesVersion, kubernetesOlder},
			Description: "Kubernetes version of the cluster. A cluster can go up one version at a time, never down.",
		},
		{
			Name: "ClusterSupportPolicy", Label: "At the end of standard support", Default: "STANDARD", Values: []string{"STANDARD", "EXTENDED"},
			Description: "STANDARD: EKS upgrades the cluster by itself when standard support of its version ends. EXTENDED: it stays, at a higher price per hour.",
		},
		{
			Name: "ClusterAuthenticationMode", Label: "How people get in", Default: "API_AND_CONFIG_MAP", Values: []string{"API_AND_CONFIG_MAP", "API"},
			Description: "API: only EKS access entries let people and roles in to the cluster. API_AND_CONFIG_MAP: the ConfigMap aws-auth does too. EKS refuses to go back from API.",
		},
		{
			Name: "NodeGroupCapacityType", Label: "Capacity of the managed node group", Default: "ON_DEMAND", Values: []string{"ON_DEMAND", "SPOT"},
			Description: "How EC2 capacity is bought for the nodes that run controllers and agents. SPOT is cheaper, and AWS can take the nodes away with two minutes' notice. A change makes a new node group, then removes the old one.",
		},
		{
			Name: "ClusterDeletionProtection", Label: "Deletion protection", Default: "Off", Values: []string{"Off", wordOn},
			Description: "On: the cluster, and so this stack, cannot be deleted until this is Off again.",
		},
		{
			Name: "VpcCniWarmTargets", Label: "Addresses each node keeps ready for pods", Type: typeList, Default: vpcCniWarmTargets,
			Description: "How many addresses of the subnets a node holds before pods need them: settings of the VPC CNI as NAME=NUMBER, comma-separated, out of " +
				"WARM_IP_TARGET (free ones), MINIMUM_IP_TARGET (all together), WARM_ENI_TARGET (whole network interfaces), WARM_PREFIX_TARGET. " +
				"The default keeps few, so that small subnets last. Leave empty for the VPC CNI's own defaults.",
			Pattern:    `^$|^(WARM_IP_TARGET|MINIMUM_IP_TARGET|WARM_ENI_TARGET|WARM_PREFIX_TARGET)=[0-9]{1,3}$`,
			Constraint: "Settings such as MINIMUM_IP_TARGET=12,WARM_IP_TARGET=2: each name once, each with a number from 0 to 999.",
		},
		{
			Name: "EndpointPublicAccessCidrs", Label: "Who may reach the cluster's public endpoint", Type: typeList, Default: controlPlaneAddress,
			Description: "IPv4 blocks from which the Kubernetes API may be reached over the internet, comma-separated. " +
				"The default is e6data's control plane. Leave empty to switch the public endpoint off; the private one is always on.",
			Pattern:    `^$|^(` + patternOctet + `\.){3}` + patternOctet + `/([89]|[12][0-9]|3[0-2])$`,
			Constraint: "IPv4 blocks of size /8 to /32, comma-separated. The whole internet (0.0.0.0/0) cannot be given.",
		},
		{
			Name: "ClusterLogTypes", Label: "Control-plane logs", Default: logTypesWithoutAPI,
			Values:      []string{logTypesWithoutAPI, logTypesAll, logTypesAuditAndAuth, logTypesNone},
			Description: "Which logs of the cluster's control plane go to CloudWatch Logs.",
		},
		{
			Name: "LogRetentionDays", Label: "Days to keep logs", Type: typeNumber, Default: "30", Values: retentionDays,
			Description: "How many days CloudWatch Logs keeps the logs of the cluster and of this stack's functions.",
		},
		{
			Name: "AdminPrincipalArn", Label: "Cluster administrator", Default: "",
			Description: "ARN of an IAM role or user that becomes administrator of the cluster. Leave empty for none: whoever creates this stack gets no rights on the cluster by that alone.",
			Pattern:     `^$|^` + patternPrincipal + `(role|user)/[A-Za-z0-9+=,.@_/-]+$`,
			Constraint:  "The ARN of an IAM role or user, such as arn:aws:iam::111122223333:role/Admin.",
		},
	}
}

// retentionDays are the values that CloudWatch Logs accepts.
var retentionDays = []string{
	"1", "3", "5", "7", "14", "30", "60", "90", "120", "150", "180", "365", "400", "545", "731", "1096", "1827",
	"2192", "2557", "2922", "3288", "3653",
}
