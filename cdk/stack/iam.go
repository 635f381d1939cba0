package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
)

const policyVersion = "2012-10-17"

// Service principals. EC2's name carries the partition's DNS suffix; the others
// are the same everywhere. For S3's log delivery in China that rests on the
// CDK's own Bucket (aws-s3, bucket.ts), which writes this name in any partition;
// it was not tried there.
const (
	principalEKS    = "eks.amazonaws.com"
	principalLambda = "lambda.amazonaws.com"
	principalS3Logs = "logging.s3.amazonaws.com"
	principalSpot   = "spot.amazonaws.com"

	principalServiceCatalog = "servicecatalog.amazonaws.com"
)

func principalEC2() *string { return sub("ec2.${AWS::URLSuffix}") }

// roleProps describes one role. Every role of the template goes through
// newRole, so every one has the customer's path and permissions boundary.
type roleProps struct {
	Description string
	// Trust is the trust policy: an object, or text that holds one.
	Trust any
	// Managed are names of AWS managed policies.
	Managed []string
	// Attached are ARNs of managed policies of this template.
	Attached []*string
	// Policies are inline policies, or Fn::If around one.
	Policies []any
}

func newRole(s awscdk.Stack, id string, p roleProps) awsiam.CfnRole {
	props := &awsiam.CfnRoleProps{
		Description:              text(p.Description),
		AssumeRolePolicyDocument: p.Trust,
		Path:                     ref("RolePath"),
		PermissionsBoundary:      eitherText(hasBoundary, ref("PermissionsBoundaryArn"), noValue()),
		Tags:                     appTags(),
	}
	if len(p.Managed)+len(p.Attached) > 0 {
		var arns []any
		for _, m := range p.Managed {
			arns = append(arns, sub("arn:${AWS::Partition}:iam::aws:policy/"+m))
		}
		for _, arn := range p.Attached {
			arns = append(arns, arn)
		}
		props.ManagedPolicyArns = &arns
	}
	if len(p.Policies) > 0 {
		props.Policies = p.Policies
	}
	return awsiam.NewCfnRole(s, text(id), props)
}

// serviceTrust lets one AWS service assume the role.
func serviceTrust(principal *string) map[string]any {
	return policyDocument(map[string]any{
		"Effect":    "Allow",
		"Principal": map[string]any{"Service": principal},
		"Action":    "sts:AssumeRole",
	})
}

// webIdentityTrust lets one Kubernetes service account of the cluster assume
// the role. The issuer is a key in it, so the policy is text.
func webIdentityTrust(c Cluster, namespace, serviceAccount string) *string {
	return document(policyDocument(map[string]any{
		"Effect":    "Allow",
		"Principal": map[string]any{"Federated": "${OidcProvider}"},
		"Action":    "sts:AssumeRoleWithWebIdentity",
		"Condition": map[string]any{"StringEquals": map[string]any{
			"${Issuer}:aud": "sts.amazonaws.com",
			"${Issuer}:sub": "system:serviceaccount:" + namespace + ":" + serviceAccount,
		}},
	}), map[string]*string{"Issuer": c.IssuerWithoutScheme})
}

// inline is an inline policy as the template writes it, fit for Fn::If.
func inline(name string, statements ...map[string]any) map[string]any {
	return map[string]any{"PolicyName": name, "PolicyDocument": policyDocument(statements...)}
}

// inlineProperty is the same for a place without Fn::If.
func inlineProperty(name string, statements ...map[string]any) *awsiam.CfnRole_PolicyProperty {
	return &awsiam.CfnRole_PolicyProperty{PolicyName: text(name), PolicyDocument: policyDocument(statements...)}
}

func policyDocument(statements ...map[string]any) map[string]any {
	return map[string]any{"Version": policyVersion, "Statement": statements}
}

// allow is one statement. Resources are texts or token lists.
func allow(id string, actions []string, resources any) map[string]any {
	return map[string]any{"Sid": id, "Effect": "Allow", "Action": actions, "Resource": resources}
}

// when limits a statement to requests that meet the conditions, by operator.
func when(conditions, statement map[string]any) map[string]any {
	statement["Condition"] = conditions
	return statement
}

// appTags is the tag by which e6data's controllers know what is theirs.
func appTags() *[]*awscdk.CfnTag {
	return &[]*awscdk.CfnTag{tag("app", text("e6data"))}
}
