package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"

	"github.com/e6data/aws-quickstart/internal/karpenter"
)

const karpenterServiceAccount = "karpenter"

// KarpenterNodes is what the query engine's nodes run as.
type KarpenterNodes struct {
	RoleName        *string
	RoleArn         *string
	InstanceProfile *string
}

// newKarpenterNodes adds role and instance profile of the nodes that Karpenter
// starts. The profile is the template's own, so that Karpenter makes none and
// none is left behind.
func newKarpenterNodes(s awscdk.Stack) KarpenterNodes {
	role := newRole(s, "KarpenterNodeRole", roleProps{
		Description: "Nodes of the e6data query engine, started by Karpenter",
		Trust:       serviceTrust(principalEC2()),
		Managed:     nodePolicies,
	})
	profile := awsiam.NewCfnInstanceProfile(s, text("KarpenterInstanceProfile"), &awsiam.CfnInstanceProfileProps{
		Path:  ref("RolePath"),
		Roles: &[]any{role.Ref()},
	})
	return KarpenterNodes{RoleName: role.Ref(), RoleArn: role.AttrArn(), InstanceProfile: profile.Ref()}
}

// KarpenterController is what Karpenter's release needs of the account.
type KarpenterController struct {
	RoleArn   *string
	QueueName *string
}

// newKarpenterController adds the controller's role, with upstream's policies
// for the version of the chart, and the queue of interruption events.
func newKarpenterController(s awscdk.Stack, c Cluster) KarpenterController {
	queue := newInterruptionQueue(s)
	var policies []*string
	for _, p := range karpenter.Policies() {
		p = p.Without(karpenter.InstanceProfileWrites...)
		policy := awsiam.NewCfnManagedPolicy(s, text("Karpenter"+p.Name), &awsiam.CfnManagedPolicyProps{
			Description:    text("e6data: Karpenter " + karpenter.Version + ", upstream's " + p.Name),
			Path:           ref("RolePath"),
			PolicyDocument: object(p.Document(), map[string]*string{"ClusterName": c.KnownName}),
		})
		policies = append(policies, policy.Ref())
	}
	role := newRole(s, "KarpenterControllerRole", roleProps{
		Description: "Karpenter's controller: starts and ends the nodes of the e6data query engine",
		Trust:       webIdentityTrust(c, "${KarpenterNamespace}", karpenterServiceAccount),
		Attached:    policies,
		Policies:    []any{useKeyForVolumes(), firstSpot()},
	})
	return KarpenterController{RoleArn: role.AttrArn(), QueueName: queue.AttrQueueName()}
}

// firstSpot lets EC2 make its service-linked role for Spot with the first
// request, in an account that never had one: EC2 does so with the rights of whoever
// asks. A resource of the template would fail in every other account
// (https://karpenter.sh/v1.14/troubleshooting/#missing-service-linked-role).
func firstSpot() any {
	s := allow("MakeServiceLinkedRoleForSpot", []string{"iam:CreateServiceLinkedRole"},
		sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/aws-service-role/"+principalSpot+"/AWSServiceRoleForEC2Spot"))
	s["Condition"] = map[string]any{"StringEquals": map[string]any{"iam:AWSServiceName": principalSpot}}
	return onlyIf(hasSpot, inline("first-spot", s))
}

// interruptions are the events by which AWS tells that an instance will end,
// by the logical IDs of upstream's template: source and detail-type as the
// EventBridge reference has them
// (https://docs.aws.amazon.com/eventbridge/latest/ref/events.html).
var interruptions = []struct{ id, source, detailType string }{
	{"ScheduledChangeRule", "aws.health", "AWS Health Event"},
	{"SpotInterruptionRule", "aws.ec2", "EC2 Spot Instance Interruption Warning"},
	{"RebalanceRule", "aws.ec2", "EC2 Instance Rebalance Recommendation"},
	{"InstanceStateChangeRule", "aws.ec2", "EC2 Instance State-change Notification"},
	{"CapacityReservationInterruptionRule", "aws.ec2", "EC2 Capacity Reservation Instance Interruption Warning"},
}

// newInterruptionQueue adds the queue, and the rules that alone may write to
// it.
func newInterruptionQueue(s awscdk.Stack) awssqs.CfnQueue {
	queue := awssqs.NewCfnQueue(s, text("KarpenterInterruptionQueue"), &awssqs.CfnQueueProps{
		MessageRetentionPeriod: number(300), // an older warning is no use
		SqsManagedSseEnabled:   true,
		Tags:                   appTags(),
	})
	rules := make([]*string, 0, len(interruptions))
	for _, i := range interruptions {
		rule := awsevents.NewCfnRule(s, text("Karpenter"+i.id), &awsevents.CfnRuleProps{
			Description:  text("e6data: tells Karpenter of each " + i.detailType),
			EventPattern: map[string]any{"source": []string{i.source}, "detail-type": []string{i.detailType}},
			Targets: []any{&awsevents.CfnRule_TargetProperty{
				Id: text("KarpenterInterruptionQueue"), Arn: queue.AttrArn(),
			}},
		})
		rules = append(rules, rule.AttrArn())
	}
	awssqs.NewCfnQueuePolicy(s, text("KarpenterInterruptionQueuePolicy"), &awssqs.CfnQueuePolicyProps{
		Queues: &[]*string{queue.Ref()},
		PolicyDocument: policyDocument(
			map[string]any{
				"Sid": "AllowRules", "Effect": "Allow", "Principal": map[string]any{"Service": "events.amazonaws.com"},
				"Action": "sqs:SendMessage", "Resource": queue.AttrArn(),
				"Condition": map[string]any{
					"ArnEquals":    map[string]any{"aws:SourceArn": rules},
					"StringEquals": map[string]any{"aws:SourceAccount": ref("AWS::AccountId")},
				},
			},
			map[string]any{
				"Sid": "DenyPlainHTTP", "Effect": "Deny", "Principal": "*",
				"Action": "sqs:*", "Resource": queue.AttrArn(),
				"Condition": map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}},
			},
		),
	})
	return queue
}

// karpenterValues are the values of upstream's chart karpenter.
func karpenterValues(k KarpenterController, c Cluster) *string {
	return document(map[string]any{
		"serviceAccount": map[string]any{
			"name":        karpenterServiceAccount,
			"annotations": map[string]any{"eks.amazonaws.com/role-arn": "${RoleArn}"},
		},
		"settings": map[string]any{"clusterName": "${Cluster}", "interruptionQueue": "${QueueName}"},
		// The VPC's own resolver: Karpenter starts the nodes that CoreDNS may
		// need.
		"dnsPolicy": "Default",
		"controller": map[string]any{
			"env":   raw("Env"),
			"image": map[string]any{"repository": "${Image}"},
			"resources": map[string]any{
				"requests": map[string]any{"cpu": "250m", "memory": "512Mi"},
				"limits":   map[string]any{"memory": "1Gi"},
			},
		},
	}, c.variables(map[string]*string{"RoleArn": k.RoleArn, "QueueName": k.QueueName, "Env": proxyEnvironment(c), "Image": imageOf("karpenter")}))
}
