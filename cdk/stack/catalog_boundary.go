package stack

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
)

// catalogPath is the IAM path of the catalog's own roles and policies. It keeps
// them apart from what launch roles may change, whatever the catalog's stack is
// called.
const catalogPath = "/e6data-service-catalog/"

// catalogStackPrefix begins the names of the stacks that Service Catalog makes:
// SC-<account>-pp-<ID of the provisioned product>.
const catalogStackPrefix = "SC-"

// newWorkspaceBoundary adds the permissions boundary of all roles of all
// workspaces: what they may at most do, together. Each role's own policies are
// far narrower. What is not of AWS's reads ends at the region, the account, and
// what the administrator lists. tests/template compares it with the roles.
func newWorkspaceBoundary(s awscdk.Stack) *string {
	var statements []any
	for _, part := range [][]any{boundaryReads(), boundaryOfCluster(), boundaryOfData()} {
		statements = append(statements, part...)
	}
	p := awsiam.NewCfnManagedPolicy(s, text("WorkspaceBoundary"), &awsiam.CfnManagedPolicyProps{
		Description:    text("e6data workspaces of AWS Service Catalog: what their roles may at most do"),
		Path:           text(catalogPath),
		PolicyDocument: map[string]any{"Version": policyVersion, "Statement": statements},
	})
	return p.Ref()
}

// inRegion is the ARN of a service in this region, the account left open: some
// of EC2's resources are AWS's.
func inRegion(service, resource string) *string {
	return sub("arn:${AWS::Partition}:" + service + ":${AWS::Region}:" + resource)
}

func inAccount(service, resource string) *string {
	return inRegion(service, "${AWS::AccountId}:"+resource)
}

func boundaryReads() []any {
	return []any{
		allow("Read", []string{
			"acm:DescribeCertificate", "acm:ListCertificates", "arc-zonal-shift:GetManagedResource", "autoscaling:Describe*",
			"cloudformation:DescribeStacks", "cloudwatch:GetMetricStatistics", "ec2:Describe*", "ec2:GetSecurityGroupsForVpc",
			"ecr:BatchCheck*", "ecr:BatchGet*", "ecr:BatchImportUpstreamImage", "ecr:Describe*", "ecr:Get*", "ecr:List*",
			"eks:Describe*", "eks:List*", "elasticloadbalancing:Describe*", "elasticloadbalancing:Get*",
			"iam:Get*", "iam:List*", "kms:DescribeKey", "kms:GetKeyPolicy", "kms:ListGrants", "logs:DescribeLogGroups",
			"pricing:GetProducts", "servicequotas:GetServiceQuota", "wafv2:Get*",
		}, "*"),
		allow("ReadPublicParameters", []string{"ssm:GetParameter", "ssm:GetParameters"}, inRegion("ssm", ":parameter/aws/service/*")),
		// AmazonSSMManagedInstanceCore, without its reading of the account's parameters.
		allow("BeManagedNodes", []string{
			"ec2messages:*Message", "ec2messages:GetEndpoint", "ec2messages:GetMessages", "ec2messages:SendReply", "ssm:Describe*", "ssm:GetDeployablePatchSnapshotForInstance",
			"ssm:GetDocument", "ssm:GetManifest", "ssm:ListAssociations", "ssm:ListInstanceAssociations", "ssm:Put*", "ssm:Update*Association*",
			"ssm:UpdateInstanceInformation", "ssmmessages:Create*", "ssmmessages:Open*",
		}, "*"),
	}
}

func boundaryOfCluster() []any {
	return []any{
		allow("UseNetwork", []string{
			"ec2:Attach*", "ec2:*SecurityGroupIngress", "ec2:CopyVolumes", "ec2:CreateFleet", "ec2:CreateLaunchTemplate",
			"ec2:CreateRoute", "ec2:CreateSecurityGroup", "ec2:CreateSnapshot", "ec2:CreateTags", "ec2:CreateVolume",
			"ec2:DeleteLaunchTemplate", "ec2:DeleteRoute", "ec2:DeleteSecurityGroup", "ec2:DeleteSnapshot",
			"ec2:DeleteTags", "ec2:DeleteVolume", "ec2:Detach*", "ec2:EnableFastSnapshotRestores", "ec2:LockSnapshot", "ec2:ModifyInstanceAttribute",
			"ec2:ModifyNetworkInterfaceAttribute", "ec2:ModifyVolume", "ec2:RunInstances", "ec2:TerminateInstances",
		}, inRegion("ec2", "*:*")),
		// Lambda asks for these without a resource (useNetworkInterfaces).
		allow("UseNetworkInterfaces", []string{"ec2:*PrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"}, "*"),
		allow("Balance", []string{"autoscaling:UpdateAutoScalingGroup", "elasticloadbalancing:*", "wafv2:*IPSet", "wafv2:*Resource", "wafv2:*WebACL"},
			[]any{inAccount("autoscaling", "*"), inAccount("elasticloadbalancing", "*"), inAccount("wafv2", "regional/*")}),
		allow("LetIn", []string{
			"eks-auth:AssumeRoleForPodIdentity", "eks:*AccessEntry", "eks:*AccessPolicy", "eks:TagResource", "eks:UpdateClusterConfig",
		}, split(",", join("",
			inAccount("eks", "cluster/e6data-*"), text(",arn:*:eks:*:*:access-entry/"),
			joinList("/*,arn:*:eks:*:*:access-entry/", listRef("ExistingClusterNames")), text("/*,arn:*:eks:*:*:cluster/"),
			joinList(",arn:*:eks:*:*:cluster/", listRef("ExistingClusterNames")),
		))),
		allow("TellOfNodes", []string{"logs:CreateLogStream", "logs:PutLogEvents", "sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"},
			[]any{inAccount("logs", "log-group:"+catalogStackPrefix+"*"), inAccount("sqs", catalogStackPrefix+"*")}),
		when(map[string]any{"StringEquals": map[string]any{"iam:PassedToService": []string{"ec2.amazonaws.com", "ec2.amazonaws.com.cn"}}},
			allow("PassNodeRoles", []string{"iam:PassRole"}, sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:role${RolePath}"+catalogStackPrefix+"*"))),
		allow("MakeServiceLinkedRoles", []string{"iam:CreateServiceLinkedRole"}, []any{
			sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"),
			sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/aws-service-role/elasticloadbalancing.amazonaws.com/AWSServiceRoleForElasticLoadBalancing"),
		}),
		allow("ManageOidcProviders", []string{"iam:*OpenIDConnectProvider"},
			sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:oidc-provider/oidc.eks.${AWS::Region}.${AWS::URLSuffix}/id/*")),
	}
}

func boundaryOfData() []any {
	return []any{
		allow("ReadData", []string{"s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion"}, dataBuckets("/*")),
		allow("ListData", []string{"s3:ListBucket"}, dataBuckets("")),
		allow("UseWorkspaceBuckets", []string{"s3:DeleteObject*", "s3:GetObject*", "s3:ListBucket", "s3:PutObject*"},
			sub("arn:${AWS::Partition}:s3:::"+strings.ToLower(catalogStackPrefix)+"${AWS::AccountId}-*")),
		onlyIf(hasS3Charts, allow("ReadCharts", []string{"s3:GetObject", "s3:ListBucket"}, []any{chartObjects(), chartBucketArn()})),
		allow("ReadCatalog", []string{"glue:GetDatabase*", "glue:GetPartitions", "glue:GetTable*"}, glueCatalog()),
		onlyIf(hasGlueWrites, allow("WriteTables", []string{"glue:CreateTable", "glue:UpdateTable", "glue:DeleteTable"}, glueCatalog())),
		onlyIf(hasKmsKey, allow("UseKey", []string{"kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"}, ref("KmsKeyArn"))),
		allow("WriteSystemTables", []string{"sts:AssumeRole", "sts:TagSession"}, systemTableRoles()),
	}
}
