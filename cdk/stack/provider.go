package stack

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"

	"github.com/e6data/aws-quickstart/internal/artifact"
)

// ProviderProps describes one Lambda function behind custom resources.
type ProviderProps struct {
	Binary      string // name of the zip, without architecture
	Description string
	// TimeoutSeconds is the longest run, ServiceTimeoutSeconds how long
	// CloudFormation waits for an answer.
	TimeoutSeconds        int
	ServiceTimeoutSeconds int
	Policies              []any // beside the function's own logs
	// Proxy has the variables that name the customer's proxy; nil: it is not
	// used. Outside the VPC nobody reaches it.
	Proxy map[string]*string
	// Network puts the function into private subnets; nil: outside any VPC.
	Network *ProviderNetwork
	// RoleArn is the role that it shares with other functions, and that has all
	// rights that it needs; nil: it gets one of its own.
	RoleArn *string
}

// ProviderNetwork is where a function in the VPC runs.
type ProviderNetwork struct {
	SubnetIDs       *[]*string
	SecurityGroupID *string
}

// Provider is what custom resources need of their function.
type Provider struct {
	Token          *string
	RoleArn        *string
	ServiceTimeout int // seconds
	// Ready is what must be there before the first custom resource is made,
	// and after the last one is gone.
	Ready []awscdk.CfnResource
}

// newProvider adds a function with its role, its log group and its
// asynchronous invocation settings. All its rights are in the role, so they
// outlive the function, and network interfaces are given back on delete.
func newProvider(s awscdk.Stack, cfg Config, id string, p ProviderProps) Provider {
	logs := awslogs.NewCfnLogGroup(s, text(id+"LogGroup"), &awslogs.CfnLogGroupProps{
		RetentionInDays: numberRef("LogRetentionDays"),
	})
	props := &awslambda.CfnFunctionProps{
		Description:   text(p.Description),
		Runtime:       text("provided.al2023"),
		Handler:       text("bootstrap"),
		Architectures: &[]*string{ref("FunctionArchitecture")},
		MemorySize:    number(512),
		Timeout:       number(p.TimeoutSeconds),
		Code:          cfg.code(s, p.Binary),
		LoggingConfig: &awslambda.CfnFunction_LoggingConfigProperty{LogGroup: logs.Ref(), LogFormat: text("JSON")},
		Tags:          appTags(),
	}
	if p.Network != nil {
		props.VpcConfig = &awslambda.CfnFunction_VpcConfigProperty{
			SubnetIds: p.Network.SubnetIDs, SecurityGroupIds: &[]*string{p.Network.SecurityGroupID},
		}
	}
	if p.Proxy != nil {
		props.Environment = onlyIf(hasProxy, map[string]any{"Variables": p.Proxy})
	}
	if p.RoleArn == nil {
		p.RoleArn = newFunctionRole(s, id+"Role", p, logs.AttrArn()).AttrArn()
	}
	props.Role = p.RoleArn
	function := awslambda.NewCfnFunction(s, text(id), props)
	// CloudFormation invokes asynchronously. A second run of an event that
	// failed would meet what the first one left; a late one would answer
	// nobody.
	invoke := awslambda.NewCfnEventInvokeConfig(s, text(id+"InvokeConfig"), &awslambda.CfnEventInvokeConfigProps{
		FunctionName:             function.Ref(),
		Qualifier:                text("$LATEST"),
		MaximumRetryAttempts:     number(0),
		MaximumEventAgeInSeconds: number(p.ServiceTimeoutSeconds - p.TimeoutSeconds),
	})
	return Provider{
		Token:          function.AttrArn(),
		RoleArn:        p.RoleArn,
		ServiceTimeout: p.ServiceTimeoutSeconds,
		Ready:          []awscdk.CfnResource{invoke},
	}
}

// newFunctionRole adds the role of a function with its log groups.
func newFunctionRole(s awscdk.Stack, id string, p ProviderProps, logs ...*string) awsiam.CfnRole {
	var groups any = logs
	if len(logs) == 1 {
		groups = logs[0]
	}
	policies := []any{inlineProperty("logs", allow("WriteOwnLogs", []string{"logs:CreateLogStream", "logs:PutLogEvents"}, groups))}
	if p.Network != nil {
		policies = append(policies, inlineProperty("network-interfaces", useNetworkInterfaces()...))
	}
	return newRole(s, id, roleProps{
		Description: p.Description,
		Trust:       serviceTrust(text(principalLambda)),
		Policies:    append(policies, p.Policies...),
	})
}

// useNetworkInterfaces is what Lambda needs for a function in a VPC. The
// managed policy for it would also let the function make log groups. Lambda
// uses the function's role for it; the function's own code is denied the same
// (Lambda Developer Guide, "Giving Lambda functions access to resources in an
// Amazon VPC"): requests of code, and no others, carry the function's ARN.
func useNetworkInterfaces() []map[string]any {
	actions := []string{
		"ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface",
		"ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
	}
	return []map[string]any{
		allow("UseNetworkInterfaces", actions, "*"),
		{
			"Sid": "ButNotFromCode", "Effect": "Deny", "Action": actions, "Resource": "*",
			"Condition": map[string]any{"ArnLike": map[string]any{
				"lambda:SourceFunctionArn": sub("arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:*"),
			}},
		},
	}
}

// newOutputsProvider adds the function that looks at the account, plans the
// network, or asks about the customer's, and writes the console link. It needs no
// VPC, and is there before one.
func newOutputsProvider(s awscdk.Stack, cfg Config, m Mode) Provider {
	return newProvider(s, cfg, "OutputsFunction", ProviderProps{
		Binary:                "outputs",
		Description:           "e6data: looks at the account, plans the network and writes the outputs of the stack",
		TimeoutSeconds:        120,
		ServiceTimeoutSeconds: 300,
		Policies:              append(planPolicies(m), preflightPolicies(m)...),
	})
}

// planPolicies are what a plan of the network reads. EC2's Describe actions know
// no resources.
func planPolicies(m Mode) []any {
	if m == ExistingEKS {
		return clusterFactsPolicies()
	}
	zones := []string{"ec2:DescribeAvailabilityZones"}
	// The status tells a rollback from an update.
	status := allow("ReadOwnStatus", []string{"cloudformation:DescribeStacks"}, ref("AWS::StackId"))
	if m != ExistingVPC {
		return []any{inlineProperty("network-plan", allow("ReadZones", zones, "*"), status)}
	}
	around := append(slices.Clone(zones), "ec2:DescribeVpcs", "ec2:DescribeSubnets", "ec2:DescribeInternetGateways")
	return []any{either(makesSubnets,
		inline("network-plan", allow("ReadNetwork", around, "*"), status),
		inline("network-plan", allow("ReadGivenSubnets", []string{
			"ec2:DescribeSubnets", "ec2:DescribeRouteTables", "ec2:DescribeVpcEndpoints", "ec2:DescribeSecurityGroupRules",
		}, "*"), status),
	)}
}

// newHelmProvider adds the function that installs Helm charts, inside the VPC.
// Its access entry is added by newAccess, which needs its role.
func newHelmProvider(s awscdk.Stack, cfg Config, c Cluster, n Network) Provider {
	group := awsec2.NewCfnSecurityGroup(s, text("HelmInstallerSecurityGroup"), &awsec2.CfnSecurityGroupProps{
		GroupDescription: text("e6data Helm installer: HTTPS out, nothing in"),
		VpcId:            n.VpcID,
		SecurityGroupEgress: []any{
			&awsec2.CfnSecurityGroup_EgressProperty{
				IpProtocol: text("tcp"), FromPort: number(443), ToPort: number(443), CidrIp: text(everywhere),
				Description: text("Kubernetes API, AWS APIs, chart repositories"),
			},
			onlyIf(hasProxyPort, map[string]any{
				"IpProtocol": "tcp", "FromPort": proxyPort(), "ToPort": proxyPort(), "CidrIp": everywhere, "Description": "Proxy",
			}),
		},
		Tags: new(append(*networkTags("helm-installer"), *appTags()...)),
	})
	// The private endpoint lies behind the cluster's own group, which lets in
	// nobody but itself.
	way := awsec2.NewCfnSecurityGroupIngress(s, text("HelmInstallerToCluster"), &awsec2.CfnSecurityGroupIngressProps{
		GroupId:               c.SecurityGroupID,
		IpProtocol:            text("tcp"),
		FromPort:              number(443),
		ToPort:                number(443),
		SourceSecurityGroupId: group.AttrGroupId(),
		Description:           text("e6data Helm installer to the Kubernetes API"),
	})
	p := newProvider(s, cfg, "HelmInstaller", ProviderProps{
		Binary:                "helminstaller",
		Description:           "e6data: installs Helm charts on the cluster",
		TimeoutSeconds:        900,
		ServiceTimeoutSeconds: 1200,
		Policies:              installPolicies(c),
		Proxy:                 proxyVariables(c),
		Network:               &ProviderNetwork{SubnetIDs: n.PrivateSubnetIDs, SecurityGroupID: group.AttrGroupId()},
	})
	p.Ready = append(p.Ready, way)
	return p
}

// installPolicies are what the function that installs charts needs beside the
// cluster's own rights.
func installPolicies(c Cluster) []any {
	return []any{
		inlineProperty("cluster", allow("FindCluster", []string{"eks:DescribeCluster"}, c.Arn)),
		onlyIf(hasS3Charts, inline("charts", allow("ReadCharts", []string{"s3:GetObject"}, chartObjects()))),
	}
}

// chartObjects is the ARN of all objects under ChartSource s3://BUCKET/PREFIX.
// A second s3:// is appended so that the split also works for other sources,
// for which the policy is left out.
func chartObjects() *string {
	return subWith("arn:${AWS::Partition}:s3:::${Place}/*", map[string]*string{"Place": chartPlace()})
}

// chartPlace is BUCKET/PREFIX.
func chartPlace() *string {
	return pick(1, s3ChartScheme, join("", ref("ChartSource"), text(s3ChartScheme)))
}

// artifactBucket holds functions and nested templates of this version: the
// bucket of the region, or the customer's copy. The former is there in
// published regions only; the rule RegionIsPublished keeps everybody out of the
// others, where a stranger could own that name. A mapping would need the rule
// too, and has no entry for the regions in which customers have their copy.
func artifactBucket() *string {
	return eitherText(hasArtifactBucket, ref("ArtifactBucket"), sub(artifact.Bucket("${AWS::Region}")))
}
