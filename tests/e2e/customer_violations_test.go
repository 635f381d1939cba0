package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/e6data/aws-quickstart/rehearsal"
)

// victim is a customer's cluster to which things are done that no stack may do.
type victim struct {
	*rehearsal.MadeCluster
	aws     *rehearsal.Clients
	kube    kubernetes.Interface
	objects dynamic.Interface
	group   string // the cluster's security group
}

func newVictim(t *testing.T, d *deployment, m *rehearsal.MadeCluster) *victim {
	t.Helper()
	config, err := d.AdminConfig(m.Name)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := d.clients.EKS.DescribeCluster(t.Context(), &eks.DescribeClusterInput{Name: &m.Name})
	if err != nil {
		t.Fatal(err)
	}
	return &victim{m, d.clients, d.kube(t, m.Name), objects, aws.ToString(cluster.Cluster.ResourcesVpcConfig.ClusterSecurityGroupId)}
}

// patch merges into an object of the cluster, as kubectl patch does.
func (v *victim) patch(ctx context.Context, resource schema.GroupVersionResource, namespace, name, patch string) error {
	_, err := v.objects.Resource(resource).Namespace(namespace).Patch(ctx, name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	return err
}

// auth changes the data of aws-auth.
func (v *victim) auth(ctx context.Context, change func(data map[string]string)) error {
	maps := v.kube.CoreV1().ConfigMaps("kube-system")
	found, err := maps.Get(ctx, "aws-auth", metav1.GetOptions{})
	if err != nil {
		return err
	}
	change(found.Data)
	_, err = maps.Update(ctx, found, metav1.UpdateOptions{})
	return err
}

var (
	core = func(resource string) schema.GroupVersionResource {
		return schema.GroupVersionResource{Version: "v1", Resource: resource}
	}
	storage      = schema.GroupVersionResource{Group: "storage.k8s.io", Version: "v1", Resource: "storageclasses"}
	definitions  = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	deployments  = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	viewPolicy   = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
	trustAll     = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`
	allowAll     = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	theWholeWide = "0.0.0.0/0"
)

// violations are what must be seen, each with the things that are then said to
// be other than before, as regular expressions.
var violations = map[string]struct {
	do   func(context.Context, *victim) error
	want []string
}{
	"a tag on a subnet": {func(ctx context.Context, v *victim) error {
		return v.tag(ctx, v.PrivateSubnets()[0], "kubernetes.io/cluster/e6data-analytics", "shared")
	}, []string{"^subnet subnet-"}},
	"a tag on the VPC": {func(ctx context.Context, v *victim) error { return v.tag(ctx, v.VPC.ID, "e6data", "yes") }, []string{"^VPC vpc-"}},
	"a route": {func(ctx context.Context, v *victim) error {
		tables, err := v.aws.EC2.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: []ec2types.Filter{{Name: aws.String("vpc-id"), Values: []string{v.VPC.ID}}}})
		if err != nil {
			return err
		}
		_, err = v.aws.EC2.CreateRoute(ctx, &ec2.CreateRouteInput{RouteTableId: tables.RouteTables[0].RouteTableId, DestinationCidrBlock: aws.String("192.0.2.0/24"), GatewayId: &v.VPC.Gateway})
		return err
	}, []string{"^route table rtb-"}},
	"a rule in the cluster's security group": {func(ctx context.Context, v *victim) error {
		_, err := v.aws.EC2.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{
			GroupId: &v.group, IpProtocol: aws.String("tcp"), FromPort: aws.Int32(443), ToPort: aws.Int32(443), CidrIp: &theWholeWide,
		})
		return err
	}, []string{"^security group rule sg-.* ingress tcp 443-443 0.0.0.0/0"}},
	"a rule that goes": {func(ctx context.Context, v *victim) error {
		_, err := v.aws.EC2.RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{GroupId: &v.group, IpPermissions: []ec2types.IpPermission{
			{IpProtocol: aws.String("-1"), IpRanges: []ec2types.IpRange{{CidrIp: &theWholeWide}}},
		}})
		return err
	}, []string{"^security group rule sg-.* egress"}},
	"a security group in the VPC": {func(ctx context.Context, v *victim) error {
		_, err := v.aws.EC2.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: aws.String("e6data"), Description: aws.String("e6data"), VpcId: &v.VPC.ID})
		return err
	}, []string{"^security group sg-", "^security group rule sg-"}},

	"a byte of aws-auth": {func(ctx context.Context, v *victim) error {
		return v.auth(ctx, func(data map[string]string) {
			data["mapRoles"] = strings.Replace(data["mapRoles"], "# Kept", "#  Kept", 1)
		})
	}, []string{"^aws-auth mapRoles"}},
	"quotes of somebody else's account ID": {func(ctx context.Context, v *victim) error {
		return v.auth(ctx, func(data map[string]string) { data["mapAccounts"] = strings.ReplaceAll(data["mapAccounts"], `"`, "") })
	}, []string{"^aws-auth mapAccounts"}},
	"the users of aws-auth": {func(ctx context.Context, v *victim) error {
		return v.auth(ctx, func(data map[string]string) { delete(data, "mapUsers") })
	}, []string{"^aws-auth mapUsers"}},
	"an entry in aws-auth that nobody allowed": {func(ctx context.Context, v *victim) error {
		return v.auth(ctx, func(data map[string]string) {
			data["mapRoles"] += "- rolearn: arn:aws:iam::000000000000:role/x\n  username: x\n"
		})
	}, []string{"^aws-auth mapRoles"}},
	"a label of aws-auth": {func(ctx context.Context, v *victim) error {
		return v.patch(ctx, core("configmaps"), "kube-system", "aws-auth", `{"metadata":{"labels":{"app.kubernetes.io/managed-by":"e6data"}}}`)
	}, []string{"^aws-auth metadata"}},

	"an access entry": {func(ctx context.Context, v *victim) error {
		_, err := v.aws.EKS.CreateAccessEntry(ctx, &eks.CreateAccessEntryInput{ClusterName: &v.Name, PrincipalArn: &v.KarpenterController})
		return err
	}, []string{"^access entry .*-karpenter$"}},
	"a user name of somebody else's entry": {func(ctx context.Context, v *victim) error {
		_, err := v.aws.EKS.UpdateAccessEntry(ctx, &eks.UpdateAccessEntryInput{ClusterName: &v.Name, PrincipalArn: &v.Creator, Username: aws.String("e6data")})
		return err
	}, []string{"^access entry .*-creator$"}},
	"a policy of somebody else's entry": {func(ctx context.Context, v *victim) error {
		_, err := v.aws.EKS.AssociateAccessPolicy(ctx, &eks.AssociateAccessPolicyInput{
			ClusterName: &v.Name, PrincipalArn: &v.Creator, PolicyArn: &viewPolicy, AccessScope: &ekstypes.AccessScope{Type: ekstypes.AccessScopeTypeCluster},
		})
		return err
	}, []string{"^access policy .*-creator .*AmazonEKSViewPolicy"}},
	"a tag of the cluster": {func(ctx context.Context, v *victim) error {
		arn := "arn:aws:eks:us-east-1:000000000000:cluster/" + v.Name
		_, err := v.aws.EKS.TagResource(ctx, &eks.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{"e6data": "yes"}})
		return err
	}, []string{"^cluster customer"}},
	"an add-on": {func(ctx context.Context, v *victim) error {
		_, err := v.aws.EKS.CreateAddon(ctx, &eks.CreateAddonInput{ClusterName: &v.Name, AddonName: aws.String("eks-pod-identity-agent")})
		return err
	}, []string{"^add-on customer/eks-pod-identity-agent", "^DaemonSet.apps kube-system/", "^(Pod|ControllerRevision.apps|ServiceAccount|EndpointSlice.*|Cluster.*) "}},
	"a label of a node group": {func(ctx context.Context, v *victim) error {
		_, err := v.aws.EKS.UpdateNodegroupConfig(ctx, &eks.UpdateNodegroupConfigInput{
			ClusterName: &v.Name, NodegroupName: aws.String("general-x86-64"), Labels: &ekstypes.UpdateLabelsPayload{AddOrUpdateLabels: map[string]string{"app": "e6data"}},
		})
		return err
	}, []string{"^node group customer/general-x86-64", "^Node ", "^instance "}},
	"an identity for pods": {func(ctx context.Context, v *victim) error {
		_, err := v.aws.EKS.CreatePodIdentityAssociation(ctx, &eks.CreatePodIdentityAssociationInput{ClusterName: &v.Name, Namespace: aws.String("shop"), ServiceAccount: aws.String("default"), RoleArn: &v.Admin})
		return err
	}, []string{"^pod identity a-"}},

	"the trust of a role": {func(ctx context.Context, v *victim) error {
		_, err := v.aws.IAM.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("customer-admin"), PolicyDocument: &trustAll})
		return err
	}, []string{"^role customer-admin"}},
	"an inline policy of a role": {func(ctx context.Context, v *victim) error {
		_, err := v.aws.IAM.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("customer-karpenter"), PolicyName: aws.String("pass"), PolicyDocument: &allowAll})
		return err
	}, []string{"^role policy customer-karpenter/pass"}},
	"a policy that is taken from a role": {func(ctx context.Context, v *victim) error {
		_, err := v.aws.IAM.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: aws.String("customer-nodes"), PolicyArn: aws.String("arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")})
		return err
	}, []string{"^attached policy customer-nodes/.*AmazonSSMManagedInstanceCore"}},
	"another version of a policy": {func(ctx context.Context, v *victim) error {
		_, err := v.aws.IAM.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{
			PolicyArn: aws.String("arn:aws:iam::000000000000:policy/customer/customer-LoadBalancers"), PolicyDocument: &allowAll, SetAsDefault: true,
		})
		return err
	}, []string{"^managed policy .*customer-LoadBalancers"}},
	"a tag of the OIDC provider": {func(ctx context.Context, v *victim) error {
		_, err := v.aws.IAM.TagOpenIDConnectProvider(ctx, &iam.TagOpenIDConnectProviderInput{OpenIDConnectProviderArn: &v.OIDCProvider, Tags: []iamtypes.Tag{{Key: aws.String("e6data"), Value: aws.String("yes")}}})
		return err
	}, []string{"^OIDC provider "}},
	"an audience of the OIDC provider": {func(ctx context.Context, v *victim) error {
		_, err := v.aws.IAM.AddClientIDToOpenIDConnectProvider(ctx, &iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: &v.OIDCProvider, ClientID: aws.String("e6data")})
		return err
	}, []string{"^OIDC provider "}},
	"the queue": {func(ctx context.Context, v *victim) error {
		url, err := v.aws.SQS.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("customer-karpenter")})
		if err != nil {
			return err
		}
		_, err = v.aws.SQS.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: url.QueueUrl, Attributes: map[string]string{"MessageRetentionPeriod": "600"}})
		return err
	}, []string{"^queue .*customer-karpenter"}},
	"a rule of the queue": {func(ctx context.Context, v *victim) error {
		_, err := v.aws.Events.DisableRule(ctx, &eventbridge.DisableRuleInput{Name: aws.String("customer-karpenter-spot")})
		return err
	}, []string{"^event rule customer-karpenter-spot"}},
	"a tag of the load balancer": {func(ctx context.Context, v *victim) error {
		balancers, err := v.aws.LoadBalancing.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{})
		if err != nil || len(balancers.LoadBalancers) != 1 {
			return fmt.Errorf("%d load balancers: %w", len(balancers.LoadBalancers), err)
		}
		_, err = v.aws.LoadBalancing.AddTags(ctx, &elb.AddTagsInput{ResourceArns: []string{*balancers.LoadBalancers[0].LoadBalancerArn}, Tags: []elbtypes.Tag{{Key: aws.String("x"), Value: aws.String("y")}}})
		return err
	}, []string{"^load balancer "}},

	"the limits of a NodePool": {func(ctx context.Context, v *victim) error {
		return v.patch(ctx, nodePools, "", "general", `{"spec":{"limits":{"cpu":"128"}}}`)
	}, []string{"^NodePool.karpenter.sh general"}},
	"a label of a NodePool": {func(ctx context.Context, v *victim) error {
		return v.patch(ctx, nodePools, "", "general", `{"metadata":{"labels":{"app.kubernetes.io/managed-by":"Helm"}}}`)
	}, []string{"^NodePool.karpenter.sh general"}},
	"a finalizer of a NodeClass": {func(ctx context.Context, v *victim) error {
		return v.patch(ctx, nodeClasses, "", "general", `{"metadata":{"finalizers":["karpenter.k8s.aws/termination","e6data.com/mine"]}}`)
	}, []string{"^EC2NodeClass.karpenter.k8s.aws general"}},
	"the default StorageClass": {func(ctx context.Context, v *victim) error {
		return v.patch(ctx, storage, "", "fast", `{"metadata":{"annotations":{"storageclass.kubernetes.io/is-default-class":"false"}}}`)
	}, []string{"^StorageClass.storage.k8s.io fast"}},
	"the owner of a definition": {func(ctx context.Context, v *victim) error {
		return v.patch(ctx, definitions, "", "nodepools.karpenter.sh", `{"metadata":{"annotations":{"meta.helm.sh/release-namespace":"kube-system"}}}`)
	}, []string{"^CustomResourceDefinition.apiextensions.k8s.io nodepools.karpenter.sh"}},
	"a release": {func(ctx context.Context, v *victim) error {
		return v.patch(ctx, core("secrets"), "shop", "sh.helm.release.v1.shop.v1", `{"metadata":{"labels":{"status":"superseded"}}}`)
	}, []string{"^Helm release shop/shop.v1"}},
	"a revision of a release": {func(ctx context.Context, v *victim) error {
		_, err := v.kube.CoreV1().Secrets("shop").Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "sh.helm.release.v1.shop.v2"}}, metav1.CreateOptions{})
		return err
	}, []string{"^Helm release shop/shop.v2"}},
	"a namespace": {func(ctx context.Context, v *victim) error {
		return v.patch(ctx, core("namespaces"), "", "shop", `{"metadata":{"labels":{"elbv2.k8s.aws/pod-readiness-gate-inject":"enabled"}}}`)
	}, []string{"^Namespace shop"}},
	"a setting of a workload": {func(ctx context.Context, v *victim) error {
		return v.patch(ctx, core("configmaps"), "shop", "shop", `{"data":{"CURRENCY":"EUR"}}`)
	}, []string{"^ConfigMap shop/shop"}},
	"a pod of a workload": {func(ctx context.Context, v *victim) error {
		if err := v.kube.CoreV1().Pods("shop").DeleteCollection(ctx, deleteNow, metav1.ListOptions{}); err != nil {
			return err
		}
		return v.until(ctx, func(ctx context.Context) bool {
			d, err := v.kube.AppsV1().Deployments("shop").Get(ctx, "shop", metav1.GetOptions{})
			return err == nil && d.Status.AvailableReplicas == 1
		})
	}, []string{"^Pod shop/shop-", "^security group rule .*elbv2"}},
	"a controller": {func(ctx context.Context, v *victim) error {
		return v.patch(ctx, deployments, "karpenter", "karpenter", `{"metadata":{"annotations":{"e6data":"yes"}}}`)
	}, []string{"^Deployment.apps karpenter/karpenter", "^ReplicaSet.apps karpenter/karpenter-"}},
	"a node that takes no pods": {func(ctx context.Context, v *victim) error {
		nodes, err := v.kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: "eks.amazonaws.com/nodegroup"})
		if err != nil {
			return err
		}
		return v.patch(ctx, core("nodes"), "", nodes.Items[0].Name, `{"spec":{"unschedulable":true}}`)
	}, []string{"^Node ip-"}},
}

func (v *victim) tag(ctx context.Context, id, key, value string) error {
	_, err := v.aws.EC2.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{id}, Tags: []ec2types.Tag{{Key: &key, Value: &value}}})
	return err
}

// until waits until a fact is true.
func (v *victim) until(ctx context.Context, fact func(context.Context) bool) error {
	ctx, cancel := context.WithTimeout(ctx, karpenterLimit)
	defer cancel()
	for !fact(ctx) {
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// Whatever a stack might change of a customer's, the comparison says so, and
// names it, and nothing else.
func TestEachChangeOfACustomersClusterIsSeen(t *testing.T) {
	t.Parallel()
	d := start(t, "")
	m := d.customersCluster(t, rehearsal.CustomerCluster{Mode: "API_AND_CONFIG_MAP", Karpenter: true, LoadBalancerController: true})
	v := newVictim(t, d, m)
	for _, name := range sample(t, slices.Sorted(maps.Keys(violations)), 12) {
		t.Run(name, func(t *testing.T) {
			violation := violations[name]
			if err := violation.do(t.Context(), v); err != nil {
				t.Fatal(err)
			}
			var seen *rehearsal.ChangedError
			await(t, "the change is seen", func(ctx context.Context) error {
				err := m.CheckKept(ctx, rehearsal.Allowance{})
				if errors.As(err, &seen) {
					return nil
				}
				return fmt.Errorf("the comparison says %w", cmpError(err))
			})
			for _, want := range violation.want[:1] {
				if !slices.ContainsFunc(seen.Things(), regexp.MustCompile(want).MatchString) {
					t.Errorf("%s is not named: %v", want, seen)
				}
			}
			for _, thing := range seen.Things() {
				if !slices.ContainsFunc(violation.want, func(w string) bool { return regexp.MustCompile(w).MatchString(thing) }) {
					t.Errorf("%s is said to be other than it was: %v", thing, seen)
				}
			}
			if err := m.Remember(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}

var errNothing = errors.New("that nothing is other than it was")

func cmpError(err error) error {
	if err == nil {
		return errNothing
	}
	return err
}
