package e2e

var (
	// What Karpenter puts on what it makes, and what such things have.
	karpenterAsks = asked("kubernetes.io/cluster/{cluster}", "owned", "eks:eks-cluster-name", "{cluster}", "karpenter.sh/nodepool", "e6data-analytics")
	karpenterHas  = hasInEC2("kubernetes.io/cluster/{cluster}", "owned", "karpenter.sh/nodepool", "e6data-analytics")
	another       = asked("kubernetes.io/cluster/another", "owned", "eks:eks-cluster-name", "another", "karpenter.sh/nodepool", "e6data-analytics")
	noCluster     = asked("eks:eks-cluster-name", "{cluster}", "karpenter.sh/nodepool", "e6data-analytics")
	noEKSName     = asked("kubernetes.io/cluster/{cluster}", "owned", "karpenter.sh/nodepool", "e6data-analytics")
	noPool        = asked("kubernetes.io/cluster/{cluster}", "owned", "eks:eks-cluster-name", "{cluster}")
	hasNoPool     = hasInEC2("kubernetes.io/cluster/{cluster}", "owned")
	hasNoCluster  = hasInEC2("karpenter.sh/nodepool", "e6data-analytics")
	byLaunch      = keys{"ec2:CreateAction": "RunInstances"}
	throughEC2    = keys{"kms:ViaService": "ec2.{region}.amazonaws.com"}
	byFleet       = keys{"ec2:CreateAction": "CreateFleet"}
)

const (
	theCluster     = "arn:aws:eks:{region}:{account}:cluster/{cluster}"
	anotherCluster = "arn:aws:eks:{region}:{account}:cluster/another"
	launchTemplate = ec2Here + "launch-template/lt-0123456789abcdef0"
	instance       = ec2Here + "instance/i-0123456789abcdef0"
	taken          = "arn:aws:ec2:{region}::image/ami-0123456789abcdef0 arn:aws:ec2:{region}::snapshot/snap-0123456789abcdef0 " + ec2Here + "security-group/sg-1 " + ec2Here + "subnet/subnet-1 " + ec2Here + "capacity-reservation/cr-1 " + ec2Here + "placement-group/pg"
	launched       = ec2Here + "instance/* " + ec2Here + "volume/* " + ec2Here + "network-interface/*"
	elseWhere      = "arn:aws:ec2:eu-west-1:{account}:"
)

// karpenterPermissions are those of Karpenter's controller, upstream's policies
// less what a given instance profile makes needless.
var karpenterPermissions = append([]permission{
	may("launches with what is there", "ec2:RunInstances", taken),
	may("in fleets too", "ec2:CreateFleet", "arn:aws:ec2:{region}::image/ami-0123456789abcdef0 "+ec2Here+"subnet/subnet-1"),
	mayNot("with what is elsewhere", "ec2:RunInstances ec2:CreateFleet", elseWhere+"subnet/subnet-1 "+elseWhere+"launch-template/lt-1", karpenterHas),
	may("from its own launch templates", "ec2:RunInstances ec2:CreateFleet", launchTemplate, karpenterHas),
	mayNot("from another cluster's", "ec2:RunInstances ec2:CreateFleet", launchTemplate, hasInEC2("kubernetes.io/cluster/another", "owned", "karpenter.sh/nodepool", "x")),
	mayNot("from those of no pool", "ec2:RunInstances ec2:CreateFleet", launchTemplate, hasNoPool),
	mayNot("from those of no cluster", "ec2:RunInstances ec2:CreateFleet", launchTemplate, hasNoCluster),
	mayNot("from untagged ones", "ec2:RunInstances ec2:CreateFleet", launchTemplate),
	mayNot("with its tags but with another's keys", "ec2:RunInstances", ec2Here+"key-pair/ops", karpenterHas),

	may("makes nodes", "ec2:RunInstances", launched+" "+ec2Here+"launch-template/*", karpenterAsks),
	may("and fleets", "ec2:CreateFleet", ec2Here+"fleet/* "+ec2Here+"instance/* "+ec2Here+"volume/*", karpenterAsks),
	may("and launch templates", "ec2:CreateLaunchTemplate", ec2Here+"launch-template/*", karpenterAsks),
	mayNot("untagged nodes", "ec2:RunInstances", launched),
	mayNot("nodes of another cluster", "ec2:RunInstances ec2:CreateFleet", ec2Here+"instance/*", another),
	mayNot("nodes of no cluster", "ec2:RunInstances", ec2Here+"instance/*", noCluster),
	mayNot("nodes without EKS's tag", "ec2:RunInstances", ec2Here+"instance/*", noEKSName),
	mayNot("nodes of no pool", "ec2:RunInstances", ec2Here+"instance/*", noPool),
	mayNot("nodes elsewhere", "ec2:RunInstances", elseWhere+"instance/*", karpenterAsks),
	mayNot("launch templates elsewhere", "ec2:CreateLaunchTemplate", elseWhere+"launch-template/*", karpenterAsks),
	mayNot("untagged launch templates", "ec2:CreateLaunchTemplate", ec2Here+"launch-template/*"),

	may("tags nodes as it makes them", "ec2:CreateTags", launched, karpenterAsks, byLaunch),
	may("and the rest", "ec2:CreateTags", ec2Here+"fleet/* "+ec2Here+"launch-template/* "+ec2Here+"spot-instances-request/*", karpenterAsks, byFleet),
	may("names nodes later", "ec2:CreateTags", instance, karpenterHas, asked("Name", "node", "karpenter.sh/nodeclaim", "claim", "eks:eks-cluster-name", "{cluster}")),
	mayNot("its tags on strangers' instances", "ec2:CreateTags", instance, karpenterAsks),
	mayNot("its tags on strangers' volumes", "ec2:CreateTags", ec2Here+"volume/vol-1", karpenterAsks),
	mayNot("tags by other calls", "ec2:CreateTags", ec2Here+"volume/*", karpenterAsks, keys{"ec2:CreateAction": "CreateVolume"}),
	mayNot("other tags on creation", "ec2:CreateTags", ec2Here+"instance/*", another, byLaunch),
	mayNot("tags of no cluster on creation", "ec2:CreateTags", ec2Here+"instance/*", noCluster, byLaunch),
	mayNot("tags without EKS's on creation", "ec2:CreateTags", ec2Here+"instance/*", noEKSName, byLaunch),
	mayNot("tags of no pool on creation", "ec2:CreateTags", ec2Here+"instance/*", noPool, byLaunch),
	mayNot("tags elsewhere on creation", "ec2:CreateTags", elseWhere+"instance/*", karpenterAsks, byLaunch),
	mayNot("other tags later", "ec2:CreateTags", instance, karpenterHas, asked("owner", "me")),
	mayNot("another cluster's name later", "ec2:CreateTags", instance, karpenterHas, asked("eks:eks-cluster-name", "another")),
	mayNot("names of others' nodes", "ec2:CreateTags", instance, hasNoPool, asked("Name", "node")),
	mayNot("names of nodes of no cluster", "ec2:CreateTags", instance, hasNoCluster, asked("Name", "node")),
	mayNot("names of its volumes", "ec2:CreateTags", ec2Here+"volume/vol-1", karpenterHas, asked("Name", "disk")),

	may("ends its nodes and templates", "ec2:TerminateInstances", instance, karpenterHas),
	may("ends its templates", "ec2:DeleteLaunchTemplate", launchTemplate, karpenterHas),
	mayNot("the end of another cluster's nodes", "ec2:TerminateInstances", instance, hasInEC2("kubernetes.io/cluster/another", "owned", "karpenter.sh/nodepool", "x")),
	mayNot("the end of the managed nodes", "ec2:TerminateInstances", instance, hasNoPool),
	mayNot("the end of nodes of no cluster", "ec2:TerminateInstances", instance, hasNoCluster),
	mayNot("the end of nodes elsewhere", "ec2:TerminateInstances", elseWhere+"instance/i-1", karpenterHas),
	mayNot("the end of others' templates", "ec2:DeleteLaunchTemplate", launchTemplate, hasNoPool),
	mayNot("disks of its nodes", "ec2:DeleteVolume", ec2Here+"volume/vol-1", karpenterHas),
	mayNot("addresses of its nodes", "ec2:ModifyInstanceAttribute ec2:StopInstances", instance, karpenterHas),

	may("gives nodes their role", "iam:PassRole", "{KarpenterNodeRole}", keys{"iam:PassedToService": "ec2.amazonaws.com"}),
	mayNot("the role to other services", "iam:PassRole", "{KarpenterNodeRole}", keys{"iam:PassedToService": "lambda.amazonaws.com"}),
	mayNot("other roles", "iam:PassRole", "{HelmInstallerRole} {CrossAccountRole} {KarpenterControllerRole}", keys{"iam:PassedToService": "ec2.amazonaws.com"}),
	may("finds instance profiles", "iam:ListInstanceProfiles", "*"),
	may("reads one", "iam:GetInstanceProfile", "arn:aws:iam::{account}:instance-profile/any"),
	mayNot("one of another account", "iam:GetInstanceProfile", "arn:aws:iam::111122223333:instance-profile/any"),
	mayNot("profiles", "iam:CreateInstanceProfile iam:DeleteInstanceProfile iam:AddRoleToInstanceProfile iam:RemoveRoleFromInstanceProfile", "arn:aws:iam::{account}:instance-profile/any", has("kubernetes.io/cluster/{cluster}", "owned", "karpenter.sh/nodepool", "e6data-analytics")),

	may("finds the cluster", "eks:DescribeCluster", theCluster),
	may("hears of interruptions", "sqs:DeleteMessage sqs:GetQueueUrl sqs:ReceiveMessage", "{queue}"),
	mayNot("other queues", "sqs:DeleteMessage sqs:GetQueueUrl sqs:ReceiveMessage", "arn:aws:sqs:{region}:{account}:another"),
	mayNot("warnings of its own", "sqs:SendMessage sqs:PurgeQueue sqs:DeleteQueue", "{queue}"),
	may("asks where capacity is", "ec2:DescribeCapacityReservations ec2:DescribeImages ec2:DescribeInstances ec2:DescribeInstanceStatus ec2:DescribeInstanceTypeOfferings ec2:DescribeInstanceTypes ec2:DescribeLaunchTemplates ec2:DescribePlacementGroups ec2:DescribeSecurityGroups ec2:DescribeSpotPriceHistory ec2:DescribeSubnets", "*"),
	mayNot("other regions", "ec2:DescribeInstances ec2:DescribeImages ec2:DescribeSubnets", "*", inAnotherRegion),
	mayNot("volumes and addresses", "ec2:DescribeVolumes ec2:DescribeAddresses", "*"),
	may("reads EKS's images", "ssm:GetParameter", "arn:aws:ssm:{region}::parameter/aws/service/eks/optimized-ami/1.36/amazon-linux-2023/arm64/standard/recommended/image_id"),
	may("reads prices", "pricing:GetProducts", "*"),
	may("hears of zonal shifts", "arc-zonal-shift:GetManagedResource", theCluster, keys{"arc-zonal-shift:ResourceIdentifier": theCluster}),
	mayNot("zonal shifts of others", "arc-zonal-shift:GetManagedResource", anotherCluster, keys{"arc-zonal-shift:ResourceIdentifier": anotherCluster}),
	mayNot("the workspace bucket", "s3:GetObject s3:PutObject", "arn:aws:s3:::{bucket}/results/1"),
}, useOfKeyForDisks...)

// useOfKeyForDisks are the rows of whoever makes disks that a customer's key
// encrypts.
var useOfKeyForDisks = []permission{
	may("encrypts disks", "kms:DescribeKey kms:Decrypt kms:GenerateDataKeyWithoutPlaintext kms:ReEncryptFrom kms:ReEncryptTo", "{key}", throughEC2),
	may("lends the key to disks", "kms:CreateGrant", "{key}", throughEC2, keys{"kms:GrantIsForAWSResource": "true"}),
	mayNot("what the key encrypts elsewhere", "kms:Decrypt", "{key}", throughS3("{bucket}")),
	mayNot("the key without EC2", "kms:Decrypt", "{key}"),
	mayNot("the key to anybody", "kms:CreateGrant", "{key}", throughEC2),
	mayNot("the key to anybody else's resource", "kms:CreateGrant", "{key}", throughEC2, keys{"kms:GrantIsForAWSResource": "false"}),
	mayNot("grants without EC2", "kms:CreateGrant", "{key}", keys{"kms:GrantIsForAWSResource": "true"}),
	mayNot("other keys", "kms:Decrypt kms:GenerateDataKeyWithoutPlaintext kms:CreateGrant", "arn:aws:kms:{region}:{account}:key/00000000-0000-0000-0000-000000000000", throughEC2),
	mayNot("other keys to disks", "kms:CreateGrant", "arn:aws:kms:{region}:{account}:key/00000000-0000-0000-0000-000000000000", throughEC2, keys{"kms:GrantIsForAWSResource": "true"}),
}
