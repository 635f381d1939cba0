package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"

	"github.com/e6data/aws-quickstart/internal/contract"
	"github.com/e6data/aws-quickstart/internal/loadbalancer"
	"github.com/e6data/aws-quickstart/internal/policy"
)

const loadBalancerAccount = "aws-load-balancer-controller"

// newLoadBalancerRole adds the role of the AWS Load Balancer Controller, which
// makes load balancers for Ingresses and Services, and what it may do.
func newLoadBalancerRole(s awscdk.Stack, c Cluster, n Network) awsiam.CfnRole {
	return newRole(s, "LoadBalancerControllerRole", roleProps{
		Description: "AWS Load Balancer Controller of the e6data cluster: makes and changes its load balancers",
		Trust:       webIdentityTrust(c, "${LoadBalancerControllerNamespace}", loadBalancerAccount),
		Policies: []any{&awsiam.CfnRole_PolicyProperty{
			PolicyName: text("load-balancers"),
			PolicyDocument: object(policy.Document(loadbalancer.Statements()), map[string]*string{
				"ClusterName": c.Name, "NodeSecurityGroup": c.SecurityGroupID, "VpcId": n.VpcID,
			}),
		}},
	})
}

// loadBalancerRelease is the release of upstream's chart.
func loadBalancerRelease(role awsiam.CfnRole, c Cluster, n Network) contract.HelmRelease {
	return contract.HelmRelease{
		Namespace:       *ref("LoadBalancerControllerNamespace"),
		CreateNamespace: true,
		ReleaseName:     "aws-load-balancer-controller",
		Repository:      *charts(loadBalancerCharts),
		Chart:           "aws-load-balancer-controller",
		ChartVersion:    *ref("LoadBalancerControllerVersion"),
		Values:          *loadBalancerValues(role, c, n),
		Wait:            true,
	}
}

// loadBalancerValues are the values of upstream's chart. On a customer's cluster
// nobody knows the labels of the nodes that are meant for controllers.
func loadBalancerValues(role awsiam.CfnRole, c Cluster, n Network) *string {
	nodes := nodeGroupLabels
	if c.Given {
		nodes = map[string]string{}
	}
	return document(map[string]any{
		"clusterName": "${Cluster}",
		// Pods do not reach the instance metadata, which would say both.
		"region": "${AWS::Region}",
		"vpcId":  "${VpcId}",
		"serviceAccount": map[string]any{
			"name":        loadBalancerAccount,
			"annotations": map[string]any{"eks.amazonaws.com/role-arn": "${RoleArn}"},
		},
		// By the tag app e6data's control plane knows what is the workspace's.
		"defaultTags": raw("Tags"),
		// Features for which the role has no rights.
		"enableWaf": false, "enableWafv2": false, "enableShield": false,
		// Else no Service at all could be made while the controller is not
		// ready.
		"enableServiceMutatorWebhook": false,
		// Else an upgrade makes a certificate that the running pods do not
		// have yet, and Ingresses are refused meanwhile.
		"keepTLSSecret":       true,
		"nodeSelector":        nodes,
		"podDisruptionBudget": map[string]any{"maxUnavailable": 1},
		"resources": map[string]any{
			"requests": map[string]any{"cpu": "100m", "memory": "256Mi"},
			"limits":   map[string]any{"memory": "1Gi"},
		},
		"image": map[string]any{"repository": "${Image}"},
		"env":   raw("Env"),
	}, c.variables(map[string]*string{
		"RoleArn": role.AttrArn(), "VpcId": n.VpcID,
		"Image": imageOf("aws-load-balancer-controller"), "Env": proxyMap(c), "Tags": nodeTagsWith("app", "e6data"),
	}))
}
