package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/deployerpolicy"
	"github.com/e6data/aws-quickstart/rehearsal"
)

const (
	inEC2          = "arn:aws:ec2:{region}:{account}:"
	roleOfStack    = "arn:aws:iam::{account}:role/e6data-analytics-EngineRole-1"
	foreignRole    = "arn:aws:iam::{account}:role/admin"
	issuerHere     = "arn:aws:iam::{account}:oidc-provider/oidc.eks.{region}.amazonaws.com/id/EXAMPLE"
	adminPolicy    = "arn:aws:iam::aws:policy/AdministratorAccess"
	templateOfLife = "arn:aws:ec2:{region}:{account}:launch-template/lt-0123456789abcdef0"
)

var (
	viaStack   = keys{"aws:CalledVia": []string{"cloudformation.amazonaws.com"}}
	markedShop = hasInEC2("app", "shop")
	markedOurs = hasInEC2("app", "e6data")
)

// deployerDenials is what a deployer of any mode must not be able to do, by a
// template of his own either.
var deployerDenials = []permission{
	mayNot("a role outside the prefix", "iam:CreateRole iam:PutRolePolicy iam:DeleteRole iam:UpdateAssumeRolePolicy", foreignRole, viaStack),
	mayNot("a role of the prefix, but on another path", "iam:CreateRole iam:PutRolePolicy", "arn:aws:iam::{account}:role/ops/e6data-1", viaStack),
	mayNot("a role without CloudFormation", "iam:CreateRole iam:PutRolePolicy", roleOfStack),
	mayNot("administrator's rights for a role of the stack", "iam:AttachRolePolicy", roleOfStack, viaStack, keys{"iam:PolicyARN": adminPolicy}),
	mayNot("known policies for others' roles", "iam:AttachRolePolicy", foreignRole, viaStack, keys{"iam:PolicyARN": "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"}),
	mayNot("hand over others' roles", "iam:PassRole", foreignRole, keys{"iam:PassedToService": "lambda.amazonaws.com"}),
	mayNot("hand over the stack's roles to other services", "iam:PassRole", roleOfStack, keys{"iam:PassedToService": "cloudformation.amazonaws.com"}),
	mayNot("become a role of the stack, or another", "sts:AssumeRole", roleOfStack+" "+foreignRole),
	mayNot("make users, keys, passwords", "iam:CreateUser iam:CreateAccessKey iam:CreateLoginProfile iam:AttachUserPolicy", "arn:aws:iam::{account}:user/mallory", viaStack),
	mayNot("change others' policies", "iam:CreatePolicyVersion iam:SetDefaultPolicyVersion iam:DeletePolicy", "arn:aws:iam::{account}:policy/admins", viaStack),
	mayNot("service-linked roles of other services", "iam:CreateServiceLinkedRole", "arn:aws:iam::{account}:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot", keys{"iam:AWSServiceName": "spot.amazonaws.com"}),
	mayNot("take others' OIDC providers", "iam:DeleteOpenIDConnectProvider iam:AddClientIDToOpenIDConnectProvider", issuerHere, viaStack, has("app", "shop")),
	mayNot("mark others' OIDC providers first", "iam:TagOpenIDConnectProvider", issuerHere, asked("app", "e6data")),

	mayNot("others' stacks", "cloudformation:CreateStack cloudformation:UpdateStack cloudformation:DeleteStack cloudformation:GetTemplate", "arn:aws:cloudformation:{region}:{account}:stack/shop/1"),
	mayNot("code of others' functions", "lambda:UpdateFunctionCode lambda:InvokeFunction lambda:DeleteFunction", "arn:aws:lambda:{region}:{account}:function:shop", viaStack),
	mayNot("code of the stack's functions, without CloudFormation", "lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration", "arn:aws:lambda:{region}:{account}:function:e6data-analytics-HelmInstaller-1"),
	mayNot("let others call the functions", "lambda:AddPermission", "arn:aws:lambda:{region}:{account}:function:e6data-analytics-HelmInstaller-1", viaStack),
	mayNot("others' buckets", "s3:DeleteBucket s3:PutBucketPolicy s3:CreateBucket", "arn:aws:s3:::shop-orders"),
	mayNot("data, also the workspace's", "s3:GetObject s3:PutObject s3:DeleteObject", "arn:aws:s3:::shop-orders/1 arn:aws:s3:::e6data-analytics-workspacebucket-1/1"),
	mayNot("change the published version", "s3:PutObject s3:DeleteObject", "arn:aws:s3:::e6data-quickstart-us-east-1/0.1.0/outputs-arm64.zip"),
	mayNot("others' queues and their messages", "sqs:DeleteQueue sqs:SetQueueAttributes", "arn:aws:sqs:{region}:{account}:orders"),
	mayNot("messages", "sqs:ReceiveMessage sqs:SendMessage", "arn:aws:sqs:{region}:{account}:e6data-analytics-Queue-1"),
	mayNot("others' rules", "events:DeleteRule events:PutRule events:PutTargets", "arn:aws:events:{region}:{account}:rule/nightly"),
	mayNot("the audit trail, and its logs", "logs:DeleteLogGroup logs:PutRetentionPolicy", "arn:aws:logs:{region}:{account}:log-group:aws-cloudtrail-logs:*"),

	mayNot("others' clusters", "eks:DeleteCluster eks:UpdateClusterConfig eks:CreateAccessEntry", "arn:aws:eks:{region}:{account}:cluster/shop"),
	mayNot("their nodes", "eks:DeleteNodegroup", "arn:aws:eks:{region}:{account}:nodegroup/shop/general/1"),
	mayNot("their access", "eks:AssociateAccessPolicy", "arn:aws:eks:{region}:{account}:access-entry/shop/role/{account}/admin/1"),

	mayNot("others' VPCs", "ec2:DeleteVpc ec2:ModifyVpcAttribute", inEC2+"vpc/vpc-0123456789abcdef0", markedShop),
	mayNot("others' subnets and routes", "ec2:DeleteSubnet ec2:ModifySubnetAttribute", inEC2+"subnet/subnet-0123456789abcdef0", markedShop),
	mayNot("others' routes", "ec2:CreateRoute ec2:ReplaceRoute ec2:DeleteRouteTable", inEC2+"route-table/rtb-0123456789abcdef0", markedShop),
	mayNot("open others' security groups", "ec2:AuthorizeSecurityGroupIngress ec2:DeleteSecurityGroup", inEC2+"security-group/sg-0123456789abcdef0", markedShop),
	mayNot("mark others' things as e6data's", "ec2:CreateTags", inEC2+"vpc/vpc-0123456789abcdef0", markedShop, asked("app", "e6data")),
	mayNot("make things without the mark", "ec2:CreateVpc", inEC2+"vpc/*"),
	mayNot("release others' addresses", "ec2:ReleaseAddress", inEC2+"elastic-ip/eipalloc-0123456789abcdef0", markedShop),
	mayNot("machines that no launch template describes", "ec2:RunInstances", inEC2+"instance/*"),
	mayNot("machines of others' launch templates", "ec2:RunInstances", templateOfLife, markedShop),
	mayNot("the end of machines and disks", "ec2:TerminateInstances", inEC2+"instance/i-0123456789abcdef0", markedOurs),
	mayNot("snapshots for others", "ec2:ModifySnapshotAttribute", "arn:aws:ec2:{region}::snapshot/snap-0123456789abcdef0"),

	mayNot("secrets", "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:{region}:{account}:secret:db-AbCdEf"),
	mayNot("keys", "kms:Decrypt kms:CreateGrant kms:ScheduleKeyDeletion", "arn:aws:kms:{region}:{account}:key/00000000-0000-0000-0000-000000000000"),
	mayNot("databases", "rds:DeleteDBInstance", "arn:aws:rds:{region}:{account}:db:orders"),
}

// deployerBounds is what a boundary denies besides.
var deployerBounds = []permission{
	mayNot("a role without the boundary", "iam:CreateRole iam:PutRolePolicy", roleOfStack, viaStack),
	mayNot("a role with another boundary", "iam:CreateRole", roleOfStack, viaStack, keys{"iam:PermissionsBoundary": adminPolicy}),
	mayNot("take the boundary off", "iam:DeleteRolePermissionsBoundary", roleOfStack, viaStack, keys{"iam:PermissionsBoundary": boundaryARN}),
	mayNot("roles of other accounts and regions", "lambda:CreateFunction", "arn:aws:lambda:eu-west-1:{account}:function:e6data-x", viaStack),
	may("a role within the boundary", "iam:CreateRole", roleOfStack, viaStack, keys{"iam:PermissionsBoundary": boundaryARN}),
}

const boundaryARN = "arn:aws:iam::" + account + ":policy/boundary"

// deployerRights must be allowed, or the table would hold for no rights at all.
var deployerRights = []permission{
	may("its own stacks", "cloudformation:CreateStack cloudformation:DeleteStack", "arn:aws:cloudformation:{region}:{account}:stack/e6data-analytics/1"),
	may("its own functions", "lambda:UpdateFunctionCode", "arn:aws:lambda:{region}:{account}:function:e6data-analytics-HelmInstaller-1", viaStack),
	may("its own queues", "sqs:DeleteQueue", "arn:aws:sqs:{region}:{account}:e6data-analytics-Queue-1"),
	may("its own roles for Lambda", "iam:PassRole", roleOfStack, keys{"iam:PassedToService": "lambda.amazonaws.com"}),
}

// The generated policies are not too much.
func TestTheDeployersPoliciesAreNotTooMuch(t *testing.T) {
	t.Parallel()
	d := start(t, "")
	w := &permissionWorld{deployment: d, fill: strings.NewReplacer("{account}", account, "{region}", d.Region)}
	denials := w.rows(deployerDenials)
	if len(deployerDenials) < 30 {
		t.Errorf("only %d rows", len(deployerDenials))
	}
	t.Logf("%d rows, %d questions", len(deployerDenials), len(denials))
	bounded := deployerpolicy.Settings{Account: account, Region: d.Region, PermissionsBoundary: boundaryARN}
	for _, c := range []struct {
		name, mode string
		settings   deployerpolicy.Settings
		rows       []permission
	}{
		{"new-vpc", contract.ModeNewVPC, deployerpolicy.Settings{}, slices.Concat(denials, w.rows(deployerRights))},
		{"existing-vpc", contract.ModeExistingVPC, deployerpolicy.Settings{}, slices.Concat(denials, w.rows(deployerRights))},
		{"existing-eks", contract.ModeExistingEKS, deployerpolicy.Settings{}, slices.Concat(denials, w.rows(deployerRights))},
		{"bounded", contract.ModeNewVPC, bounded, slices.Concat(denials, w.rows(deployerBounds))},
	} {
		role, clients, err := d.DeployerNamed(t.Context(), "deployer-"+c.name, deployerPolicies(t, c.mode, c.settings))
		if err != nil {
			t.Fatal(err)
		}
		t.Run(c.name, func(t *testing.T) {
			w.judgeRows(t, role, c.rows)
			callAsDeployer(t, clients)
		})
	}
}

// callAsDeployer makes real calls that must be refused.
func callAsDeployer(t *testing.T, c *rehearsal.Clients) {
	t.Helper()
	trust := aws.String(`{"Version":"2012-10-17","Statement":[]}`)
	template := aws.String(`{"Resources":{"U":{"Type":"AWS::IAM::User"}}}`)
	for what, call := range map[string]func() error{
		"a role of its own prefix": func() error {
			_, err := c.IAM.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("e6data-mine"), AssumeRolePolicyDocument: trust})
			return err
		},
		"a user": func() error {
			_, err := c.IAM.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("mallory")})
			return err
		},
		"a foreign stack": func() error {
			_, err := c.CloudFormation.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: aws.String("shop"), TemplateBody: template})
			return err
		},
		"a foreign bucket": func() error {
			_, err := c.S3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("shop-orders")})
			return err
		},
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), "AccessDenied") && !strings.Contains(err.Error(), "not authorized") {
			t.Errorf("%s: %v, want a denial", what, err)
		}
	}
}
