package e2e

const (
	groupHere    = ec2Here + "security-group/sg-0123456789abcdef0"
	k8sBalancers = elbHere + "loadbalancer/app/k8s-e6data-engine-0123456789/0123456789abcdef " + elbHere + "loadbalancer/net/k8s-e6data-engine-0123456789/0123456789abcdef"
	k8sTargets   = elbHere + "targetgroup/k8s-e6data-engine-0123456789/0123456789abcdef"
	k8sListeners = elbHere + "listener/app/k8s-e6data-engine-0123456789/0123456789abcdef/1 " + elbHere + "listener/net/k8s-e6data-engine-0123456789/0123456789abcdef/1"
	k8sRules     = elbHere + "listener-rule/app/k8s-e6data-engine-0123456789/0123456789abcdef/1/2 " + elbHere + "listener-rule/net/k8s-e6data-engine-0123456789/0123456789abcdef/1/2"
	k8sElsewhere = "arn:aws:elasticloadbalancing:eu-west-1:{account}:loadbalancer/app/k8s-e6data-engine-0123456789/0123456789abcdef"
)

var (
	k8sAsks      = asked("elbv2.k8s.aws/cluster", "{cluster}", "app", "e6data")
	k8sHas       = has("elbv2.k8s.aws/cluster", "{cluster}")
	k8sAnother   = asked("elbv2.k8s.aws/cluster", "another", "app", "e6data")
	k8sAnothers  = has("elbv2.k8s.aws/cluster", "another")
	k8sUntagging = keys{"aws:TagKeys": []string{"stage"}}
	newGroup     = keys{"ec2:CreateAction": "CreateSecurityGroup"}
	changed      = asked("stage", "x")
)

func byCreationOf(what string) keys {
	return keys{"elasticloadbalancing:CreateAction": "Create" + what}
}

// loadBalancerPermissions are those of the AWS Load Balancer Controller: what
// it makes for the cluster has the cluster's name in a tag.
var loadBalancerPermissions = []permission{
	may("looks at the network", "ec2:DescribeAccountAttributes ec2:DescribeAddresses ec2:DescribeAvailabilityZones ec2:DescribeInternetGateways ec2:DescribeVpcs ec2:DescribeVpcPeeringConnections ec2:DescribeSubnets ec2:DescribeSecurityGroups ec2:DescribeInstances ec2:DescribeNetworkInterfaces ec2:DescribeTags ec2:DescribeIpamPools ec2:DescribeRouteTables", "*"),
	may("looks at load balancers", "elasticloadbalancing:DescribeLoadBalancers elasticloadbalancing:DescribeLoadBalancerAttributes elasticloadbalancing:DescribeListeners elasticloadbalancing:DescribeListenerCertificates elasticloadbalancing:DescribeSSLPolicies elasticloadbalancing:DescribeRules elasticloadbalancing:DescribeTargetGroups elasticloadbalancing:DescribeTargetGroupAttributes elasticloadbalancing:DescribeTargetHealth elasticloadbalancing:DescribeTags elasticloadbalancing:DescribeTrustStores elasticloadbalancing:DescribeListenerAttributes elasticloadbalancing:DescribeCapacityReservation", "*"),
	may("finds certificates", "acm:ListCertificates", "*"),
	may("reads them", "acm:DescribeCertificate", "arn:aws:acm:{region}:{account}:certificate/01234567-89ab-cdef-0123-456789abcdef"),
	mayNot("certificates elsewhere", "acm:DescribeCertificate", "arn:aws:acm:eu-west-1:{account}:certificate/01234567-89ab-cdef-0123-456789abcdef"),
	mayNot("keys of certificates", "acm:ExportCertificate", "arn:aws:acm:{region}:{account}:certificate/01234567-89ab-cdef-0123-456789abcdef"),
	may("makes the service's role once", "iam:CreateServiceLinkedRole", "arn:aws:iam::{account}:role/aws-service-role/elasticloadbalancing.amazonaws.com/AWSServiceRoleForElasticLoadBalancing", keys{"iam:AWSServiceName": "elasticloadbalancing.amazonaws.com"}),
	mayNot("roles of other services", "iam:CreateServiceLinkedRole", "arn:aws:iam::{account}:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS", keys{"iam:AWSServiceName": "eks.amazonaws.com"}),
	mayNot("another service by that name", "iam:CreateServiceLinkedRole", "arn:aws:iam::{account}:role/aws-service-role/elasticloadbalancing.amazonaws.com/AWSServiceRoleForElasticLoadBalancing", keys{"iam:AWSServiceName": "eks.amazonaws.com"}),
	mayNot("that role elsewhere", "iam:CreateServiceLinkedRole", "arn:aws:iam::{account}:role/another", keys{"iam:AWSServiceName": "elasticloadbalancing.amazonaws.com"}),

	// Security groups.
	may("lets load balancers in to nodes", "ec2:AuthorizeSecurityGroupIngress ec2:RevokeSecurityGroupIngress", ec2Here+"security-group/{nodeGroup}"),
	mayNot("others' doors", "ec2:AuthorizeSecurityGroupIngress ec2:RevokeSecurityGroupIngress", groupHere),
	mayNot("doors of other clusters", "ec2:AuthorizeSecurityGroupIngress ec2:RevokeSecurityGroupIngress ec2:DeleteSecurityGroup", groupHere, k8sAnothers),
	mayNot("the end of the nodes' group", "ec2:DeleteSecurityGroup", ec2Here+"security-group/{nodeGroup}"),
	may("makes groups in the VPC", "ec2:CreateSecurityGroup", ec2Here+"vpc/{vpc}", k8sAsks),
	may("knows the VPC's groups", "ec2:GetSecurityGroupsForVpc", ec2Here+"vpc/{vpc}"),
	mayNot("groups in another VPC", "ec2:CreateSecurityGroup ec2:GetSecurityGroupsForVpc", ec2Here+"vpc/vpc-0123456789abcdef0"),
	may("with its tag", "ec2:CreateSecurityGroup", ec2Here+"security-group/*", k8sAsks),
	mayNot("without", "ec2:CreateSecurityGroup", ec2Here+"security-group/*"),
	mayNot("with another cluster's", "ec2:CreateSecurityGroup", ec2Here+"security-group/*", k8sAnother),
	mayNot("groups elsewhere", "ec2:CreateSecurityGroup", elseWhere+"security-group/*", k8sAsks),
	may("tags them as it makes them", "ec2:CreateTags", ec2Here+"security-group/*", k8sAsks, newGroup),
	mayNot("tags strangers' groups", "ec2:CreateTags", groupHere, k8sAsks),
	mayNot("tags with another cluster's name", "ec2:CreateTags", groupHere, k8sAnother, newGroup),
	mayNot("tags by other calls", "ec2:CreateTags", groupHere, k8sAsks, keys{"ec2:CreateAction": "CreateVolume"}),
	mayNot("tags elsewhere", "ec2:CreateTags", elseWhere+"security-group/sg-1", k8sAsks, newGroup),
	may("changes tags", "ec2:CreateTags", groupHere, changed, k8sHas),
	may("takes tags off", "ec2:DeleteTags", groupHere, k8sUntagging, k8sHas),
	mayNot("whose a group is", "ec2:CreateTags", groupHere, k8sAsks, k8sHas),
	mayNot("tags of others", "ec2:CreateTags", groupHere, changed, k8sAnothers),
	mayNot("tags of the untagged", "ec2:DeleteTags", groupHere, k8sUntagging),
	mayNot("tags of what is no group", "ec2:CreateTags ec2:DeleteTags", ec2Here+"instance/i-1", changed, k8sHas),
	may("changes and ends its groups", "ec2:AuthorizeSecurityGroupIngress ec2:RevokeSecurityGroupIngress ec2:DeleteSecurityGroup", groupHere, k8sHas),
	mayNot("groups elsewhere by its tag", "ec2:AuthorizeSecurityGroupIngress ec2:DeleteSecurityGroup", elseWhere+"security-group/sg-1", k8sHas),

	// Load balancers.
	may("makes load balancers", "elasticloadbalancing:CreateLoadBalancer", k8sBalancers, k8sAsks),
	may("makes target groups", "elasticloadbalancing:CreateTargetGroup", k8sTargets, k8sAsks),
	mayNot("untagged ones", "elasticloadbalancing:CreateLoadBalancer", k8sBalancers),
	mayNot("another cluster's", "elasticloadbalancing:CreateLoadBalancer", k8sBalancers, k8sAnother),
	mayNot("ones elsewhere", "elasticloadbalancing:CreateLoadBalancer", k8sElsewhere, k8sAsks),
	may("tags load balancers as it makes them", "elasticloadbalancing:AddTags", k8sBalancers, k8sAsks, byCreationOf("LoadBalancer")),
	may("target groups", "elasticloadbalancing:AddTags", k8sTargets, k8sAsks, byCreationOf("TargetGroup")),
	may("listeners", "elasticloadbalancing:AddTags", k8sListeners, k8sAsks, byCreationOf("Listener")),
	may("rules", "elasticloadbalancing:AddTags", k8sRules, k8sAsks, byCreationOf("Rule")),
	mayNot("its tag on strangers'", "elasticloadbalancing:AddTags", k8sBalancers+" "+k8sTargets, k8sAsks),
	mayNot("another cluster's on creation", "elasticloadbalancing:AddTags", k8sBalancers, k8sAnother, byCreationOf("LoadBalancer")),
	mayNot("tags on creation elsewhere", "elasticloadbalancing:AddTags", k8sElsewhere, k8sAsks, byCreationOf("LoadBalancer")),
	may("changes tags of all of it", "elasticloadbalancing:AddTags", k8sBalancers+" "+k8sTargets+" "+k8sListeners+" "+k8sRules, changed, k8sHas),
	may("takes tags off", "elasticloadbalancing:RemoveTags", k8sBalancers+" "+k8sTargets+" "+k8sListeners+" "+k8sRules, k8sUntagging, k8sHas),
	mayNot("whose it is", "elasticloadbalancing:AddTags", k8sBalancers, k8sAsks, k8sHas),
	mayNot("tags of others", "elasticloadbalancing:AddTags elasticloadbalancing:RemoveTags", k8sBalancers, changed, k8sAnothers),
	mayNot("tags elsewhere", "elasticloadbalancing:AddTags", k8sElsewhere, changed, k8sHas),
	may("gives load balancers listeners", "elasticloadbalancing:CreateListener", k8sBalancers, k8sAsks, k8sHas),
	may("and these rules", "elasticloadbalancing:CreateRule", k8sListeners, k8sAsks, k8sHas),
	may("changes listeners", "elasticloadbalancing:ModifyListener elasticloadbalancing:ModifyListenerAttributes elasticloadbalancing:AddListenerCertificates elasticloadbalancing:RemoveListenerCertificates elasticloadbalancing:DeleteListener", k8sListeners, k8sHas),
	may("changes rules", "elasticloadbalancing:ModifyRule elasticloadbalancing:SetRulePriorities elasticloadbalancing:DeleteRule", k8sRules, k8sHas),
	mayNot("untagged listeners", "elasticloadbalancing:ModifyListener elasticloadbalancing:DeleteListener elasticloadbalancing:CreateRule", k8sListeners),
	mayNot("listeners of another cluster", "elasticloadbalancing:ModifyListener elasticloadbalancing:CreateRule", k8sListeners, k8sAnothers),
	mayNot("listeners for others' load balancers", "elasticloadbalancing:CreateListener", otherALB, k8sAsks),
	mayNot("listeners elsewhere", "elasticloadbalancing:CreateListener", k8sElsewhere, k8sAsks, k8sHas),
	may("changes load balancers", "elasticloadbalancing:ModifyLoadBalancerAttributes elasticloadbalancing:SetIpAddressType elasticloadbalancing:SetSecurityGroups elasticloadbalancing:SetSubnets elasticloadbalancing:ModifyCapacityReservation elasticloadbalancing:DeleteLoadBalancer", k8sBalancers, k8sHas),
	may("and their addresses", "elasticloadbalancing:ModifyIpPools", elbHere+"loadbalancer/app/k8s-e6data-engine-0123456789/0123456789abcdef", k8sHas),
	may("changes target groups", "elasticloadbalancing:ModifyTargetGroup elasticloadbalancing:ModifyTargetGroupAttributes elasticloadbalancing:DeleteTargetGroup elasticloadbalancing:RegisterTargets elasticloadbalancing:DeregisterTargets", k8sTargets, k8sHas),
	mayNot("untagged load balancers", "elasticloadbalancing:DeleteLoadBalancer elasticloadbalancing:SetSubnets", k8sBalancers),
	mayNot("another cluster's", "elasticloadbalancing:DeleteLoadBalancer elasticloadbalancing:SetSecurityGroups", k8sBalancers, k8sAnothers),
	mayNot("targets of others", "elasticloadbalancing:RegisterTargets elasticloadbalancing:DeleteTargetGroup", k8sTargets, k8sAnothers),
	mayNot("load balancers elsewhere", "elasticloadbalancing:DeleteLoadBalancer", k8sElsewhere, k8sHas),
	mayNot("web ACLs, whose support is off", "elasticloadbalancing:SetWebAcl wafv2:AssociateWebACL", ourALB),
	mayNot("the workspace bucket", "s3:GetObject", "arn:aws:s3:::{bucket}/results/1"),
}
