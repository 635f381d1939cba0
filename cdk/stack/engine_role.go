package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
)

// newEngineRole adds the role of the query engine's service account, which the
// workspace chart names after the workspace.
func newEngineRole(s awscdk.Stack, c Cluster, b Bucket) awsiam.CfnRole {
	return newRole(s, "EngineRole", roleProps{
		Description: "e6data query engine: reads the data buckets, reads and writes the workspace bucket",
		Trust:       webIdentityTrust(c, "${KubernetesNamespace}", "${WorkspaceName}"),
		Policies: []any{
			inlineProperty("glue", allow("ReadCatalog", []string{
				"glue:GetDatabase", "glue:GetDatabases", "glue:GetTable", "glue:GetTables", "glue:GetPartitions",
			}, glueCatalog())),
			onlyIf(hasGlueWrites, inline("glue-writes", allow("WriteTables", []string{
				"glue:CreateTable", "glue:UpdateTable", "glue:DeleteTable",
			}, glueCatalog()))),
			inlineProperty("data-buckets",
				allow("ListDataBuckets", []string{"s3:ListBucket"}, dataBuckets("")),
				allow("ReadData", []string{"s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion"}, dataBuckets("/*")),
			),
			inlineProperty("workspace-bucket", useWorkspaceBucket(b)...),
			useKeyForObjects(nil), // data may be encrypted with it too
			inlineProperty("system-tables", allow("WriteSystemTables", []string{"sts:AssumeRole", "sts:TagSession"}, systemTableRoles())),
		},
	})
}

// useWorkspaceBucket lets a role list, read and write the workspace bucket.
func useWorkspaceBucket(b Bucket) []map[string]any {
	return []map[string]any{
		allow("ListWorkspaceBucket", []string{"s3:ListBucket"}, b.Arn),
		allow("UseWorkspaceBucket", []string{
			"s3:PutObject", "s3:GetObject", "s3:DeleteObject",
			"s3:PutObjectTagging", "s3:GetObjectTagging", "s3:DeleteObjectTagging",
			"s3:GetObjectVersion", "s3:DeleteObjectVersion",
		}, sub("${WorkspaceBucket.Arn}/*")),
	}
}

// dataBuckets are the ARNs of all data buckets, each followed by suffix: a
// list of any length joined with what stands between two names and split
// again. A delimiter must be literal, so the partition is a wildcard; a bucket
// exists in one partition only, and a role acts in its own only.
func dataBuckets(suffix string) *[]*string {
	const prefix = "arn:*:s3:::"
	return split(",", join("",
		text(prefix),
		joinList(suffix+","+prefix, listRef("DataBucketNames")),
		text(suffix),
	))
}

func glueCatalog() []*string {
	const at = "arn:${AWS::Partition}:glue:${AWS::Region}:${AWS::AccountId}:"
	return []*string{sub(at + "catalog"), sub(at + "database/*"), sub(at + "table/*")}
}

// systemTableRoles are the control plane's roles that write its system tables.
func systemTableRoles() *string {
	return subWith("arn:${AWS::Partition}:iam::${ControlPlaneAccount}:role/e6-system-tables-*",
		map[string]*string{"ControlPlaneAccount": pick(4, ":", controlPlanePrincipal())})
}
