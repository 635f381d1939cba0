package stack

import (
	"fmt"
	"slices"
)

// answer is what a user of the catalog may answer to one parameter of a
// product, and why. A user has no rights in the account but by what a product
// makes; an answer that would give him some is the administrator's.
type answer struct {
	parameter string
	// pin is the one answer that is taken, with placeholders of the catalog's
	// template; what is not pinned is free within the product's own patterns.
	pin *string
	// among names the catalog's parameter whose list has the answers taken, each
	// element of a list by itself.
	among string
	list  bool // of the product's parameter
	why   string
}

// decisions are those on all parameters of all products.
func decisions() []answer {
	return slices.Concat(pinnedAnswers(), listedAnswers(), freeAnswers())
}

// pinnedAnswers have one value: that of the catalog's parameter of the same
// name, or the one named here.
func pinnedAnswers() []answer {
	same := func(name, why string) answer { return answer{parameter: name, pin: new("${" + name + "}"), why: why} }
	fixed := func(name, value, why string) answer { return answer{parameter: name, pin: &value, why: why} }
	return []answer{
		same("ChartSource", "a chart runs with the rights of the cluster's administrator"),
		same("ImageRegistry", "the controllers' images run with the rights of their roles"),
		same("Version", "the functions' code runs with the rights of their roles, and the nested template with those of the launch role"),
		same("ArtifactBucket", "as for Version"),
		same("PermissionsBoundaryArn", "roles are made within the catalog's boundary only"),
		same("RolePath", "the launch role's rights end at this path"),
		same("ControlPlanePrincipalArn", "it may assume the cross-account role"),
		same("AdminPrincipalArn", "it becomes administrator of the cluster"),
		same("CallbackUrl", "it is told the external ID and a proof of the account"),
		same("GlueAccess", "ReadWrite changes tables of the account's data catalog"),
		same("KmsKeyArn", "roles of the workspace may decrypt with it"),
		fixed("ConsoleHost", consoleHost, "the link in the outputs carries the external ID to it"),
		fixed("ClusterName", "", "the launch role may make clusters of the default's name only, e6data-<workspace name>"),
		fixed("KarpenterNamespace", "kube-system", "who may start pods in that namespace has the rights of Karpenter's role"),
		fixed("LoadBalancerControllerNamespace", "kube-system", "as for KarpenterNamespace"),
		fixed("ClusterAdminRoleArn", "", "the installer could assume a role that the user names"),
		fixed("AllowAuthModeChange", "No", "who administers a cluster decides how people get in to it"),
		fixed("KarpenterControllerRoleName", "", "a role that the user names would get a policy"),
	}
}

// listedAnswers are of a list that the administrator gives.
func listedAnswers() []answer {
	return []answer{
		{parameter: "DataBucketNames", among: "DataBucketNames", list: true, why: "the query engine reads these buckets for the user"},
		{parameter: "VpcId", among: "VpcIds", why: "subnets, routes and a cluster are made in that network"},
		{parameter: "ExistingClusterName", among: "ExistingClusterNames", why: "the installer becomes administrator of that cluster"},
	}
}

// freeAnswers give nobody a right.
func freeAnswers() []answer {
	free := func(why string, names ...string) []answer {
		out := make([]answer, len(names))
		for i, name := range names {
			out[i] = answer{parameter: name, why: why}
		}
		return out
	}
	return slices.Concat(
		free("a name of the workspace's own", "WorkspaceName", "KubernetesNamespace"),
		free("lets e6data's support, nobody else, look at pods and logs", "DebugNamespaces"),
		free("addresses and zones", "VpcCidr", "ExcludedAvailabilityZones", "AdditionalAvailabilityZones", "NatGateways"),
		free("subnets of a VPC or cluster that the administrator lists; others are refused", "PrivateSubnetIds", "PublicSubnetIds"),
		free("who reaches the endpoint has no right on the cluster by that", "EndpointPublicAccessCidrs"),
		free("versions, logs and protection of the cluster", "KubernetesVersion", "ClusterSupportPolicy", "ClusterAuthenticationMode", "ClusterDeletionProtection",
			"ClusterLogTypes", "LogRetentionDays", "VpcCniWarmTargets"),
		free("sizes and prices of nodes", "NodeGroupCapacityType", "NodeInstanceFamilies", "NodeArchitectures", "NodeCapacityTypes", "NodePoolCpuLimit", "NodeDiskGiB"),
		free("a version that AWS or e6data publishes, from a source that is pinned", "NodeAmiVersion", "WorkspaceChartVersion", "KarpenterVersion",
			"LoadBalancerControllerVersion", "FunctionArchitecture"),
		free("the template refuses tags that mean something to a controller", "NodeTags"),
		free("secret or not, it lets in nobody but the pinned control plane", "ExternalId"),
		free("all goes through it under TLS", "HttpsProxy", "NoProxy"),
		free("on a cluster that the administrator lists, into a pinned namespace", "KarpenterOnCluster", "LoadBalancerControllerOnCluster"),
	)
}

// decided is the decision on a parameter. It panics without one, as constructs
// do: a new parameter is no user's before somebody has thought of it.
func decided(parameter string) answer {
	all := decisions()
	i := slices.IndexFunc(all, func(a answer) bool { return a.parameter == parameter })
	if i < 0 {
		panic(fmt.Errorf("parameter %s: cdk/stack/catalog_answers.go does not say whether a user of the catalog may answer it", parameter))
	}
	return all[i]
}

// assertion is the template constraint's rule on the answer; nil: it is free.
func (a answer) assertion() map[string]any {
	given := map[string]any{"Ref": a.parameter}
	var assert map[string]any
	var told string
	switch {
	case a.pin != nil:
		assert = map[string]any{"Fn::Equals": []any{given, *a.pin}}
		told = fmt.Sprintf("%s must be '%s'.", a.parameter, *a.pin)
	case a.list:
		assert = map[string]any{"Fn::EachMemberIn": []any{given, raw("Json" + a.among)}}
		told = fmt.Sprintf("%s: only ${Text%s}.", a.parameter, a.among)
	case a.among != "":
		assert = map[string]any{"Fn::Contains": []any{raw("Json" + a.among), given}}
		told = fmt.Sprintf("%s must be one of ${Text%s}.", a.parameter, a.among)
	default:
		return nil
	}
	return map[string]any{"Assertions": []any{map[string]any{"Assert": assert, "AssertDescription": told}}}
}

// constraintRules are the rules of a product with these parameters, as the text
// that Service Catalog adds to the template's own rules.
func constraintRules(groups []parameterGroup, boundary *string) *string {
	rules := map[string]any{}
	variables := map[string]*string{}
	for _, g := range groups {
		for _, p := range g.Parameters {
			a := decided(p.Name)
			if rule := a.assertion(); rule != nil {
				rules["Catalog"+p.Name] = rule
			}
			if a.among != "" {
				variables["Json"+a.among] = jsonList(listRef(a.among))
				variables["Text"+a.among] = joinList(", ", listRef(a.among))
			}
			if p.Name == "PermissionsBoundaryArn" {
				variables[p.Name] = boundary
			}
		}
	}
	return document(rules, variables)
}
