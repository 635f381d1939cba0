package e2e

import "slices"

const (
	elbHere   = "arn:aws:elasticloadbalancing:{region}:{account}:"
	wafHere   = "arn:aws:wafv2:{region}:{account}:regional/"
	ourALB    = elbHere + "loadbalancer/app/e6data-analytics/0123456789abcdef"
	ourNLB    = elbHere + "loadbalancer/net/e6data-analytics/0123456789abcdef"
	otherALB  = elbHere + "loadbalancer/app/shop/0123456789abcdef"
	otherNLB  = elbHere + "loadbalancer/net/shop/0123456789abcdef"
	ourACL    = wafHere + "webacl/e6data-analytics/01234567-89ab-cdef-0123-456789abcdef"
	otherACL  = wafHere + "webacl/shop/01234567-89ab-cdef-0123-456789abcdef"
	ourIPs    = wafHere + "ipset/e6data-analytics/01234567-89ab-cdef-0123-456789abcdef"
	otherIPs  = wafHere + "ipset/shop/01234567-89ab-cdef-0123-456789abcdef"
	managed   = wafHere + "managedruleset/*/*"
	ourGroup  = wafHere + "rulegroup/e6data-analytics/01234567-89ab-cdef-0123-456789abcdef"
	elsewhere = "arn:aws:elasticloadbalancing:eu-west-1:{account}:loadbalancer/app/e6data-analytics/0123456789abcdef"
	// What ELB has of a load balancer of ours: its target groups, listeners, rules.
	ourParts = elbHere + "targetgroup/e6data-analytics/0123456789abcdef " +
		elbHere + "listener/app/e6data-analytics/0123456789abcdef/0123456789abcdef " + elbHere + "listener/net/e6data-analytics/0123456789abcdef/0123456789abcdef " +
		elbHere + "listener-rule/app/e6data-analytics/0123456789abcdef/0123456789abcdef/0123456789abcdef " +
		elbHere + "listener-rule/net/e6data-analytics/0123456789abcdef/0123456789abcdef/0123456789abcdef"
)

var (
	ours       = has("app", "e6data")
	others     = has("app", "shop")
	byCreation = keys{"elasticloadbalancing:CreateAction": "CreateLoadBalancer"}
)

// readWriteWorkspace are the rows of whoever uses the workspace bucket.
var readWriteWorkspace = []permission{
	may("lists results", "s3:ListBucket", "arn:aws:s3:::{bucket}"),
	may("keeps results and their tags", "s3:PutObject s3:GetObject s3:DeleteObject s3:PutObjectTagging s3:GetObjectTagging s3:DeleteObjectTagging", "arn:aws:s3:::{bucket}/results/1"),
	may("keeps versions", "s3:GetObjectVersion s3:DeleteObjectVersion", "arn:aws:s3:::{bucket}/results/1"),
	mayNot("objects of another bucket", "s3:PutObject s3:GetObject s3:DeleteObject s3:PutObjectTagging s3:GetObjectTagging s3:DeleteObjectTagging s3:GetObjectVersion s3:DeleteObjectVersion", "arn:aws:s3:::somebody-elses/results/1"),
	mayNot("a bucket whose name begins the same", "s3:ListBucket", "arn:aws:s3:::{bucket}-2"),
	mayNot("objects of the world", "s3:PutObjectAcl s3:BypassGovernanceRetention", "arn:aws:s3:::{bucket}/results/1"),
	mayNot("versioning off", "s3:PutBucketVersioning s3:PutBucketLogging", "arn:aws:s3:::{bucket}"),
}

// throughS3 are the keys of S3's request to KMS, for an object of the bucket.
func throughS3(bucket string) keys {
	return keys{
		"kms:ViaService": "s3.{region}.amazonaws.com", "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::" + bucket,
		"kms:EncryptionContextKeys": []string{"aws:s3:arn"},
	}
}

// useOfKey are the rows of whoever uses objects that a customer's key encrypts.
var useOfKey = []permission{
	may("reads and writes results, which the key encrypts", "kms:Decrypt kms:GenerateDataKey", "{key}", throughS3("{bucket}")),
	mayNot("what is encrypted elsewhere", "kms:Decrypt kms:GenerateDataKey", "{key}", keys{"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::{bucket}"}),
	mayNot("disks", "kms:Decrypt kms:GenerateDataKey", "{key}", throughS3("{bucket}"), keys{"kms:ViaService": "ec2.{region}.amazonaws.com"}),
	mayNot("buckets elsewhere", "kms:Decrypt kms:GenerateDataKey", "{key}", throughS3("{bucket}"), keys{"kms:ViaService": "s3.eu-west-1.amazonaws.com"}),
	mayNot("other keys through S3", "kms:Decrypt kms:GenerateDataKey", "arn:aws:kms:{region}:{account}:key/00000000-0000-0000-0000-000000000000", throughS3("{bucket}")),
	mayNot("the key itself", "kms:CreateGrant kms:DisableKey kms:ScheduleKeyDeletion kms:PutKeyPolicy", "{key}", keys{"kms:ViaService": "s3.{region}.amazonaws.com"}),
}

var crossAccountPermissions = slices.Concat([]permission{
	mayNot("other buckets' objects with the same key", "kms:Decrypt kms:GenerateDataKey", "{key}", throughS3("example-sales-data")),

	// The cluster.
	may("finds the cluster", "eks:DescribeCluster eks:ListNodegroups", "arn:aws:eks:{region}:{account}:cluster/{cluster}"),
	may("looks at its node groups", "eks:DescribeNodegroup", "arn:aws:eks:{region}:{account}:nodegroup/{cluster}/default/01234567-89ab-cdef-0123-456789abcdef"),
	mayNot("another cluster", "eks:DescribeCluster eks:ListNodegroups", "arn:aws:eks:{region}:{account}:cluster/another"),
	mayNot("another cluster's nodes", "eks:DescribeNodegroup", "arn:aws:eks:{region}:{account}:nodegroup/another/default/01234567-89ab-cdef-0123-456789abcdef"),
	mayNot("a way into the cluster beside its access entry", "eks:AssociateAccessPolicy", "arn:aws:eks:{region}:{account}:access-entry/{cluster}/role/{account}/x/1"),
	mayNot("nodes", "eks:UpdateNodegroupConfig eks:DeleteNodegroup", "arn:aws:eks:{region}:{account}:nodegroup/{cluster}/default/01234567-89ab-cdef-0123-456789abcdef"),

	// Data stores: none but the workspace bucket.
	mayNot("the data that the engine reads", "s3:GetObject s3:GetObjectVersion s3:GetObjectTagging s3:PutObject", "arn:aws:s3:::example-sales-data/2026/1.parquet"),
	mayNot("which data there is", "s3:ListBucket s3:ListBucketVersions s3:GetBucketLocation", "arn:aws:s3:::example-sales-data"),
	mayNot("the catalog", "glue:GetDatabase glue:GetTable glue:GetTables glue:GetPartitions glue:DeleteTable", "arn:aws:glue:{region}:{account}:catalog"),
	mayNot("queries of Athena", "athena:StartQueryExecution athena:GetQueryResults", "arn:aws:athena:{region}:{account}:workgroup/primary"),
	mayNot("streams", "kinesis:GetRecords", "arn:aws:kinesis:{region}:{account}:stream/orders"),
	mayNot("queries of Redshift", "redshift-data:ExecuteStatement", "arn:aws:redshift:{region}:{account}:cluster:orders"),
	mayNot("queries of Aurora", "rds-data:ExecuteStatement", "arn:aws:rds:{region}:{account}:cluster:orders"),
	mayNot("file systems", "elasticfilesystem:ClientMount", "arn:aws:elasticfilesystem:{region}:{account}:file-system/fs-1"),
	mayNot("snapshots of disks", "ec2:CreateSnapshot", "arn:aws:ec2:{region}:{account}:volume/vol-0123456789abcdef0"),
	mayNot("search", "es:ESHttpGet", "arn:aws:es:{region}:{account}:domain/orders"),

	// Load balancers of endpoints.
	may("makes an endpoint's load balancer", "elasticloadbalancing:CreateLoadBalancer", ourALB+" "+ourNLB, asked("app", "e6data")),
	mayNot("one without the tag", "elasticloadbalancing:CreateLoadBalancer", ourALB),
	mayNot("one with another tag", "elasticloadbalancing:CreateLoadBalancer", ourALB, asked("app", "shop")),
	mayNot("one with another name", "elasticloadbalancing:CreateLoadBalancer", otherALB+" "+otherNLB, asked("app", "e6data")),
	mayNot("one in another region", "elasticloadbalancing:CreateLoadBalancer", elsewhere, asked("app", "e6data")),
	may("tags it as it makes it", "elasticloadbalancing:AddTags", ourALB+" "+ourNLB, asked("app", "e6data"), byCreation),
	may("also for the controller in the cluster", "elasticloadbalancing:AddTags", ourALB, asked("app", "e6data", "elbv2.k8s.aws/cluster", "{cluster}"), byCreation),
	mayNot("its tag on what is there already", "elasticloadbalancing:AddTags", ourALB, asked("app", "e6data")),
	mayNot("its tag on a stranger's", "elasticloadbalancing:AddTags", otherALB, asked("app", "e6data"), byCreation),
	mayNot("another tag on creation", "elasticloadbalancing:AddTags", ourALB, asked("app", "shop"), byCreation),
	mayNot("a new target group", "elasticloadbalancing:AddTags", elbHere+"targetgroup/e6data-analytics/0123456789abcdef", asked("app", "e6data"), keys{"elasticloadbalancing:CreateAction": "CreateTargetGroup"}),
	may("marks what belongs to it", "elasticloadbalancing:AddTags", ourALB+" "+ourNLB+" "+ourParts, asked("elbv2.k8s.aws/cluster", "{cluster}"), ours),
	may("and takes marks off", "elasticloadbalancing:RemoveTags", ourALB+" "+ourNLB+" "+ourParts, keys{"aws:TagKeys": []string{"stage"}}, ours),
	mayNot("the tag that makes it ours", "elasticloadbalancing:RemoveTags", ourALB+" "+ourParts, keys{"aws:TagKeys": []string{"app"}}, ours),
	mayNot("tags of the untagged", "elasticloadbalancing:AddTags", ourALB+" "+ourParts, asked("stage", "x")),
	mayNot("tags of strangers' load balancers", "elasticloadbalancing:AddTags elasticloadbalancing:RemoveTags", otherALB, keys{"aws:TagKeys": []string{"stage"}}, ours),
	may("ends an endpoint's load balancer", "elasticloadbalancing:DeleteLoadBalancer", ourALB+" "+ourNLB+" "+otherALB, ours),
	mayNot("the end of an untagged one", "elasticloadbalancing:DeleteLoadBalancer", ourALB+" "+ourNLB),
	mayNot("the end of another's", "elasticloadbalancing:DeleteLoadBalancer", otherALB+" "+otherNLB, others),
	mayNot("the end of one elsewhere", "elasticloadbalancing:DeleteLoadBalancer", elsewhere, ours),
	mayNot("what the controller in the cluster does", "elasticloadbalancing:CreateTargetGroup elasticloadbalancing:DeleteTargetGroup elasticloadbalancing:ModifyTargetGroup", elbHere+"targetgroup/e6data-analytics/0123456789abcdef"),
	mayNot("listeners", "elasticloadbalancing:CreateListener", ourALB),
	mayNot("security groups", "elasticloadbalancing:SetSecurityGroups", ourALB),
	may("reads an endpoint's certificate", "acm:DescribeCertificate", "arn:aws:acm:{region}:{account}:certificate/01234567-89ab-cdef-0123-456789abcdef"),
	mayNot("a certificate elsewhere", "acm:DescribeCertificate", "arn:aws:acm:eu-west-1:{account}:certificate/01234567-89ab-cdef-0123-456789abcdef"),
	mayNot("a certificate's key", "acm:ExportCertificate acm:DeleteCertificate", "arn:aws:acm:{region}:{account}:certificate/01234567-89ab-cdef-0123-456789abcdef"),

	// Web ACLs of endpoints.
	may("makes a web ACL and its IP sets", "wafv2:CreateWebACL", ourACL+" "+ourIPs+" "+managed, asked("app", "e6data")),
	may("an IP set", "wafv2:CreateIPSet", ourIPs, asked("app", "e6data")),
	may("tags them as it makes them", "wafv2:TagResource", ourACL+" "+ourIPs, asked("app", "e6data")),
	mayNot("untagged ones", "wafv2:CreateWebACL", ourACL+" "+managed),
	mayNot("untagged IP sets", "wafv2:CreateIPSet", ourIPs),
	mayNot("ones with another name", "wafv2:CreateWebACL wafv2:TagResource", otherACL, asked("app", "e6data")),
	mayNot("IP sets with another name", "wafv2:CreateIPSet wafv2:TagResource", otherIPs, asked("app", "e6data")),
	mayNot("another tag on a new one", "wafv2:CreateWebACL wafv2:TagResource", ourACL, asked("app", "shop")),
	mayNot("rule groups", "wafv2:TagResource", ourGroup, asked("app", "e6data"), ours),
	may("changes its web ACLs", "wafv2:UpdateWebACL wafv2:DeleteWebACL wafv2:AssociateWebACL", ourACL+" "+otherACL, ours),
	may("with its IP sets", "wafv2:UpdateWebACL wafv2:GetIPSet wafv2:UpdateIPSet wafv2:DeleteIPSet", ourIPs, ours),
	may("and AWS's rules", "wafv2:UpdateWebACL", managed),
	may("marks them", "wafv2:TagResource", ourACL+" "+otherIPs, asked("stage", "x"), ours),
	may("and takes marks off", "wafv2:UntagResource", ourACL+" "+ourIPs, keys{"aws:TagKeys": []string{"stage"}}, ours),
	mayNot("the tag that makes them its own", "wafv2:UntagResource", ourACL+" "+ourIPs, keys{"aws:TagKeys": []string{"app"}}, ours),
	mayNot("marks on the untagged", "wafv2:TagResource", otherACL, asked("stage", "x")),
	mayNot("marks off the untagged", "wafv2:UntagResource", ourACL, keys{"aws:TagKeys": []string{"stage"}}),
	mayNot("marks off rule groups", "wafv2:UntagResource", ourGroup, keys{"aws:TagKeys": []string{"stage"}}, ours),
	mayNot("the customer's web ACLs", "wafv2:UpdateWebACL wafv2:DeleteWebACL wafv2:AssociateWebACL", otherACL, others),
	mayNot("untagged web ACLs", "wafv2:UpdateWebACL wafv2:DeleteWebACL wafv2:AssociateWebACL", ourACL),
	mayNot("the customer's IP sets", "wafv2:UpdateIPSet wafv2:DeleteIPSet wafv2:GetIPSet", otherIPs, others),
	mayNot("the customer's rule groups", "wafv2:UpdateWebACL", wafHere+"rulegroup/shop/01234567-89ab-cdef-0123-456789abcdef"),
	mayNot("web ACLs elsewhere", "wafv2:UpdateWebACL wafv2:DeleteWebACL", "arn:aws:wafv2:eu-west-1:{account}:regional/webacl/e6data-a/01234567-89ab-cdef-0123-456789abcdef", ours),
	mayNot("web ACLs of CloudFront", "wafv2:UpdateWebACL wafv2:GetWebACL wafv2:GetWebACLForResource", "arn:aws:wafv2:us-east-1:{account}:global/webacl/e6data-a/01234567-89ab-cdef-0123-456789abcdef", ours),
	mayNot("web ACLs with IP sets of others", "wafv2:CreateWebACL", otherIPs, asked("app", "e6data")),
	mayNot("logs of web ACLs", "wafv2:PutLoggingConfiguration", ourACL, ours),
	may("guards its load balancers", "wafv2:AssociateWebACL wafv2:DisassociateWebACL elasticloadbalancing:SetWebAcl elasticloadbalancing:CreateWebACLAssociation elasticloadbalancing:DeleteWebACLAssociation", ourALB),
	mayNot("guards of others'", "wafv2:AssociateWebACL wafv2:DisassociateWebACL elasticloadbalancing:SetWebAcl elasticloadbalancing:CreateWebACLAssociation elasticloadbalancing:DeleteWebACLAssociation", otherALB),
	mayNot("guards of APIs", "wafv2:AssociateWebACL", "arn:aws:apigateway:{region}::/restapis/a/stages/b"),
	may("looks at who guards what", "wafv2:GetWebACL wafv2:GetWebACLForResource", ourACL+" "+otherACL),
	may("also from the load balancer's side", "wafv2:GetWebACLForResource elasticloadbalancing:GetLoadBalancerWebACL", ourALB+" "+otherALB),
	mayNot("guards of users", "wafv2:GetWebACLForResource", "arn:aws:cognito-idp:{region}:{account}:userpool/a"),
	mayNot("load balancers elsewhere", "elasticloadbalancing:GetLoadBalancerWebACL", elsewhere),

	// Monitoring.
	may("sees where the workspace runs", "ec2:DescribeInstances ec2:DescribeRouteTables ec2:DescribeSubnets elasticloadbalancing:DescribeLoadBalancers", "*"),
	may("reads metrics", "cloudwatch:GetMetricStatistics", "*"),
	mayNot("other regions", "ec2:DescribeInstances ec2:DescribeRouteTables ec2:DescribeSubnets elasticloadbalancing:DescribeLoadBalancers cloudwatch:GetMetricStatistics", "*", inAnotherRegion),
	may("knows how near a quota is", "servicequotas:GetServiceQuota", "arn:aws:servicequotas:{region}:{account}:ec2/L-1216C47A"),
	mayNot("quotas elsewhere", "servicequotas:GetServiceQuota", "arn:aws:servicequotas:eu-west-1:{account}:ec2/L-1216C47A"),
	mayNot("more quota", "servicequotas:RequestServiceQuotaIncrease", "arn:aws:servicequotas:{region}:{account}:ec2/L-1216C47A"),
	mayNot("who talks to whom", "ec2:DescribeFlowLogs ec2:DescribeSecurityGroups ec2:DescribeVpcs", "*"),
	mayNot("instances' secrets", "ec2:GetPasswordData ec2:GetConsoleOutput", "arn:aws:ec2:{region}:{account}:instance/i-0123456789abcdef0"),
	mayNot("instances", "ec2:StopInstances", "arn:aws:ec2:{region}:{account}:instance/i-0123456789abcdef0", ours),
	mayNot("alarms", "cloudwatch:DeleteAlarms", "arn:aws:cloudwatch:{region}:{account}:alarm:a"),
}, readWriteWorkspace, useOfKey)
