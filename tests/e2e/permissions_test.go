package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/e6data/aws-quickstart/rehearsal"
)

// permission is a row of a role's table: what it may do, or may not.
//
// A row is a question that AWS would ask of a call: an action on a resource,
// with the condition keys that the call has. IAM's simulation answers it, in
// the embedded AWS by the same judgement that every call meets; it refuses
// questions that no call can ask. Its second part makes real calls.
type permission struct {
	allowed bool
	why     string // what the role does with it, or why it must not
	actions string // separated by spaces
	on      string // resources, separated by spaces; {names} are the stack's
	keys    keys
}

// keys are condition keys of a call: text, or a list of texts.
type keys map[string]any

func may(why, actions, on string, k ...keys) permission {
	return permission{true, why, actions, on, joined(k)}
}

func mayNot(why, actions, on string, k ...keys) permission {
	return permission{false, why, actions, on, joined(k)}
}

func joined(all []keys) keys {
	out := keys{}
	for _, k := range all {
		maps.Copy(out, k)
	}
	return out
}

// asked are the keys of tags in a request, as names and values in turn.
func asked(tags ...string) keys {
	k, names := keys{}, []string{}
	for i := 0; i < len(tags); i += 2 {
		k["aws:RequestTag/"+tags[i]] = tags[i+1]
		names = append(names, tags[i])
	}
	k["aws:TagKeys"] = names
	return k
}

// has are the keys of tags that a resource has.
func has(tags ...string) keys { return tagged("aws", tags) }

// hasInEC2 are the same by both names that EC2 gives them.
func hasInEC2(tags ...string) keys { return joined([]keys{tagged("aws", tags), tagged("ec2", tags)}) }

func tagged(service string, tags []string) keys {
	k := keys{}
	for i := 0; i < len(tags); i += 2 {
		k[service+":ResourceTag/"+tags[i]] = tags[i+1]
	}
	return k
}

// permissionTables are the tables, by the role's logical ID.
var permissionTables = map[string][]permission{
	"CrossAccountRole":           crossAccountPermissions,
	"EngineRole":                 enginePermissions,
	"KarpenterControllerRole":    karpenterPermissions,
	"LoadBalancerControllerRole": loadBalancerPermissions,
	"HelmInstallerRole":          helmInstallerPermissions,
	"OutputsFunctionRole":        outputsPermissions,
	"EbsCsiRole":                 ebsCsiPermissions,
	"VpcCniRole":                 vpcCniPermissions,
}

// awsRoles have nothing but policies of AWS that EKS names for them, and are of
// AWS's own services: their policies are AWS's to test.
var awsRoles = []string{"ClusterRole", "NodeRole", "KarpenterNodeRole"}

// forNobody is what no role of the stack may do: a way to more rights, a look
// into other data, or the end of what it does not own.
var forNobody = []permission{
	mayNot("no role makes roles", "iam:CreateRole iam:PutRolePolicy iam:AttachRolePolicy iam:UpdateAssumeRolePolicy iam:DeleteRole", "arn:aws:iam::{account}:role/anything"),
	mayNot("nor hands over a stranger's", "iam:PassRole", "arn:aws:iam::{account}:role/anything", keys{"iam:PassedToService": "ec2.amazonaws.com"}),
	mayNot("nor becomes one", "sts:AssumeRole", "arn:aws:iam::{account}:role/anything"),
	mayNot("nor gets keys of its own", "iam:CreateAccessKey iam:CreateLoginProfile", "arn:aws:iam::{account}:user/anybody"),
	mayNot("others' objects", "s3:GetObject s3:PutObject s3:DeleteObject", "arn:aws:s3:::somebody-elses/key"),
	mayNot("others' buckets", "s3:ListBucket s3:DeleteBucket s3:PutBucketPolicy", "arn:aws:s3:::somebody-elses"),
	mayNot("the workspace bucket itself", "s3:DeleteBucket s3:PutBucketPolicy s3:PutLifecycleConfiguration s3:PutEncryptionConfiguration s3:PutBucketPublicAccessBlock", "arn:aws:s3:::{bucket}"),
	mayNot("who read what", "s3:DeleteObject s3:PutObject s3:GetObject", "arn:aws:s3:::{logs}/workspace-bucket/1"),
	mayNot("secrets", "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:{region}:{account}:secret:db-AbCdEf"),
	mayNot("settings", "ssm:GetParameter ssm:PutParameter", "arn:aws:ssm:{region}:{account}:parameter/prod/db"),
	mayNot("tables", "dynamodb:GetItem dynamodb:Scan dynamodb:DeleteTable", "arn:aws:dynamodb:{region}:{account}:table/orders"),
	mayNot("databases", "rds:DeleteDBInstance", "arn:aws:rds:{region}:{account}:db:orders"),
	mayNot("other keys", "kms:Decrypt kms:ScheduleKeyDeletion", "arn:aws:kms:{region}:{account}:key/00000000-0000-0000-0000-000000000000"),
	mayNot("code of functions", "lambda:UpdateFunctionCode lambda:InvokeFunction", "arn:aws:lambda:{region}:{account}:function:anything"),
	mayNot("the cluster's settings", "eks:UpdateClusterConfig eks:DeleteCluster eks:CreateAccessEntry", "arn:aws:eks:{region}:{account}:cluster/{cluster}"),
	mayNot("another cluster", "eks:DescribeCluster", "arn:aws:eks:{region}:{account}:cluster/another"),
	mayNot("a cluster elsewhere", "eks:DescribeCluster", "arn:aws:eks:eu-west-1:{account}:cluster/{cluster}"),
	mayNot("others' instances", "ec2:TerminateInstances", "arn:aws:ec2:{region}:{account}:instance/i-0123456789abcdef0"),
	mayNot("others' volumes", "ec2:DeleteVolume ec2:DetachVolume", "arn:aws:ec2:{region}:{account}:volume/vol-0123456789abcdef0"),
	mayNot("the network", "ec2:DeleteVpc", "arn:aws:ec2:{region}:{account}:vpc/{vpc}"),
	mayNot("the audit trail", "logs:DeleteLogGroup", "arn:aws:logs:{region}:{account}:log-group:/aws/eks/{cluster}/cluster"),
	mayNot("this stack", "cloudformation:DeleteStack cloudformation:UpdateStack", "arn:aws:cloudformation:{region}:{account}:stack/quickstart/1"),
}

// permissionWorld is a stack whose roles are asked.
type permissionWorld struct {
	*deployment
	stack    *rehearsal.Stack
	fill     *strings.Replacer
	roles    map[string]string // ARNs by logical ID
	physical map[string]string // IDs by logical ID
}

const controlPlaneRole = "control-plane"

// newPermissionWorld creates the stack with everything that gives a role more:
// Glue's writes, charts in a bucket, a KMS key of the customer's.
func newPermissionWorld(t *testing.T) *permissionWorld {
	t.Helper()
	d := start(t, "")
	s := d.stack(t)
	key := d.newKey(t)
	w := &permissionWorld{deployment: d, stack: s, roles: map[string]string{}}
	w.makeRole(t, controlPlaneRole)
	d.snapshot(t) // the key and the role are not the stack's
	answers := d.parameters(map[string]string{"GlueAccess": "ReadWrite", "KmsKeyArn": key, "ControlPlanePrincipalArn": "arn:aws:iam::" + account + ":role/" + controlPlaneRole})
	if err := s.Create(t.Context(), answers); err != nil {
		t.Fatal(err)
	}
	resources, err := s.Resources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.physical = resources
	outputs := checkOutputs(t, s)
	cluster, err := d.clients.EKS.DescribeCluster(t.Context(), &eks.DescribeClusterInput{Name: aws.String(outputs["ClusterName"])})
	if err != nil {
		t.Fatal(err)
	}
	names := []string{
		"{nodeGroup}", *cluster.Cluster.ResourcesVpcConfig.ClusterSecurityGroupId,
		"{account}", account, "{region}", d.Region, "{artifacts}", d.bucket, "{charts}", d.version + "/charts",
		"{bucket}", resources["WorkspaceBucket"], "{logs}", resources["LogBucket"], "{cluster}", outputs["ClusterName"], "{vpc}", outputs["VpcId"],
		"{key}", key, "{stack}", s.ID(), "{externalId}", outputs["ExternalId"], "{queue}", "arn:aws:sqs:" + d.Region + ":" + account + ":" + lastOf(resources["KarpenterInterruptionQueue"]),
	}
	for id, r := range committed(t, "quickstart.yaml").Resources {
		switch r.Type {
		case "AWS::IAM::Role":
			w.roles[id] = "arn:aws:iam::" + account + ":role/" + resources[id]
			names = append(names, "{"+id+"}", w.roles[id])
		case "AWS::Logs::LogGroup":
			names = append(names, "{"+id+"}", "arn:aws:logs:"+d.Region+":"+account+":log-group:"+resources[id])
		}
	}
	w.fill = strings.NewReplacer(names...)
	return w
}

func lastOf(path string) string { return path[strings.LastIndex(path, "/")+1:] }

// TestPermissions holds each role to its table and each table to its role, and
// makes real calls with the roles: on one stack, which the last of them deletes.
func TestPermissions(t *testing.T) {
	t.Parallel()
	w := newPermissionWorld(t)
	t.Run("tables", w.judgeTables)
	t.Run("calls", w.callAsEverybody)
}

// Parts of a table that an ordinary run judges.
const (
	sampledRows    = 25
	sampledMutants = 12
)

func (w *permissionWorld) judgeTables(t *testing.T) {
	for id := range w.roles {
		if _, ok := permissionTables[id]; !ok && !slices.Contains(awsRoles, id) {
			t.Errorf("role %s of the template has no table of permissions", id)
		}
	}
	denied := 0
	for _, id := range slices.Sorted(maps.Keys(permissionTables)) {
		role, ok := w.roles[id]
		if !ok {
			t.Errorf("there is a table for %s, which is no role of the template", id)
			continue
		}
		rows := w.rows(slices.Concat(permissionTables[id], forNobody))
		for _, r := range rows {
			if !r.allowed {
				denied++
			}
		}
		t.Run(id, func(t *testing.T) {
			w.judgeRows(t, role, sample(t, rows, sampledRows))
			w.judgeGrants(t, role, rows)
		})
	}
	t.Logf("%d denied rows", denied)
	if denied < 60 {
		t.Errorf("only %d denied rows", denied)
	}
}

// rows are the questions of a table: one action on one resource each.
func (w *permissionWorld) rows(table []permission) []permission {
	var out []permission
	for _, p := range table {
		filled := keys{}
		for name, v := range p.keys {
			switch x := v.(type) {
			case string:
				v = w.fill.Replace(x)
			case []string:
				names := make([]string, 0, len(x))
				for _, name := range x {
					names = append(names, w.fill.Replace(name))
				}
				v = names
			}
			filled[w.fill.Replace(name)] = v
		}
		for action := range strings.FieldsSeq(p.actions) {
			for on := range strings.FieldsSeq(p.on) {
				out = append(out, permission{p.allowed, p.why, action, w.fill.Replace(on), filled})
			}
		}
	}
	return out
}

func (p permission) String() string {
	return fmt.Sprintf("%s: %s on %s with %v", p.why, p.actions, p.on, p.keys)
}

// context is a row's keys as the API takes them.
func (p permission) context() []types.ContextEntry {
	var entries []types.ContextEntry
	for name, v := range p.keys {
		e := types.ContextEntry{ContextKeyName: aws.String(name), ContextKeyType: types.ContextKeyTypeEnumString}
		switch v := v.(type) {
		case []string:
			e.ContextKeyValues, e.ContextKeyType = v, types.ContextKeyTypeEnumStringList
		case string:
			e.ContextKeyValues = []string{v}
		}
		entries = append(entries, e)
	}
	return entries
}

func (w *permissionWorld) judgeRows(t *testing.T, role string, rows []permission) {
	t.Helper()
	for _, r := range rows {
		out, err := w.clients.IAM.SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{
			PolicySourceArn: &role, ActionNames: []string{r.actions}, ResourceArns: []string{r.on}, ContextEntries: r.context(),
		})
		if err != nil {
			t.Errorf("%s: %v", r, err)
			continue
		}
		decision := out.EvaluationResults[0].EvalDecision
		if got := decision == types.PolicyEvaluationDecisionTypeAllowed; got != r.allowed {
			t.Errorf("%s: %s", r, decision)
		}
	}
}
