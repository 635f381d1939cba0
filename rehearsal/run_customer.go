package rehearsal

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"strings"

	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/e6data/aws-quickstart/internal/contract"
)

// customer is what a customer has before the stack, in the modes that find
// something.
type customer interface {
	CheckKept(context.Context) error
	CheckBack(context.Context) error
	Remove(context.Context) error
}

// makeCustomer makes what the mode finds, unless the caller names it.
func (r *run) makeCustomer(ctx context.Context) error {
	switch {
	case r.Mode == contract.ModeExistingVPC && r.Parameters["VpcId"] == "":
		return r.makeCustomersVPC(ctx)
	case r.Mode == contract.ModeExistingEKS && r.Parameters["ExistingClusterName"] == "":
		return r.makeCustomersCluster(ctx)
	}
	return nil
}

func (r *run) makeCustomersVPC(ctx context.Context) error {
	made, err := r.env.MakeVPC(ctx, crowdedVPC)
	if err != nil {
		return err
	}
	r.customer = made
	r.tell(map[string]string{"VpcId": made.ID})
	r.say("customer's VPC", "%s, %s, %d subnets, with an internet gateway and an S3 endpoint",
		made.ID, strings.Join(crowdedVPC.Blocks, " and "), len(made.Subnets))
	return nil
}

func (r *run) makeCustomersCluster(ctx context.Context) error {
	if r.Cluster.Charts == "" {
		r.Cluster.Charts = filepath.Join(r.Dir, "charts")
	}
	made, err := r.env.MakeCluster(ctx, r.Cluster)
	if err != nil {
		return err
	}
	r.tell(made.parameters())
	answers := r.template.Answered(r.Parameters)
	changed := maps.Clone(r.Parameters)
	maps.Copy(changed, r.Changes)
	standing := StackAllowance(r.result.Stack, answers).And(StackAllowance(r.result.Stack, r.template.Answered(changed)))
	r.customer = &keptCluster{made, standing, LeftAllowance(answers)}
	with := []string{"no controllers"}
	if r.Cluster.Karpenter {
		with[0] = "its own Karpenter"
	}
	if r.Cluster.LoadBalancerController {
		with = append(with, "its own load balancer controller")
	}
	r.say("customer's cluster", "%s, authentication mode %s, with %s", made.Name, made.described.Mode, strings.Join(with, " and "))
	return nil
}

// tell gives the create parameters that the template has and the caller did not
// give.
func (r *run) tell(parameters map[string]string) {
	r.Parameters = maps.Clone(r.Parameters)
	if r.Parameters == nil {
		r.Parameters = map[string]string{}
	}
	for name, value := range parameters {
		if _, given := r.Parameters[name]; !given && r.template.Parameters[name] != nil {
			r.Parameters[name] = value
		}
	}
}

// parameters are what the customer answers a template for existing clusters.
func (m *MadeCluster) parameters() map[string]string {
	p := m.Answers()
	if m.described.Mode == ekstypes.AuthenticationModeConfigMap {
		p["ClusterAdminRoleArn"] = m.Admin // else nobody lets the stack in
	}
	return p
}

// checkCustomer fails if the stack, while it stands, changed what is the
// customer's.
func (r *run) checkCustomer(ctx context.Context) error {
	if r.customer == nil {
		return nil
	}
	return r.customer.CheckKept(ctx)
}

// checkCustomerBack fails unless all that is the customer's is as it was.
func (r *run) checkCustomerBack(ctx context.Context) error {
	if r.customer == nil {
		return nil
	}
	return r.customer.CheckBack(ctx)
}

// endCustomer removes what is the customer's, if all of it is as it was.
func (r *run) endCustomer(ctx context.Context) error {
	if r.customer == nil {
		return nil
	}
	if err := r.customer.CheckBack(ctx); err != nil {
		return err
	}
	if err := r.customer.Remove(ctx); err != nil {
		return err
	}
	r.say("customer", "all is as it was before the stack, and removed")
	return nil
}

// keptCluster is a customer's cluster with what a stack may add while it stands,
// and what may stay.
type keptCluster struct {
	*MadeCluster
	standing, gone Allowance
}

// CheckKept is the cluster's, with the allowance.
func (k *keptCluster) CheckKept(ctx context.Context) error {
	return k.MadeCluster.CheckKept(ctx, k.standing)
}

// CheckBack is the cluster's, with the allowance.
func (k *keptCluster) CheckBack(ctx context.Context) error {
	return k.MadeCluster.CheckBack(ctx, k.gone)
}

// LeftAllowance is what may stay of a stack of the template for existing
// clusters: the definitions in a chart's folder crds, which Helm never deletes,
// since all objects of theirs, whoever made them, would go too.
func LeftAllowance(parameters map[string]string) (a Allowance) {
	if parameters["LoadBalancerControllerOnCluster"] == "Install" {
		a.New = []string{"CustomResourceDefinition.apiextensions.k8s.io *.elbv2.k8s.aws", "APIService.apiregistration.k8s.io *.elbv2.k8s.aws"}
	}
	return a
}

// StackAllowance is what a stack of the template for existing clusters may add
// while it stands: things with its name or its workspace's, and what its
// controllers and Kubernetes make of them. All of a customer's own stays as it
// is, but for one inline policy of the role that is named for it. The parameters
// are all of the stack's, defaults too.
func StackAllowance(stack string, parameters map[string]string) Allowance {
	workspace := parameters["WorkspaceName"]
	a := Allowance{New: []string{
		"Node *", "NodeClaim.karpenter.sh *", "Pod *", "instance *", "APIService.apiregistration.k8s.io *",
		"PersistentVolume *", "VolumeAttachment.storage.k8s.io *",
	}}
	for _, prefix := range []string{stack + "-", "e6data-" + workspace + "-"} {
		for _, kind := range []string{"role", "role policy", "attached policy", "instance profile", "event rule"} {
			a.New = append(a.New, kind+" "+prefix+"*")
		}
		a.New = append(a.New, "managed policy *:policy/*"+prefix+"*", "queue *"+prefix+"*", "access entry *:role/*"+prefix+"*", "access policy *:role/*"+prefix+"*")
		a.AWSAuth = append(a.AWSAuth, "arn:*:role/"+prefix+"*")
	}
	for _, kind := range []string{"NodePool.karpenter.sh", "EC2NodeClass.karpenter.k8s.aws", "ClusterRole.*", "ClusterRoleBinding.*"} {
		a.New = append(a.New, kind+" *"+workspace+"*", kind+" *e6data*")
	}
	a.New = append(a.New, "ConfigMap kube-system/e6data-*", "OIDC provider *")
	for debugged := range strings.SplitSeq(parameters["DebugNamespaces"], ",") {
		a.New = append(a.New, "Role*.rbac.authorization.k8s.io "+strings.TrimSpace(debugged)+"/"+workspace+"-platform-*")
	}
	namespaces := []string{parameters["KubernetesNamespace"], workspace}
	if parameters["KarpenterOnCluster"] != "Existing" {
		namespaces = append(namespaces, parameters["KarpenterNamespace"])
		a.New = append(a.New, "CustomResourceDefinition.* *", "*Role*.rbac.authorization.k8s.io *karpenter*", "* kube-system/karpenter*", "Helm release *karpenter*")
	}
	if parameters["LoadBalancerControllerOnCluster"] != "Existing" {
		namespaces = append(namespaces, parameters["LoadBalancerControllerNamespace"])
		a.New = append(a.New, "CustomResourceDefinition.* *", "* *aws-load-balancer-*", "IngressClass*.* alb", "Helm release *aws-load-balancer-controller*")
	}
	for _, n := range namespaces {
		if n != "" && n != "kube-system" {
			a.New = append(a.New, "Namespace "+n, "* "+n+"/*")
		}
	}
	if role := parameters["KarpenterControllerRoleName"]; role != "" {
		a.New = append(a.New, fmt.Sprintf("role policy %s/*", role))
	}
	return a
}
