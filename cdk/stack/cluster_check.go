package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// ClusterCheck is what was seen on an existing cluster. Whoever reads one of
// its texts waits for the check.
type ClusterCheck struct {
	Resource           awscdk.CfnResource
	KubernetesVersion  *string // major and minor
	KarpenterNamespace *string // of the cluster's own Karpenter, or of the one to be installed
	KarpenterVersion   *string // empty if the cluster does not say it
	// ControllerRoleName is the role of the cluster's own Karpenter as its
	// service account names it; empty if it does not.
	ControllerRoleName *string
	// Notes are sentences for the customer; empty if there are none.
	Notes *string
}

// newClusterCheck adds the check of an existing cluster. It must come before
// anything that is installed there, and after those that let the installer in.
func newClusterCheck(s awscdk.Stack, p Provider, cluster *string, after ...awscdk.CfnResource) ClusterCheck {
	check := newCustomResource(s, "ClusterCheck", contract.TypeClusterCheck, p, contract.ClusterCheck{
		ClusterName:                     *cluster,
		WorkspaceName:                   *ref("WorkspaceName"),
		KubernetesNamespace:             *ref("KubernetesNamespace"),
		DebugNamespaces:                 *joinList(",", listRef("DebugNamespaces")),
		NodePoolName:                    *nodePoolName(),
		Karpenter:                       *ref("KarpenterOnCluster"),
		LoadBalancerController:          *ref("LoadBalancerControllerOnCluster"),
		KarpenterNamespace:              *ref("KarpenterNamespace"),
		KarpenterVersion:                *ref("KarpenterVersion"),
		LoadBalancerControllerNamespace: *ref("LoadBalancerControllerNamespace"),
		LoadBalancerControllerVersion:   *ref("LoadBalancerControllerVersion"),
		KarpenterControllerRoleName:     *ref("KarpenterControllerRoleName"),
	})
	dependOn(check, after...)
	answer := func(name string) *string {
		return awscdk.Token_AsString(check.GetAtt(text(name), awscdk.ResolutionTypeHint_STRING), nil)
	}
	return ClusterCheck{
		Resource:           check,
		KubernetesVersion:  answer("KubernetesVersion"),
		KarpenterNamespace: answer("KarpenterNamespace"),
		KarpenterVersion:   answer("KarpenterVersion"),
		ControllerRoleName: answer("KarpenterControllerRoleName"),
		Notes:              answer("Notes"),
	}
}
