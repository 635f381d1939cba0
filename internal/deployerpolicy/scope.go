package deployerpolicy

import (
	"maps"
	"strings"

	"github.com/e6data/aws-quickstart/internal/policy"
)

// purpose is what a statement is for; the order is that of the policies.
type purpose struct{ sid, why string }

var purposes = []purpose{
	{"StartStacks", "look at templates and at the list of stacks, which is judged on no stack"},
	{"ManageOwnStacks", "create, watch, update and delete stacks of this prefix, and those nested in them"},
	{"ReadVersion", "read the version's templates and the functions' code"},
	{"InvokeOwnFunctions", "let CloudFormation call the functions of the stack's custom resources"},
	{"ReadOwnFunctions", "look at the functions"},
	{"ManageOwnFunctions", "make, change and delete the functions, through CloudFormation only: their code has the rights of their roles"},
	{"ReadLogGroups", "find log groups, which is judged on none"},
	{"ManageOwnLogGroups", "the log groups of the functions and of the cluster"},
	{"ManageOwnQueues", "the queue that tells Karpenter of interruptions"},
	{"ManageOwnRules", "the rules that fill that queue"},
	{"ManageOwnBuckets", "the workspace bucket and the bucket of its access log; not their objects"},
	{"ReadNetworks", "find network parts: EC2 judges its descriptions on no resource"},
	{"MakeMarkedNetwork", "make network parts and the nodes' launch template, marked app=e6data from the start"},
	{"MarkWhatIsMade", "give that mark, and the names, in the request that makes them"},
	{"ChangeMarkedNetwork", "change, join and delete what has that mark, and nothing else"},
	{"BuildInGivenVpc", "make subnets, route tables, a security group, an endpoint in the given VPC"},
	{"OpenClusterToInstaller", "let the installer's security group in to the cluster's own one"},
	{"TryMarkedLaunchTemplate", "EKS tries the launch template with the caller's rights: only one that has the mark"},
	{"TryLaunchFromTemplate", "what that try would launch, from a launch template only"},
	{"TryTagsOfLaunch", "the tags that the launch template gives to what it launches"},
	{"MakeMarkedCluster", "make a cluster, marked app=e6data: EKS judges this on no resource"},
	{"ManageOwnClusters", "clusters of this prefix, their nodes, add-ons and access entries"},
	{"MakeServiceLinkedRoles", "EKS's own roles, which it makes with the caller's rights in a new account"},
	{"UseKey", "encrypt the cluster's secrets with the given key"},
	{"ReadOwnRoles", "read the stack's roles, policies and profiles"},
	{"ManageOwnRoles", "make, fill and delete the stack's roles, within the boundary if there is one, through CloudFormation only"},
	{"TagOwnRoles", "their tags"},
	{"AttachKnownPolicies", "attach policies of AWS that the template names, and the stack's own; no others"},
	{"PassOwnRoles", "hand the stack's roles to the services that use them"},
	{"ManageOwnPolicies", "Karpenter's policies, through CloudFormation only"},
	{"ManageOwnProfiles", "the nodes' instance profile, through CloudFormation only"},
	{"ReadOidcProviders", "read OIDC providers"},
	{"MakeMarkedOidcProvider", "make the cluster's OIDC provider, marked app=e6data, through CloudFormation only"},
	{"ChangeMarkedOidcProvider", "change and delete the provider that has that mark, through CloudFormation only"},
	{"LetTheirKarpenterPassNodeRole", "one inline policy of the role of the cluster's own Karpenter"},
}

// grant is what a use is allowed on, in the statement of that Sid. One without
// a Sid is left out on purpose.
type grant struct {
	sid       string
	resources []string
	condition policy.Condition
}

// leftOut is the grant of what a deployer must not be able to do.
var leftOut = grant{}

// The mark of all that is e6data's.
const markKey, markValue = "app", "e6data"

var (
	whenMarking = policy.Condition{"StringEquals": {"aws:RequestTag/" + markKey: {markValue}}}
	whenMarked  = policy.Condition{"StringEquals": {"aws:ResourceTag/" + markKey: {markValue}}}
	// A direct call does not have the key; those that CloudFormation makes for
	// its caller do (IAM User Guide, "aws:CalledVia").
	viaCloudFormation = policy.Condition{"ForAnyValue:StringEquals": {"aws:CalledVia": {"cloudformation.amazonaws.com"}}}
)

func both(conditions ...policy.Condition) policy.Condition {
	out := policy.Condition{}
	for _, c := range conditions {
		for operator, keys := range c {
			if out[operator] == nil {
				out[operator] = map[string][]string{}
			}
			maps.Copy(out[operator], keys)
		}
	}
	return out
}

// scopes gives each use its limits.
type scopes struct {
	inventory
	Settings
	facts facts
}

func newScopes(i inventory, s Settings, f facts) scopes { return scopes{i, s, f} }

// of is the grant of a use; false if there is no rule for it.
func (s scopes) of(u use) (grant, bool) {
	switch serviceOf(u.action) {
	case "cloudformation":
		return s.stacks(u)
	case "ec2":
		return s.network(u)
	case "eks":
		return s.clusters(u)
	case "iam":
		return s.identity(u)
	case "s3":
		return s.storage(u)
	case "kms":
		return s.key()
	}
	return s.named(u)
}

func on(sid string, condition policy.Condition, resources ...string) (grant, bool) {
	return grant{sid, resources, condition}, true
}

func (s scopes) stacks(u use) (grant, bool) {
	switch u.kind {
	case "":
		return on("StartStacks", nil, anything)
	case "stack":
		return on("ManageOwnStacks", nil, s.arn("cloudformation", "stack/"+s.StackNamePrefix+"*/*"))
	}
	return grant{}, false
}

// storage: CloudFormation writes a bucket's name in lower case.
func (s scopes) storage(u use) (grant, bool) {
	arn := "arn:" + s.Partition + ":s3:::"
	switch u.kind {
	case "object":
		return on("ReadVersion", nil, arn+s.ArtifactBucket+"/*")
	case "bucket":
		return on("ManageOwnBuckets", nil, arn+strings.ToLower(s.StackNamePrefix)+anything)
	}
	return grant{}, false
}

func (s scopes) key() (grant, bool) {
	if s.KmsKeyArn == "" {
		return leftOut, true
	}
	return on("UseKey", nil, s.KmsKeyArn)
}

// named is what goes by the names that CloudFormation gives.
func (s scopes) named(u use) (grant, bool) {
	own := s.StackNamePrefix + anything
	switch {
	case u.action == "lambda:InvokeFunction":
		return on("InvokeOwnFunctions", nil, s.arn("lambda", "function:"+own))
	case u.kind == "function" && reads(u.action):
		return on("ReadOwnFunctions", nil, s.arn("lambda", "function:"+own))
	case u.kind == "function":
		return on("ManageOwnFunctions", viaCloudFormation, s.arn("lambda", "function:"+own))
	case u.action == "logs:DescribeLogGroups", serviceOf(u.action) == "logs" && u.kind == "":
		return on("ReadLogGroups", nil, anything)
	case u.kind == "log-group":
		return on("ManageOwnLogGroups", nil, s.logGroups(own)...)
	case u.kind == "queue":
		return on("ManageOwnQueues", nil, s.arn("sqs", own))
	case u.kind == "rule-on-default-event-bus":
		return on("ManageOwnRules", nil, s.arn("events", "rule/"+own))
	}
	return grant{}, false
}

// logGroups end in *: the ARN of a group, in most of its actions, has :* or a
// stream behind it.
func (s scopes) logGroups(own string) []string {
	var out []string
	for _, name := range s.names("AWS::Logs::LogGroup", "LogGroupName", own, s.Settings) {
		out = append(out, s.arn("logs", "log-group:"+strings.TrimSuffix(name, anything)+anything))
	}
	return out
}

func (s scopes) clusters(u use) (grant, bool) {
	own := s.ClusterNamePrefix + anything
	switch u.kind {
	case "":
		if !s.facts.takes(u.action, "", "aws:RequestTag/"+markKey) {
			return grant{}, false
		}
		return on("MakeMarkedCluster", whenMarking, anything)
	case "cluster":
		return on("ManageOwnClusters", nil, s.arn("eks", "cluster/"+own))
	case "access-entry", "addon", "nodegroup", "podidentityassociation":
		return on("ManageOwnClusters", nil, s.arn("eks", u.kind+"/"+own))
	}
	return grant{}, false
}
