package e2e

import (
	"strings"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/preflight"
)

const ec2Here = "arn:aws:ec2:{region}:{account}:"

var (
	inAnotherRegion = keys{"aws:RequestedRegion": "eu-west-1"}
	// A call of the function's own code tells which function it is; Lambda's,
	// with the function's role, does not.
	fromCode = keys{"lambda:SourceFunctionArn": "arn:aws:lambda:{region}:{account}:function:quickstart-HelmInstaller"}
)

// ownLogs are the rows of a function's log group.
func ownLogs(group string) []permission {
	return []permission{
		may("writes its logs", "logs:CreateLogStream", "{"+group+"}:log-stream:"),
		may("line by line", "logs:PutLogEvents", "{"+group+"}:log-stream:2026/11/22/1"),
		mayNot("another function's", "logs:CreateLogStream", "arn:aws:logs:{region}:{account}:log-group:/aws/lambda/another:log-stream:"),
		mayNot("lines there", "logs:PutLogEvents", "arn:aws:logs:{region}:{account}:log-group:/aws/lambda/another:log-stream:1"),
		mayNot("groups, which would keep logs for ever", "logs:CreateLogGroup", "arn:aws:logs:{region}:{account}:log-group:/aws/lambda/another"),
		mayNot("what it wrote", "logs:DeleteLogStream", "{"+group+"}:log-stream:1"),
	}
}

var helmInstallerPermissions = append([]permission{
	may("finds the cluster", "eks:DescribeCluster", "arn:aws:eks:{region}:{account}:cluster/{cluster}"),
	may("reads charts", "s3:GetObject", "arn:aws:s3:::{artifacts}/{charts}/karpenter-1.14.0.tgz"),
	mayNot("other files beside them", "s3:GetObject", "arn:aws:s3:::{artifacts}/other/karpenter-1.14.0.tgz"),
	mayNot("changes of charts", "s3:PutObject s3:DeleteObject", "arn:aws:s3:::{artifacts}/{charts}/karpenter-1.14.0.tgz"),
	mayNot("the workspace's results", "s3:GetObject", "arn:aws:s3:::{bucket}/results/1"),
	mayNot("data", "s3:GetObject", "arn:aws:s3:::example-sales-data/1"),
	may("has Lambda look at the network", "ec2:DescribeNetworkInterfaces ec2:DescribeSubnets", "*"),
	may("has Lambda make and remove interfaces", "ec2:CreateNetworkInterface", ec2Here+"network-interface/* "+ec2Here+"subnet/subnet-1"),
	may("also with addresses", "ec2:DeleteNetworkInterface ec2:AssignPrivateIpAddresses ec2:UnassignPrivateIpAddresses", ec2Here+"network-interface/eni-1"),
	mayNot("the same from its code", "ec2:DescribeNetworkInterfaces ec2:DescribeSubnets", "*", fromCode),
	mayNot("interfaces from its code", "ec2:CreateNetworkInterface ec2:DeleteNetworkInterface ec2:AssignPrivateIpAddresses ec2:UnassignPrivateIpAddresses", ec2Here+"network-interface/eni-1", fromCode),
	mayNot("other networks", "ec2:AttachNetworkInterface ec2:ModifyNetworkInterfaceAttribute", ec2Here+"network-interface/eni-1"),
	mayNot("its own rights", "iam:PutRolePolicy iam:DeleteRolePermissionsBoundary", "{HelmInstallerRole}"),
}, ownLogs("HelmInstallerLogGroup")...)

// readsOfRegion are what the function counts, and looks up, before anything is
// made.
const readsOfRegion = "ec2:DescribeVpcs ec2:DescribeInternetGateways ec2:DescribeAddresses ec2:DescribeNatGateways ec2:DescribeSubnets " +
	"ec2:DescribeInstances ec2:DescribeInstanceTypes ec2:DescribeInstanceTypeOfferings eks:DescribeClusterVersions " +
	"logs:DescribeLogGroups"

var outputsPermissions = append([]permission{
	may("knows the zones", "ec2:DescribeAvailabilityZones", "*"),
	may("counts what is there", readsOfRegion, "*"),
	mayNot("what is in other regions", readsOfRegion, "*", inAnotherRegion),
	may("compares it with the quotas", "servicequotas:GetServiceQuota",
		"arn:aws:servicequotas:{region}:{account}:vpc/L-F678F1CE arn:aws:servicequotas:{region}:{account}:ec2/L-0263D0A3"),
	mayNot("more of them", "servicequotas:RequestServiceQuotaIncrease", "arn:aws:servicequotas:{region}:{account}:vpc/L-F678F1CE"),
	may("looks for roles of AWS's services", "iam:GetRole", strings.Join(linkedRoles(), " ")),
	may("looks whether the control plane's role is there, with its path and without", "iam:GetRole",
		"arn:aws:iam::{account}:role/"+controlPlaneRole+" arn:aws:iam::{account}:role/with/a/path/"+controlPlaneRole),
	mayNot("other roles", "iam:GetRole", "arn:aws:iam::{account}:role/anything"),
	mayNot("users and policies, where none is named", "iam:GetUser", "arn:aws:iam::{account}:user/anybody"),
	mayNot("boundaries, where none is named", "iam:GetPolicy", "arn:aws:iam::{account}:policy/boundary"),
	may("looks whether the cluster's name is taken", "eks:DescribeCluster", "arn:aws:eks:{region}:{account}:cluster/{cluster}"),
	may("reads the key's settings", "kms:DescribeKey kms:GetKeyPolicy kms:ListGrants", "{key}"),
	mayNot("other keys' settings", "kms:DescribeKey kms:GetKeyPolicy kms:ListGrants", "arn:aws:kms:{region}:{account}:key/00000000-0000-0000-0000-000000000000"),
	mayNot("use of the key", "kms:Decrypt kms:GenerateDataKey kms:CreateGrant", "{key}"),
	may("looks for the charts", "s3:GetObject", "arn:aws:s3:::{artifacts}/{charts}/karpenter-1.14.0.tgz"),
	mayNot("other files beside them", "s3:GetObject", "arn:aws:s3:::{artifacts}/other/karpenter-1.14.0.tgz"),
	may("tells a chart that is missing", "s3:ListBucket", "arn:aws:s3:::{artifacts}", keys{"s3:prefix": "{charts}/karpenter-1.14.0.tgz"}),
	mayNot("what else is in the bucket", "s3:ListBucket", "arn:aws:s3:::{artifacts}", keys{"s3:prefix": "{charts}/"}),
	mayNot("what is in others", "s3:ListBucket", "arn:aws:s3:::another", keys{"s3:prefix": "{charts}/karpenter-1.14.0.tgz"}),
	may("knows whether the stack is rolled back", "cloudformation:DescribeStacks", "{stack}"),
	mayNot("other stacks", "cloudformation:DescribeStacks", "arn:aws:cloudformation:{region}:{account}:stack/another/1"),
	mayNot("what the stack was told", "cloudformation:GetTemplate cloudformation:ListStackResources", "{stack}"),
	mayNot("more of EC2", "ec2:DescribeNetworkInterfaces ec2:DescribeSecurityGroups ec2:DescribeRouteTables", "*"),
	mayNot("interfaces", "ec2:CreateNetworkInterface", ec2Here+"network-interface/*"),
	mayNot("more of the cluster", "eks:ListNodegroups eks:ListAccessEntries", "arn:aws:eks:{region}:{account}:cluster/{cluster}"),
	mayNot("its own rights", "iam:PutRolePolicy", "{OutputsFunctionRole}"),
}, ownLogs("OutputsFunctionLogGroup")...)

// linkedRoles are the ARNs of the roles that services make for themselves, with
// their path and, as IAM judges a question for one that is not there, without.
func linkedRoles() (arns []string) {
	for _, name := range preflight.LinkedRoles(contract.ModeNewVPC) {
		arns = append(arns, "arn:aws:iam::{account}:role/"+name)
	}
	return arns
}

// The add-ons' roles have AWS's own policies; the rows say what is relied on.
var ebsCsiPermissions = append([]permission{
	may("makes volumes with its tag", "ec2:CreateVolume", ec2Here+"volume/*", asked("ebs.csi.aws.com/cluster", "true")),
	may("attaches its volumes", "ec2:AttachVolume", ec2Here+"volume/vol-1", hasInEC2("ebs.csi.aws.com/cluster", "true")),
	may("removes its volumes", "ec2:DeleteVolume", ec2Here+"volume/vol-1", hasInEC2("ebs.csi.aws.com/cluster", "true")),
	mayNot("volumes without its tag", "ec2:CreateVolume", ec2Here+"volume/*"),
	mayNot("the end of others' volumes", "ec2:DeleteVolume", ec2Here+"volume/vol-1"),
	mayNot("instances", "ec2:TerminateInstances ec2:RunInstances", ec2Here+"instance/i-1", hasInEC2("ebs.csi.aws.com/cluster", "true")),
	mayNot("the workspace bucket", "s3:GetObject", "arn:aws:s3:::{bucket}/results/1"),
}, useOfKeyForDisks...)

var vpcCniPermissions = []permission{
	may("gives pods addresses", "ec2:AssignPrivateIpAddresses ec2:UnassignPrivateIpAddresses", ec2Here+"network-interface/eni-1"),
	may("makes interfaces", "ec2:CreateNetworkInterface", ec2Here+"network-interface/* "+ec2Here+"subnet/subnet-1"),
	mayNot("instances", "ec2:TerminateInstances ec2:RunInstances", ec2Here+"instance/i-1"),
	mayNot("volumes", "ec2:CreateVolume", ec2Here+"volume/*"),
	mayNot("tags of what is no interface", "ec2:CreateTags", ec2Here+"instance/i-1", asked("a", "b")),
	mayNot("the workspace bucket", "s3:GetObject", "arn:aws:s3:::{bucket}/results/1"),
}
