"""Buckets: every property, deletion policies, and what is not empty."""

import json
import unittest
from collections.abc import Callable
from typing import Any

import parts
from botocore.exceptions import ClientError
from embedded import EmbeddedAWS
from parts import ref

aws: EmbeddedAWS


def setUpModule() -> None:
    global aws
    aws = EmbeddedAWS()


def tearDownModule() -> None:
    aws.stop()


def bucket(**more: object) -> dict:
    return {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    {
                        "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "key"},
                        "BucketKeyEnabled": True,
                    }
                ]
            },
            "LifecycleConfiguration": {
                "Rules": [
                    {"Id": "cache", "Status": "Enabled", "Prefix": "cached/", "ExpirationInDays": 3},
                    {"Id": "old", "Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 30}},
                    {"Id": "parts", "Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},
                ]
            },
            "LoggingConfiguration": {"DestinationBucketName": ref("Logs"), "LogFilePrefix": "access/"},
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
            "VersioningConfiguration": {"Status": "Enabled"},
            "Tags": [{"Key": "workspace", "Value": "demo"}],
        },
        **more,
    }


FAILS = {"Type": "AWS::EC2::Subnet", "DependsOn": "Data", "Properties": {"VpcId": "vpc-0", "CidrBlock": "10.0.0.0/24"}}


class Keys(unittest.TestCase):
    """S3 uses a customer's key in the caller's name, and is refused where the caller would be."""

    def setUp(self) -> None:
        iam, s3 = aws.client("iam"), aws.client("s3")
        self.key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
        self.bucket = f"keyed-{self.key[-12:]}"
        s3.create_bucket(Bucket=self.bucket)
        by = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": self.key}}
        rules = {"Rules": [{**by, "BucketKeyEnabled": True}]}
        s3.put_bucket_encryption(Bucket=self.bucket, ServerSideEncryptionConfiguration=rules)
        s3.put_object(Bucket=self.bucket, Key="there", Body=b"x")
        root = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}
        self.name = f"reader-{self.key[-12:]}"
        self.role = iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=json.dumps(parts.document([root])))

    def client(self, *key_statements: dict) -> Any:
        everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
        document = json.dumps(parts.document([everything, *key_statements]))
        aws.client("iam").put_role_policy(RoleName=self.name, PolicyName="own", PolicyDocument=document)
        sts = aws.client("sts")
        got = sts.assume_role(RoleArn=self.role["Role"]["Arn"], RoleSessionName="it")["Credentials"]
        return aws.client("s3", got)

    def use(self, actions: list[str], **condition: str) -> dict:
        conditions = {"StringLike": {name.replace("__", ":"): value for name, value in condition.items()}}
        found = {"Effect": "Allow", "Action": actions, "Resource": self.key}
        return {**found, "Condition": conditions} if condition else found

    def test_reading_needs_decrypt_and_writing_a_data_key(self) -> None:
        read, write = self.use(["kms:Decrypt"]), self.use(["kms:GenerateDataKey"])
        for statements, refused in (([], "kms:Decrypt"), ([write], "kms:Decrypt"), ([read], "")):
            with self.subTest(refused=refused):
                self.check(lambda s3: s3.get_object(Bucket=self.bucket, Key="there"), statements, refused)
        for statements, refused in (([], "kms:GenerateDataKey"), ([read], "kms:GenerateDataKey"), ([write], "")):
            with self.subTest(refused=refused):
                self.check(lambda s3: s3.put_object(Bucket=self.bucket, Key="new", Body=b"x"), statements, refused)
        parts_too = ([write], "kms:Decrypt"), ([read, write], "")
        for statements, refused in parts_too:
            with self.subTest(refused=refused):
                self.check(lambda s3: s3.create_multipart_upload(Bucket=self.bucket, Key="big"), statements, refused)

    def test_the_key_can_be_limited_to_s3_and_to_the_bucket(self) -> None:
        get = lambda s3: s3.get_object(Bucket=self.bucket, Key="there")  # noqa: E731
        for condition, refused in (
            ({"kms__ViaService": "s3.us-east-1.*"}, ""),
            ({"kms__ViaService": "ec2.us-east-1.*"}, "kms:Decrypt"),
            ({"kms__EncryptionContext__aws__s3__arn": f"arn:aws:s3:::{self.bucket}"}, ""),
            ({"kms__EncryptionContext__aws__s3__arn": "arn:aws:s3:::another"}, "kms:Decrypt"),
        ):
            with self.subTest(condition=condition):
                self.check(get, [self.use(["kms:Decrypt"], **condition)], refused)

    def test_s3_s_own_keys_are_free(self) -> None:
        s3 = self.client()
        s3.put_object(Bucket=self.bucket, Key="plain", Body=b"x", ServerSideEncryption="AES256")
        s3.get_object(Bucket=self.bucket, Key="plain")

    def check(self, call: Callable[[Any], object], statements: list[dict], refused: str) -> None:
        client = self.client(*statements)
        if not refused:
            call(client)
            return
        with self.assertRaisesRegex(ClientError, f"AccessDenied.*not authorized to perform: {refused} on resource"):
            call(client)


class Buckets(unittest.TestCase):
    def test_nothing_of_a_bucket_is_dropped(self) -> None:
        template = {
            "Resources": {"Logs": {"Type": "AWS::S3::Bucket"}, "Data": bucket()},
            "Outputs": parts.outputs(Data=ref("Data"), Logs=ref("Logs")),
        }
        self.assertEqual(aws.deploy("full", template), "CREATE_COMPLETE", aws.reasons("full"))
        made = aws.outputs("full")
        s3, name = aws.client("s3"), {"Bucket": made["Data"]}
        rule = s3.get_bucket_encryption(**name)["ServerSideEncryptionConfiguration"]["Rules"][0]
        self.assertEqual(
            rule["ApplyServerSideEncryptionByDefault"], {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "key"}
        )
        self.assertTrue(rule["BucketKeyEnabled"])
        rules = s3.get_bucket_lifecycle_configuration(**name)["Rules"]
        self.assertEqual(
            [
                (
                    r["ID"],
                    r.get("Expiration"),
                    r.get("NoncurrentVersionExpiration"),
                    r.get("AbortIncompleteMultipartUpload"),
                )
                for r in rules
            ],
            [
                ("cache", {"Days": 3}, None, None),
                ("old", None, {"NoncurrentDays": 30}, None),
                ("parts", None, None, {"DaysAfterInitiation": 7}),
            ],
        )
        logging = s3.get_bucket_logging(**name)["LoggingEnabled"]
        self.assertEqual((logging["TargetBucket"], logging["TargetPrefix"]), (made["Logs"], "access/"))
        owner = s3.get_bucket_ownership_controls(**name)["OwnershipControls"]["Rules"]
        self.assertEqual(owner, [{"ObjectOwnership": "BucketOwnerEnforced"}])
        blocked = s3.get_public_access_block(**name)["PublicAccessBlockConfiguration"]
        self.assertEqual(set(blocked.values()), {True})
        self.assertEqual(s3.get_bucket_versioning(**name)["Status"], "Enabled")
        self.assertIn({"Key": "workspace", "Value": "demo"}, s3.get_bucket_tagging(**name)["TagSet"])

        properties = template["Resources"]["Data"]["Properties"]
        properties["LifecycleConfiguration"]["Rules"] = properties["LifecycleConfiguration"]["Rules"][:1]
        del properties["LoggingConfiguration"]
        self.assertEqual(aws.deploy("full", template), "UPDATE_COMPLETE", aws.reasons("full"))
        self.assertEqual(len(s3.get_bucket_lifecycle_configuration(**name)["Rules"]), 1)
        self.assertNotIn("LoggingEnabled", s3.get_bucket_logging(**name))

        s3.put_object(**name, Key="x", Body=b"x")
        self.assertEqual(aws.delete("full"), "DELETE_FAILED")
        self.assertIn("BucketNotEmpty", aws.reasons("full"))
        s3.delete_object(**name, Key="x")
        self.assertEqual(aws.delete("full"), "DELETE_FAILED", "its versions are still there")
        for version in s3.list_object_versions(**name).get("Versions", []):
            s3.delete_object(**name, Key="x", VersionId=version["VersionId"])
        for marker in s3.list_object_versions(**name).get("DeleteMarkers", []):
            s3.delete_object(**name, Key="x", VersionId=marker["VersionId"])
        self.assertEqual(aws.delete("full"), "DELETE_COMPLETE", aws.reasons("full"))

    def test_retain_except_on_create(self) -> None:
        kept = bucket(DeletionPolicy="RetainExceptOnCreate", UpdateReplacePolicy="Retain")
        kept["Properties"] = {"BucketName": "kept"}
        for name, more, status, stays in (
            ("a failed create leaves nothing", {"Fails": FAILS}, "ROLLBACK_COMPLETE", False),
            ("a delete keeps it", {}, "CREATE_COMPLETE", True),
        ):
            with self.subTest(name):
                self.assertEqual(aws.deploy("retained", {"Resources": {"Data": kept, **more}}), status)
                self.assertEqual(aws.delete("retained"), "DELETE_COMPLETE", aws.reasons("retained"))
                self.assertEqual("kept" in self._buckets(), stays)

    def test_update_replace_policy_keeps_the_old_bucket(self) -> None:
        replaced = {"Type": "AWS::S3::Bucket", "UpdateReplacePolicy": "Retain", "Properties": {"BucketName": "old"}}
        self.assertEqual(aws.deploy("renamed", {"Resources": {"Data": replaced}}), "CREATE_COMPLETE")
        replaced["Properties"] = {"BucketName": "new"}
        self.assertEqual(aws.deploy("renamed", {"Resources": {"Data": replaced}}), "UPDATE_COMPLETE")
        self.assertLessEqual({"old", "new"}, set(self._buckets()))
        self.assertEqual(aws.delete("renamed"), "DELETE_COMPLETE")
        self.assertIn("old", self._buckets())
        self.assertNotIn("new", self._buckets())

    def test_bucket_policy_holds(self) -> None:
        deny = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        template = {
            "Resources": {
                "Data": {"Type": "AWS::S3::Bucket"},
                "Policy": {
                    "Type": "AWS::S3::BucketPolicy",
                    "Properties": {"Bucket": ref("Data"), "PolicyDocument": parts.document([deny])},
                },
            },
            "Outputs": parts.outputs(Data=ref("Data")),
        }
        self.assertEqual(aws.deploy("policy", template), "CREATE_COMPLETE", aws.reasons("policy"))
        policy = aws.client("s3").get_bucket_policy(Bucket=aws.outputs("policy")["Data"])["Policy"]
        self.assertIn("aws:SecureTransport", policy)
        self.assertEqual(aws.delete("policy"), "DELETE_COMPLETE", aws.reasons("policy"))

    def _buckets(self) -> list[str]:
        return [b["Name"] for b in aws.client("s3").list_buckets()["Buckets"]]
