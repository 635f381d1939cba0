package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
)

const (
	// cachePrefix holds results that the engine can compute again.
	cachePrefix = "cached-query-results/"
	// accessLogPrefix is where the log bucket keeps the workspace bucket's
	// access logs, and accessLogDays how long.
	accessLogPrefix = "workspace-bucket/"
	accessLogDays   = 90
	// oldVersionDays is how long an object that was overwritten or deleted can
	// be got back.
	oldVersionDays = 30
)

// Bucket is what others need of the workspace bucket.
type Bucket struct {
	Name *string
	Arn  *string
}

// newBuckets adds the workspace bucket and the bucket with its access logs.
// Both outlive the stack; a create that fails takes them away again.
func newBuckets(s awscdk.Stack) Bucket {
	logs := awss3.NewCfnBucket(s, text("LogBucket"), bucketProps(
		// S3 delivers access logs to a bucket with its own keys only, unless
		// the key policy lets the delivery service in.
		ownKeysOfS3(),
		[]any{
			lifecycleRule("expire-access-logs", "", accessLogDays),
		}, nil))
	workspace := awss3.NewCfnBucket(s, text("WorkspaceBucket"), bucketProps(
		&awss3.CfnBucket_ServerSideEncryptionByDefaultProperty{
			SseAlgorithm:   eitherText(hasKmsKey, text("aws:kms"), text("AES256")),
			KmsMasterKeyId: kmsKeyOrNothing(),
		},
		[]any{
			lifecycleRule("expire-cached-query-results", cachePrefix, 1),
			&awss3.CfnBucket_RuleProperty{
				Id:                             text("tidy-up"),
				Status:                         text("Enabled"),
				AbortIncompleteMultipartUpload: &awss3.CfnBucket_AbortIncompleteMultipartUploadProperty{DaysAfterInitiation: number(7)},
				NoncurrentVersionExpiration:    &awss3.CfnBucket_NoncurrentVersionExpirationProperty{NoncurrentDays: number(oldVersionDays)},
				ExpiredObjectDeleteMarker:      true,
			},
		},
		&awss3.CfnBucket_LoggingConfigurationProperty{
			DestinationBucketName: logs.Ref(), LogFilePrefix: text(accessLogPrefix),
		}))
	delivery := map[string]any{
		"Sid": "AllowAccessLogs", "Effect": "Allow",
		"Principal": map[string]any{"Service": principalS3Logs},
		"Action":    "s3:PutObject",
		"Resource":  sub("${LogBucket.Arn}/" + accessLogPrefix + "*"),
		"Condition": map[string]any{
			"ArnLike":      map[string]any{"aws:SourceArn": workspace.AttrArn()},
			"StringEquals": map[string]any{"aws:SourceAccount": ref("AWS::AccountId")},
		},
	}
	logsPolicy := awss3.NewCfnBucketPolicy(s, text("LogBucketPolicy"), &awss3.CfnBucketPolicyProps{
		Bucket:         logs.Ref(),
		PolicyDocument: policyDocument(onlyTLS("LogBucket"), delivery),
	})
	workspacePolicy := awss3.NewCfnBucketPolicy(s, text("WorkspaceBucketPolicy"), &awss3.CfnBucketPolicyProps{
		Bucket:         workspace.Ref(),
		PolicyDocument: policyDocument(onlyTLS("WorkspaceBucket")),
	})
	for _, r := range []awscdk.CfnResource{logs, workspace, logsPolicy, workspacePolicy} {
		r.CfnOptions().SetDeletionPolicy(awscdk.CfnDeletionPolicy_RETAIN_EXCEPT_ON_CREATE)
		r.CfnOptions().SetUpdateReplacePolicy(awscdk.CfnDeletionPolicy_RETAIN)
	}
	return Bucket{Name: workspace.Ref(), Arn: workspace.AttrArn()}
}

func ownKeysOfS3() any {
	return &awss3.CfnBucket_ServerSideEncryptionByDefaultProperty{SseAlgorithm: text("AES256")}
}

func bucketProps(encryption any, rules []any, logging any) *awss3.CfnBucketProps {
	return &awss3.CfnBucketProps{
		BucketEncryption: &awss3.CfnBucket_BucketEncryptionProperty{
			ServerSideEncryptionConfiguration: []any{&awss3.CfnBucket_ServerSideEncryptionRuleProperty{
				BucketKeyEnabled:              true,
				ServerSideEncryptionByDefault: encryption,
			}},
		},
		VersioningConfiguration: &awss3.CfnBucket_VersioningConfigurationProperty{Status: text("Enabled")},
		PublicAccessBlockConfiguration: &awss3.CfnBucket_PublicAccessBlockConfigurationProperty{
			BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true,
		},
		OwnershipControls: &awss3.CfnBucket_OwnershipControlsProperty{
			Rules: []any{&awss3.CfnBucket_OwnershipControlsRuleProperty{ObjectOwnership: text("BucketOwnerEnforced")}},
		},
		LifecycleConfiguration: &awss3.CfnBucket_LifecycleConfigurationProperty{Rules: rules},
		LoggingConfiguration:   logging,
		Tags:                   appTags(),
	}
}

// lifecycleRule removes objects under prefix, their old versions and
// unfinished uploads after so many days.
func lifecycleRule(id, prefix string, days int) *awss3.CfnBucket_RuleProperty {
	rule := &awss3.CfnBucket_RuleProperty{
		Id:                             text(id),
		Status:                         text("Enabled"),
		ExpirationInDays:               number(days),
		NoncurrentVersionExpiration:    &awss3.CfnBucket_NoncurrentVersionExpirationProperty{NoncurrentDays: number(1)},
		AbortIncompleteMultipartUpload: &awss3.CfnBucket_AbortIncompleteMultipartUploadProperty{DaysAfterInitiation: number(1)},
	}
	if prefix != "" {
		rule.Prefix = text(prefix)
	}
	return rule
}

// onlyTLS refuses requests that are not encrypted on their way.
func onlyTLS(bucketID string) map[string]any {
	return map[string]any{
		"Sid": "DenyWithoutTLS", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
		"Resource":  []*string{sub("${" + bucketID + ".Arn}"), sub("${" + bucketID + ".Arn}/*")},
		"Condition": map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}},
	}
}
