package stack

import (
	"slices"

	"github.com/e6data/aws-quickstart/internal/preflight"
)

// preflightPolicies are what is read before anything is made, beside what the
// function reads in any case (planPolicies): each only in the modes and with the
// answers that need it. EC2's Describe actions, EKS's versions, quotas and the
// list of log groups know no resources; they are limited to the region.
func preflightPolicies(m Mode) []any {
	always := []map[string]any{
		allow("FindServicesRoles", []string{"iam:GetRole"}, linkedRoleArns(preflight.LinkedRoles(string(m)))),
	}
	if m != ExistingEKS {
		always = append(always,
			allow("FindCluster", []string{"eks:DescribeCluster"}, subWith("arn:${AWS::Partition}:eks:${AWS::Region}:${AWS::AccountId}:cluster/${Name}", map[string]*string{"Name": clusterName()})))
	}
	policies := []any{
		inlineProperty("preflight", always...),
		preflightOfRegion(m),
		onlyIf(hasAdmin, findPrincipal("preflight-admin", "FindAdmin", adminIsRole, "AdminPrincipalArn")),
		onlyIf(hasControlPlane, findPrincipal("preflight-control-plane", "FindControlPlane", controlPlaneIsRole, "ControlPlanePrincipalArn")),
		onlyIf(hasBoundary, inline("preflight-boundary", allow("FindBoundary", []string{"iam:GetPolicy"},
			ofThisPartition("arn:${AWS::Partition}:iam::${Account}:${Name}", "PermissionsBoundaryArn")))),
		onlyIf(hasKmsKey, inline("preflight-key", allow("ReadKeySettings", []string{"kms:DescribeKey", "kms:GetKeyPolicy", "kms:ListGrants"},
			ofThisPartition("arn:${AWS::Partition}:kms:${AWS::Region}:${Account}:${Name}", "KmsKeyArn")))),
		onlyIf(hasS3Charts, inline("preflight-charts",
			allow("FindCharts", []string{"s3:GetObject"}, chartObjects()),
			when(map[string]any{"StringLike": map[string]any{"s3:prefix": chartPatterns(m)}},
				allow("TellMissingCharts", []string{"s3:ListBucket"}, chartBucketArn())),
		)),
	}
	if m == ExistingEKS {
		policies = append(policies,
			inlineProperty("preflight-installer", findRole("FindInstallersRole", sub(installerRoleName))),
			onlyIf(hasClusterAdmin, inline("preflight-cluster-admin", findRole("FindClusterAdmin", behind(":role/", "ClusterAdminRoleArn")))),
			onlyIf(hasControllerRole, inline("preflight-karpenter", findRole("FindKarpentersRole", ref("KarpenterControllerRoleName")))))
	}
	return policies
}

// preflightOfRegion reads, of what knows no resources, what counts against
// quotas, what a network that is made counts against, and what the given VPC has.
func preflightOfRegion(m Mode) any {
	everyMode := []string{
		"ec2:DescribeInstances", "ec2:DescribeInstanceTypes", "ec2:DescribeInstanceTypeOfferings", "eks:DescribeClusterVersions", "servicequotas:GetServiceQuota",
	}
	if m != ExistingEKS {
		everyMode = append(everyMode, "logs:DescribeLogGroups")
	}
	inRegion := func(id string, actions ...string) map[string]any {
		return when(map[string]any{"StringEquals": map[string]any{"aws:RequestedRegion": ref("AWS::Region")}},
			allow(id, slices.Concat(actions, everyMode), "*"))
	}
	const name = "preflight-region"
	switch m {
	case NewVPC:
		return inlineProperty(name, inRegion("ReadUse",
			"ec2:DescribeVpcs", "ec2:DescribeInternetGateways", "ec2:DescribeAddresses", "ec2:DescribeNatGateways", "ec2:DescribeSubnets"))
	case ExistingVPC:
		// Others can share a VPC with the account.
		settings := allow("ReadVpcSettings", []string{"ec2:DescribeVpcAttribute"},
			subWith("arn:${AWS::Partition}:ec2:${AWS::Region}:*:vpc/${Vpc}", map[string]*string{"Vpc": ref("VpcId")}))
		return either(makesSubnets,
			inline(name, inRegion("ReadUse", "ec2:DescribeDhcpOptions", "ec2:DescribeAddresses", "ec2:DescribeNatGateways"), settings),
			inline(name, inRegion("ReadVpc", "ec2:DescribeDhcpOptions", "ec2:DescribeAvailabilityZones", "ec2:DescribeVpcs"), settings))
	default:
		return inlineProperty(name, inRegion("ReadUse"))
	}
}

// findPrincipal finds an IAM role or user, whichever the answer names.
func findPrincipal(policy, id, isRole, parameter string) any {
	return either(isRole,
		inline(policy, findRole(id, behind(":role/", parameter))),
		inline(policy, allow(id, []string{"iam:GetUser"}, entities("user", behind(":user/", parameter)))))
}

func findRole(id string, name *string) map[string]any {
	return allow(id, []string{"iam:GetRole"}, entities("role", name))
}

// entities are the ARNs of IAM's entity of a name, also with a path before it:
// IAM finds it by its name, and judges by its ARN. The answer may lack the path.
// They are of this account, since others' cannot be looked at from here, and of
// this partition: IAM refuses policies that name another.
func entities(kind string, name *string) []*string {
	place := "arn:${AWS::Partition}:iam::${AWS::AccountId}:" + kind + "/"
	variables := map[string]*string{"Name": name}
	return []*string{subWith(place+"${Name}", variables), subWith(place+"*/${Name}", variables)}
}

// behind is what stands behind a separator in an answer; nothing if it is not
// in it.
func behind(separator, parameter string) *string {
	return pick(1, separator, join("", ref(parameter), text(separator)))
}

// ofThisPartition puts the account and the last part of an answer that is an ARN
// into another.
func ofThisPartition(arn, parameter string) *string {
	// More colons, so that the split works for no answer too.
	part := func(n int) *string { return pick(n, ":", join("", ref(parameter), text(":::::"))) }
	return subWith(arn, map[string]*string{"Account": part(4), "Name": part(5)})
}

// linkedRoleArns are the ARNs of roles that services make for themselves.
func linkedRoleArns(paths []string) []*string {
	arns := make([]*string, 0, len(paths))
	for _, path := range paths {
		arns = append(arns, sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/"+path))
	}
	return arns
}

// chartBucketArn is the bucket of ChartSource s3://BUCKET/PREFIX.
func chartBucketArn() *string {
	return subWith("arn:${AWS::Partition}:s3:::${Bucket}", map[string]*string{"Bucket": pick(0, "/", chartPlace())})
}

// chartPatterns are the charts' keys, whatever stands before their names.
func chartPatterns(m Mode) []*string {
	return *archives(m, func(name *string) *string { return join("", text("*"), name, text(".tgz")) })
}
