package preflight

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// A new cluster.
var (
	clusterNameTaken = &Kind{
		ID:   "cluster-name-taken",
		What: "there is an EKS cluster of this name already",
		Do: "Give another ClusterName (or WorkspaceName, from which it is made), or delete that cluster; " +
			"to use it as it is, launch templates/existing-eks.yaml",
	}
	logGroupExists = &Kind{
		ID:   "cluster-log-group-exists",
		What: "the log group of the cluster to be made exists already",
		Do: "Keep its logs if you need them, then delete it: aws logs delete-log-group --log-group-name {group}. " +
			"Or give another ClusterName",
	}
)

// The customer's own cluster.
var (
	clusterMissing = &Kind{
		ID:   "cluster-missing",
		What: "there is no EKS cluster of this name in this region",
		Do:   "Correct ExistingClusterName, or launch in the cluster's region: aws eks list-clusters names them",
	}
	clusterNotActive = &Kind{
		ID:   "cluster-not-active",
		What: "the cluster is not ACTIVE",
		Do:   "Wait until it is, or repair it, and launch again",
	}
	clusterVersionUnsupported = &Kind{
		ID:   "cluster-version-unsupported",
		What: "EKS does not support the cluster's Kubernetes version any more",
		Do:   "Update the cluster to a version that is supported, one version at a time, and launch again",
	}
	clusterWithoutIssuer = &Kind{
		ID:   "cluster-without-oidc-issuer",
		What: "the cluster has no OIDC issuer, so its service accounts cannot have IAM roles",
		Do:   "Update the cluster to a current platform version, which has one",
	}
	clusterOutOfReach = &Kind{
		ID:   "cluster-endpoint-out-of-reach",
		What: "this stack's functions cannot reach the cluster's API",
		Do: "Switch on its private endpoint: aws eks update-cluster-config --name {cluster} --resources-vpc-config endpointPrivateAccess=true. " +
			"Or let in the addresses from which its VPC reaches the internet",
	}
	clusterByMap = &Kind{
		ID:   "cluster-access-by-aws-auth",
		What: "the cluster lets people and roles in by the ConfigMap aws-auth only",
		Do: "Give ClusterAdminRoleArn, a role that is in the map already; or AllowAuthModeChange=Yes; or map the role {role} there before the launch. " +
			"Whether it is mapped only the cluster can tell: the launch goes on and finds out",
		Note: true,
	}
)

// checkClusterName looks whether a cluster can get its name. CloudFormation
// makes its log group, so that cannot be there either.
func checkClusterName(f Facts) []Problem {
	if !f.makesCluster() || f.Update {
		return nil
	}
	var out []Problem
	name := f.Answers.ClusterName
	if c := f.Cluster; c != nil && c.Found && c.Stack != f.Place.StackID {
		why := fmt.Sprintf("it is %s, has Kubernetes %s, and no CloudFormation stack made it", c.Status, c.Version)
		if c.Stack != "" {
			why = fmt.Sprintf("it is %s, has Kubernetes %s, and belongs to the stack %s", c.Status, c.Version, c.Stack)
		}
		out = append(out, Problem{Kind: clusterNameTaken, On: "ClusterName " + name, Why: why})
	}
	if f.LogGroup != nil && *f.LogGroup && (f.Cluster == nil || !f.Cluster.Found) {
		out = append(out, Problem{
			Kind: logGroupExists, On: LogGroup(name), Fill: []string{"group", LogGroup(name)},
			Why: "an earlier cluster of the name left it: EKS makes it again when the last lines come after its deletion",
		})
	}
	return out
}

// LogGroup is the log group of a cluster's control plane
// (https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html).
func LogGroup(cluster string) string { return "/aws/eks/" + cluster + "/cluster" }

// checkExistingCluster looks whether the customer's cluster is fit.
func checkExistingCluster(f Facts) []Problem {
	c := f.Cluster
	if f.makesCluster() || f.Update || c == nil {
		return nil
	}
	on := "ExistingClusterName " + f.Answers.ClusterName
	if !c.Found {
		return []Problem{{Kind: clusterMissing, On: on, Why: "EKS knows none in " + f.Place.Region}}
	}
	var out []Problem
	if c.Status != "ACTIVE" && c.Status != "UPDATING" {
		out = append(out, Problem{Kind: clusterNotActive, On: on, Why: "it is " + c.Status})
	}
	if v, known := f.version(c.Version); f.Versions != nil && (!known || v.Status == statusUnsupported) {
		out = append(out, Problem{
			Kind: clusterVersionUnsupported, On: on,
			Why: "it has Kubernetes " + c.Version + ", supported are " + strings.Join(f.offered(), ", "),
		})
	}
	if c.Issuer == "" {
		out = append(out, Problem{Kind: clusterWithoutIssuer, On: on})
	}
	return out
}

// checkWayIn tells what a cluster of the mode CONFIG_MAP will ask for.
func checkWayIn(f Facts) []Problem {
	c := f.Cluster
	if f.makesCluster() || f.Update || c == nil || c.Mode != "CONFIG_MAP" ||
		f.Answers.ClusterAdminRoleArn != "" || f.Answers.AllowAuthModeChange == "Yes" {
		return nil
	}
	return []Problem{{
		Kind: clusterByMap, On: "ExistingClusterName " + f.Answers.ClusterName,
		Why: "its authentication mode is CONFIG_MAP", Fill: []string{"role", f.Answers.InstallerRoleName},
	}}
}

// checkEndpoint looks whether functions in the cluster's VPC reach its API: by
// the private endpoint, or by the public one if that lets in the addresses of
// the VPC's NAT gateways
// (https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html).
func checkEndpoint(f Facts) []Problem {
	c := f.Cluster
	if f.Mode != contract.ModeExistingEKS || f.Update || c == nil || !c.Found || c.PrivateAccess {
		return nil
	}
	p := Problem{
		Kind: clusterOutOfReach, On: "ExistingClusterName " + f.Answers.ClusterName, Fill: []string{"cluster", f.Answers.ClusterName},
		Why: "its private endpoint is off, and so is the public one",
	}
	switch {
	case !c.PublicAccess:
		return []Problem{p}
	case !c.NATAddressRead || len(c.NATAddresses) == 0:
		return nil // another way out, which cannot be seen from here
	case slices.ContainsFunc(c.NATAddresses, func(a string) bool { return within(a, c.PublicCidrs) }):
		return nil
	}
	p.Why = fmt.Sprintf("its private endpoint is off, and its public one is open to %s only, not to the NAT gateways of its VPC (%s)",
		strings.Join(c.PublicCidrs, ", "), strings.Join(c.NATAddresses, ", "))
	return []Problem{p}
}

// within tells whether an address is in one of the blocks. What cannot be read
// counts as if it were.
func within(address string, blocks []string) bool {
	a, err := netip.ParseAddr(address)
	return err != nil || slices.ContainsFunc(blocks, func(b string) bool {
		block, err := netip.ParsePrefix(b)
		return err != nil || block.Contains(a)
	})
}
