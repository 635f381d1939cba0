package stack

// The customer's KMS key (KmsKeyArn) encrypts what holds the customer's data:
// the workspace bucket, the secrets in the cluster, the volumes of nodes and of
// claims (ADR 19). Its own key policy must let in who cannot be let in from
// here; docs/kms-key-policy.md has it.

// kmsKey is the customer's key, for places that exist only if there is one.
func kmsKey() *string { return ref("KmsKeyArn") }

// kmsKeyOrNothing is the customer's key for a property that is left out without one.
func kmsKeyOrNothing() *string { return eitherText(hasKmsKey, kmsKey(), noValue()) }

// useKeyForVolumes is an inline policy for a role that makes encrypted EBS
// volumes, by itself or by launching instances; it is left out without a key.
// The actions are those of the EBS User Guide, "Requirements for Amazon EBS
// encryption", permissions for users
// (https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html),
// of ReEncrypt both sides by name.
func useKeyForVolumes() any {
	return onlyIf(hasKmsKey, inline("kms-key",
		throughService("UseKeyForVolumes", "ec2", keyActionsForVolumes...),
		grantToService("LendKeyToVolumes", "ec2"),
	))
}

var keyActionsForVolumes = []string{
	"kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo",
}

// useKeyForObjects is an inline policy for a role that reads and writes objects;
// it is left out without a key. The actions are those of the S3 User Guide,
// "Using server-side encryption with AWS KMS keys"
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html),
// the second for uploads. With a bucket's ARN it holds for the objects of that
// bucket: S3 encrypts each for the ARN of the bucket or of the object.
func useKeyForObjects(bucketArn *string) any {
	s := throughService("UseKeyForObjects", "s3", "kms:Decrypt", "kms:GenerateDataKey")
	if bucketArn != nil {
		like := s["Condition"].(map[string]any)["StringLike"].(map[string]any)
		like["kms:EncryptionContext:aws:s3:arn"] = []*string{bucketArn, join("", bucketArn, text("/*"))}
	}
	return onlyIf(hasKmsKey, inline("kms-key", s))
}

// throughService allows actions on the customer's key, as long as an AWS
// service (the first label of its host name) asks for the role.
func throughService(id, service string, actions ...string) map[string]any {
	s := allow(id, actions, kmsKey())
	s["Condition"] = map[string]any{"StringLike": map[string]any{"kms:ViaService": viaService(service)}}
	return s
}

// grantToService allows to hand the key on to the service's own resources, and
// to nobody else.
func grantToService(id, service string) map[string]any {
	s := allow(id, []string{"kms:CreateGrant"}, kmsKey())
	s["Condition"] = map[string]any{
		"StringLike": map[string]any{"kms:ViaService": viaService(service)},
		"Bool":       map[string]any{"kms:GrantIsForAWSResource": "true"},
	}
	return s
}

// viaService is the service's name in kms:ViaService, whatever the partition's
// DNS suffix; only AWS sets that key.
func viaService(service string) *string { return sub(service + ".${AWS::Region}.*") }
