package rehearsal

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/e6data/aws-quickstart/internal/karpenter"
	"github.com/e6data/aws-quickstart/rehearsal/charts"
)

// poolName is the name of the customer's NodePool and EC2NodeClass.
const poolName = "general"

var (
	nodePools   = schema.GroupVersionResource{Group: "karpenter.sh", Version: "v1", Resource: "nodepools"}
	nodeClaims  = schema.GroupVersionResource{Group: "karpenter.sh", Version: "v1", Resource: "nodeclaims"}
	nodeClasses = schema.GroupVersionResource{Group: "karpenter.k8s.aws", Version: "v1", Resource: "ec2nodeclasses"}
)

// prepareKarpenter makes what Karpenter needs of the account, as its
// getting-started guide does.
func (m *MadeCluster) prepareKarpenter(ctx context.Context) (err error) {
	if m.KarpenterController, err = m.makeRole(ctx, "karpenter", m.webTrust(KarpenterNamespace, "karpenter"), nil); err != nil {
		return err
	}
	queue, err := m.makeQueue(ctx)
	if err != nil {
		return fmt.Errorf("interruption queue: %w", err)
	}
	for _, p := range karpenter.Policies() {
		values := map[string]string{karpenter.ClusterName: m.Name, karpenter.NodeRoleARN: m.KarpenterNodes, karpenter.QueueARN: queue}
		if err := m.attach(ctx, m.KarpenterController, "Karpenter"+p.Name, p.Statements, values); err != nil {
			return err
		}
	}
	// By this tag the node class finds subnets and the security group.
	_, err = m.clients.EC2.CreateTags(ctx, &ec2.CreateTagsInput{
		Resources: append(m.PrivateSubnets(), aws.ToString(m.cluster.ResourcesVpcConfig.ClusterSecurityGroupId)),
		Tags:      []ec2types.Tag{{Key: aws.String("karpenter.sh/discovery"), Value: &m.Name}},
	})
	return err
}

// installKarpenter installs Karpenter's charts and makes the customer's NodePool.
func (m *MadeCluster) installKarpenter(ctx context.Context) error {
	for _, name := range []string{charts.KarpenterCRD, charts.Karpenter} {
		c, err := m.published(name)
		if err != nil {
			return err
		}
		values := map[string]any{}
		if name == charts.Karpenter {
			values["settings"] = map[string]any{"clusterName": m.Name, "interruptionQueue": m.queueName()}
			values["serviceAccount"] = map[string]any{"annotations": map[string]any{"eks.amazonaws.com/role-arn": m.KarpenterController}}
		}
		if err := m.install(ctx, KarpenterNamespace, name, c, values); err != nil {
			return err
		}
	}
	return m.makeNodePool(ctx)
}

func (m *MadeCluster) queueName() string { return m.Name + "-karpenter" }

// interruptions are the events of which Karpenter is told: of upstream's five
// rules, the two that most customers have.
var interruptions = []struct{ name, source, kind string }{
	{"spot", "aws.ec2", "EC2 Spot Instance Interruption Warning"},
	{"state", "aws.ec2", "EC2 Instance State-change Notification"},
}

// makeQueue makes the queue of interruption events and the rules that write to
// it, and returns the queue's ARN.
func (m *MadeCluster) makeQueue(ctx context.Context) (string, error) {
	arn := fmt.Sprintf("arn:aws:sqs:%s:%s:%s", m.env.Region, m.account, m.queueName())
	policy, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
		"Effect": "Allow", "Principal": map[string]any{"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn,
	}}})
	if err != nil {
		return "", err
	}
	_, err = m.clients.SQS.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(m.queueName()), Tags: customerTags, Attributes: map[string]string{
		string(sqstypes.QueueAttributeNameMessageRetentionPeriod): "300", string(sqstypes.QueueAttributeNamePolicy): string(policy),
	}})
	if err != nil {
		return "", err
	}
	for _, i := range interruptions {
		pattern, err := json.Marshal(map[string]any{"source": []string{i.source}, "detail-type": []string{i.kind}})
		if err != nil {
			return "", err
		}
		rule := aws.String(m.queueName() + "-" + i.name)
		if _, err := m.clients.Events.PutRule(ctx, &eventbridge.PutRuleInput{Name: rule, EventPattern: aws.String(string(pattern))}); err != nil {
			return "", err
		}
		to := []eventtypes.Target{{Id: aws.String("karpenter"), Arn: &arn}}
		if _, err := m.clients.Events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: rule, Targets: to}); err != nil {
			return "", err
		}
	}
	return arn, nil
}

// makeNodePool makes the customer's NodePool and EC2NodeClass, as kubectl create
// does.
func (m *MadeCluster) makeNodePool(ctx context.Context) error {
	discovered := []any{map[string]any{"tags": map[string]any{"karpenter.sh/discovery": m.Name}}}
	class := object("karpenter.k8s.aws/v1", "EC2NodeClass", map[string]any{
		"role": nameOf(m.KarpenterNodes), "amiSelectorTerms": []any{map[string]any{"alias": "al2023@latest"}},
		"subnetSelectorTerms": discovered, "securityGroupSelectorTerms": discovered, "tags": map[string]any{"team": "shop"},
	})
	pool := object("karpenter.sh/v1", "NodePool", map[string]any{
		"template": map[string]any{
			"metadata": map[string]any{"labels": map[string]any{"team": "shop"}},
			"spec": map[string]any{
				"nodeClassRef": map[string]any{"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": poolName},
				"expireAfter":  "720h",
				"requirements": []any{
					map[string]any{"key": "karpenter.k8s.aws/instance-family", "operator": "In", "values": []any{"m7i", "m7g"}},
					map[string]any{"key": "karpenter.sh/capacity-type", "operator": "In", "values": []any{"on-demand"}},
				},
			},
		},
		"limits":     map[string]any{"cpu": "64"},
		"disruption": map[string]any{"consolidationPolicy": "WhenEmpty", "consolidateAfter": "10m"},
	})
	if _, err := m.objects.Resource(nodeClasses).Create(ctx, class, metav1.CreateOptions{}); err != nil {
		return err
	}
	_, err := m.objects.Resource(nodePools).Create(ctx, pool, metav1.CreateOptions{})
	return err
}

// awaitNodePool waits until Karpenter runs and has the NodePool ready.
func (m *MadeCluster) awaitNodePool(ctx context.Context) error {
	if err := m.awaitAvailable(ctx, KarpenterNamespace, charts.Karpenter); err != nil {
		return err
	}
	return m.await(ctx, "the customer's NodePool is ready", func(ctx context.Context) error {
		o, err := m.objects.Resource(nodePools).Get(ctx, poolName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		return isReady(o)
	})
}

// awaitTagged waits until Karpenter has named the instances of the customer's
// nodes, which it does some time after they have joined: a change of its own, and
// not one of a stack that comes meanwhile.
func (m *MadeCluster) awaitTagged(ctx context.Context) error {
	return m.await(ctx, "the instances of the customer's nodes are tagged", func(ctx context.Context) error {
		claims, err := m.objects.Resource(nodeClaims).List(ctx, metav1.ListOptions{LabelSelector: "karpenter.sh/nodepool=" + poolName})
		if err != nil {
			return err
		}
		for _, c := range claims.Items {
			if c.GetAnnotations()["karpenter.k8s.aws/tagged"] != "true" {
				return fmt.Errorf("the one of NodeClaim %s is not", c.GetName())
			}
		}
		return nil
	})
}

// object is one of the customer's Karpenter objects.
func object(version, kind string, spec map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": version, "kind": kind, "spec": spec,
		"metadata": map[string]any{"name": poolName, "labels": map[string]any{"owner": "customer"}, "annotations": map[string]any{"platform.example.com/cost-center": "0042"}},
	}}
}

// isReady is an error that tells the condition Ready of an object, if it is not
// True.
func isReady(o *unstructured.Unstructured) error {
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, c := range conditions {
		if c, ok := c.(map[string]any); ok && c["type"] == "Ready" {
			if c["status"] == "True" {
				return nil
			}
			return fmt.Errorf("condition Ready is %v: %v %v", c["status"], c["reason"], c["message"])
		}
	}
	return fmt.Errorf("%s %s has no condition Ready yet", o.GetKind(), o.GetName())
}
