package diagnose

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/e6data/aws-quickstart/internal/policy"
	"github.com/e6data/aws-quickstart/internal/preflight"
	"github.com/e6data/aws-quickstart/internal/quickcreate"
)

// longestPrefix is how much of a stack's name the names of its functions and log
// groups surely begin with: CloudFormation cuts it where a name would be too long.
const longestPrefix = 20

// Policy is the IAM policy with which Collect reads everything of a stack of
// this name in this region, and nothing of others but names and quotas. Beside
// it an access entry of the cluster lets the caller read Kubernetes.
func Policy(stack, region string) ([]byte, error) {
	partition, err := quickcreate.Partition(region)
	if err != nil {
		return nil, err
	}
	on := func(service string, resources ...string) []string {
		arns := make([]string, 0, len(resources))
		for _, r := range resources {
			arns = append(arns, fmt.Sprintf("arn:%s:%s:%s:*:%s", partition, service, region, r))
		}
		return arns
	}
	start := stack[:min(len(stack), longestPrefix)]
	document := policy.Document([]policy.Statement{
		{
			Sid: "Stack", Actions: []string{"cloudformation:DescribeStackEvents", "cloudformation:DescribeStacks", "cloudformation:ListStackResources"},
			Resources: on("cloudformation", "stack/"+stack+"/*", "stack/"+stack+"-*"),
		},
		{Sid: "NamesOfDeletedStacks", Actions: []string{"cloudformation:ListStacks"}, Resources: []string{"*"}}, // it knows no resources
		{Sid: "Quotas", Actions: []string{"servicequotas:GetServiceQuota"}, Resources: on("servicequotas", quotaNames()...)},
		{Sid: "Functions", Actions: []string{"lambda:GetFunctionConfiguration"}, Resources: on("lambda", "function:"+start+"*")},
		{Sid: "FunctionLogs", Actions: []string{"logs:DescribeLogStreams", "logs:GetLogEvents"}, Resources: on("logs", "log-group:"+start+"*")},
		{
			Sid: "Cluster",
			Actions: []string{
				"eks:DescribeAccessEntry", "eks:DescribeAddon", "eks:DescribeCluster", "eks:ListAccessEntries", "eks:ListAddons", "eks:ListAssociatedAccessPolicies",
			},
			Resources: on("eks", "access-entry/*", "addon/*", "cluster/*"),
		},
	})
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("marshal the policy: %w", err)
	}
	return append(text, '\n'), nil
}

// quotas are those that Preflight looks at first.
var quotas = []preflight.Quota{preflight.VPCsPerRegion, preflight.GatewaysPerRegion, preflight.NATsPerZone, preflight.ElasticIPs}

func quotaNames() (names []string) {
	for _, q := range quotas {
		names = append(names, q.Service+"/"+q.Code)
	}
	return names
}

// StackName is the name in a stack's ID, and any other text as it is.
func StackName(stack string) string {
	if parts := strings.Split(stack, "/"); strings.HasPrefix(stack, "arn:") && len(parts) == 3 {
		return parts[1]
	}
	return stack
}
