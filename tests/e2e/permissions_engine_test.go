package e2e

import "slices"

const (
	glueHere    = "arn:aws:glue:{region}:{account}:"
	salesData   = "arn:aws:s3:::example-sales-data"
	systemTable = "arn:aws:iam::{account}:role/e6-system-tables-analytics"
)

// enginePermissions are the query engine's. It reads the catalog of the
// account and, of S3, the two data buckets that the stack was told.
var enginePermissions = slices.Concat([]permission{
	may("reads data that the same key encrypts", "kms:Decrypt", "{key}", throughS3("example-sales-data")),

	may("finds tables", "glue:GetTable glue:GetTables glue:GetPartitions", glueHere+"catalog "+glueHere+"database/sales "+glueHere+"table/sales/orders"),
	may("finds databases", "glue:GetDatabase glue:GetDatabases", glueHere+"catalog "+glueHere+"database/sales"),
	may("writes tables when GlueAccess is ReadWrite", "glue:CreateTable glue:UpdateTable glue:DeleteTable", glueHere+"catalog "+glueHere+"database/sales "+glueHere+"table/sales/orders"),
	mayNot("databases", "glue:CreateDatabase glue:DeleteDatabase", glueHere+"catalog "+glueHere+"database/sales"),
	mayNot("who may read the catalog", "glue:PutResourcePolicy glue:DeleteResourcePolicy", glueHere+"catalog"),
	mayNot("secrets of connections", "glue:GetConnection", glueHere+"connection/orders"),
	mayNot("jobs", "glue:StartJobRun", glueHere+"job/etl"),
	mayNot("catalogs elsewhere", "glue:GetDatabase glue:GetDatabases glue:GetTable glue:GetTables glue:GetPartitions glue:CreateTable glue:UpdateTable glue:DeleteTable", "arn:aws:glue:eu-west-1:{account}:catalog"),
	mayNot("catalogs of other accounts", "glue:GetTable", "arn:aws:glue:{region}:111122223333:catalog"),

	may("lists data", "s3:ListBucket", salesData+" arn:aws:s3:::example-events-data"),
	may("reads data", "s3:GetObject s3:GetObjectTagging s3:GetObjectVersion", salesData+"/2026/1.parquet arn:aws:s3:::example-events-data/1"),
	mayNot("data that nobody named", "s3:ListBucket", "arn:aws:s3:::example-payroll"),
	mayNot("data with a name that goes on", "s3:GetObject s3:GetObjectTagging s3:GetObjectVersion", salesData+"-2/1.parquet arn:aws:s3:::my-example-sales-data/1"),
	mayNot("changes of data", "s3:PutObject s3:DeleteObject s3:PutObjectTagging s3:DeleteObjectVersion", salesData+"/2026/1.parquet"),
	mayNot("the buckets' settings", "s3:PutBucketPolicy s3:DeleteBucket s3:GetBucketPolicy", salesData),

	may("writes system tables in e6data's account", "sts:AssumeRole sts:TagSession", systemTable),
	mayNot("other roles there", "sts:AssumeRole sts:TagSession", "arn:aws:iam::{account}:role/admin"),
	mayNot("such roles in other accounts", "sts:AssumeRole sts:TagSession", "arn:aws:iam::111122223333:role/e6-system-tables-analytics"),
	mayNot("the control plane's role", "sts:AssumeRole", "{CrossAccountRole}"),

	mayNot("other services", "ec2:DescribeInstances elasticloadbalancing:DescribeLoadBalancers cloudwatch:GetMetricStatistics", "*"),
	mayNot("the cluster", "eks:DescribeCluster", "arn:aws:eks:{region}:{account}:cluster/{cluster}"),
}, readWriteWorkspace, useOfKey)
