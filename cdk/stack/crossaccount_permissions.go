package stack

// What e6data's control plane does besides looking at the cluster: it makes the
// load balancers behind a workspace's endpoints, guards them by web ACLs, and
// reads metrics. Two things make a resource its own: a name that begins with
// e6data- when it is made, and the tag app=e6data from then on. ADR 17 says what
// differs from the Terraform, and why.
//
// Actions, resources and keys are those of the service authorization reference
// (https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html).

const ownedName = "e6data-*"

// manageEndpoints are the permissions for endpoints: load balancers, their web
// ACLs, and a look at their certificates.
func manageEndpoints() []map[string]any {
	newAndOurs := map[string]any{"aws:RequestTag/app": "e6data"}
	ours := map[string]any{"aws:ResourceTag/app": "e6data"}
	// The tag decides what is ours, so nobody may move it.
	notTheTag := map[string]any{"aws:TagKeys": []string{"app"}}
	return []map[string]any{
		when(map[string]any{"StringEquals": newAndOurs},
			allow("CreateLoadBalancers", []string{"elasticloadbalancing:CreateLoadBalancer"}, loadBalancers(ownedName))),
		// Tags on creation are a right of their own
		// (https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/tagging-resources-during-creation.html).
		when(map[string]any{"StringEquals": map[string]any{
			"aws:RequestTag/app": "e6data", "elasticloadbalancing:CreateAction": "CreateLoadBalancer",
		}},
			allow("TagNewLoadBalancers", []string{"elasticloadbalancing:AddTags"}, loadBalancers(ownedName))),
		when(map[string]any{"StringEquals": ours},
			allow("DeleteLoadBalancers", []string{"elasticloadbalancing:DeleteLoadBalancer"}, loadBalancers("*"))),
		when(map[string]any{"StringEquals": ours, "ForAllValues:StringNotEquals": notTheTag},
			allow("TagLoadBalancers", []string{"elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags"}, loadBalancerParts())),
		allow("ReadCertificates", []string{"acm:DescribeCertificate"}, here("acm", "certificate/*")),

		// A call with a load balancer and a web ACL is judged on both: here on the
		// former (https://docs.aws.amazon.com/waf/latest/developerguide/security_iam_service-with-iam.html,
		// "Actions that require additional permissions settings").
		allow("ProtectLoadBalancers", []string{
			"wafv2:AssociateWebACL", "wafv2:DisassociateWebACL",
			"elasticloadbalancing:SetWebAcl", "elasticloadbalancing:CreateWebACLAssociation", "elasticloadbalancing:DeleteWebACLAssociation",
		}, applicationLoadBalancers(ownedName)),
		allow("ReadWebAclOfLoadBalancers", []string{"wafv2:GetWebACLForResource", "elasticloadbalancing:GetLoadBalancerWebACL"},
			applicationLoadBalancers("*")),
		allow("ReadWebAcls", []string{"wafv2:GetWebACL", "wafv2:GetWebACLForResource"}, here("wafv2", "regional/webacl/*/*")),
		// AWS judges a web ACL's managed rule groups too, and they have no tags.
		when(map[string]any{"StringEquals": newAndOurs},
			allow("CreateWebAcls", []string{"wafv2:CreateWebACL", "wafv2:CreateIPSet"},
				append(webACLs(ownedName), here("wafv2", "regional/managedruleset/*/*")))),
		// WAF has no key that tells a tag on creation from a later one, so the name
		// keeps this from what others made.
		when(map[string]any{"StringEquals": newAndOurs},
			allow("TagNewWebAcls", []string{"wafv2:TagResource"}, webACLs(ownedName))),
		when(map[string]any{"StringEquals": ours, "ForAllValues:StringNotEquals": notTheTag},
			allow("TagWebAcls", []string{"wafv2:TagResource", "wafv2:UntagResource"}, webACLs("*"))),
		when(map[string]any{"StringEquals": ours},
			allow("ManageWebAcls", []string{
				"wafv2:AssociateWebACL", "wafv2:UpdateWebACL", "wafv2:DeleteWebACL",
				"wafv2:GetIPSet", "wafv2:UpdateIPSet", "wafv2:DeleteIPSet",
			}, webACLs("*"))),
		allow("UseManagedRules", []string{"wafv2:UpdateWebACL"}, here("wafv2", "regional/managedruleset/*/*")),
	}
}

// monitor are the permissions for monitoring: where the workspace runs, what its
// load balancers and nodes do, and how near it is to the account's quotas. The
// first four can be limited to no resource, so they are to the region.
func monitor() []map[string]any {
	return []map[string]any{
		when(map[string]any{"StringEquals": map[string]any{"aws:RequestedRegion": ref("AWS::Region")}},
			allow("ReadNetworkAndMetrics", []string{
				"ec2:DescribeInstances", "ec2:DescribeRouteTables", "ec2:DescribeSubnets",
				"elasticloadbalancing:DescribeLoadBalancers", "cloudwatch:GetMetricStatistics",
			}, "*")),
		allow("ReadQuotas", []string{"servicequotas:GetServiceQuota"}, here("servicequotas", "*")),
	}
}

// here is the ARN of a resource of this account in this region.
func here(service, resource string) *string {
	return sub("arn:${AWS::Partition}:" + service + ":${AWS::Region}:${AWS::AccountId}:" + resource)
}

func applicationLoadBalancers(name string) *string {
	return here("elasticloadbalancing", "loadbalancer/app/"+name+"/*")
}

func loadBalancers(name string) []*string {
	return []*string{applicationLoadBalancers(name), here("elasticloadbalancing", "loadbalancer/net/"+name+"/*")}
}

// loadBalancerParts are load balancers of ours with all that belongs to them.
func loadBalancerParts() []*string {
	parts := append(loadBalancers(ownedName), here("elasticloadbalancing", "targetgroup/"+ownedName+"/*"))
	for _, kind := range []string{"listener", "listener-rule"} {
		for _, of := range []string{"app", "net"} {
			parts = append(parts, here("elasticloadbalancing", kind+"/"+of+"/"+ownedName+"/*"))
		}
	}
	return parts
}

// webACLs are web ACLs and IP sets by name.
func webACLs(name string) []*string {
	return []*string{here("wafv2", "regional/webacl/"+name+"/*"), here("wafv2", "regional/ipset/"+name+"/*")}
}
